//! The command palette: lines of `ubmcctl`, found by any part of them, completed, or typed in full.
//!
//! - [`offers`]: what can be chosen: every line that the definition and the model's names make and the console can do;
//!   and where none of them fits what is typed, what can be typed next;
//! - [`meaning`]: what a line means here; [`commands`]: for each command of `ubmcctl`;
//! - [`names`]: the model as a source of names;
//! - here: the keys.

mod commands;
pub(crate) mod meaning;
mod names;
mod offers;

pub use meaning::Command;
pub(crate) use offers::{Offer, chosen, offers};

use super::{Code, Effect, Key, Line, Modal, State};

/// The palette as it stands open.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Palette {
    /// What has been typed.
    pub line: Line,
    /// The selected one of what is offered.
    pub selected: usize,
    /// What was wrong with the line when it was to be run; gone with the next key that edits it.
    pub problem: Option<String>,
}

impl Palette {
    /// Begins with this text.
    pub(super) fn with(text: &str) -> Self {
        Self { line: Line::new(text), ..Self::default() }
    }

    /// Takes text that was pasted.
    pub(super) fn insert(&mut self, text: &str) {
        self.line.insert(text);
        (self.selected, self.problem) = (0, None);
    }
}

/// Takes a key while the palette is open.
pub(super) fn key(state: &mut State, mut palette: Palette, key: Key, effects: &mut Vec<Effect>) {
    // What is offered is looked for only by keys that choose: typing has to be quick on a slow BMC.
    let chooses = matches!(key.code, Code::Up | Code::Down | Code::Tab | Code::Enter);
    let offered = if chooses { offers(&state.model, palette.line.text()) } else { Vec::new() };
    let last = offered.len().saturating_sub(1);
    if chooses {
        palette.selected = palette.selected.min(last);
    }
    match key.code {
        Code::Esc => return,
        Code::Up => palette.selected = palette.selected.saturating_sub(1),
        Code::Down => palette.selected = (palette.selected + 1).min(last),
        Code::Tab => {
            if let Some(offer) = offered.get(palette.selected) {
                palette = Palette::with(&format!("{} ", offer.line));
            }
        }
        Code::Enter => match enter(state, &palette, offered.get(palette.selected)) {
            Entered::Run(command) => return meaning::carry_out(state, command, effects),
            Entered::GoOn(line) => palette = Palette::with(&line),
            Entered::Wrong(problem) => palette.problem = Some(problem),
        },
        _ => {
            if palette.line.edit(key) {
                (palette.selected, palette.problem) = (0, None);
            }
        }
    }
    state.modal = Some(Modal::Palette(palette));
}

/// What Enter brings.
enum Entered {
    Run(Command),
    /// A word was completed: the line is not finished.
    GoOn(String),
    Wrong(String),
}

/// A line that was typed in full is what is meant, unless something else was selected on purpose.
fn enter(state: &State, palette: &Palette, selected: Option<&Offer>) -> Entered {
    let typed = palette.line.text().trim();
    let as_typed = meaning::understand(&state.model, typed);
    if palette.selected == 0
        && let Ok(command) = as_typed
    {
        return Entered::Run(command);
    }
    match (selected, as_typed) {
        (Some(offer), _) if offer.whole => match meaning::understand(&state.model, &offer.line) {
            Ok(command) => Entered::Run(command),
            Err(unfit) => Entered::Wrong(unfit.to_string()),
        },
        // A word that was chosen; what merely stands first is not put into the mouth of whoever presses Enter.
        (Some(offer), _) if palette.selected > 0 => Entered::GoOn(format!("{} ", offer.line)),
        (_, Ok(command)) => Entered::Run(command),
        (_, Err(unfit)) => Entered::Wrong(unfit.to_string()),
    }
}
