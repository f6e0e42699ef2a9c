//! Everything that the core wants done. Effects are executed in one place of the shell, in order.

use std::{sync::Arc, time::Duration};

use crate::{
    board::Ending,
    event::Event,
    ids::{FanId, Generation, MachineId, Name, OperationId, RequestId, ScheduleId, SensorId, ServiceId, ZoneId},
    input::{HardwareCommand, Probe},
    memory::Memory,
    refusal::Refusal,
    services::{Binary, Builtin, HealthCheck, Readiness, Signal},
    view::{OperationView, ReloadView},
};

/// What handling one input led to.
#[derive(Clone, Debug, Default)]
pub struct Effects {
    /// What to do, in order.
    pub deeds: Vec<Effect>,
    /// What happened, in order; numbers have no gap.
    pub events: Vec<Event>,
    /// Whose view differs from before.
    pub changed: Changed,
}

/// One deed.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Start a process. Answer with `Spawned` or `SpawnFailed`.
    Spawn {
        /// For which service.
        service: ServiceId,
        /// Its new life.
        generation: Generation,
        /// Its name.
        name: Name,
        /// What to run.
        binary: Arc<Binary>,
        /// What to prepare so that it can tell when it is ready.
        readiness: Readiness,
        /// It is expected to say `WATCHDOG=1` at least this often. Absent: it is not.
        watchdog: Option<Duration>,
        /// A port it will listen on, when the registry says so.
        port: Option<u16>,
        /// Look first whether the machine has all that it needs; say everything that is missing, and do not try.
        preflight: bool,
    },
    /// Start a task inside the daemon. Answer with `Spawned`, then `Ready`.
    StartBuiltin {
        /// For which service.
        service: ServiceId,
        /// Its new life.
        generation: Generation,
        /// Which task.
        builtin: Builtin,
    },
    /// Ask a task to end. It answers with `Exited` and `Gone`.
    StopBuiltin {
        /// Of which service.
        service: ServiceId,
        /// Of which life.
        generation: Generation,
        /// Do not wait for it to finish what it does.
        now: bool,
    },
    /// Send a signal to the process group (ask), or to everything the service started (`everything`).
    Signal {
        /// Of which service.
        service: ServiceId,
        /// Of which life.
        generation: Generation,
        /// Which signal.
        signal: Signal,
        /// Every descendant, also those that left the process group.
        everything: bool,
    },
    /// Run the service's stop command.
    RunStopCommand {
        /// Of which service.
        service: ServiceId,
        /// Of which life.
        generation: Generation,
        /// What to run.
        command: Vec<String>,
        /// In whose surroundings.
        binary: Arc<Binary>,
    },
    /// Ask for its health. Answer with `Checked`, also when it took longer than `timeout`.
    Check {
        /// Of which service.
        service: ServiceId,
        /// Of which life.
        generation: Generation,
        /// Which of its two questions.
        probe: Probe,
        /// How.
        check: Arc<HealthCheck>,
        /// Bound.
        timeout: Duration,
    },
    /// Tell hardware something.
    Command(HardwareCommand),
    /// When the fans' driver ends from now on, in order or with the daemon: leave the fans as they are, for the guardian to
    /// hold them so long until another daemon comes. Absent, and before this was ever said: leave them at their fail-safe.
    HoldFans(Option<Duration>),
    /// Remember this across restarts of the daemon, in place of what was remembered before.
    Persist(Memory),
    /// Answer a request.
    Reply(RequestId, Result<Reply, Refusal>),
    /// Everything is down: the daemon may end, like this.
    Exit(Ending),
}

/// What a request was answered with.
#[derive(Clone, Debug, PartialEq)]
pub enum Reply {
    /// It is done, or was so already.
    Done,
    /// It goes on as this operation.
    Operation(OperationId),
    /// It is done at its time, as an operation.
    Scheduled(ScheduleId),
    /// What it would do. Nothing was changed and nothing is kept: its number means nothing.
    Plan(Box<OperationView>),
    /// What a reload changed, or would change. The operation brings services up and down; absent when none has to move.
    Reload(Box<ReloadView>, Option<OperationId>),
}

/// Whose view differs from before, each once, in order. Used to tell subscribers, not to decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changed {
    /// Services.
    pub services: std::collections::BTreeSet<ServiceId>,
    /// Machines.
    pub machines: std::collections::BTreeSet<MachineId>,
    /// Operations.
    pub operations: std::collections::BTreeSet<OperationId>,
    /// Sensors.
    pub sensors: std::collections::BTreeSet<SensorId>,
    /// Zones.
    pub zones: std::collections::BTreeSet<ZoneId>,
    /// Fans.
    pub fans: std::collections::BTreeSet<FanId>,
    /// Something else of the whole: LEDs, supplies, the daemon's own state.
    pub system: bool,
}
