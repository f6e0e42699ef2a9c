//! The one place where processes are made, for services and for commands alike: in threads of their own, so that whoever
//! wants one waits neither for a file system nor for a name service.
//!
//! ```text
//!  Processes, Commands ──Job──▶ queue ──▶ launcher threads ──Arrival──▶ Processes
//! ```
//!
//! - [`job`]: what is to be started, and what came of it;
//! - [`pool`]: the threads, and the queue before them.
//!
//! What holds: no lock here is held while a process is made, or while anything is waited for; a process that was made is
//! known to [`super::Processes`] or killed.

mod job;
mod pool;

use std::{
    collections::{HashMap, VecDeque},
    io,
    ops::Deref,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, Signal, WaitOptions, kill_process_group, pidfd_send_signal, waitpid},
};
use tokio::sync::{Notify, oneshot};
use ubmc_core::{
    ids::{Generation, Name},
    input::{Exit, SpawnError},
    services::Limits,
};

pub use self::job::Order;
pub(super) use self::job::{Arrival, Job, Role, Started, Task};
#[cfg(test)]
pub(super) use self::pool::MOST;
use self::pool::{PATIENCE, Pool};
use super::{
    cgroup::{Cgroups, Group},
    children::every_child,
    launch::{Ground, Ticket},
    mark::{Marker, Serial, Serials},
    output::Reader,
    recipe::Surroundings,
};

/// Arrivals taken in before other things get their turn.
const AT_ONCE: usize = 32;
/// How long a process that nobody wants may take to die before we go on.
const KILL_BOUND: Timespec = Timespec { tv_sec: 0, tv_nsec: 200_000_000 };

/// Shared by [`super::Processes`], [`super::Commands`] and the threads.
#[derive(Clone, Debug)]
pub(super) struct Spawner(Arc<Shared>);

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) ground: Arc<Ground>,
    pub(super) surroundings: Surroundings,
    pub(super) marker: Marker,
    pub(super) reader: Reader,
    notify_path: String,
    pool: Pool,
    serials: Mutex<Serials>,
    commands: Mutex<HashMap<Serial, RunningCommand>>,
    /// Absent: there are none to be had, or we are about to end.
    cgroups: Mutex<Option<Cgroups>>,
    arrivals: Mutex<Arrivals>,
    arrived: Notify,
}

#[derive(Debug, Default)]
struct Arrivals {
    waiting: VecDeque<Arrival>,
    /// Nobody takes any in.
    closed: bool,
}

/// A command that runs, or is about to.
#[derive(Debug)]
struct RunningCommand {
    /// Absent: not known yet.
    pid: Option<u32>,
    /// Who waits for it.
    ended: oneshot::Sender<Exit>,
    /// Nobody does.
    unwanted: bool,
}

/// How far a command is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HowFar {
    /// A launcher has it in hand.
    Underway,
    Runs,
}

/// What processes are started on.
#[derive(Debug)]
pub(super) struct Footing {
    pub(super) ground: Ground,
    /// Absent: there are none to be had.
    pub(super) cgroups: Option<Cgroups>,
    /// How long a start may take before others no longer wait for it.
    pub(super) patience: Duration,
}

impl Footing {
    pub(super) fn find(cgroups: bool) -> Self {
        Self { ground: Ground::find(), cgroups: if cgroups { Cgroups::find() } else { None }, patience: PATIENCE }
    }
}

impl Deref for Spawner {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

/// A poisoned lock is as good as any: what they guard is changed in single steps.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Spawner {
    /// Begins with one thread.
    pub(super) fn open(
        footing: Footing,
        surroundings: Surroundings,
        reader: Reader,
        notify_path: String,
    ) -> io::Result<Self> {
        let Footing { ground, cgroups, patience } = footing;
        let spawner = Self(Arc::new(Shared {
            ground: Arc::new(ground),
            surroundings,
            marker: Marker::new(),
            reader,
            notify_path,
            pool: Pool::new(patience),
            serials: Mutex::default(),
            commands: Mutex::default(),
            cgroups: Mutex::new(cgroups),
            arrivals: Mutex::default(),
            arrived: Notify::new(),
        }));
        spawner.pool.open(&spawner)?;
        Ok(spawner)
    }

    /// Adds a thread when all hang and something waits. Returns when to look again.
    pub(super) fn relieve(&self) -> Duration {
        self.pool.relieve(self)
    }
}

impl Shared {
    /// A number for a life of a service, or (absent) for a command.
    pub(super) fn take_serial(&self, owner: Option<Name>) -> Serial {
        lock(&self.serials).take(owner)
    }

    /// Nothing carries it any more.
    pub(super) fn free_serial(&self, serial: Serial) {
        lock(&self.serials).free(serial);
    }

    /// The service that a process belongs to.
    pub(super) fn owner(&self, pid: u32) -> Option<Name> {
        let serial = self.marker.read(pid)?;
        lock(&self.serials).owner(serial)
    }

    /// Whether something of a service runs, or is about to.
    pub(super) fn lives_of(&self, service: &Name) -> bool {
        lock(&self.serials).any_of(service)
    }

    /// How long a start may take before it is time to look whether it holds up others.
    pub(super) fn patience(&self) -> Duration {
        self.pool.patience()
    }

    /// Has a process made. Returns the means to call it off.
    pub(super) fn submit(&self, serial: Serial, task: Task) -> Arc<Ticket> {
        let ticket = Arc::new(Ticket::new());
        self.pool.submit(Job { serial, ticket: ticket.clone(), task });
        ticket
    }

    /// Calls a start off. True: there is no process and there will be none, nor an arrival.
    pub(super) fn call_off(&self, serial: Serial, ticket: &Ticket) -> bool {
        let in_time = ticket.call_off();
        if in_time {
            self.pool.remove(serial);
        }
        in_time
    }

    fn deliver(&self, arrival: Arrival) {
        let mut arrivals = lock(&self.arrivals);
        if arrivals.closed {
            drop(arrivals);
            return end_unknown(arrival);
        }
        arrivals.waiting.push_back(arrival);
        drop(arrivals);
        self.arrived.notify_one();
    }

    /// Until something has arrived.
    pub(super) async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// What has arrived, a bounded number.
    pub(super) fn arrivals(&self) -> Vec<Arrival> {
        let mut arrivals = lock(&self.arrivals);
        let count = arrivals.waiting.len().min(AT_ONCE);
        let taken = arrivals.waiting.drain(..count).collect();
        if !arrivals.waiting.is_empty() {
            self.arrived.notify_one();
        }
        taken
    }

    /// The group of a life that has a limit which needs one, and which of its limits will not be enforced.
    fn cgroup(
        &self,
        name: &Name,
        generation: Generation,
        limits: &Limits,
    ) -> Result<(Option<Group>, Vec<String>), SpawnError> {
        let mut cgroups = lock(&self.cgroups);
        let group = match cgroups.as_mut() {
            Some(cgroups) => cgroups.group(name, generation, limits)?,
            None => None,
        };
        Ok((group, Cgroups::unmet(cgroups.as_ref(), limits)))
    }

    #[cfg(test)]
    pub(super) fn offers(&self, controller: &str) -> bool {
        lock(&self.cgroups).as_ref().is_some_and(|cgroups| cgroups.offered.contains(&controller))
    }

    /// Has a command made; whoever waits for it is told when it has started, and when it has ended.
    pub(super) fn submit_command(
        &self,
        argv: Vec<String>,
        started: oneshot::Sender<Result<std::os::fd::OwnedFd, SpawnError>>,
        ended: oneshot::Sender<Exit>,
    ) -> (Serial, Arc<Ticket>) {
        let serial = self.take_serial(None);
        lock(&self.commands).insert(serial, RunningCommand { pid: None, ended, unwanted: false });
        (serial, self.submit(serial, Task::Command { argv, started }))
    }

    /// How far a command is. Absent: there is no such command.
    pub(super) fn command(&self, serial: Serial) -> Option<HowFar> {
        let underway = |command: &RunningCommand| command.pid.is_none();
        let how_far = |command| if underway(command) { HowFar::Underway } else { HowFar::Runs };
        lock(&self.commands).get(&serial).map(how_far)
    }

    /// It has started, and its pid is known. False: nobody wants it any more, and it is to be killed.
    pub(super) fn command_started(&self, serial: Serial, pid: u32) -> bool {
        lock(&self.commands).get_mut(&serial).is_some_and(|command| {
            command.pid = Some(pid);
            !command.unwanted
        })
    }

    /// Reaps a command. The table is right before anybody else looks at it: a pid in there is that of a process that has
    /// not been reaped.
    pub(super) fn reap_command(&self, serial: Serial, reap: impl FnOnce() -> Option<Exit>) -> bool {
        let mut commands = lock(&self.commands);
        let Some(exit) = reap() else { return false };
        if let Some(command) = commands.remove(&serial) {
            // Nobody waits any more when it was killed for taking too long.
            let _ = command.ended.send(exit);
        }
        drop(commands);
        self.free_serial(serial);
        true
    }

    /// Kills a command with its group, or sees to it that this is done as soon as it has started.
    pub(super) fn end_command(&self, serial: Serial, ticket: &Ticket) {
        if self.call_off(serial, ticket) {
            return self.forget_command(serial);
        }
        let mut commands = lock(&self.commands);
        match commands.get_mut(&serial) {
            Some(RunningCommand { pid: Some(pid), .. }) => kill_group(*pid),
            Some(command) => {
                command.unwanted = true;
                ticket.kill();
            }
            None => {}
        }
    }

    /// There is no such command.
    fn forget_command(&self, serial: Serial) {
        lock(&self.commands).remove(&serial);
        self.free_serial(serial);
    }

    /// Nothing is made any more. What was made and not taken in is killed.
    pub(super) fn end(&self) {
        self.pool.end();
        let mut arrivals = lock(&self.arrivals);
        arrivals.closed = true;
        let unknown = std::mem::take(&mut arrivals.waiting);
        drop(arrivals);
        unknown.into_iter().for_each(end_unknown);
        *lock(&self.cgroups) = None;
    }
}

/// Only for the pid of a process that leads its group and has not been reaped.
pub(super) fn kill_group(pid: u32) {
    if let Some(group) = Pid::from_raw(pid.cast_signed()) {
        let _ = kill_process_group(group, Signal::KILL);
    }
}

/// Nobody is there to look after it.
fn end_unknown(arrival: Arrival) {
    if let Ok(Started { pid, pidfd, .. }) = arrival.result {
        kill_group(pid);
        let _ = pidfd_send_signal(&pidfd, Signal::KILL);
        // A moment, unless the kernel does not let go of it.
        let _ = poll(&mut [PollFd::new(&pidfd, PollFlags::IN)], Some(&KILL_BOUND));
        if let Some(pid) = Pid::from_raw(pid.cast_signed()) {
            let _ = waitpid(Some(pid), WaitOptions::NOHANG | every_child());
        }
    }
}
