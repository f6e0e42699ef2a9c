//! The line being typed, on a terminal that can: completion, hints, history.

use std::{borrow::Cow, io};

use rustyline::{
    ColorMode, CompletionType, Config, Context, Editor, Helper,
    completion::{Completer, Pair},
    config::Configurer,
    error::ReadlineError,
    highlight::Highlighter,
    hint::{Hint, Hinter},
    history::FileHistory,
    validate::Validator,
};

use super::{OWN, history::Kept, names::Fetched};
use crate::{
    grammar::{complete, usage},
    term::caps::{self, Surroundings},
};

/// Below this many bits a second the line is too slow for hints: each key would send the whole line again.
const SLOW: u32 = 38_400;
/// Lines of history.
const REMEMBERED: usize = 1_000;

/// The editor, and where its history is kept.
pub(super) struct LineEditor {
    editor: Editor<Assistant, FileHistory>,
    history: Kept,
}

/// What came of a line.
pub(super) enum Typed {
    Line(String),
    /// Ctrl-C: the line is thrown away.
    Cleared,
    /// Ctrl-D on an empty line.
    End,
}

impl LineEditor {
    /// `color`: whether it is welcome. Says where history is kept, or why not.
    pub(super) fn new(
        surroundings: &Surroundings,
        color: bool,
        names: Fetched,
    ) -> Result<(Self, Option<String>), ReadlineError> {
        let slow = caps::line_speed(io::stdout()).is_some_and(|speed| speed < SLOW);
        let color = color && surroundings.depth() != crate::style::Depth::Mono;
        let config = Config::builder()
            .max_history_size(REMEMBERED)?
            .history_ignore_dups(true)?
            .history_ignore_space(true)
            .completion_type(CompletionType::List)
            .bracketed_paste(surroundings.brackets_paste() && !slow)
            .color_mode(if color { ColorMode::Enabled } else { ColorMode::Disabled })
            .build();
        let history = FileHistory::with_config(&config);
        let mut editor = Editor::with_history(config, history)?;
        editor.enable_synchronized_output(surroundings.brackets_paste() && !slow);
        // Without colour nobody could tell a hint from what was typed.
        editor.set_helper(Some(Assistant { names, hints: color && !slow }));
        let (history, trouble) = Kept::open(&mut editor);
        Ok((Self { editor, history }, trouble))
    }

    pub(super) fn line(&mut self, prompt: &str) -> Result<Typed, ReadlineError> {
        match self.editor.readline(prompt) {
            Ok(line) => {
                if !line.trim().is_empty() && self.editor.add_history_entry(&line)? {
                    self.history.append(&mut self.editor);
                }
                Ok(Typed::Line(line))
            }
            Err(ReadlineError::Interrupted) => Ok(Typed::Cleared),
            Err(ReadlineError::Eof) => Ok(Typed::End),
            Err(error) => Err(error),
        }
    }

    /// The daemon may have other names now.
    pub(super) fn forget_names(&self) {
        if let Some(assistant) = self.editor.helper() {
            assistant.names.forget();
        }
    }
}

/// Answers the editor's questions about the line.
pub(super) struct Assistant {
    names: Fetched,
    hints: bool,
}

impl Helper for Assistant {}
impl Validator for Assistant {}

impl Completer for Assistant {
    type Candidate = Pair;

    fn complete(&self, line: &str, pos: usize, _: &Context<'_>) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..pos).unwrap_or(line);
        let found = complete(typed, &OWN, &self.names);
        let word_goes_on = line.get(pos..).is_some_and(|rest| !rest.is_empty() && !rest.starts_with(' '));
        let pair = |text: String| {
            // A finished word is followed by the next one.
            let replacement = if word_goes_on { text.clone() } else { format!("{text} ") };
            Pair { display: text, replacement }
        };
        Ok((found.start, found.candidates.into_iter().map(|one| pair(one.text)).collect()))
    }
}

/// What is still to be said; it cannot be taken over.
pub(super) struct StillToSay(String);

impl Hint for StillToSay {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for Assistant {
    type Hint = StillToSay;

    fn hint(&self, line: &str, pos: usize, _: &Context<'_>) -> Option<StillToSay> {
        let hint = if self.hints && pos == line.len() { usage(line) } else { String::new() };
        (!hint.is_empty()).then_some(StillToSay(hint))
    }
}

impl Highlighter for Assistant {
    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(format!("\x1b[2m{hint}\x1b[0m"))
    }
}
