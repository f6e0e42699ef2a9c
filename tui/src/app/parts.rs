//! Which part of a view is shown, where there is no room for all of it, and how much of the past.

use super::{GRAPH_SPANS, Pane, PowerPane, Size, State, Tone, View, deed::minutes, intent, keymap::Action, offer};

/// Columns and rows from which the power view shows its parts beside one another.
const POWER_BESIDE: (u16, u16) = (110, 30);
/// Columns from which a service's page shows what happened to it beside its log.
pub const HISTORY_BESIDE: u16 = 150;
/// Rows by which the page keys move what stands for a machine; where it ends is known when it is drawn.
const STANDING_PAGE: usize = 5;

/// Whether the power view shows its parts beside one another.
pub fn power_beside(size: Size) -> bool {
    size.columns >= POWER_BESIDE.0 && size.rows >= POWER_BESIDE.1
}

/// The next part that is not on the screen.
pub(super) fn next(state: &mut State) {
    if state.page.is_some() {
        state.pane = next_of_page(state);
    } else if offer::possible(state, Action::Pane) {
        state.power_pane = state.power_pane.next();
        state.standing_scrolled = 0;
        state.request = None;
    } else {
        intent::tell(state, "all parts are on the screen already".to_owned(), Tone::Plain);
    }
}

fn next_of_page(state: &State) -> Pane {
    let next = state.pane.next();
    // On a wide screen the log and what happened stand side by side, whichever of them was asked for.
    let both = state.size.columns >= HISTORY_BESIDE && (state.pane, next) == (Pane::Log, Pane::History);
    if both { next.next() } else { next }
}

/// Whether the page keys belong to what stands for the machine: where it is shown, and machines are few.
pub(super) fn reads_standing(state: &State) -> bool {
    let open = state.view == View::Power && state.page.is_none() && state.request.is_none();
    open && (state.power_pane == PowerPane::Standing || power_beside(state.size))
}

/// A page on (true) or back in what stands for the machine.
pub(super) fn scroll_standing(state: &mut State, forward: bool) {
    let at = state.standing_scrolled;
    state.standing_scrolled = if forward { at.saturating_add(STANDING_PAGE) } else { at.saturating_sub(STANDING_PAGE) };
}

/// The graph shows another part of the past; where there is none, that is said.
pub(super) fn zoom(state: &mut State, to: Option<usize>) {
    if let Some(to) = to.filter(|to| *to < GRAPH_SPANS.len()) {
        state.span = to;
        return;
    }
    let shown = GRAPH_SPANS.get(state.span).copied().unwrap_or_default();
    let end = if to.is_none() { "least" } else { "most" };
    let text = format!("{} is the {end} that the graph can show", minutes(f64::from(shown)));
    intent::tell(state, text, Tone::Plain);
}
