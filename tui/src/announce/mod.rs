//! The console in lines instead of frames: for `TERM=dumb`, for screen readers, for whoever logs what was said.
//!
//! The same app runs underneath, with the same rules for what interrupts something; only the face differs:
//!
//! - [`Speaker`]: what has changed since it last spoke, one sentence a line;
//! - [`typed`]: a line that was typed, as the keys that mean it;
//! - [`reading`]: a view, a thing or a question, as plain sentences;
//! - [`say`]: times, sizes and lists in words.
//!
//! Nothing is cut to a width: a sentence is as long as what it says.
//!
//! No clock, no I/O: the program prints what comes out of here.

mod before;
mod changes;
pub mod reading;
mod say;
pub mod typed;

use crate::{
    app::{Modal, Plan, State},
    view::format,
};
use before::Before;

/// More sentences than this at a time are not listened to.
const AT_ONCE: usize = 20;

/// Tells what has changed since it last spoke.
#[derive(Clone, Debug, Default)]
pub struct Speaker {
    before: Option<Before>,
}

impl Speaker {
    /// What has changed, one sentence each; at first, how everything is.
    pub fn hear(&mut self, state: &State) -> Vec<String> {
        let mut sentences = match &self.before {
            Some(before) => changes::since(before, state),
            None => Vec::new(),
        };
        let more = sentences.len().saturating_sub(AT_ONCE);
        sentences.truncate(AT_ONCE);
        if more > 0 {
            sentences
                .push(format!("and {}: type `overview` for how everything is", format::count(more, "more change")));
        }
        if let Some(before) = &self.before {
            sentences.extend(changes::arrived(before, state));
        }
        if let Some(question) = asked(self.before.as_ref(), state) {
            sentences.extend(question);
        }
        let met = self.before.as_ref().is_some_and(|before| before.met);
        let now = Before::of(state);
        self.before = Some(Before { met: met || now.met, ..now });
        sentences
    }
}

/// What stands in front now, when it was not there before or its answer has come.
fn asked(before: Option<&Before>, state: &State) -> Option<Vec<String>> {
    let modal = state.modal.as_ref()?;
    let said = before.and_then(|before| before.front.as_ref()).is_some_and(|old| *old == told(modal));
    if said { None } else { Some(reading::modal(state, modal)) }
}

/// As much of a question as makes it another one: not what has been typed of its answer.
fn told(modal: &Modal) -> String {
    match modal {
        Modal::Confirm(confirm) => {
            // A plan that was made anew is another one.
            let plan = match &confirm.plan {
                Plan::Asked(_) => "asked",
                Plan::Known(operation) => &format!("known {}", operation.revision),
                Plan::Foreseen(_) | Plan::None => "known",
                Plan::Refused(_) => "refused",
            };
            format!("{} {plan}", confirm.deed.title())
        }
        Modal::Why(shown) => format!("why {} {}", shown.name, shown.answer.is_ok()),
        Modal::Refused { what, refusal, .. } => format!("refused {what} {}", refusal.message),
        Modal::Menu(menu) => format!("{:?}", menu.target),
        Modal::Help(_) => "help".to_owned(),
        Modal::Filter { .. } | Modal::Search { .. } | Modal::Palette(_) | Modal::Progress { .. } => String::new(),
    }
}
