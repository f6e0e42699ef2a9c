//! Services and their output.

use super::{Condition, Health, Mono, Severity};

/// What a service is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceState {
    /// A state that this console does not know.
    #[default]
    Unknown,
    /// Not running, and not wanted.
    Stopped,
    /// Wanted up, but something it needs is not ready.
    Waiting,
    /// Spawned, not yet ready.
    Starting,
    /// Ready.
    Running,
    /// Asked to end, and not yet gone.
    Stopping,
    /// Ended unexpectedly; the next start is due.
    Backoff,
    /// Given up.
    Failed,
    /// A oneshot that has done its work.
    Completed,
}

impl ServiceState {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
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

/// How a service is run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ServiceKind {
    /// A kind that this console does not know.
    #[default]
    Unknown,
    /// A task inside ubmcd.
    Builtin,
    /// A process.
    Binary,
    /// A container. Declared, but this version of ubmcd cannot run it; the same holds for those below.
    Docker,
    /// Several containers.
    DockerCompose,
    /// A deployment in a cluster.
    Kubernetes,
    /// Something elsewhere.
    Remote,
}

impl ServiceKind {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Builtin => "builtin",
            Self::Binary => "binary",
            Self::Docker => "docker",
            Self::DockerCompose => "docker-compose",
            Self::Kubernetes => "kubernetes",
            Self::Remote => "remote",
        }
    }
}

/// One supervised service.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Service {
    /// Its unique name.
    pub name: String,
    /// One sentence; may be empty.
    pub description: String,
    /// foundation, core, management or interface.
    pub group: String,
    /// Free word; may be empty.
    pub category: String,
    /// How it is run.
    pub kind: ServiceKind,
    /// What it is doing.
    pub state: ServiceState,
    /// Whether it is wanted up. None when the daemon did not say.
    pub wanted: Option<bool>,
    /// The verdict of its checks.
    pub health: Health,
    /// What the last check said; may be empty.
    pub health_text: String,
    /// None when there is no process.
    pub pid: Option<i32>,
    /// Since when it is ready. None when it is not.
    pub up_since: Option<Mono>,
    /// Restarts by the supervisor.
    pub restarts: u32,
    /// Starts by request.
    pub manual_starts: u32,
    /// Unexpected ends.
    pub crashes: u32,
    /// How it last ended. None when it never did.
    pub last_exit: Option<String>,
    /// Empty when there was none.
    pub last_error: String,
    /// Whether the platform cannot do without it.
    pub critical: bool,
    /// Whether it starts with the platform.
    pub auto_start: bool,
    /// Whether it runs once and ends.
    pub oneshot: bool,
    /// What must be ready before it.
    pub dependencies: Vec<String>,
    /// What it would like to have ready.
    pub wants: Vec<String>,
    /// What names it as a dependency.
    pub dependents: Vec<String>,
    /// Percent of one core. None when not measured.
    pub cpu_percent: Option<f64>,
    /// Resident bytes. None when not measured.
    pub rss_bytes: Option<u64>,
    /// Open descriptors. None when not measured.
    pub fds: Option<u32>,
    /// Seconds from spawn to ready. None before the first start.
    pub start_duration_s: Option<f64>,
    /// Share of checks that passed, 0–1. None when none has run.
    pub health_success_rate: Option<f64>,
    /// Why it is in this state; may be empty.
    pub reason: String,
    /// Since when it is in this state.
    pub since: Mono,
    /// When the next automatic start is due. None unless in back-off.
    pub retry_at: Option<Mono>,
    /// Lines of output that nobody could take in time.
    pub dropped_lines: u64,
    /// What the service says of itself; may be empty.
    pub status_text: String,
    /// Whether others may rely on it now.
    pub ready: bool,
    /// What its readiness check said last; empty when it has none of its own.
    pub readiness_text: String,
    /// How its health is asked; empty: not at all.
    pub health_check: String,
    /// Seconds that the last health check took. None when none has run.
    pub health_latency_s: Option<f64>,
    /// Operations that need it.
    pub required_for: Vec<String>,
    /// It has crashed and runs again: when that counts as over. None: it has not, or long enough ago.
    pub settles_at: Option<Mono>,
}

impl Service {
    /// Seconds until its last crash counts as over. None: it does not run, has not crashed, or has settled.
    pub fn unsettled(&self, now: Mono) -> Option<f64> {
        self.settles_at
            .filter(|_| self.state == ServiceState::Running)
            .map(|at| at.since(now))
            .filter(|left| *left > 0.0)
    }

    /// That it has crashed and runs again, as a condition.
    pub(super) fn crash_condition(&self, subject: String) -> Condition {
        let times = if self.crashes == 1 { "once".to_owned() } else { format!("{} times", self.crashes) };
        let exit = self.last_exit.as_ref().map(|exit| format!(", last with {exit}")).unwrap_or_default();
        Condition {
            kind: "service-crashed".to_owned(),
            subject,
            text: format!("{} runs again after it crashed {times}{exit}", self.name),
            remedy: "if it goes on, look at its log".to_owned(),
            since_s: None,
            severity: Some(Severity::Warning),
        }
    }

    /// It runs, and its readiness check says that others may not rely on it.
    pub fn is_unready(&self) -> bool {
        self.state == ServiceState::Running && !self.ready && !self.readiness_text.is_empty()
    }

    /// Whether a process or task of it is alive or about to be.
    pub fn is_active(&self) -> bool {
        match self.state {
            ServiceState::Waiting
            | ServiceState::Starting
            | ServiceState::Running
            | ServiceState::Stopping
            | ServiceState::Backoff => true,
            ServiceState::Unknown | ServiceState::Stopped | ServiceState::Failed | ServiceState::Completed => false,
        }
    }
}

/// What depends on `name`, directly or through others, and is active: what a forced stop takes along, in the order of
/// `services`.
pub fn active_dependents<'a>(services: &'a [Service], name: &str) -> Vec<&'a str> {
    let mut reached = vec![name];
    let mut next = 0;
    while let Some(current) = reached.get(next).copied() {
        next += 1;
        let direct = services.iter().filter(|service| service.dependencies.iter().any(|other| other == current));
        for service in direct {
            if !reached.contains(&service.name.as_str()) {
                reached.push(&service.name);
            }
        }
    }
    services
        .iter()
        .filter(|service| service.name != name && service.is_active() && reached.contains(&service.name.as_str()))
        .map(|service| service.name.as_str())
        .collect()
}

/// One line of a service's output, or a hole in it.
#[derive(Clone, Debug, PartialEq)]
pub enum LogEntry {
    /// A captured line.
    Line {
        /// Whether it came from stderr.
        stderr: bool,
        /// Wall time, seconds since 1970.
        time_s: f64,
        /// Without the newline.
        text: String,
    },
    /// So many lines cannot be had.
    Gap(u64),
    /// What the console itself has to say about the log.
    Remark(String),
}

/// The output of the one service whose page is open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Log {
    /// Whose output. None when no page is open.
    pub service: Option<String>,
    /// Kept entries, oldest first.
    pub entries: std::collections::VecDeque<LogEntry>,
    /// How many entries were dropped in front of the first kept one.
    pub dropped: u64,
    /// The daemon has said what it has of it, which may be nothing.
    pub heard: bool,
}

/// Entries kept of one service's output.
const LOG_KEPT: usize = 2_000;

impl Log {
    /// Starts over for another service, or for none.
    pub fn open(&mut self, service: Option<String>) {
        *self = Self { service, ..Self::default() };
    }

    /// Appends an entry if it belongs to the open service.
    pub fn push(&mut self, service: &str, entry: LogEntry) {
        if self.service.as_deref() != Some(service) {
            return;
        }
        self.heard = true;
        self.entries.push_back(entry);
        while self.entries.len() > LOG_KEPT {
            self.entries.pop_front();
            self.dropped += 1;
        }
    }

    /// The daemon has sent all that it had kept, also when that was nothing.
    pub fn caught_up(&mut self, service: &str) {
        self.heard |= self.service.as_deref() == Some(service);
    }

    /// The number that the next entry will have; numbers never change while the page is open.
    pub fn end(&self) -> u64 {
        self.dropped + self.entries.len() as u64
    }
}
