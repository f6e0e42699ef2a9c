//! One workload that writes and writes, and one that says when it is ready.

use std::{
    env,
    ffi::OsStr,
    io::{self, Write},
    os::{
        linux::net::SocketAddrExt,
        unix::{
            ffi::OsStrExt,
            net::{SocketAddr, UnixDatagram},
        },
    },
    process::ExitCode,
    thread,
    time::{Duration, Instant},
};

use super::{Options, end::for_ever, say};

pub(super) fn chatter(options: &Options) -> Result<ExitCode, String> {
    let rate: f64 = options.number("--rate", 10.0)?;
    let bytes: usize = options.number("--bytes", 80)?;
    if !(0.0..=1e6).contains(&rate) || !(1..=65_536).contains(&bytes) {
        return Err("--rate is 0–1000000 lines a second, --bytes 1–65536".to_owned());
    }
    let started = Instant::now();
    for number in 0_u64.. {
        if rate > 0.0 {
            let due = started + Duration::from_secs_f64(number as f64 / rate);
            thread::sleep(due.saturating_duration_since(Instant::now()));
        }
        line(&mut io::stdout().lock(), &format!("out {number} "), bytes)?;
        line(&mut io::stderr().lock(), &format!("err {number} "), bytes)?;
    }
    Ok(ExitCode::SUCCESS)
}

/// One write, so that lines stay whole whoever else writes.
fn line(out: &mut impl Write, start: &str, bytes: usize) -> Result<(), String> {
    let mut line = Vec::with_capacity(bytes + 1);
    line.extend(start.bytes().chain((b'a'..=b'z').cycle()).take(bytes));
    line.push(b'\n');
    out.write_all(&line).and_then(|()| out.flush()).map_err(|error| format!("nobody listens: {error}"))
}

pub(super) fn be_late(options: &Options) -> Result<ExitCode, String> {
    let after = options.seconds("--after")?.unwrap_or(Duration::from_secs(1));
    let socket = env::var_os("NOTIFY_SOCKET");
    let notify = |text: &str| match &socket {
        Some(socket) => send(socket, text).map_err(|error| format!("cannot notify {}: {error}", socket.display())),
        None => Ok(()),
    };
    notify("STATUS=negotiating with the hosts")?;
    thread::sleep(after);
    notify("READY=1\nSTATUS=2 hosts connected")?;
    say("ready").map_err(|error| format!("nobody listens: {error}"))?;
    for_ever();
    Ok(ExitCode::SUCCESS)
}

/// The path of the socket, or `@` and the name of an abstract one, as sd_notify(3) has it.
fn send(socket: &OsStr, text: &str) -> io::Result<()> {
    let address = match socket.as_bytes().strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(text.as_bytes(), &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &SocketAddr, name: &OsStr) {
        let listener = UnixDatagram::bind_addr(address).unwrap();
        listener.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        send(name, "READY=1").unwrap();
        let mut text = [0; 64];
        let length = listener.recv(&mut text).unwrap();
        assert_eq!(&text[..length], b"READY=1");
    }

    #[test]
    fn both_kinds_of_notify_sockets_are_reached() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("notify");
        check(&SocketAddr::from_pathname(&path).unwrap(), path.as_os_str());
        let name = format!("ubmc-workload-test-{}", std::process::id());
        check(&SocketAddr::from_abstract_name(&name).unwrap(), OsStr::new(&format!("@{name}")));
    }

    #[test]
    fn lines_are_as_long_as_asked() {
        for (bytes, expected) in [(1, "o\n"), (8, "out 7 ab\n")] {
            let mut out = Vec::new();
            line(&mut out, "out 7 ", bytes).unwrap();
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }
}
