//! Keys, whatever bytes they came as.

use std::{fmt, str::FromStr};

/// What was pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Code {
    /// A character, as typed (so `G` is `Char('G')` without a modifier).
    Char(char),
    /// Return.
    Enter,
    /// Escape, alone.
    Esc,
    /// Tab.
    Tab,
    /// Shift-Tab.
    BackTab,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// Home.
    Home,
    /// End.
    End,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// Backspace.
    Backspace,
    /// Delete.
    Delete,
    /// Insert.
    Insert,
    /// A function key, from 1.
    F(u8),
}

/// A key with its modifiers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// What was pressed.
    pub code: Code,
    /// With Control.
    pub ctrl: bool,
    /// With Alt, or after an ESC that came with it.
    pub alt: bool,
}

impl Key {
    /// The key without modifiers.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false }
    }

    /// The character without modifiers.
    pub const fn char(char: char) -> Self {
        Self::plain(Code::Char(char))
    }

    /// The letter with Control.
    pub const fn ctrl(char: char) -> Self {
        Self { code: Code::Char(char), ctrl: true, alt: false }
    }
}

impl From<Code> for Key {
    fn from(code: Code) -> Self {
        Self::plain(code)
    }
}

impl From<char> for Key {
    fn from(char: char) -> Self {
        Self::char(char)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.alt {
            f.write_str("Alt-")?;
        }
        match self.code {
            Code::Char(char) if self.ctrl => write!(f, "^{}", char.to_ascii_uppercase()),
            Code::Char(' ') => f.write_str("Space"),
            Code::Char(char) => write!(f, "{char}"),
            Code::Enter => f.write_str("Enter"),
            Code::Esc => f.write_str("Esc"),
            Code::Tab => f.write_str("Tab"),
            Code::BackTab => f.write_str("Shift-Tab"),
            Code::Up => f.write_str("Up"),
            Code::Down => f.write_str("Down"),
            Code::Left => f.write_str("Left"),
            Code::Right => f.write_str("Right"),
            Code::Home => f.write_str("Home"),
            Code::End => f.write_str("End"),
            Code::PageUp => f.write_str("PgUp"),
            Code::PageDown => f.write_str("PgDn"),
            Code::Backspace => f.write_str("Backspace"),
            Code::Delete => f.write_str("Del"),
            Code::Insert => f.write_str("Ins"),
            Code::F(number) => write!(f, "F{number}"),
        }
    }
}

/// No key is called so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no key: write a character, F1 to F12, ^x, Alt-x, Space, Home, End, Ins, Del, PgUp or PgDn")]
pub struct UnknownKey(String);

impl FromStr for Key {
    type Err = UnknownKey;

    /// As it is written in help.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let unknown = || UnknownKey(text.to_owned());
        let (alt, rest) = text.strip_prefix("Alt-").map_or((false, text), |rest| (true, rest));
        let mut chars = rest.chars();
        let key = match (chars.next(), chars.next(), chars.next()) {
            (Some('^'), Some(letter), None) if letter.is_ascii_alphabetic() => Self::ctrl(letter.to_ascii_lowercase()),
            (Some(char), None, None) if !char.is_control() && char != ' ' => Self::char(char),
            _ => Self::plain(match rest {
                "Space" => Code::Char(' '),
                "Home" => Code::Home,
                "End" => Code::End,
                "Ins" => Code::Insert,
                "Del" => Code::Delete,
                "PgUp" => Code::PageUp,
                "PgDn" => Code::PageDown,
                "Backspace" => Code::Backspace,
                _ => {
                    let number = rest.strip_prefix('F').and_then(|number| number.parse().ok());
                    Code::F(number.filter(|number| (1..=12).contains(number)).ok_or_else(unknown)?)
                }
            }),
        };
        Ok(Self { alt, ..key })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_reads_as_it_is_written() {
        for text in ["a", "A", "+", "^f".to_uppercase().as_str(), "Alt-w", "F12", "Space", "PgDn", "Del", "é"] {
            assert_eq!(text.parse::<Key>().map(|key| key.to_string()), Ok(text.to_owned()), "{text}");
        }
        for text in ["", "F0", "F13", "ab", "Alt-", "^1", "Ctrl-x"] {
            assert!(text.parse::<Key>().is_err(), "{text}");
        }
    }
}
