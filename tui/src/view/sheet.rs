//! More than fits: drawn once on a sheet of its own, of which a window shows the part that it is scrolled to.

use ratatui::{buffer::Buffer, layout::Rect};

use super::canvas::Canvas;
use crate::style::Role;

/// Rows of a sheet: more than anybody scrolls through.
const ROWS: u16 = 240;

/// What was drawn, and how many rows it takes.
#[derive(Debug)]
pub(super) struct Sheet {
    cells: Buffer,
    rows: u16,
}

impl Sheet {
    /// Lets `draw` draw on an empty sheet of this width; it says how many rows it used. Of what is longer than a sheet the
    /// last row says so, and which line of `ubmcctl` shows `all` of it.
    pub(super) fn new(
        canvas: &Canvas<'_>,
        width: u16,
        all: Option<&str>,
        draw: impl FnOnce(&mut Canvas<'_>, Rect) -> u16,
    ) -> Self {
        // One row more tells what just fits from what does not.
        let area = Rect::new(0, 0, width, ROWS + 1);
        let mut cells = Buffer::empty(area);
        let mut sheet = Canvas::new(&mut cells, canvas.look());
        let rows = draw(&mut sheet, area);
        if rows > ROWS {
            let last = Rect::new(0, ROWS - 1, width, 1);
            sheet.clear(last);
            let more = match all {
                Some(line) => format!("there is more: `ubmcctl {line}` shows all of it"),
                None => "there is more: `ubmcctl`, asked for the same, shows all of it".to_owned(),
            };
            sheet.put(last.x, last.y, width, &more, Role::Warning);
        }
        Self { cells, rows: rows.min(ROWS) }
    }

    /// Its rows.
    pub(super) fn rows(&self) -> u16 {
        self.rows
    }

    /// Shows in `area`, in front of the view, the part that begins at row `scrolled`, or the last that fills it. The answer is
    /// what part it is, in words; empty when it is all.
    pub(super) fn show(&self, canvas: &mut Canvas<'_>, area: Rect, scrolled: usize) -> String {
        canvas.ends().front = Some(usize::from(self.most(area)));
        self.part(canvas, area, scrolled, "Up, Down")
    }

    /// The same in the view itself, where other keys scroll it.
    pub(super) fn show_in_view(&self, canvas: &mut Canvas<'_>, area: Rect, scrolled: usize, keys: &str) -> String {
        canvas.ends().standing = Some(usize::from(self.most(area)));
        self.part(canvas, area, scrolled, keys)
    }

    /// How far it can be scrolled in `area`.
    fn most(&self, area: Rect) -> u16 {
        self.rows.saturating_sub(area.height)
    }

    fn part(&self, canvas: &mut Canvas<'_>, area: Rect, scrolled: usize, keys: &str) -> String {
        let most = self.most(area);
        let first = u16::try_from(scrolled).unwrap_or(u16::MAX).min(most);
        canvas.lay(area, &self.cells, first, self.rows.min(first + area.height));
        if most == 0 {
            return String::new();
        }
        format!("{}-{} of {}, {keys}", first + 1, (first + area.height).min(self.rows), self.rows)
    }
}
