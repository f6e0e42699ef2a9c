//! The answer to "why": the sentence, and the chain from the thing itself down to the root.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, wrap},
    dialog, format,
};
use crate::{
    app::{State, WhyShown},
    model::{Condition, Why},
    style::{Mark, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, shown: &WhyShown) -> Rect {
    let width = area.width.min(78);
    let inner_width = width.saturating_sub(4);
    let height = match &shown.answer {
        Ok(why) => height(why, inner_width),
        Err(_) => 1,
    };
    let title = format!("Why is {} as it is", shown.name);
    let inner = dialog::window(canvas, area, width, height.saturating_add(2), &title, "Esc leaves");
    match &shown.answer {
        Ok(why) => answer(canvas, inner, state, why),
        Err(_) => {
            canvas.paragraph(inner, "asking ubmcd", Role::Busy);
        }
    }
    dialog::outer(inner)
}

fn height(why: &Why, width: u16) -> u16 {
    let link = |one: &Condition| {
        wrap(&one.text, width.saturating_sub(4)).len()
            + if one.remedy.is_empty() { 0 } else { wrap(&one.remedy, width.saturating_sub(7)).len() }
    };
    let chain: usize = why.chain.iter().map(link).sum();
    u16::try_from(wrap(&why.answer, width.saturating_sub(2)).len() + 1 + chain).unwrap_or(u16::MAX)
}

fn answer(canvas: &mut Canvas<'_>, area: Rect, state: &State, why: &Why) {
    let mut y = area.y;
    let rest = |y: u16, indent: u16| Rect {
        x: area.x + indent,
        y,
        width: area.width.saturating_sub(indent),
        height: area.bottom().saturating_sub(y),
    };
    let (mark, role) = if why.as_desired { (Mark::Good, Role::Text) } else { (Mark::Warning, Role::Title) };
    let sign = mark_piece(canvas.glyphs(), mark);
    canvas.put(area.x, y, 1, &sign.text, sign.role);
    y += canvas.paragraph(rest(y, 2), &why.answer, role);
    y += 1;
    let last = why.chain.len().saturating_sub(1);
    for (index, link) in why.chain.iter().enumerate() {
        if rest(y, 0).height == 0 {
            return;
        }
        let arrow = if index == 0 { "" } else { canvas.glyphs().arrow() };
        canvas.pieces(area.x + 1, y, 3, &[Piece::dim(arrow)]);
        let since = link.since_s.and_then(|since| state.daemon_clock().map(|clock| (clock - since).max(0.0)));
        let since = since.map(|age| format!(" (for {})", format::duration(age))).unwrap_or_default();
        let root = index == last && !why.as_desired && index > 0;
        let role = if root { Role::Warning } else { Role::Text };
        y += canvas.paragraph(rest(y, 4), &format!("{}{since}", link.text), role);
        if !link.remedy.is_empty() && rest(y, 0).height > 0 {
            let remedy = format!("{} {}", canvas.glyphs().arrow(), link.remedy);
            y += canvas.paragraph(rest(y, 4), &remedy, Role::Dim);
        }
    }
}
