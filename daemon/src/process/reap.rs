//! Ends of processes. `SIGCHLD` stands for any number of them, so everything that has ended is reaped at once; what was
//! left behind comes to us as an orphan, and is told apart by its mark.

use std::collections::BTreeSet;

use rustix::process::{Pid, Signal, WaitOptions, getpgid, kill_process, wait};
use tokio::time::Instant;
use ubmc_core::input::{Exit, ServiceHappening};

use super::{Child, Killing, Life, Processes, mark::Serial, tree};

impl Processes {
    /// Reaps what has ended, adopts what was left behind by it, and says what is gone.
    ///
    /// What a service said before it ended is heard before the end is told; and a sender that has not been reaped can
    /// still be told apart.
    pub(super) fn reap(&mut self) {
        self.listen_to_the_end();
        let shared = self.spawner.clone();
        // Held throughout: no pid in the tables of commands is that of a reaped process at any moment.
        let mut spawner = shared.lock();
        let mut ended = Vec::new();
        loop {
            match wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) => {
                    let pid = pid.as_raw_pid().unsigned_abs();
                    let exit = match (status.exit_status(), status.terminating_signal()) {
                        (Some(code), _) => Exit::Code(code),
                        (None, Some(signal)) => Exit::Signal(signal),
                        (None, None) => continue,
                    };
                    if let Some(command) = spawner.commands.remove(&pid) {
                        spawner.free_serial(command.serial);
                        // Nobody waits any more when it was killed for taking too long.
                        let _ = command.ended.send(exit);
                        let leftovers =
                            self.children.iter().filter(|(_, child)| **child == Child::OfCommand(command.serial));
                        leftovers.for_each(|(pid, _)| kill(*pid));
                        ended.push(None);
                    } else {
                        ended.push(self.children.remove(&pid).map(|child| (pid, child, exit)));
                    }
                }
                Ok(None) | Err(rustix::io::Errno::CHILD) => break,
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => {
                    tracing::error!(%error, "waiting for children failed");
                    break;
                }
            }
        }
        drop(spawner);
        if ended.is_empty() {
            return;
        }
        let mut touched = BTreeSet::new();
        for (pid, child, exit) in ended.into_iter().flatten() {
            match child {
                Child::Main(serial) | Child::Helper(serial) | Child::Adopted(serial) => touched.insert(serial),
                Child::OfCommand(_) | Child::Stranger => false,
            };
            self.child_ended(pid, child, exit);
        }
        self.adopt();
        self.bury(&touched);
    }

    fn child_ended(&mut self, pid: u32, child: Child, exit: Exit) {
        match child {
            Child::Main(serial) => {
                if let Some(life) = self.lives.get_mut(&serial) {
                    life.pidfd = None;
                }
                self.say(serial, ServiceHappening::Exited(exit));
            }
            Child::Helper(serial) => {
                if let Some(life) = self.lives.get_mut(&serial) {
                    life.others.retain(|other| *other != pid);
                }
                if !exit.is_success() {
                    self.remark(serial, &format!("the stop command ended with {exit}"));
                }
            }
            Child::Adopted(serial) => {
                self.counters.orphans_reaped += 1;
                if let Some(life) = self.lives.get_mut(&serial) {
                    life.others.retain(|other| *other != pid);
                }
            }
            Child::OfCommand(_) | Child::Stranger => self.counters.orphans_reaped += 1,
        }
    }

    /// Looks for children that nobody made: each was left behind, and its mark says by whom. Cheap enough to be done
    /// whenever something ended: one small file, and one call for each process that is new in it.
    pub(super) fn adopt(&mut self) {
        let shared = self.spawner.clone();
        let spawner = shared.lock();
        for pid in self.orphanage.look() {
            if self.children.contains_key(&pid) || spawner.commands.contains_key(&pid) {
                continue;
            }
            let child = match spawner.marker.read(pid).or_else(|| self.leader_of(pid)) {
                Some(serial) => {
                    if let Some(life) = self.lives.get_mut(&serial) {
                        life.others.push(pid);
                        if self.killing.contains_key(&serial) {
                            kill(pid);
                        }
                        Child::Adopted(serial)
                    } else {
                        // While a command runs, what it left behind may have its reasons; afterwards it has none.
                        if !spawner.commands.values().any(|command| command.serial == serial) {
                            kill(pid);
                        }
                        Child::OfCommand(serial)
                    }
                }
                None => Child::Stranger,
            };
            self.children.insert(pid, child);
        }
    }

    /// Whose group an unmarked child of ours is in, dead leaders included: the number is not given anew while it is.
    /// All that is left where nothing can be marked, or where a process has taken its mark off.
    fn leader_of(&self, pid: u32) -> Option<Serial> {
        let group = getpgid(Pid::from_raw(pid.cast_signed())).ok()?.as_raw_pid().unsigned_abs();
        self.lives.iter().find(|(_, life)| life.pid == group).map(|(serial, _)| *serial)
    }

    /// Lives of which nothing is left are over.
    fn bury(&mut self, touched: &BTreeSet<Serial>) {
        for &serial in touched {
            if !self.lives.get(&serial).is_some_and(Life::is_over) {
                continue;
            }
            self.say(serial, ServiceHappening::Gone);
            self.ears.forget(serial);
            self.killing.remove(&serial);
            if let Some(life) = self.lives.remove(&serial) {
                self.by_generation.remove(&(life.service, life.generation));
            }
            self.spawner.lock().free_serial(serial);
        }
    }

    /// When the first of those that should be dead is to be reported.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
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

impl Life {
    fn is_over(&self) -> bool {
        self.pidfd.is_none() && self.others.is_empty()
    }

    /// Our own children among its processes.
    pub(super) fn known_pids(&self) -> Vec<u32> {
        self.pidfd.iter().map(|_| self.pid).chain(self.others.iter().copied()).collect()
    }
}

/// Only for children of ours that have not been reaped.
pub(super) fn kill(pid: u32) {
    if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process(pid, Signal::KILL);
    }
}
