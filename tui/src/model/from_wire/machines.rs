//! Machines, operations, and the answers to "why" and "what if".

use ubmc_proto::v1;

use super::conditions;
use crate::model::{
    Condition, Graph, GraphState, Machine, MachineKind, Mono, Operation, OperationState, Override, Request,
    Restoration, Schedule, Step, StepState, Transition, Update, Verification, WhatIf, Why,
};

/// One machine.
pub fn machine(now: Mono, wire: v1::Machine) -> Machine {
    let kind = match wire.kind() {
        v1::MachineKind::Host => MachineKind::Host,
        v1::MachineKind::Chassis => MachineKind::Chassis,
        v1::MachineKind::Bmc => MachineKind::Bmc,
        v1::MachineKind::Unspecified => MachineKind::Unknown,
    };
    Machine {
        kind,
        name: wire.name,
        state: wire.state,
        requested: wire.requested,
        since: now.ago(wire.state_age_s),
        operation: wire.operation,
        transitional: wire.transitional,
        timeout_at: wire.timeout_in_s.map(|left| now.after(left)),
        cause: wire.cause,
        requests: wire.requests.into_iter().map(request).collect(),
        parent: wire.parent,
        reason: wire.reason,
        overrides: wire.overrides.into_iter().map(|one| waiver(now, one)).collect(),
        restoration: wire.restoration.map(|one| restoration(now, one)),
    }
}

fn waiver(now: Mono, wire: v1::InterlockOverride) -> Override {
    Override {
        condition: wire.condition,
        actor: wire.actor,
        reason: wire.reason,
        expires: now.after(wire.expires_in_s),
    }
}

fn restoration(now: Mono, wire: v1::Restoration) -> Restoration {
    Restoration {
        policy: wire.policy,
        chosen: wire.chosen,
        once: wire.once,
        delay_s: wire.delay_s,
        restoring: wire.restoring,
        next_try: wire.next_try_s.map(|left| now.after(left)),
        held_by: wire.held_by,
        attempts_left: wire.boot_attempts_left,
        attempts: wire.boot_attempts,
        given_up: wire.given_up,
    }
}

/// Requests that wait for their time, the next first.
pub fn schedules(now: Mono, wire: v1::ListSchedulesResponse) -> Update {
    let convert = |one: v1::Schedule| Schedule {
        id: one.id,
        machine: one.machine,
        request: one.request,
        at_s: one.at_s,
        due: now.after(one.in_s),
        requested_by: one.requested_by,
        reason: one.request_reason,
        held_by: one.held_by,
    };
    let mut all: Vec<Schedule> = wire.schedules.into_iter().map(convert).collect();
    all.sort_by(|one, other| one.due.0.total_cmp(&other.due.0));
    Update::Schedules(all)
}

/// What is wrong with the machines.
pub fn verification(now: Mono, wire: v1::VerifyMachinesResponse) -> Update {
    let all = [&wire.alone, &wire.product, &wire.faulty].map(|one| one.unwrap_or_default());
    let finding = |one: v1::MachineFinding| Condition {
        kind: one.kind,
        subject: if one.state.is_empty() { one.machine } else { format!("{} in {}", one.machine, one.state) },
        text: one.text,
        remedy: one.remedy,
        ..Condition::default()
    };
    Update::Verified(Verification {
        states: all.iter().map(|one| one.states).sum(),
        complete: all.iter().all(|one| one.complete),
        findings: wire.findings.into_iter().map(finding).collect(),
        left_out: wire.left_out,
        took_s: wire.duration_s,
        at: now,
    })
}

fn request(wire: v1::AllowedRequest) -> Request {
    Request { name: wire.request, blocked_by: conditions(wire.blocked_by), destructive: wire.destructive }
}

/// A message of the machine stream. None when it carries nothing this console knows.
pub fn machines(now: Mono, wire: v1::WatchMachinesResponse) -> Option<Update> {
    use v1::watch_machines_response::Update as Wire;
    Some(match wire.update? {
        Wire::Snapshot(all) => Update::Machines(all.machines.into_iter().map(|one| machine(now, one)).collect()),
        Wire::Changed(one) => Update::Machine(machine(now, one)),
    })
}

/// One operation, or a plan.
pub fn operation(now: Mono, wire: v1::Operation) -> Operation {
    let state = match wire.state() {
        v1::OperationState::Planned => OperationState::Planned,
        v1::OperationState::Running => OperationState::Running,
        v1::OperationState::Succeeded => OperationState::Succeeded,
        v1::OperationState::Failed => OperationState::Failed,
        v1::OperationState::RolledBack => OperationState::RolledBack,
        v1::OperationState::Cancelled => OperationState::Cancelled,
        v1::OperationState::Refused => OperationState::Refused,
        v1::OperationState::Unspecified => OperationState::Unknown,
    };
    Operation {
        state,
        id: wire.id,
        kind: wire.kind,
        target: wire.target,
        steps: wire.steps.into_iter().map(|one| step(now, one)).collect(),
        reason: wire.reason,
        requested_by: wire.requested_by,
        request_reason: wire.request_reason,
        accepted: now.ago(wire.age_s),
        duration_s: wire.duration_s,
        conditions: conditions(wire.conditions),
        revision: wire.revision,
        affects: wire.affects,
        expected_s: wire.expected_s,
        bound_s: wire.bound_s,
        cause: wire.cause,
        progress: wire.progress,
    }
}

fn step(now: Mono, wire: v1::Step) -> Step {
    let state = match wire.state() {
        v1::StepState::Running => StepState::Running,
        v1::StepState::Succeeded => StepState::Succeeded,
        v1::StepState::Failed => StepState::Failed,
        v1::StepState::Skipped => StepState::Skipped,
        v1::StepState::Pending | v1::StepState::Unspecified => StepState::Pending,
    };
    let running = state == StepState::Running;
    Step {
        state,
        name: wire.name,
        took_s: wire.duration_s.filter(|_| !running),
        running_since: wire.duration_s.filter(|_| running).map(|age| now.ago(age)),
        detail: wire.detail,
    }
}

/// A message of the operation stream. None when it carries nothing this console knows.
pub fn operations(now: Mono, wire: v1::WatchOperationsResponse) -> Option<Update> {
    use v1::watch_operations_response::Update as Wire;
    Some(match wire.update? {
        Wire::Snapshot(all) => Update::Operations(all.operations.into_iter().map(|one| operation(now, one)).collect()),
        Wire::Changed(one) => Update::Operation(operation(now, one)),
    })
}

/// The definition of a machine.
pub fn graph(machine: String, wire: v1::MachineGraph) -> Update {
    let state = |state: v1::GraphState| GraphState {
        name: state.name,
        transitional: state.transitional,
        timeout_s: state.timeout_s,
        description: state.description,
    };
    let transition = |one: v1::GraphTransition| Transition { from: one.from, to: one.to, on: one.on };
    let graph = Graph {
        states: wire.states.into_iter().map(state).collect(),
        transitions: wire.transitions.into_iter().map(transition).collect(),
    };
    Update::Graph { machine, graph }
}

/// Why something is as it is.
pub fn why(wire: v1::WhyResponse) -> Why {
    Why {
        name: wire.name,
        kind: wire.kind,
        as_desired: wire.as_desired,
        answer: wire.answer,
        chain: conditions(wire.chain),
    }
}

/// What a reload would change: each service, and what else has to be known.
pub fn reload(wire: v1::ReloadServicesResponse) -> WhatIf {
    let change = |one: v1::ServiceChange| (format!("service {}", one.name), one.text);
    let mut consequences: Vec<_> = wire.changes.into_iter().map(change).collect();
    if consequences.is_empty() {
        consequences.push((String::new(), "nothing differs: nothing has to change".to_owned()));
    }
    if !wire.restarts.is_empty() {
        let text = format!("restarted, in this order: {}", wire.restarts.join(", "));
        consequences.push(("restarts".to_owned(), text));
    }
    consequences.extend(wire.notes.into_iter().map(|note| ("note".to_owned(), note)));
    WhatIf { consequences, obstacles: Vec::new() }
}

/// What would follow.
pub fn what_if(wire: v1::WhatIfStoppedResponse) -> WhatIf {
    WhatIf {
        consequences: wire.consequences.into_iter().map(|one| (one.subject, one.text)).collect(),
        obstacles: conditions(wire.obstacles),
    }
}
