//! Keys in a view, and the tick.

use super::{
    Deed, Effect, GRAPH_SPANS, Item, Key, Menu, Modal, Page, Pick, State, View,
    confirm::Plan,
    intent,
    keymap::{self, Action},
    menu, modal, rows,
};
use crate::model::OperationState;

/// How far the page keys go. A fixed number: the app does not know how high a pane is, and ten is a page at 80×24.
const PAGE: isize = 10;

/// Seconds between two looks at what has no stream, while it is on the screen.
const HARDWARE_EVERY_S: f64 = 5.0;
/// Seconds between two looks at a start that goes on.
const BOOT_EVERY_S: f64 = 1.0;

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
    let Some(action) = keymap::lookup(key, state.view, state.open_service().is_some()) else { return };
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
        Action::ZoomIn => state.span = state.span.saturating_sub(1),
        Action::ZoomOut => state.span = (state.span + 1).min(GRAPH_SPANS.len() - 1),
        Action::CancelOperation => cancel_operation(state, effects),
        Action::Identify => {
            let lit = state
                .model
                .hardware
                .leds
                .iter()
                .flatten()
                .any(|led| led.role == "identify" && led.pattern != crate::model::LedPattern::Off);
            intent::consider(state, Deed::Identify { on: !lit }, effects);
        }
    }
}

/// Goes to a view; a page over the old one closes.
pub(super) fn show(state: &mut State, view: View, effects: &mut Vec<Effect>) {
    close_page(state, effects);
    state.request = None;
    state.view = view;
    selection_changed(state, effects);
    look_at_what_has_no_stream(state, effects);
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
        Some(Page::Service(_)) => return scroll_log(state, by),
        Some(Page::Entry(number)) => {
            // The arrows walk through the tail with the page open.
            let items = rows::items(state);
            let at = items.iter().position(|item| *item == Item::Entry(*number)).unwrap_or(0);
            if let Some(Item::Entry(number)) = items.get(moved(at, by, items.len())) {
                state.page = Some(Page::Entry(*number));
                pick(state, moved(at, by, items.len()), &items);
                state.follow = false;
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
    selection_changed(state, effects);
}

fn moved(at: usize, by: isize, count: usize) -> usize {
    at.saturating_add_signed(by).min(count.saturating_sub(1))
}

fn place(state: &State, items: &[Item]) -> usize {
    state.picks.get(state.view.index()).map_or(0, |pick| pick.place(items))
}

fn pick(state: &mut State, index: usize, items: &[Item]) {
    if let Some(pick) = state.picks.get_mut(state.view.index()) {
        *pick = Pick { item: items.get(index).cloned(), index };
    }
}

/// The selected sensor's past is fetched once per connection.
pub(super) fn selection_changed(state: &mut State, effects: &mut Vec<Effect>) {
    if state.view != View::Sensors || !state.connected() {
        return;
    }
    let Some(Item::Sensor(sensor)) = rows::selected(state) else { return };
    let history = state.model.histories.entry(sensor.clone()).or_default();
    if !history.fetched {
        history.fetched = true;
        intent::ask(state, super::Ask::History { sensor }, None, effects);
    }
}

fn scroll_log(state: &mut State, by: isize) {
    let log = &state.model.log;
    let newest = log.end().saturating_sub(1);
    let at = state.log_anchor.unwrap_or(newest);
    let by = i64::try_from(by).unwrap_or(0);
    let to = at.saturating_add_signed(by).clamp(log.dropped.min(newest), newest);
    // Scrolling down to the newest takes hold of it again: that is what is wanted there.
    state.log_anchor = (to < newest).then_some(to);
}

fn requests_of_selected(state: &State) -> usize {
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
        View::Power if state.request.is_none() && requests_of_selected(state) > 0 => state.request = Some(0),
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

fn open(state: &mut State, effects: &mut Vec<Effect>) {
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
        (View::Overview, Item::Problem(index)) => open_problem(state, index, effects),
        (View::Overview | View::Services, Item::Group(group)) if state.view == View::Overview => {
            show_item(state, View::Services, Item::Group(group), effects);
        }
        (View::Overview, Item::Machine(name)) => show_item(state, View::Power, Item::Machine(name), effects),
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
        }
        _ => {}
    }
}

/// Goes to what a problem is about: `service web`, `zone cpu`, `sensor inlet_temp`, `host.0`.
fn open_problem(state: &mut State, index: usize, effects: &mut Vec<Effect>) {
    let problem = state.model.status.as_ref().and_then(|status| status.problems.get(index));
    let Some(subject) = problem.map(|problem| problem.subject.clone()) else { return };
    let name = subject.rsplit(' ').next().unwrap_or(&subject).to_owned();
    if state.model.service(&name).is_some() {
        show_item(state, View::Services, Item::Service(name.clone()), effects);
        open_service(state, &name, effects);
    } else if state.model.machine(&name).is_some() {
        show_item(state, View::Power, Item::Machine(name), effects);
    } else if state.model.sensor(&name).is_some() {
        show_item(state, View::Sensors, Item::Sensor(name), effects);
    } else if state.model.zone(&name).is_some() || state.model.fans.iter().any(|fan| fan.name == name) {
        show_item(state, View::Thermal, Item::Zone(name), effects);
    } else if state.model.hardware.supplies.iter().flatten().any(|supply| supply.name == name) {
        show_item(state, View::Hardware, Item::Supply(name), effects);
    } else {
        intent::tell(state, format!("nothing to open for `{subject}`"), super::Tone::Plain);
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
    let target = match &state.page {
        Some(Page::Service(name)) => Some(Item::Service(name.clone())),
        Some(Page::Entry(_)) => None,
        None => rows::selected(state),
    };
    match target {
        Some(target) if !menu::choices(&state.model, &target).is_empty() => {
            state.modal = Some(Modal::Menu(Menu { target, selected: 0 }));
        }
        _ => intent::tell(state, "select a service or a machine first".to_owned(), super::Tone::Plain),
    }
}

fn follow(state: &mut State) {
    if state.open_service().is_some() {
        state.log_anchor = match state.log_anchor {
            Some(_) => None,
            None => state.model.log.end().checked_sub(1),
        };
    } else if state.follow {
        let items = rows::items(state);
        state.follow = false;
        if let Some(last) = items.len().checked_sub(1) {
            pick(state, last, &items);
        }
    } else {
        state.follow = true;
    }
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

/// Takes a second's tick.
pub(super) fn tick(state: &mut State, wall_s: f64, effects: &mut Vec<Effect>) {
    state.wall_s = wall_s;
    let connected = state.connected();
    state.model.sample(state.now, connected);
    if state.notice.as_ref().is_some_and(|notice| notice.until <= state.now) {
        state.notice = None;
    }
    // The graph of the selected sensor wants its past even when nobody has pressed a key yet.
    selection_changed(state, effects);
    look_at_what_has_no_stream(state, effects);
}

/// What is asked for while it is on the screen.
pub(super) fn look_at_what_has_no_stream(state: &mut State, effects: &mut Vec<Effect>) {
    look_at_hardware(state, effects);
    look_at_boot(state, effects);
}

/// The boot timeline: when its view opens, and again while something of it is open.
fn look_at_boot(state: &mut State, effects: &mut Vec<Effect>) {
    let every_s = match &state.model.boot {
        None => 0.0,
        Some(boot) if boot.ended_s.is_none() => BOOT_EVERY_S,
        // Over, but one or the other is still on its way up.
        Some(boot) if boot.is_open() => HARDWARE_EVERY_S,
        Some(_) => f64::INFINITY,
    };
    let due = state.boot_asked.is_none_or(|asked| state.now.since(asked) >= every_s.max(BOOT_EVERY_S));
    if state.view == View::Boot && due && state.connected() && super::serves(state, super::Area::Boot) {
        state.boot_asked = Some(state.now);
        intent::ask(state, super::Ask::Boot, None, effects);
    }
}

/// LEDs, inventory, rails and supplies have no stream: they are asked for while they are on the screen.
fn look_at_hardware(state: &mut State, effects: &mut Vec<Effect>) {
    let shown = match state.view {
        View::Hardware | View::Power | View::Overview => true,
        View::Services | View::Sensors | View::Thermal | View::Operations | View::Events | View::Boot => false,
    };
    let due = state.hardware_asked.is_none_or(|asked| state.now.since(asked) >= HARDWARE_EVERY_S);
    if shown && due && state.connected() {
        state.hardware_asked = Some(state.now);
        intent::ask(state, super::Ask::Hardware, None, effects);
    }
}

/// Whether a plan is still awaited under this token.
pub(super) fn awaits(plan: &Plan, token: super::Token) -> bool {
    matches!(plan, Plan::Asked(asked) if *asked == token)
}
