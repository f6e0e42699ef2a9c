//! What things look like: roles in, colours and glyphs out. Views name roles only; nothing else knows a colour.
//!
//! Colour never carries a meaning alone: each alarming role also has a glyph and a weight, so mono is readable.

mod glyphs;
mod lane;
mod palette;

pub use glyphs::{Glyphs, Mark};
pub use lane::{Lane, Stroke};
pub use palette::{Depth, Role, UnknownDepth};

/// How the screen may look: colours and characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Look {
    /// How many colours there are.
    pub depth: Depth,
    /// Which characters there are.
    pub glyphs: Glyphs,
}

impl Look {
    /// Colours of `depth`, UTF-8 or ASCII characters.
    pub fn new(depth: Depth, utf8: bool) -> Self {
        Self { depth, glyphs: if utf8 { Glyphs::Utf8 } else { Glyphs::Ascii } }
    }
}
