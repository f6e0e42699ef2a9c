//! Whether a machine that was found off is powered on again: one decision, from what kind of start this is, what is
//! remembered of the machine, and its policy. `docs/power.md` has it as a table, with the reasons.

use std::{fmt, time::Duration};

use crate::memory::BootCause;

/// On or off, as people ask for it and as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Power {
    /// On.
    On,
    /// Off.
    Off,
}

impl Power {
    /// As files and the API write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }

    /// Reads what [`Power::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::On, Self::Off].into_iter().find(|power| power.as_str() == text)
    }

    /// On when `powered`.
    pub const fn of(powered: bool) -> Self {
        if powered { Self::On } else { Self::Off }
    }
}

/// What is done with a machine that is off when power is back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RestorePolicy {
    /// Power it on.
    AlwaysOn,
    /// Leave it off, and do not power it on for the sake of what is in it either.
    AlwaysOff,
    /// As it was asked to be, or as it was: see [`judge`].
    LastState,
    /// Leave it as it is found. A chassis is powered on for the sake of its hosts.
    #[default]
    None,
}

impl RestorePolicy {
    /// All of them, in the order in which people read them.
    pub const ALL: [Self; 4] = [Self::AlwaysOn, Self::AlwaysOff, Self::LastState, Self::None];

    /// As files and the API write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlwaysOn => "always-on",
            Self::AlwaysOff => "always-off",
            Self::LastState => "last-state",
            Self::None => "none",
        }
    }

    /// Reads what [`RestorePolicy::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == text)
    }
}

impl fmt::Display for RestorePolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What a board says of how a machine comes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestoreSpec {
    /// Unless an operator chooses another.
    pub policy: RestorePolicy,
    /// From the moment the BMC is ready.
    pub delay: Duration,
    /// Boots in a row that may fail and are tried again.
    pub boot_attempts: u32,
}

impl Default for RestoreSpec {
    fn default() -> Self {
        Self { policy: RestorePolicy::None, delay: Duration::ZERO, boot_attempts: 3 }
    }
}

/// What kind of start of the daemon this is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The daemon alone: the controller has run all the time.
    SameBoot,
    /// The controller has booted since.
    NewBoot {
        /// What the hardware says of why.
        cause: BootCause,
        /// The daemon before had ended in order.
        in_order: bool,
    },
}

/// What the decision on one machine rests on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    /// What holds for it.
    pub(super) policy: RestorePolicy,
    /// It is to be powered on again since an earlier start, and that is not done.
    pub(super) restoring: bool,
    /// What was asked for last.
    pub(super) requested: Option<Power>,
    /// What it was for some seconds, last.
    pub(super) stable: Option<Power>,
    /// An operation that drives it was cut off.
    pub(super) interrupted: bool,
    /// It was found with power, or may have it for all that is known.
    pub(super) found_on: bool,
    /// What it stands in was found with power: the hardware has outlived the controller.
    pub(super) parent_found_on: bool,
}

/// What comes of it, each with its reason, a sentence without a full stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Leave it alone.
    Leave(&'static str),
    /// Power it on.
    PowerOn(&'static str),
}

/// Whether the machine has lost its power since it was looked at last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loss {
    Yes,
    No,
    /// It was off before as well, and the hardware does not tell.
    Maybe,
}

/// The decision.
pub(super) fn judge(start: Start, standing: Standing) -> Verdict {
    use Verdict::{Leave, PowerOn};
    if standing.found_on {
        return Leave("it was found on");
    }
    if standing.parent_found_on {
        return Leave("what it stands in was found on: the BMC alone was away");
    }
    if standing.restoring {
        return PowerOn("it was to be powered on before the BMC or ubmcd was interrupted");
    }
    let Start::NewBoot { cause, in_order } = start else { return Leave("ubmcd alone was restarted") };
    let loss = loss(cause, in_order, standing);
    match standing.policy {
        RestorePolicy::None => Leave("its policy is `none`"),
        RestorePolicy::AlwaysOff => Leave("its policy is `always-off`"),
        RestorePolicy::AlwaysOn => match (loss, standing.stable, standing.requested) {
            (Loss::Yes, ..) => PowerOn("power is back, and its policy is `always-on`"),
            (Loss::No | Loss::Maybe, _, Some(Power::Off)) => {
                Leave("it was asked to be off, and nothing says that power was lost")
            }
            (Loss::No, Some(Power::On), _) => PowerOn("it was on before the BMC was reset"),
            (Loss::No, Some(Power::Off) | None, _) => Leave("it was off before the BMC was reset"),
            (Loss::Maybe, _, Some(Power::On) | None) => {
                PowerOn("power may have been lost, and its policy is `always-on`")
            }
        },
        RestorePolicy::LastState => {
            // Off that was asked for may not have lasted long enough yet to be kept as the state.
            let asked = standing.requested == Some(Power::Off) || loss == Loss::Yes && standing.requested.is_some();
            match (if asked { standing.requested } else { standing.stable }, asked) {
                (Some(Power::On), true) => PowerOn("power is back, and it was asked to be on"),
                (Some(Power::On), false) => PowerOn("power is back, and it was on before"),
                (Some(Power::Off), true) => Leave("it was asked to be off"),
                (Some(Power::Off), false) => Leave("it was off before"),
                (None, _) => Leave("nothing is known of how it was before"),
            }
        }
    }
}

fn loss(cause: BootCause, in_order: bool, standing: Standing) -> Loss {
    match (cause, standing.stable) {
        (BootCause::Reset, _) => Loss::No,
        (BootCause::Unknown, Some(Power::On) | None) if standing.requested == Some(Power::Off) => Loss::Maybe,
        // It was on, or nobody ever saw it, or something was being done with it; and now it is off.
        (BootCause::PowerCame, _) | (BootCause::Unknown, Some(Power::On) | None) => Loss::Yes,
        (BootCause::Unknown, Some(Power::Off)) if standing.interrupted => Loss::Yes,
        (BootCause::Unknown, Some(Power::Off)) if in_order => Loss::No,
        (BootCause::Unknown, Some(Power::Off)) => Loss::Maybe,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `start requested stable → verdict under always-on, always-off, last-state, none`; `+`: powered on, `-`: left.
    fn check(rows: &str) {
        for row in rows.lines().map(str::trim).filter(|row| !row.is_empty()) {
            let words: Vec<_> = row.split_whitespace().collect();
            let [start, requested, stable, _, expected] = words.as_slice() else { panic!("{row}") };
            let new = |cause, in_order| Start::NewBoot { cause, in_order };
            let start = match *start {
                "daemon" => Start::SameBoot,
                "ac" => new(BootCause::PowerCame, false),
                "reset" => new(BootCause::Reset, false),
                "boot" => new(BootCause::Unknown, false),
                "reboot" => new(BootCause::Unknown, true),
                other => panic!("{other}"),
            };
            let standing = Standing {
                policy: RestorePolicy::None,
                restoring: false,
                requested: Power::parse(requested),
                stable: Power::parse(stable.trim_end_matches('!')),
                interrupted: stable.ends_with('!'),
                found_on: false,
                parent_found_on: false,
            };
            let verdict = |policy| match judge(start, Standing { policy, ..standing }) {
                Verdict::PowerOn(_) => '+',
                Verdict::Leave(_) => '-',
            };
            let found: String = RestorePolicy::ALL.into_iter().map(verdict).collect();
            assert_eq!(found, *expected, "{row}");
            for policy in RestorePolicy::ALL {
                for (found_on, parent_found_on) in [(true, false), (true, true), (false, true)] {
                    for restoring in [false, true] {
                        let standing = Standing { policy, restoring, found_on, parent_found_on, ..standing };
                        assert!(matches!(judge(start, standing), Verdict::Leave(_)), "{row}: never touched");
                    }
                }
            }
        }
    }

    #[test]
    fn each_policy_after_each_kind_of_start() {
        // Columns: always-on, always-off, last-state, none. `!`: an operation on it was cut off.
        check(
            "
            daemon  on   on   ->  ----
            daemon  on   off  ->  ----
            daemon  off  off  ->  ----
            daemon  -    -    ->  ----
            ac      on   on   ->  +-+-
            ac      on   off  ->  +-+-
            ac      off  on   ->  +---
            ac      off  off  ->  +---
            ac      -    on   ->  +-+-
            ac      -    off  ->  +---
            ac      -    -    ->  +---
            reset   on   on   ->  +-+-
            reset   on   off  ->  ----
            reset   off  on   ->  ----
            reset   off  off  ->  ----
            reset   -    -    ->  ----
            boot    on   on   ->  +-+-
            boot    off  on   ->  ----
            boot    on   off  ->  +---
            boot    on   off! ->  +-+-
            boot    off  off  ->  ----
            boot    -    off  ->  +---
            boot    -    -    ->  +---
            reboot  on   on   ->  +-+-
            reboot  on   off  ->  ----
            reboot  off  off  ->  ----
            reboot  -    off  ->  ----
            ",
        );
    }

    #[test]
    fn what_was_begun_is_finished_whatever_interrupted_it() {
        let standing = Standing {
            policy: RestorePolicy::AlwaysOn,
            restoring: true,
            requested: None,
            stable: Some(Power::Off),
            interrupted: false,
            found_on: false,
            parent_found_on: false,
        };
        assert!(matches!(judge(Start::SameBoot, standing), Verdict::PowerOn(_)));
    }

    #[test]
    fn words_are_read_as_they_are_written() {
        for policy in RestorePolicy::ALL {
            assert_eq!(RestorePolicy::parse(policy.as_str()), Some(policy));
        }
        assert_eq!(RestorePolicy::parse("always"), None);
        assert_eq!(
            [Power::parse("on"), Power::parse("off"), Power::parse("")],
            [Some(Power::On), Some(Power::Off), None]
        );
    }
}
