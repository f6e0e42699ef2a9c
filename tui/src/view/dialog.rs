//! What stands in front of a view and asks something.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece},
    format, operations, plan, power,
    sheet::Sheet,
    verdict,
};
use crate::{
    app::{
        Confirm, Deed, Fact, Item, Menu, Place, Plan, STALE_PLAN, State,
        confirm::{Focus, Verdict},
        menu::{self, Choice},
        offer,
    },
    model::Refusal,
    style::{Mark, Role},
};

/// An empty box in the middle of `area`, with its title above and a hint below; the answer is its inside.
pub(super) fn window(canvas: &mut Canvas<'_>, area: Rect, width: u16, height: u16, title: &str, hint: &str) -> Rect {
    let (width, height) = (width.min(area.width).max(4), height.min(area.height).max(3));
    let outer = Rect {
        x: area.x + (area.width.saturating_sub(width)) / 2,
        y: area.y + (area.height.saturating_sub(height)) / 3,
        width,
        height,
    };
    canvas.clear(outer);
    let [upper_left, upper_right, lower_left, lower_right, side] = canvas.glyphs().corners();
    let rule = canvas.glyphs().rule().repeat(usize::from(width - 2));
    let (right, bottom) = (outer.right() - 1, outer.bottom() - 1);
    canvas.put(outer.x, outer.y, width, &format!("{upper_left}{rule}{upper_right}"), Role::Text);
    canvas.put(outer.x, bottom, width, &format!("{lower_left}{rule}{lower_right}"), Role::Text);
    for y in outer.y + 1..bottom {
        canvas.put(outer.x, y, 1, side, Role::Text);
        canvas.put(right, y, 1, side, Role::Text);
    }
    canvas.put(outer.x + 2, outer.y, width.saturating_sub(4), &format!(" {title} "), Role::Title);
    if !hint.is_empty() {
        canvas.put_right(right.saturating_sub(1), bottom, width.saturating_sub(4), &format!(" {hint} "), Role::Dim);
    }
    Rect { x: outer.x + 2, y: outer.y + 1, width: width.saturating_sub(4), height: height - 2 }
}

/// The box around its inside.
pub(super) fn outer(inner: Rect) -> Rect {
    Rect {
        x: inner.x.saturating_sub(2),
        y: inner.y.saturating_sub(1),
        width: inner.width + 4,
        height: inner.height + 2,
    }
}

/// What can be done with one thing; the answer is where.
pub(super) fn menu(canvas: &mut Canvas<'_>, area: Rect, state: &State, menu: &Menu) -> Rect {
    let choices = menu::choices(&state.model, &menu.target);
    let name = match &menu.target {
        Item::Machine(name)
        | Item::Service(name)
        | Item::Zone(name)
        | Item::Fan(name)
        | Item::Led(name)
        | Item::Sensor(name)
        | Item::Supply(name)
        | Item::Rail(name)
        | Item::Fault(_, name) => name.as_str(),
        _ => "",
    };
    let height = u16::try_from(choices.len()).unwrap_or(u16::MAX).saturating_add(2);
    let (title, hint) = if state.read_only {
        (&*format!("{name}, read-only"), "Enter shows what it would do")
    } else {
        (name, "Enter asks, nothing is done yet; Esc leaves")
    };
    let inner = window(canvas, area, area.width.min(70), height, title, hint);
    for (index, (choice, row)) in choices.iter().zip(inner.rows()).enumerate() {
        let machine = if let Item::Machine(name) = &menu.target { state.model.machine(name) } else { None };
        let about = machine.map(|machine| power::about(state, machine, &choice.deed)).unwrap_or_default();
        choice_row(canvas, row, choice, &about);
        canvas.place(row, Place::Choice(index));
        if index == menu.selected.min(choices.len().saturating_sub(1)) {
            canvas.select(row);
        }
    }
    outer(inner)
}

/// A row of the menu: the deed, and what stands against it, or what it is `about`.
fn choice_row(canvas: &mut Canvas<'_>, row: Rect, choice: &Choice, about: &str) {
    let word = match &choice.deed {
        Deed::Transition { request, .. } => request.as_str(),
        Deed::Services { verb, .. } => verb.word(),
        Deed::Reset { .. } => "reset",
        Deed::CancelOperation { .. } => "cancel",
        Deed::RestoreInterlock { condition, .. } => &format!("restore {condition}"),
        Deed::Hold { duty, .. } => &format!("hold at {duty} %"),
        Deed::Release { .. } => "automatic",
        Deed::Inject { kind, .. } => kind,
        other => &other.title(),
    };
    let (mark, role) = if choice.blocked_by.is_empty() { (Mark::Good, Role::Text) } else { (Mark::Off, Role::Dim) };
    let sign = mark_piece(canvas.glyphs(), mark);
    canvas.put(row.x, row.y, 1, &sign.text, sign.role);
    let texts: Vec<&str> = choice.blocked_by.iter().map(|condition| condition.text.as_str()).collect();
    let text = if texts.is_empty() { about.to_owned() } else { texts.join("; ") };
    // With nothing beside it, it has the whole row.
    let width = if text.is_empty() { row.width.saturating_sub(2) } else { 17 };
    canvas.put(row.x + 2, row.y, width, word, role);
    canvas.put(row.x + 20, row.y, row.width.saturating_sub(20), &text, Role::Dim);
}

/// Whether to do it; the answer is where.
pub(super) fn confirm(canvas: &mut Canvas<'_>, area: Rect, state: &State, confirm: &Confirm) -> Rect {
    // The last rows are for the answer, and one above them divides it from the plan, which gets the others.
    let answer = 1 + answer_rows(confirm);
    let width = area.width.min(78);
    let all = confirm.deed.in_full(state);
    let sheet = Sheet::new(canvas, width.saturating_sub(4), all.as_deref(), |canvas, area| {
        let used = match (confirm.renewal, confirm.renewed) {
            (Some(_), _) => {
                canvas.paragraph(area, "it may be otherwise now: asking ubmcd for the plan anew", Role::Busy)
            }
            (None, true) => canvas.paragraph(area, confirm.changed(), Role::Warning),
            (None, false) => 0,
        };
        let area = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
        used + match &confirm.plan {
            Plan::Asked(_) => canvas.paragraph(area, "asking ubmcd what this would do", Role::Busy),
            Plan::Known(operation) => {
                let request = if let Deed::Transition { request, .. } = &confirm.deed { request } else { "" };
                // What is known of the machine by now does not go with the plan of before.
                let request = if confirm.renewal.is_some() { "" } else { request };
                plan::planned(canvas, area, state, request, confirm.idle, operation)
            }
            Plan::Refused(refusal) => refusal_text(canvas, area, refusal),
            Plan::Foreseen(what_if) => plan::foreseen(canvas, area, what_if),
            Plan::None => unplanned(canvas, area, state, &confirm.deed),
        }
    });
    let height = sheet.rows().saturating_add(answer + 2);
    let hint = match (confirm.leaves_only(), confirm.deed.cancels()) {
        (true, _) => "Enter leaves",
        (false, true) => "Esc leaves it",
        (false, false) => "Esc cancels",
    };
    let inner = window(canvas, area, width, height, &confirm.deed.title(), hint);
    let body = Rect { height: inner.height.saturating_sub(answer), ..inner };
    let part = sheet.show(canvas, body, confirm.scrolled);
    canvas.put_right(inner.right(), body.bottom(), inner.width, &part, Role::Busy);
    let rows = (answer - 1).min(inner.height);
    let rows = Rect { y: inner.bottom() - rows, height: rows, ..inner };
    question(canvas, rows, confirm);
    outer(inner)
}

/// An operation that was begun here, as it goes; the answer is where. None when it is not known any more.
pub(super) fn progress(canvas: &mut Canvas<'_>, area: Rect, state: &State, id: &str, scrolled: usize) -> Option<Rect> {
    let operation = state.model.operation(id)?;
    let width = area.width.min(78);
    let all = format!("operations show {id}");
    let sheet = Sheet::new(canvas, width.saturating_sub(4), Some(&all), |canvas, area| {
        let mut y = area.y;
        let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
        let (word, role) = operations::word(operation, state.now);
        let sign = mark_piece(canvas.glyphs(), verdict::operation(operation.state));
        canvas.pieces(area.x, y, area.width, &[sign, Piece::new(role, format!(" {word}"))]);
        y += 1;
        if !operation.reason.is_empty() {
            y += canvas.paragraph(rest(y), &operation.reason, role);
        }
        y += plan::passed(canvas, rest(y), operation, state.now);
        y += plan::conditions(canvas, rest(y), &operation.conditions);
        y += plan::steps_in_full(canvas, rest(y), &operation.steps, state.now);
        y - area.y
    });
    let title = format!("{} {} {}", operation.id, operation.kind, operation.target);
    let hint = if operation.state.is_final() {
        "Esc leaves"
    } else if !state.connected() {
        "as it was before the connection was lost; Esc leaves it"
    } else if offer::can_be_cancelled(state, operation) {
        "Esc leaves it to itself, x cancels"
    } else {
        "Esc leaves it to itself"
    };
    let height = sheet.rows().saturating_add(3);
    let inner = window(canvas, area, width, height, &title, hint);
    let body = Rect { height: inner.height.saturating_sub(1), ..inner };
    let part = sheet.show(canvas, body, scrolled);
    canvas.put_right(inner.right(), body.bottom(), inner.width, &part, Role::Busy);
    Some(outer(inner))
}

/// What there is to say where the daemon makes no plan. The answer is the rows used.
fn unplanned(canvas: &mut Canvas<'_>, area: Rect, state: &State, deed: &Deed) -> u16 {
    let mut y = area.y;
    for fact in deed.facts(state) {
        let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
        y += match fact {
            Fact::Sentence(text) => canvas.paragraph(rest(y), &text, Role::Text),
            Fact::Label(label, text) => plan::labelled(canvas, rest(y), label, &text),
            Fact::Since(seconds) => plan::labelled(canvas, rest(y), "since", &format::duration(seconds)),
            Fact::Forgone(one, in_s) => {
                let (due, at) = (format::duration(in_s), format::clock(one.at_s));
                let text = format!("{} of {} will not be asked for in {due}, at {at} UTC.", one.request, one.machine);
                canvas.paragraph(rest(y), &text, Role::Text)
            }
            Fact::Operation(operation) => {
                let used = plan::affected(canvas, rest(y), operation);
                used + plan::steps_in_full(canvas, rest(y + used), &operation.steps, state.now)
            }
        };
    }
    y - area.y
}

/// Rows that the answer takes: the name, the reason, the buttons.
fn answer_rows(confirm: &Confirm) -> u16 {
    if confirm.leaves_only() {
        return 1;
    }
    1 + u16::from(confirm.deed.is_destructive()) + u16::from(confirm.deed.takes_reason())
}

fn question(canvas: &mut Canvas<'_>, area: Rect, confirm: &Confirm) {
    let mut rows = area.rows().rev();
    let Some(last) = rows.next() else { return };
    if confirm.leaves_only() {
        let why = match (confirm.looks_only, confirm.idle) {
            (true, _) => "read-only: only looked at",
            (false, true) => "",
            (false, false) if confirm.deed.cancels() => "there is nothing to cancel",
            (false, false) => "it cannot be done now",
        };
        let pieces = [Piece::new(Role::Tab, "[ Leave ]"), Piece::text("  "), Piece::dim(why)];
        canvas.pieces(last.x, last.y, last.width, &pieces);
        return;
    }
    let button = |chosen: bool| if chosen { Role::Tab } else { Role::Text };
    let go = format!("[ {} ]", confirm.deed.title());
    // Beside a button that cancels something, the other one must not be called so.
    let leave = if confirm.deed.cancels() { "[ Leave it ]" } else { "[ Cancel ]" };
    let does = confirm.verdict() == Verdict::Do;
    canvas.pieces(
        last.x,
        last.y,
        last.width,
        &[
            Piece::new(button(confirm.focus == Focus::Cancel), leave),
            Piece::text("  "),
            Piece::new(button(confirm.focus == Focus::Do), go),
            Piece::text("  "),
            Piece::new(if confirm.deed.is_destructive() && does { Role::Warning } else { Role::Dim }, hint(confirm)),
        ],
    );
    if confirm.deed.takes_reason()
        && let Some(row) = rows.next()
    {
        let label = [Piece::text("Reason (optional): ")];
        typed(canvas, row, &label, confirm.reason.text(), confirm.focus == Focus::Reason);
    }
    if confirm.deed.is_destructive()
        && let Some(row) = rows.next()
    {
        let label = [
            Piece::text("Type "),
            Piece::new(Role::Title, confirm.deed.target().into_owned()),
            Piece::text(" to do it: "),
        ];
        typed(canvas, row, &label, confirm.typed.text(), confirm.focus == Focus::Target);
    }
}

/// What Enter does now, or why it does nothing.
fn hint(confirm: &Confirm) -> &'static str {
    let typed = confirm.typed.text();
    match (confirm.focus, confirm.verdict()) {
        (Focus::Reason, _) => "Enter goes on",
        (Focus::Target, Verdict::Do) => "Enter does it, Tab moves",
        (Focus::Target, Verdict::Cancel) => "Enter cancels, Tab moves",
        (Focus::Target | Focus::Do, _) if !confirm.deed.target().starts_with(typed) => "that is another name",
        (Focus::Do, Verdict::Stay) if !typed.is_empty() || confirm.deed.is_destructive() => "type the name first",
        (Focus::Target, _) => "Tab moves",
        (Focus::Cancel | Focus::Do, _) => "Tab moves, Enter presses",
    }
}

/// A line being typed, behind its label; of one that is too long, its end.
pub(super) fn typed(canvas: &mut Canvas<'_>, row: Rect, label: &[Piece], text: &str, focused: bool) {
    let used = canvas.pieces(row.x, row.y, row.width, label);
    let room = row.width.saturating_sub(used + 1);
    let mut shown = text;
    while super::canvas::columns(shown) > room && focused {
        let mut chars = shown.chars();
        if chars.next().is_none() {
            break;
        }
        shown = chars.as_str();
    }
    let used = used + canvas.put(row.x + used, row.y, room, shown, Role::Text);
    if focused {
        canvas.put(row.x + used, row.y, row.width.saturating_sub(used).min(1), " ", Role::Selected);
    }
}

/// It was refused, and what to do; the answer is where.
pub(super) fn refused(canvas: &mut Canvas<'_>, area: Rect, what: &str, refusal: &Refusal, scrolled: usize) -> Rect {
    let width = area.width.min(78);
    let anew = refusal.conditions.iter().any(|one| one.kind == STALE_PLAN);
    let sheet = Sheet::new(canvas, width.saturating_sub(4), None, |canvas, area| refusal_text(canvas, area, refusal));
    let height = sheet.rows().saturating_add(3);
    let hint = if anew { "Enter looks at the new plan, Esc leaves" } else { "Enter leaves" };
    let inner = window(canvas, area, width, height, &format!("{what}: {}", refusal.code), hint);
    let body = Rect { height: inner.height.saturating_sub(1), ..inner };
    let part = sheet.show(canvas, body, scrolled);
    canvas.put_right(inner.right(), body.bottom(), inner.width, &part, Role::Busy);
    outer(inner)
}

fn refusal_text(canvas: &mut Canvas<'_>, area: Rect, refusal: &Refusal) -> u16 {
    let mut y = area.y;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let message = if refusal.message.is_empty() { &refusal.code } else { &refusal.message };
    // A condition that says the same says it with the way out.
    if refusal.conditions.iter().all(|condition| condition.text != *message) {
        y += canvas.paragraph(rest(y), message, Role::Warning);
    }
    y += plan::conditions(canvas, rest(y), &refusal.conditions);
    y - area.y
}
