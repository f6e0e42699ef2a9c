//! Help, made of the keymap: it cannot be out of date.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, columns},
    dialog,
};
use crate::{
    app::{
        Key, State,
        keymap::{self, Action, Binding, Place},
    },
    style::{Mark, Role},
};

/// Draws help; the answer is where.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, scrolled: usize) -> Rect {
    let lines = lines(canvas, state);
    let width = area.width.min(72);
    let height = area.height.min(u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(2));
    let inner = dialog::window(canvas, area, width, height, "Help", "Up, Down, Esc");
    let most = lines.len().saturating_sub(usize::from(inner.height));
    canvas.ends().front = Some(most);
    for (row, line) in inner.rows().zip(lines.iter().skip(scrolled.min(most))) {
        canvas.pieces(row.x, row.y, row.width, line);
    }
    dialog::outer(inner)
}

fn lines(canvas: &Canvas<'_>, state: &State) -> Vec<Vec<Piece>> {
    let page = state.open_service().is_some();
    let here = state.keymap.bindings().filter(|(one, _)| one.place != Place::Everywhere);
    let here: Vec<Bound<'_>> = here.filter(|(one, _)| keymap::holds(one.place, state.view, page)).collect();
    let (views, everywhere): (Vec<Bound<'_>>, Vec<Bound<'_>>) = state
        .keymap
        .bindings()
        .filter(|(one, _)| one.place == Place::Everywhere)
        .partition(|(one, _)| matches!(one.action, Action::View(_)));
    let mut lines = Vec::new();
    if !here.is_empty() {
        lines.push(vec![Piece::new(Role::Title, if page { "On this page" } else { "In this view" })]);
        lines.extend(here.into_iter().map(line));
        lines.push(Vec::new());
    }
    lines.push(vec![Piece::new(Role::Title, "Everywhere")]);
    lines.extend(everywhere.into_iter().map(line));
    lines.push(Vec::new());
    lines.push(vec![Piece::new(Role::Title, "Views")]);
    // Three a line: nine lines for nine views would push the rest off a small screen.
    for three in views.chunks(3) {
        let entry = |(one, keys): &Bound<'_>| {
            let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
            let pad = 18_usize.saturating_sub(one.help.len());
            [
                Piece::new(Role::Key, format!("  {}", keys.join(", "))),
                Piece::text(format!(" {}{}", one.help, " ".repeat(pad))),
            ]
        };
        lines.push(three.iter().flat_map(entry).collect());
    }
    lines.push(Vec::new());
    lines.push(vec![Piece::new(Role::Title, "Signs")]);
    for (mark, text) in [
        (Mark::Good, "as it should be"),
        (Mark::Busy, "under way"),
        (Mark::Warning, "somebody should look"),
        (Mark::Critical, "somebody must look"),
        (Mark::Off, "off, and meant to be"),
        (Mark::Done, "has done its work"),
        (Mark::Unknown, "nobody can tell"),
    ] {
        lines.push(vec![Piece::text("  "), canvas.mark(mark), Piece::text(format!(" {text}"))]);
    }
    lines.push(Vec::new());
    lines.push(vec![Piece::dim("Times of day are UTC. What interrupts something is done only after")]);
    lines.push(vec![Piece::dim("its name was typed; Cancel is always the default.")]);
    lines
}

/// A binding with its present keys.
type Bound<'a> = (&'a Binding, &'a [Key]);

fn line((binding, keys): Bound<'_>) -> Vec<Piece> {
    let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
    let keys = keys.join(", ");
    let pad = 16_u16.saturating_sub(columns(&keys)).max(1);
    vec![
        Piece::text("  "),
        Piece::new(Role::Key, keys),
        Piece::text(" ".repeat(usize::from(pad))),
        Piece::text(binding.help),
    ]
}
