//! What health and readiness checks say of a life, and what follows.
//!
//! Liveness asks whether it works: when it does not, it is restarted per policy. Readiness asks whether it can be relied
//! on now: while it cannot, who has yet to start waits, and nothing that runs is touched.

use std::time::Duration;

use super::{
    HealthCheck, HealthSpec, Readiness,
    health::Finding,
    spec::RestartPolicy,
    supervisor::Supervisor,
    unit::{State, StopWhy},
};
use crate::{
    effect::Effect, event::Severity, ids::ServiceId, input::Probe, outbox::Outbox, time::human, timers::Timer,
};

/// While it starts it is asked more often: a start should not take a whole interval longer.
const WHILE_STARTING: Duration = Duration::from_millis(500);

impl Supervisor {
    /// The next health check, or the heartbeat, is due.
    pub fn health_due(&mut self, id: ServiceId, out: &mut Outbox) {
        out.because(self.unit(id).cause.clone());
        let Some(health) = self.unit(id).spec.health.clone() else { return };
        if *health.check == HealthCheck::Heartbeat {
            let misses = self.unit(id).health.streak() + 1;
            let text = format!("no heartbeat for {}", human(health.interval * misses));
            out.arm(Timer::Health(id), out.now() + health.interval);
            self.checked(id, Probe::Liveness, false, &text, Duration::ZERO, out);
        } else {
            self.check_now(id, Probe::Liveness, out);
        }
        self.settle(out);
    }

    /// The next readiness check is due.
    pub fn readiness_due(&mut self, id: ServiceId, out: &mut Outbox) {
        out.because(self.unit(id).cause.clone());
        self.check_now(id, Probe::Readiness, out);
    }

    /// Asks whether a start is complete, now.
    pub(super) fn ask_whether_ready(&mut self, id: ServiceId, out: &mut Outbox) {
        self.check_now(id, self.probe_at_start(id), out);
    }

    /// A life is ready: from now on it is asked again and again.
    pub(super) fn begin_checks(&mut self, id: ServiceId, out: &mut Outbox) {
        let now = out.now();
        let unit = self.unit(id);
        if let Some(health) = &unit.spec.health {
            out.arm(Timer::Health(id), now + health.interval);
        }
        match (&unit.spec.readiness_check, unit.spec.readiness) {
            // It has just been asked.
            (Some(check), Readiness::Check) => out.arm(Timer::Readiness(id), now + check.interval),
            (Some(_), _) => self.check_now(id, Probe::Readiness, out),
            (None, _) => {}
        }
    }

    /// A check is declared otherwise: it begins anew. What the old one says when it comes back is no answer any more, and
    /// what was not ready stays so until the new one has said otherwise.
    pub(super) fn ask_otherwise(&mut self, id: ServiceId, probe: Probe, out: &mut Outbox) {
        let interval = self.spec_of(id, probe).map(|spec| spec.interval);
        let unit = &mut self.units[id.index()];
        let (book, timer) = match probe {
            Probe::Liveness => (&mut unit.health, Timer::Health(id)),
            Probe::Readiness => (&mut unit.readiness, Timer::Readiness(id)),
        };
        book.begin_anew();
        out.cancel(timer);
        match interval {
            Some(interval) => out.arm(timer, out.now() + interval),
            None if probe == Probe::Readiness => {
                unit.unready = None;
                self.touch(id);
            }
            None => {}
        }
    }

    /// What counts at the start: the readiness check, or the health check where there is none.
    fn probe_at_start(&self, id: ServiceId) -> Probe {
        if self.unit(id).spec.readiness_check.is_some() { Probe::Readiness } else { Probe::Liveness }
    }

    fn spec_of(&self, id: ServiceId, probe: Probe) -> Option<&HealthSpec> {
        let spec = &self.unit(id).spec;
        match probe {
            Probe::Liveness => spec.health.as_ref(),
            Probe::Readiness => spec.readiness_check.as_ref(),
        }
    }

    fn check_now(&mut self, id: ServiceId, probe: Probe, out: &mut Outbox) {
        let Some(spec) = self.spec_of(id, probe).cloned() else { return };
        let unit = &mut self.units[id.index()];
        let book = match probe {
            Probe::Liveness => &mut unit.health,
            Probe::Readiness => &mut unit.readiness,
        };
        if !std::mem::replace(&mut book.in_flight, true) {
            let (service, generation) = (id, unit.generation);
            out.deed(Effect::Check { service, generation, probe, check: spec.check, timeout: spec.timeout });
        }
    }

    pub(super) fn heartbeat(&mut self, id: ServiceId, out: &mut Outbox) {
        let Some(health) = self.unit(id).spec.health.clone() else { return };
        if *health.check == HealthCheck::Heartbeat && matches!(self.unit(id).state, State::Running) {
            out.arm(Timer::Health(id), out.now() + health.interval);
            self.checked(id, Probe::Liveness, true, "heartbeat", Duration::ZERO, out);
        }
    }

    /// A check has ended.
    pub(super) fn checked(
        &mut self,
        id: ServiceId,
        probe: Probe,
        passed: bool,
        text: &str,
        took: Duration,
        out: &mut Outbox,
    ) {
        let Some(spec) = self.spec_of(id, probe).cloned() else { return };
        let at_start = self.probe_at_start(id);
        let unit = &mut self.units[id.index()];
        let book = match probe {
            Probe::Liveness => &mut unit.health,
            Probe::Readiness => &mut unit.readiness,
        };
        let timer = match probe {
            Probe::Liveness => Timer::Health(id),
            Probe::Readiness => Timer::Readiness(id),
        };
        let starting = match unit.state {
            State::Starting { .. } => true,
            State::Running => false,
            // It is going down, or gone: how it feels about that changes nothing.
            State::Stopped
            | State::Waiting
            | State::Delaying
            | State::Stopping { .. }
            | State::Backoff
            | State::Failed(_)
            | State::Completed => {
                book.in_flight = false;
                return;
            }
        };
        if book.is_outdated() {
            // Its turn may have come while the old question was on its way.
            if !starting && out.timers.get(timer).is_none() {
                out.arm(timer, out.now() + spec.interval);
            }
            return;
        }
        let finding = book.record(&spec, passed, text.to_owned(), took);
        out.changed().services.insert(id);
        if starting {
            if passed && unit.spec.readiness == Readiness::Check && probe == at_start {
                self.become_ready(id, out);
            } else {
                out.arm(timer, out.now() + spec.interval.min(WHILE_STARTING));
            }
            return;
        }
        if *spec.check != HealthCheck::Heartbeat {
            out.arm(timer, out.now() + spec.interval);
        }
        match (probe, finding) {
            (_, Finding::Same) => {}
            (Probe::Liveness, Finding::BecameHealthy) => {
                let name = &self.unit(id).spec.name;
                let text = format!("{name} is healthy: {text}");
                out.event(format!("service.{name}.healthy"), "operator", Severity::Info, text, Vec::new());
            }
            (Probe::Liveness, Finding::BecameUnhealthy) => self.unhealthy(id, text, out),
            (Probe::Readiness, Finding::BecameHealthy) => self.reliable_again(id, text, out),
            (Probe::Readiness, Finding::BecameUnhealthy) => self.not_reliable(id, text, out),
        }
    }

    fn unhealthy(&mut self, id: ServiceId, text: &str, out: &mut Outbox) {
        let cause = out.new_cause("");
        let unit = &mut self.units[id.index()];
        unit.cause = cause;
        let name = &unit.spec.name;
        out.event(
            format!("service.{name}.unhealthy"),
            "operator",
            Severity::Error,
            format!("{name} is unhealthy: {text}"),
            vec![("reason", text.into())],
        );
        if unit.spec.restart.policy != RestartPolicy::Never {
            self.begin_stop(id, StopWhy::Failure(format!("unhealthy: {text}")), out);
        }
    }

    fn not_reliable(&mut self, id: ServiceId, text: &str, out: &mut Outbox) {
        out.new_cause("");
        let unit = &mut self.units[id.index()];
        unit.unready = Some(out.now());
        let name = &unit.spec.name;
        out.event(
            format!("service.{name}.not-ready"),
            "operator",
            Severity::Warning,
            format!("{name} runs and is not ready: {text}; what has yet to start waits for it"),
            vec![("reason", text.into())],
        );
        self.touch(id);
    }

    fn reliable_again(&mut self, id: ServiceId, text: &str, out: &mut Outbox) {
        if self.units[id.index()].unready.take().is_some() {
            let name = &self.unit(id).spec.name;
            let text = format!("{name} is ready again: {text}");
            out.event(format!("service.{name}.ready-again"), "operator", Severity::Info, text, Vec::new());
            self.touch(id);
        }
    }
}
