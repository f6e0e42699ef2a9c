//! The tail of events, one event's page, and the last few for the overview.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    format,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, Item, Place, State, rows, serves},
    model::{Entry, Event, Operation, Severity},
    style::{Glyphs, Mark, Role},
};

const COLUMNS: [Column; 6] = [
    Column::new("", 1),
    Column::new("time", 8),
    Column::new("event", 50).grows(),
    Column::new("actor", 12).rank(2),
    Column::new("subject", 34).rank(1),
    Column::new("number", 7).right().rank(3),
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state);
    let place = selected.as_ref().and_then(|item| items.iter().position(|other| other == item));
    let hidden = rows::less_serious(state);
    let remark = remark(state, items.len(), hidden);
    let empty = if hidden > 0 {
        "no event is that serious: e goes on to all of them"
    } else if !state.filter().is_empty() {
        "no event fits the filter"
    } else if serves(state, Area::Events) {
        "no events yet"
    } else {
        "this daemon does not tell of its events"
    };
    // Following, the newest is the last row; scrolled, the window stays where the reader is.
    let height = usize::from(area.height.saturating_sub(2));
    let (shown, selected) = if state.follow {
        (items.get(items.len().saturating_sub(height)..).unwrap_or_default(), None)
    } else {
        (items.as_slice(), place)
    };
    let table = Table { title: "Events", remark, columns: &COLUMNS, count: shown.len(), selected, empty };
    let glyphs = canvas.glyphs();
    let rows = table::draw(canvas, area, &table, |index| match shown.get(index) {
        Some(Item::Entry(number)) => state.model.tail.get(*number).map(|entry| row(glyphs, entry)).unwrap_or_default(),
        _ => Vec::new(),
    });
    canvas.places(rows, |index| shown.get(index).cloned().map(Place::Row));
}

/// What is shown of all events; what changes least comes last, for that is cut first. Where the reader stands the table says
/// of its rows.
fn remark(state: &State, shown: usize, hidden: usize) -> String {
    let mut parts = Vec::new();
    if state.model.tail.missed > 0 {
        parts.push(format!("{} missed", state.model.tail.missed));
    }
    if state.least > Severity::Debug {
        let hidden = if hidden > 0 { format!(" ({hidden} hidden)") } else { String::new() };
        parts.push(format!("{} and worse{hidden}", state.least.plural()));
    }
    if !state.search.is_empty() {
        parts.push(format!("search: {}", state.search.text()));
    }
    if let Some(cause) = state.filter().strip_prefix("cause:").and_then(|cause| cause.parse().ok()) {
        // The chain may begin before the oldest event that is kept here.
        let older = state.model.events_of(cause).len().saturating_sub(shown + hidden);
        if older > 0 {
            parts.push(format!("{older} before these: Enter"));
        }
    }
    if state.follow {
        parts.push("following".to_owned());
    }
    parts.join(", ")
}

fn row(glyphs: Glyphs, entry: &Entry) -> Vec<Piece> {
    match entry {
        Entry::Event(event) => {
            let mark = verdict::severity(event.severity);
            let role = match event.severity {
                Severity::Debug => Role::Dim,
                Severity::Info | Severity::Notice => Role::Text,
                Severity::Warning | Severity::Error | Severity::Critical => mark.map_or(Role::Text, role_of),
            };
            vec![
                mark.map_or_else(|| Piece::text(" "), |mark| mark_piece(glyphs, mark)),
                Piece::dim(format::clock(event.time_s)),
                Piece::new(role, if event.text.is_empty() { &event.subject } else { &event.text }),
                Piece::dim(&event.actor),
                Piece::dim(&event.subject),
                Piece::dim(event.seq.to_string()),
            ]
        }
        Entry::Lost { first, last, reason } => vec![
            mark_piece(glyphs, Mark::Warning),
            Piece::text(""),
            Piece::new(Role::Warning, format!("events {first}-{last} are missing ({reason})")),
        ],
        Entry::Restarted => vec![
            mark_piece(glyphs, Mark::Busy),
            Piece::text(""),
            Piece::new(Role::Busy, "ubmcd was started anew; its event numbers begin again"),
        ],
    }
}

/// One entry with everything it carries, and the others of the same cause.
pub(super) fn page(canvas: &mut Canvas<'_>, area: Rect, state: &State, number: u64) {
    let event = match state.model.tail.get(number) {
        Some(Entry::Event(event)) => event,
        Some(entry) => {
            canvas.heading(area, "Event", "");
            let row = row(canvas.glyphs(), entry);
            canvas.pieces(area.x, area.y + 1, area.width, &[row[0].clone(), Piece::text(" "), row[2].clone()]);
            return;
        }
        None => {
            canvas.heading(area, "Event", "");
            canvas.put(area.x, area.y + 1, area.width, "it has been dropped to make room for newer ones", Role::Dim);
            return;
        }
    };
    canvas.heading(area, &format!("Event {}", event.seq), &event.subject);
    let mut y = area.y + 1;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let mark = verdict::severity(event.severity);
    y += canvas.paragraph(
        Rect { height: rest(y).height.min(4), ..rest(y) },
        &event.text,
        mark.map_or(Role::Text, role_of),
    );
    let age = format::duration((state.wall_s - event.time_s).max(0.0));
    let mut facts = vec![
        ("severity", vec![Piece::text(event.severity.word())]),
        ("time", vec![Piece::text(format!("{} UTC, {age} ago", format::clock(event.time_s)))]),
        ("source", vec![Piece::text(&event.source)]),
        ("actor", vec![Piece::text(&event.actor)]),
    ];
    facts.extend(origin(state, event));
    facts.extend(event.payload.iter().map(|(name, value)| (name.as_str(), vec![Piece::text(value)])));
    y += table::facts(canvas, rest(y), &facts);
    chain(canvas, rest(y), state, event);
}

/// The events that one cause brought about, in order, from what began it: also those that the tail does not hold any more.
fn chain(canvas: &mut Canvas<'_>, area: Rect, state: &State, event: &Event) {
    let same = state.model.events_of(event.cause);
    if same.len() < 2 || area.height < 3 {
        return;
    }
    let columns = [
        Column::new("", 1),
        Column::new("", 8),
        Column::new("", 8).right().rank(2),
        Column::new("", 24).grows(),
        Column::new("", 30).rank(1),
    ];
    let table = Table {
        title: "From what began it to what followed",
        remark: format!("cause {}", event.cause),
        columns: &columns,
        count: same.len(),
        selected: same.iter().position(|other| other.seq == event.seq),
        empty: "",
    };
    let glyphs = canvas.glyphs();
    let began = same.first().map_or(0.0, |first| first.mono_s);
    table::draw(canvas, area, &table, |index| {
        let Some(other) = same.get(index) else { return Vec::new() };
        let after = if index == 0 { String::new() } else { format!("+{}", format::precise(other.mono_s - began)) };
        vec![
            verdict::severity(other.severity).map_or_else(|| Piece::text(" "), |mark| mark_piece(glyphs, mark)),
            Piece::dim(format::clock(other.time_s)),
            Piece::dim(after),
            Piece::new(if index == 0 { Role::Title } else { Role::Text }, &other.text),
            Piece::dim(&other.subject),
        ]
    });
}

/// What began it, when that is another event: the command or the hardware's news, with who asked; and its operation.
fn origin(state: &State, event: &Event) -> Vec<(&'static str, Vec<Piece>)> {
    let mut facts = Vec::new();
    let began = state.model.events_of(event.cause).first().filter(|first| first.seq != event.seq).copied().cloned();
    if let Some(first) = began {
        let by = if first.actor.is_empty() { String::new() } else { format!(", by {}", first.actor) };
        facts.push(("began with", vec![Piece::text(format!("{}{by}", first.text))]));
    }
    let of_cause = |one: &&Operation| event.cause != 0 && one.cause == event.cause;
    if let Some(one) = state.model.operations.iter().find(of_cause) {
        let text = format!("{} {} {}, {}", one.id, one.kind, one.target, one.state.word());
        facts.push(("operation", vec![Piece::text(text)]));
    }
    facts
}

/// The last of some events, as many as fit, the newest at the bottom.
pub(super) fn some(canvas: &mut Canvas<'_>, area: Rect, title: &str, events: &[&Event]) {
    let height = usize::from(area.height.saturating_sub(1));
    let shown = events.get(events.len().saturating_sub(height)..).unwrap_or_default();
    let columns = [Column::new("", 1), Column::new("", 8), Column::new("", 24).grows(), Column::new("", 34).rank(1)];
    let columns = if area.width >= 110 { &columns[..] } else { &columns[..3] };
    let empty = "nothing since the oldest kept event";
    let table = Table { title, remark: String::new(), columns, count: shown.len(), selected: None, empty };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        let Some(event) = shown.get(index) else { return Vec::new() };
        vec![
            verdict::severity(event.severity).map_or_else(|| Piece::text(" "), |mark| mark_piece(glyphs, mark)),
            Piece::dim(format::clock(event.time_s)),
            Piece::text(&event.text),
            Piece::dim(&event.subject),
        ]
    });
}

/// The last few, as many as fit, the newest at the bottom.
pub(super) fn recent(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    if area.height < 2 {
        return;
    }
    let height = usize::from(area.height - 1);
    let entries = &state.model.tail.entries;
    let first = entries.len().saturating_sub(height);
    let shown: Vec<&Entry> = entries.range(first..).collect();
    let columns = [Column::new("", 1), Column::new("", 8), Column::new("", 30).grows(), Column::new("", 34).rank(1)];
    let table = Table {
        title: "Events",
        remark: String::new(),
        columns: if area.width >= 110 { &columns } else { &columns[..3] },
        count: shown.len(),
        selected: None,
        empty: "no events yet",
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        let Some(entry) = shown.get(index) else { return Vec::new() };
        let mut pieces = row(glyphs, entry);
        if pieces.len() > 4 {
            pieces.remove(3);
        }
        pieces
    });
}
