//! What becomes known of the guardian, and how the core is told.

use std::time::Duration;

use ubmc_core::{
    guarding::{Guardian, Takeover},
    input::Input,
};

use super::super::watch::Why;

/// What becomes known of the guardian.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It watches.
    Watching {
        /// Its process.
        pid: u32,
    },
    /// It has ended, or hangs; another is being made.
    Lost {
        /// One sentence.
        why: String,
    },
    /// None can be made; it is tried again.
    Absent {
        /// One sentence.
        why: String,
    },
    /// It has taken the fans over.
    Taken {
        /// Why.
        why: Why,
    },
    /// It has given them back.
    Relieved {
        /// Why it had them.
        why: Why,
        /// For how long.
        held: Duration,
    },
}

impl From<News> for Input {
    fn from(news: News) -> Self {
        let takeover = |why| match why {
            Why::Begin => Takeover::Begin,
            Why::Died => Takeover::Died,
            Why::Silent => Takeover::Silent,
            Why::Undriven => Takeover::Undriven,
            Why::NoHeir => Takeover::NoHeir,
        };
        Self::Guardian(match news {
            News::Watching { pid } => Guardian::Watching { pid },
            News::Lost { why } => Guardian::Lost { why },
            News::Absent { why } => Guardian::Absent { why },
            News::Taken { why } => Guardian::Taken { why: takeover(why) },
            News::Relieved { why, held } => Guardian::Relieved { why: takeover(why), held },
        })
    }
}
