//! Tables for people: columns that line up whatever characters they hold.

use std::{borrow::Cow, fmt::Write};

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use super::{Canvas, Paint, plain_text};

/// A column's heading and side.
pub(crate) struct Column {
    heading: &'static str,
    right: bool,
    /// Which columns are left out first where the terminal is too narrow for all; 0: this one never.
    rank: u8,
}

impl Column {
    /// Left out where there is no room for all; higher ranks go first.
    pub(crate) fn rank(self, rank: u8) -> Self {
        Self { rank, ..self }
    }
}

/// A column of words.
pub(crate) fn left(heading: &'static str) -> Column {
    Column { heading, right: false, rank: 0 }
}

/// A column of figures.
pub(crate) fn right(heading: &'static str) -> Column {
    Column { heading, right: true, rank: 0 }
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

    /// A health word, or a dash when nothing tells: that is no news.
    pub(crate) fn health(word: &str) -> Self {
        if word == "unknown" { Self::maybe(None::<&str>) } else { Self::word(word) }
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

/// Rows under headings. Where the terminal is too narrow, columns with a rank are left out, which the line of headings
/// says; then the last column is cut, with a mark.
pub(crate) struct Table {
    columns: Vec<Column>,
    rows: Vec<Vec<Cell>>,
    empty: &'static str,
}

/// Between columns.
const GAP: usize = 2;
/// Below this the last column is not worth cutting: the terminal may wrap it.
const LEAST_LAST: usize = 16;
/// So much of the last column is worth more than a column with a rank.
const WORTH: usize = 30;

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
        let shown = self.shown(&widths, canvas);
        let mut text = String::new();
        let headings: Vec<_> = self.columns.iter().map(|column| Cell::new(Paint::Faint, column.heading)).collect();
        self.draw_row(&headings, &shown, &widths, canvas, &mut text);
        self.name_missing(&shown, canvas, &mut text);
        for row in &self.rows {
            self.draw_row(row, &shown, &widths, canvas, &mut text);
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

    /// The columns for which there is room.
    fn shown(&self, widths: &[usize], canvas: Canvas) -> Vec<usize> {
        let mut shown: Vec<_> = (0..self.columns.len()).collect();
        let Some(width) = canvas.width else { return shown };
        let needed = |shown: &[usize]| {
            let own = |index: &usize| {
                let own = widths.get(*index).copied().unwrap_or(0);
                if index + 1 == widths.len() { own.min(WORTH) } else { own + GAP }
            };
            shown.iter().map(own).sum::<usize>()
        };
        let rank = |index: &usize| self.columns.get(*index).map_or(0, |column| column.rank);
        while needed(&shown) > width {
            let Some(out) = shown.iter().copied().filter(|index| rank(index) > 0).max_by_key(rank) else { break };
            shown.retain(|index| *index != out);
        }
        shown
    }

    /// At the end of the line of headings: what was left out.
    fn name_missing(&self, shown: &[usize], canvas: Canvas, text: &mut String) {
        let left_out = self.columns.iter().enumerate().filter(|(index, _)| !shown.contains(index));
        let names: Vec<_> = left_out.map(|(_, column)| column.heading).collect();
        let Some(room) = canvas.width.filter(|_| !names.is_empty()) else { return };
        let used = text.trim_end().lines().next_back().map_or(0, visible_width);
        let count = names.len();
        let notes = [format!("(+ {})", names.join(", ")), format!("(+ {count} columns)"), format!("(+ {count})")];
        let Some(note) = notes.into_iter().find(|note| used + GAP + note.width() <= room) else { return };
        text.truncate(text.trim_end().len());
        let pad = room - used - note.width();
        let _ = writeln!(text, "{:pad$}{}", "", canvas.paint(Paint::Faint, &note));
    }

    fn draw_row(&self, cells: &[Cell], shown: &[usize], widths: &[usize], canvas: Canvas, text: &mut String) {
        let all = || {
            shown.iter().filter_map(|index| Some((cells.get(*index)?, self.columns.get(*index)?, widths.get(*index)?)))
        };
        let before_last: usize = all().rev().skip(1).map(|(.., width)| width + GAP).sum();
        let room = canvas.width.map(|width| width.saturating_sub(before_last)).filter(|room| *room >= LEAST_LAST);
        let start = text.len();
        let count = shown.len();
        for (index, (cell, column, width)) in all().enumerate() {
            let last = index + 1 == count;
            let drawn = match room {
                Some(room) if last => cut(&cell.text, room),
                _ => Cow::Borrowed(cell.text.as_str()),
            };
            let pad = width.saturating_sub(drawn.width());
            let painted = canvas.paint(cell.paint, &drawn);
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

/// Columns of a line in which colours may have been set.
fn visible_width(line: &str) -> usize {
    let mut plain = String::with_capacity(line.len());
    let mut parts = line.split('\x1b');
    plain.push_str(parts.next().unwrap_or_default());
    for part in parts {
        plain.push_str(part.split_once('m').map_or("", |(_, rest)| rest));
    }
    plain.width()
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
    fn columns_with_a_rank_make_room_and_are_named() {
        let mut table = Table::new(
            [left("NAME"), right("PID").rank(2), right("MEMORY").rank(1), left("STATE"), left("WHY")],
            "no services",
        );
        table.row([
            Cell::name("web"),
            "212".into(),
            "3.0 MiB".into(),
            "backoff".into(),
            "it ended with exit code 7 and starts again in 3 s".into(),
        ]);
        let wide = table.draw(Canvas::narrow(120));
        assert!(wide.starts_with("NAME  PID   MEMORY  STATE    WHY\nweb   212  3.0 MiB  backoff  it ended"), "{wide}");
        assert_eq!(
            table.draw(Canvas::narrow(58)),
            "NAME   MEMORY  STATE    WHY                        (+ PID)\nweb   3.0 MiB  backoff  it ended with exit code 7 and sta…\n"
        );
        assert_eq!(
            table.draw(Canvas::narrow(48)),
            "NAME  STATE    WHY               (+ PID, MEMORY)\nweb   backoff  it ended with exit code 7 and st…\n"
        );
        let narrow = table.draw(Canvas::narrow(34));
        assert!(narrow.starts_with("NAME  STATE    WHY   (+ 2 columns)\nweb   backoff  it ended with exi"), "{narrow}");
    }

    #[test]
    fn the_note_on_what_is_missing_shrinks_with_the_terminal() {
        let mut table = Table::new([left("NAME"), left("PID").rank(1), left("WHY")], "");
        table.row([Cell::name("control-center"), "212".into(), "it waits for what it needs".into()]);
        for (width, note) in [(45, "(+ PID)"), (29, "(+ PID)"), (26, "(+ 1)"), (22, "")] {
            let text = table.draw(Canvas::narrow(width));
            assert_eq!(text.lines().next().unwrap().split_once("WHY").unwrap().1.trim(), note, "{width}: {text}");
        }
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
