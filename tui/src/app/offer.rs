//! What can be pressed now: a key that would only say that it is not possible is not offered.

use super::{Item, Page, State, View, keymap::Action, menu, parts::power_beside, rows, subject};
use crate::model::{Operation, OperationState};

/// Whether `action` would do something with what is on the screen and selected.
pub fn possible(state: &State, action: Action) -> bool {
    match action {
        Action::Act => !state.read_only && acted_on(state).is_some(),
        Action::Why => asked_about(state),
        Action::CancelOperation => !state.read_only && cancellable(state),
        Action::Identify => !state.read_only,
        Action::Inject => !state.read_only && state.model.hardware.faults.is_some(),
        Action::Pane => state.page.is_some() || state.view != View::Power || !power_beside(state.size),
        _ => true,
    }
}

/// What is selected, where something can be asked of it: of a problem, what it is about.
pub(super) fn acted_on(state: &State) -> Option<Item> {
    let selected = match &state.page {
        Some(Page::Service(name)) => Some(Item::Service(name.clone())),
        Some(Page::Entry(_)) => None,
        None => rows::selected(state),
    };
    let target = match selected? {
        problem @ Item::Problem { .. } => subject::of(state, &state.problem(&problem)?)?.1?,
        other => other,
    };
    (!menu::choices(&state.model, &target).is_empty()).then_some(target)
}

/// Whether why it is as it is can be said of what is selected.
fn asked_about(state: &State) -> bool {
    match (&state.page, rows::selected(state)) {
        (Some(Page::Service(_)), _) => true,
        (Some(Page::Entry(_)), _) => false,
        (None, selected) => matches!(selected, Some(Item::Service(_) | Item::Machine(_) | Item::Problem { .. })),
    }
}

fn cancellable(state: &State) -> bool {
    match rows::selected(state) {
        Some(Item::Operation(id)) => state.model.operation(&id).is_some_and(|one| can_be_cancelled(state, one)),
        _ => false,
    }
}

/// What acts on services goes on until they are up or down: only what drives machines can be taken back.
pub fn can_be_cancelled(state: &State, operation: &Operation) -> bool {
    operation.state == OperationState::Running && state.model.machine(&operation.target).is_some()
}
