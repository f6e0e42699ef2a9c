//! A power supply as the board sees it: it is asked over one line, and answers over another.
//!
//! ```text
//!   power-chassis-control ──►  supply  ──► power-chassis-good
//!        (the board's)      on · silent · dead     (ours)
//! ```

use std::{str::FromStr, time::Duration};

use ubmc_core::time::Mono;

/// How long its outputs need until they are good. A real one takes some hundred milliseconds.
const RISE: Duration = Duration::from_millis(250);
/// And until they are gone, when it is switched off.
const FALL: Duration = Duration::from_millis(60);

/// What kind of supply it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It does as it is asked.
    On,
    /// It does not react any more: what it gives stays as it is.
    Silent,
    /// It has died: power-good falls at once and stays low.
    Dead,
}

/// No such mode.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is nothing that a supply can be: on (answers), silent (does not react), dead (power-good falls)")]
pub struct ModeError(String);

impl FromStr for Mode {
    type Err = ModeError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "on" => Ok(Self::On),
            "silent" => Ok(Self::Silent),
            "dead" => Ok(Self::Dead),
            _ => Err(ModeError(text.to_owned())),
        }
    }
}

impl Mode {
    /// As a person writes it.
    pub fn word(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Silent => "silent",
            Self::Dead => "dead",
        }
    }
}

/// The supply's state. It knows no clock: it is told.
#[derive(Clone, Copy, Debug)]
pub struct Supply {
    mode: Mode,
    good: bool,
    asked: bool,
    asked_at: Mono,
}

impl Supply {
    /// One that has just been plugged in.
    pub fn new(now: Mono) -> Self {
        Self { mode: Mode::On, good: false, asked: false, asked_at: now }
    }

    /// Makes it another kind.
    pub fn become_mode(&mut self, mode: Mode) {
        self.mode = mode;
    }

    /// What kind it is.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The level of power-good, now that the control line is as it is.
    pub fn step(&mut self, now: Mono, control: bool) -> bool {
        if control != self.asked {
            (self.asked, self.asked_at) = (control, now);
        }
        let needs = if self.asked { RISE } else { FALL };
        self.good = match self.mode {
            Mode::On if now.since(self.asked_at) >= needs => self.asked,
            Mode::On | Mode::Silent => self.good,
            Mode::Dead => false,
        };
        self.good
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_supply_answers_is_silent_or_dies() {
        // Milliseconds, what becomes of it, the control line, and the power-good that follows.
        let story = [
            (0, None, false, false),
            (100, None, true, false),
            (349, None, true, false),
            (350, None, true, true),
            (400, Some(Mode::Silent), false, true),
            (900, None, false, true),
            (1000, Some(Mode::On), false, false),
            (1100, None, true, false),
            (1350, None, true, true),
            (1360, Some(Mode::Dead), true, false),
            (1900, None, true, false),
            (2000, Some(Mode::On), true, true),
            (2010, None, false, true),
            (2070, None, false, false),
        ];
        let mut supply = Supply::new(Mono::default());
        for (millis, mode, control, good) in story {
            if let Some(mode) = mode {
                supply.become_mode(mode);
            }
            let now = Mono::default() + Duration::from_millis(millis);
            assert_eq!(supply.step(now, control), good, "at {millis} ms");
        }
    }

    #[test]
    fn modes_are_read_as_they_are_written() {
        for mode in [Mode::On, Mode::Silent, Mode::Dead] {
            assert_eq!(mode.word().parse(), Ok(mode));
        }
        assert!("off".parse::<Mode>().is_err());
    }
}
