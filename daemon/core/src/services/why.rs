//! Why a service is not as it is wanted, down to the root; and who would go down with it. Both walk the same relations
//! that decide what starts and stops, so an answer is never a guess.

use super::{
    supervisor::Supervisor,
    unit::{Blocker, FailReason, Gate, State, StopPhase, StopWhy},
};
use crate::{
    ids::ServiceId,
    time::{Mono, human},
    timers::{Timer, Timers},
    view::{Consequence, Desired, Health, WhatIfView, WhyLink, WhyView},
};

impl Supervisor {
    /// Why this service is as it is.
    pub fn why(&self, id: ServiceId, now: Mono, timers: &Timers) -> WhyView {
        let mut path = vec![id];
        while let Some(next) = path.last().and_then(|at| self.held_up_by(*at)).filter(|next| !path.contains(next)) {
            path.push(next);
        }
        let unit = self.unit(id);
        let chain: Vec<_> = path.iter().map(|id| self.link(*id, now, timers)).collect();
        let answer = match chain.as_slice() {
            [first, .., root] => {
                let what = match &unit.state {
                    State::Failed(_) => format!("{} has failed", unit.spec.name),
                    state if state.is_alive() || unit.desired == Desired::Up => {
                        format!("{} is {}", unit.spec.name, state.public().as_str())
                    }
                    _ => first.text.clone(),
                };
                format!("{what} because {}", root.text)
            }
            [only] => only.text.clone(),
            [] => String::new(),
        };
        let health = unit.health.health(unit.spec.health.as_ref());
        let as_desired = match unit.desired {
            Desired::Up => unit.is_ready() && health != Health::Unhealthy,
            Desired::Down => !unit.state.is_alive(),
        };
        WhyView { name: unit.spec.name.clone(), kind: "service", as_desired, answer, chain }
    }

    /// The service on which it depends that this one moves on.
    fn held_up_by(&self, id: ServiceId) -> Option<ServiceId> {
        let unit = self.unit(id);
        match &unit.state {
            State::Stopped | State::Waiting | State::Delaying if unit.desired == Desired::Up => match self.gate(id) {
                Gate::Broken(other) | Gate::Wait(Blocker::Dependency(other) | Blocker::Order(other)) => Some(other),
                // That the other runs is all there is to say, unless it is on its way down.
                Gate::Wait(Blocker::Conflict(other)) => {
                    Some(other).filter(|other| matches!(self.unit(*other).state, State::Stopping { .. }))
                }
                Gate::Wait(Blocker::Group(group)) => {
                    let awaited =
                        |other: &ServiceId| self.unit(*other).spec.group == group && self.unit(*other).unsettled;
                    self.graph().order().iter().copied().find(awaited)
                }
                Gate::Wait(Blocker::Epoch(_) | Blocker::Survivors) | Gate::Open => None,
            },
            State::Stopping { phase: StopPhase::Holding, .. } => self.holds_for(id),
            State::Failed(FailReason::Dependency(other))
            | State::Stopping { why: StopWhy::DependencyLost(other), .. } => Some(*other),
            State::Stopping { .. }
            | State::Stopped
            | State::Waiting
            | State::Delaying
            | State::Starting { .. }
            | State::Running
            | State::Backoff
            | State::Failed(FailReason::Own(_))
            | State::Completed => None,
        }
    }

    fn link(&self, id: ServiceId, now: Mono, timers: &Timers) -> WhyLink {
        let unit = self.unit(id);
        let name = &unit.spec.name;
        let reason = self.reason(id);
        let logs = || {
            if unit.record.last_error.starts_with("pre-flight failed") {
                format!("`ubmcctl services validate {name}` says what to do")
            } else {
                format!("look at `ubmcctl services logs {name}`")
            }
        };
        let (text, remedy) = match &unit.state {
            State::Stopped | State::Completed if unit.desired == Desired::Down => self.not_wanted(id, now),
            State::Stopped | State::Waiting | State::Delaying => {
                (format!("{name} is waiting: {reason}"), String::new())
            }
            State::Starting { .. } => {
                let left = timers.get(Timer::Service(id)).map(|at| now.until(at));
                let bound = left.map_or_else(String::new, |left| format!(", for at most {} more", human(left)));
                (format!("{name} is starting: {reason}{bound}"), String::new())
            }
            State::Running if unit.unready.is_some() => {
                (format!("{name} runs and is not ready: {}", unit.readiness.text()), logs())
            }
            State::Running if unit.health.health(unit.spec.health.as_ref()) == Health::Unhealthy => {
                (format!("{name} runs and is unhealthy: {}", unit.health.text()), logs())
            }
            State::Running if unit.desired == Desired::Down => {
                (format!("{name} runs and is about to be stopped"), String::new())
            }
            State::Running => match unit.settles_at().filter(|at| *at > now).zip(unit.record.last_exit) {
                Some((settles, (exit, at))) => {
                    let times =
                        if unit.record.crashes == 1 { "once" } else { &format!("{} times", unit.record.crashes) };
                    let (ago, left) = (human(now.since(at)), human(now.until(settles)));
                    let crashed = format!("crashed {times}, last {ago} ago with {exit}");
                    (format!("{name} runs again after it {crashed}; that counts as over in {left}"), logs())
                }
                None => (format!("{name} is running, as it is wanted"), String::new()),
            },
            State::Stopping { .. } => {
                let left = timers.get(Timer::Service(id)).map(|at| now.until(at));
                let bound = left.map_or_else(String::new, |left| format!(", killed in {}", human(left)));
                (format!("{name} is stopping: {reason}{bound}"), String::new())
            }
            State::Backoff => {
                let next = timers.get(Timer::Service(id)).map(|at| human(now.until(at)));
                let next = next.map_or_else(String::new, |next| format!("; it is started again in {next}"));
                (format!("{name} failed ({}){next}", unit.record.last_error), logs())
            }
            State::Failed(FailReason::Own(why)) => {
                (format!("{name} has failed: {why}"), format!("{}, then `ubmcctl services start {name}`", logs()))
            }
            State::Failed(FailReason::Dependency(other)) => {
                let other = &self.unit(*other).spec.name;
                (format!("{name} has failed: it needs {other}"), format!("it comes up by itself when {other} does"))
            }
            State::Completed => (format!("{name} has done its work"), String::new()),
        };
        WhyLink { subject: format!("service {name}"), text, remedy, since: Some(unit.since) }
    }

    /// Why nobody wants it up, and what would bring it up.
    fn not_wanted(&self, id: ServiceId, now: Mono) -> (String, String) {
        let unit = self.unit(id);
        let name = &unit.spec.name;
        let against = self.start_obstacles(id, &[id]);
        let start = against
            .first()
            .map_or_else(|| format!("`ubmcctl services start {name}`"), |obstacle| obstacle.remedy.clone());
        if unit.retired {
            return (format!("{name} is not declared any more"), String::new());
        }
        if let Some(held) = &unit.record.held {
            let who = if held.actor.as_str().is_empty() { "an operator" } else { held.actor.as_str() };
            let why = if held.reason.is_empty() { String::new() } else { format!(" ({})", held.reason) };
            let ago = human(now.since(held.at));
            return (format!("{name} was stopped by {who} {ago} ago{why}"), start);
        }
        let relations = self.graph().of(id);
        let users: Vec<_> = relations.required_by.iter().chain(&relations.wanted_by).collect();
        let text = match users.as_slice() {
            _ if unit.spec.auto_start => format!("{name} is not wanted up"),
            [] => format!("{name} is not started by itself (auto_start = false), and nothing needs it"),
            users => {
                let names: Vec<_> = users.iter().map(|other| self.unit(**other).spec.name.as_str()).collect();
                let names = names.join(", ");
                format!(
                    "{name} is not started by itself (auto_start = false), and what needs it is not wanted up: {names}"
                )
            }
        };
        (text, start)
    }

    /// Everything alive that goes down when this one is stopped, dependents first.
    pub fn stopped_with(&self, id: ServiceId) -> Vec<ServiceId> {
        let (members, _) = self.judge_stop(&[id], true);
        members.into_iter().filter(|member| self.unit(*member).state.is_alive()).collect()
    }

    /// What would follow for other services if this one were stopped now.
    pub fn what_if_stopped(&self, id: ServiceId) -> WhatIfView {
        let (members, obstacles) = self.judge_stop(&[id], false);
        let of = |other: ServiceId, kind, text: String| Consequence {
            subject: format!("service {}", self.unit(other).spec.name),
            kind,
            text,
        };
        let asked = &self.unit(id).spec.name;
        let mut found = Vec::new();
        for member in members.iter().copied().filter(|member| self.unit(*member).state.is_alive()) {
            let name = &self.unit(member).spec.name;
            let text = if member == id {
                format!("{name} stops")
            } else {
                let needs = self.graph().of(member).hard.iter().find(|other| members.contains(other));
                let needs = needs.map_or(asked, |other| &self.unit(*other).spec.name);
                format!("{name} stops first: it needs {needs}")
            };
            found.push(of(member, "stops", text));
        }
        for member in members.iter().copied().filter(|member| *member != id && !self.unit(*member).state.is_alive()) {
            let name = &self.unit(member).spec.name;
            found.push(of(member, "waits", format!("{name}, which is on its way up, is not started")));
        }
        let relations = self.graph().of(id);
        for other in relations.wanted_by.iter().chain(&relations.required_by) {
            let unit = self.unit(*other);
            let (name, soft) = (&unit.spec.name, relations.wanted_by.contains(other));
            if unit.state.is_alive() && soft && !members.contains(other) {
                found.push(of(*other, "unaffected", format!("{name} wants {asked} and runs on without it")));
            }
        }
        for operation in &self.unit(id).spec.required_for {
            let text = format!("{operation} is refused as long as {asked} is down");
            found.push(Consequence { subject: format!("operation {operation}"), kind: "operation", text });
        }
        WhatIfView { consequences: found, obstacles }
    }
}
