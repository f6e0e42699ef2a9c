//! What is told of services.

use std::time::Duration;

use super::Health;
use crate::{
    ids::{Generation, Name},
    input::{Exit, Usage},
    services::{Builtin, Group},
    time::Mono,
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
    /// How long the last check took. Absent before the first.
    pub health_latency: Option<Duration>,
    /// Others may rely on it.
    pub ready: bool,
    /// What the last readiness check said; may be empty.
    pub readiness_text: &'a str,
    /// Process id.
    pub pid: Option<u32>,
    /// Since when it is ready. Absent when it is not running.
    pub ready_since: Option<Mono>,
    /// It has crashed and runs again: when that counts as over. Absent: it has not, or long enough ago.
    pub settles_at: Option<Mono>,
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
