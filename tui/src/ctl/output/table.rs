//! Tables for people: columns that line up whatever characters they hold.

use std::{borrow::Cow, fmt::Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Canvas, Paint, plain_text};

/// A column's heading and side.
pub(crate) struct Column {
    heading: &'static str,
    right: bool,
}

/// A column of words.
pub(crate) fn left(heading: &'static str) -> Column {
    Column { heading, right: false }
}

/// A column of figures.
pub(crate) fn right(heading: &'static str) -> Column {
    Column { heading, right: true }
}

/// One field, made harmless for a terminal.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub text: String,
    pub paint: Paint,
}

impl Cell {
    pub(crate) fn new(paint: Paint, text: impl AsRef<str>) -> Self {
        Self { text: plain_text(text.as_ref()).into_owned(), paint }
    }

    /// A state word in its own paint.
    pub(crate) fn word(word: &str) -> Self {
        Self::new(Paint::of(word), word)
    }

    /// A name to look for.
    pub(crate) fn name(name: &str) -> Self {
        Self::new(Paint::Strong, name)
    }

    /// A value that may be absent.
    pub(crate) fn maybe(text: Option<impl AsRef<str>>) -> Self {
        text.map_or_else(|| Self::new(Paint::Faint, "-"), |text| Self::new(Paint::Plain, text))
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::new(Paint::Plain, text)
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::new(Paint::Plain, text)
    }
}

/// Rows under headings. The last column is cut, with a mark, where the terminal ends.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    empty: &'static str,
}

/// Between columns.
const GAP: usize = 2;
/// Below this the last column is not worth cutting: the terminal may wrap it.
const LEAST_LAST: usize = 16;

impl Table {
    /// `empty` is printed instead of bare headings when there are no rows.
    pub(crate) fn new<const N: usize>(columns: [Column; N], empty: &'static str) -> Self {
        Self { columns: columns.into(), rows: Vec::new(), empty }
    }

    pub(crate) fn row<const N: usize>(&mut self, cells: [Cell; N]) {
        debug_assert_eq!(N, self.columns.len(), "a row fills its table");
        self.rows.push(cells.into());
    }

    pub(crate) fn draw(&self, canvas: Canvas) -> String {
        if self.rows.is_empty() {
            return format!("{}\n", self.empty);
        }
        let widths = self.widths();
        let mut text = String::new();
        let headings: Vec<_> = self.columns.iter().map(|column| Cell::new(Paint::Faint, column.heading)).collect();
        self.draw_row(&headings, &widths, canvas, &mut text);
        for row in &self.rows {
            self.draw_row(row, &widths, canvas, &mut text);
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let mut widths: Vec<_> = self.columns.iter().map(|column| column.heading.width()).collect();
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.text.width());
            }
        }
        widths
    }

    fn draw_row(&self, cells: &[Cell], widths: &[usize], canvas: Canvas, text: &mut String) {
        let before_last: usize = widths.iter().rev().skip(1).map(|width| width + GAP).sum();
        let room = canvas.width.map(|width| width.saturating_sub(before_last)).filter(|room| *room >= LEAST_LAST);
        let start = text.len();
        for (index, ((cell, column), width)) in cells.iter().zip(&self.columns).zip(widths).enumerate() {
            let last = index + 1 == cells.len();
            let shown = match room {
                Some(room) if last => cut(&cell.text, room),
                _ => Cow::Borrowed(cell.text.as_str()),
            };
            let pad = width.saturating_sub(shown.width());
            let painted = canvas.paint(cell.paint, &shown);
            let _ = match (column.right, last) {
                (true, _) => write!(text, "{:pad$}{painted}", ""),
                (false, true) => write!(text, "{painted}"),
                (false, false) => write!(text, "{painted}{:pad$}", ""),
            };
            if !last {
                let _ = write!(text, "{:GAP$}", "");
            }
        }
        text.truncate(start + text.get(start..).map_or(0, |line| line.trim_end().len()));
        text.push('\n');
    }
}

/// The text in at most `width` columns; what is missing is marked with `…`.
pub(super) fn cut(text: &str, width: usize) -> Cow<'_, str> {
    if text.width() <= width {
        return text.into();
    }
    let mut used = 1;
    let kept: String = text
        .chars()
        .take_while(|character| {
            used += character.width().unwrap_or(0);
            used <= width
        })
        .collect();
    format!("{}…", kept.trim_end()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fans() -> Table {
        let mut table = Table::new([left("NAME"), right("SPEED"), left("NOTE")], "no fans");
        table.row([Cell::name("fan.0"), "4,200 RPM".into(), "turns as it should, 風扇 and all".into()]);
        table.row([Cell::name("風扇"), Cell::maybe(None::<&str>), "".into()]);
        table
    }

    #[test]
    fn columns_line_up_by_display_width_and_lines_end_without_blanks() {
        assert_eq!(
            fans().draw(Canvas::PLAIN),
            "NAME       SPEED  NOTE\nfan.0  4,200 RPM  turns as it should, 風扇 and all\n風扇           -\n"
        );
    }

    #[test]
    fn the_last_column_is_cut_with_a_mark_at_the_terminals_edge() {
        let text = fans().draw(Canvas::narrow(41));
        assert!(text.contains("fan.0  4,200 RPM  turns as it should, 風…\n"), "{text}");
        // With too little room to say anything, wrapping loses less than cutting.
        assert!(fans().draw(Canvas::narrow(25)).contains("and all"));
    }

    #[test]
    fn an_empty_table_says_so() {
        assert_eq!(
            Table::new([left("NAME")], "no faults are injected").draw(Canvas::PLAIN),
            "no faults are injected\n"
        );
    }

    #[test]
    fn colour_does_not_move_columns() {
        let colored = fans().draw(Canvas::COLORED);
        let stripped = ["\x1b[2m", "\x1b[1m", "\x1b[0m"].iter().fold(colored, |text, code| text.replace(code, ""));
        assert_eq!(stripped, fans().draw(Canvas::PLAIN));
    }
}
