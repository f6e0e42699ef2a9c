//! Steps and conditions: how a plan, a running operation and a refusal are written.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece},
    format, verdict,
};
use crate::{
    app::State,
    model::{Condition, Leads, Machine, Mono, Operation, OperationState, Step, StepState, WhatIf},
    style::{Mark, Role},
};

/// Steps, one a row, as many as fit; what does not fit is said. The answer is the rows used.
pub(super) fn steps(canvas: &mut Canvas<'_>, area: Rect, steps: &[Step], now: Mono) -> u16 {
    let glyphs = canvas.glyphs();
    let room = usize::from(area.height);
    // Those around the running one matter when not all fit.
    let running = steps.iter().position(|step| step.state == StepState::Running).unwrap_or(0);
    let shown = if steps.len() > room { room.saturating_sub(1) } else { steps.len() };
    let first = running.saturating_sub(shown / 2).min(steps.len() - shown);
    let name_width = steps.iter().map(|step| super::canvas::columns(&step.name)).max().unwrap_or(0).min(area.width / 2);
    let mut used = 0;
    for (row, step) in area.rows().zip(steps.iter().skip(first).take(shown)) {
        let time = time_of(step, now);
        let role = step_role(step.state);
        let sign = mark_piece(glyphs, verdict::step(step.state));
        canvas.put(row.x, row.y, 1, &sign.text, sign.role);
        canvas.put(row.x + 2, row.y, name_width.min(row.width.saturating_sub(2)), &step.name, role);
        let x = row.x + 3 + name_width;
        let right = row.right();
        canvas.put_right((x + 7).min(right), row.y, right.saturating_sub(x).min(7), &time, Role::Dim);
        let detail = if step.state == StepState::Skipped && step.detail.is_empty() { "skipped" } else { &step.detail };
        canvas.put(x + 9, row.y, right.saturating_sub(x + 9), detail, Role::Dim);
        used += 1;
    }
    if steps.len() > shown
        && let Some(row) = area.rows().nth(usize::from(used))
    {
        canvas.put(
            row.x + 2,
            row.y,
            row.width.saturating_sub(2),
            &format!("and {} more", steps.len() - shown),
            Role::Dim,
        );
        used += 1;
    }
    used
}

/// Conditions, each with its way out. The answer is the rows used.
pub(super) fn conditions(canvas: &mut Canvas<'_>, area: Rect, conditions: &[Condition]) -> u16 {
    let mut y = area.y;
    let glyphs = canvas.glyphs();
    for condition in conditions {
        if y >= area.bottom() {
            break;
        }
        let sign = mark_piece(glyphs, Mark::Warning);
        canvas.pieces(area.x, y, 2, &[sign, Piece::text(" ")]);
        let inner = |y: u16| Rect {
            x: area.x + 2,
            y,
            width: area.width.saturating_sub(2),
            height: area.bottom().saturating_sub(y),
        };
        // `machine host.0`: where the sentence names it, that is enough.
        let name = condition.subject.rsplit(' ').next().unwrap_or_default();
        let subject = if condition.text.contains(name) { String::new() } else { format!("{}: ", condition.subject) };
        y += canvas.paragraph(inner(y), &format!("{subject}{}", condition.text), Role::Text);
        if !condition.remedy.is_empty() && y < area.bottom() {
            let remedy = format!("{} {}", glyphs.arrow(), condition.remedy);
            y += canvas.paragraph(inner(y), &remedy, Role::Dim);
        }
    }
    y - area.y
}

/// What the daemon says would follow, one sentence a line. The answer is the rows used.
pub(super) fn foreseen(canvas: &mut Canvas<'_>, area: Rect, what_if: &WhatIf) -> u16 {
    let mut y = area.y;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    y += canvas.paragraph(rest(y), "What follows, as ubmcd sees it:", Role::Dim);
    for (_, text) in &what_if.consequences {
        let sign = mark_piece(canvas.glyphs(), Mark::Busy);
        canvas.put(area.x, y, 1, &sign.text, sign.role);
        let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..rest(y) };
        y += canvas.paragraph(inner, text, Role::Text);
    }
    if what_if.consequences.is_empty() {
        y += canvas.paragraph(rest(y), "nothing else follows", Role::Text);
    }
    y += conditions(canvas, rest(y), &what_if.obstacles);
    y - area.y
}

/// A plan: how long, what it touches, what stands in the way with the way out, and the steps with all they say.
/// The answer is the rows used.
pub(super) fn planned(
    canvas: &mut Canvas<'_>,
    area: Rect,
    state: &State,
    request: &str,
    idle: bool,
    operation: &Operation,
) -> u16 {
    let mut y = area.y;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    y += conditions(canvas, rest(y), &operation.conditions);
    if operation.conditions.is_empty() && !operation.reason.is_empty() {
        y += canvas.paragraph(rest(y), &operation.reason, Role::Dim);
    }
    if operation.conditions.is_empty()
        && let Some(machine) = state.model.machine(&operation.target)
    {
        if idle {
            let text = format!("Nothing to do: {} is {} already.", machine.name, machine.state);
            return canvas.paragraph(area, &text, Role::Text);
        }
        match leads(state, machine, request) {
            Leads::To(next) => {
                let text = format!("{}: {}", next.name, next.description);
                y += labelled(canvas, rest(y), "leads to", text.trim_end_matches([':', ' ']));
            }
            Leads::Nowhere | Leads::Unsaid => {}
        }
    }
    y += labelled(canvas, rest(y), "takes", &takes(operation));
    y += affected(canvas, rest(y), operation);
    y += steps_in_full(canvas, rest(y), &operation.steps, state.now);
    y - area.y
}

/// Where a request leads a machine from where it is, as far as its definition is known and says so.
pub(super) fn leads<'a>(state: &'a State, machine: &Machine, request: &str) -> Leads<'a> {
    let graph = state.model.graphs.get(&machine.name);
    graph.map_or(Leads::Unsaid, |graph| graph.leads(&machine.state, request))
}

/// How long it usually takes, and at most.
pub(super) fn takes(operation: &Operation) -> String {
    let about = |seconds: f64| if seconds < 10.0 { format::short_duration(seconds) } else { format::duration(seconds) };
    // What is done in no time is not timed.
    let usually =
        operation.expected_s.filter(|seconds| *seconds >= 0.001).map(|seconds| format!("usually {}", about(seconds)));
    let most =
        operation.bound_s.filter(|seconds| *seconds >= 0.001).map(|seconds| format!("at most {}", about(seconds)));
    let mut parts: Vec<String> = usually.into_iter().chain(most).collect();
    if operation.expected_s.is_none() && operation.state == OperationState::Planned {
        parts.push("not done yet since ubmcd started".to_owned());
    }
    parts.join(", ")
}

/// What it touches, by what it is. The answer is the rows used.
pub(super) fn affected(canvas: &mut Canvas<'_>, area: Rect, operation: &Operation) -> u16 {
    let of = |prefix: &str| -> String {
        let names = operation.affects.iter().filter_map(|name| name.strip_prefix(prefix));
        names.collect::<Vec<_>>().join(", ")
    };
    let plain = operation.affects.iter().filter(|name| !name.contains(' ')).map(String::as_str);
    let plain = plain.collect::<Vec<_>>().join(", ");
    let mut y = area.y;
    for (label, names) in [("changes", plain), ("rails", of("rail ")), ("services", of("service "))] {
        let rest = Rect { y, height: area.bottom().saturating_sub(y), ..area };
        y += labelled(canvas, rest, label, &names);
    }
    y - area.y
}

/// `label  text`, over as many rows as it takes; nothing when there is no text. The answer is the rows used.
pub(super) fn labelled(canvas: &mut Canvas<'_>, area: Rect, label: &str, text: &str) -> u16 {
    const LABEL: u16 = 10;
    if text.is_empty() || area.height == 0 {
        return 0;
    }
    canvas.put(area.x, area.y, LABEL.min(area.width), label, Role::Dim);
    canvas.paragraph(Rect { x: area.x + LABEL, width: area.width.saturating_sub(LABEL), ..area }, text, Role::Text)
}

/// All steps with everything that they say. The answer is the rows used.
pub(super) fn steps_in_full(canvas: &mut Canvas<'_>, area: Rect, steps: &[Step], now: Mono) -> u16 {
    let widest = steps.iter().map(|step| super::canvas::columns(&step.name)).max().unwrap_or(0);
    let name_width = widest.min(area.width / 2);
    // Before anything has begun there are no times.
    let timed = steps.iter().any(|step| step.running_since.is_some() || step.took_s.is_some());
    let time_width = if timed { 9 } else { 0 };
    let mut y = area.y;
    for step in steps {
        if y >= area.bottom() {
            break;
        }
        let sign = mark_piece(canvas.glyphs(), verdict::step(step.state));
        let role = step_role(step.state);
        canvas.put(area.x, y, 1, &sign.text, sign.role);
        canvas.put(area.x + 2, y, name_width, &step.name, role);
        let x = area.x + 2 + name_width;
        canvas.put_right(x + 8.min(time_width), y, time_width.min(8), &time_of(step, now), Role::Dim);
        let x = x + time_width + 2;
        let detail = if step.state == StepState::Skipped && step.detail.is_empty() { "skipped" } else { &step.detail };
        let inner = Rect { x, y, width: area.right().saturating_sub(x), height: area.bottom().saturating_sub(y) };
        y += if detail.is_empty() { 1 } else { canvas.paragraph(inner, detail, Role::Dim).max(1) };
    }
    y - area.y
}

fn time_of(step: &Step, now: Mono) -> String {
    match (step.running_since, step.took_s) {
        (Some(since), _) => format::short_duration(now.since(since)),
        (None, Some(took)) => format::precise(took),
        (None, None) => String::new(),
    }
}

fn step_role(state: StepState) -> Role {
    match state {
        StepState::Pending | StepState::Skipped => Role::Dim,
        StepState::Running | StepState::Succeeded => Role::Text,
        StepState::Failed => Role::Critical,
    }
}

/// How far an operation is in time: a bar to what it usually takes, and the figures. Nothing when it has ended. The
/// answer is the rows used.
pub(super) fn passed(canvas: &mut Canvas<'_>, area: Rect, operation: &Operation, now: Mono) -> u16 {
    if operation.state.is_final() || area.height == 0 {
        return 0;
    }
    let passed = now.since(operation.accepted);
    let Some(expected) = operation.expected_s.filter(|expected| *expected > 0.0) else { return 0 };
    let width = (area.width / 3).clamp(8, 30);
    let share = (passed / expected).min(1.0);
    let late = passed > expected;
    let text = format!("{} of usually {}", format::duration(passed), format::duration(expected));
    let most = operation.bound_s.map(|most| format!(", at most {}", format::duration(most))).unwrap_or_default();
    let pieces = [
        Piece::new(if late { Role::Warning } else { Role::Graph }, canvas.glyphs().bar(share, width)),
        Piece::text(format!("  {text}{most}")),
    ];
    canvas.pieces(area.x, area.y, area.width, &pieces);
    1
}
