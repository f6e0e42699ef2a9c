//! Characters, in UTF-8 and in ASCII. All are one column wide.

use std::borrow::Cow;

/// Which characters a terminal has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Lines, blocks, Braille.
    Utf8,
    /// Nothing beyond `~`.
    Ascii,
}

/// The sign in front of a thing that says how it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// As it should be.
    Good,
    /// Off, and meant to be.
    Off,
    /// Under way.
    Busy,
    /// Somebody should look.
    Warning,
    /// Somebody must look.
    Critical,
    /// Nobody can tell.
    Unknown,
    /// Has done its work.
    Done,
}

/// Blocks that fill a cell from the left, by eighths.
const LEFT_EIGHTHS: [&str; 8] = [" ", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];

impl Glyphs {
    /// The sign for `mark`.
    pub fn mark(self, mark: Mark) -> &'static str {
        match (self, mark) {
            (Self::Utf8, Mark::Good) => "●",
            (Self::Utf8, Mark::Off) => "○",
            (Self::Utf8, Mark::Busy) => "◐",
            (Self::Utf8, Mark::Warning) => "▲",
            (Self::Utf8, Mark::Critical) => "✖",
            (Self::Utf8 | Self::Ascii, Mark::Unknown) => "?",
            (Self::Utf8, Mark::Done) => "✓",
            (Self::Ascii, Mark::Good) => "*",
            (Self::Ascii, Mark::Off) => "-",
            (Self::Ascii, Mark::Busy) => "~",
            (Self::Ascii, Mark::Warning) => "!",
            (Self::Ascii, Mark::Critical) => "X",
            (Self::Ascii, Mark::Done) => "+",
        }
    }

    /// A horizontal line.
    pub fn rule(self) -> &'static str {
        match self {
            Self::Utf8 => "─",
            Self::Ascii => "-",
        }
    }

    /// A threshold in a graph.
    pub fn threshold(self) -> &'static str {
        match self {
            Self::Utf8 => "╌",
            Self::Ascii => "-",
        }
    }

    /// The mark of a cut text.
    pub fn ellipsis(self) -> &'static str {
        match self {
            Self::Utf8 => "…",
            Self::Ascii => "~",
        }
    }

    /// In front of an unfolded (true) or folded group.
    pub fn fold(self, open: bool) -> &'static str {
        match (self, open) {
            (Self::Utf8, true) => "▾",
            (Self::Utf8, false) => "▸",
            (Self::Ascii, true) => "v",
            (Self::Ascii, false) => ">",
        }
    }

    /// Where something is now.
    pub fn here(self) -> &'static str {
        match self {
            Self::Utf8 => "▶",
            Self::Ascii => ">",
        }
    }

    /// Where it should come to.
    pub fn goal(self) -> &'static str {
        match self {
            Self::Utf8 => "◎",
            Self::Ascii => "@",
        }
    }

    /// Lines between states: level, upright, crossing, an end from above, an end from below, a way off, where one
    /// leaves, where one arrives.
    pub fn lanes(self) -> [&'static str; 8] {
        match self {
            Self::Utf8 => ["─", "│", "┼", "┘", "┐", "┤", "●", "◀"],
            Self::Ascii => ["-", "|", "+", "'", ",", "+", "o", "<"],
        }
    }

    /// Ends of lines between states where a level line goes on: of one from above, of one from below.
    pub fn forks(self) -> [&'static str; 2] {
        match self {
            Self::Utf8 => ["┴", "┬"],
            Self::Ascii => ["'", ","],
        }
    }

    /// Stands below what is above it.
    pub fn branch(self) -> &'static str {
        match self {
            Self::Utf8 => "└",
            Self::Ascii => "`",
        }
    }

    /// From one thing to the next.
    pub fn arrow(self) -> &'static str {
        match self {
            Self::Utf8 => "→",
            Self::Ascii => "->",
        }
    }

    /// Between two hints.
    pub fn dot(self) -> &'static str {
        match self {
            Self::Utf8 => "·",
            Self::Ascii => "|",
        }
    }

    /// The point where a controller stands on its curve.
    pub fn operating_point(self) -> &'static str {
        match self {
            Self::Utf8 => "◆",
            Self::Ascii => "#",
        }
    }

    /// The corners and sides of a box: ┌ ┐ └ ┘ │.
    pub fn corners(self) -> [&'static str; 5] {
        match self {
            Self::Utf8 => ["┌", "┐", "└", "┘", "│"],
            Self::Ascii => ["+", "+", "+", "+", "|"],
        }
    }

    /// A bar of `width` columns, filled to `share` (0–1). The empty part is dotted so that the full length can be seen.
    pub fn bar(self, share: f64, width: u16) -> String {
        let share = if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 };
        let width = usize::from(width);
        match self {
            Self::Ascii => {
                let full = eighths(share, width) / 8;
                // A little is not nothing.
                let little = usize::from(full == 0 && share > 0.0 && width > 0);
                format!("{}{}{}", "#".repeat(full), "|".repeat(little), ".".repeat(width - full - little))
            }
            Self::Utf8 => {
                let eighths = eighths(share, width).max(usize::from(share > 0.0 && width > 0));
                let (full, rest) = (eighths / 8, eighths % 8);
                let mut bar = "█".repeat(full);
                if full < width && rest > 0 {
                    bar.push_str(LEFT_EIGHTHS.get(rest).copied().unwrap_or(" "));
                }
                let used = full + usize::from(full < width && rest > 0);
                bar.push_str(&"·".repeat(width - used));
                bar
            }
        }
    }

    /// `text` in characters that this set has.
    pub fn spell(self, text: &str) -> Cow<'_, str> {
        match self {
            Self::Utf8 => Cow::Borrowed(text),
            Self::Ascii if text.is_ascii() => Cow::Borrowed(text),
            Self::Ascii => Cow::Owned(text.chars().map(ascii).collect()),
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // share is within 0–1, width a screen's
fn eighths(share: f64, width: usize) -> usize {
    ((share * width as f64 * 8.0).round() as usize).min(width * 8)
}

/// The nearest ASCII spelling of a character.
fn ascii(char: char) -> &'static str {
    const ASCII: &str =
        " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~";
    if let Some(at) = (char as usize).checked_sub(0x20).filter(|at| *at < ASCII.len()) {
        return ASCII.get(at..=at).unwrap_or("?");
    }
    match char {
        '°' => "",
        '–' | '—' | '−' => "-",
        '…' => "~",
        '→' => "->",
        '←' => "<-",
        '·' | '•' => ".",
        '×' => "x",
        'µ' | 'μ' => "u",
        '≤' => "<=",
        '≥' => ">=",
        '‘' | '’' => "'",
        '“' | '”' | '«' | '»' => "\"",
        '\u{a0}' => " ",
        _ => "?",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_is_as_wide_as_asked_at_every_share() {
        for glyphs in [Glyphs::Utf8, Glyphs::Ascii] {
            for width in [0, 1, 7, 40] {
                for share in [f64::NAN, -1.0, 0.0, 0.013, 0.5, 0.999, 1.0, 7.0] {
                    let bar = glyphs.bar(share, width);
                    assert_eq!(bar.chars().count(), usize::from(width), "{share} of {width}: {bar}");
                }
            }
        }
    }

    #[test]
    fn ascii_spells_everything_in_ascii() {
        for (text, spelled) in [
            ("61.5 °C", "61.5 C"),
            ("events 812–900 expired", "events 812-900 expired"),
            ("a → b…", "a -> b~"),
            ("日本", "??"),
            ("~!", "~!"),
        ] {
            assert_eq!(Glyphs::Ascii.spell(text), spelled);
        }
    }
}
