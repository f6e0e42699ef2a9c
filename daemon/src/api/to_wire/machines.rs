//! Machines, operations and their past.

use std::{fmt::Write, time::Duration};

use ubmc_core::{
    input::Verb,
    machines::{
        Arrow, Condition, Definition, MachineKind, Tally, Tone, TransitionRecord,
        verify::{Explored, Finding, Report},
    },
    refusal::Obstacle,
    view::{MachineView, OperationState, OperationView, RestoreView, ScheduleView, StepState, StepView},
};
use ubmc_proto::v1;

use super::{Moment, conditions, seconds};
use crate::shell::unix_seconds;

/// A machine.
pub fn machine(view: &MachineView<'_>, moment: Moment) -> v1::Machine {
    v1::Machine {
        name: view.name.to_string(),
        kind: kind(view.kind),
        state: view.state.to_string(),
        requested: view.requested.to_owned(),
        state_age_s: moment.age(view.since),
        since_time_s: moment.wall_of(view.since),
        operation: view.operation.map_or_else(String::new, |id| id.to_string()),
        transitional: view.tone == Tone::Transitional,
        timeout_in_s: view.timeout_at.map(|at| moment.left(at)),
        cause: view.cause.to_owned(),
        requests: view.verbs.iter().map(|(verb, obstacles)| request(*verb, obstacles)).collect(),
        parent: view.parent.map_or_else(String::new, ToString::to_string),
        reason: view.reason.clone(),
        overrides: view
            .waivers
            .iter()
            .map(|waiver| v1::InterlockOverride {
                condition: waiver.kind.to_owned(),
                actor: waiver.actor.clone(),
                reason: waiver.reason.clone(),
                expires_in_s: moment.left(waiver.until),
            })
            .collect(),
        restoration: view.restore.as_ref().map(|view| restoration(view, moment)),
    }
}

fn restoration(view: &RestoreView, moment: Moment) -> v1::Restoration {
    v1::Restoration {
        policy: view.policy.to_string(),
        chosen: view.chosen,
        once: view.once.map_or_else(String::new, |once| once.to_string()),
        delay_s: view.delay.as_secs_f64(),
        restoring: view.restoring,
        next_try_s: view.next_try.map(|at| moment.left(at)),
        held_by: view.held_by.clone(),
        boot_attempts_left: view.boots.map(|(left, _)| left),
        boot_attempts: view.boots.map(|(_, limit)| limit),
        given_up: view.given_up,
    }
}

/// A request that waits for its time.
pub fn schedule(view: &ScheduleView<'_>, moment: Moment) -> v1::Schedule {
    let at = view.schedule.at.since_1970().as_secs_f64();
    v1::Schedule {
        id: view.id.to_string(),
        machine: view.schedule.machine.to_string(),
        request: view.schedule.verb.as_str().to_owned(),
        at_s: at,
        in_s: (at - unix_seconds(moment.wall)).max(0.0),
        requested_by: view.schedule.actor.clone(),
        request_reason: view.schedule.reason.clone(),
        held_by: view.held_by.to_owned(),
    }
}

fn request(verb: Verb, obstacles: &[Obstacle]) -> v1::AllowedRequest {
    v1::AllowedRequest {
        request: verb.as_str().to_owned(),
        blocked_by: conditions(obstacles),
        destructive: verb.is_destructive(),
    }
}

/// What a verification found.
pub fn verification(report: Report, took: Duration) -> v1::VerifyMachinesResponse {
    let explored = |explored: Explored| {
        Some(v1::Exploration {
            states: explored.states as u64,
            transitions: explored.transitions as u64,
            complete: explored.complete,
        })
    };
    let finding = |finding: Finding| v1::MachineFinding {
        kind: finding.kind.as_str().to_owned(),
        machine: finding.machine.to_string(),
        state: finding.state.map_or_else(String::new, |state| state.to_string()),
        text: finding.text,
        remedy: finding.kind.remedy().to_owned(),
        trace: finding.trace,
    };
    v1::VerifyMachinesResponse {
        findings: report.findings.into_iter().map(finding).collect(),
        alone: explored(report.alone),
        product: explored(report.product),
        faulty: explored(report.faulty),
        left_out: report.left_out,
        duration_s: took.as_secs_f64(),
    }
}

/// A machine's definition, for drawing.
pub fn graph(name: &str, current: &str, definition: &Definition) -> v1::MachineGraph {
    let states = definition.states.iter().map(|(name, state)| v1::GraphState {
        name: name.to_string(),
        transitional: state.tone == Tone::Transitional,
        timeout_s: seconds(state.timeout),
        description: state.description.clone(),
    });
    let transitions = definition.states.iter().flat_map(|(from, state)| {
        state.transitions.iter().map(|transition| v1::GraphTransition {
            from: from.to_string(),
            to: transition.to.to_string(),
            on: transition.on.to_string(),
            guard: guard(&transition.guard),
        })
    });
    v1::MachineGraph {
        name: name.to_owned(),
        current: current.to_owned(),
        states: states.collect(),
        transitions: transitions.collect(),
    }
}

/// `power-good high and present high`; empty when there is no guard.
fn guard(conditions: &[Condition]) -> String {
    let mut text = String::new();
    for condition in conditions {
        let and = if text.is_empty() { "" } else { " and " };
        // Writing to a string cannot fail.
        let _ = write!(text, "{and}{} {}", condition.role, condition.level);
    }
    text
}

fn kind(kind: MachineKind) -> i32 {
    let kind = match kind {
        MachineKind::Host => v1::MachineKind::Host,
        MachineKind::Chassis => v1::MachineKind::Chassis,
        MachineKind::Bmc => v1::MachineKind::Bmc,
    };
    kind.into()
}

/// What a request would do. It is no operation yet: its id says so.
pub fn plan(view: &OperationView, moment: Moment) -> v1::Operation {
    v1::Operation { id: "plan".to_owned(), ..operation(view, moment) }
}

/// An operation.
pub fn operation(view: &OperationView, moment: Moment) -> v1::Operation {
    v1::Operation {
        id: view.id.to_string(),
        kind: view.kind.clone(),
        target: view.target.clone(),
        state: operation_state(view.state).into(),
        steps: view.steps.iter().map(|view| step(view, moment)).collect(),
        reason: view.reason.clone(),
        requested_by: view.requested_by.clone(),
        request_reason: view.request_reason.clone(),
        age_s: moment.age(view.created),
        duration_s: view.ended.filter(|_| !view.recalled).map(|ended| ended.since(view.created).as_secs_f64()),
        conditions: conditions(&view.obstacles),
        revision: view.revision.clone(),
        affects: view.affects.clone(),
        expected_s: seconds(view.expected),
        bound_s: seconds(view.bound),
        cause: view.cause.0,
        progress: progress(view),
    }
}

/// The answer to a request that was fulfilled before it was made.
pub fn nothing_to_do() -> v1::Operation {
    v1::Operation {
        state: v1::OperationState::Succeeded.into(),
        reason: "nothing to do: it was so already".to_owned(),
        progress: 1.0,
        ..v1::Operation::default()
    }
}

/// Share of the steps that are behind us, 0–1.
fn progress(view: &OperationView) -> f64 {
    if view.state == OperationState::Succeeded {
        return 1.0;
    }
    if view.steps.is_empty() {
        return 0.0;
    }
    let behind = |step: &&StepView| match step.state {
        StepState::Succeeded | StepState::Skipped | StepState::Failed => true,
        StepState::Pending | StepState::Running => false,
    };
    view.steps.iter().filter(behind).count() as f64 / view.steps.len() as f64
}

fn step(view: &StepView, moment: Moment) -> v1::Step {
    let state = match view.state {
        StepState::Pending => v1::StepState::Pending,
        StepState::Running => v1::StepState::Running,
        StepState::Succeeded => v1::StepState::Succeeded,
        StepState::Failed => v1::StepState::Failed,
        StepState::Skipped => v1::StepState::Skipped,
    };
    v1::Step {
        name: view.name.clone(),
        state: state.into(),
        duration_s: view.started.map(|started| view.ended.unwrap_or(moment.mono).since(started).as_secs_f64()),
        detail: view.detail.clone(),
    }
}

/// State of an operation.
fn operation_state(state: OperationState) -> v1::OperationState {
    match state {
        OperationState::Planned => v1::OperationState::Planned,
        OperationState::Running => v1::OperationState::Running,
        OperationState::Succeeded => v1::OperationState::Succeeded,
        OperationState::Failed => v1::OperationState::Failed,
        OperationState::RolledBack => v1::OperationState::RolledBack,
        OperationState::Cancelled => v1::OperationState::Cancelled,
        OperationState::Refused => v1::OperationState::Refused,
    }
}

/// How often a transition was taken.
pub fn transition_count((machine, from, to): &Arrow, tally: &Tally, moment: Moment) -> v1::TransitionCount {
    v1::TransitionCount {
        machine: machine.to_string(),
        from: from.to_string(),
        to: to.to_string(),
        count: tally.count,
        mean_s: tally.total.as_secs_f64() / tally.count as f64,
        shortest_s: tally.shortest.as_secs_f64(),
        longest_s: tally.longest.as_secs_f64(),
        last_time_s: moment.wall_of(tally.last),
    }
}

/// A past transition.
pub fn transition(record: &TransitionRecord, moment: Moment) -> v1::Transition {
    v1::Transition {
        seq: record.seq,
        machine: record.machine.to_string(),
        from: record.from.to_string(),
        to: record.to.to_string(),
        trigger: record.trigger.clone(),
        duration_s: record.duration.as_secs_f64(),
        time_s: moment.wall_of(record.mono),
        cause: record.cause.0,
        actor: record.actor.to_string(),
    }
}
