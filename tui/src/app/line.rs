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

    /// Appends text, without control characters.
    pub fn insert(&mut self, text: &str) {
        let room = LONGEST.saturating_sub(self.text.chars().count());
        self.text.extend(text.chars().filter(|char| !char.is_control()).take(room));
    }
}
