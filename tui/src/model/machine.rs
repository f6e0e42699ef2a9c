//! Machines (hosts, chassis, BMC) and the operations that drive them.

use super::{Condition, Mono, Override, Restoration};

/// What a machine stands for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MachineKind {
    /// A kind that this console does not know.
    #[default]
    Unknown,
    /// A server.
    Host,
    /// What holds the hosts.
    Chassis,
    /// The controller itself.
    Bmc,
}

/// A request that a machine understands.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// `on`, `off`, `force-off`, …
    pub name: String,
    /// Empty: it would be accepted now.
    pub blocked_by: Vec<Condition>,
    /// It interrupts something that runs.
    pub destructive: bool,
}

/// One state machine.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Machine {
    /// e.g. `host.0`.
    pub name: String,
    /// What it stands for.
    pub kind: MachineKind,
    /// A state of its definition.
    pub state: String,
    /// The state that was asked for last. Empty when nobody did.
    pub requested: String,
    /// Since when it is in `state`.
    pub since: Mono,
    /// The operation that drives it. Empty when none.
    pub operation: String,
    /// Whether the state's duration is bounded.
    pub transitional: bool,
    /// When the state times out. None when it does not.
    pub timeout_at: Option<Mono>,
    /// What brought it here; may be empty.
    pub cause: String,
    /// What may be asked of it.
    pub requests: Vec<Request>,
    /// The machine it belongs to. Empty when none.
    pub parent: String,
    /// Why the state is not what was requested. Empty when it is.
    pub reason: String,
    /// Conditions that do not stand against powering it on now.
    pub overrides: Vec<Override>,
    /// How it comes back after the loss of power. None: it has none to lose.
    pub restoration: Option<Restoration>,
}

/// The definition of a machine, as far as it can be drawn.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// In the order of the definition.
    pub states: Vec<GraphState>,
    /// What leads from one to another.
    pub transitions: Vec<Transition>,
}

/// What a request does to a machine in some state, by its definition.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Leads<'a> {
    /// It does not say: the request is made of several, or is none of this machine.
    Unsaid,
    /// Nowhere: what is asked for is so already, or on its way.
    Nowhere,
    /// To this state.
    To(&'a GraphState),
}

impl Graph {
    /// Where `request`, of which nothing stands in the way, leads from `state`.
    pub fn leads(&self, state: &str, request: &str) -> Leads<'_> {
        let on = format!("request {request}");
        let mut known = self.transitions.iter().filter(|one| one.on == on).peekable();
        if known.peek().is_none() {
            return Leads::Unsaid;
        }
        let target =
            known.find(|one| one.from == state).map(|one| self.states.iter().find(|other| other.name == one.to));
        match target {
            Some(Some(to)) => Leads::To(to),
            Some(None) => Leads::Unsaid,
            None => Leads::Nowhere,
        }
    }
}

/// A state of a machine's definition.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GraphState {
    /// Its name.
    pub name: String,
    /// Its duration is bounded.
    pub transitional: bool,
    /// Seconds it may last. None: as long as it likes.
    pub timeout_s: Option<f64>,
    /// In a sentence; may be empty.
    pub description: String,
}

/// What leads from one state to another.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Transition {
    /// From here …
    pub from: String,
    /// … to here …
    pub to: String,
    /// … on this, e.g. `power-good-rises`, `request on`, `timeout`.
    pub on: String,
}

/// How far an operation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OperationState {
    /// A state that this console does not know.
    #[default]
    Unknown,
    /// A dry run.
    Planned,
    /// In progress.
    Running,
    /// Done and confirmed.
    Succeeded,
    /// Not done.
    Failed,
    /// Not done, and undone.
    RolledBack,
    /// Ended by request.
    Cancelled,
    /// Never begun.
    Refused,
}

impl OperationState {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Planned => "planned",
            Self::Running => "running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::RolledBack => "rolled-back",
            Self::Cancelled => "cancelled",
            Self::Refused => "refused",
        }
    }

    /// Whether nothing more will happen to it.
    pub fn is_final(self) -> bool {
        match self {
            Self::Unknown | Self::Planned | Self::Running => false,
            Self::Succeeded | Self::Failed | Self::RolledBack | Self::Cancelled | Self::Refused => true,
        }
    }
}

/// How far a step is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum StepState {
    /// Not begun.
    #[default]
    Pending,
    /// In progress.
    Running,
    /// Done.
    Succeeded,
    /// Not done.
    Failed,
    /// Not needed.
    Skipped,
}

/// One step of an operation.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Step {
    /// What it does.
    pub name: String,
    /// How far it is.
    pub state: StepState,
    /// Seconds it took. None while pending or running.
    pub took_s: Option<f64>,
    /// Since when it runs. None unless running.
    pub running_since: Option<Mono>,
    /// More about it; may be empty.
    pub detail: String,
}

/// A long-running request.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Operation {
    /// e.g. `op-17`.
    pub id: String,
    /// e.g. `host-on`.
    pub kind: String,
    /// What it acts on.
    pub target: String,
    /// How far it is.
    pub state: OperationState,
    /// In order.
    pub steps: Vec<Step>,
    /// Why it ended as it did, or what it waits for; may be empty.
    pub reason: String,
    /// Who asked.
    pub requested_by: String,
    /// The reason that was given; may be empty.
    pub request_reason: String,
    /// When it was accepted.
    pub accepted: Mono,
    /// Seconds it took. None until it ended.
    pub duration_s: Option<f64>,
    /// Violated conditions when it was refused.
    pub conditions: Vec<Condition>,
    /// The plan's revision.
    pub revision: String,
    /// Machines and services that it changes.
    pub affects: Vec<String>,
    /// Expected seconds. None when not known.
    pub expected_s: Option<f64>,
    /// Most seconds it may take. None when not known.
    pub bound_s: Option<f64>,
    /// The cause id of its events.
    pub cause: u64,
    /// 0–1.
    pub progress: f64,
}
