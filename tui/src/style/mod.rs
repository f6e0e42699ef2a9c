//! What things look like: roles in, colours and glyphs out. Views name roles only; nothing else knows a colour.
//!
//! Colour never carries a meaning alone: each alarming role also has a glyph and a weight, so mono is readable.

mod glyphs;
mod lane;
mod palette;

pub use glyphs::{Glyphs, Mark};
pub use lane::{Lane, Stroke};
pub use palette::{Depth, Ground, Role, Theme, UnknownDepth, color};

/// How the screen may look: colours and characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How many colours there are.
    pub depth: Depth,
    /// Which characters there are.
    pub glyphs: Glyphs,
    /// What text stands on.
    pub ground: Ground,
    /// Colours that somebody chose.
    pub theme: Theme,
}

impl Look {
    /// Colours of `depth`, UTF-8 or ASCII characters.
    pub fn new(depth: Depth, utf8: bool) -> Self {
        let glyphs = if utf8 { Glyphs::Utf8 } else { Glyphs::Ascii };
        Self { depth, glyphs, ground: Ground::default(), theme: Theme::default() }
    }

    /// How a role looks. Without colours a theme changes nothing.
    pub fn style(self, role: Role) -> ratatui::style::Style {
        let style = self.depth.style(role, self.ground);
        match self.theme.of(role) {
            Some(color) if self.depth != Depth::Mono => style.fg(color),
            Some(_) | None => style,
        }
    }
}
