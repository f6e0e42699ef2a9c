//! What the guardian decides: who has the fans, whether the watchdog is fed, and when it is over. Pure: moments and
//! happenings in, actions out.
//!
//! ```text
//!           hello, nobody drives               beat that drives
//!   Fresh ─────────────────────────▶ InCharge ─────────────────▶ Watching
//!     │ hello, the fans are driven       ▲                        │    │
//!     └──────────────────────────────────┼────────────────────────┘    │
//!                                        │ no beat, death, nobody drives
//!                                        ◀─────────────────────────────┤
//!                                        │ time is up, and an heir     │ release
//!                                        │ has come                    ▼
//!                                        ◀────────────────────────── Holding ── time is up ──▶ Over (fail-safe, disarm)
//! ```
//!
//! - *ward*: the daemon that is watched over; it beats as long as its loop turns and its writes return.
//! - *beat that drives*: the ward says that it writes duties. One that says otherwise still feeds the watchdog: the daemon
//!   lives, but nobody cools.
//! - *holding*: the ward has left in order; its duties stand until its heir drives.

mod words;

#[cfg(test)]
mod tests;

use std::time::Duration;

use ubmc_core::time::Mono;

pub use self::words::{Action, Happening, Heritage, State, Why};

/// While in charge, fail-safe duties are written this often: fan chips go to full speed by themselves when nobody talks to
/// them for some seconds, and one that did not take its duty is tried again.
const REWRITE: Duration = Duration::from_secs(1);
/// A guardian that nobody has asked for anything ends.
const UNWANTED: Duration = Duration::from_secs(10);
/// The watchdog is fed at most this often; the shortest time-out of common watchdogs is far longer.
const FEED: Duration = Duration::from_secs(1);

/// The guardian's state, and what it goes by.
#[derive(Clone, Debug)]
pub struct Watch {
    state: State,
    /// No beat for so long means that the ward hangs.
    silence: Duration,
    /// There is somebody to watch over.
    ward: bool,
    /// The newest beat.
    beat: Mono,
    /// The newest beat that drove.
    driven: Mono,
    /// When the fail-safe was written last.
    written: Mono,
    /// How long the guardian whose place this one takes had been in charge: longer than this clock may reach back.
    before: Duration,
    /// When the watchdog was fed last. Absent: not yet.
    fed: Option<Mono>,
    begun: Mono,
}

impl Watch {
    /// Nobody has asked for anything.
    pub fn new(now: Mono, silence: Duration) -> Self {
        Self {
            state: State::Fresh,
            silence,
            ward: false,
            beat: now,
            driven: now,
            written: now,
            before: Duration::ZERO,
            fed: None,
            begun: now,
        }
    }

    /// Who has the fans.
    pub fn state(&self) -> State {
        self.state
    }

    /// Nobody is watched over.
    pub fn is_alone(&self) -> bool {
        !self.ward
    }

    /// How a guardian that takes this one's place should have the fans. Absent: as its ward says.
    pub fn heritage(&self, now: Mono) -> Option<Heritage> {
        let millis = |duration: Duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
        match self.state {
            State::InCharge { since, why } => Some(Heritage::InCharge { why, for_ms: millis(self.had(now, since)) }),
            State::Holding { until } => Some(Heritage::Holding { left_ms: millis(now.until(until)) }),
            State::Fresh | State::Watching | State::Over => None,
        }
    }

    /// When [`Happening::Tick`] is due. Absent: never.
    pub fn deadline(&self) -> Option<Mono> {
        match self.state {
            State::Fresh => Some(self.begun + UNWANTED),
            State::Watching => Some(self.beat.min(self.driven) + self.silence),
            State::InCharge { .. } => Some(self.written + REWRITE),
            State::Holding { until } => Some(self.fed.map_or(until, |fed| until.min(fed + FEED))),
            State::Over => None,
        }
    }

    /// What follows.
    pub fn handle(&mut self, now: Mono, happening: Happening) -> Vec<Action> {
        let mut actions = Vec::new();
        match happening {
            Happening::Hello { driving } => self.hello(now, driving, &mut actions),
            Happening::Inherit(heritage) => self.inherit(now, heritage, &mut actions),
            Happening::Beat { driving } => self.beaten(now, driving, &mut actions),
            Happening::Release { hold } => self.release(now, hold, &mut actions),
            Happening::Dismissed => self.end(&mut actions, &[Action::LetGo]),
            Happening::Lost => self.lost(now, &mut actions),
            Happening::Asked => self.asked(&mut actions),
            Happening::Futile if self.ward => {}
            Happening::Futile => {
                self.end(&mut actions, &[Action::Failsafe { anew: false }]);
            }
            Happening::Tick => {}
        }
        self.pass(now, &mut actions);
        actions
    }

    fn hello(&mut self, now: Mono, driving: bool, actions: &mut Vec<Action>) {
        self.ward = true;
        self.beat = now;
        self.driven = now;
        match self.state {
            State::Fresh if !driving => self.take_over(now, Why::Begin, actions),
            State::Fresh => self.state = State::Watching,
            // Whoever has come does not drive yet: until it does, all stays as it is.
            State::Watching if !driving => self.take_over(now, Why::Undriven, actions),
            State::Watching | State::InCharge { .. } | State::Holding { .. } | State::Over => {}
        }
    }

    fn inherit(&mut self, now: Mono, heritage: Heritage, actions: &mut Vec<Action>) {
        match heritage {
            Heritage::InCharge { why, for_ms } => {
                self.take_over(now, why, actions);
                self.before = Duration::from_millis(for_ms);
            }
            Heritage::Holding { left_ms } => {
                self.state = State::Holding { until: now + Duration::from_millis(left_ms) };
            }
        }
    }

    fn beaten(&mut self, now: Mono, driving: bool, actions: &mut Vec<Action>) {
        if !self.ward {
            return;
        }
        self.beat = now;
        self.feed(now, actions);
        if !driving {
            return;
        }
        self.driven = now;
        match self.state {
            State::InCharge { since, why } => {
                self.state = State::Watching;
                actions.extend([Action::LetGo, Action::TellRelieved(why, self.had(now, since))]);
            }
            State::Fresh | State::Holding { .. } => self.state = State::Watching,
            State::Watching | State::Over => {}
        }
    }

    fn release(&mut self, now: Mono, hold: Duration, actions: &mut Vec<Action>) {
        match self.state {
            State::Over => {}
            _ if hold.is_zero() => self.end(actions, &[Action::Failsafe { anew: true }, Action::Disarm]),
            State::Fresh | State::Watching | State::InCharge { .. } | State::Holding { .. } => {
                self.state = State::Holding { until: now + hold };
                // Whatever the fans are at is what they keep.
                actions.push(Action::LetGo);
            }
        }
    }

    fn lost(&mut self, now: Mono, actions: &mut Vec<Action>) {
        self.ward = false;
        match self.state {
            State::Watching => self.take_over(now, Why::Died, actions),
            State::InCharge { since, why: Why::Begin | Why::Silent | Why::Undriven } => {
                // What began as something else has become this: the watchdog is fed no more.
                self.state = State::InCharge { since, why: Why::Died };
            }
            State::Fresh => self.end(actions, &[]),
            State::InCharge { why: Why::Died | Why::NoHeir, .. } | State::Holding { .. } | State::Over => {}
        }
    }

    fn asked(&mut self, actions: &mut Vec<Action>) {
        match self.state {
            // The ward has the fans, and another guardian made at once.
            State::Fresh | State::Watching => self.end(actions, &[]),
            State::InCharge { .. } => self.end(actions, &[Action::Failsafe { anew: false }]),
            State::Holding { .. } => self.end(actions, &[Action::Failsafe { anew: true }, Action::Disarm]),
            State::Over => {}
        }
    }

    /// What the time alone leads to.
    fn pass(&mut self, now: Mono, actions: &mut Vec<Action>) {
        match self.state {
            State::Fresh if now >= self.begun + UNWANTED => self.end(actions, &[]),
            State::Watching if now >= self.beat + self.silence => self.take_over(now, Why::Silent, actions),
            State::Watching if now >= self.driven + self.silence => self.take_over(now, Why::Undriven, actions),
            State::InCharge { .. } if now >= self.written + REWRITE => {
                self.written = now;
                actions.push(Action::Failsafe { anew: false });
            }
            State::Holding { until } if now >= until && self.ward => self.take_over(now, Why::NoHeir, actions),
            State::Holding { until } if now >= until => {
                self.end(actions, &[Action::Failsafe { anew: true }, Action::Disarm]);
            }
            // Nobody beats meanwhile, and that is in order.
            State::Holding { .. } => self.feed(now, actions),
            State::Fresh | State::Watching | State::InCharge { .. } | State::Over => {}
        }
    }

    fn take_over(&mut self, now: Mono, why: Why, actions: &mut Vec<Action>) {
        self.state = State::InCharge { since: now, why };
        self.before = Duration::ZERO;
        self.written = now;
        actions.push(Action::Failsafe { anew: true });
        if self.ward {
            actions.push(Action::TellTaken(why));
        }
    }

    /// How long the fans have been at their fail-safe.
    fn had(&self, now: Mono, since: Mono) -> Duration {
        self.before + now.since(since)
    }

    fn feed(&mut self, now: Mono, actions: &mut Vec<Action>) {
        if self.fed.is_none_or(|fed| now >= fed + FEED) {
            self.fed = Some(now);
            actions.push(Action::Feed);
        }
    }

    fn end(&mut self, actions: &mut Vec<Action>, last: &[Action]) {
        self.state = State::Over;
        actions.extend_from_slice(last);
        actions.push(Action::End);
    }
}
