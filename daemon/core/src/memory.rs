//! What outlives the daemon. The core says when it has changed and is given it back at the next start; the shell keeps it
//! so that power loss at any byte leaves the old or the new.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{Name, OperationId, ScheduleId},
    input::Verb,
    operations::learned::Took,
    restore::{Power, RestorePolicy},
    services::Epoch,
    time::Wall,
};

/// What is remembered across restarts of the daemon.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// The boot of the controller in which every machine was judged last: whether it is to be powered on again. Empty:
    /// never.
    pub boot: String,
    /// The daemon that wrote this ended in order.
    pub in_order: bool,
    /// Which power-on it is, and what was done in it.
    pub epochs: EpochMemory,
    /// Of each chassis and host.
    pub machines: BTreeMap<Name, MachineMemory>,
    /// Operations.
    pub operations: OperationsMemory,
    /// Requests that wait for their time.
    pub schedules: BTreeMap<ScheduleId, ScheduleMemory>,
    /// The number of the last schedule that there ever was.
    pub last_schedule: u64,
    /// Zones whose trip is latched, and why.
    pub trips: BTreeMap<Name, String>,
}

/// Which power-on and which boot it is, and what oneshots have done in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct EpochMemory {
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

/// What is remembered of a chassis or a host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MachineMemory {
    /// What somebody asked for last. Absent: nobody did.
    pub requested: Option<Power>,
    /// What it was, the last time that it was that for some seconds. Absent: never yet.
    pub stable: Option<Power>,
    /// It is to be powered on again, and that is not done.
    pub restoring: bool,
    /// What an operator chose over the board's policy.
    pub restore: Option<RestorePolicy>,
    /// Chosen for the next time only.
    pub restore_once: Option<RestorePolicy>,
    /// Boots that may still fail. Absent: as many as the board says.
    pub boots_left: Option<u32>,
    /// So many for the next boot that is asked for, instead of the board's.
    pub boots_once: Option<u32>,
    /// Its boots have failed too often; nothing is done by itself until somebody asks.
    pub given_up: bool,
    /// How long what was asked of it took.
    pub took: Took,
}

/// What is remembered of operations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationsMemory {
    /// No operation before this number may have its number again. 0: there never was one.
    pub next: u64,
    /// Those that have not ended.
    pub running: BTreeMap<OperationId, OperationMemory>,
}

/// What is remembered of an operation that has not ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OperationMemory {
    /// e.g. `host-on`.
    pub kind: String,
    /// On what.
    pub target: String,
    /// Every machine that it drives.
    pub machines: BTreeSet<Name>,
    /// Who asked.
    pub actor: String,
    /// Why, in the asker's words.
    pub reason: String,
    /// When it was accepted. Absent: the clock was not known.
    pub begun: Option<Wall>,
}

/// A request that waits for its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScheduleMemory {
    /// When.
    pub at: Wall,
    /// Of which machine.
    pub machine: Name,
    /// What.
    pub verb: Verb,
    /// Who asked.
    pub actor: String,
    /// Why, in the asker's words.
    pub reason: String,
}

/// What the core is told of the time before it began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// Differs with each boot of the BMC. Empty: not known, so nothing counts as done in this boot.
    pub bmc_boot: String,
    /// How the controller of the hardware came up.
    pub controller: Boot,
    /// The wall clock now. Absent: not known.
    pub wall: Option<Wall>,
    /// What was remembered last.
    pub memory: Memory,
}

/// A boot of the controller that the hardware hangs on: the BMC; that of a simulated board is in the simulation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Boot {
    /// Differs with each. Empty: not known, so it counts as the same as ever.
    pub id: String,
    /// What began it.
    pub cause: BootCause,
}

/// What began a boot of the controller.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BootCause {
    /// The hardware does not tell.
    #[default]
    Unknown,
    /// Power came.
    PowerCame,
    /// It was reset, and had power all the time.
    Reset,
}
