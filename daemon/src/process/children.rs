//! Our own children that have not been reaped, and which of them have ended.
//!
//! Each has a descriptor, and the kernel says which of these are done: however many run, an end costs the same. A child
//! that is not in this table is not reaped. So nobody hears of an end before the beginning is known, and a pid in the
//! table is that of the same process until it is taken out.

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    os::fd::{AsRawFd, OwnedFd},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    process::{Pid, Signal, WaitOptions, pidfd_send_signal, waitpid},
};
use ubmc_core::input::Exit;

use super::{descriptor, mark::Serial, watch::Watch};

/// Whose one of our children is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Child {
    /// Main process.
    Main(Serial),
    /// Stop command.
    Helper(Serial),
    /// Left behind by something that has ended, and ours since; or the main process until another took its place.
    Other(Serial),
    /// A command that belongs to no service.
    Command(Serial),
    /// Left behind by a command that still runs, or that was killed with it.
    OfCommand(Serial),
    /// Nobody's.
    Stranger,
}

impl Child {
    /// The life it belongs to.
    pub(super) const fn life(self) -> Option<Serial> {
        match self {
            Self::Main(serial) | Self::Helper(serial) | Self::Other(serial) => Some(serial),
            Self::Command(_) | Self::OfCommand(_) | Self::Stranger => None,
        }
    }
}

/// What looking at a child that is said to have ended found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reaped {
    /// It is gone now.
    Ended(Exit),
    /// It is gone, and was not our child. How it ended, if the kernel tells us as well.
    Elsewhere(Option<Exit>),
    /// It has not ended.
    No,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Children {
    watch: Watch,
    table: HashMap<u32, Entry>,
    /// Those that the kernel had no memory to watch, or that are over for all but us (a debugger has them): looked at
    /// whenever anything has ended.
    unwatched: BTreeSet<u32>,
}

#[derive(Debug)]
struct Entry {
    whose: Child,
    pidfd: OwnedFd,
}

impl Children {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self { watch: Watch::new()?, table: HashMap::new(), unwatched: BTreeSet::new() })
    }

    /// Takes charge of a child. `pidfd` is its descriptor.
    pub(super) fn add(&mut self, pid: u32, pidfd: OwnedFd, whose: Child) {
        self.forget(pid);
        if let Err(error) = self.watch.add(&pidfd, u64::from(pid)) {
            tracing::warn!(pid, %error, "the kernel does not watch a process; its end may be seen late");
            self.unwatched.insert(pid);
        }
        self.table.insert(pid, Entry { whose, pidfd });
    }

    pub(super) fn get(&self, pid: u32) -> Option<Child> {
        self.table.get(&pid).map(|entry| entry.whose)
    }

    /// It plays another part from here on.
    pub(super) fn set(&mut self, pid: u32, whose: Child) {
        if let Some(entry) = self.table.get_mut(&pid) {
            entry.whose = whose;
        }
    }

    pub(super) fn of_command(&self, serial: Serial) -> Vec<u32> {
        let of_it = self.table.iter().filter(|(_, entry)| entry.whose == Child::OfCommand(serial));
        of_it.map(|(pid, _)| *pid).collect()
    }

    /// Sends a signal to a process of the table, and to no other.
    pub(super) fn send(&self, pid: u32, signal: Signal) {
        if let Some(entry) = self.table.get(&pid) {
            let _ = pidfd_send_signal(&entry.pidfd, signal);
        }
    }

    /// Until one has ended.
    pub(super) async fn wait(&mut self) {
        self.watch.wait().await;
    }

    /// Those that have ended, a bounded number; they stay in the table until they are reaped.
    pub(super) fn ended(&mut self) -> BTreeSet<u32> {
        let keys = self.watch.keys().into_iter();
        keys.filter_map(|key| u32::try_from(key).ok()).chain(self.unwatched.iter().copied()).collect()
    }

    /// Reaps one, and takes it out of the table when it is gone.
    pub(super) fn reap(&mut self, pid: u32) -> Reaped {
        let Some(raw) = Pid::from_raw(pid.cast_signed()) else { return Reaped::No };
        let reaped = loop {
            match waitpid(Some(raw), WaitOptions::NOHANG | every_child()) {
                Ok(Some((_, status))) => match (status.exit_status(), status.terminating_signal()) {
                    (Some(code), _) => break Reaped::Ended(Exit::Code(code)),
                    (None, Some(signal)) => break Reaped::Ended(Exit::Signal(signal)),
                    (None, None) => break Reaped::No,
                },
                Ok(None) => break Reaped::No,
                Err(Errno::INTR) => {}
                Err(_) => break self.ended_elsewhere(pid),
            }
        };
        if reaped != Reaped::No {
            self.forget(pid);
        } else if let Some(entry) = self.table.get(&pid) {
            // Or we would be told again at once.
            self.watch.remove(&entry.pidfd);
            self.unwatched.insert(pid);
        }
        reaped
    }

    /// A process that is not our child: its parent reaps it, and may have done so already.
    fn ended_elsewhere(&self, pid: u32) -> Reaped {
        let Some(Entry { pidfd, .. }) = self.table.get(&pid) else { return Reaped::Elsewhere(None) };
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        if !poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&at_once)).is_ok_and(|ready| ready > 0) {
            return Reaped::No;
        }
        let status = status_of_zombie(pid, pidfd).or_else(|| descriptor::wait_status(pidfd));
        Reaped::Elsewhere(status.map(|status| match status & 0x7f {
            0 => Exit::Code(status >> 8 & 0xff),
            signal => Exit::Signal(signal),
        }))
    }

    fn forget(&mut self, pid: u32) {
        self.unwatched.remove(&pid);
        if let Some(entry) = self.table.remove(&pid) {
            self.watch.remove(&entry.pidfd);
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.table.len()
    }
}

/// The wait status of a process that its parent has not reaped yet: the last field of proc_pid_stat(5).
fn status_of_zombie(pid: u32, pidfd: &OwnedFd) -> Option<i32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    // As long as the descriptor names that pid, that was its process.
    let info = fs::read_to_string(format!("/proc/self/fdinfo/{}", pidfd.as_raw_fd())).ok()?;
    let same = info.lines().any(|line| line.strip_prefix("Pid:").is_some_and(|text| text.trim() == pid.to_string()));
    if same && fields.starts_with('Z') { fields.split_whitespace().last()?.parse().ok() } else { None }
}

/// Waits for a child that was killed before its exec, too: see [`super::launch`].
pub(super) const fn every_child() -> WaitOptions {
    WaitOptions::from_bits_retain(libc::__WALL.cast_unsigned())
}
