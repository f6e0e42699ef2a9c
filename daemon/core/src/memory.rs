//! What outlives the daemon. The core says when it has changed and is given it back at the next start; the shell keeps it
//! so that power loss at any byte leaves the old or the new.

use std::collections::{BTreeMap, BTreeSet};

use crate::{ids::Name, services::Epoch};

/// What is remembered across restarts of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Power-ons of the chassis that were seen.
    pub chassis_power: u64,
    /// Boots of hosts that were seen.
    pub host_boot: u64,
    /// Chassis and hosts that had power when they were last looked at.
    pub powered: BTreeSet<Name>,
    /// Oneshots that have done their work, and when last.
    pub done: BTreeMap<Name, Done>,
}

/// When a oneshot did its work.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// Of what it runs once.
    pub epoch: Epoch,
    /// Which one that was: the BMC's boot id, or the number of the power-on or boot.
    pub mark: String,
}

/// What the core is told of the time before it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Differs with each boot of the BMC. Empty: not known, so nothing counts as done in this boot.
    pub bmc_boot: String,
    /// What was remembered last.
    pub memory: Memory,
}
