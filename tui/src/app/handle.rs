//! Keys in a view.

use super::{
    Deed, Effect, Item, Key, Menu, Modal, Page, Pick, PowerPane, State, Token, Tone, View, WhyShown, events, intent,
    keymap::Action, log, look, menu, modal, offer, parts, rows, subject,
};
use crate::model::{Condition, OperationState, Why};

/// How far the page keys go. A fixed number: the app does not know how high a pane is, and ten is a page at 80×24.
const PAGE: isize = 10;

/// What a verification is called while it goes on.
pub const VERIFICATION: &str = "verification of the machines";

/// Takes a key.
pub(super) fn key(state: &mut State, key: Key, effects: &mut Vec<Effect>) {
    // These work whatever stands in front.
    if key == Key::ctrl('l') {
        return effects.push(Effect::Repaint);
    }
    if key == Key::ctrl('z') {
        return effects.push(Effect::Suspend);
    }
    if state.modal.is_some() {
        return modal::key(state, key, effects);
    }
    let Some(action) = state.keymap.lookup(key, state.view, state.open_service().is_some()) else { return };
    act(state, action, effects);
}

fn act(state: &mut State, action: Action, effects: &mut Vec<Effect>) {
    match action {
        Action::Quit => effects.push(Effect::Quit),
        Action::Suspend => effects.push(Effect::Suspend),
        Action::Repaint => effects.push(Effect::Repaint),
        Action::Reconnect => effects.push(Effect::Reconnect),
        Action::Help => state.modal = Some(Modal::Help(0)),
        Action::Palette => state.modal = Some(Modal::Palette(super::Palette::default())),
        Action::Filter if state.open_service().is_some() => {
            state.modal = Some(Modal::Filter { before: state.log_filter.text().to_owned() });
        }
        Action::Filter if state.view == View::Overview && state.page.is_none() => {
            let text = "the overview has no list to filter: services, sensors and events have (2, 3, 7)";
            intent::tell(state, text.to_owned(), Tone::Plain);
        }
        Action::Filter => {
            close_page(state, effects);
            state.request = None;
            state.modal = Some(Modal::Filter { before: state.filter().to_owned() });
        }
        Action::View(view) => show(state, view, effects),
        Action::NextView => show(state, state.view.stepped(1), effects),
        Action::PreviousView => show(state, state.view.stepped(-1), effects),
        Action::Up => step(state, -1, effects),
        Action::Down => step(state, 1, effects),
        Action::PageUp if parts::reads_standing(state) => parts::scroll_standing(state, false),
        Action::PageDown if parts::reads_standing(state) => parts::scroll_standing(state, true),
        Action::PageUp => step(state, -PAGE, effects),
        Action::PageDown => step(state, PAGE, effects),
        Action::First => step(state, isize::MIN, effects),
        Action::Last => step(state, isize::MAX, effects),
        Action::Left => left(state, effects),
        Action::Right => right(state),
        Action::Open => open(state, effects),
        Action::Back => back(state, effects),
        Action::Act => menu_for_selected(state),
        Action::Follow => follow(state),
        Action::Fold => fold(state, None),
        Action::ZoomIn => parts::zoom(state, state.span.checked_sub(1)),
        Action::ZoomOut => parts::zoom(state, Some(state.span + 1)),
        Action::Why => why(state, effects),
        Action::Tree => state.by_dependency = !state.by_dependency,
        Action::Pane => parts::next(state),
        Action::Stream => {
            state.log_stream = state.log_stream.next();
            state.log_anchor = None;
        }
        Action::Search => state.modal = Some(Modal::Search { before: state.search.text().to_owned() }),
        Action::NextFound => find(state, true),
        Action::PreviousFound => find(state, false),
        Action::Cause => events::only_the_cause(state, effects),
        Action::Verify => verify(state, effects),
        Action::Serious => events::more_serious(state),
        Action::Inject => inject(state),
        Action::CancelOperation => cancel_operation(state, effects),
        Action::Identify => {
            let lit = state
                .model
                .hardware
                .leds
                .iter()
                .flatten()
                .any(|led| led.role == "identify" && led.pattern != crate::model::LedPattern::Off);
            intent::consider(state, Deed::Identify { on: !lit, for_s: 0.0 }, effects);
        }
    }
}

/// Goes to a view; a page over the old one closes.
pub(super) fn show(state: &mut State, view: View, effects: &mut Vec<Effect>) {
    close_page(state, effects);
    state.request = None;
    state.view = view;
    look::selection_changed(state, effects);
    look::at_what_has_no_stream(state, effects);
}

fn close_page(state: &mut State, effects: &mut Vec<Effect>) {
    if let Some(Page::Service(_)) = state.page.take() {
        state.model.log.open(None);
        effects.push(Effect::FollowLog(None));
    }
}

/// Opens the page of a service.
pub(super) fn open_service(state: &mut State, name: &str, effects: &mut Vec<Effect>) {
    state.page = Some(Page::Service(name.to_owned()));
    state.log_anchor = None;
    state.log_filter = super::Line::default();
    state.log_stream = super::LogStream::Both;
    state.pane = super::Pane::Log;
    state.model.log.open(Some(name.to_owned()));
    effects.push(Effect::FollowLog(Some(name.to_owned())));
}

/// Selects `item` in `view` and goes there.
pub(super) fn show_item(state: &mut State, view: View, item: Item, effects: &mut Vec<Effect>) {
    if let Some(filter) = state.filters.get_mut(view.index()) {
        *filter = super::Line::default();
    }
    if let Some(pick) = state.picks.get_mut(view.index()) {
        *pick = Pick { item: Some(item), index: 0 };
    }
    show(state, view, effects);
}

/// A move by `by` in whatever list has the keys.
fn step(state: &mut State, by: isize, effects: &mut Vec<Effect>) {
    match &state.page {
        Some(Page::Service(_)) => return log::scroll(state, by),
        Some(Page::Entry(number)) => {
            // The arrows walk through the tail with the page open.
            let items = rows::items(state);
            let at = items.iter().position(|item| *item == Item::Entry(*number)).unwrap_or(0);
            if let Some(Item::Entry(number)) = items.get(moved(at, by, items.len())) {
                let number = *number;
                state.page = Some(Page::Entry(number));
                pick(state, moved(at, by, items.len()), &items);
                state.follow = false;
                events::fetch_chain(state, number, effects);
            }
            return;
        }
        None => {}
    }
    if let Some(selected) = state.request {
        let count = requests_of_selected(state);
        state.request = Some(moved(selected, by, count));
        return;
    }
    let items = rows::items(state);
    if items.is_empty() {
        return;
    }
    if state.view == View::Events {
        let last = items.len() - 1;
        let at = if state.follow { last } else { place(state, &items) };
        let to = moved(at, by, items.len());
        // The way up leaves the newest; reaching the end again does not take hold of it unasked, except by End.
        state.follow = if by == isize::MAX { true } else { state.follow && to == last };
        pick(state, to, &items);
        return;
    }
    let to = moved(place(state, &items), by, items.len());
    pick(state, to, &items);
    look::selection_changed(state, effects);
}

fn moved(at: usize, by: isize, count: usize) -> usize {
    at.saturating_add_signed(by).min(count.saturating_sub(1))
}

fn place(state: &State, items: &[Item]) -> usize {
    state.picks.get(state.view.index()).map_or(0, |pick| pick.place(items))
}

pub(super) fn pick(state: &mut State, index: usize, items: &[Item]) {
    state.standing_scrolled = 0;
    if let Some(pick) = state.picks.get_mut(state.view.index()) {
        *pick = Pick { item: items.get(index).cloned(), index };
    }
}

/// The first service that fits the filter, in place of the group above it: it is what was looked for.
pub(super) fn first_service(state: &mut State) {
    if state.view != View::Services || state.filter().is_empty() || state.page.is_some() {
        return;
    }
    let items = rows::items(state);
    let is_service = |item: &Item| matches!(item, Item::Service(_));
    if !rows::selected(state).as_ref().is_some_and(is_service)
        && let Some(index) = items.iter().position(is_service)
    {
        pick(state, index, &items);
    }
}

pub(super) fn requests_of_selected(state: &State) -> usize {
    rows::selected(state).map_or(0, |item| menu::choices(&state.model, &item).len())
}

fn left(state: &mut State, effects: &mut Vec<Effect>) {
    match state.view {
        View::Services if state.page.is_none() => fold(state, Some(true)),
        View::Power => state.request = None,
        _ if state.page.is_some() => back(state, effects),
        _ => {}
    }
}

fn right(state: &mut State) {
    match state.view {
        View::Services if state.page.is_none() => fold(state, Some(false)),
        View::Power if state.request.is_none() && requests_of_selected(state) > 0 => {
            // What is asked for must be in sight.
            state.power_pane = PowerPane::Requests;
            state.request = Some(0);
        }
        _ => {}
    }
}

/// Folds the group of the selection (true), unfolds it (false), or turns it over (None).
fn fold(state: &mut State, to: Option<bool>) {
    let group = match rows::selected(state) {
        Some(Item::Group(group)) => group,
        Some(Item::Service(name)) => match state.model.service(&name) {
            Some(service) => service.group.clone(),
            None => return,
        },
        _ => return,
    };
    let folded = state.folded.contains(&group);
    if to.unwrap_or(!folded) {
        state.folded.insert(group.clone());
        let items = rows::items(state);
        if let Some(index) = items.iter().position(|item| *item == Item::Group(group.clone())) {
            pick(state, index, &items);
        }
    } else {
        state.folded.remove(&group);
    }
}

pub(super) fn open(state: &mut State, effects: &mut Vec<Effect>) {
    if state.page.is_some() {
        return;
    }
    let Some(item) = rows::selected(state) else { return };
    if let (View::Power, Some(selected)) = (state.view, state.request) {
        if let Some(choice) = menu::choices(&state.model, &item).into_iter().nth(selected) {
            intent::consider(state, choice.deed, effects);
        }
        return;
    }
    match (state.view, item) {
        (View::Overview, problem @ Item::Problem { .. }) => open_problem(state, &problem, effects),
        (View::Overview | View::Services, Item::Group(group)) if state.view == View::Overview => {
            show_item(state, View::Services, Item::Group(group), effects);
        }
        (View::Overview, Item::Machine(name)) => show_item(state, View::Power, Item::Machine(name), effects),
        (View::Thermal, Item::Zone(_) | Item::Fan(_)) | (View::Hardware, Item::Fault(..)) => menu_for_selected(state),
        (View::Overview, Item::Zone(name)) => show_item(state, View::Thermal, Item::Zone(name), effects),
        (View::Services, Item::Group(_)) => fold(state, None),
        (_, Item::Service(name)) => open_service(state, &name, effects),
        (View::Power, Item::Machine(_)) => right(state),
        (View::Events, Item::Entry(number)) => {
            state.follow = false;
            let items = rows::items(state);
            if let Some(index) = items.iter().position(|item| *item == Item::Entry(number)) {
                pick(state, index, &items);
            }
            state.page = Some(Page::Entry(number));
            events::fetch_chain(state, number, effects);
        }
        _ => {}
    }
}

/// Goes to what a problem is about, with it selected: `service web`, `zone cpu`, `sensor inlet_temp`, `machine host.0`.
fn open_problem(state: &mut State, item: &Item, effects: &mut Vec<Effect>) {
    let Some(problem) = state.problem(item) else { return };
    match subject::of(state, &problem) {
        Some((view, Some(item))) => {
            show_item(state, view, item.clone(), effects);
            if let Item::Service(name) = item {
                open_service(state, &name, effects);
            }
        }
        Some((view, None)) => show(state, view, effects),
        // No view shows it: all that is known of it is the problem itself.
        None => show_problem(state, problem),
    }
}

fn back(state: &mut State, effects: &mut Vec<Effect>) {
    if state.page.is_some() {
        close_page(state, effects);
    } else if state.request.is_some() {
        state.request = None;
    } else if !state.filter().is_empty() {
        if let Some(filter) = state.filters.get_mut(state.view.index()) {
            *filter = super::Line::default();
        }
    } else {
        state.notice = None;
    }
}

fn menu_for_selected(state: &mut State) {
    match offer::acted_on(state) {
        Some(target) => state.modal = Some(Modal::Menu(Menu { target, selected: 0 })),
        None => intent::tell(state, "nothing can be done with what is selected".to_owned(), Tone::Plain),
    }
}

fn follow(state: &mut State) {
    if state.open_service().is_some() { log::follow(state) } else { events::follow(state) }
}

/// Goes to the next place that holds what is searched for.
pub(super) fn find(state: &mut State, upwards: bool) {
    if state.search.is_empty() {
        return intent::tell(state, "nothing is searched for: press s first".to_owned(), super::Tone::Plain);
    }
    let found = if state.open_service().is_some() { log::find(state, upwards) } else { events::find(state, upwards) };
    if !found {
        let way = if upwards { "above" } else { "below" };
        let text = format!("`{}` is not found {way}", state.search.text());
        intent::tell(state, text, super::Tone::Plain);
    }
}

/// Asks why the selected service or machine is as it is.
fn why(state: &mut State, effects: &mut Vec<Effect>) {
    let name = match (&state.page, rows::selected(state)) {
        (Some(Page::Service(name)), _) => name.clone(),
        (None, Some(Item::Service(name) | Item::Machine(name))) => name,
        (None, Some(item @ Item::Problem { .. })) => match state.problem(&item) {
            // Of a service ubmcd knows the whole chain.
            Some(Condition { subject, .. }) if subject.starts_with("service ") => {
                subject.trim_start_matches("service ").to_owned()
            }
            Some(problem) => return show_problem(state, problem),
            None => String::new(),
        },
        _ => String::new(),
    };
    ask_why(state, name, effects);
}

/// A problem in full, with the way out: a line of the list holds neither.
fn show_problem(state: &mut State, problem: Condition) {
    let why =
        Why { name: problem.subject.clone(), answer: problem.text.clone(), chain: vec![problem], ..Why::default() };
    state.modal = Some(Modal::Why(WhyShown { name: why.name.clone(), answer: Ok(Box::new(why)), scrolled: 0 }));
}

/// Asks why a service or a machine is as it is, and shows the answer when it comes.
pub(super) fn ask_why(state: &mut State, name: String, effects: &mut Vec<Effect>) {
    if state.model.service(&name).is_none() && state.model.machine(&name).is_none() {
        return intent::tell(state, "select a service or a machine first".to_owned(), super::Tone::Plain);
    }
    if !state.connected() {
        return intent::no_connection(state, "ubmcd cannot be asked why now");
    }
    let token: Token = intent::ask(state, super::Ask::Why { name: name.clone() }, None, effects);
    state.modal = Some(Modal::Why(WhyShown { name, answer: Err(token), scrolled: 0 }));
}

/// Asks whether the machines can come to harm: only when somebody wants to know, for it takes the daemon seconds.
pub(super) fn verify(state: &mut State, effects: &mut Vec<Effect>) {
    if !state.connected() {
        return intent::no_connection(state, "the machines cannot be verified now");
    }
    state.power_pane = PowerPane::Standing;
    state.request = None;
    if !state.awaits(VERIFICATION) {
        intent::ask(state, super::Ask::Verify, Some(VERIFICATION.to_owned()), effects);
    }
}

/// The palette with what can be broken.
fn inject(state: &mut State) {
    if state.model.hardware.faults.is_none() {
        let text = "only a simulated board can be broken on purpose".to_owned();
        return intent::tell(state, text, super::Tone::Plain);
    }
    state.modal = Some(Modal::Palette(super::Palette::with("sim fault inject ")));
}

fn cancel_operation(state: &mut State, effects: &mut Vec<Effect>) {
    let Some(Item::Operation(id)) = rows::selected(state) else { return };
    let running = state.model.operation(&id).is_some_and(|operation| operation.state == OperationState::Running);
    if running {
        intent::consider(state, Deed::CancelOperation { id }, effects);
    } else {
        intent::tell(state, format!("{id} has ended already"), super::Tone::Plain);
    }
}
