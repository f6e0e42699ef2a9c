//! Lists in columns: what fits is decided by importance, what is cut is marked, the selection stays in sight.

use ratatui::layout::Rect;

use super::canvas::{Canvas, Piece, columns};
use crate::style::Role;

/// A column of a list.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    title: &'static str,
    width: u16,
    right: bool,
    grows: bool,
    /// 0 is never left out; higher ones go first.
    rank: u8,
}

impl Column {
    /// A column of so many columns of text, always there.
    pub const fn new(title: &'static str, width: u16) -> Self {
        Self { title, width, right: false, grows: false, rank: 0 }
    }

    /// Numbers: aligned to the right.
    #[must_use]
    pub const fn right(self) -> Self {
        Self { right: true, ..self }
    }

    /// The same without its heading.
    #[must_use]
    pub const fn untitled(self) -> Self {
        Self { title: "", ..self }
    }

    /// Takes what is left of the width; the width is its least.
    #[must_use]
    pub const fn grows(self) -> Self {
        Self { grows: true, ..self }
    }

    /// Left out when there is no room; higher ranks go first.
    #[must_use]
    pub const fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// What is to be listed.
#[derive(Debug)]
pub struct Table<'a> {
    /// The heading.
    pub title: &'a str,
    /// At the end of the heading.
    pub remark: String,
    /// The columns, by place.
    pub columns: &'a [Column],
    /// How many rows there are.
    pub count: usize,
    /// The selected row. None: none is.
    pub selected: Option<usize>,
    /// Said when there is none.
    pub empty: &'a str,
}

/// The first shown row, so that `selected` is in sight. It moves by half a page, so most steps change two rows only and
/// there is always some context; it depends on nothing but the selection, so the same selection shows the same rows.
pub fn offset(selected: usize, count: usize, height: usize) -> usize {
    if height == 0 || count <= height || selected < height {
        return 0;
    }
    let step = (height / 2).max(1);
    (((selected - height) / step + 1) * step).min(count - height)
}

/// Draws a list; `row` gives the pieces of the n-th row, one a column. The answer is which row stands where.
pub fn draw(
    canvas: &mut Canvas<'_>,
    area: Rect,
    table: &Table<'_>,
    mut row: impl FnMut(usize) -> Vec<Piece>,
) -> Vec<(usize, Rect)> {
    let placed = place(table.columns, area.width);
    let titled = placed.iter().any(|(index, ..)| table.columns.get(*index).is_some_and(|one| !one.title.is_empty()));
    let head = 1 + u16::from(titled);
    if area.height <= head || area.width == 0 {
        canvas.heading(area, table.title, &table.remark);
        return Vec::new();
    }
    let body = Rect { y: area.y + head, height: area.height - head, ..area };
    let height = usize::from(body.height);
    let first = table.selected.map_or(0, |selected| offset(selected, table.count, height));
    let remark = remark(table, first, height, area.width);
    canvas.heading(area, table.title, &remark);
    if table.count == 0 {
        canvas.paragraph(body, table.empty, Role::Dim);
        return Vec::new();
    }
    if titled {
        for (index, x, width) in &placed {
            let Some(column) = table.columns.get(*index) else { continue };
            if column.right {
                canvas.put_right(area.x + x + width, area.y + 1, *width, column.title, Role::Dim);
            } else {
                canvas.put(area.x + x, area.y + 1, *width, column.title, Role::Dim);
            }
        }
    }
    let mut shown = Vec::new();
    for (line, index) in body.rows().zip(first..table.count) {
        shown.push((index, line));
        let pieces = row(index);
        for (column_index, x, width) in &placed {
            let (Some(column), Some(piece)) = (table.columns.get(*column_index), pieces.get(*column_index)) else {
                continue;
            };
            if column.right {
                canvas.put_right(line.x + x + width, line.y, *width, &piece.text, piece.role);
            } else {
                canvas.put(line.x + x, line.y, *width, &piece.text, piece.role);
            }
        }
        if table.selected == Some(index) {
            canvas.select(line);
        }
    }
    shown
}

/// What the heading says on its right. Where not all of it fits, which rows these are is what counts.
fn remark(table: &Table<'_>, first: usize, height: usize, width: u16) -> String {
    let part = if table.count > height {
        format!("{}-{} of {}", first + 1, (first + height).min(table.count), table.count)
    } else {
        String::new()
    };
    match (table.remark.is_empty(), part.is_empty()) {
        (true, _) => part,
        (false, true) => table.remark.clone(),
        (false, false) => {
            let both = format!("{}  {part}", table.remark);
            if columns(&both) + columns(table.title) + 4 > width { part } else { both }
        }
    }
}

/// Which columns are shown, from which place, how wide.
fn place(all: &[Column], width: u16) -> Vec<(usize, u16, u16)> {
    let gap: u16 = if width < 90 { 1 } else { 2 };
    let mut shown: Vec<usize> = (0..all.len()).collect();
    let needed = |shown: &[usize]| {
        let widths: u16 = shown.iter().filter_map(|index| all.get(*index)).map(|one| one.width).sum();
        widths + gap * u16::try_from(shown.len().saturating_sub(1)).unwrap_or(0)
    };
    while needed(&shown) > width {
        let least = shown.iter().copied().filter(|index| all.get(*index).is_some_and(|one| one.rank > 0));
        let Some(out) = least.max_by_key(|index| all.get(*index).map(|one| one.rank)) else { break };
        shown.retain(|index| *index != out);
    }
    let growing = shown.iter().filter(|index| all.get(**index).is_some_and(|one| one.grows)).count();
    let mut spare = width.saturating_sub(needed(&shown));
    let mut left = u16::try_from(growing).unwrap_or(0);
    let mut x = 0;
    let mut placed = Vec::new();
    for index in shown {
        let Some(column) = all.get(index) else { continue };
        let mut own = column.width;
        if column.grows && left > 0 {
            let more = spare / left;
            own += more;
            spare -= more;
            left -= 1;
        }
        if x >= width {
            break;
        }
        placed.push((index, x, own.min(width - x)));
        x += own + gap;
    }
    placed
}

/// Draws rows of `label: value`, labels aligned; values that are empty are left out. The answer is the rows used.
pub fn facts(canvas: &mut Canvas<'_>, area: Rect, facts: &[(&str, Vec<Piece>)]) -> u16 {
    let label_width = facts.iter().map(|(label, _)| columns(label)).max().unwrap_or(0).min(area.width / 2);
    let mut used = 0;
    let present = facts.iter().filter(|(_, pieces)| pieces.iter().any(|piece| !piece.text.is_empty()));
    for ((label, pieces), row) in present.zip(area.rows()) {
        canvas.put(row.x, row.y, label_width, label, Role::Dim);
        let x = label_width + 2;
        canvas.pieces(row.x + x, row.y, row.width.saturating_sub(x), pieces);
        used += 1;
    }
    used
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_selection_is_always_in_sight_and_the_window_full() {
        for count in [0_usize, 1, 5, 30, 31, 100] {
            for height in [1_usize, 2, 5, 12, 30] {
                for selected in 0..count {
                    let first = offset(selected, count, height);
                    assert!(
                        first <= selected && selected < first + height,
                        "{selected} of {count} in {height}: {first}"
                    );
                    assert!(first == 0 || first + height <= count, "{selected} of {count} in {height}: {first}");
                }
            }
        }
    }

    #[test]
    fn the_least_important_columns_go_first_and_none_overlap() {
        let all = [
            Column::new("a", 10).grows(),
            Column::new("b", 8).rank(1),
            Column::new("c", 8).rank(3),
            Column::new("d", 8).rank(2),
        ];
        for (width, shown) in
            [(200, vec![0, 1, 2, 3]), (37, vec![0, 1, 2, 3]), (36, vec![0, 1, 3]), (20, vec![0, 1]), (5, vec![0])]
        {
            let placed = place(&all, width);
            assert_eq!(placed.iter().map(|(index, ..)| *index).collect::<Vec<_>>(), shown, "{width}");
            assert!(placed.windows(2).all(|pair| pair[0].1 + pair[0].2 < pair[1].1), "{width}: {placed:?}");
            assert!(placed.iter().all(|(_, x, own)| x + own <= width), "{width}: {placed:?}");
        }
    }
}
