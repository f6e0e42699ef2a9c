//! A question that stands open while things change: its plan is asked for anew, and what cannot be asked any more says so.

use super::{Confirm, Deed, Effect, Modal, State, confirm::Plan, intent};
use crate::model::{Machine, OperationState, Refusal};

/// What the plan of `deed` rests on, as far as it is known here. The daemon alone knows all of it, so this is only the
/// reason to ask again: what counts is whether its answer differs.
pub(super) fn basis(state: &State, deed: &Deed) -> Vec<String> {
    let Deed::Transition { machine: target, request, .. } = deed else { return Vec::new() };
    let of = |machine: &Machine| {
        let mut words = vec![format!("{} {}", machine.name, machine.state)];
        if machine.name == *target {
            words.push(format!("{} {}", machine.operation, machine.reason.is_empty()));
            let blocked = machine.requests.iter().filter(|one| one.name == *request).flat_map(|one| &one.blocked_by);
            words.extend(blocked.map(|one| format!("{} {}", one.kind, one.subject)));
        }
        words
    };
    state.model.machines.iter().flat_map(of).collect()
}

/// Machines have changed: a plan that rests on them is asked for anew.
pub(super) fn machines_changed(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Modal::Confirm(confirm)) = &state.modal else { return };
    if basis(state, &confirm.deed) != confirm.basis {
        ask_anew(state, effects);
    }
}

/// Asks for the plan of the open question again; until it comes the old one is shown, and cannot be carried out.
pub(super) fn ask_anew(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Modal::Confirm(confirm)) = &state.modal else { return };
    let Some(wish) = confirm.deed.plan().filter(|_| state.connected()) else { return };
    let basis = basis(state, &confirm.deed);
    let token = intent::ask(state, wish, None, effects);
    if let Some(Modal::Confirm(confirm)) = &mut state.modal {
        confirm.basis = basis;
        // One that has not come yet comes too late.
        match confirm.plan {
            Plan::Asked(_) => confirm.plan = Plan::Asked(token),
            Plan::Known(_) | Plan::Foreseen(_) | Plan::None | Plan::Refused(_) => confirm.renewal = Some(token),
        }
    }
}

/// Whether a request has nothing to do: the machine is there already, on purpose, and nothing is on its way elsewhere that
/// the request would end.
pub(super) fn is_idle(state: &State, deed: &Deed, plan: &Plan) -> bool {
    let (Deed::Transition { machine, .. }, Plan::Known(plan)) = (deed, plan) else { return false };
    let Some(machine) = state.model.machine(machine) else { return false };
    let driven = state.model.operations.iter().filter(|one| one.state == OperationState::Running);
    let driven = driven.flat_map(|one| one.affects.iter().chain([&one.target])).any(|name| *name == machine.name);
    // The daemon gives what is so already no time at all.
    plan.bound_s == Some(0.0)
        && plan.conditions.is_empty()
        && machine.operation.is_empty()
        && machine.reason.is_empty()
        && !driven
}

/// What was to be cancelled has ended: the question says so, and can only be left.
pub(super) fn end_of_cancelling(state: &mut State) {
    let Some(Modal::Confirm(Confirm { deed, plan, .. })) = &state.modal else { return };
    if matches!(plan, Plan::Refused(_)) {
        return;
    }
    let message = match deed {
        Deed::CancelOperation { id } => match state.model.operation(id) {
            Some(one) if one.state.is_final() => {
                let why = if one.reason.is_empty() { String::new() } else { format!(": {}", one.reason) };
                format!("{id} {} {} has ended: {}{why}", one.kind, one.target, one.state.word())
            }
            Some(_) => return,
            None => format!("ubmcd does not know {id} any more"),
        },
        Deed::CancelSchedule { id } => match &state.model.schedules {
            Some(all) if all.iter().all(|one| one.id != *id) => {
                format!("{id} does not wait any more: its time has come, or somebody has cancelled it")
            }
            Some(_) | None => return,
        },
        _ => return,
    };
    only_leave(state, "ended", message);
}

/// In another run of the daemon the same id may be something else.
pub(super) fn new_daemon(state: &mut State) {
    if matches!(&state.modal, Some(Modal::Confirm(confirm)) if confirm.deed.cancels()) {
        let text = "ubmcd was started anew: look at what it does now before something is cancelled".to_owned();
        only_leave(state, "started anew", text);
    }
}

fn only_leave(state: &mut State, code: &str, message: String) {
    if let Some(Modal::Confirm(confirm)) = &mut state.modal {
        confirm.plan = Plan::Refused(Refusal { code: code.to_owned(), message, conditions: Vec::new() });
    }
}
