//! One service and where it stands.
//!
//! ```text
//!             ┌────────────────────────────────────────────────┐ gone, wanted up
//!             ▼                                                │
//!  Stopped ─► Waiting ─► Delaying ─► Starting ─► Running ─► Stopping ─► Stopped
//!     ▲          ▲                      │           │          │  │ └─► Completed
//!     │          └── dependency lost ───┴───────────┘          │  └───► Failed
//!     └────────────────────────── Backoff ◄────────────────────┘
//! ```
//!
//! Every way out of a life goes through `Stopping`, so that nothing the service ever started survives into the next.

use std::time::Duration;

use super::{
    boot::BootMark,
    health::HealthBook,
    restart::RestartBook,
    spec::{Deployment, Epoch, ServiceSpec},
};
use crate::{
    ids::{Generation, Name, ServiceId},
    input::{Exit, Usage},
    outbox::Cause,
    time::Mono,
    view::{Desired, ServiceState},
};

/// What was asked of a service itself, as opposed to what its dependents need.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Up: by auto-start or by an operator.
    Up,
    /// Nothing: it is up exactly as long as something that needs it is.
    Unasked,
    /// Down: an operator stopped it, and what merely wants it does not bring it back.
    HeldDown,
}

/// Why a life is brought to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StopWhy {
    /// It is wanted down, or restarted by request.
    Asked,
    /// Something it needs is going down.
    DependencyLost(ServiceId),
    /// It failed: by itself or in our judgement.
    Failure(String),
    /// It ended by itself with success.
    Finished,
}

/// How far the end of a life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopPhase {
    /// Others must be down first.
    Holding,
    /// It was asked; KILL follows at the deadline.
    Asked,
    /// KILL was sent; survivors are an error at the deadline.
    Killed,
}

/// Why a service is given up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FailReason {
    /// In words; an operator must act.
    Own(String),
    /// What it needs has failed; it comes up by itself when that recovers.
    Dependency(ServiceId),
}

/// Where a service stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// No life.
    Stopped,
    /// Wanted up; something must come first.
    Waiting,
    /// What it waited for is there; its start delay runs.
    Delaying,
    /// Alive, not ready.
    Starting {
        /// The exec succeeded.
        executed: bool,
    },
    /// Alive and ready.
    Running,
    /// Being ended.
    Stopping {
        /// How far.
        phase: StopPhase,
        /// Why.
        why: StopWhy,
        /// The main process has ended.
        exited: bool,
    },
    /// Failed; starts again at the deadline.
    Backoff,
    /// Given up.
    Failed(FailReason),
    /// A oneshot that succeeded, or a service that ended by itself with success.
    Completed,
}

impl State {
    /// As clients see it.
    pub const fn public(&self) -> ServiceState {
        match self {
            Self::Stopped => ServiceState::Stopped,
            Self::Waiting | Self::Delaying => ServiceState::Waiting,
            Self::Starting { .. } => ServiceState::Starting,
            Self::Running => ServiceState::Running,
            Self::Stopping { .. } => ServiceState::Stopping,
            Self::Backoff => ServiceState::Backoff,
            Self::Failed(_) => ServiceState::Failed,
            Self::Completed => ServiceState::Completed,
        }
    }

    /// There is a life: something of it may be running.
    pub const fn is_alive(&self) -> bool {
        matches!(self, Self::Starting { .. } | Self::Running | Self::Stopping { .. })
    }
}

/// Whether what a service needs is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// All of it.
    Open,
    /// Not yet; the first thing that is missing.
    Wait(Blocker),
    /// One that it needs is given up.
    Broken(ServiceId),
}

/// What a start waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocker {
    /// A dependency that is not ready.
    Dependency(ServiceId),
    /// A soft or order-only one that is on its way.
    Order(ServiceId),
    /// A conflicting one that is up.
    Conflict(ServiceId),
    /// An earlier group that is not complete.
    Group(super::Group),
    /// It runs once per power-on or boot, and what it waits for has no power.
    Epoch(super::Epoch),
    /// What is left of its own last life, which survives even KILL.
    Survivors,
}

/// The next step of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// None.
    Stay,
    /// Wait for the gate.
    Wait,
    /// Begin a new life.
    Start,
    /// Give up because of a dependency, for now.
    BreakFor(ServiceId),
    /// End the life.
    Stop(StopWhy),
    /// There is no life to end: be stopped.
    Settle,
}

/// What the next step toward `desired` is.
pub fn next_step(state: &State, desired: Desired, gate: &Gate, lost: Option<ServiceId>) -> Step {
    match (state, desired) {
        (State::Stopped, Desired::Down)
        | (State::Stopping { .. }, Desired::Up | Desired::Down)
        | (State::Backoff | State::Completed, Desired::Up)
        | (State::Failed(_) | State::Completed, Desired::Down)
        | (State::Failed(FailReason::Own(_)), Desired::Up) => Step::Stay,

        (State::Stopped | State::Waiting, Desired::Up) => match gate {
            Gate::Open => Step::Start,
            Gate::Wait(_) if *state == State::Waiting => Step::Stay,
            Gate::Wait(_) => Step::Wait,
            Gate::Broken(dependency) => Step::BreakFor(*dependency),
        },
        (State::Delaying, Desired::Up) => match gate {
            Gate::Open => Step::Stay,
            Gate::Wait(_) => Step::Wait,
            Gate::Broken(dependency) => Step::BreakFor(*dependency),
        },
        (State::Failed(FailReason::Dependency(dependency)), Desired::Up) => match gate {
            Gate::Open => Step::Start,
            Gate::Wait(_) => Step::Wait,
            Gate::Broken(other) if other == dependency => Step::Stay,
            Gate::Broken(other) => Step::BreakFor(*other),
        },

        (State::Starting { .. } | State::Running, Desired::Up) => {
            lost.map_or(Step::Stay, |dependency| Step::Stop(StopWhy::DependencyLost(dependency)))
        }
        (State::Starting { .. } | State::Running, Desired::Down) => Step::Stop(StopWhy::Asked),
        (State::Waiting | State::Delaying | State::Backoff, Desired::Down) => Step::Settle,
    }
}

/// What a service has said that it is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Announced {
    /// `RELOADING=1`: it says `READY=1` when it is done.
    Reloading,
    /// `STOPPING=1`: it ends by itself.
    Stopping,
}

/// Who holds a service down, and since when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Who asked.
    pub actor: Name,
    /// In whose words why; may be empty.
    pub reason: String,
    /// When.
    pub at: Mono,
}

/// Counters and last things, for people.
#[derive(Clone, Debug, Default)]
pub struct Record {
    /// Automatic restarts.
    pub restarts: u32,
    /// Starts by request.
    pub manual_starts: u32,
    /// Unexpected ends.
    pub crashes: u32,
    /// Last end.
    pub last_exit: Option<(Exit, Mono)>,
    /// Last error; may be empty.
    pub last_error: String,
    /// From spawn to ready.
    pub start_duration: Option<Duration>,
    /// `STATUS=`
    pub status_text: String,
    /// The operator who stopped it. Absent: nobody did, or it was started again.
    pub held: Option<Held>,
    /// Resources.
    pub usage: Option<Usage>,
}

/// One service.
#[derive(Clone, Debug)]
pub struct Unit {
    /// As declared.
    pub spec: ServiceSpec,
    /// What was asked of it.
    pub goal: Goal,
    /// What follows for it from its goal and its dependents'; kept by the supervisor.
    pub desired: Desired,
    /// Where it stands.
    pub state: State,
    /// Since when.
    pub since: Mono,
    /// Newest life; 0 before the first.
    pub generation: Generation,
    /// Its process. Absent without one.
    pub pid: Option<u32>,
    /// When this life began.
    pub spawned: Mono,
    /// When this life became ready. Absent when it did not.
    pub ready: Option<Mono>,
    /// What its present activity is due to.
    pub cause: Cause,
    /// Failures.
    pub restart: RestartBook,
    /// How far up its escalation ladder it is: the next rung's place.
    pub rung: usize,
    /// Checks.
    pub health: HealthBook,
    /// Readiness checks.
    pub readiness: HealthBook,
    /// Since when its readiness check fails though it runs. Absent: it does not.
    pub unready: Option<Mono>,
    /// What this life has said that it is doing.
    pub announced: Option<Announced>,
    /// The next life begins whatever the machine says against it.
    pub unchecked: bool,
    /// What the next life runs; this one goes on, and ends, as it was begun.
    pub renewal: Option<Deployment>,
    /// Which power-on or boot this life belongs to, for what runs once per such.
    pub mark: Option<(Epoch, String)>,
    /// No registry declares it any more: when its life is over it is forgotten.
    pub retired: bool,
    /// How its first start went.
    pub boot: BootMark,
    /// For people.
    pub record: Record,
    /// Something of its last life survives even KILL: a new life would run beside it.
    pub haunted: bool,
    /// Counted among those that keep its group from being complete.
    pub unsettled: bool,
}

impl Unit {
    /// A service that was never started.
    pub fn new(spec: ServiceSpec) -> Self {
        Self {
            spec,
            goal: Goal::Unasked,
            desired: Desired::Down,
            state: State::Stopped,
            since: Mono::ZERO,
            generation: Generation::default(),
            pid: None,
            spawned: Mono::ZERO,
            ready: None,
            cause: Cause::default(),
            restart: RestartBook::default(),
            rung: 0,
            health: HealthBook::default(),
            readiness: HealthBook::default(),
            unready: None,
            announced: None,
            unchecked: false,
            renewal: None,
            mark: None,
            retired: false,
            boot: BootMark::default(),
            record: Record::default(),
            haunted: false,
            unsettled: false,
        }
    }

    /// It has crashed and runs again: when that counts as over, or did.
    pub fn settles_at(&self) -> Option<Mono> {
        let since = self.ready.filter(|_| self.restart.is_growing() && matches!(self.state, State::Running));
        since.map(|ready| ready + self.spec.restart.reset_after)
    }

    /// Dependents may rely on it: it is up, and its readiness check does not say otherwise.
    pub const fn is_ready(&self) -> bool {
        self.is_up() && self.unready.is_none()
    }

    /// It does its work, or has done it. Dependents that run stay as long as this holds.
    pub const fn is_up(&self) -> bool {
        match self.state {
            State::Running => true,
            State::Completed => matches!(self.spec.run, super::Run::Oneshot { .. }),
            State::Stopped
            | State::Waiting
            | State::Delaying
            | State::Starting { .. }
            | State::Stopping { .. }
            | State::Backoff
            | State::Failed(_) => false,
        }
    }

    /// How long this life has been ready.
    pub fn uptime(&self, now: Mono) -> Duration {
        self.ready.map_or(Duration::ZERO, |ready| now.since(ready))
    }
}
