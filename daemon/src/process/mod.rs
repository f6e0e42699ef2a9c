//! Real processes: started, watched, signalled, heard and reaped.

mod command;
mod config;
mod output;

use std::io;

use ubmc_core::{
    ids::{Generation, Name, ServiceId},
    input::{ServiceHappening, SpawnError, SpawnStage, Usage},
    services::{Binary, Readiness, Signal},
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
    logs: Logs,
    commands: Commands,
    report: Vec<String>,
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
        let _ = config;
        Ok(Self { logs: Logs::default(), commands: Commands::default(), report: Vec::new() })
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
        let _ = (service, name, generation, binary, readiness);
        Err(SpawnError { stage: SpawnStage::Prepare, errno: 0, text: "not built yet".to_owned() })
    }

    /// From its next spawn on the service is told to send `WATCHDOG=1` (`NOTIFY_SOCKET` and `WATCHDOG_USEC` in its
    /// environment, whatever its readiness is); absent: no longer. Call it for services whose health check is a
    /// heartbeat, with that check's interval.
    pub fn expect_heartbeats(&mut self, service: ServiceId, interval: Option<std::time::Duration>) {
        let _ = (service, interval);
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
        let _ = (service, name, generation, command, binary);
        Err(SpawnError { stage: SpawnStage::Prepare, errno: 0, text: "not built yet".to_owned() })
    }

    /// Sends a signal to the process group, or to everything the service ever started (`everything`). A life that is
    /// over already is left alone. When something survives a `KILL` to everything for two seconds, `Survivors` comes.
    pub fn signal(&mut self, service: ServiceId, generation: Generation, signal: Signal, everything: bool) {
        let _ = (service, generation, signal, everything);
    }

    /// The next thing that happened to a process. Cancel-safe: nothing is lost when the future is dropped. Never ends;
    /// without happenings it does not wake.
    pub async fn next(&mut self) -> (ServiceId, Generation, ServiceHappening) {
        std::future::pending().await
    }

    /// What each service's main process uses; CPU since the measurement before this one.
    pub fn measure(&mut self) -> Vec<(ServiceId, Generation, Usage)> {
        Vec::new()
    }

    /// The services' output; cheap to clone, usable from any thread.
    pub fn logs(&self) -> Logs {
        self.logs.clone()
    }

    /// Runs commands that belong to no service (health checks); cheap to clone, usable from any thread.
    pub fn commands(&self) -> Commands {
        self.commands.clone()
    }

    /// What this machine cannot give, one sentence each; empty when it has everything.
    pub fn platform_report(&self) -> Vec<String> {
        self.report.clone()
    }

    /// What was met so far and has no place elsewhere.
    pub fn counters(&self) -> Counters {
        Counters::default()
    }
}
