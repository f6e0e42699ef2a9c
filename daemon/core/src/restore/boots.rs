//! How often a host's boot may fail before nothing is done by itself any more.
//!
//! ```text
//!   a boot that does not finish ──left > 0──▶ one less, reset
//!                                 └─ 0 ─────▶ counter as new, given up: it stays as it is until somebody asks
//!   up for five minutes, or asked for by somebody ──▶ counter as new
//! ```

use std::time::Duration;

/// A host that was up for so long has booted for good.
pub(super) const HELD: Duration = Duration::from_secs(300);
/// Nobody needs more.
pub const MOST_ATTEMPTS: u32 = 100;

/// The count of one host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Boots {
    /// As many as the board says.
    pub(super) limit: u32,
    /// So many are left.
    pub(super) left: u32,
    /// So many for the next boot that is asked for, instead of `limit`.
    pub(super) once: Option<u32>,
    /// They are used up; nothing is done by itself until somebody asks.
    pub(super) given_up: bool,
}

/// What follows from a boot that failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// Try again.
    Again,
    /// That was the last.
    GiveUp,
    /// It was given up before.
    Nothing,
}

impl Boots {
    /// A boot has failed.
    pub(super) const fn failed(&mut self) -> Next {
        if self.given_up {
            return Next::Nothing;
        }
        if self.left == 0 {
            self.left = self.limit;
            self.given_up = true;
            return Next::GiveUp;
        }
        self.left -= 1;
        Next::Again
    }

    /// It is up, and has been for a while.
    pub(super) const fn held(&mut self) {
        self.left = self.limit;
        self.given_up = false;
    }

    /// Somebody asks for a boot.
    pub(super) fn asked(&mut self) {
        self.left = self.once.take().unwrap_or(self.limit);
        self.given_up = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_are_used_up_once_and_an_operator_gives_new_ones() {
        let mut boots = Boots { limit: 2, left: 2, once: None, given_up: false };
        assert_eq!([boots.failed(), boots.failed(), boots.failed()], [Next::Again, Next::Again, Next::GiveUp]);
        assert_eq!((boots.left, boots.failed()), (2, Next::Nothing), "the counter is as new, and nothing is done");
        boots.once = Some(0);
        boots.asked();
        assert_eq!(boots.failed(), Next::GiveUp, "none this time");
        boots.asked();
        assert_eq!(boots.failed(), Next::Again, "used up");
        boots.held();
        assert_eq!(boots.left, 2);
    }
}
