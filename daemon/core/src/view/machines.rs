//! What is told of machines and of the operations that drive them.

use std::time::Duration;

use crate::{
    ids::{CauseId, Name, OperationId, ScheduleId},
    machines::{MachineKind, Tone},
    memory::ScheduleMemory,
    refusal::Obstacle,
    restore::RestorePolicy,
    time::Mono,
};

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
    /// Conditions that somebody has overridden.
    pub waivers: Vec<&'a crate::operations::waivers::Waiver>,
    /// Requests that make sense for it, and what forbids each now.
    pub verbs: Vec<(crate::input::Verb, Vec<Obstacle>)>,
    /// How it comes back after the loss of power. Absent: it has none to lose.
    pub restore: Option<RestoreView>,
}

/// How a machine comes back after the loss of power, and how its boots fare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreView {
    /// What holds for it.
    pub policy: RestorePolicy,
    /// An operator chose it over the board's.
    pub chosen: bool,
    /// Chosen for the next time only.
    pub once: Option<RestorePolicy>,
    /// From the moment the BMC is ready.
    pub delay: Duration,
    /// It is to be powered on again, and that is not done.
    pub restoring: bool,
    /// When a policy tries next to do something with it. Absent: none wants to.
    pub next_try: Option<Mono>,
    /// What stood against the last try; may be empty.
    pub held_by: String,
    /// Boots that may still fail, and of how many; hosts only.
    pub boots: Option<(u32, u32)>,
    /// Its boots have failed too often; nothing is done by itself until somebody asks.
    pub given_up: bool,
}

/// A request that waits for its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ScheduleView<'a> {
    /// Number.
    pub id: ScheduleId,
    /// What, when, for whom.
    pub schedule: &'a ScheduleMemory,
    /// What stands against it, its time having come; empty: nothing, or it has not.
    pub held_by: &'a str,
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
    /// It was under way when the last daemon ended: this one has only heard of it, and does not know how long it took.
    pub recalled: bool,
    /// What stands against it (plans and refusals).
    pub obstacles: Vec<Obstacle>,
    /// Of the plan.
    pub revision: String,
    /// What it changes.
    pub affects: Vec<String>,
    /// What is usual, by what it took before. Absent: part of it was never done.
    pub expected: Option<Duration>,
    /// Longest it may take by the bounds of its machines. Absent: not known.
    pub bound: Option<Duration>,
    /// Shared by its events.
    pub cause: CauseId,
}
