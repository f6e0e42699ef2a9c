//! What the supervisor tells of its services.

use super::{
    Deployment, Group,
    supervisor::{Phase, Supervisor},
    unit::{Announced, FailReason, State, StopPhase, StopWhy, Unit},
};
use crate::{
    event::Severity,
    ids::ServiceId,
    refusal::Obstacle,
    time::{Mono, human},
    timers::{Timer, Timers},
    view::{Desired, GroupView, Health, Problem, ServiceView},
};

impl Supervisor {
    /// A service as it is now.
    pub fn view(&self, id: ServiceId, timers: &Timers) -> ServiceView<'_> {
        let unit = self.unit(id);
        let relations = self.graph.of(id);
        let names = |ids: &[ServiceId]| ids.iter().map(|id| &self.unit(*id).spec.name).collect();
        ServiceView {
            spec: &unit.spec,
            builtin: match unit.spec.deployment {
                Deployment::Builtin(builtin) => Some(builtin),
                Deployment::Binary(_) | Deployment::Unsupported { .. } => None,
            },
            state: unit.state.public(),
            since: unit.since,
            desired: unit.desired,
            // What has no life has no health: an answer to the last check may have been another's.
            health: if unit.state.is_alive() { unit.health.health(unit.spec.health.as_ref()) } else { Health::Unknown },
            health_text: unit.health.text(),
            health_success_rate: unit.health.success_rate(),
            health_latency: unit.health.took(),
            ready: unit.is_ready(),
            readiness_text: unit.readiness.text(),
            pid: unit.pid,
            ready_since: unit.ready,
            settles_at: unit.settles_at(),
            generation: unit.generation,
            restarts: unit.record.restarts,
            manual_starts: unit.record.manual_starts,
            crashes: unit.record.crashes,
            last_exit: unit.record.last_exit,
            last_error: &unit.record.last_error,
            reason: self.reason(id),
            retry_at: match unit.state {
                State::Backoff => timers.get(Timer::Service(id)),
                _ => None,
            },
            start_duration: unit.record.start_duration,
            status_text: &unit.record.status_text,
            usage: unit.record.usage,
            dependents: names(&relations.required_by),
            wanted_by: names(&relations.wanted_by),
        }
    }

    /// Why a service is in its state, one sentence; empty when that is plain.
    pub fn reason(&self, id: ServiceId) -> String {
        let unit = self.unit(id);
        match &unit.state {
            State::Stopped if unit.desired == Desired::Up => self.waiting_reason(id),
            State::Stopped => String::new(),
            State::Running => match (unit.announced, unit.unready) {
                (Some(Announced::Reloading), _) => "reloads its configuration".to_owned(),
                (Some(Announced::Stopping), _) => "says that it is stopping".to_owned(),
                (None, Some(_)) => format!("runs and is not ready: {}", unit.readiness.text()),
                (None, None) => String::new(),
            },
            State::Waiting => self.waiting_reason(id),
            State::Delaying => format!("start delay of {}", human(unit.spec.start_delay)),
            State::Starting { executed: false } => "being executed".to_owned(),
            State::Starting { executed: true } => match unit.spec.readiness {
                super::Readiness::Notify => "waits for READY=1".to_owned(),
                super::Readiness::Fd(fd) => format!("waits for a newline on descriptor {fd}"),
                super::Readiness::Check => match (unit.readiness.text(), unit.health.text()) {
                    ("", "") => "waits for its first check".to_owned(),
                    ("", text) | (text, _) => format!("waits for a passing check: {text}"),
                },
                super::Readiness::Delay(delay) => format!("ready {} after its start", human(delay)),
                super::Readiness::Exec => "at work".to_owned(),
            },
            State::Stopping { phase: StopPhase::Holding, .. } => match self.holds_for(id) {
                Some(other) => format!("waits for {} to stop first", self.unit(other).spec.name),
                None => String::new(),
            },
            State::Stopping { phase, why, .. } => {
                let how = if *phase == StopPhase::Killed { "killed" } else { "asked to stop" };
                match why {
                    StopWhy::Asked => how.to_owned(),
                    StopWhy::DependencyLost(other) => format!("{how}: it needs {}", self.unit(*other).spec.name),
                    StopWhy::Failure(why) => format!("{how}: {why}"),
                    StopWhy::Finished => "cleaning up after its end".to_owned(),
                }
            }
            State::Backoff => unit.record.last_error.clone(),
            State::Failed(FailReason::Own(why)) => why.clone(),
            State::Failed(FailReason::Dependency(other)) => {
                let root = self.root_failure(id);
                let (name, end) = (&self.unit(root).spec.name, self.end_of(root));
                if root == *other {
                    format!("needs {name}, which {end}")
                } else {
                    format!("needs {}; {name} {end}", self.unit(*other).spec.name)
                }
            }
            State::Completed => match unit.spec.run {
                super::Run::Oneshot { .. } => String::new(),
                super::Run::LongRunning => "ended by itself with success".to_owned(),
            },
        }
    }

    /// How far the groups are.
    pub fn groups(&self) -> Vec<GroupView> {
        let mut views: Vec<_> = Group::ALL
            .into_iter()
            .map(|group| GroupView { group, total: 0, up: 0, failed: 0, complete: true })
            .collect();
        for unit in self.listed() {
            let Some(view) = views.iter_mut().find(|view| view.group == unit.spec.group) else { continue };
            view.total += 1;
            view.up += usize::from(unit.is_ready());
            view.failed += usize::from(matches!(unit.state, State::Failed(_)));
            view.complete &= unit.is_ready() || unit.desired == Desired::Down;
        }
        views
    }

    /// What is wrong with a service: a short kind and how bad it is. None: nothing is.
    fn trouble(unit: &Unit) -> Option<(&'static str, Severity)> {
        if unit.desired == Desired::Down {
            return None;
        }
        match &unit.state {
            State::Failed(FailReason::Own(_)) if unit.spec.critical => Some(("service-failed", Severity::Critical)),
            State::Failed(FailReason::Own(_) | FailReason::Dependency(_)) => Some(("service-failed", Severity::Error)),
            State::Backoff => Some(("service-backoff", Severity::Warning)),
            State::Running if unit.health.health(unit.spec.health.as_ref()) == Health::Unhealthy => {
                Some(("service-unhealthy", Severity::Error))
            }
            State::Running if unit.unready.is_some() => Some(("service-not-ready", Severity::Warning)),
            State::Stopped
            | State::Waiting
            | State::Delaying
            | State::Starting { .. }
            | State::Running
            | State::Stopping { .. }
            | State::Completed => None,
        }
    }

    /// How bad the worst of it is.
    pub fn worst(&self) -> Option<Severity> {
        let alarm = (!self.failsafe.is_empty() || !self.reboot_asked.is_empty()).then_some(Severity::Critical);
        self.listed().filter_map(Self::trouble).map(|(_, severity)| severity).chain(alarm).max()
    }

    /// What is not as it should be.
    pub fn problems(&self) -> Vec<Problem> {
        let problem = |id: ServiceId| {
            let unit = self.unit(id);
            let (kind, severity) = Self::trouble(unit)?;
            let name = &unit.spec.name;
            let remedy = match (&unit.state, kind) {
                (State::Failed(FailReason::Dependency(_)), _) => {
                    format!("it comes up by itself when {} does", self.unit(self.root_failure(id)).spec.name)
                }
                _ if unit.record.last_error.starts_with("pre-flight failed") => {
                    format!("`ubmcctl services validate {name}` says what to do about it")
                }
                (_, "service-failed") => {
                    format!("look at `ubmcctl services logs {name}`, then `ubmcctl services start {name}`")
                }
                (_, "service-backoff") => format!("look at `ubmcctl services logs {name}`"),
                _ => format!("look at `ubmcctl services status {name}`"),
            };
            let running = matches!(unit.state, State::Running);
            let reason = match kind {
                "service-not-ready" => unit.readiness.text().to_owned(),
                _ if running => unit.health.text().to_owned(),
                _ => self.reason(id),
            };
            Some(Problem {
                severity,
                obstacle: Obstacle {
                    kind,
                    subject: format!("service {name}"),
                    text: format!("{name} is {}: {reason}", problem_word(kind)),
                    remedy,
                    since: Some(unit.since),
                },
            })
        };
        self.standing_alarms().into_iter().chain(self.ids().filter_map(problem)).collect()
    }

    /// While everything goes down: who is still there, and what each waits for. First those that everything waits for,
    /// the longest first; then those that only wait for their turn.
    pub fn holding_up(&self, now: Mono, timers: &Timers) -> Vec<Obstacle> {
        let Phase::Stopping { .. } = self.phase else { return Vec::new() };
        let waits =
            |unit: &Unit| matches!(unit.state, State::Stopping { phase: StopPhase::Holding, .. } | State::Running);
        let mut left: Vec<_> = self.ids().rev().filter(|id| self.unit(*id).state.is_alive()).collect();
        left.sort_by_key(|id| (waits(self.unit(*id)), self.unit(*id).since));
        left.into_iter()
            .map(|id| {
                let unit = self.unit(id);
                let (name, state, reason) = (&unit.spec.name, unit.state.public().as_str(), self.reason(id));
                Obstacle {
                    kind: "still-up",
                    subject: format!("service {}", unit.spec.name),
                    text: match timers.get(Timer::Service(id)).map(|at| human(now.until(at))) {
                        Some(left) => format!("{name} is {state}: {reason}, killed in {left}"),
                        None => format!("{name} is {state}: {reason}"),
                    },
                    remedy: String::new(),
                    since: Some(unit.since),
                }
            })
            .collect()
    }

    /// Every critical service is ready.
    pub fn critical_ready(&self) -> bool {
        self.listed().filter(|unit| unit.spec.critical && unit.desired == Desired::Up).all(Unit::is_ready)
    }

    /// A critical service has been given up.
    pub fn critical_failed(&self) -> bool {
        self.listed().any(|unit| unit.spec.critical && matches!(unit.state, State::Failed(_)))
    }
}

fn problem_word(kind: &str) -> &'static str {
    match kind {
        "service-backoff" => "waiting for its next start",
        "service-unhealthy" => "unhealthy",
        "service-not-ready" => "not ready",
        _ => "given up",
    }
}
