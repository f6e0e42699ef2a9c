//! Steps and conditions: how a plan, a running operation and a refusal are written.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, wrap},
    format, verdict,
};
use crate::{
    model::{Condition, Mono, Step, StepState, WhatIf},
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
        let time = match (step.running_since, step.took_s) {
            (Some(since), _) => format::short_duration(now.since(since)),
            (None, Some(took)) => format::precise(took),
            (None, None) => String::new(),
        };
        let mark = verdict::step(step.state);
        let role = match step.state {
            StepState::Pending | StepState::Skipped => Role::Dim,
            StepState::Running | StepState::Succeeded => Role::Text,
            StepState::Failed => Role::Critical,
        };
        let sign = mark_piece(glyphs, mark);
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
        let subject = if condition.subject.is_empty() || condition.text.contains(&condition.subject) {
            String::new()
        } else {
            format!("{}: ", condition.subject)
        };
        y += canvas.paragraph(inner(y), &format!("{subject}{}", condition.text), Role::Text);
        if !condition.remedy.is_empty() && y < area.bottom() {
            let remedy = format!("{} {}", glyphs.arrow(), condition.remedy);
            y += canvas.paragraph(inner(y), &remedy, Role::Dim);
        }
    }
    y - area.y
}

/// What the daemon says would follow, one sentence a line.
pub(super) fn foreseen(canvas: &mut Canvas<'_>, area: Rect, what_if: &WhatIf) {
    let mut y = area.y;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    y += canvas.paragraph(rest(y), "What follows, as ubmcd sees it:", Role::Dim);
    for (_, text) in &what_if.consequences {
        if rest(y).height == 0 {
            return;
        }
        let sign = mark_piece(canvas.glyphs(), Mark::Busy);
        canvas.put(area.x, y, 1, &sign.text, sign.role);
        let inner = Rect { x: area.x + 2, width: area.width.saturating_sub(2), ..rest(y) };
        y += canvas.paragraph(inner, text, Role::Text);
    }
    if what_if.consequences.is_empty() {
        y += canvas.paragraph(rest(y), "nothing else: no running service needs it", Role::Text);
    }
    conditions(canvas, rest(y), &what_if.obstacles);
}

/// How many rows [`foreseen`] wants.
pub(super) fn foreseen_height(what_if: &WhatIf, width: u16) -> u16 {
    let width = width.saturating_sub(2);
    let sentences = what_if.consequences.iter().map(|(_, text)| wrap(text, width).len()).sum::<usize>().max(1);
    let obstacles: usize =
        what_if.obstacles.iter().map(|one| wrap(&one.text, width).len() + wrap(&one.remedy, width).len()).sum();
    u16::try_from(sentences + obstacles + 1).unwrap_or(u16::MAX)
}
