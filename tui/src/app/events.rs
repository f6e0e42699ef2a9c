//! The tail of events: following, searching, and showing less of it.

use super::{Ask, Effect, Item, Line, Pick, State, Tone, View, intent, rows};
use crate::model::{Entry, Severity};

/// Takes hold of the newest, or stays where the reader is.
pub(super) fn follow(state: &mut State) {
    if state.follow {
        let items = rows::items(state);
        state.follow = false;
        select(state, items.last().cloned(), items.len().saturating_sub(1));
    } else {
        state.follow = true;
    }
}

/// Shows only what the cause of the selected event brought about, or everything again.
pub(super) fn only_the_cause(state: &mut State, effects: &mut Vec<Effect>) {
    if state.filter().starts_with("cause:") {
        return set_filter(state, Line::default());
    }
    let event = match rows::selected(state) {
        Some(Item::Entry(number)) => match state.model.tail.get(number) {
            Some(Entry::Event(event)) if event.cause != 0 => Some((number, event.cause)),
            _ => None,
        },
        _ => None,
    };
    let Some((number, cause)) = event else {
        return intent::tell(state, "nothing else is known of its cause".to_owned(), Tone::Plain);
    };
    state.page = None;
    state.follow = false;
    fetch_chain(state, number, effects);
    select(state, Some(Item::Entry(number)), 0);
    set_filter(state, Line::new(format!("cause:{cause}")));
}

/// Asks for everything of the same cause, back to what began it: the tail may begin later. Once for each cause, for what
/// comes after it comes by itself.
pub(super) fn fetch_chain(state: &mut State, number: u64, effects: &mut Vec<Effect>) {
    let cause = match state.model.tail.get(number) {
        Some(Entry::Event(event)) => event.cause,
        Some(Entry::Lost { .. } | Entry::Restarted) | None => 0,
    };
    let known = state.model.chain.as_ref().is_some_and(|(of, _)| *of == cause);
    if cause != 0 && !known && state.connected() && super::serves(state, super::Area::Events) {
        intent::ask(state, Ask::Chain { cause }, None, effects);
    }
}

/// One step more serious; after the most serious, everything again.
pub(super) fn more_serious(state: &mut State) {
    state.least = match state.least {
        Severity::Debug | Severity::Info => Severity::Notice,
        Severity::Notice => Severity::Warning,
        Severity::Warning => Severity::Error,
        Severity::Error | Severity::Critical => Severity::Debug,
    };
    let hidden = rows::less_serious(state);
    let text = match (state.least, hidden) {
        (Severity::Debug, _) => "events of every severity are shown".to_owned(),
        (least, 0) => format!("{} and worse are shown: that is all of them", least.plural()),
        (least, 1) => format!("{} and worse are shown, 1 other is hidden", least.plural()),
        (least, hidden) => format!("{} and worse are shown, {hidden} others are hidden", least.plural()),
    };
    intent::tell(state, text, Tone::Plain);
}

/// To the next event that holds what is searched for. False when there is none.
pub(super) fn find(state: &mut State, upwards: bool) -> bool {
    let wanted = state.search.text().to_lowercase();
    let items = rows::items(state);
    let pick = state.picks.get(View::Events.index()).map_or(0, |pick| pick.place(&items));
    let at = if state.follow { items.len() } else { pick };
    let holds = |(_, item): &(usize, &Item)| match item {
        Item::Entry(number) => match state.model.tail.get(*number) {
            Some(Entry::Event(event)) => {
                event.text.to_lowercase().contains(&wanted) || event.subject.to_lowercase().contains(&wanted)
            }
            Some(Entry::Lost { .. } | Entry::Restarted) | None => false,
        },
        _ => false,
    };
    let numbered = items.iter().enumerate();
    let found =
        if upwards { numbered.take(at).rev().find(holds) } else { numbered.skip(at.saturating_add(1)).find(holds) };
    let Some((index, item)) = found.map(|(index, item)| (index, item.clone())) else { return false };
    state.follow = false;
    select(state, Some(item), index);
    true
}

fn select(state: &mut State, item: Option<Item>, index: usize) {
    if let Some(pick) = state.picks.get_mut(View::Events.index()) {
        *pick = Pick { item, index };
    }
}

fn set_filter(state: &mut State, to: Line) {
    if let Some(filter) = state.filters.get_mut(View::Events.index()) {
        *filter = to;
    }
}
