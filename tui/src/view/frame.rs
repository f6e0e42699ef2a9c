//! Around every view: who and how it is, the tabs, and at the bottom what can be pressed.

use ratatui::layout::Rect;

use super::{
    MADE_FOR,
    canvas::{Canvas, Piece, columns, role_of},
    format,
};
use crate::{
    app::{Item, LinkState, Modal, Page, Place, State, Tone, View, keymap::Action, offer, rows},
    model::Health,
    style::{Mark, Role},
};

/// A daemon that has said nothing for so long, though it is asked every two seconds, may hang.
const SILENT_S: f64 = 5.0;

/// In a sentence: is anything wrong.
pub(super) fn verdict(state: &State) -> Piece {
    let (mark, text) = judged(state);
    Piece::new(role_of(mark), text)
}

fn judged(state: &State) -> (Mark, String) {
    let since = format::duration(state.now.since(state.link_since));
    match &state.link {
        LinkState::Connecting if state.lost.is_none() => {
            return (Mark::Busy, format!("connecting to {}", state.address));
        }
        LinkState::Connecting => {
            let data = data_age(state);
            return (Mark::Critical, format!("no connection for {since}, trying now{data}"));
        }
        LinkState::Down { retry_at, .. } => {
            let left = (retry_at.since(state.now)).ceil();
            let data = data_age(state);
            return (Mark::Critical, format!("no connection for {since}, reconnecting in {left:.0} s{data}"));
        }
        LinkState::Up => {}
    }
    let Some(status) = &state.model.status else { return (Mark::Busy, "waiting for the status".to_owned()) };
    if let Some(silent) = silence(state) {
        return (Mark::Warning, format!("no word from ubmcd for {}", format::duration(silent)));
    }
    if status.state == "stopping" {
        // Whoever holds up the rest comes first.
        let held = status.holding_up.first();
        let text = held.map_or("ubmcd is stopping".to_owned(), |held| format!("stopping: {}", held.text));
        return (Mark::Busy, text);
    }
    let problems = state.problems().len();
    let mark = match (status.health, problems) {
        (Health::Unhealthy, _) => Mark::Critical,
        (Health::Degraded, _) | (Health::Healthy | Health::Unknown, 1..) => Mark::Warning,
        (Health::Healthy | Health::Unknown, 0) if status.state == "starting" => Mark::Busy,
        (Health::Healthy | Health::Unknown, 0) => Mark::Good,
    };
    let text = match (problems, status.state.as_str()) {
        (0, "starting") => "starting".to_owned(),
        (0, "degraded") => "degraded".to_owned(),
        (0, _) if mark == Mark::Good => "all is well".to_owned(),
        (0, _) => status.health.word().to_owned(),
        (count, _) => format::count(count, "problem"),
    };
    (mark, text)
}

/// For how long ubmcd has said nothing, where that is too long for one that is connected.
fn silence(state: &State) -> Option<f64> {
    let silent = state.now.since(state.model.heard.filter(|_| state.connected())?);
    (silent >= SILENT_S).then_some(silent)
}

/// How old everything on the screen is; empty when there is nothing.
fn data_age(state: &State) -> String {
    let age = state.model.heard.map(|heard| format::duration(state.now.since(heard)));
    age.map(|age| format!(", data {age} old")).unwrap_or_default()
}

/// Two rows: the state of everything, and the tabs.
pub(super) fn header(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let clock = if state.wall_s > 0.0 { format!("{}Z", format::clock(state.wall_s)) } else { String::new() };
    let mut right = area.right();
    right -= canvas.put_right(right, area.y, area.width, &clock, Role::Text);
    if let Some(rate) = state.bytes_per_s.filter(|_| state.connected()) {
        // To the next ten: a number that changes with every frame would be its own reason.
        let text = format!("{:.0} B/s  ", (rate / 10.0).ceil() * 10.0);
        right -= canvas.put_right(right, area.y, area.width / 3, &text, Role::Dim);
    }
    let (mark, text) = judged(state);
    let mut pieces = vec![Piece::new(Role::Title, "ubmc ")];
    if let Some(status) = &state.model.status {
        pieces.push(Piece::text(format!("{} ", status.board)));
        if !status.hostname.is_empty() && area.width >= MADE_FOR.0 && state.connected() {
            pieces.push(Piece::dim(format!("{} ", status.hostname)));
        }
    }
    if state.read_only {
        pieces.push(Piece::dim("read-only "));
    }
    pieces.push(Piece::text(" "));
    pieces.push(canvas.mark(mark));
    pieces.push(Piece::new(role_of(mark), format!(" {text}")));
    let problems = state.problems();
    if let Some(problem) = problems.first().filter(|_| state.connected() && silence(state).is_none()) {
        let text = if problem.text.is_empty() { &problem.subject } else { &problem.text };
        pieces.push(Piece::text(format!(": {text}")));
    }
    if state.model.tail.missed > 0 {
        let missed = format!(" ({} events missed)", state.model.tail.missed);
        let width = columns(&missed);
        if width + 30 < right {
            right -= canvas.put_right(right.saturating_sub(1), area.y, width, &missed, Role::Warning) + 1;
        }
    }
    canvas.pieces(area.x, area.y, right.saturating_sub(area.x + 1), &pieces);
    tabs(canvas, Rect { y: area.y + 1, height: 1, ..area }, state);
}

/// The widest form of the tabs that fits: all names, short names, or numbers with the name of the present view only.
fn tabs(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let full = |view: View| format!("{} {}", view.index() + 1, view.name());
    let short = |view: View| match view {
        View::Operations => "6 ops".to_owned(),
        View::Hardware => "9 hw".to_owned(),
        _ => full(view),
    };
    let number = |view: View| if view == state.view { full(view) } else { (view.index() + 1).to_string() };
    let forms: [(u16, &dyn Fn(View) -> String); 4] = [(2, &full), (1, &full), (1, &short), (1, &number)];
    for (index, (gap, form)) in forms.into_iter().enumerate() {
        let labels: Vec<(View, String)> = View::ALL.into_iter().map(|view| (view, form(view))).collect();
        let width = labels.iter().map(|(_, label)| columns(label) + gap).sum::<u16>() - gap;
        if width > area.width && index + 1 < forms.len() {
            continue;
        }
        let mut x = area.x;
        for (view, label) in labels {
            let role = if view == state.view { Role::Tab } else { Role::Dim };
            let width = canvas.put(x, area.y, area.right().saturating_sub(x), &label, role);
            canvas.place(Rect { x, width, ..area }, Place::Tab(view));
            x += width + gap;
        }
        return;
    }
}

/// One row: what is being typed, or a notice, or what can be pressed.
pub(super) fn footer(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let typed = match &state.modal {
        Some(Modal::Filter { .. }) if state.open_service().is_some() => {
            Some(("/", state.log_filter.text(), "Enter keeps, Esc drops"))
        }
        Some(Modal::Filter { .. }) => Some(("/", state.filter(), "Enter keeps, Esc drops")),
        Some(Modal::Search { .. }) => Some(("search: ", state.search.text(), "Enter finds, n and N go on")),
        _ => None,
    };
    if let Some((sign, text, hint)) = typed {
        let pieces = [Piece::new(Role::Key, sign), Piece::text(text), Piece::new(Role::Selected, " ")];
        let used = canvas.pieces(area.x, area.y, area.width, &pieces);
        let rest = area.width.saturating_sub(used + 2);
        canvas.put(area.x + used + 2, area.y, rest, hint, Role::Dim);
        return;
    }
    if let Some(notice) = &state.notice {
        let (mark, role) = match notice.tone {
            Tone::Plain => (Mark::Busy, Role::Text),
            Tone::Good => (Mark::Done, Role::Good),
            Tone::Bad => (Mark::Warning, Role::Warning),
        };
        let pieces = [canvas.mark(mark), Piece::new(role, format!(" {}", notice.text))];
        canvas.pieces(area.x, area.y, area.width, &pieces);
        return;
    }
    if let Some(reason) = &state.lost {
        let now = "  ^R tries now";
        // While there is nothing else to show, the reason stands in the body, where there is room for all of it.
        let reason = if state.model.heard.is_some() { reason.as_str() } else { "" };
        let used = canvas.put(area.x, area.y, area.width.saturating_sub(columns(now)), reason, Role::Warning);
        canvas.put(area.x + used, area.y, area.width - used, now, Role::Dim);
        return;
    }
    let mut right = area.right();
    if state.size.columns < MADE_FOR.0 || state.size.rows < MADE_FOR.1 {
        let text = format!("made for {}x{}", MADE_FOR.0, MADE_FOR.1);
        right -= canvas.put_right(right, area.y, area.width, &text, Role::Dim) + 1;
    } else if !state.filter().is_empty() && state.page.is_none() {
        let text = format!("filter: {}", state.filter());
        right -= canvas.put_right(right, area.y, area.width / 3, &text, Role::Busy) + 1;
    }
    let mut x = area.x;
    for (hint, word) in hints(state) {
        let key = match hint {
            Hint::Key(key) => key.to_owned(),
            Hint::Action(action) => state.keymap.key_of(action),
        };
        let width = columns(&key) + 1 + columns(word);
        if x + width > right {
            break;
        }
        x += canvas.put(x, area.y, width, &key, Role::Key) + 1;
        x += canvas.put(x, area.y, width, word, Role::Dim) + 2;
    }
}

/// What is pressed: a key that never changes, or whatever means an action now.
#[derive(Clone, Copy, PartialEq)]
enum Hint {
    Key(&'static str),
    Action(Action),
}

/// What is worth pressing here, the most useful first. Help has all of it.
fn hints(state: &State) -> Vec<(Hint, &'static str)> {
    use Hint::{Action as Does, Key};
    let act = (Does(Action::Act), "act");
    let why = (Does(Action::Why), "why");
    let filter = (Key("/"), "filter");
    let search = (Does(Action::Search), "search");
    let on_group = matches!(rows::selected(state), Some(Item::Group(_)));
    let mut hints = match (&state.page, state.view) {
        (Some(Page::Service(_)), _) => {
            vec![(Key("Esc"), "back"), act, (Does(Action::Pane), "next part"), why, filter, search]
        }
        (Some(Page::Entry(_)), _) => vec![(Key("Esc"), "back"), (Key("Up/Dn"), "next")],
        (None, View::Overview) => vec![(Key("Enter"), "open"), act, why],
        (None, View::Services) => {
            vec![(Key("Enter"), if on_group { "fold" } else { "open" }), act, why, (Does(Action::Tree), "tree"), filter]
        }
        (None, View::Sensors) => vec![(Does(Action::ZoomIn), "zoom in"), (Does(Action::ZoomOut), "out"), filter],
        (None, View::Thermal) => vec![(Does(Action::Act), "hold fans"), filter],
        (None, View::Boot) => vec![(Key("Enter"), "open"), filter],
        (None, View::Power) if state.request.is_some() && state.read_only => vec![(Key("Esc"), "back")],
        (None, View::Power) if state.request.is_some() => vec![(Key("Enter"), "ask for it"), (Key("Esc"), "back")],
        (None, View::Power) => vec![(Key("Enter"), "requests"), (Does(Action::Pane), "next part"), why, filter],
        (None, View::Operations) => vec![(Does(Action::CancelOperation), "cancel it"), filter],
        (None, View::Events) => {
            let follow = (Does(Action::Follow), "follow");
            vec![(Key("Enter"), "open"), follow, filter, search, (Does(Action::Cause), "cause")]
        }
        (None, View::Hardware) => vec![(Does(Action::Identify), "identify"), (Does(Action::Inject), "break"), filter],
    };
    hints.retain(|(hint, _)| match hint {
        Does(action) => offer::possible(state, *action),
        Key(_) => true,
    });
    hints.extend([(Key(":"), "command"), (Key("?"), "help"), (Key("Tab"), "next view"), (Key("q"), "quit")]);
    hints
}
