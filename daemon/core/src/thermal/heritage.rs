//! What the last daemon left the fans of a zone at. After an end in order its heir goes on from there instead of blowing
//! them up to fail-safe and down again; a daemon that has died leaves nothing.
//!
//! ```text
//!   starting, 10 s at most ──▶ the duty as it was      controlled ──▶ worn down, 2 % a second, to what is asked for
//!   anything else ──▶ forgotten: protection has the word
//! ```

use std::time::Duration;

use crate::{time::Mono, units::Duty, view::ZoneState};

/// How long it stands while sensors have yet to be read; then what is unknown is fail-safe, as ever.
const STANDS: Duration = Duration::from_secs(10);
/// How fast it wears off, in percent per second: a controller that has to learn anew gets the time for it.
const WEAR: f64 = 2.0;

/// A duty that somebody else had chosen.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Heritage {
    duty: Duty,
    until: Mono,
    /// Since when the zone is controlled.
    worn_since: Option<Mono>,
}

impl Heritage {
    pub(super) fn new(duty: Duty, now: Mono) -> Self {
        Self { duty, until: now + STANDS, worn_since: None }
    }

    /// What it demands of a zone in that state, whose controllers ask for `asked`. None: nothing any more, for good.
    pub(super) fn demands(&mut self, state: ZoneState, asked: Duty, now: Mono) -> Option<Duty> {
        match state {
            ZoneState::Starting => (now < self.until).then_some(self.duty),
            ZoneState::Controlled => {
                let since = *self.worn_since.get_or_insert(now);
                let worn = Duty::new(self.duty.percent() - WEAR * now.since(since).as_secs_f64());
                (worn > asked).then_some(worn)
            }
            ZoneState::Failsafe | ZoneState::Critical | ZoneState::CoolDown | ZoneState::Tripped => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_stands_while_sensors_are_read_and_then_wears_off() {
        use ZoneState::{Controlled, Failsafe, Starting};
        let check = |steps: &[(u64, ZoneState, f64, Option<f64>)]| {
            let mut heritage = Heritage::new(Duty::new(60.0), Mono::from_millis(0));
            for (ms, state, asked, expected) in steps {
                let demanded = heritage.demands(*state, Duty::new(*asked), Mono::from_millis(*ms));
                assert_eq!(demanded.map(Duty::percent), *expected, "{steps:?} at {ms} ms");
            }
        };
        check(&[(0, Starting, 25.0, Some(60.0)), (9_999, Starting, 25.0, Some(60.0)), (10_000, Starting, 25.0, None)]);
        check(&[
            (500, Starting, 25.0, Some(60.0)),
            (1_000, Controlled, 25.0, Some(60.0)),
            (2_000, Controlled, 25.0, Some(58.0)),
            (6_000, Controlled, 49.0, Some(50.0)),
            (6_500, Controlled, 49.0, None),
        ]);
        check(&[(100, Controlled, 70.0, None)]);
        check(&[(100, Failsafe, 25.0, None)]);
    }
}
