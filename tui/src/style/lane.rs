//! A lane of a timeline: what went on in it, as characters in proportion to time.

use super::Glyphs;

/// What a stretch of a lane stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stroke {
    /// Something else held it up.
    Waiting,
    /// Its own doing.
    Own,
    /// Several lanes taken together.
    Whole,
}

impl Stroke {
    /// Its character.
    pub fn glyph(self, glyphs: Glyphs) -> char {
        match (glyphs, self) {
            (Glyphs::Utf8, Self::Waiting) => '·',
            (Glyphs::Utf8, Self::Own) => '█',
            (Glyphs::Utf8, Self::Whole) => '═',
            (Glyphs::Ascii, Self::Waiting) => '.',
            (Glyphs::Ascii, Self::Own) => '#',
            (Glyphs::Ascii, Self::Whole) => '=',
        }
    }
}

/// A lane being drawn. Places are shares of the axis: 0 its beginning, 1 its end.
#[derive(Clone, Debug)]
pub struct Lane {
    cells: Vec<char>,
    glyphs: Glyphs,
}

impl Lane {
    /// An empty lane.
    pub fn new(width: usize, glyphs: Glyphs) -> Self {
        Self { cells: vec![' '; width], glyphs }
    }

    /// Draws a stretch; without an end it goes on to the end of the axis and beyond, which is marked. Something is never
    /// nothing: the shortest stretch has one cell.
    #[must_use]
    pub fn stretch(mut self, from: f64, to: Option<f64>, stroke: Stroke) -> Self {
        let width = self.cells.len();
        let first = place(from, width).min(width.saturating_sub(1));
        let end = to.map_or(width, |to| place(to, width)).clamp((first + 1).min(width), width);
        for cell in self.cells.iter_mut().take(end).skip(first) {
            *cell = stroke.glyph(self.glyphs);
        }
        if to.is_none_or(|to| to > 1.0)
            && let Some(last) = self.cells.last_mut()
        {
            *last = if self.glyphs == Glyphs::Utf8 { '→' } else { '>' };
        }
        self
    }

    /// The lane, without blanks at its end.
    pub fn text(&self) -> String {
        self.cells.iter().collect::<String>().trim_end().to_owned()
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a negative or absurd share saturates
fn place(share: f64, width: usize) -> usize {
    (share * width as f64).round() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stretches_are_in_proportion_touch_and_are_never_nothing() {
        let lane = |glyphs| Lane::new(10, glyphs);
        let both = lane(Glyphs::Utf8).stretch(0.0, Some(0.5), Stroke::Waiting).stretch(0.5, Some(0.8), Stroke::Own);
        assert_eq!(both.text(), "·····███");
        assert_eq!(lane(Glyphs::Ascii).stretch(0.4, Some(0.4), Stroke::Own).text(), "    #");
        assert_eq!(lane(Glyphs::Ascii).stretch(1.0, Some(1.0), Stroke::Own).text(), "         #");
        assert_eq!(lane(Glyphs::Ascii).stretch(0.5, None, Stroke::Own).text(), "     ####>");
        assert_eq!(lane(Glyphs::Utf8).stretch(0.0, Some(7.0), Stroke::Whole).text(), "═════════→");
    }

    #[test]
    fn no_share_and_no_width_is_too_odd() {
        for width in [0, 1, 5] {
            for share in [f64::NAN, -1.0, 0.0, 0.3, 1.0, f64::INFINITY] {
                let lane = Lane::new(width, Glyphs::Utf8).stretch(share, Some(share), Stroke::Own).text();
                assert!(lane.chars().count() <= width, "{share} in {width}: {lane}");
            }
        }
    }
}
