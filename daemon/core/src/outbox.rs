//! Where the rooms of the core put what they decide while one input is handled: effects, events, deadlines.

use crate::{
    effect::{Effect, Effects},
    event::{Event, Field, Severity},
    ids::{CauseId, Name},
    time::Mono,
    timers::{Timer, Timers},
};

/// What began something: a command or a happening outside. Everything it brings about carries it on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Shared number.
    pub id: CauseId,
    /// Who asked; empty when nobody did.
    pub actor: Name,
}

impl Default for Cause {
    fn default() -> Self {
        Self { id: CauseId(0), actor: "".into() }
    }
}

/// Collects what one input leads to.
#[derive(Clone, Debug)]
pub struct Outbox {
    now: Mono,
    cause: Cause,
    next_seq: u64,
    next_cause: u64,
    /// Deadlines, across inputs.
    pub timers: Timers,
    effects: Effects,
}

impl Default for Outbox {
    fn default() -> Self {
        Self {
            now: Mono::ZERO,
            cause: Cause::default(),
            next_seq: 1,
            next_cause: 1,
            timers: Timers::default(),
            effects: Effects::default(),
        }
    }
}

impl Outbox {
    /// A new input arrived at `now`.
    pub fn begin(&mut self, now: Mono) {
        // The clock of the caller is monotonic; a step back would be a defect of the shell and must not harm.
        self.now = self.now.max(now);
    }

    /// Takes what has been collected.
    pub fn finish(&mut self) -> Effects {
        std::mem::take(&mut self.effects)
    }

    /// The time of the input.
    pub const fn now(&self) -> Mono {
        self.now
    }

    /// The newest event's number; 0 before the first.
    pub const fn last_seq(&self) -> u64 {
        self.next_seq - 1
    }

    /// What is being reacted to.
    pub fn cause(&self) -> Cause {
        self.cause.clone()
    }

    /// From here on, everything is due to `cause`.
    pub fn because(&mut self, cause: Cause) {
        self.cause = cause;
    }

    /// From here on, everything is due to something new; `actor` is empty when nobody asked.
    pub fn new_cause(&mut self, actor: &str) -> Cause {
        let cause = Cause { id: CauseId(self.next_cause), actor: actor.into() };
        self.next_cause += 1;
        self.cause = cause.clone();
        cause
    }

    /// Something happened.
    pub fn event(
        &mut self,
        subject: String,
        source: &'static str,
        severity: Severity,
        text: String,
        fields: Vec<(&'static str, Field)>,
    ) {
        self.effects.events.push(Event {
            seq: self.next_seq,
            mono: self.now,
            subject,
            source,
            severity,
            cause: self.cause.id,
            actor: self.cause.actor.to_string(),
            text,
            fields,
        });
        self.next_seq += 1;
    }

    /// Something is to be done.
    pub fn deed(&mut self, effect: Effect) {
        self.effects.deeds.push(effect);
    }

    /// Whose view changed.
    pub fn changed(&mut self) -> &mut crate::effect::Changed {
        &mut self.effects.changed
    }

    /// Arms a deadline.
    pub fn arm(&mut self, timer: Timer, at: Mono) {
        self.timers.arm(timer, at);
    }

    /// Removes a deadline.
    pub fn cancel(&mut self, timer: Timer) {
        self.timers.cancel(timer);
    }
}
