//! A click, by what stands where it was made: it selects or opens, and never does anything.

use super::{Effect, Item, Key, Modal, State, View, handle, look, modal, rows};

/// Something on the screen that can be clicked. By name where it has one: the list may have moved since it was drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The tab of a view.
    Tab(View),
    /// A row of the present view's list.
    Row(Item),
    /// The n-th request of the selected machine.
    Request(usize),
    /// The n-th entry of the menu.
    Choice(usize),
    /// The n-th line that the palette offers.
    Offer(usize),
}

/// Takes a click: what is not selected is; what is selected opens, as Enter does. Nothing that asks whether to do something
/// can be answered with it.
pub(super) fn click(state: &mut State, place: Place, effects: &mut Vec<Effect>) {
    if matches!(state.modal, Some(Modal::Progress { .. })) {
        // It is not asked anything: whoever goes on working means the view.
        state.modal = None;
    }
    let enter = Key::plain(super::Code::Enter);
    match (&mut state.modal, place) {
        (Some(Modal::Menu(menu)), Place::Choice(index)) if menu.selected == index => modal::key(state, enter, effects),
        (Some(Modal::Menu(menu)), Place::Choice(index)) => menu.selected = index,
        (Some(Modal::Palette(open)), Place::Offer(index)) if open.selected == index => {
            modal::key(state, enter, effects);
        }
        (Some(Modal::Palette(open)), Place::Offer(index)) => open.selected = index,
        (None, Place::Tab(view)) => handle::show(state, view, effects),
        (None, Place::Row(item)) => click_item(state, &item, effects),
        (None, Place::Request(index)) => click_request(state, index, effects),
        _ => {}
    }
}

/// A click on a row: selects it, or opens what was selected.
fn click_item(state: &mut State, item: &Item, effects: &mut Vec<Effect>) {
    let items = rows::items(state);
    let Some(index) = items.iter().position(|other| other == item) else { return };
    if state.page.is_some() {
        return;
    }
    if state.request.is_none() && rows::selected(state).as_ref() == Some(item) {
        return handle::open(state, effects);
    }
    state.request = None;
    state.follow = state.follow && state.view != View::Events;
    handle::pick(state, index, &items);
    look::selection_changed(state, effects);
}

/// A click on a request of the selected machine: selects it, or asks whether to make the one that was selected.
fn click_request(state: &mut State, index: usize, effects: &mut Vec<Effect>) {
    if state.view != View::Power || state.page.is_some() || index >= handle::requests_of_selected(state) {
        return;
    }
    if state.request == Some(index) {
        return handle::open(state, effects);
    }
    state.request = Some(index);
}
