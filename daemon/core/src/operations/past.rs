//! Operations across the end of the daemon: those that were cut off are told, and no number is given twice.

use std::collections::BTreeSet;

use super::{
    book::{Operation, Operations, Work, kind_of},
    drive::Drive,
};
use crate::{
    event::Severity,
    input::Verb,
    machines::{Demand, MachineKind, bank::Machines},
    memory::{OperationMemory, OperationsMemory},
    outbox::Outbox,
    time::{Mono, Wall},
    view::{OperationState, OperationView},
};

/// Numbers that are given before it must be on the disk that they are. A daemon that dies leaves out so many at most.
const AHEAD: u64 = 8;

impl Operations {
    /// What is to be remembered, in place of `before`. `exact`: there will be no more.
    pub fn memory(
        &self,
        before: &OperationsMemory,
        exact: bool,
        bank: &Machines,
        wall: impl Fn(Mono) -> Option<Wall>,
    ) -> OperationsMemory {
        let running = self.running.iter().filter_map(|id| {
            let Operation { view, machines, .. } = self.all.get(id)?;
            let known = before.running.get(id).and_then(|known| known.begun);
            let memory = OperationMemory {
                kind: view.kind.clone(),
                target: view.target.clone(),
                machines: machines.iter().map(|machine| bank.get(*machine).spec.name.clone()).collect(),
                actor: view.requested_by.clone(),
                reason: view.request_reason.clone(),
                begun: known.or_else(|| wall(view.created)),
            };
            Some((*id, memory))
        });
        let enough = before.next >= self.next + AHEAD / 2;
        let next = match (exact, enough) {
            (true, _) => self.next,
            (false, true) => before.next,
            (false, false) => self.next + AHEAD,
        };
        OperationsMemory { next, running: running.collect() }
    }

    /// At the start: numbers go on, and those that were running when the last daemon ended have failed; all but a reboot
    /// of the BMC, which is done now that the BMC has `booted`.
    pub fn recall(&mut self, memory: &OperationsMemory, booted: bool, out: &mut Outbox) {
        let reboot = kind_of(MachineKind::Bmc, Verb::Demand(Demand::Reboot));
        self.next = self.next.max(memory.next);
        for (id, known) in &memory.running {
            let OperationMemory { kind, target, machines: _, actor, reason, begun } = known;
            self.next = self.next.max(id.0 + 1);
            let begun = begun.map_or_else(String::new, |begun| format!(", begun at {begun}"));
            let done = booted && *kind == reboot;
            let (state, why) = if done {
                (OperationState::Succeeded, format!("the BMC was rebooted{begun}"))
            } else if *kind == reboot {
                (OperationState::Failed, format!("ubmcd was started anew, but the BMC was not rebooted{begun}"))
            } else {
                let why = format!("interrupted: ubmcd ended while it was running{begun}");
                (OperationState::Failed, format!("{why}; the machines' states are what the hardware says"))
            };
            let cause = out.new_cause(actor);
            let (told, severity, text) = if done {
                ("succeeded", Severity::Notice, format!("{id}: {kind} {target} done: {why}"))
            } else {
                ("interrupted", Severity::Error, format!("{id}: {kind} {target} was {why}"))
            };
            let fields = vec![
                ("operation", id.to_string().into()),
                ("kind", kind.as_str().into()),
                ("target", target.as_str().into()),
                ("reason", reason.as_str().into()),
            ];
            out.event(format!("operation.{id}.{told}"), "operator", severity, text, fields);
            let view = OperationView {
                id: *id,
                kind: kind.clone(),
                target: target.clone(),
                state,
                steps: Vec::new(),
                reason: why,
                requested_by: actor.clone(),
                request_reason: reason.clone(),
                created: out.now(),
                ended: Some(out.now()),
                recalled: true,
                obstacles: Vec::new(),
                revision: String::new(),
                affects: Vec::new(),
                expected: None,
                bound: None,
                cause: cause.id,
            };
            let work = Work::Machines(Drive::default());
            let operation = Operation { view, work, cause, key: String::new(), machines: BTreeSet::new() };
            self.all.insert(*id, operation);
            out.changed().operations.insert(*id);
        }
    }
}
