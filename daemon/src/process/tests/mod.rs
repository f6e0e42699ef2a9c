//! Real processes of the kinds that bite, each test in a world of its own that must be empty at its end.

mod commands;
mod ends;
mod hang;
mod logs;
mod main_pid;
mod output;
mod start;
mod usage;
mod words;

use std::{
    path::Path,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tempfile::TempDir;
use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::{Exit, ServiceHappening, SpawnError},
    services::{Binary, Readiness, Signal},
};

use super::{Config, Filter, LogLine, Order, OutputConfig, Processes, launch::Ground, spawner::Footing};

/// No condition takes longer, however busy the machine is.
const PATIENCE: Duration = Duration::from_secs(60);

/// Whoever reaps reaps everything: where tests share a process, only one of these worlds may be at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Held by a test for as long as its world lives.
pub(crate) struct Alone {
    _guard: MutexGuard<'static, ()>,
}

pub(crate) fn alone() -> Alone {
    Alone { _guard: ALONE.lock().unwrap_or_else(PoisonError::into_inner) }
}

struct World {
    processes: Processes,
    dir: TempDir,
    generations: u64,
    /// Of what is started next.
    watchdog: Option<Duration>,
    port: Option<u16>,
    preflight: bool,
    running: Vec<(ServiceId, Generation)>,
    seen: Vec<(Generation, ServiceHappening)>,
    _alone: Alone,
}

impl World {
    fn new() -> Self {
        Self::with_output(|_| OutputConfig::default())
    }

    fn with_output(output: impl FnOnce(&Path) -> OutputConfig) -> Self {
        Self::on(|_| Footing::find(true), output)
    }

    fn on_old_kernel() -> Self {
        Self::on(|_| Footing { ground: Ground::of_old_kernel(), ..Footing::find(true) }, |_| OutputConfig::default())
    }

    fn on(footing: impl FnOnce(&Path) -> Footing, output: impl FnOnce(&Path) -> OutputConfig) -> Self {
        let alone = alone();
        let dir = tempfile::tempdir().unwrap();
        let (footing, output) = (footing(dir.path()), output(dir.path()));
        let config = Config { runtime_dir: dir.path().to_owned(), cgroups: true, output };
        let processes = Processes::on(footing, config).unwrap();
        Self {
            processes,
            dir,
            generations: 0,
            watchdog: None,
            port: None,
            preflight: false,
            running: Vec::new(),
            seen: Vec::new(),
            _alone: alone,
        }
    }

    /// The service of a name is always the same.
    fn id(name: &str) -> ServiceId {
        ServiceId::new(name.bytes().fold(0, |sum, byte| (sum * 31 + usize::from(byte)) % 1_000_003))
    }

    /// A start that nobody waits for.
    fn begin(&mut self, name: &str, binary: &Binary, readiness: Readiness) -> Generation {
        let service = Self::id(name);
        self.generations += 1;
        let generation = Generation(self.generations);
        self.processes.spawn(Order {
            service,
            generation,
            name: Name::from(name),
            binary: Arc::new(binary.clone()),
            readiness,
            watchdog: self.watchdog,
            port: self.port,
            preflight: self.preflight,
        });
        self.running.push((service, generation));
        generation
    }

    /// What became of it.
    async fn started(&mut self, generation: Generation) -> Result<u32, SpawnError> {
        let news = |happening: &ServiceHappening| {
            matches!(happening, ServiceHappening::Spawned { .. } | ServiceHappening::SpawnFailed(_))
        };
        match self.until(generation, news).await {
            ServiceHappening::Spawned { pid } => Ok(pid.unwrap()),
            ServiceHappening::SpawnFailed(error) => {
                self.running.retain(|(_, running)| *running != generation);
                Err(error)
            }
            other => unreachable!("{other:?}"),
        }
    }

    async fn try_spawn(&mut self, name: &str, binary: &Binary, readiness: Readiness) -> Result<Generation, SpawnError> {
        let generation = self.begin(name, binary, readiness);
        let pid = self.started(generation).await?;
        assert!(pid > 1);
        Ok(generation)
    }

    async fn spawn(&mut self, name: &str, binary: &Binary) -> Generation {
        self.try_spawn(name, binary, Readiness::Exec).await.unwrap()
    }

    fn signal(&mut self, generation: Generation, signal: Signal, everything: bool) {
        let service = self.running.iter().find(|(_, running)| *running == generation).unwrap().0;
        self.processes.signal(service, generation, signal, everything);
    }

    /// Lets happenings come while something is waited for.
    async fn during<T>(&mut self, condition: impl Future<Output = T>) -> T {
        let seen = &mut self.seen;
        let processes = &mut self.processes;
        let pump = async {
            loop {
                let (_, generation, happening) = processes.next().await;
                seen.push((generation, happening));
            }
        };
        tokio::select! {
            result = tokio::time::timeout(PATIENCE, condition) => result.expect("the condition did not come"),
            () = pump => unreachable!(),
        }
    }

    /// Until a life's happening passes; that one is used up.
    async fn until(&mut self, of: Generation, passes: impl Fn(&ServiceHappening) -> bool) -> ServiceHappening {
        loop {
            if let Some(at) = self.seen.iter().position(|(generation, seen)| *generation == of && passes(seen)) {
                return self.seen.remove(at).1;
            }
            let next = tokio::time::timeout(PATIENCE, self.processes.next()).await;
            let (_, generation, happening) = next.unwrap_or_else(|_| panic!("{of}: only {:?} came", self.seen));
            self.seen.push((generation, happening));
        }
    }

    async fn exit(&mut self, of: Generation) -> Exit {
        match self.until(of, |happening| matches!(happening, ServiceHappening::Exited(_))).await {
            ServiceHappening::Exited(exit) => exit,
            other => unreachable!("{other:?}"),
        }
    }

    async fn gone(&mut self, of: Generation) {
        self.until(of, |happening| *happening == ServiceHappening::Gone).await;
        self.running.retain(|(_, running)| *running != of);
    }

    /// The first line of a service that contains this.
    async fn line(&mut self, name: &str, contains: &str) -> LogLine {
        let filter = Filter { stream: None, contains: contains.to_owned() };
        let mut follower = self.processes.logs().follow(&[Name::from(name)], usize::MAX, filter);
        loop {
            match self.during(follower.next()).await {
                super::LogItem::Line(line) => return line,
                super::LogItem::CaughtUp => {}
                gap @ super::LogItem::Gap { .. } => panic!("{gap:?}"),
            }
        }
    }

    /// Runs a program to its end and gives what it wrote to standard output.
    async fn output_of(&mut self, name: &str, binary: &Binary, readiness: Readiness) -> Vec<String> {
        let generation = self.try_spawn(name, binary, readiness).await.unwrap();
        assert_eq!(self.exit(generation).await, Exit::Code(0), "{:?}", self.text(name));
        self.gone(generation).await;
        self.pipes_closed().await;
        self.text(name)
    }

    /// Until the output of everything that has ended has been read: only then it is certain that a line did not come.
    async fn pipes_closed(&mut self) {
        let reader = self.processes.spawner.reader.open_pipes();
        self.during(async {
            while reader.load(std::sync::atomic::Ordering::Acquire) > 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    }

    fn text(&self, name: &str) -> Vec<String> {
        let lines = self.processes.logs().tail(&Name::from(name), usize::MAX, &Filter::default());
        lines.into_iter().map(|line| line.text).collect()
    }

    /// Processes on this machine that carry a mark of ours.
    fn marked(&self) -> Vec<u32> {
        let marker = self.processes.spawner.marker;
        let processes = std::fs::read_dir("/proc").unwrap();
        let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
        pids.filter(|&pid| marker.read(pid).is_some()).collect()
    }

    /// Kills what still runs, and looks under the carpet.
    async fn end(mut self) {
        for (service, generation) in self.running.clone() {
            self.processes.signal(service, generation, Signal::Kill, true);
        }
        for (_, generation) in self.running.clone() {
            self.gone(generation).await;
        }
        assert_eq!(self.marked(), [] as [u32; 0], "nothing that was started is left");
        assert!(self.processes.lives.is_empty() && self.processes.by_generation.is_empty());
        assert_eq!(self.processes.children.len(), 0, "no zombie is left: {:?}", self.processes.children);
        assert_eq!(our_children(), [] as [u32; 0], "nor anything that nobody looks after");
        assert_eq!((self.processes.arrivals_due, self.processes.next_deadline()), (0, None));
        assert!(self.processes.ears.is_empty());
    }
}

/// A shell script as a service.
fn sh(script: &str) -> Binary {
    program("sh", &["-c", script])
}

fn program(path: &str, args: &[&str]) -> Binary {
    Binary {
        path: path.to_owned(),
        args: args.iter().map(|&arg| arg.to_owned()).collect(),
        working_dir: "/".to_owned(),
        ..Binary::default()
    }
}

/// Of all threads, zombies included.
fn our_children() -> Vec<u32> {
    super::tree::children(std::process::id())
}

fn is_root() -> bool {
    nix::unistd::Uid::effective().is_root()
}

fn lives(pid: u32) -> bool {
    std::fs::exists(format!("/proc/{pid}")).unwrap()
}
