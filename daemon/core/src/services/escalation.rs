//! What is tried when restarts alone did not help: a ladder, climbed a rung at a time.
//!
//! Each rung gives the service a fresh budget of restarts. It starts again at the bottom after stable uptime, or when an
//! operator acts.

use super::{
    Deployment, Rung,
    supervisor::Supervisor,
    unit::{State, StopWhy},
};
use crate::{
    event::Severity, ids::ServiceId, outbox::Outbox, refusal::Obstacle, time::Mono, timers::Timer, view::Problem,
};

impl Supervisor {
    /// Takes the next rung. The caller has seen that there is one.
    pub(super) fn climb(&mut self, id: ServiceId, reason: &str, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        let Some(rung) = unit.spec.restart.escalate.get(unit.rung).copied() else { return };
        unit.rung += 1;
        unit.restart.forgive();
        let (name, delay) = (unit.spec.name.clone(), unit.spec.restart.delay);
        let (severity, what) = match rung {
            Rung::Dependents => (Severity::Error, "it is restarted together with what depends on it"),
            Rung::Group => (Severity::Error, "its whole group is restarted"),
            Rung::Failsafe => {
                (Severity::Critical, "fail-safe mode: fans run at their fail-safe speed until it stays ready")
            }
            Rung::Reboot => (Severity::Critical, "a reboot of the BMC is asked for"),
        };
        out.event(
            format!("service.{name}.escalated"),
            "operator",
            severity,
            format!("restarts of {name} did not help ({reason}): {what}"),
            vec![("service", name.as_str().into()), ("reason", reason.into())],
        );
        self.enter(id, State::Backoff, out);
        out.arm(Timer::Service(id), out.now() + delay);
        match rung {
            Rung::Dependents => self.restart_all(&self.graph.dependents(id), out),
            Rung::Group => {
                let group = self.unit(id).spec.group;
                let members: Vec<_> = self.ids().rev().filter(|other| self.unit(*other).spec.group == group).collect();
                self.restart_all(&members, out);
            }
            Rung::Failsafe => {
                self.failsafe.entry(id).or_insert(out.now());
                out.changed().system = true;
            }
            // Nobody carries it out here: whoever may reboot the BMC watches for the event, or sees it in the status.
            Rung::Reboot => {
                self.reboot_asked.entry(id).or_insert(out.now());
                out.changed().system = true;
                let text = format!("a reboot of the BMC is asked for: restarts of {name} did not help ({reason})");
                let fields = vec![("service", name.as_str().into())];
                out.event("platform.reboot-requested".to_owned(), "operator", Severity::Critical, text, fields);
            }
        }
    }

    /// It is ready. What its failure has led to ends when it stays so.
    pub(super) fn begin_recovery(&self, id: ServiceId, out: &mut Outbox) {
        if self.failsafe.contains_key(&id) || self.reboot_asked.contains_key(&id) {
            out.arm(Timer::Recovered(id), out.now() + self.unit(id).spec.restart.reset_after);
        }
    }

    /// It has stayed ready.
    pub fn recovered(&mut self, id: ServiceId, out: &mut Outbox) {
        out.because(self.unit(id).cause.clone());
        self.stand_down(id, out);
    }

    /// What its failure has led to ends: it works again, or an operator has taken it in hand.
    pub(super) fn stand_down(&mut self, id: ServiceId, out: &mut Outbox) {
        if self.failsafe.remove(&id).is_some() {
            out.changed().system = true;
            let name = &self.unit(id).spec.name;
            let text = match self.failsafe() {
                None => format!("fail-safe mode for {name} is over"),
                Some(other) => format!("fail-safe mode for {name} is over; it lasts for {other}"),
            };
            out.event("platform.failsafe-over".to_owned(), "operator", Severity::Notice, text, Vec::new());
        }
        out.changed().system |= self.reboot_asked.remove(&id).is_some();
    }

    /// What stands while the ladder of a service is that high.
    pub(super) fn standing_alarms(&self) -> Vec<Problem> {
        let problem = |id: &ServiceId, since: &Mono, kind, what: &str| {
            let name = &self.unit(*id).spec.name;
            Problem {
                severity: Severity::Critical,
                obstacle: Obstacle {
                    kind,
                    subject: "platform".to_owned(),
                    text: format!("{what} because restarts of {name} did not help"),
                    remedy: format!("look at `ubmcctl why {name}`; `ubmcctl services reset {name}` ends it"),
                    since: Some(*since),
                },
            }
        };
        let failsafe = self
            .failsafe
            .iter()
            .map(|(id, since)| problem(id, since, "failsafe-mode", "fans run at their fail-safe speed"));
        let reboot = self
            .reboot_asked
            .iter()
            .map(|(id, since)| problem(id, since, "reboot-requested", "a reboot of the BMC is asked for"));
        failsafe.chain(reboot).collect()
    }

    /// Ends the lives of these; they come back by themselves. Built-in tasks that carry the API and the journal stay.
    fn restart_all(&mut self, members: &[ServiceId], out: &mut Outbox) {
        for id in members {
            let unit = self.unit(*id);
            let running = matches!(unit.state, State::Running | State::Starting { .. });
            let spared =
                self.graph.of(*id).lifeline || unit.spec.deployment == Deployment::Builtin(super::Builtin::Journal);
            if running && !spared {
                self.begin_stop(*id, StopWhy::Asked, out);
            }
        }
    }
}
