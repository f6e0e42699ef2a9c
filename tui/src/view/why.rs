//! The answer to "why": the sentence, and the chain from the thing itself down to the root.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece},
    dialog, format,
    sheet::Sheet,
};
use crate::{
    app::{State, WhyShown},
    model::Why,
    style::{Mark, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, shown: &WhyShown) -> Rect {
    let width = area.width.min(78);
    let title = format!("Why is {} as it is", shown.name);
    let all = format!("why {}", shown.name);
    let sheet = Sheet::new(canvas, width.saturating_sub(4), Some(&all), |canvas, area| match &shown.answer {
        Ok(why) => answer(canvas, area, state, why),
        Err(_) => canvas.paragraph(area, "asking ubmcd", Role::Busy),
    });
    let inner = dialog::window(canvas, area, width, sheet.rows().saturating_add(2), &title, "Esc leaves");
    // What part it is stands in the last row, which is free where all of it fits.
    let cut = u16::from(sheet.rows() > inner.height);
    let body = Rect { height: inner.height.saturating_sub(cut), ..inner };
    let part = sheet.show(canvas, body, shown.scrolled);
    canvas.put_right(inner.right(), body.bottom(), inner.width * cut, &part, Role::Busy);
    dialog::outer(inner)
}

/// The answer is the rows used.
fn answer(canvas: &mut Canvas<'_>, area: Rect, state: &State, why: &Why) -> u16 {
    let mut y = area.y;
    let rest = |y: u16, indent: u16| Rect {
        x: area.x + indent,
        y,
        width: area.width.saturating_sub(indent),
        height: area.bottom().saturating_sub(y),
    };
    let age = |since: Option<f64>| {
        let age = since.and_then(|since| state.daemon_clock().map(|clock| (clock - since).max(0.0)));
        age.map(|age| format!(" (for {})", format::duration(age))).unwrap_or_default()
    };
    let (mark, role) = if why.as_desired { (Mark::Good, Role::Text) } else { (Mark::Warning, Role::Title) };
    let sign = mark_piece(canvas.glyphs(), mark);
    canvas.put(area.x, y, 1, &sign.text, sign.role);
    // What is said above is not said again below: of the first link only its age and its way out are left then.
    let said = why.chain.first().filter(|link| link.text == why.answer);
    let since = said.map(|link| age(link.since_s)).unwrap_or_default();
    y += canvas.paragraph(rest(y, 2), &format!("{}{since}", why.answer), role);
    if let Some(link) = said.filter(|link| !link.remedy.is_empty()) {
        y += way_out(canvas, rest(y, 2), &link.remedy);
    }
    let links = why.chain.get(usize::from(said.is_some())..).unwrap_or_default();
    if links.is_empty() {
        return y - area.y;
    }
    y += 1;
    let last = links.len() - 1;
    for (index, link) in links.iter().enumerate() {
        if rest(y, 0).height == 0 {
            break;
        }
        let arrow = if index == 0 && said.is_none() { "" } else { canvas.glyphs().arrow() };
        canvas.pieces(area.x + 1, y, 3, &[Piece::dim(arrow)]);
        let root = index == last && !why.as_desired && why.chain.len() > 1;
        let role = if root { Role::Warning } else { Role::Text };
        y += canvas.paragraph(rest(y, 4), &format!("{}{}", link.text, age(link.since_s)), role);
        if !link.remedy.is_empty() {
            y += way_out(canvas, rest(y, 4), &link.remedy);
        }
    }
    y - area.y
}

fn way_out(canvas: &mut Canvas<'_>, area: Rect, remedy: &str) -> u16 {
    let text = format!("{} {remedy}", canvas.glyphs().arrow());
    canvas.paragraph(area, &text, Role::Dim)
}
