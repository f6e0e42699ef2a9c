//! What is tried when restarts alone did not help: a ladder, climbed a rung at a time.
//!
//! Each rung gives the service a fresh budget of restarts. It starts again at the bottom after stable uptime, or when an
//! operator acts.

use super::{
    Deployment, Rung,
    supervisor::Supervisor,
    unit::{State, StopWhy},
};
use crate::{event::Severity, ids::ServiceId, outbox::Outbox, timers::Timer};

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
                (Severity::Critical, "failsafe mode: fans run at their fail-safe speed until it is ready")
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
                self.failsafe.insert(id);
                out.changed().system = true;
            }
            // Nobody carries it out here: whoever may reboot the BMC watches for the event.
            Rung::Reboot => {}
        }
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
