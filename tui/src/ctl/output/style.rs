//! Colour and width of what is drawn on. Colour only underlines what the words say already.

use std::{borrow::Cow, fmt::Write, io::IsTerminal, os::fd::AsFd};

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
            "running" | "completed" | "healthy" | "ok" | "good" | "succeeded" | "ready" | "on" | "controlled" => {
                Self::Good
            }
            "failed" | "unhealthy" | "critical" | "fatal" | "error" | "fault" | "tripped" | "quiesced" | "refused"
            | "absent" | "rolled-back" => Self::Bad,
            "backoff" | "degraded" | "warning" | "waiting" | "starting" | "stopping" | "stale" | "failsafe"
            | "maintenance" | "manual" | "diagnostic" | "cancelled" | "initializing" | "updating" | "not-yet-read"
            | "cycling" | "resetting" | "booting" | "powering-on" | "powering-off" | "shutting-down" => Self::Warn,
            "stopped" | "off" | "unknown" | "unpowered" | "debug" | "pending" | "skipped" => Self::Faint,
            _ => Self::Plain,
        }
    }
}

/// What a drawing needs to know of the place it is drawn on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Canvas {
    color: bool,
    /// Columns of the terminal. Absent when it is none: nothing is cut then.
    pub width: Option<usize>,
}

impl Canvas {
    /// No colour, no end of the line: files, pipes, tests.
    #[cfg(test)]
    pub(crate) const PLAIN: Self = Self { color: false, width: None };

    #[cfg(test)]
    pub(crate) const COLORED: Self = Self { color: true, width: None };

    #[cfg(test)]
    pub(crate) fn narrow(width: usize) -> Self {
        Self { color: false, width: Some(width) }
    }

    pub(crate) fn of(stream: &(impl AsFd + IsTerminal), color: bool) -> Self {
        if !stream.is_terminal() {
            return Self { color: false, width: None };
        }
        // A serial line without a size says 0×0: then nothing is known of its width.
        let width = rustix::termios::tcgetwinsize(stream).ok().map(|size| usize::from(size.ws_col));
        Self { color, width: width.filter(|width| *width > 0) }
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
    fn colour_is_added_only_where_it_is_wanted() {
        assert_eq!(Canvas::PLAIN.paint(Paint::Bad, "failed"), "failed");
        assert_eq!(Canvas::COLORED.paint(Paint::Bad, "failed"), "\x1b[1;31mfailed\x1b[0m");
        assert_eq!(Canvas::COLORED.paint(Paint::Plain, "x"), "x");
    }
}
