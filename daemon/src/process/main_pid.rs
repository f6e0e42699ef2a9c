//! A service that says which of its processes is its main one (`MAINPID=`): a daemon that forks and lets its parent end, or
//! one that exchanges itself for a newer version.
//!
//! It is believed when it names a living process of its own. From then on that one's end is the end of the service, and
//! the former's is not. The new one need not be our child, nor become it: then its parent reaps it, and we hear of its
//! end by its descriptor.

use std::os::fd::OwnedFd;

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};
use ubmc_core::input::ServiceHappening;

use super::{
    Processes,
    children::Child,
    life::{Life, Main},
    mark::Serial,
    tree, usage,
};

/// What is found of a process that is said to be the main one.
enum Candidate {
    /// It is the main process already.
    Already,
    /// A child of ours that is known.
    Known,
    /// It belongs to the same service, and is held by this descriptor from now on.
    Met(OwnedFd),
}

impl Processes {
    /// A process of that life has said that this one is its main process.
    pub(super) fn main_is(&mut self, serial: Serial, pid: u32) {
        // What was left behind lately is known after this.
        self.adopt();
        let Some(candidate) = self.candidate(serial, pid) else {
            self.counters.main_pids_ignored += 1;
            return;
        };
        match candidate {
            Candidate::Already => return,
            Candidate::Known => self.children.set(pid, Child::Main(serial)),
            Candidate::Met(pidfd) => self.children.add(pid, pidfd, Child::Main(serial)),
        }
        let Some(life) = self.lives.get_mut(&serial) else { return };
        life.others.retain(|other| *other != pid);
        if let Main::Runs(former) = std::mem::replace(&mut life.main, Main::Runs(pid)) {
            life.others.push(former);
            self.children.set(former, Child::Other(serial));
        }
        life.usage = usage::Last::default();
        self.say(serial, ServiceHappening::MainPid(pid));
    }

    fn candidate(&self, serial: Serial, pid: u32) -> Option<Candidate> {
        let life = self.lives.get(&serial)?;
        // Its end has been told.
        let current = life.main_pid()?;
        match self.children.get(pid) {
            _ if pid == current => Some(Candidate::Already),
            Some(Child::Other(owner)) => (owner == serial).then_some(Candidate::Known),
            Some(_) => None,
            None => {
                let process = i32::try_from(pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw)?;
                // Held before it is looked at: so what is seen is this process, or it is over.
                let pidfd = pidfd_open(process, PidfdFlags::empty()).ok()?;
                (self.belongs(life, serial, pid) && lives(&pidfd)).then_some(Candidate::Met(pidfd))
            }
        }
    }

    /// By its mark; where there are none, by its descent.
    fn belongs(&self, life: &Life, serial: Serial, pid: u32) -> bool {
        match self.spawner.marker.read(pid) {
            Some(owner) => owner == serial,
            None => tree::descendants(life.known_pids()).contains(&pid),
        }
    }
}

fn lives(pidfd: &OwnedFd) -> bool {
    let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
    poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&at_once)).is_ok_and(|ended| ended == 0)
}
