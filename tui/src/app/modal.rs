//! Keys while something stands in front of the view.

use super::{
    Code, Effect, Key, Line, Modal, State,
    confirm::{Focus, Verdict},
    handle, intent, menu, offer, palette,
};

/// Takes a key for what stands in front.
pub(super) fn key(state: &mut State, key: Key, effects: &mut Vec<Effect>) {
    let Some(modal) = state.modal.take() else { return };
    if key == Key::ctrl('c') {
        // Away with it, whatever it is; nothing is done.
        match modal {
            Modal::Filter { before } => set_filter(state, Line::new(before)),
            Modal::Search { before } => state.search = Line::new(before),
            _ => {}
        }
        return;
    }
    state.modal = match modal {
        Modal::Help(scrolled) => help(scrolled, key),
        Modal::Search { before } => search(state, before, key),
        Modal::Why(shown) => match (key.code, scroll(shown.scrolled, key)) {
            (_, Some(scrolled)) => Some(Modal::Why(super::WhyShown { scrolled, ..shown })),
            (Code::Enter | Code::Esc | Code::Char('q' | ' ' | 'w'), None) => None,
            (_, None) => Some(Modal::Why(shown)),
        },
        Modal::Filter { before } => filter(state, before, key),
        Modal::Palette(open) => return palette::key(state, open, key, effects),
        Modal::Menu(menu) => return menu_key(state, menu, key, effects),
        Modal::Confirm(confirm) => return confirm_key(state, confirm, key, effects),
        Modal::Refused { what, refusal, scrolled } => match (key.code, scroll(scrolled, key)) {
            (Code::Enter, None) if state.stale.is_some() => {
                if let Some((deed, reason)) = state.stale.clone() {
                    intent::consider_because(state, deed, reason, effects);
                }
                // Without a connection there is no new plan: the refusal stays.
                if state.modal.is_some() {
                    state.stale = None;
                    return;
                }
                Some(Modal::Refused { what, refusal, scrolled })
            }
            (_, Some(scrolled)) => Some(Modal::Refused { what, refusal, scrolled }),
            (Code::Enter | Code::Esc | Code::Char('q' | ' '), None) => None,
            (_, None) => Some(Modal::Refused { what, refusal, scrolled }),
        },
        Modal::Progress { id, scrolled } => match (key.code, scroll(scrolled, key)) {
            (_, Some(scrolled)) => Some(Modal::Progress { id, scrolled }),
            (Code::Enter | Code::Esc | Code::Char('q'), None) => None,
            (Code::Char('x'), None)
                if state.model.operation(&id).is_some_and(|one| offer::can_be_cancelled(state, one)) =>
            {
                intent::consider(state, super::Deed::CancelOperation { id: id.clone() }, effects);
                if state.modal.is_some() {
                    return;
                }
                // Without a connection nobody can be asked: it goes on as it is.
                Some(Modal::Progress { id, scrolled })
            }
            // It is not asked anything: whoever goes on working means the view.
            (_, None) => return handle::key(state, key, effects),
        },
    };
}

/// Pasted text goes into the line that is being typed, and nowhere else.
pub(super) fn paste(state: &mut State, text: &str) {
    match &mut state.modal {
        Some(Modal::Filter { .. }) => {
            if let Some(filter) = filter_of(state) {
                filter.insert(text);
            }
        }
        Some(Modal::Search { .. }) => state.search.insert(text),
        Some(Modal::Palette(palette)) => palette.insert(text),
        Some(Modal::Confirm(confirm)) => {
            if let Some(line) = confirm.line() {
                line.insert(text);
            }
        }
        Some(Modal::Progress { .. } | Modal::Help(_) | Modal::Menu(_) | Modal::Refused { .. } | Modal::Why(_))
        | None => {}
    }
}

/// Where a key scrolls to, which is held to the end when that has been drawn. None: it does not scroll.
fn scroll(scrolled: usize, key: Key) -> Option<usize> {
    match key.code {
        Code::Down => Some(scrolled.saturating_add(1)),
        Code::Up => Some(scrolled.saturating_sub(1)),
        Code::PageDown => Some(scrolled.saturating_add(10)),
        Code::PageUp => Some(scrolled.saturating_sub(10)),
        Code::Home => Some(0),
        _ => None,
    }
}

/// What was scrolled beyond where it ends stands at its end: the way back begins there.
pub(super) fn hold_to(state: &mut State, ends: super::Ends) {
    let front = match &mut state.modal {
        Some(
            Modal::Help(scrolled)
            | Modal::Progress { scrolled, .. }
            | Modal::Refused { scrolled, .. }
            | Modal::Why(super::WhyShown { scrolled, .. })
            | Modal::Confirm(super::Confirm { scrolled, .. }),
        ) => Some(scrolled),
        Some(Modal::Filter { .. } | Modal::Search { .. } | Modal::Palette(_) | Modal::Menu(_)) | None => None,
    };
    for (scrolled, end) in [(front, ends.front), (Some(&mut state.standing_scrolled), ends.standing)] {
        if let (Some(scrolled), Some(end)) = (scrolled, end) {
            *scrolled = (*scrolled).min(end);
        }
    }
}

fn help(scrolled: usize, key: Key) -> Option<Modal> {
    match key.code {
        Code::Esc | Code::Enter | Code::Char('q' | '?') | Code::F(1) => None,
        Code::Down | Code::Char('j') => Some(Modal::Help(scrolled.saturating_add(1))),
        Code::Up | Code::Char('k') => Some(Modal::Help(scrolled.saturating_sub(1))),
        Code::PageDown | Code::Char(' ') => Some(Modal::Help(scrolled.saturating_add(10))),
        Code::PageUp => Some(Modal::Help(scrolled.saturating_sub(10))),
        Code::Home | Code::Char('g') => Some(Modal::Help(0)),
        _ => Some(Modal::Help(scrolled)),
    }
}

fn filter(state: &mut State, before: String, key: Key) -> Option<Modal> {
    match key.code {
        Code::Enter => {
            handle::first_service(state);
            None
        }
        Code::Esc => {
            set_filter(state, Line::new(before));
            None
        }
        _ => {
            if let Some(filter) = filter_of(state) {
                filter.edit(key);
            }
            Some(Modal::Filter { before })
        }
    }
}

fn set_filter(state: &mut State, to: Line) {
    if let Some(filter) = filter_of(state) {
        *filter = to;
    }
}

/// The filter of what is on the screen: of the log on a service's page, else of the list.
fn filter_of(state: &mut State) -> Option<&mut Line> {
    if state.open_service().is_some() { Some(&mut state.log_filter) } else { state.filters.get_mut(state.view.index()) }
}

/// A search being typed.
fn search(state: &mut State, before: String, key: Key) -> Option<Modal> {
    match key.code {
        Code::Enter => {
            handle::find(state, true);
            None
        }
        Code::Esc => {
            state.search = Line::new(before);
            None
        }
        _ => {
            state.search.edit(key);
            Some(Modal::Search { before })
        }
    }
}

fn menu_key(state: &mut State, mut menu: super::Menu, key: Key, effects: &mut Vec<Effect>) {
    let choices = menu::choices(&state.model, &menu.target);
    let last = choices.len().saturating_sub(1);
    match key.code {
        Code::Esc | Code::Left | Code::Char('q' | 'h') => return,
        Code::Up | Code::BackTab | Code::Char('k') => menu.selected = menu.selected.saturating_sub(1),
        Code::Down | Code::Tab | Code::Char('j') => menu.selected = (menu.selected + 1).min(last),
        Code::Enter => {
            if let Some(choice) = choices.into_iter().nth(menu.selected) {
                intent::consider(state, choice.deed, effects);
                if state.modal.is_none() {
                    // Without a connection nothing was asked: the choice stands.
                    state.modal = Some(Modal::Menu(menu));
                }
            }
            return;
        }
        _ => {}
    }
    state.modal = Some(Modal::Menu(menu));
}

fn confirm_key(state: &mut State, mut confirm: super::Confirm, key: Key, effects: &mut Vec<Effect>) {
    if let Some(scrolled) = scroll(confirm.scrolled, key) {
        confirm.scrolled = scrolled;
        state.modal = Some(Modal::Confirm(confirm));
        return;
    }
    match key.code {
        Code::Esc => return,
        // Where nothing can be done, what leaves a text leaves this.
        Code::Char('q' | ' ') if confirm.leaves_only() => return,
        Code::Enter => match confirm.verdict() {
            // The question stays with all that was typed.
            Verdict::Do if !state.connected() => {
                intent::no_connection(state, &format!("`{}` was not sent", confirm.deed.title()));
            }
            Verdict::Do => return intent::carry_out(state, &confirm, effects),
            Verdict::Cancel => return,
            Verdict::GoOn => confirm.step(true),
            Verdict::Stay => {}
        },
        Code::Tab => confirm.step(true),
        Code::BackTab => confirm.step(false),
        code => match confirm.line() {
            Some(line) => {
                line.edit(key);
            }
            None => match code {
                Code::Left => confirm.press(Focus::Cancel),
                Code::Right => confirm.press(Focus::Do),
                Code::Char('h') if !confirm.strayed => confirm.press(Focus::Cancel),
                Code::Char('l') if !confirm.strayed => confirm.press(Focus::Do),
                // Nobody types words at buttons: this is a paste, on a terminal that does not say so.
                Code::Char(_) => confirm.stray(),
                _ => {}
            },
        },
    }
    state.modal = Some(Modal::Confirm(confirm));
}
