//! Who listens on a port.

use std::{
    collections::BTreeSet,
    fs, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
};

use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, ipproto, socket_with, sockopt};

/// A process that has a socket on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) pid: u32,
    /// As the kernel has it.
    pub(super) command: String,
}

/// Whether a listener could have a TCP port of every address, now. What cannot be asked is taken to be free.
pub(super) fn is_free(port: u16) -> bool {
    let taken = |address: SocketAddr| try_bind(address).is_err_and(|error| error.kind() == io::ErrorKind::AddrInUse);
    !taken((Ipv4Addr::UNSPECIFIED, port).into()) && !taken((Ipv6Addr::UNSPECIFIED, port).into())
}

/// As a server would do it: connections that have ended may still linger.
fn try_bind(address: SocketAddr) -> io::Result<()> {
    let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
    let socket = socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, Some(ipproto::TCP))?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    if address.is_ipv6() {
        sockopt::set_ipv6_v6only(&socket, true)?;
    }
    Ok(bind(&socket, &address)?)
}

/// Processes that have a socket which keeps others from listening there. Empty: none, or none that we may see.
pub(super) fn holders(port: u16) -> Vec<Holder> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|table| fs::read_to_string(table).unwrap_or_default());
    let on_it: Vec<_> = tables.iter().flat_map(|table| table.lines()).filter_map(|line| socket(line, port)).collect();
    // Connections share their listener's port; without a listener it is one of them that is in the way.
    let listeners = on_it.iter().any(|socket| socket.listens);
    let in_the_way = on_it.iter().filter(|socket| socket.listens == listeners);
    let sockets: BTreeSet<_> = in_the_way.map(|socket| format!("socket:[{}]", socket.inode)).collect();
    if sockets.is_empty() {
        return Vec::new();
    }
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|pid| has_one(*pid, &sockets)).map(|pid| Holder { pid, command: command(pid) }).collect()
}

fn has_one(pid: u32, sockets: &BTreeSet<String>) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut targets = open.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    targets.any(|target| target.to_str().is_some_and(|target| sockets.contains(target)))
}

fn command(pid: u32) -> String {
    fs::read_to_string(format!("/proc/{pid}/comm")).map_or_else(|_| "?".to_owned(), |text| text.trim_end().to_owned())
}

/// A socket on a port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Socket {
    inode: u64,
    listens: bool,
}

/// From a line of proc_net_tcp(5). None: another port, or a connection that only lingers.
fn socket(line: &str, port: u16) -> Option<Socket> {
    let mut words = line.split_whitespace().skip(1);
    let (_, local_port) = words.next()?.rsplit_once(':')?;
    if u16::from_str_radix(local_port, 16).ok()? != port {
        return None;
    }
    // Past the other end's address: the state; then queues, timer, retransmits, user, time-out.
    let listens = words.nth(1)? == LISTENS;
    let inode = words.nth(5)?.parse().ok().filter(|inode| *inode != 0)?;
    Some(Socket { inode, listens })
}

/// `TCP_LISTEN`
const LISTENS: &str = "0A";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listeners_are_told_from_connections() {
        let cases = [
            (
                "   0: 00000000:07E8 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1510 1 000000002dbc6c33 100 0 0 10 0",
                2024,
                Some((1510, true)),
            ),
            (
                "   1: 0100007F:07E8 0100007F:C001 01 00000000:00000000 00:00000000 00000000     0        0 1511 1 0 20 4 30 10 -1",
                2024,
                Some((1511, false)),
            ),
            (
                "   2: 0100007F:07E8 0100007F:C001 06 00000000:00000000 03:00001234 00000000     0        0 0 3 000000009c9d1b5e",
                2024,
                None,
            ),
            (
                "   0: 00000000000000000000000001000000:1F90 00000000000000000000000000000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 99 1 0 100 0 0 10 0",
                8080,
                Some((99, true)),
            ),
            (
                "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode",
                8080,
                None,
            ),
            ("", 8080, None),
        ];
        for (line, port, expected) in cases {
            let expected = expected.map(|(inode, listens)| Socket { inode, listens });
            assert_eq!(socket(line, port), expected, "{line}");
        }
    }
}
