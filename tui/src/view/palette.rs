//! The command palette: the line being typed, and what fits it.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece},
    dialog, table,
};
use crate::{
    app::{Palette, Place, State, palette},
    style::Role,
};

/// Draws the palette; the answer is where.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, open: &Palette) -> Rect {
    let offers = palette::offers(&state.model, open.line.text());
    let width = area.width.min(64);
    let height = area.height.min(14);
    let inner = dialog::window(canvas, area, width, height, "Command", "Tab completes, Enter runs, Esc leaves");
    let row = Rect { height: inner.height.min(1), ..inner };
    dialog::typed(canvas, row, &[Piece::new(Role::Key, ":")], open.line.text(), true);
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    let list = match &open.problem {
        Some(problem) => {
            let used = canvas.paragraph(list, problem, Role::Warning);
            Rect { y: list.y.saturating_add(used), height: list.height.saturating_sub(used), ..list }
        }
        None if offers.is_empty() => {
            let found = palette::meaning::understand(&state.model, open.line.text());
            let text = found.map_or_else(|unfit| unfit.to_string(), |_| "Enter runs it".to_owned());
            canvas.paragraph(list, &text, Role::Dim);
            list
        }
        None => list,
    };
    let selected = open.selected.min(offers.len().saturating_sub(1));
    let first = table::offset(selected, offers.len(), usize::from(list.height));
    for (row, (index, offer)) in list.rows().zip(offers.iter().enumerate().skip(first)) {
        let help = if offer.help.is_empty() { String::new() } else { format!("  {}", offer.help) };
        let pieces = [Piece::text(format!(" {}", offer.line)), Piece::new(Role::Dim, help)];
        canvas.pieces(row.x, row.y, row.width, &pieces);
        canvas.place(row, Place::Offer(index));
        if index == selected {
            canvas.select(row);
        }
    }
    dialog::outer(inner)
}
