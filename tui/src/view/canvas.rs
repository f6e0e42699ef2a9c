//! The surface that panes draw on: text by role, cut with a mark, spelled in the characters there are.

use ratatui::{buffer::Buffer, layout::Rect};
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::{
    app::{Ends, Place},
    style::{Glyphs, Look, Mark, Role},
};

/// A piece of text in one role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// What it is.
    pub role: Role,
    /// What it says.
    pub text: String,
}

impl Piece {
    /// Text in a role.
    pub fn new(role: Role, text: impl Into<String>) -> Self {
        Self { role, text: text.into() }
    }

    /// Ordinary text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new(Role::Text, text)
    }

    /// Text of less interest.
    pub fn dim(text: impl Into<String>) -> Self {
        Self::new(Role::Dim, text)
    }
}

/// The surface.
#[derive(Debug)]
pub struct Canvas<'a> {
    buffer: &'a mut Buffer,
    look: Look,
    /// Everything is old: all roles but the selection's are dim.
    faded: bool,
    late: Vec<Rect>,
    /// What can be clicked, and where.
    places: Vec<(Rect, Place)>,
    /// How far what is on the screen can be scrolled.
    ends: Ends,
}

impl<'a> Canvas<'a> {
    /// A surface over `buffer`.
    pub fn new(buffer: &'a mut Buffer, look: Look) -> Self {
        Self { buffer, look, faded: false, late: Vec::new(), places: Vec::new(), ends: Ends::default() }
    }

    /// The characters there are.
    pub fn glyphs(&self) -> Glyphs {
        self.look.glyphs
    }

    /// How it all looks.
    pub fn look(&self) -> Look {
        self.look
    }

    /// Puts rows `first` to `end` (not included) of other cells, which begin at 0,0, into `area`.
    pub fn lay(&mut self, area: Rect, from: &Buffer, first: u16, end: u16) {
        for (row, y) in area.rows().zip(first..end) {
            for (x, column) in (row.x..row.right()).zip(0..) {
                if let (Some(cell), Some(other)) = (self.buffer.cell_mut((x, row.y)), from.cell((column, y))) {
                    *cell = other.clone();
                }
            }
        }
    }

    /// From now on everything is drawn as old (true) or as ever.
    pub fn fade(&mut self, faded: bool) {
        self.faded = faded;
    }

    /// This area is sent after everything else.
    pub fn late(&mut self, area: Rect) {
        self.late.push(area);
    }

    /// A click in this area is a click on `place`.
    pub fn place(&mut self, area: Rect, place: Place) {
        self.places.push((area, place));
    }

    /// Says of the rows of a list what a click on them is a click on.
    pub fn places(&mut self, rows: Vec<(usize, Rect)>, place: impl Fn(usize) -> Option<Place>) {
        self.places.extend(rows.into_iter().filter_map(|(index, row)| Some((row, place(index)?))));
    }

    /// Nothing that was drawn until now can be clicked.
    pub fn forget_places(&mut self) {
        self.places.clear();
    }

    /// How far what is on the screen can be scrolled: to be filled in by what can be.
    pub fn ends(&mut self) -> &mut Ends {
        &mut self.ends
    }

    /// The areas that are sent last, what can be clicked, and how far it can be scrolled.
    pub fn into_parts(self) -> (Vec<Rect>, Vec<(Rect, Place)>, Ends) {
        (self.late, self.places, self.ends)
    }

    /// Draws `text` at most `width` columns wide; cut text ends with a mark. The answer is the columns used.
    pub fn put(&mut self, x: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let area = self.buffer.area;
        if y >= area.bottom() || x >= area.right() {
            return 0;
        }
        let width = width.min(area.right() - x);
        let spelled = self.look.glyphs.spell(text);
        let fitted = fit(&spelled, width, self.look.glyphs);
        let role = match role {
            Role::Selected | Role::Tab => role,
            _ if self.faded => Role::Dim,
            _ => role,
        };
        let (end, _) = self.buffer.set_stringn(x, y, &fitted, usize::from(width), self.look.style(role));
        end - x
    }

    /// Draws `text` so that it ends at column `right` (not included).
    pub fn put_right(&mut self, right: u16, y: u16, width: u16, text: &str, role: Role) -> u16 {
        let spelled = self.look.glyphs.spell(text);
        let used = columns(&spelled).min(width);
        self.put(right.saturating_sub(used), y, used, text, role)
    }

    /// Draws pieces one after the other, at most `width` columns in all. The answer is the columns used.
    pub fn pieces(&mut self, x: u16, y: u16, width: u16, pieces: &[Piece]) -> u16 {
        let mut used = 0;
        for piece in pieces {
            if used >= width {
                break;
            }
            used += self.put(x + used, y, width - used, &piece.text, piece.role);
        }
        used
    }

    /// A heading with a line to the right edge, and a remark at its end.
    pub fn heading(&mut self, area: Rect, title: &str, remark: &str) {
        let Some(row) = area.rows().next() else { return };
        let rule = self.look.glyphs.rule();
        let mut x = row.x + self.put(row.x, row.y, row.width, title, Role::Title);
        let mut right = row.right();
        if !remark.is_empty() && columns(remark) + columns(title) + 4 <= row.width {
            right = right.saturating_sub(self.put_right(right, row.y, row.width, remark, Role::Dim) + 1);
        }
        x += 1;
        if x < right {
            self.put(x, row.y, right - x, &rule.repeat(usize::from(right - x)), Role::Dim);
        }
    }

    /// Draws `text` over as many rows as it needs and there are. The answer is the rows used.
    pub fn paragraph(&mut self, area: Rect, text: &str, role: Role) -> u16 {
        let spelled = self.look.glyphs.spell(text).into_owned();
        let lines = wrap(&spelled, area.width);
        let shown = lines.len().min(usize::from(area.height));
        for (index, row) in area.rows().take(shown).enumerate() {
            // The last row that there is carries the rest, so that a cut shows.
            let line = if index + 1 == shown {
                lines.get(index..).unwrap_or_default().join(" ")
            } else {
                lines.get(index).cloned().unwrap_or_default()
            };
            self.put(row.x, row.y, row.width, &line, role);
        }
        u16::try_from(shown).unwrap_or(area.height)
    }

    /// Marks a row as selected.
    pub fn select(&mut self, row: Rect) {
        let style = self.look.style(Role::Selected);
        let area = row.intersection(self.buffer.area);
        for position in area.positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.fg = ratatui::style::Color::Reset;
                cell.modifier = ratatui::style::Modifier::empty();
                cell.set_style(style);
            }
        }
    }

    /// Empties an area; what stood in it, even in part, cannot be clicked any more.
    pub fn clear(&mut self, area: Rect) {
        self.places.retain(|(under, _)| !under.intersects(area));
        for position in area.intersection(self.buffer.area).positions() {
            if let Some(cell) = self.buffer.cell_mut(position) {
                cell.reset();
            }
        }
    }

    /// Sets one cell.
    pub fn dot(&mut self, x: u16, y: u16, symbol: &str, role: Role) {
        self.put(x, y, 1, symbol, role);
    }

    /// The sign for `mark`, as a piece in the role that goes with it.
    pub fn mark(&self, mark: Mark) -> Piece {
        mark_piece(self.look.glyphs, mark)
    }
}

/// The sign for `mark`, in the role that goes with it.
pub fn mark_piece(glyphs: Glyphs, mark: Mark) -> Piece {
    Piece::new(role_of(mark), glyphs.mark(mark))
}

/// The role that goes with a mark.
pub fn role_of(mark: Mark) -> Role {
    match mark {
        Mark::Good => Role::Good,
        Mark::Off | Mark::Done => Role::Dim,
        Mark::Busy => Role::Busy,
        Mark::Unknown => Role::Text,
        Mark::Warning => Role::Warning,
        Mark::Critical => Role::Critical,
    }
}

/// How many columns `text` takes.
pub fn columns(text: &str) -> u16 {
    u16::try_from(text.width()).unwrap_or(u16::MAX)
}

/// `text` in at most `width` columns; what is cut is marked.
fn fit(text: &str, width: u16, glyphs: Glyphs) -> String {
    if columns(text) <= width {
        return text.to_owned();
    }
    let room = usize::from(width.saturating_sub(1));
    let mut used = 0;
    let kept: String = text
        .chars()
        .take_while(|char| {
            used += char.width().unwrap_or(0);
            used <= room
        })
        .collect();
    if width == 0 { kept } else { kept + glyphs.ellipsis() }
}

/// `text` in lines of at most `width` columns, broken between words where there are any.
pub fn wrap(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(1));
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let Some(line) = lines.last_mut() else { break };
        let gap = usize::from(!line.is_empty());
        if line.width() + gap + word.width() <= width {
            if gap == 1 {
                line.push(' ');
            }
            line.push_str(word);
        } else if line.is_empty() {
            line.push_str(word);
        } else {
            lines.push(word.to_owned());
        }
    }
    lines
}
