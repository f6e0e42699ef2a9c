//! The command palette: the line being typed, and what fits it.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece},
    dialog, table,
};
use crate::{
    app::{Palette, State, palette},
    style::Role,
};

/// Draws the palette; the answer is where.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, open: &Palette) -> Rect {
    let fitting = palette::fitting(&state.model, open.line.text());
    let width = area.width.min(64);
    let height = area.height.min(14);
    let inner = dialog::window(canvas, area, width, height, "Command", "Tab completes, Enter runs, Esc leaves");
    canvas.pieces(
        inner.x,
        inner.y,
        inner.width,
        &[Piece::new(Role::Key, ":"), Piece::text(open.line.text()), Piece::new(Role::Selected, " ")],
    );
    let list = Rect { y: inner.y + 1, height: inner.height.saturating_sub(1), ..inner };
    if fitting.is_empty() {
        canvas.paragraph(list, "no command fits", Role::Dim);
    }
    let selected = open.selected.min(fitting.len().saturating_sub(1));
    let first = table::offset(selected, fitting.len(), usize::from(list.height));
    for (row, (index, (name, _))) in list.rows().zip(fitting.iter().enumerate().skip(first)) {
        canvas.put(row.x, row.y, row.width, &format!(" {name}"), Role::Text);
        if index == selected {
            canvas.select(row);
        }
    }
    dialog::outer(inner)
}
