//! The notification socket of sd_notify(3): datagrams of `KEY=value` lines, with the sender's pid vouched for by the
//! kernel.
//!
//! Unknown fields are left alone, as the protocol wants it. Whether what is said can be believed is not judged here.

use std::{
    fs,
    io::{self, IoSliceMut},
    os::{
        fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd},
        unix::{fs::PermissionsExt, net::UnixDatagram},
    },
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::socket::{ControlMessageOwned, MsgFlags, UnixCredentials, recvmsg, setsockopt, sockopt::PassCred};
use ubmc_core::input::ServiceHappening;

/// Longer datagrams are not messages of this protocol.
const LONGEST: usize = 8192;
/// More characters are cut from a `STATUS=`.
const LONGEST_STATUS: usize = 1024;
/// More descriptors are refused by the kernel.
const MOST_FDS: usize = 4;

#[derive(Debug)]
pub(super) struct Socket {
    datagrams: UnixDatagram,
    path: PathBuf,
    text: String,
}

/// One datagram.
#[derive(Debug)]
pub(super) struct Notification {
    /// 0 when it comes from outside our pid namespace.
    pub(super) pid: u32,
    pub(super) happenings: Vec<ServiceHappening>,
    /// Closed with the notification: a barrier is open until then.
    _descriptors: Vec<OwnedFd>,
}

impl Socket {
    /// Binds the path, in place of what an earlier daemon may have left there.
    pub(super) fn bind(path: &Path) -> io::Result<Self> {
        let text = path
            .to_str()
            .ok_or_else(|| io::Error::other(format!("{}: the path is not UTF-8", path.display())))?
            .to_owned();
        let failed = |error: io::Error| io::Error::new(error.kind(), format!("notification socket {text}: {error}"));
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let socket = UnixDatagram::bind(path).map_err(failed)?;
        socket.set_nonblocking(true)?;
        setsockopt(&socket, PassCred, &true)?;
        // Services run as any user; who sent what is for the kernel to say, not for permissions.
        fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
        Ok(Self { datagrams: socket, path: path.to_owned(), text })
    }

    pub(super) fn path(&self) -> &str {
        &self.text
    }

    /// The next message that can be read at all. Absent: there is none now.
    pub(super) fn receive(&self) -> Option<Notification> {
        let mut bytes = [0; LONGEST];
        let mut control = nix::cmsg_space!([RawFd; MOST_FDS], UnixCredentials);
        let mut pieces = [IoSliceMut::new(&mut bytes)];
        let flags = MsgFlags::MSG_DONTWAIT | MsgFlags::MSG_CMSG_CLOEXEC;
        let received = loop {
            match recvmsg::<()>(self.datagrams.as_raw_fd(), &mut pieces, Some(&mut control), flags) {
                Ok(received) => break received,
                Err(nix::errno::Errno::EINTR) => {}
                Err(_) => return None,
            }
        };
        let mut pid = 0;
        let mut descriptors = Vec::new();
        if let Ok(messages) = received.cmsgs() {
            for message in messages {
                match message {
                    ControlMessageOwned::ScmCredentials(credentials) => pid = credentials.pid().unsigned_abs(),
                    ControlMessageOwned::ScmRights(fds) => {
                        descriptors.extend(fds.into_iter().map(super::descriptor::own));
                    }
                    _ => {}
                }
            }
        }
        let is_whole = !received.flags.contains(MsgFlags::MSG_TRUNC);
        let length = received.bytes;
        let text = String::from_utf8_lossy(bytes.get(..length).unwrap_or_default());
        let happenings = if is_whole { text.lines().filter_map(happening).collect() } else { Vec::new() };
        Some(Notification { pid, happenings, _descriptors: descriptors })
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.datagrams.as_fd()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

fn happening(line: &str) -> Option<ServiceHappening> {
    let (key, value) = line.split_once('=')?;
    match (key, value) {
        ("READY", "1") => Some(ServiceHappening::Ready),
        ("STATUS", text) => Some(ServiceHappening::Status(text.chars().take(LONGEST_STATUS).collect())),
        ("STOPPING", "1") => Some(ServiceHappening::AnnouncesStop),
        ("RELOADING", "1") => Some(ServiceHappening::Reloading),
        ("EXTEND_TIMEOUT_USEC", micros) => {
            micros.parse().ok().map(Duration::from_micros).map(ServiceHappening::ExtendTimeout)
        }
        ("WATCHDOG", "1") => Some(ServiceHappening::Heartbeat),
        // What is no number names nobody, as 0 does.
        ("MAINPID", pid) => Some(ServiceHappening::MainPid(pid.parse().unwrap_or(0))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_become_happenings() {
        let cases = [
            ("READY=1", Some(ServiceHappening::Ready)),
            ("READY=0", None),
            ("STATUS=warming up = 40 %", Some(ServiceHappening::Status("warming up = 40 %".to_owned()))),
            ("STATUS=", Some(ServiceHappening::Status(String::new()))),
            ("STOPPING=1", Some(ServiceHappening::AnnouncesStop)),
            ("RELOADING=1", Some(ServiceHappening::Reloading)),
            ("EXTEND_TIMEOUT_USEC=1500000", Some(ServiceHappening::ExtendTimeout(Duration::from_millis(1500)))),
            ("EXTEND_TIMEOUT_USEC=soon", None),
            ("WATCHDOG=1", Some(ServiceHappening::Heartbeat)),
            ("MAINPID=4711", Some(ServiceHappening::MainPid(4711))),
            ("MAINPID=-1", Some(ServiceHappening::MainPid(0))),
            ("MAINPID=", Some(ServiceHappening::MainPid(0))),
            ("BARRIER=1", None),
            ("READY", None),
            ("", None),
        ];
        for (line, expected) in cases {
            assert_eq!(happening(line), expected, "{line}");
        }
    }

    #[test]
    fn a_long_status_is_cut() {
        let line = format!("STATUS={}", "ü".repeat(LONGEST_STATUS + 1));
        assert_eq!(happening(&line), Some(ServiceHappening::Status("ü".repeat(LONGEST_STATUS))));
    }
}
