//! What is told of the whole.

use super::GroupView;
use crate::{event::Severity, refusal::Obstacle, time::Mono};

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

/// How the process that guards the fans is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GuardianState {
    /// It watches; the daemon drives the fans.
    Watching,
    /// It has the fans: they are at their fail-safe.
    InCharge,
    /// It has ended, and another is being made.
    Replacing,
    /// There is none, and none can be made.
    Absent,
}

impl GuardianState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Watching => "watching",
            Self::InCharge => "in-charge",
            Self::Replacing => "replacing",
            Self::Absent => "absent",
        }
    }
}

/// The process that guards the fans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuardianView<'a> {
    /// How it is.
    pub state: GuardianState,
    /// Its process. Absent: there is none.
    pub pid: Option<u32>,
    /// Since when it is so.
    pub since: Mono,
    /// Why; empty while it watches.
    pub why: &'a str,
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
