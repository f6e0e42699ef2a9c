//! Real processes: started, heard, signalled and reaped.
//!
//! | file | idea |
//! |---|---|
//! | `recipe`, `user`, `capability` | a process described so completely that starting it needs only system calls |
//! | `launch` | from the recipe to the running image; with `descriptor` the only unsafe code |
//! | `leftovers` | what a daemon that died left running |
//! | `spawner` | the one place where processes are made: threads with a queue |
//! | `survey` | what the machine says against a start, all at once |
//! | `life`, `start` | one life of a service; how it begins |
//! | `command` | commands that belong to no service |
//! | `mark`, `tree` | how everything that a service ever started is known as its own |
//! | `children`, `reap`, `signal` | ends, adopted orphans, signals to groups and to everything |
//! | `ears`, `notify` | readiness descriptors and the notification socket |
//! | `main_pid` | a service that says which of its processes is its main one |
//! | `watch` | many descriptors behind one |
//! | `output` | pipes, lines, rings, files, followers |
//! | `usage`, `cgroup`, `platform` | what processes use, what bounds them, what the machine lacks |
//!
//! What holds: only this module waits for children, and only for those that it knows; a pid is signalled only while its
//! process has not been reaped, or through a descriptor of it; nothing here waits for a file system, a name service, the
//! disk of a log, a reader or a process.
//!
//! A start takes a launcher's thread as long as the exec takes: nothing lies between "asked for" and "runs" but the
//! kernel's way to the program and the head of its file. From memory that is about as long as a bare `posix_spawn`; from
//! a slow disk it is a few reads more, and from one that does not answer it is for ever. Then it is that service alone
//! which waits.
//!
//! What a daemon that died has left is ended before the first start, which is bounded: see `leftovers`.

mod capability;
mod cgroup;
mod children;
mod command;
mod config;
pub(crate) mod descriptor;
mod ears;
mod failure;
mod launch;
mod leftovers;
mod life;
mod main_pid;
mod mark;
mod notify;
mod output;
mod platform;
mod reap;
mod recipe;
mod signal;
mod spawner;
mod start;
mod survey;
mod tree;
mod usage;
mod user;
mod watch;

use std::{
    collections::{BTreeMap, VecDeque},
    io,
    ops::Bound,
    sync::OnceLock,
};

use rustix::process::{Resource, Rlimit, getpid, getrlimit, set_child_subreaper, setrlimit};
use tokio::{signal::unix, time::Instant};
use ubmc_core::{
    ids::{Generation, ServiceId},
    input::{ServiceHappening, Usage},
    services::Signal,
};

use self::{
    children::Children,
    ears::Ears,
    leftovers::Note,
    life::{Killing, Later, Life, Main},
    mark::Serial,
    output::Reader,
    recipe::Surroundings,
    spawner::{Footing, Spawner},
    tree::Orphanage,
};
pub use self::{
    command::{Command, CommandEnd, Commands},
    config::{Config, FileConfig, OutputConfig},
    output::{Filter, Follower, LogCounters, LogItem, LogLine, Logs, Stream},
    spawner::Order,
    survey::Survey,
};

/// Processes measured before other things get their turn; each takes some reads of `/proc`.
const MEASURED_AT_ONCE: usize = 16;

/// All processes of all services. One task of the shell owns it.
///
/// Everything in here happens on the calling thread except the making of processes, the reading of output and the
/// writing of log files, each of which has a thread of its own. Nothing in here blocks.
#[derive(Debug)]
pub struct Processes {
    spawner: Spawner,
    logs: Logs,
    ears: Ears,
    sigchld: unix::Signal,
    /// Lives of which something may be left, or that are on their way.
    lives: BTreeMap<Serial, Life>,
    by_generation: BTreeMap<(ServiceId, Generation), Serial>,
    children: Children,
    orphanage: Orphanage,
    /// A child was met that may be one on its way: it is looked at again when that has arrived.
    look_again: bool,
    /// Lives of which everything is to die.
    killing: BTreeMap<Serial, Killing>,
    /// Starts that are on their way.
    arrivals_due: usize,
    /// When it is to be seen whether one of them holds up the others.
    relief_due: Option<Instant>,
    /// The last life that was measured, in the middle of a round.
    measured: Option<Serial>,
    outbox: VecDeque<(ServiceId, Generation, ServiceHappening)>,
    report: Vec<String>,
    /// Of the last daemon.
    found: Vec<String>,
    note: Note,
    counters: Counters,
}

/// What was met and has no place in a service's view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Processes reaped that are no service's main process, no stop command and no health check.
    pub orphans_reaped: u64,
    /// Notifications of senders that belong to no service, or that were gone before they could be told apart.
    pub notifications_ignored: u64,
    /// `MAINPID=` of what is no living process of the same service.
    pub main_pids_ignored: u64,
}

impl Processes {
    /// Makes this process a child subreaper, and opens the notification socket and the output thread. Must be called
    /// within a tokio runtime with I/O and time enabled.
    ///
    /// From here on *every* child of this process is reaped in here: nobody else may wait for a child (with
    /// `std::process::Child::wait` and the like it would get `ECHILD`). What must be run and waited for is run with
    /// [`Processes::commands`].
    pub fn new(config: Config) -> io::Result<Self> {
        Self::on(Footing::find(config.cgroups), config)
    }

    fn on(footing: Footing, config: Config) -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        let sigchld = unix::signal(unix::SignalKind::child())?;
        let surroundings = Surroundings::of_daemon(raise_nofile());
        let mut report = platform::report(footing.cgroups.as_ref(), config.cgroups, &footing.ground);
        let logs = Logs::new(config.output)?;
        let ears = Ears::open(&config.runtime_dir)?;
        let reader = Reader::start(logs.clone())?;
        let spawner = Spawner::open(footing, surroundings, reader, ears.notify_path().to_owned())?;
        report.extend(platform::marks(spawner.marker));
        let (found, unnoted, note) = leftovers::end_and_note(&config.runtime_dir, spawner.marker.tag());
        report.extend(unnoted);
        let mut processes = Self {
            spawner,
            logs,
            ears,
            sigchld,
            lives: BTreeMap::new(),
            by_generation: BTreeMap::new(),
            children: Children::new()?,
            orphanage: Orphanage::open(),
            look_again: false,
            killing: BTreeMap::new(),
            arrivals_due: 0,
            relief_due: None,
            measured: None,
            outbox: VecDeque::new(),
            report,
            found: found.report(),
            note,
            counters: Counters::default(),
        };
        // After a reboot in place there are children of the image before; nothing tells of those that had ended by then.
        processes.adopt();
        processes.reap();
        Ok(processes)
    }

    /// Sends a signal to the process group, or to everything the service ever started (`everything`). A life that is
    /// over already is left alone. One that is on its way is called off, or gets it as soon as it is there; its child is
    /// killed at once. When something survives a `KILL` to everything for two seconds, `Survivors` comes.
    pub fn signal(&mut self, service: ServiceId, generation: Generation, signal: Signal, everything: bool) {
        let Some(&serial) = self.by_generation.get(&(service, generation)) else { return };
        if self.lives.get(&serial).is_some_and(|life| matches!(life.main, Main::Underway(_))) {
            self.ask_later(serial, Later::Signal { signal, everything });
        } else if everything {
            self.signal_everything(serial, signal);
        } else {
            self.signal_group(serial, signal);
        }
    }

    /// The next thing that happened to a process. Cancel-safe: nothing is lost when the future is dropped. Never ends;
    /// without happenings it does not wake. However much happens at once, no call takes long: it is told piece by piece.
    pub async fn next(&mut self) -> (ServiceId, Generation, ServiceHappening) {
        loop {
            if let Some(happening) = self.outbox.pop_front() {
                return happening;
            }
            let deadline = self.next_deadline();
            tokio::select! {
                () = self.children.wait() => self.reap(),
                () = self.spawner.arrived() => self.take_in_arrivals(),
                () = self.ears.wait() => self.listen(),
                // An orphan that nobody has met yet has ended.
                _ = self.sigchld.recv() => self.reap(),
                () = sleep_until(deadline) => self.deadline_over(),
            }
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        [self.survivors_due(), self.relief_due].into_iter().flatten().min()
    }

    fn deadline_over(&mut self) {
        let now = Instant::now();
        if self.relief_due.is_some_and(|due| due <= now) {
            self.relieve();
        }
        self.report_survivors();
    }

    /// Tells the reader of a service's log something about the service.
    fn remark(&self, serial: Serial, text: &str) {
        if let Some(life) = self.lives.get(&serial) {
            self.logs.append_to(&life.log, life.generation, Stream::Stderr, &format!("ubmcd: {text}"));
        }
    }

    fn say(&mut self, serial: Serial, happening: ServiceHappening) {
        if let Some(life) = self.lives.get(&serial) {
            self.outbox.push_back((life.service, life.generation, happening));
        }
    }

    /// What the main processes of some services use, CPU since the measurement before this one: of the next few in each
    /// call, so that none takes long however many there are.
    pub fn measure(&mut self) -> Vec<(ServiceId, Generation, Usage)> {
        let now = std::time::Instant::now();
        let from = self.measured.map_or(Bound::Unbounded, Bound::Excluded);
        let mut usages = Vec::new();
        let mut last = None;
        for (serial, life) in self.lives.range_mut((from, Bound::Unbounded)).take(MEASURED_AT_ONCE) {
            let usage = life.main_pid().and_then(|pid| usage::measure(pid, &mut life.usage, now));
            usages.extend(usage.map(|usage| (life.service, life.generation, usage)));
            last = Some(*serial);
        }
        let more = |serial: &Serial| self.lives.range((Bound::Excluded(*serial), Bound::Unbounded)).next().is_some();
        self.measured = last.filter(more);
        usages
    }

    /// Whether the next call of [`Processes::measure`] goes on where the last one has ended.
    pub fn is_measuring(&self) -> bool {
        self.measured.is_some()
    }

    /// The services' output; cheap to clone, usable from any thread.
    pub fn logs(&self) -> Logs {
        self.logs.clone()
    }

    /// Runs commands that belong to no service (health checks); cheap to clone, usable from any thread.
    pub fn commands(&self) -> Commands {
        Commands::new(self.spawner.clone())
    }

    /// Asks this machine what stands against starting services; cheap to clone, usable from any thread, blocks.
    pub fn survey(&self) -> Survey {
        Survey::new(self.spawner.clone())
    }

    /// What this machine cannot give, one sentence each; empty when it has everything.
    pub fn platform_report(&self) -> Vec<String> {
        self.report.clone()
    }

    /// What a daemon before this one had left running, one sentence each.
    pub fn leftovers(&self) -> &[String] {
        &self.found
    }

    /// The daemon ends in order: what the next one finds has survived that.
    pub fn end_in_order(&self) {
        self.note.ends_in_order();
    }

    /// What was met so far and has no place elsewhere.
    pub fn counters(&self) -> Counters {
        self.counters
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        for life in self.lives.values() {
            if let Main::Underway(underway) = &life.main {
                // What hangs in its exec must not begin when we are gone.
                underway.ticket.kill();
            }
        }
        // With their groups, whose parent goes after them.
        self.lives.clear();
        self.spawner.end();
    }
}

/// This thread is not to be woken for signals, which are for the runtime's.
fn undisturbed() {
    let _ = nix::sys::signal::SigSet::all().thread_block();
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// The daemon holds three descriptors for each service: it takes all that it may have. Returns the limits from before,
/// which its children are to have. They are remembered, so that a second instance in the process finds them too.
fn raise_nofile() -> (u64, u64) {
    static FOUND: OnceLock<(u64, u64)> = OnceLock::new();
    *FOUND.get_or_init(|| {
        let found = getrlimit(Resource::Nofile);
        let raised = Rlimit { current: found.maximum, maximum: found.maximum };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::warn!(%error, "the limit of open descriptors cannot be raised");
        }
        (found.current.unwrap_or(u64::MAX), found.maximum.unwrap_or(u64::MAX))
    })
}

#[cfg(test)]
pub(crate) mod tests;
