//! Before anything is done: what will happen, and whether that is wanted.
//!
//! ```text
//!            plan arrives            harmless: Cancel has the keys, Tab moves on, Enter presses
//!   asked ───────────────▶ known ──▶ destructive: Enter does it only after the target's name was typed
//!     │                      │
//!     └──────▶ refused       └─Esc, or Enter on Cancel or on an empty line─▶ nothing was done
//! ```
//!
//! What the plan rests on may change while the question stands: then the plan is asked for anew ([`Confirm::renewal`]),
//! and when it is another one, the name has to be typed again.

use super::{Deed, Line, Token};
use crate::model::{Operation, OperationState, Refusal, WhatIf};

/// What will happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Plan {
    /// The daemon has been asked.
    Asked(Token),
    /// The daemon's plan.
    Known(Box<Operation>),
    /// What the daemon says would follow.
    Foreseen(Box<WhatIf>),
    /// The daemon makes none for this.
    None,
    /// The daemon would refuse it.
    Refused(Refusal),
}

/// What takes the keys of a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Focus {
    /// The target's name, where it has to be typed.
    Target,
    /// Why it is done, where the daemon can be told.
    Reason,
    /// Leaving it.
    Cancel,
    /// Doing it.
    Do,
}

/// A question with Cancel as its default.
#[derive(Clone, Debug, PartialEq)]
pub struct Confirm {
    /// What is to be done.
    pub deed: Deed,
    /// What will happen then.
    pub plan: Plan,
    /// For destructive deeds: what has been typed of the target's name.
    pub typed: Line,
    /// Why it is done, for the audit trail; may stay empty.
    pub reason: Line,
    /// What takes the keys.
    pub focus: Focus,
    /// Rows by which the plan is scrolled.
    pub scrolled: usize,
    /// What the plan rests on, as it was when the plan was asked for.
    pub(super) basis: Vec<String>,
    /// The plan has been asked for anew under this token: the one that is shown may not hold any more.
    pub renewal: Option<Token>,
    /// This plan is another one than the question began with.
    pub renewed: bool,
    /// There is nothing to do: the machine is there already.
    pub idle: bool,
    /// Nothing is done from here: the plan is only looked at.
    pub looks_only: bool,
    /// Text has arrived at the buttons, where none is typed: letters do not move until a key does.
    pub(super) strayed: bool,
}

/// What Enter means now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Do it.
    Do,
    /// Leave it.
    Cancel,
    /// Neither: the name is not right, or the plan is not there yet.
    Stay,
    /// The line is complete: on to what comes next.
    GoOn,
}

impl Confirm {
    /// A question about `deed`, for this reason as far as one is known.
    pub fn new(deed: Deed, plan: Plan, reason: String) -> Self {
        let focus = if deed.is_destructive() { Focus::Target } else { Focus::Cancel };
        Self {
            deed,
            plan,
            typed: Line::default(),
            reason: Line::new(reason),
            focus,
            scrolled: 0,
            basis: Vec::new(),
            renewal: None,
            renewed: false,
            idle: false,
            looks_only: false,
            strayed: false,
        }
    }

    /// Nothing is done from here.
    pub(super) fn only_look(&mut self) {
        self.looks_only = true;
        self.press(Focus::Cancel);
    }

    /// Whether the answer under this token is its plan.
    pub(super) fn awaits(&self, token: Token) -> bool {
        self.renewal == Some(token) || matches!(&self.plan, Plan::Asked(asked) if *asked == token)
    }

    /// The plan has come, and whether there is anything to do by it. One that differs from what was shown has to be
    /// confirmed by itself: what was typed for the other does not count.
    pub(super) fn take(&mut self, plan: Plan, idle: bool) {
        let differs = match (&self.plan, &plan) {
            (Plan::Asked(_), _) => false,
            (Plan::Known(old), Plan::Known(new)) => {
                old.revision != new.revision || old.conditions.is_empty() != new.conditions.is_empty()
            }
            (old, new) => old != new,
        } || idle != self.idle && !matches!(self.plan, Plan::Asked(_));
        if differs {
            (self.renewed, self.scrolled) = (true, 0);
            self.typed = Line::default();
            if self.focus == Focus::Do {
                self.press(if self.deed.is_destructive() { Focus::Target } else { Focus::Cancel });
            }
        }
        (self.plan, self.idle, self.renewal) = (plan, idle, None);
        if self.leaves_only() {
            self.press(Focus::Cancel);
        } else if differs && self.focus == Focus::Cancel && self.deed.is_destructive() {
            self.press(Focus::Target);
        }
    }

    /// Whether the plan is known and can be carried out.
    pub fn can_be_done(&self) -> bool {
        if self.idle || self.looks_only {
            return false;
        }
        match &self.plan {
            Plan::Known(operation) => operation.conditions.is_empty() && operation.state != OperationState::Refused,
            // What goes along is asked for with it, so what the daemon names as obstacles is shown and not in the way.
            Plan::None | Plan::Foreseen(_) => true,
            Plan::Asked(_) | Plan::Refused(_) => false,
        }
    }

    /// Whether nothing but leaving is possible.
    pub fn leaves_only(&self) -> bool {
        self.looks_only || !self.can_be_done() && !matches!(self.plan, Plan::Asked(_))
    }

    /// That the plan is not the one that was shown before.
    pub fn changed(&self) -> &'static str {
        match &self.deed {
            Deed::Transition { .. } => "the machine has changed: this is the new plan",
            _ => "things have changed: this is what would happen now",
        }
    }

    /// What Enter means now.
    pub fn verdict(&self) -> Verdict {
        if self.leaves_only() {
            return Verdict::Cancel;
        }
        let name = self.typed.text().trim();
        let named = !self.deed.is_destructive() || name == &*self.deed.target();
        match self.focus {
            Focus::Cancel => Verdict::Cancel,
            Focus::Target if name.is_empty() => Verdict::Cancel,
            Focus::Reason => Verdict::GoOn,
            Focus::Target | Focus::Do if named && self.can_be_done() && self.renewal.is_none() => Verdict::Do,
            Focus::Target | Focus::Do => Verdict::Stay,
        }
    }

    /// The keys go to the next (true) or the one before: target, reason, Cancel, doing it, and around.
    pub(super) fn step(&mut self, forward: bool) {
        let all = [
            (Focus::Target, !self.leaves_only() && self.deed.is_destructive()),
            (Focus::Reason, !self.leaves_only() && self.deed.takes_reason()),
            (Focus::Cancel, true),
            (Focus::Do, !self.leaves_only()),
        ];
        let there: Vec<Focus> = all.into_iter().filter(|(_, there)| *there).map(|(focus, _)| focus).collect();
        let at = there.iter().position(|focus| *focus == self.focus).unwrap_or(0);
        let by = if forward { 1 } else { there.len() - 1 };
        self.press(there.get((at + by) % there.len()).copied().unwrap_or(Focus::Cancel));
    }

    /// The keys go there, by a key.
    pub(super) fn press(&mut self, to: Focus) {
        (self.focus, self.strayed) = (to, false);
    }

    /// Text that nobody can have meant for a button leads back to leaving it.
    pub(super) fn stray(&mut self) {
        (self.focus, self.strayed) = (Focus::Cancel, true);
    }

    /// The line that is being typed. None: a button has the keys.
    pub(super) fn line(&mut self) -> Option<&mut Line> {
        match self.focus {
            Focus::Target => Some(&mut self.typed),
            Focus::Reason => Some(&mut self.reason),
            Focus::Cancel | Focus::Do => None,
        }
    }
}
