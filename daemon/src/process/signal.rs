//! Signals to services: to the group of the main process, or to everything that it ever started.

use std::time::Duration;

use rustix::process::{Pid, PidfdFlags, Signal as Number, getpgid, kill_process_group, pidfd_open, pidfd_send_signal};
use tokio::time::Instant;
use ubmc_core::services::Signal;

use super::{Processes, life::Killing, mark::Serial, tree};

/// What is still there so long after a KILL is reported.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

impl Processes {
    /// The first process leads the group, and while it has not been reaped the group's number cannot be another's. Once
    /// it has been, those of the group that are our own children by now are signalled one by one.
    pub(super) fn signal_group(&mut self, serial: Serial, signal: Signal) {
        if self.lives.get(&serial).is_some_and(|life| life.leader_reaped) {
            self.adopt();
        }
        let Some(life) = self.lives.get(&serial) else { return };
        let Some(group) = pid(life.leader) else { return };
        if !life.leader_reaped {
            let _ = kill_process_group(group, number(signal));
        }
        let in_group = |process| getpgid(Some(process)) == Ok(group);
        if life.leader_reaped {
            for &other in &life.others {
                if pid(other).is_some_and(in_group) {
                    self.children.send(other, number(signal));
                }
            }
        }
        // One that took the first one's place may be in a group of its own.
        if let Some(main) = life.main_pid().filter(|&main| life.leader_reaped || !pid(main).is_some_and(in_group)) {
            self.signal_main(main, signal);
        }
    }

    /// A main process that has left the group: itself, and its own group if it leads one. It may have put itself into
    /// any other, which is none of our business.
    fn signal_main(&self, main: u32, signal: Signal) {
        let leads = pid(main).filter(|&process| getpgid(Some(process)) == Ok(process));
        match leads.filter(|_| self.children.get(main).is_some()) {
            Some(group) => {
                let _ = kill_process_group(group, number(signal));
            }
            None => self.children.send(main, number(signal)),
        }
    }

    /// Everything: the group at once, so that it cannot fork its way out; our other children of that mark; and what
    /// descends from all these.
    ///
    /// A KILL goes on by itself: what was a killed process's child becomes ours when that dies, and is killed when it is
    /// adopted. So whatever forks meanwhile is caught as well, a generation later.
    pub(super) fn signal_everything(&mut self, serial: Serial, signal: Signal) {
        self.adopt();
        let Some(life) = self.lives.get(&serial) else { return };
        if signal == Signal::Kill {
            if let Some(cgroup) = &life.cgroup {
                cgroup.kill();
            }
            self.killing.entry(serial).or_insert_with(|| Killing::Until(Instant::now() + PATIENCE));
        }
        let known = life.known_pids();
        // Before anything dies: afterwards the tree has fallen apart.
        let below = tree::descendants(known.iter().copied());
        let leader = pid(life.leader).filter(|_| !life.leader_reaped);
        if let Some(leader) = leader {
            let _ = kill_process_group(leader, number(signal));
        }
        // Who is in the group has it already: a second one would be one too many for a handler.
        let is_in_group = |process| leader.is_some() && getpgid(Some(process)).ok() == leader;
        for &other in known.iter().filter(|&&other| !pid(other).is_some_and(is_in_group)) {
            self.children.send(other, number(signal));
        }
        let marker = self.spawner.marker;
        for descendant in below.into_iter().filter(|other| !known.contains(other)).filter_map(pid) {
            // Not our child: its pid may become another's at any moment. The mark is read after the pidfd was opened, so
            // if the mark is right, the pidfd is that process's or that of one which is gone.
            let Ok(pidfd) = pidfd_open(descendant, PidfdFlags::empty()) else { continue };
            let is_ours = marker.read(descendant.as_raw_pid().unsigned_abs()) == Some(serial);
            if is_ours && !is_in_group(descendant) {
                let _ = pidfd_send_signal(&pidfd, number(signal));
            }
        }
    }
}

fn pid(raw: u32) -> Option<Pid> {
    Pid::from_raw(raw.cast_signed())
}

const fn number(signal: Signal) -> Number {
    match signal {
        Signal::Term => Number::TERM,
        Signal::Int => Number::INT,
        Signal::Quit => Number::QUIT,
        Signal::Hup => Number::HUP,
        Signal::Usr1 => Number::USR1,
        Signal::Usr2 => Number::USR2,
        Signal::Kill => Number::KILL,
        Signal::Cont => Number::CONT,
    }
}
