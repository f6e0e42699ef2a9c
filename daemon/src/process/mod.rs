//! Real processes: started, heard, signalled and reaped.
//!
//! | file | idea |
//! |---|---|
//! | `recipe`, `user`, `capability` | a process described so completely that starting it needs only system calls |
//! | `launch` | from the recipe to the running image; with `descriptor` the only unsafe code |
//! | `leftovers` | what a daemon that died left running |
//! | `spawner`, `command` | the one place where processes are made; commands that belong to no service |
//! | `mark`, `tree` | how everything that a service ever started is known as its own |
//! | `reap`, `signal` | ends, adopted orphans, signals to groups and to everything |
//! | `ears`, `notify` | readiness descriptors and the notification socket |
//! | `output` | pipes, lines, rings, files, followers |
//! | `usage`, `cgroup`, `platform` | what processes use, what bounds them, what the machine lacks |
//!
//! What holds: only this module waits for children; a pid is signalled only while its process has not been reaped, or
//! through a pidfd; once a process runs, nothing here waits for it, for the disk of its log or for a reader.
//!
//! What does take the caller's time is a start: the thread is suspended until the exec is done or has failed, so that
//! nothing lies between "asked for" and "runs". Before that user and group are looked up and a control group is made;
//! then the kernel walks to the program and reads the head of its file and of its interpreter or loader. What comes after
//! is the new process's own time. From memory all of this takes about as long as a bare `posix_spawn`; from a slow disk it
//! is a few reads more. Nothing of ours bounds those: a file system or a name service that hangs holds up the loop for
//! as long as its own time-outs are, and fans keep their last duty meanwhile. So programs, and the users they run as,
//! belong on the machine itself, not on the network.
//!
//! What a daemon that died has left is ended before the first start, which is bounded: see `leftovers`.

mod capability;
mod cgroup;
mod command;
mod config;
mod descriptor;
mod ears;
mod failure;
mod launch;
mod leftovers;
mod mark;
mod notify;
mod output;
mod platform;
mod reap;
mod recipe;
mod signal;
mod spawner;
mod tree;
mod usage;
mod user;

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    io,
    os::fd::OwnedFd,
    sync::{Arc, OnceLock},
    time::Duration,
};

use rustix::process::{Resource, Rlimit, getpid, getrlimit, set_child_subreaper, setrlimit};
use tokio::{signal::unix, time::Instant};
use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::{ServiceHappening, SpawnError, SpawnStage, Usage},
    services::{Binary, Readiness, Signal},
};

use self::{
    cgroup::Cgroups,
    ears::Ears,
    launch::Launched,
    mark::Serial,
    output::{Reader, ServiceLog, Source},
    recipe::{Surroundings, refused},
    spawner::{Ends, SharedSpawner, Streams},
    tree::Orphanage,
};
pub use self::{
    command::{Command, CommandEnd, Commands},
    config::{Config, FileConfig, OutputConfig},
    output::{Filter, Follower, LogCounters, LogItem, LogLine, Logs, Stream},
};

/// All processes of all services. One task of the shell owns it.
///
/// Everything in here happens on the calling thread except the reading of output, which has a thread of its own, and
/// the writing of log files, which has another.
#[derive(Debug)]
pub struct Processes {
    spawner: SharedSpawner,
    logs: Logs,
    reader: Reader,
    ears: Ears,
    sigchld: unix::Signal,
    /// Lives of which something may be left.
    lives: BTreeMap<Serial, Life>,
    by_generation: BTreeMap<(ServiceId, Generation), Serial>,
    /// Our own children, commands excepted. A pid stays here until its process has been reaped.
    children: HashMap<u32, Child>,
    orphanage: Orphanage,
    heartbeats: HashMap<ServiceId, Duration>,
    /// Lives of which everything is to die.
    killing: BTreeMap<Serial, Killing>,
    /// After the lives, so that it is dropped after their groups.
    cgroups: Option<Cgroups>,
    outbox: VecDeque<(ServiceId, Generation, ServiceHappening)>,
    report: Vec<String>,
    counters: Counters,
}

/// One life of a service, from its spawn until nothing of it is left.
#[derive(Debug)]
struct Life {
    service: ServiceId,
    generation: Generation,
    /// Of the main process, which leads its group.
    pid: u32,
    /// Absent: the main process has been reaped.
    pidfd: Option<OwnedFd>,
    /// Other children of ours that belong to it: adopted orphans, a stop command.
    others: Vec<u32>,
    cgroup: Option<cgroup::Group>,
    usage: usage::Last,
    log: Arc<ServiceLog>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Killing {
    /// What still lives then is reported.
    Until(Instant),
    /// It has been.
    Reported,
}

/// Whose one of our children is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Child {
    /// Main process.
    Main(Serial),
    /// Stop command.
    Helper(Serial),
    /// Left behind by something that has ended, and ours since.
    Adopted(Serial),
    /// Left behind by a command that still runs, or that was killed with it.
    OfCommand(Serial),
    /// Nobody's.
    Stranger,
}

/// What was met and has no place in a service's view.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Adopted processes that were reaped.
    pub orphans_reaped: u64,
    /// Notifications of senders that belong to no service, or that were gone before they could be told apart.
    pub notifications_ignored: u64,
}

impl Processes {
    /// Makes this process a child subreaper, and opens the notification socket and the output thread. Must be called
    /// within a tokio runtime with I/O and time enabled.
    ///
    /// From here on *every* child of this process is reaped in here: nobody else may wait for a child (with
    /// `std::process::Child::wait` and the like it would get `ECHILD`). What must be run and waited for is run with
    /// [`Processes::commands`].
    pub fn new(config: Config) -> io::Result<Self> {
        set_child_subreaper(Some(getpid()))?;
        let sigchld = unix::signal(unix::SignalKind::child())?;
        let spawner = SharedSpawner::new(Surroundings::of_daemon(raise_nofile()))?;
        let cgroups = if config.cgroups { Cgroups::find() } else { None };
        let mut report = platform::report(cgroups.as_ref(), config.cgroups, &spawner.lock());
        let tag = spawner.lock().marker.tag();
        report.extend(leftovers::end_and_note(&config.runtime_dir, tag)?.report());
        let logs = Logs::new(config.output)?;
        Ok(Self {
            reader: Reader::start(logs.clone())?,
            ears: Ears::open(&config.runtime_dir)?,
            spawner,
            cgroups,
            logs,
            sigchld,
            lives: BTreeMap::new(),
            by_generation: BTreeMap::new(),
            children: HashMap::new(),
            heartbeats: HashMap::new(),
            killing: BTreeMap::new(),
            orphanage: Orphanage::open(),
            outbox: VecDeque::new(),
            report,
            counters: Counters::default(),
        })
    }

    /// Starts a process and returns its pid; when this returns, its image has been replaced or it does not exist.
    /// Takes about as long as a bare `posix_spawn`. Neither `Spawned` nor `SpawnFailed` comes from [`Processes::next`].
    pub fn spawn(
        &mut self,
        service: ServiceId,
        name: &Name,
        generation: Generation,
        binary: &Binary,
        readiness: Readiness,
    ) -> Result<u32, SpawnError> {
        let argv: Vec<String> = std::iter::once(&binary.path).chain(&binary.args).cloned().collect();
        let notify = self.notify_variables(service, readiness);
        let mut spawner = self.spawner.lock();
        let mut recipe = spawner.surroundings.prepare(binary, &argv, &notify)?;
        if let Readiness::Fd(number) = readiness {
            if number < 3 {
                return Err(refused(
                    SpawnStage::Prepare,
                    format!("readiness descriptor {number} is a standard stream"),
                ));
            }
            recipe.ready_fd = Some(number);
        }
        let cgroup = match &mut self.cgroups {
            Some(cgroups) => cgroups.group(name, generation, &binary.limits)?,
            None => None,
        };
        if let Some(group) = &cgroup
            && !spawner.launcher.born_in_cgroup()
        {
            recipe.cgroup_procs = group.procs();
        }
        let serial = spawner.new_serial();
        let started = spawner.start(&recipe, binary, serial, Streams::Apart, cgroup.as_ref().map(cgroup::Group::fd));
        let (Launched { pid, pidfd }, ends) = match started {
            Ok(started) => started,
            Err(error) => {
                spawner.free_serial(serial);
                return Err(error);
            }
        };
        drop(spawner);
        let life = Life {
            service,
            generation,
            pid,
            pidfd: Some(pidfd),
            others: Vec::new(),
            cgroup,
            usage: usage::Last::default(),
            log: self.logs.of(name),
        };
        self.lives.insert(serial, life);
        self.by_generation.insert((service, generation), serial);
        self.children.insert(pid, Child::Main(serial));
        if let Err(error) = self.hear(serial, ends) {
            // It runs, and is reported as running: without its output, rather than not at all.
            tracing::error!(service = %name, %error, "its output cannot be read");
        }
        for missing in self.unmet_limits(&binary.limits) {
            self.remark(serial, &missing);
        }
        Ok(pid)
    }

    fn notify_variables(&self, service: ServiceId, readiness: Readiness) -> Vec<(&'static str, String)> {
        let heartbeat = self.heartbeats.get(&service);
        let mut variables = Vec::new();
        if readiness == Readiness::Notify || heartbeat.is_some() {
            variables.push(("NOTIFY_SOCKET", self.ears.notify_path().to_owned()));
        }
        if let Some(interval) = heartbeat {
            variables.push(("WATCHDOG_USEC", interval.as_micros().to_string()));
        }
        variables
    }

    fn hear(&mut self, serial: Serial, ends: Ends) -> io::Result<()> {
        let Some(life) = self.lives.get(&serial) else { return Ok(()) };
        let source = |stream| Source { log: life.log.clone(), stream, generation: life.generation };
        self.reader.add(ends.stdout, source(Stream::Stdout))?;
        if let Some(stderr) = ends.stderr {
            self.reader.add(stderr, source(Stream::Stderr))?;
        }
        if let Some(ready) = ends.ready {
            self.ears.add(serial, ready)?;
        }
        Ok(())
    }

    /// From its next spawn on the service is told to send `WATCHDOG=1` (`NOTIFY_SOCKET` and `WATCHDOG_USEC` in its
    /// environment, whatever its readiness is); absent: no longer. Call it for services whose health check is a
    /// heartbeat, with that check's interval.
    pub fn expect_heartbeats(&mut self, service: ServiceId, interval: Option<Duration>) {
        match interval {
            Some(interval) => self.heartbeats.insert(service, interval),
            None => self.heartbeats.remove(&service),
        };
    }

    /// Runs a service's stop command in the service's surroundings (environment, directory, user, limits), with its
    /// output in the service's log. The command belongs to the service: `Gone` waits for it and a `KILL` to everything
    /// takes it along, so that it is bounded by the stop time-out.
    pub fn run_stop_command(
        &mut self,
        service: ServiceId,
        name: &Name,
        generation: Generation,
        command: &[String],
        binary: &Binary,
    ) -> Result<(), SpawnError> {
        let Some(&serial) = self.by_generation.get(&(service, generation)) else {
            return Err(refused(SpawnStage::Prepare, format!("nothing of {name} {generation} is left to stop")));
        };
        let mut spawner = self.spawner.lock();
        let recipe = spawner.surroundings.prepare(binary, command, &[])?;
        let (launched, ends) = spawner.start(&recipe, binary, serial, Streams::Apart, None)?;
        drop(spawner);
        self.children.insert(launched.pid, Child::Helper(serial));
        if let Some(life) = self.lives.get_mut(&serial) {
            life.others.push(launched.pid);
        }
        if let Err(error) = self.hear(serial, ends) {
            tracing::error!(service = %name, %error, "the output of its stop command cannot be read");
        }
        Ok(())
    }

    /// Sends a signal to the process group, or to everything the service ever started (`everything`). A life that is
    /// over already is left alone. When something survives a `KILL` to everything for two seconds, `Survivors` comes.
    pub fn signal(&mut self, service: ServiceId, generation: Generation, signal: Signal, everything: bool) {
        if let Some(&serial) = self.by_generation.get(&(service, generation)) {
            if everything {
                self.signal_everything(serial, signal);
            } else {
                self.signal_group(serial, signal);
            }
        }
    }

    /// The next thing that happened to a process. Cancel-safe: nothing is lost when the future is dropped. Never ends;
    /// without happenings it does not wake.
    pub async fn next(&mut self) -> (ServiceId, Generation, ServiceHappening) {
        loop {
            if let Some(happening) = self.outbox.pop_front() {
                return happening;
            }
            let deadline = self.next_deadline();
            tokio::select! {
                _ = self.sigchld.recv() => self.reap(),
                () = self.ears.wait() => self.listen(),
                () = sleep_until(deadline) => self.report_survivors(),
            }
        }
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

    /// What each service's main process uses; CPU since the measurement before this one.
    pub fn measure(&mut self) -> Vec<(ServiceId, Generation, Usage)> {
        let now = std::time::Instant::now();
        let running = self.lives.values_mut().filter(|life| life.pidfd.is_some());
        running
            .filter_map(|life| Some((life.service, life.generation, usage::measure(life.pid, &mut life.usage, now)?)))
            .collect()
    }

    /// The services' output; cheap to clone, usable from any thread.
    pub fn logs(&self) -> Logs {
        self.logs.clone()
    }

    /// Runs commands that belong to no service (health checks); cheap to clone, usable from any thread.
    pub fn commands(&self) -> Commands {
        Commands::new(self.spawner.clone())
    }

    /// What this machine cannot give, one sentence each; empty when it has everything.
    pub fn platform_report(&self) -> Vec<String> {
        self.report.clone()
    }

    /// What was met so far and has no place elsewhere.
    pub fn counters(&self) -> Counters {
        self.counters
    }
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
