//! What is told of machines and of the operations that drive them.

use std::time::Duration;

use crate::{
    ids::{CauseId, Name, OperationId},
    machines::{MachineKind, Tone},
    refusal::Obstacle,
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
