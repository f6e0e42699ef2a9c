//! What the core tells of itself: plain values made on demand, for the API to carry.

use std::time::Duration;

use crate::{
    event::Severity,
    ids::{CauseId, Generation, Name, OperationId},
    input::{Exit, Usage},
    machines::{MachineKind, Tone},
    refusal::Obstacle,
    services::{Builtin, Group},
    time::Mono,
    units::Duty,
};

/// State of a service, as CONTRACT names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ServiceState {
    /// Not up, not wanted up.
    Stopped,
    /// Wanted up, but something must come first.
    Waiting,
    /// Spawned, not yet ready.
    Starting,
    /// Ready.
    Running,
    /// Asked to end, or killed, and not yet gone.
    Stopping,
    /// Ended unexpectedly; the next start is due.
    Backoff,
    /// Given up.
    Failed,
    /// A oneshot that has done its work.
    Completed,
}

impl ServiceState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stopped => "stopped",
            Self::Waiting => "waiting",
            Self::Starting => "starting",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Backoff => "backoff",
            Self::Failed => "failed",
            Self::Completed => "completed",
        }
    }
}

/// What is wanted of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desired {
    /// Up.
    Up,
    /// Down.
    Down,
}

/// One answer to "is it healthy".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing tells.
    Unknown,
    /// Yes.
    Healthy,
    /// In part.
    Degraded,
    /// No.
    Unhealthy,
}

/// A service as it is now.
#[derive(Clone, Debug)]
pub struct ServiceView<'a> {
    /// As declared.
    pub spec: &'a crate::services::ServiceSpec,
    /// For built-in ones, which.
    pub builtin: Option<Builtin>,
    /// State.
    pub state: ServiceState,
    /// Since when.
    pub since: Mono,
    /// What is wanted.
    pub desired: Desired,
    /// Health.
    pub health: Health,
    /// What the last check said; may be empty.
    pub health_text: &'a str,
    /// Share of checks that passed, 0–1. Absent before the first.
    pub health_success_rate: Option<f64>,
    /// Process id.
    pub pid: Option<u32>,
    /// Since when it is ready. Absent when it is not running.
    pub ready_since: Option<Mono>,
    /// Newest life.
    pub generation: Generation,
    /// Automatic restarts.
    pub restarts: u32,
    /// Starts by request.
    pub manual_starts: u32,
    /// Unexpected ends.
    pub crashes: u32,
    /// Last end and when.
    pub last_exit: Option<(Exit, Mono)>,
    /// Last error; may be empty.
    pub last_error: &'a str,
    /// Why it is in this state; may be empty.
    pub reason: String,
    /// When the next automatic start is due.
    pub retry_at: Option<Mono>,
    /// From spawn to ready at the last start.
    pub start_duration: Option<Duration>,
    /// What the service says of itself; may be empty.
    pub status_text: &'a str,
    /// What it uses.
    pub usage: Option<Usage>,
    /// Who depends on it.
    pub dependents: Vec<&'a Name>,
    /// Who wants it.
    pub wanted_by: Vec<&'a Name>,
}

/// How far a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupView {
    /// Which.
    pub group: Group,
    /// Members.
    pub total: usize,
    /// Running or completed.
    pub up: usize,
    /// Failed.
    pub failed: usize,
    /// Every member that is wanted up is.
    pub complete: bool,
}

/// A machine as it is now.
#[derive(Clone, Debug)]
pub struct MachineView<'a> {
    /// Name.
    pub name: &'a Name,
    /// Kind.
    pub kind: MachineKind,
    /// State's name in its definition.
    pub state: &'a Name,
    /// How to read it.
    pub tone: Tone,
    /// Since when.
    pub since: Mono,
    /// `on`, `off`, …; may be empty.
    pub requested: &'a str,
    /// Drives it now.
    pub operation: Option<OperationId>,
    /// When the state's time is up.
    pub timeout_at: Option<Mono>,
    /// What brought it here.
    pub cause: &'a str,
    /// Parent's name.
    pub parent: Option<&'a Name>,
    /// Why it is not as requested; may be empty.
    pub reason: String,
    /// Requests that make sense for it, and what forbids each now.
    pub verbs: Vec<(crate::input::Verb, Vec<Obstacle>)>,
}

/// State of an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OperationState {
    /// A dry run.
    Planned,
    /// On its way.
    Running,
    /// Done, as the hardware or the processes confirm.
    Succeeded,
    /// Not done.
    Failed,
    /// Not done, and what was done is undone.
    RolledBack,
    /// Ended by request.
    Cancelled,
    /// Never begun.
    Refused,
}

impl OperationState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }

    /// Nothing will change any more.
    pub const fn is_final(self) -> bool {
        !matches!(self, Self::Running)
    }
}

/// State of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    Pending,
    /// On its way.
    Running,
    /// Done.
    Succeeded,
    /// Not done.
    Failed,
    /// Not needed.
    Skipped,
}

/// A step of an operation as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepView {
    /// e.g. `host.0 on`.
    pub name: String,
    /// State.
    pub state: StepState,
    /// Begin.
    pub started: Option<Mono>,
    /// End.
    pub ended: Option<Mono>,
    /// What it waits for or how it ended.
    pub detail: String,
}

/// An operation as it is now.
#[derive(Clone, Debug, PartialEq)]
pub struct OperationView {
    /// Number.
    pub id: OperationId,
    /// e.g. `host-on`.
    pub kind: String,
    /// On what.
    pub target: String,
    /// State.
    pub state: OperationState,
    /// Steps in order.
    pub steps: Vec<StepView>,
    /// Why it ended as it did, or what it waits for; may be empty.
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
    /// The asker's reason; may be empty.
    pub request_reason: String,
    /// Accepted when.
    pub created: Mono,
    /// Ended when.
    pub ended: Option<Mono>,
    /// What stands against it (plans and refusals).
    pub obstacles: Vec<Obstacle>,
    /// Of the plan.
    pub revision: String,
    /// What it changes.
    pub affects: Vec<String>,
    /// Longest it should take.
    pub expected: Option<Duration>,
    /// Shared by its events.
    pub cause: CauseId,
}

/// Whether a reading can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Yes.
    Good,
    /// There never was one.
    NotYetRead,
    /// What it measures is off.
    Unpowered,
    /// Too old.
    Stale,
    /// Reading fails or gives no finite number.
    Failed,
    /// The device is not there.
    Absent,
}

impl Quality {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NotYetRead => "not-yet-read",
            Self::Unpowered => "unpowered",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Absent => "absent",
        }
    }
}

/// Where a reading stands against its thresholds. Ordered by how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Within all limits.
    Ok,
    /// No good reading to judge.
    Unknown,
    /// Beyond a warning limit.
    Warning,
    /// Beyond a critical limit.
    Critical,
    /// Beyond a fatal limit.
    Fatal,
}

impl Status {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Fatal => "fatal",
        }
    }
}

/// A sensor as it is now.
#[derive(Clone, Debug)]
pub struct SensorView<'a> {
    /// As declared.
    pub spec: &'a crate::sensors::SensorSpec,
    /// Last good value.
    pub value: Option<f64>,
    /// Whether it can be believed.
    pub quality: Quality,
    /// When the last good reading was.
    pub read_at: Option<Mono>,
    /// Against its thresholds.
    pub status: Status,
    /// Lowest good value.
    pub minimum: Option<f64>,
    /// Highest good value.
    pub maximum: Option<f64>,
    /// Why the quality is not good; may be empty.
    pub reason: &'a str,
}

/// State of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneState {
    /// Not every needed sensor has been read yet.
    Starting,
    /// By its controllers.
    Controlled,
    /// Something needed is unknown, or nothing controls it.
    Failsafe,
    /// A sensor is beyond its critical limit.
    Critical,
    /// A trip has latched.
    Tripped,
}

impl ZoneState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Controlled => "controlled",
            Self::Failsafe => "failsafe",
            Self::Critical => "critical",
            Self::Tripped => "tripped",
        }
    }
}

/// A step of how a duty came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// e.g. `cpu-curve`, `floor`.
    pub name: String,
    /// Value after this step.
    pub value: f64,
    /// Of the value.
    pub unit: &'static str,
}

/// A controller as it is now.
#[derive(Clone, Debug)]
pub struct ControllerView<'a> {
    /// As declared.
    pub spec: &'a crate::thermal::ControllerSpec,
    /// What it was fed, °C.
    pub input: Option<f64>,
    /// The sensor that gave the input.
    pub input_sensor: Option<&'a Name>,
    /// What it asks for.
    pub output: Option<Duty>,
}

/// A zone as it is now.
#[derive(Clone, Debug)]
pub struct ZoneView<'a> {
    /// As declared.
    pub spec: &'a crate::thermal::ZoneSpec,
    /// State.
    pub state: ZoneState,
    /// Since when.
    pub since: Mono,
    /// What it asks of its fans.
    pub duty: Duty,
    /// What decides, short.
    pub driver: &'a str,
    /// What decides, one sentence.
    pub reason: &'a str,
    /// How the duty came about.
    pub terms: &'a [Term],
    /// Its controllers.
    pub controllers: Vec<ControllerView<'a>>,
    /// Names of its sensors.
    pub sensors: Vec<&'a Name>,
    /// Names of its fans.
    pub fans: Vec<&'a Name>,
}

/// Who drives a fan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Its zone's controllers.
    Auto,
    /// An operator, for a time.
    Manual,
    /// Protection.
    Failsafe,
}

/// A fan as it is now.
#[derive(Clone, Debug)]
pub struct FanView<'a> {
    /// As declared.
    pub spec: &'a crate::thermal::FanSpec,
    /// Measured speed.
    pub rpm: Option<f64>,
    /// What it was told.
    pub duty: Duty,
    /// Who drives it.
    pub mode: FanMode,
    /// Its zone; the first when it has several.
    pub zone: Option<&'a Name>,
    /// Turns as it should?
    pub health: Health,
    /// When a manual override ends.
    pub override_until: Option<Mono>,
    /// Why; may be empty.
    pub reason: String,
    /// What it should turn at, RPM.
    pub expected_rpm: f64,
}

/// A machine's power as it is told and as it answers.
#[derive(Clone, Debug)]
pub struct RailView<'a> {
    /// The machine.
    pub name: &'a Name,
    /// What the BMC drives. Absent: not driven yet.
    pub enabled: Option<bool>,
    /// What the hardware answers. Absent: not readable.
    pub power_good: Option<bool>,
    /// Signal names; empty when there is none.
    pub control_signal: &'a str,
    /// See `control_signal`.
    pub good_signal: &'a str,
}

/// A supply as it is now.
#[derive(Clone, Debug)]
pub struct SupplyView<'a> {
    /// As declared.
    pub spec: &'a crate::power::SupplySpec,
    /// Plugged in? Absent: not readable.
    pub present: Option<bool>,
    /// Output good? Absent: not readable.
    pub good: Option<bool>,
    /// Watts.
    pub power_w: Option<f64>,
    /// °C
    pub temperature: Option<f64>,
    /// Health.
    pub health: Health,
}

/// An LED as it is now.
#[derive(Clone, Debug)]
pub struct LedView<'a> {
    /// As declared.
    pub spec: &'a crate::leds::LedSpec,
    /// What it shows.
    pub pattern: crate::leds::Pattern,
    /// Why.
    pub reason: &'a str,
    /// When identify ends by itself.
    pub until: Option<Mono>,
}

/// What the daemon as a whole is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SystemState {
    /// Groups are coming up.
    Starting,
    /// Everything wanted is up.
    Ready,
    /// Something wanted is not.
    Degraded,
    /// It is ending.
    Stopping,
}

impl SystemState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Degraded => "degraded",
            Self::Stopping => "stopping",
        }
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad.
    pub severity: Severity,
    /// What, why, and what to do.
    pub obstacle: Obstacle,
}

/// The whole in one answer.
#[derive(Clone, Debug)]
pub struct SystemView {
    /// State.
    pub state: SystemState,
    /// Health.
    pub health: Health,
    /// Worst first.
    pub problems: Vec<Problem>,
    /// Groups in phase order.
    pub groups: Vec<GroupView>,
    /// While stopping: what is being waited for.
    pub holding_up: Vec<Obstacle>,
}
