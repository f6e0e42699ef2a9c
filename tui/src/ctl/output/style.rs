//! Colour and width of what is drawn on. Colour only underlines what the words say already.

use std::{borrow::Cow, fmt::Write, io::IsTerminal, os::fd::AsFd};

use crate::{style::Glyphs, term::caps::Surroundings};

/// How much something needs attention. The order is the order of severity: sort descending to put problems first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Paint {
    /// Of no interest: absent values, things that are off.
    Faint,
    Plain,
    Good,
    Strong,
    /// On the way, or not quite as it should be.
    Warn,
    Bad,
}

impl Paint {
    /// How a state, health, quality, status or severity word is painted.
    pub(crate) fn of(word: &str) -> Self {
        match word {
            "running" | "completed" | "healthy" | "ok" | "good" | "succeeded" | "ready" | "on" | "controlled"
            | "valid" => Self::Good,
            "failed" | "unhealthy" | "critical" | "fatal" | "error" | "fault" | "tripped" | "quiesced" | "refused"
            | "absent" | "rolled-back" | "invalid" => Self::Bad,
            "backoff" | "degraded" | "warning" | "waiting" | "starting" | "stopping" | "stale" | "failsafe"
            | "maintenance" | "manual" | "diagnostic" | "cancelled" | "initializing" | "updating" | "not-yet-read"
            | "not-ready" | "cycling" | "resetting" | "booting" | "powering-on" | "powering-off" | "shutting-down" => {
                Self::Warn
            }
            "stopped" | "off" | "unknown" | "unpowered" | "debug" | "pending" | "skipped" => Self::Faint,
            _ => Self::Plain,
        }
    }
}

/// What a drawing needs to know of the place it is drawn on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    color: bool,
    /// Blocks and lines come out as themselves; otherwise drawings keep to ASCII.
    pub utf8: bool,
    /// Columns of the terminal. Absent when it is none: nothing is cut then.
    pub width: Option<usize>,
    /// A terminal on which a line can be taken back.
    pub rewrites: bool,
    terminal: bool,
}

impl Canvas {
    /// No colour, no end of the line: files, pipes, tests.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { color: false, utf8: true, width: None, rewrites: false, terminal: false };

    #[cfg(test)]
    pub(crate) const COLORED: Self = Self { color: true, ..Self::PLAIN };

    #[cfg(test)]
    pub(crate) fn narrow(width: usize) -> Self {
        Self { width: Some(width), terminal: true, ..Self::PLAIN }
    }

    #[cfg(test)]
    pub(crate) fn ascii(width: usize) -> Self {
        Self { utf8: false, ..Self::narrow(width) }
    }

    /// For a stream in these surroundings. `color`: whether colour is welcome.
    pub(crate) fn of(stream: &(impl AsFd + IsTerminal), surroundings: &Surroundings, color: bool) -> Self {
        let able = !surroundings.is_dumb();
        if !stream.is_terminal() {
            let utf8 = surroundings.locale_is_utf8();
            return Self { color: false, utf8, width: None, rewrites: false, terminal: false };
        }
        // A serial line without a size says 0×0: then nothing is known of its width.
        let width = rustix::termios::tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col));
        let width = width.filter(|width| *width > 0);
        Self { color: color && able, utf8: surroundings.utf8(), width, rewrites: able, terminal: true }
    }

    /// Which characters drawings are made of.
    pub(crate) fn glyphs(self) -> Glyphs {
        if self.utf8 { Glyphs::Utf8 } else { Glyphs::Ascii }
    }

    /// Text in the characters that there are. What goes into a file or a pipe stays as it is.
    pub(crate) fn spell(self, text: &str) -> Cow<'_, str> {
        if self.utf8 || !self.terminal || text.is_ascii() {
            return text.into();
        }
        let mut buffer = [0; 4];
        text.chars()
            .fold(String::with_capacity(text.len()), |mut spelled, character| {
                if character.is_ascii() {
                    spelled.push(character);
                } else {
                    spelled.push_str(&Glyphs::Ascii.spell(character.encode_utf8(&mut buffer)));
                }
                spelled
            })
            .into()
    }

    pub(crate) fn paint(self, paint: Paint, text: &str) -> Cow<'_, str> {
        let code = match paint {
            _ if !self.color || text.is_empty() => return text.into(),
            Paint::Plain => return text.into(),
            Paint::Faint => "2",
            Paint::Good => "32",
            Paint::Strong => "1",
            Paint::Warn => "33",
            Paint::Bad => "1;31",
        };
        format!("\x1b[{code}m{text}\x1b[0m").into()
    }
}

/// Text of services and hardware made harmless for a terminal: control characters become visible escapes.
pub(crate) fn plain_text(text: &str) -> Cow<'_, str> {
    let harmful = |character: char| character.is_control() && character != '\t';
    if !text.contains(harmful) {
        return text.into();
    }
    text.chars()
        .fold(String::with_capacity(text.len() + 8), |mut plain, character| {
            if harmful(character) {
                let _ = write!(plain, "{}", character.escape_default());
            } else {
                plain.push(character);
            }
            plain
        })
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(plain_text("a\x1b[31mred\r\nb\tc"), "a\\u{1b}[31mred\\r\\nb\tc");
        assert!(matches!(plain_text("45 °C"), Cow::Borrowed(_)));
    }

    #[test]
    fn a_terminal_without_utf_8_gets_ascii_and_keeps_its_colours() {
        let painted = Canvas { color: true, ..Canvas::ascii(80) };
        let text = format!("{} · 45 °C…\n", painted.paint(Paint::Bad, "failed"));
        assert_eq!(painted.spell(&text), "\x1b[1;31mfailed\x1b[0m . 45 C~\n");
        assert_eq!(Canvas::narrow(80).spell("45 °C…"), "45 °C…");
        let pipe = Canvas { utf8: false, ..Canvas::PLAIN };
        assert_eq!(pipe.spell("45 °C…"), "45 °C…", "programs get what there is");
    }

    #[test]
    fn colour_is_added_only_where_it_is_wanted() {
        assert_eq!(Canvas::PLAIN.paint(Paint::Bad, "failed"), "failed");
        assert_eq!(Canvas::COLORED.paint(Paint::Bad, "failed"), "\x1b[1;31mfailed\x1b[0m");
        assert_eq!(Canvas::COLORED.paint(Paint::Plain, "x"), "x");
    }
}
