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
            // The editor's own questions about long lists hear no Ctrl-C: lists are made to fit instead.
            .completion_prompt_limit(usize::MAX)
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
        let mut texts: Vec<String> = found.candidates.into_iter().map(|one| one.text).collect();
        let more = more_than_fit(&texts, screen());
        let rest = more.and_then(|more| rest(typed.get(found.start..).unwrap_or_default(), &texts, more));
        if let Some(more) = more {
            texts.truncate(texts.len() - more);
        }
        Ok((found.start, texts.into_iter().map(pair).chain(rest).collect()))
    }
}

/// Columns and rows of the screen that candidates are shown on.
fn screen() -> (usize, usize) {
    let told = rustix::termios::tcgetwinsize(io::stdout()).ok();
    let told = told.map(|size| (usize::from(size.ws_col), usize::from(size.ws_row)));
    told.filter(|(columns, rows)| *columns > 0 && *rows > 0).unwrap_or((80, 24))
}

/// What stands for the candidates that are not shown.
fn in_words(more: usize) -> String {
    format!("({more} more: type on)")
}

/// How many candidates are too many for one screen, in columns as the editor sets them. None: they all fit.
fn more_than_fit(texts: &[String], (columns, rows): (usize, usize)) -> Option<usize> {
    // The prompt stays in sight, and with it the line above.
    let rows = rows.saturating_sub(3).max(1);
    let widest = |texts: &[String]| texts.iter().map(|text| text.chars().count()).max().unwrap_or(0);
    let room = |widest: usize| rows * (columns / (widest + 2).min(columns)).max(1);
    if texts.len() <= room(widest(texts)) {
        return None;
    }
    let last = in_words(texts.len()).chars().count();
    let shown = room(widest(texts).max(last)).saturating_sub(1).max(1);
    Some(texts.len() - shown).filter(|more| *more > 0)
}

/// Stands behind the candidates, and completes only what all of them have in common.
fn rest(typed: &str, texts: &[String], more: usize) -> Option<Pair> {
    let common =
        |one: &str, other: &str| one.chars().zip(other.chars()).take_while(|(one, other)| one == other).count();
    let first = texts.first()?;
    let length = texts.iter().map(|text| common(first, text)).min().unwrap_or(0);
    let shared: String = first.chars().take(length).collect();
    // A word in quotes begins otherwise than what was typed of it.
    let replacement = if shared.len() >= typed.len() { shared } else { typed.to_owned() };
    Some(Pair { display: in_words(more), replacement })
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

#[cfg(test)]
mod tests {
    use super::*;

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|index| format!("service-{index:03}")).collect()
    }

    #[test]
    fn a_list_that_fits_is_whole_and_a_longer_one_ends_with_how_many_more_there_are() {
        for (count, screen, more) in [
            (5, (80, 24), None),
            (126, (80, 24), None),
            // Columns become as wide as `(127 more: type on)`, so that fewer of them fit.
            (127, (80, 24), Some(65)),
            (800, (200, 50), Some(378)),
            (40, (10, 5), Some(39)),
            (40, (80, 1), Some(37)),
            (0, (80, 24), None),
        ] {
            assert_eq!(more_than_fit(&names(count), screen), more, "{count} on {screen:?}");
        }
    }

    #[test]
    fn what_stands_for_the_rest_completes_nothing_that_they_do_not_share() {
        for (typed, texts, replacement) in [
            ("", &["ab1", "ab2"][..], "ab"),
            ("a", &["ab1", "ab2"], "ab"),
            ("x", &["ab", "cd"], "x"),
            ("", &["a", "b"], ""),
        ] {
            let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
            let rest = rest(typed, &texts, 7).expect("there are candidates");
            assert_eq!((rest.display.as_str(), rest.replacement.as_str()), ("(7 more: type on)", replacement));
        }
    }
}
