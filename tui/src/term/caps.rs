//! What the terminal can do, as far as its surroundings tell: it is never asked, because answers race with typing.

use std::{ffi::OsString, os::fd::AsFd};

use crate::style::{Depth, Ground};

/// What the surroundings say.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// `TERM`; empty when not set.
    pub term: String,
    /// `COLORTERM`; empty when not set.
    pub colorterm: String,
    /// `COLORFGBG`; empty when not set.
    pub colorfgbg: String,
    /// `NO_COLOR` is set and not empty.
    pub no_color: bool,
    /// The first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set; empty when none is.
    pub locale: String,
}

impl Surroundings {
    /// From environment variables.
    pub fn from_env(get: impl Fn(&str) -> Option<OsString>) -> Self {
        let text = |name: &str| get(name).map(|value| value.to_string_lossy().into_owned()).unwrap_or_default();
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().map(text).find(|value| !value.is_empty());
        Self {
            term: text("TERM"),
            colorterm: text("COLORTERM"),
            colorfgbg: text("COLORFGBG"),
            no_color: !text("NO_COLOR").is_empty(),
            locale: locale.unwrap_or_default(),
        }
    }

    /// How many colours there are.
    pub fn depth(&self) -> Depth {
        if self.no_color || self.is_hardware() || matches!(self.term.as_str(), "" | "dumb") {
            return Depth::Mono;
        }
        match self.colorterm.as_str() {
            "truecolor" | "24bit" => Depth::Rgb,
            _ if self.term.contains("direct") => Depth::Rgb,
            _ if self.term.contains("256color") => Depth::Indexed,
            _ if self.term.starts_with("screen") || self.term == "ansi" || self.term == "linux" => Depth::Eight,
            _ => Depth::Sixteen,
        }
    }

    /// What text stands on, as far as it is known: rxvt, Konsole and some others tell the numbers of their colours.
    pub fn ground(&self) -> Ground {
        match self.colorfgbg.rsplit(';').next() {
            Some("7" | "15") => Ground::Light,
            Some(_) | None => Ground::Dark,
        }
    }

    /// Whether characters beyond ASCII come out as themselves. The Linux console has UTF-8 but no glyphs for half of it.
    pub fn utf8(&self) -> bool {
        let drawn = !self.is_hardware() && !matches!(self.term.as_str(), "" | "dumb" | "linux" | "ansi");
        drawn && self.locale_is_utf8()
    }

    /// Whether text is UTF-8 here, whatever shows it: what holds for files and pipes.
    pub fn locale_is_utf8(&self) -> bool {
        let locale = self.locale.to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    }

    /// Whether the cursor cannot be placed at all.
    pub fn is_dumb(&self) -> bool {
        matches!(self.term.as_str(), "" | "dumb")
    }

    /// Whether `TERM` names a DEC terminal: what it is claims to be less than any emulator.
    fn is_hardware(&self) -> bool {
        self.term.starts_with("vt")
    }

    /// Whether pasted text can be told from keys.
    pub fn brackets_paste(&self) -> bool {
        !self.is_hardware() && !self.is_dumb() && !matches!(self.term.as_str(), "linux" | "ansi")
    }
}

/// The speed of a serial line in bits a second. None for anything else: the speed that a pty tells means nothing.
pub fn line_speed(tty: impl AsFd) -> Option<u32> {
    let name = rustix::termios::ttyname(&tty, Vec::new()).ok()?;
    let name = name.to_str().ok()?;
    let digits = |rest: &str| rest.starts_with(|char: char| char.is_ascii_digit());
    let serial = name.strip_prefix("/dev/tty").is_some_and(|rest| !rest.is_empty() && !digits(rest));
    if !serial {
        return None;
    }
    let speed = rustix::termios::tcgetattr(tty).ok()?.output_speed();
    (speed > 0).then_some(speed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(environment: &[(&str, &str)], depth: Depth, utf8: bool) {
        let get = |name: &str| environment.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into());
        let surroundings = Surroundings::from_env(get);
        assert_eq!((surroundings.depth(), surroundings.utf8()), (depth, utf8), "{environment:?}");
    }

    #[test]
    fn colours_and_characters_follow_the_surroundings() {
        let utf8 = ("LANG", "C.UTF-8");
        check(&[], Depth::Mono, false);
        check(&[("TERM", "xterm"), utf8], Depth::Sixteen, true);
        check(&[("TERM", "xterm-256color"), utf8], Depth::Indexed, true);
        check(&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), utf8], Depth::Rgb, true);
        check(&[("TERM", "xterm-256color"), ("NO_COLOR", "1"), utf8], Depth::Mono, true);
        check(&[("TERM", "xterm"), ("LC_ALL", "C"), utf8], Depth::Sixteen, false);
        check(&[("TERM", "vt100"), utf8], Depth::Mono, false);
        check(&[("TERM", "linux"), utf8], Depth::Eight, false);
        check(&[("TERM", "screen"), utf8], Depth::Eight, true);
    }

    #[test]
    fn a_light_background_is_known_where_the_terminal_tells() {
        for (told, ground) in [
            ("", Ground::Dark),
            ("15;0", Ground::Dark),
            ("0;15", Ground::Light),
            ("0;default;15", Ground::Light),
            ("0;7", Ground::Light),
            ("12;8", Ground::Dark),
            ("default;default", Ground::Dark),
        ] {
            let surroundings = Surroundings::from_env(|name| (name == "COLORFGBG").then(|| told.into()));
            assert_eq!(surroundings.ground(), ground, "{told}");
        }
    }
}
