//! What the terminal shows, and the fewest bytes that make it show something else.
//!
//! Cells are compared with what was sent before. A budget may end a frame early: the cells that were not sent stay
//! different, so the next frame brings them. Areas are sent in the order given: what matters first.

use std::fmt::Write;

use ratatui::{
    buffer::{Buffer, Cell},
    layout::Rect,
    style::{Color, Modifier},
};
use unicode_width::UnicodeWidthStr;

/// Unchanged cells that are cheaper to send again than to jump over.
const BRIDGE: u16 = 3;
/// Blank cells at the end of a row from which erasing is cheaper than spaces.
const ERASE_FROM: u16 = 4;

/// The terminal as we left it.
#[derive(Debug)]
pub struct Screen {
    shown: Buffer,
    /// Where the cursor is. None when that is not sure.
    cursor: Option<(u16, u16)>,
    pen: Pen,
}

/// Colours and attributes in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Pen {
    fg: Color,
    bg: Color,
    modifier: Modifier,
}

impl Default for Pen {
    fn default() -> Self {
        Self { fg: Color::Reset, bg: Color::Reset, modifier: Modifier::empty() }
    }
}

impl Pen {
    fn of(cell: &Cell) -> Self {
        Self { fg: cell.fg, bg: cell.bg, modifier: cell.modifier }
    }
}

/// A painted frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// For the terminal.
    pub bytes: Vec<u8>,
    /// Whether the screen shows all of it now.
    pub complete: bool,
}

impl Screen {
    /// A screen of this size that shows nothing, with the cursor in the upper left corner.
    pub fn new(columns: u16, rows: u16) -> Self {
        Self { shown: Buffer::empty(Rect::new(0, 0, columns, rows)), cursor: None, pen: Pen::default() }
    }

    /// Columns of the screen.
    pub fn columns(&self) -> u16 {
        self.shown.area.width
    }

    /// Rows of the screen.
    pub fn rows(&self) -> u16 {
        self.shown.area.height
    }

    /// Begins anew with an empty screen of this size; the answer is what empties it.
    pub fn clear(&mut self, columns: u16, rows: u16) -> Vec<u8> {
        *self = Self::new(columns, rows);
        self.cursor = Some((0, 0));
        b"\x1b[0m\x1b[H\x1b[2J".to_vec()
    }

    /// What makes the terminal show `next`: at most about `budget` bytes, the areas of `first` before the rest, those of
    /// `last` after everything else.
    pub fn paint(&mut self, next: &Buffer, first: &[Rect], last: &[Rect], budget: usize) -> Frame {
        let mut out = String::new();
        if next.area != self.shown.area {
            // The size has changed under us: the caller clears first; until then nothing sensible can be sent.
            return Frame { bytes: Vec::new(), complete: false };
        }
        let late = |x: u16, y: u16| last.iter().any(|area| area.contains((x, y).into()));
        for area in first {
            self.area(next, *area, &mut out, budget, |_, _| false);
        }
        self.area(next, next.area, &mut out, budget, late);
        self.area(next, next.area, &mut out, budget, |_, _| false);
        let complete = out.len() < budget || self.shown.content == next.content;
        Frame { bytes: out.into_bytes(), complete }
    }

    fn area(&mut self, next: &Buffer, area: Rect, out: &mut String, budget: usize, skipped: impl Fn(u16, u16) -> bool) {
        let area = area.intersection(next.area);
        for y in area.top()..area.bottom() {
            if out.len() >= budget {
                return;
            }
            self.row(next, area, y, out, &skipped);
        }
    }

    fn row(&mut self, next: &Buffer, area: Rect, y: u16, out: &mut String, skipped: &impl Fn(u16, u16) -> bool) {
        if self.unchanged(next, y) {
            return;
        }
        // Only a row that reaches the right edge can be erased to its end.
        let blank_from = if area.right() == next.area.right() { blank_from(next, area, y) } else { area.right() };
        let mut x = area.left();
        while x < area.right() {
            if skipped(x, y) || !self.differs(next, x, y) {
                x += 1;
                continue;
            }
            if x >= blank_from && self.worth_erasing(next, area, (x, y), skipped) {
                self.go(x, y, next.area, out);
                self.dip(Pen::default(), out);
                out.push_str("\x1b[K");
                for x in x..area.right() {
                    self.keep(x, y, next);
                }
                return;
            }
            self.go(x, y, next.area, out);
            x = self.cell(next, x, y, out);
        }
    }

    /// Whether erasing the blank end of a row is cheaper than sending its cells, and all of them are to be sent now.
    fn worth_erasing(
        &self,
        next: &Buffer,
        area: Rect,
        (from, y): (u16, u16),
        skipped: &impl Fn(u16, u16) -> bool,
    ) -> bool {
        let unsent = (from..area.right()).filter(|x| self.differs(next, *x, y)).take(usize::from(ERASE_FROM));
        unsent.count() == usize::from(ERASE_FROM) && !(from..area.right()).any(|x| skipped(x, y))
    }

    /// Whether a whole row is as it was sent: most are.
    fn unchanged(&self, next: &Buffer, y: u16) -> bool {
        let width = usize::from(next.area.width);
        let cells = usize::from(y) * width..(usize::from(y) + 1) * width;
        self.shown.content.get(cells.clone()) == next.content.get(cells)
    }

    /// Whether the terminal has to be told about this cell.
    fn differs(&self, next: &Buffer, x: u16, y: u16) -> bool {
        let (Some(old), Some(new)) = (self.shown.cell((x, y)), next.cell((x, y))) else { return false };
        // The second half of a wide character is drawn with its first.
        if x > 0 && next.cell((x - 1, y)).is_some_and(is_wide) {
            return false;
        }
        // Where a wide one was, its second half has to be drawn over, whatever we thought was there.
        let half = x > 0 && self.shown.cell((x - 1, y)).is_some_and(is_wide);
        half || old.symbol() != new.symbol() || Pen::of(old) != Pen::of(new)
    }

    /// Sends one cell; the answer is the column after it.
    fn cell(&mut self, next: &Buffer, x: u16, y: u16, out: &mut String) -> u16 {
        let Some(cell) = next.cell((x, y)) else { return x + 1 };
        self.dip(Pen::of(cell), out);
        out.push_str(cell.symbol());
        let width = u16::try_from(cell.symbol().width()).unwrap_or(1).max(1);
        for x in x..(x + width).min(next.area.right()) {
            self.keep(x, y, next);
        }
        let after = x + width;
        // At the right edge terminals differ in where the cursor is.
        self.cursor = (after < next.area.right()).then_some((after, y));
        after
    }

    fn keep(&mut self, x: u16, y: u16, next: &Buffer) {
        if let (Some(shown), Some(cell)) = (self.shown.cell_mut((x, y)), next.cell((x, y))) {
            shown.clone_from(cell);
        }
    }

    /// Brings the cursor to a cell, the cheapest way.
    fn go(&mut self, x: u16, y: u16, area: Rect, out: &mut String) {
        if self.cursor == Some((x, y)) {
            return;
        }
        match self.cursor {
            Some((from, row)) if row == y && x > from && x - from <= BRIDGE && self.same_pen(from, x, y) => {
                for x in from..x {
                    if let Some(cell) = self.shown.cell((x, y)) {
                        out.push_str(cell.symbol());
                    }
                }
            }
            Some((from, row)) if row == y && x > from => {
                let _infallible = write!(out, "\x1b[{}C", x - from);
            }
            Some((_, row)) if x == 0 && y == row + 1 && y < area.bottom() => out.push_str("\r\n"),
            _ if x == 0 => {
                let _infallible = write!(out, "\x1b[{}H", y + 1);
            }
            _ => {
                let _infallible = write!(out, "\x1b[{};{}H", y + 1, x + 1);
            }
        }
        self.cursor = Some((x, y));
    }

    /// Whether the shown cells between can be sent again as they are, with the pen in force.
    fn same_pen(&self, from: u16, to: u16, y: u16) -> bool {
        (from..to).all(|x| {
            self.shown
                .cell((x, y))
                .is_some_and(|cell| Pen::of(cell) == self.pen && cell.symbol().width() == 1 && cell.symbol().len() <= 2)
        })
    }

    /// Takes up the pen, the cheapest way.
    fn dip(&mut self, pen: Pen, out: &mut String) {
        if pen == self.pen {
            return;
        }
        let mut codes: Vec<String> = Vec::new();
        let mut from = self.pen;
        let lost = from.modifier.difference(pen.modifier);
        let uncoloured =
            (pen.fg == Color::Reset && from.fg != Color::Reset) || (pen.bg == Color::Reset && from.bg != Color::Reset);
        if !lost.is_empty() || uncoloured {
            from = Pen::default();
            codes.push(String::new());
        }
        for (modifier, code) in
            [(Modifier::BOLD, "1"), (Modifier::DIM, "2"), (Modifier::UNDERLINED, "4"), (Modifier::REVERSED, "7")]
        {
            if pen.modifier.contains(modifier) && !from.modifier.contains(modifier) {
                codes.push(code.to_owned());
            }
        }
        if pen.fg != from.fg {
            codes.push(color(pen.fg, 30));
        }
        if pen.bg != from.bg {
            codes.push(color(pen.bg, 40));
        }
        let _infallible = write!(out, "\x1b[{}m", codes.join(";"));
        self.pen = pen;
    }
}

/// Whether a cell's character takes the next cell too.
fn is_wide(cell: &Cell) -> bool {
    // Nothing of one byte does: no need to ask the tables.
    cell.symbol().len() > 1 && cell.symbol().width() > 1
}

/// The first column from which a row is blank to its end.
fn blank_from(next: &Buffer, area: Rect, y: u16) -> u16 {
    let blank = |x: u16| next.cell((x, y)).is_some_and(|cell| cell.symbol() == " " && Pen::of(cell) == Pen::default());
    (area.left()..area.right()).rev().take_while(|x| blank(*x)).last().unwrap_or(area.right())
}

/// A colour as a parameter of SGR; `base` is 30 for the foreground, 40 for the background.
fn color(color: Color, base: u8) -> String {
    let plain = |number: u8| (base + number).to_string();
    let bright = |number: u8| (base + 60 + number).to_string();
    match color {
        Color::Reset => plain(9),
        Color::Black => plain(0),
        Color::Red => plain(1),
        Color::Green => plain(2),
        Color::Yellow => plain(3),
        Color::Blue => plain(4),
        Color::Magenta => plain(5),
        Color::Cyan => plain(6),
        Color::Gray => plain(7),
        Color::DarkGray => bright(0),
        Color::LightRed => bright(1),
        Color::LightGreen => bright(2),
        Color::LightYellow => bright(3),
        Color::LightBlue => bright(4),
        Color::LightMagenta => bright(5),
        Color::LightCyan => bright(6),
        Color::White => bright(7),
        Color::Indexed(number) => format!("{};5;{number}", base + 8),
        Color::Rgb(red, green, blue) => format!("{};2;{red};{green};{blue}", base + 8),
    }
}
