//! Long-running requests, newest first, with the steps of the selected one.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    events, format, plan,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, Item, Place, State, rows, serves},
    model::{Mono, Operation, OperationState},
    style::{Mark, Role},
};

const COLUMNS: [Column; 8] = [
    Column::new("", 1),
    Column::new("id", 6),
    Column::new("what", 16),
    Column::new("target", 10).grows(),
    Column::new("state", 11),
    Column::new("took", 7).right().rank(1),
    Column::new("age", 7).right().rank(2),
    Column::new("asked by", 16).grows().rank(3),
];

/// The same where there is little room: the state must not be cut.
const NARROW: [Column; 5] = [
    Column::new("", 1),
    Column::new("id", 6),
    Column::new("what", 12),
    Column::new("target", 7).grows(),
    Column::new("state", 10),
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state);
    let place = selected.as_ref().and_then(|item| items.iter().position(|other| other == item));
    let wide = area.width >= 140;
    let (list, below) = if wide {
        let list = Rect { width: area.width / 2, ..area };
        (list, Rect { x: list.right() + 3, width: area.width - list.width - 3, ..area })
    } else {
        let needed = u16::try_from(items.len().max(1)).unwrap_or(u16::MAX).saturating_add(2);
        let list = Rect { height: needed.min(area.height / 2), ..area };
        (list, Rect { y: list.bottom(), height: area.height - list.height, ..area })
    };
    let running = state.model.operations.iter().filter(|one| one.state == OperationState::Running).count();
    let empty = if !state.filter().is_empty() {
        "no operation fits the filter"
    } else if serves(state, Area::Operations) {
        "nothing has been asked for yet"
    } else {
        "this daemon does not tell of its operations"
    };
    let table = Table {
        title: "Operations",
        remark: if running > 0 { format!("{running} running") } else { String::new() },
        columns: if area.width < 60 { &NARROW } else { &COLUMNS },
        count: items.len(),
        selected: place,
        empty,
    };
    let (glyphs, now) = (canvas.glyphs(), state.now);
    let rows = table::draw(canvas, list, &table, |index| {
        let Some(Item::Operation(id)) = items.get(index) else { return Vec::new() };
        let Some(operation) = state.model.operation(id) else { return Vec::new() };
        let mark = verdict::operation(operation.state);
        let age = now.since(operation.accepted);
        let took = operation.duration_s.map(format::short_duration).unwrap_or_default();
        vec![
            mark_piece(glyphs, mark),
            Piece::dim(&operation.id),
            Piece::text(&operation.kind),
            Piece::text(&operation.target),
            Piece::new(if mark == Mark::Done { Role::Text } else { role_of(mark) }, operation.state.word()),
            Piece::text(took),
            Piece::dim(format::duration(age)),
            Piece::dim(&operation.requested_by),
        ]
    });
    canvas.places(rows, |index| items.get(index).cloned().map(Place::Row));
    if let Some(Item::Operation(id)) = selected
        && let Some(operation) = state.model.operation(&id)
    {
        detail(canvas, below, state, operation);
    }
}

/// How far it is, in words, and how good that is.
pub(super) fn word(operation: &Operation, now: Mono) -> (String, Role) {
    let mark = verdict::operation(operation.state);
    let role = match mark {
        Mark::Critical | Mark::Warning => role_of(mark),
        _ => Role::Text,
    };
    let text = if let Some(took) = operation.duration_s {
        format!("{} after {}", operation.state.word(), format::short_duration(took))
    } else {
        let passed = format::duration(now.since(operation.accepted));
        // Of a single step there is no part that is done.
        let part =
            if operation.progress > 0.0 { format!("{:.0} %, ", operation.progress * 100.0) } else { String::new() };
        format!("{}, {part}{passed}", operation.state.word())
    };
    (text, role)
}

/// An operation with its steps as they go. The answer is the rows used.
pub(super) fn steps(canvas: &mut Canvas<'_>, area: Rect, state: &State, operation: &Operation, title: &str) -> u16 {
    if area.height < 2 {
        return 0;
    }
    let heading = format!("{title}: {} {} {}", operation.id, operation.kind, operation.target);
    canvas.heading(area, &heading, &word(operation, state.now).0);
    let mut y = area.y + 1;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    if !operation.reason.is_empty() && rest(y).height > 0 {
        let role = match verdict::operation(operation.state) {
            Mark::Critical | Mark::Warning => Role::Warning,
            _ => Role::Dim,
        };
        y += canvas.paragraph(Rect { height: rest(y).height.min(2), ..rest(y) }, &operation.reason, role);
    }
    y += plan::passed(canvas, rest(y), operation, state.now);
    y += plan::conditions(canvas, rest(y), &operation.conditions);
    y += plan::steps(canvas, rest(y), &operation.steps, state.now);
    y - area.y
}

/// The selected operation: who asked for it and why, what it touches, how long, and its steps.
fn detail(canvas: &mut Canvas<'_>, area: Rect, state: &State, operation: &Operation) {
    if area.height < 2 {
        return;
    }
    let (word, _) = word(operation, state.now);
    canvas.heading(area, &format!("{} {} {}", operation.id, operation.kind, operation.target), &word);
    let mut y = area.y + 1;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    if !operation.reason.is_empty() {
        let role = match verdict::operation(operation.state) {
            Mark::Critical | Mark::Warning => Role::Warning,
            _ => Role::Dim,
        };
        y += canvas.paragraph(Rect { height: rest(y).height.min(3), ..rest(y) }, &operation.reason, role);
    }
    y += plan::passed(canvas, rest(y), operation, state.now);
    y += plan::conditions(canvas, rest(y), &operation.conditions);
    // The steps come first where there is no room for both.
    let steps = u16::try_from(operation.steps.len()).unwrap_or(u16::MAX);
    let spare = rest(y).height.saturating_sub(steps);
    let facts = Rect { height: spare, ..rest(y) };
    let cause = if operation.cause == 0 { String::new() } else { format!("{} (7, then / cause:{0})", operation.cause) };
    let asked = match (operation.requested_by.as_str(), operation.request_reason.as_str()) {
        (who, "") => who.to_owned(),
        (who, why) => format!("{who}: {why}"),
    };
    let mut used = plan::labelled(canvas, facts, "asked by", &asked);
    let below = |used: u16| Rect { y: facts.y + used, height: facts.height.saturating_sub(used), ..facts };
    used += plan::labelled(canvas, below(used), "takes", &plan::takes(operation));
    used += plan::affected(canvas, below(used), operation);
    used += plan::labelled(canvas, below(used), "cause", &cause);
    y += used;
    y += if area.width >= 90 {
        plan::steps_in_full(canvas, rest(y), &operation.steps, state.now)
    } else {
        plan::steps(canvas, rest(y), &operation.steps, state.now)
    };
    let followed = state.model.events_of(operation.cause);
    if rest(y).height > 3 && !followed.is_empty() {
        events::some(canvas, rest(y), "What it brought about", &followed);
    }
}
