//! Operations across the end of the daemon: those that were cut off are told, and no number is given twice.

use std::collections::BTreeSet;

use super::{
    book::{Operation, Operations, Work},
    drive::Drive,
};
use crate::{
    event::Severity,
    machines::bank::Machines,
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

    /// At the start: numbers go on, and those that were running when the last daemon ended have failed.
    pub fn recall(&mut self, memory: &OperationsMemory, out: &mut Outbox) {
        self.next = self.next.max(memory.next);
        for (id, known) in &memory.running {
            let OperationMemory { kind, target, machines: _, actor, reason, begun } = known;
            self.next = self.next.max(id.0 + 1);
            let begun = begun.map_or_else(String::new, |begun| format!(", begun at {begun}"));
            let why = format!(
                "interrupted: ubmcd ended while it was running{begun}; the machines' states are what the hardware says"
            );
            let cause = out.new_cause(actor);
            let text = format!("{id}: {kind} {target} was interrupted: ubmcd ended while it was running{begun}");
            let fields = vec![
                ("operation", id.to_string().into()),
                ("kind", kind.as_str().into()),
                ("target", target.as_str().into()),
                ("reason", reason.as_str().into()),
            ];
            out.event(format!("operation.{id}.interrupted"), "operator", Severity::Error, text, fields);
            let view = OperationView {
                id: *id,
                kind: kind.clone(),
                target: target.clone(),
                state: OperationState::Failed,
                steps: Vec::new(),
                reason: why,
                requested_by: actor.clone(),
                request_reason: reason.clone(),
                created: out.now(),
                ended: Some(out.now()),
                obstacles: Vec::new(),
                revision: String::new(),
                affects: Vec::new(),
                expected: None,
                bound: None,
                cause: cause.id,
            };
            let work = Work::Machines(Drive::new(Vec::new(), false, BTreeSet::new()));
            let operation = Operation { view, work, cause, key: String::new(), machines: BTreeSet::new() };
            self.all.insert(*id, operation);
            out.changed().operations.insert(*id);
        }
    }
}
