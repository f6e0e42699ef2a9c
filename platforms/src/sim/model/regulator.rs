//! Power of the chassis or of a host, from its control line to its power-good line.
//!
//! ```text
//!        wanted and fed             delay over, not `never`
//!   Off ────────────────▶ Rising ───────────────────────────▶ Good
//!    ▲ ◀── not wanted, or ──┴───── not fed any more ───────────┤
//!    │                                                         │ fault, or the host let go
//!    └──────────── not wanted, or not fed ──────── Latched ◀───┘
//! ```
//!
//! Latched: off although wanted. Only taking the wish (or all power) away and giving it again brings it back, as
//! with the regulators and the ACPI soft-off of real machines.

use std::time::Duration;

/// The state of one regulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Regulator {
    Off,
    Rising { left: Duration },
    Good,
    Latched,
}

/// What a regulator depends on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Conditions {
    /// Its control line is high.
    pub(super) wanted: bool,
    /// What it is fed from is good.
    pub(super) fed: bool,
    /// The fault power-good-lost.
    pub(super) lost: bool,
    /// The fault power-good-never.
    pub(super) never: bool,
    /// How long it takes to come up.
    pub(super) delay: Duration,
}

impl Regulator {
    /// Gives power that is good.
    pub(super) const fn is_good(self) -> bool {
        matches!(self, Self::Good)
    }

    /// Gives power, good or not yet good.
    pub(super) const fn is_live(self) -> bool {
        matches!(self, Self::Good | Self::Rising { .. })
    }

    /// Until it changes by itself.
    pub(super) const fn deadline(self) -> Option<Duration> {
        match self {
            Self::Rising { left } => Some(left),
            Self::Off | Self::Good | Self::Latched => None,
        }
    }

    /// The state after `dt` under these conditions.
    pub(super) fn next(self, dt: Duration, now: Conditions) -> Self {
        match (self, now.wanted && now.fed) {
            (_, false) => Self::Off,
            (Self::Off, true) if now.lost => Self::Off,
            (Self::Off, true) => Self::Rising { left: now.delay },
            (Self::Rising { .. } | Self::Good, true) if now.lost => Self::Latched,
            (Self::Rising { left }, true) => match left.saturating_sub(dt) {
                Duration::ZERO if !now.never => Self::Good,
                left => Self::Rising { left },
            },
            (Self::Good, true) => Self::Good,
            (Self::Latched, true) => Self::Latched,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DELAY: Duration = Duration::from_millis(300);

    /// Letters: w wanted, f fed, l lost, n never; each step takes 200 ms.
    fn check(steps: &[(&str, &str)]) {
        let mut regulator = Regulator::Off;
        for (step, (conditions, expected)) in steps.iter().enumerate() {
            let has = |letter| conditions.contains(letter);
            let conditions =
                Conditions { wanted: has('w'), fed: has('f'), lost: has('l'), never: has('n'), delay: DELAY };
            regulator = regulator.next(Duration::from_millis(200), conditions);
            let state = match regulator {
                Regulator::Off => "off",
                Regulator::Rising { .. } => "rising",
                Regulator::Good => "good",
                Regulator::Latched => "latched",
            };
            assert_eq!(state, *expected, "step {step} of {steps:?}");
        }
    }

    #[test]
    fn power_is_good_after_the_delay_while_wanted_and_fed() {
        check(&[("w", "off"), ("wf", "rising"), ("wf", "rising"), ("wf", "good"), ("wf", "good"), ("f", "off")]);
        check(&[("wf", "rising"), ("wf", "rising"), ("wf", "good"), ("w", "off"), ("wf", "rising")]);
    }

    #[test]
    fn a_lost_regulator_stays_off_until_the_wish_is_renewed() {
        check(&[("wf", "rising"), ("wfl", "latched"), ("wf", "latched"), ("f", "off"), ("wf", "rising")]);
        check(&[("wfl", "off"), ("wf", "rising")]);
    }

    #[test]
    fn a_regulator_that_never_comes_up_comes_up_when_the_fault_is_gone() {
        check(&[
            ("wfn", "rising"),
            ("wfn", "rising"),
            ("wfn", "rising"),
            ("wfn", "rising"),
            ("wf", "good"),
            ("wfn", "good"),
        ]);
    }
}
