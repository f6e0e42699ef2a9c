//! A line of text being typed.

use super::{Code, Key};

/// Longest input, in characters: more is a mistaken paste.
const LONGEST: usize = 200;

/// Text with the cursor at its end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Line {
    text: String,
}

impl Line {
    /// Starts with this text.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// What has been typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Whether nothing has been typed.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Takes a key; false when it is none that edits.
    pub fn edit(&mut self, key: Key) -> bool {
        match key {
            Key { code: Code::Char(char), ctrl: false, alt: false } => self.insert(&char.to_string()),
            Key { code: Code::Backspace, .. } | Key { code: Code::Char('h'), ctrl: true, .. } => {
                self.text.pop();
            }
            Key { code: Code::Char('u'), ctrl: true, .. } => self.text.clear(),
            Key { code: Code::Char('w'), ctrl: true, .. } => {
                let kept = self.text.trim_end().rfind(' ').map_or(0, |at| at + 1);
                self.text.truncate(kept);
            }
            _ => return false,
        }
        true
    }

    /// Appends text: what separates words there separates them here, other control characters and the sequences of
    /// terminals are left out.
    pub fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.chars().count());
        let plain = strip_sequences(text.trim_end_matches(['\r', '\n'])).replace("\r\n", " ");
        let spaced = plain.chars().map(|char| if matches!(char, '\t' | '\n' | '\r') { ' ' } else { char });
        self.text.extend(spaced.filter(|char| !char.is_control()).take(room));
    }
}

/// Without the control sequences of terminals (ESC, `[`, parameters, a final letter).
fn strip_sequences(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        plain.push_str(before);
        rest = after.trim_start_matches(|char: char| (' '..='?').contains(&char));
        rest = rest.strip_prefix(|char: char| ('@'..='~').contains(&char)).unwrap_or(rest);
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_text_becomes_one_line_of_words() {
        for (pasted, expected) in [
            ("host off host.0\n", "host off host.0"),
            ("chassis\tidentify on\r\nhost off host.0\n", "chassis identify on host off host.0"),
            ("\x1b[31mred\x1b[0m\x07\x00", "red"),
            ("a\x1b[", "a"),
            ("naïve µ", "naïve µ"),
        ] {
            let mut line = Line::default();
            line.insert(pasted);
            assert_eq!(line.text(), expected, "{pasted:?}");
        }
    }
}
