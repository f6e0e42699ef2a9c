//! The words of the guardian's decision: what happens to it, how it stands, and what it does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use ubmc_core::{guarding::Takeover, time::Mono};

/// Why the guardian has taken over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The daemon has only just begun: nobody has driven the fans yet.
    Begin,
    /// The daemon has ended without a word.
    Died,
    /// The daemon has not beaten for too long: its loop, or a write to a fan, hangs.
    Silent,
    /// The daemon lives, but does not drive the fans.
    Undriven,
    /// The daemon had left in order, and nobody has taken over in time.
    NoHeir,
}

impl From<Why> for Takeover {
    fn from(why: Why) -> Self {
        match why {
            Why::Begin => Self::Begin,
            Why::Died => Self::Died,
            Why::Silent => Self::Silent,
            Why::Undriven => Self::Undriven,
            Why::NoHeir => Self::NoHeir,
        }
    }
}

/// Who has the fans.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nobody has asked it to watch over anything.
    Fresh,
    /// The daemon drives them.
    Watching,
    /// The guardian: they are at their fail-safe.
    InCharge {
        /// Since when.
        since: Mono,
        /// Why.
        why: Why,
    },
    /// Nobody: they keep the duties that they were left with.
    Holding {
        /// Until then.
        until: Mono,
    },
    /// It is over.
    Over,
}

/// What happens to the guardian.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A daemon asks it to watch over it.
    Hello {
        /// The daemon drives the fans already.
        driving: bool,
    },
    /// It goes on where another guardian was, which had the fans in this way.
    Inherit(Heritage),
    /// A beat of the ward.
    Beat {
        /// It drives the fans.
        driving: bool,
    },
    /// The ward leaves in order; the fans keep their duties for so long.
    Release {
        /// Zero: they go to fail-safe now.
        hold: Duration,
    },
    /// Another guardian has taken its place.
    Dismissed,
    /// The ward has ended, or its connection has.
    Lost,
    /// A signal asks it to end.
    Asked,
    /// It has lost its place, or no fan can be reached any more: without a ward nothing is left to be done.
    Futile,
    /// Time has passed.
    Tick,
}

/// How another guardian had the fans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heritage {
    /// It was in charge.
    InCharge {
        /// Why.
        why: Why,
        /// For how long.
        for_ms: u64,
    },
    /// It held them.
    Holding {
        /// For how long yet.
        left_ms: u64,
    },
}

/// What the guardian does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Write every fan's fail-safe duty. `anew`: the takeover itself, which is logged.
    Failsafe {
        /// It has just taken over.
        anew: bool,
    },
    /// Begin no write to a fan any more: they are somebody else's.
    LetGo,
    /// Feed the watchdog.
    Feed,
    /// Disarm the watchdog.
    Disarm,
    /// Tell the ward that it has the fans no more.
    TellTaken(Why),
    /// Tell the ward that it has the fans again, and how long the guardian had them.
    TellRelieved(Why, Duration),
    /// End.
    End,
}
