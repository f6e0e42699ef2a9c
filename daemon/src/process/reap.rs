//! Ends of processes. The kernel says which of our children have ended; what they left behind comes to us as an orphan,
//! and is told apart by its mark. `SIGCHLD` alone tells of the end of an orphan that nobody has met yet.

use std::collections::BTreeSet;

use rustix::process::{Pid, PidfdFlags, Signal, getpgid, pidfd_open};
use tokio::time::Instant;
use ubmc_core::input::{Exit, ServiceHappening};

use super::{
    Processes,
    children::{Child, Reaped},
    life::{Killing, Life, Main},
    mark::Serial,
    spawner::HowFar,
    tree,
};

/// What cannot be known counts as a failure: whoever is to be restarted then, is.
const UNKNOWN: Exit = Exit::Code(255);

impl Processes {
    /// Reaps what has ended, a bounded number at a time; adopts what was left behind by it; says what is gone.
    ///
    /// What a service said before it ended is heard before the end is told; and a sender that has not been reaped can
    /// still be told apart.
    pub(super) fn reap(&mut self) {
        let ended = self.children.ended();
        self.listen_to_the_end();
        let mut touched = BTreeSet::new();
        for pid in ended {
            let Some(child) = self.children.get(pid) else { continue };
            if let Child::Command(serial) = child {
                self.reap_command(serial, pid);
                continue;
            }
            let exit = match self.children.reap(pid) {
                Reaped::Ended(exit) => exit,
                Reaped::Elsewhere(exit) => exit.unwrap_or_else(|| self.unknown_exit(child, pid)),
                Reaped::No => continue,
            };
            touched.extend(child.life());
            self.child_ended(pid, child, exit);
        }
        self.adopt();
        self.bury(&touched);
    }

    fn reap_command(&mut self, serial: Serial, pid: u32) {
        let Self { spawner, children, .. } = self;
        let reaped = spawner.reap_command(serial, || match children.reap(pid) {
            Reaped::Ended(exit) | Reaped::Elsewhere(Some(exit)) => Some(exit),
            Reaped::Elsewhere(None) => Some(UNKNOWN),
            Reaped::No => None,
        });
        if reaped {
            for left_behind in self.children.of_command(serial) {
                self.children.send(left_behind, Signal::KILL);
            }
        }
    }

    fn unknown_exit(&self, child: Child, pid: u32) -> Exit {
        if let Child::Main(serial) = child {
            self.remark(serial, &format!("how process {pid} ended only its parent knows; it counts as a failure"));
        }
        UNKNOWN
    }

    fn child_ended(&mut self, pid: u32, child: Child, exit: Exit) {
        if let Some(life) = child.life().and_then(|serial| self.lives.get_mut(&serial)) {
            life.leader_reaped |= life.leader == pid;
            life.others.retain(|other| *other != pid);
        }
        match child {
            Child::Main(serial) => {
                if let Some(life) = self.lives.get_mut(&serial) {
                    life.main = Main::Ended;
                }
                self.say(serial, ServiceHappening::Exited(exit));
            }
            Child::Helper(serial) => {
                if !exit.is_success() {
                    self.remark(serial, &format!("the stop command ended with {exit}"));
                }
            }
            Child::Other(_) | Child::OfCommand(_) | Child::Stranger => self.counters.orphans_reaped += 1,
            Child::Command(_) => {}
        }
    }

    /// Looks for children that nobody made: each was left behind, and its mark says by whom. Cheap enough to be done
    /// whenever something ended: one small file, and two calls for each process that is new in it.
    pub(super) fn adopt(&mut self) {
        for pid in self.orphanage.look() {
            if self.children.get(pid).is_some() {
                continue;
            }
            let Some((child, dies)) = self.whose(pid) else {
                // One that a launcher is just making. Those are not in the orphanage, unless the kernel keeps no lists.
                self.look_again = true;
                continue;
            };
            // Ours and not reaped: the pid is still that process's. Without a descriptor it is met again next time.
            let Some(Ok(pidfd)) = Pid::from_raw(pid.cast_signed()).map(|pid| pidfd_open(pid, PidfdFlags::empty()))
            else {
                continue;
            };
            if let Child::Other(serial) = child
                && let Some(life) = self.lives.get_mut(&serial)
            {
                life.others.push(pid);
            }
            self.children.add(pid, pidfd, child);
            if dies {
                self.children.send(pid, Signal::KILL);
            }
        }
    }

    /// Whose an orphan is, and whether it is to die. Absent: it cannot be told before what is on its way has arrived.
    fn whose(&self, pid: u32) -> Option<(Child, bool)> {
        let Some(serial) = self.spawner.marker.read(pid).or_else(|| self.leader_of(pid)) else {
            return (self.arrivals_due == 0).then_some((Child::Stranger, false));
        };
        match self.lives.get(&serial) {
            Some(Life { main: Main::Underway(_), .. }) => None,
            Some(life) if life.helpers_underway > 0 && !self.killing.contains_key(&serial) => None,
            Some(_) => Some((Child::Other(serial), self.killing.contains_key(&serial))),
            None => match self.spawner.command(serial) {
                // While a command runs, what it left behind may have its reasons; afterwards it has none.
                Some(HowFar::Runs) => Some((Child::OfCommand(serial), false)),
                Some(HowFar::Underway) => None,
                None => Some((Child::OfCommand(serial), true)),
            },
        }
    }

    /// Whose group an unmarked child of ours is in, dead leaders included: the number is not given anew while it is.
    /// All that is left where nothing can be marked, or where a process has taken its mark off.
    fn leader_of(&self, pid: u32) -> Option<Serial> {
        let group = getpgid(Pid::from_raw(pid.cast_signed())).ok()?.as_raw_pid().unsigned_abs();
        self.lives.iter().find(|(_, life)| life.leader == group).map(|(serial, _)| *serial)
    }

    /// Lives of which nothing is left are over.
    pub(super) fn bury(&mut self, touched: &BTreeSet<Serial>) {
        for &serial in touched {
            if self.lives.get(&serial).is_some_and(Life::is_over) {
                self.say(serial, ServiceHappening::Gone);
                self.forget(serial);
            }
        }
    }

    /// When the first of those that should be dead is to be reported.
    pub(super) fn survivors_due(&self) -> Option<Instant> {
        let deadlines = self.killing.values().filter_map(|killing| match killing {
            Killing::Until(deadline) => Some(*deadline),
            Killing::Reported => None,
        });
        deadlines.min()
    }

    pub(super) fn report_survivors(&mut self) {
        let now = Instant::now();
        let mut late = Vec::new();
        for (serial, killing) in &mut self.killing {
            if let Killing::Until(deadline) = killing
                && *deadline <= now
                && let Some(life) = self.lives.get(serial)
            {
                *killing = Killing::Reported;
                late.push((*serial, life.known_pids()));
            }
        }
        for (serial, mut pids) in late {
            pids.extend(tree::descendants(pids.clone()));
            pids.sort_unstable();
            self.say(serial, ServiceHappening::Survivors { pids });
        }
    }
}
