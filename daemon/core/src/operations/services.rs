//! Operations on services: what each member has to come to, and which members a change concerns. An operation on a
//! thousand services looks only at those that moved.

use std::collections::{BTreeMap, BTreeSet};

use super::book::{Operations, Order, Work};
use crate::{
    ids::{Generation, OperationId, ServiceId},
    outbox::Outbox,
    services::supervisor::Supervisor,
    view::{OperationState, StepState, StepView},
};

/// What an operation does to a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ServiceVerb {
    /// Up.
    Start,
    /// Down.
    Stop,
    /// Down and up.
    Restart,
}

impl ServiceVerb {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Restart => "restart",
        }
    }
}

/// A service that an operation moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Which way.
    pub verb: ServiceVerb,
    /// Which one.
    pub service: ServiceId,
    /// The first of its lives that counts.
    pub not_before: Generation,
}

/// The members of one operation that have not come to their end.
#[derive(Clone, Debug)]
pub(super) struct Moving {
    /// Each with the place of its step.
    open: BTreeMap<ServiceId, (Member, usize)>,
}

impl Operations {
    /// Services come up, go down, or both. Members are in the order in which people should read them.
    pub fn open_services(
        &mut self,
        order: Order<'_>,
        members: &[Member],
        supervisor: &Supervisor,
        out: &mut Outbox,
    ) -> OperationId {
        // Whoever was before is told first of what this request has just done to them.
        self.services_changed(supervisor, out);
        let now = out.now();
        let name = |member: &Member| &supervisor.unit(member.service).spec.name;
        let affects = members.iter().map(|member| name(member).to_string()).collect();
        let steps = members
            .iter()
            .map(|member| StepView {
                name: format!("{} {}", member.verb.as_str(), name(member)),
                state: StepState::Running,
                started: Some(now),
                ended: None,
                detail: String::new(),
            })
            .collect();
        let open: BTreeMap<_, _> =
            members.iter().enumerate().map(|(place, member)| (member.service, (*member, place))).collect();
        let all = open.keys().copied().collect();
        let id = self.open(order, steps, Work::Services(Moving { open }), out);
        if let Some(operation) = self.all.get_mut(&id) {
            operation.view.affects = affects;
        }
        self.members_moved(id, &all, supervisor, out);
        id
    }

    /// Services have changed: which operations does that bring on?
    pub fn services_changed(&mut self, supervisor: &Supervisor, out: &mut Outbox) {
        let changed = out.changed().services.clone();
        for id in self.running.clone() {
            self.members_moved(id, &changed, supervisor, out);
        }
    }

    fn members_moved(
        &mut self,
        id: OperationId,
        changed: &BTreeSet<ServiceId>,
        supervisor: &Supervisor,
        out: &mut Outbox,
    ) {
        let now = out.now();
        let Some(operation) = self.all.get_mut(&id) else { return };
        let Work::Services(Moving { open }) = &mut operation.work else { return };
        for service in changed {
            let Some((member, place)) = open.get(service).copied() else { continue };
            let Some(step) = operation.view.steps.get_mut(place) else { continue };
            let outcome = match member.verb {
                ServiceVerb::Start | ServiceVerb::Restart => supervisor.start_outcome(*service, member.not_before),
                ServiceVerb::Stop => supervisor.stop_outcome(*service),
            };
            let detail = match outcome {
                None => supervisor.reason(*service),
                Some(outcome) => {
                    open.remove(service);
                    step.ended = Some(now);
                    step.state = if outcome.is_ok() { StepState::Succeeded } else { StepState::Failed };
                    out.changed().operations.insert(id);
                    outcome.unwrap_or_else(|why| why)
                }
            };
            if step.detail != detail {
                step.detail = detail;
                out.changed().operations.insert(id);
            }
        }
        if !open.is_empty() {
            return;
        }
        let failed: Vec<_> = operation
            .view
            .steps
            .iter()
            .filter(|step| step.state == StepState::Failed)
            .map(|step| format!("{}: {}", step.name, step.detail))
            .collect();
        let (state, reason) = if failed.is_empty() {
            (OperationState::Succeeded, String::new())
        } else {
            (OperationState::Failed, failed.join("; "))
        };
        self.finish(id, state, reason, out);
    }
}
