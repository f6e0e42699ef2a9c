//! What is to be started, and what came of it.

use std::{io, os::fd::OwnedFd, sync::Arc, time::Duration};

use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::oneshot;
use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::{SpawnError, SpawnStage},
    services::{Binary, Readiness},
};

use super::Spawner;
use crate::process::{
    Stream, cgroup, failure,
    launch::{Failure, Launched, Launcher, Ticket, Wiring},
    mark::Serial,
    output::{ServiceLog, Source},
    recipe::{Recipe, refused},
    survey::{self, When},
};

/// A new life of a service: what to run, and how it is told apart and heard.
#[derive(Clone, Debug)]
pub struct Order {
    /// Which service.
    pub service: ServiceId,
    /// Its new life.
    pub generation: Generation,
    /// Its name.
    pub name: Name,
    /// What to run.
    pub binary: Arc<Binary>,
    /// What to prepare so that it can tell when it is ready.
    pub readiness: Readiness,
    /// It is expected to say `WATCHDOG=1` at least this often. Absent: it is not.
    pub watchdog: Option<Duration>,
    /// A port it will listen on, when the registry says so.
    pub port: Option<u16>,
    /// Look first whether the machine has all that it needs; say everything that is missing, and do not try.
    pub preflight: bool,
}

/// One process to be made.
#[derive(Debug)]
pub(in crate::process) struct Job {
    pub(in crate::process) serial: Serial,
    pub(in crate::process) ticket: Arc<Ticket>,
    pub(in crate::process) task: Task,
}

#[derive(Debug)]
pub(in crate::process) enum Task {
    /// The main process of a life.
    Main { order: Box<Order>, log: Arc<ServiceLog> },
    /// A life's stop command, with its output in the life's log.
    StopCommand { command: Vec<String>, binary: Arc<Binary>, generation: Generation, log: Arc<ServiceLog> },
    /// A command that belongs to no service. Whoever waits for it gets its output's pipe.
    Command { argv: Vec<String>, started: oneshot::Sender<Result<OwnedFd, SpawnError>> },
}

impl Task {
    /// Whose process it is. Absent: no service's.
    pub(super) fn service(&self) -> Option<&Name> {
        match self {
            Self::Main { log, .. } | Self::StopCommand { log, .. } => Some(log.name()),
            Self::Command { .. } => None,
        }
    }
}

/// Which part a process plays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::process) enum Role {
    Main,
    StopCommand,
    Command,
}

/// What came of a job.
#[derive(Debug)]
pub(in crate::process) struct Arrival {
    pub(in crate::process) serial: Serial,
    pub(in crate::process) role: Role,
    pub(in crate::process) result: Result<Started, SpawnError>,
}

/// A process that runs its own image now.
#[derive(Debug)]
pub(in crate::process) struct Started {
    pub(in crate::process) pid: u32,
    pub(in crate::process) pidfd: OwnedFd,
    /// Its readiness descriptor, if it has one.
    pub(in crate::process) ready: Option<OwnedFd>,
    pub(in crate::process) cgroup: Option<cgroup::Group>,
    /// What the readers of its log should know.
    pub(in crate::process) remarks: Vec<String>,
}

/// How a process's two streams reach us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streams {
    /// Each by a pipe of its own, so that lines are known apart.
    Apart,
    /// By one pipe, so that their order is kept.
    Together,
}

/// The daemon's ends of a process's pipes.
#[derive(Debug)]
struct Ends {
    stdout: OwnedFd,
    /// Absent: both come by the other.
    stderr: Option<OwnedFd>,
    ready: Option<OwnedFd>,
}

/// Why there is no process.
enum Unmade {
    /// Nobody wants it any more, nor wants to know.
    CalledOff,
    Failed(SpawnError),
}

impl From<SpawnError> for Unmade {
    fn from(error: SpawnError) -> Self {
        Self::Failed(error)
    }
}

impl Job {
    /// Makes the process. Absent: nobody is to be told.
    pub(super) fn run(self, spawner: &Spawner, launcher: &mut Launcher) -> Option<Arrival> {
        let Self { serial, ticket, task } = self;
        if !ticket.prepare() {
            return None;
        }
        let mut making = Making { spawner, launcher, serial, ticket: &ticket };
        let (role, made) = match task {
            Task::Main { order, log } => (Role::Main, making.main(&order, &log)),
            Task::StopCommand { command, binary, generation, log } => {
                (Role::StopCommand, making.stop_command(&command, &binary, generation, &log))
            }
            Task::Command { argv, started } => match making.command(&argv) {
                Ok((process, output)) => {
                    // Nobody may wait any more; then it is killed as soon as it has arrived.
                    let _ = started.send(Ok(output));
                    (Role::Command, Ok(process))
                }
                Err(Unmade::Failed(error)) => {
                    spawner.forget_command(serial);
                    let _ = started.send(Err(error));
                    return None;
                }
                Err(Unmade::CalledOff) => return None,
            },
        };
        let result = match made {
            Ok(process) => Ok(process),
            Err(Unmade::Failed(error)) => Err(error),
            Err(Unmade::CalledOff) => return None,
        };
        Some(Arrival { serial, role, result })
    }
}

struct Making<'a> {
    spawner: &'a Spawner,
    launcher: &'a mut Launcher,
    serial: Serial,
    ticket: &'a Ticket,
}

impl Making<'_> {
    fn main(&mut self, order: &Order, log: &Arc<ServiceLog>) -> Result<Started, Unmade> {
        let (spawner, binary) = (self.spawner, &order.binary);
        if order.preflight
            && let Some(error) =
                survey::as_error(&spawner.survey(&order.name, binary, order.port, When::BeforeItsStart))
        {
            return Err(error.into());
        }
        let argv: Vec<String> = std::iter::once(&binary.path).chain(&binary.args).cloned().collect();
        let mut recipe = spawner.surroundings.prepare(binary, &argv, &self.variables(order))?;
        if let Readiness::Fd(number) = order.readiness {
            if number < 3 {
                let text = format!("readiness descriptor {number} is a standard stream");
                return Err(refused(SpawnStage::Prepare, text).into());
            }
            recipe.ready_fd = Some(number);
        }
        let (cgroup, remarks) = spawner.cgroup(&order.name, order.generation, &binary.limits)?;
        if let Some(group) = &cgroup
            && !spawner.ground.born_in_cgroup()
        {
            recipe.cgroup_procs = group.procs();
        }
        let group = cgroup.as_ref().map(cgroup::Group::fd);
        let (Launched { pid, pidfd }, mut ends) = self.start(&recipe, binary, Streams::Apart, group)?;
        let ready = ends.ready.take();
        self.hear(ends, log, order.generation);
        Ok(Started { pid, pidfd, ready, cgroup, remarks })
    }

    fn variables(&self, order: &Order) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        if order.readiness == Readiness::Notify || order.watchdog.is_some() {
            variables.push(("NOTIFY_SOCKET", self.spawner.notify_path.clone()));
        }
        if let Some(interval) = order.watchdog {
            variables.push(("WATCHDOG_USEC", interval.as_micros().to_string()));
        }
        variables
    }

    fn stop_command(
        &mut self,
        command: &[String],
        binary: &Binary,
        generation: Generation,
        log: &Arc<ServiceLog>,
    ) -> Result<Started, Unmade> {
        let recipe = self.spawner.surroundings.prepare(binary, command, &[])?;
        let (Launched { pid, pidfd }, ends) = self.start(&recipe, binary, Streams::Apart, None)?;
        self.hear(ends, log, generation);
        Ok(Started { pid, pidfd, ready: None, cgroup: None, remarks: Vec::new() })
    }

    fn command(&mut self, argv: &[String]) -> Result<(Started, OwnedFd), Unmade> {
        let surroundings = &self.spawner.surroundings;
        let binary = Binary { nice: surroundings.nice, ..Binary::default() };
        let recipe = surroundings.prepare(&binary, argv, &[])?;
        let (Launched { pid, pidfd }, ends) = self.start(&recipe, &binary, Streams::Together, None)?;
        Ok((Started { pid, pidfd, ready: None, cgroup: None, remarks: Vec::new() }, ends.stdout))
    }

    /// Makes pipes and starts the process.
    fn start(
        &mut self,
        recipe: &Recipe,
        binary: &Binary,
        streams: Streams,
        cgroup: Option<&OwnedFd>,
    ) -> Result<(Launched, Ends), Unmade> {
        let mark = self.spawner.marker.mark(self.serial);
        let wired = wires(streams, recipe.ready_fd.is_some()).map_err(|error| Failure::prepare(&error));
        if !self.ticket.launch() {
            return Err(Unmade::CalledOff);
        }
        let started = wired
            .and_then(|(wiring, ends)| Ok((self.launcher.launch(recipe, mark, wiring, cgroup, self.ticket)?, ends)));
        started.map_err(|failure| failure::describe(failure, recipe, binary).into())
    }

    fn hear(&self, ends: Ends, log: &Arc<ServiceLog>, generation: Generation) {
        let source = |stream| Source { log: log.clone(), stream, generation };
        let stdout = self.spawner.reader.add(ends.stdout, source(Stream::Stdout));
        let stderr = ends.stderr.map_or(Ok(()), |stderr| self.spawner.reader.add(stderr, source(Stream::Stderr)));
        if let Err(error) = stdout.and(stderr) {
            // It runs, and is reported as running: without its output, rather than not at all.
            tracing::error!(service = %log.name(), %error, "its output cannot be read");
        }
    }
}

fn wires(streams: Streams, ready: bool) -> io::Result<(Wiring, Ends)> {
    let (stdout, stdout_end) = pipe()?;
    let (stderr, stderr_end) = match streams {
        Streams::Apart => pipe().map(|(reader, writer)| (Some(reader), writer))?,
        Streams::Together => (None, stdout_end.try_clone()?),
    };
    let (ready_end, ready) = if ready {
        let (reader, writer) = pipe()?;
        (Some(writer), Some(reader))
    } else {
        (None, None)
    };
    let wiring = Wiring { stdout: stdout_end, stderr: stderr_end, ready: ready_end };
    Ok((wiring, Ends { stdout, stderr, ready }))
}

/// Only the daemon's end does not block: the other belongs to a program that may not expect it.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((reader, writer))
}
