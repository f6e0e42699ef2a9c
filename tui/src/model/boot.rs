//! How the platform came up. Times are in seconds of the daemon's clock, which begins with it.

/// How far the first start of a service came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Outcome {
    /// It still waits or starts; also what this console does not know.
    #[default]
    Pending,
    /// It was ready.
    Ready,
    /// It has done its work.
    Completed,
    /// It failed.
    Failed,
    /// It was not wanted any more before it was ready.
    Abandoned,
}

impl Outcome {
    /// The word that people and filters use.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Ready => "ready",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }
}

/// The first start of a service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BootService {
    /// Which.
    pub name: String,
    /// Its group.
    pub group: String,
    /// How far it came.
    pub outcome: Outcome,
    /// The last thing that it waited for, e.g. `service db`; empty: nothing.
    pub waited_for: String,
    /// When nothing held it up any more. None: something still does, or did to the end.
    pub released_s: Option<f64>,
    /// When it was ready, or had come to another end. None: not yet.
    pub settled_s: Option<f64>,
    /// It is on the critical path.
    pub critical: bool,
}

/// How long a group took.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BootPhase {
    /// Which.
    pub group: String,
    /// When its first member was let go. None: none was yet.
    pub began_s: Option<f64>,
    /// When its last member had settled. None: not all have.
    pub ended_s: Option<f64>,
}

/// The platform's start.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Boot {
    /// When it began.
    pub started_s: f64,
    /// When it was over. None: it goes on.
    pub ended_s: Option<f64>,
    /// Not everything was up in time.
    pub timed_out: bool,
    /// In order.
    pub phases: Vec<BootPhase>,
    /// In start order.
    pub services: Vec<BootService>,
    /// Names along the chain that decided how long it took, first to last.
    pub critical_path: Vec<String>,
}

impl Boot {
    /// How long it took, or as long as it goes on when the daemon's clock stands at `now_s`.
    pub fn elapsed(&self, now_s: f64) -> f64 {
        (self.ended_s.unwrap_or(now_s) - self.started_s).max(0.0)
    }

    /// Whether something of it is still open, so that it is worth asking again.
    pub fn is_open(&self) -> bool {
        self.ended_s.is_none() || self.services.iter().any(|one| one.outcome == Outcome::Pending)
    }

    /// The first start of this service.
    pub fn service(&self, name: &str) -> Option<&BootService> {
        self.services.iter().find(|one| one.name == name)
    }

    /// The phase of this group.
    pub fn phase(&self, group: &str) -> Option<&BootPhase> {
        self.phases.iter().find(|one| one.group == group)
    }
}
