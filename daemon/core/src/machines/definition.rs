//! State machines as data, typed: what `platforms/machines/*.toml` becomes when it has been loaded.
//!
//! A definition names *roles* (`power-good`, `power-control`); a board binds each role to one of its signals, so one
//! definition serves every host of every board.

use std::{fmt, time::Duration};

use indexmap::IndexMap;

use crate::{ids::Name, units::Level};

/// What kind of thing a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MachineKind {
    /// A compute node.
    Host,
    /// What the hosts share.
    Chassis,
    /// The controller itself.
    Bmc,
}

impl MachineKind {
    /// As files and the API write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Host => "host",
            Self::Chassis => "chassis",
            Self::Bmc => "bmc",
        }
    }
}

impl fmt::Display for MachineKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What somebody may ask of a machine in one step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Demand {
    /// Power on.
    On,
    /// Shut down gracefully, then power off.
    Off,
    /// Power off at once.
    ForceOff,
    /// Power off as the first half of a power cycle: it is to come back.
    CycleOff,
    /// Reset without removing power.
    Reset,
    /// Raise a diagnostic interrupt.
    Nmi,
    /// Enter maintenance.
    MaintenanceOn,
    /// Leave maintenance.
    MaintenanceOff,
    /// An update of the firmware begins.
    UpdateBegin,
    /// It is over.
    UpdateEnd,
    /// Down in order, and up again (BMC).
    Reboot,
}

impl Demand {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::On,
        Self::Off,
        Self::ForceOff,
        Self::CycleOff,
        Self::Reset,
        Self::Nmi,
        Self::MaintenanceOn,
        Self::MaintenanceOff,
        Self::UpdateBegin,
        Self::UpdateEnd,
        Self::Reboot,
    ];

    /// It does something also where it is fulfilled already: each reset counts.
    pub const fn is_felt_each_time(self) -> bool {
        matches!(self, Self::Reset | Self::Nmi | Self::Reboot)
    }

    /// It ends the daemon, so that no state of this one fulfils it.
    pub const fn outlives_us(self) -> bool {
        matches!(self, Self::Reboot)
    }

    /// The power that a machine is left with: `on`, `off`. Absent: it says nothing about that.
    pub const fn leaves(self) -> Option<&'static str> {
        match self {
            Self::On => Some("on"),
            Self::Off | Self::ForceOff => Some("off"),
            Self::CycleOff
            | Self::Reset
            | Self::Nmi
            | Self::MaintenanceOn
            | Self::MaintenanceOff
            | Self::UpdateBegin
            | Self::UpdateEnd
            | Self::Reboot => None,
        }
    }

    /// Reads what [`Demand::as_str`] writes.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|demand| demand.as_str() == text)
    }

    /// As files and the API write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
            Self::ForceOff => "force-off",
            Self::CycleOff => "cycle-off",
            Self::Reset => "reset",
            Self::Nmi => "nmi",
            Self::MaintenanceOn => "maintenance-on",
            Self::MaintenanceOff => "maintenance-off",
            Self::UpdateBegin => "update-begin",
            Self::UpdateEnd => "update-end",
            Self::Reboot => "reboot",
        }
    }
}

/// What a transition waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trigger {
    /// Somebody asked.
    Demand(Demand),
    /// A signal of this role became high. Also taken on entry when it is high already.
    Rises(Name),
    /// A signal of this role became low. Also taken on entry when it is low already.
    Falls(Name),
    /// The state lasted as long as it may.
    Timeout,
    /// The sequence that this machine runs, or undoes, has come to its end.
    SequenceDone,
    /// The sequence that this machine runs, or undoes, has failed.
    SequenceFailed,
    /// A rail of this machine's sequences is told to be on and is not good any more.
    RailLost,
    /// The machine that it stands in has lost its power, or was switched off. Taken on entry too, until that has power
    /// again. What is merely found at start does not count: a restart of ours touches no power.
    ParentOff,
    /// Every critical service is ready (BMC only).
    ServicesReady,
    /// A critical service has been given up (BMC only).
    ServicesFailed,
    /// The daemon is stopping in order (BMC only).
    ShuttingDown,
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Demand(demand) => write!(f, "request {}", demand.as_str()),
            Self::Rises(role) => write!(f, "{role} rises"),
            Self::Falls(role) => write!(f, "{role} falls"),
            Self::Timeout => f.write_str("timeout"),
            Self::SequenceDone => f.write_str("sequence done"),
            Self::SequenceFailed => f.write_str("sequence failed"),
            Self::RailLost => f.write_str("rail lost"),
            Self::ParentOff => f.write_str("what it stands in has no power"),
            Self::ServicesReady => f.write_str("services ready"),
            Self::ServicesFailed => f.write_str("services failed"),
            Self::ShuttingDown => f.write_str("shutting down"),
        }
    }
}

/// What holds right now; used by guards and by discovery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// Of this role.
    pub role: Name,
    /// The signal has this level. An unreadable signal fulfils no condition.
    pub level: Level,
}

/// What is done on entering a state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Drive the signal of this role.
    Set {
        /// Which.
        role: Name,
        /// To what.
        level: Level,
    },
    /// Drive it high, and low again after a time.
    Pulse {
        /// Which.
        role: Name,
        /// For how long.
        duration: Duration,
    },
    /// Run the sequence of this role.
    Run {
        /// Which.
        role: Name,
    },
    /// Undo the sequence of this role, from wherever it stands; nothing happens when nothing of it is on.
    Undo {
        /// Which.
        role: Name,
    },
}

/// One arrow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transition {
    /// On what.
    pub on: Trigger,
    /// Only when all of these hold.
    pub guard: Vec<Condition>,
    /// To which state.
    pub to: Name,
}

/// How an operator should read a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    /// As it should be.
    Normal,
    /// On its way; its duration is bounded.
    Transitional,
    /// Something is wrong.
    Fault,
}

/// One state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDef {
    /// One sentence.
    pub description: String,
    /// How to read it.
    pub tone: Tone,
    /// Whether what the machine stands for has power here: gates sensors and interlocks.
    pub powered: bool,
    /// How long it may last; every transitional state has one, with a `Trigger::Timeout` transition.
    pub timeout: Option<Duration>,
    /// Done on entry, in order. Not done when the state was discovered.
    pub entry: Vec<Action>,
    /// Tried in order; the first that fits is taken.
    pub transitions: Vec<Transition>,
}

impl StateDef {
    /// The arrow that a demand takes from here, as far as the machine itself says.
    pub fn demanded(&self, demand: Demand) -> Option<&Transition> {
        self.transitions.iter().find(|arrow| arrow.on == Trigger::Demand(demand))
    }

    /// The arrow that something takes from here, which is neither a rise nor a fall: the first that fits. The levels of
    /// roles are as they are known now; an unreadable one fulfils no guard.
    pub fn arrow(&self, on: &Trigger, level: impl Fn(&Name) -> Option<Level>) -> Option<&Transition> {
        self.transitions.iter().find(|arrow| arrow.on == *on && hold(&arrow.guard, &level))
    }

    /// The arrow that is taken at these levels by itself: the first that waits for what is so already. `unfed`: what the
    /// machine stands in went without power, and has none since.
    pub fn drift(&self, unfed: bool, level: impl Fn(&Name) -> Option<Level>) -> Option<&Transition> {
        self.transitions.iter().find(|arrow| {
            let there = match &arrow.on {
                Trigger::Rises(role) => level(role) == Some(Level::High),
                Trigger::Falls(role) => level(role) == Some(Level::Low),
                Trigger::ParentOff => unfed,
                Trigger::Demand(_)
                | Trigger::Timeout
                | Trigger::SequenceDone
                | Trigger::SequenceFailed
                | Trigger::RailLost
                | Trigger::ServicesReady
                | Trigger::ServicesFailed
                | Trigger::ShuttingDown => false,
            };
            there && hold(&arrow.guard, &level)
        })
    }
}

impl Definition {
    /// The state in which a machine is found at these levels, by the first row that fits. Absent: none does.
    pub fn found(&self, level: impl Fn(&Name) -> Option<Level>) -> Option<&Name> {
        self.discovery.iter().find(|(conditions, _)| hold(conditions, &level)).map(|(_, state)| state)
    }
}

fn hold(conditions: &[Condition], level: impl Fn(&Name) -> Option<Level>) -> bool {
    conditions.iter().all(|condition| level(&condition.role) == Some(condition.level))
}

/// A machine's definition. Loaded ones are consistent: every name resolves, every role is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Definition {
    /// For which kind.
    pub kind: MachineKind,
    /// Roles whose signals it reads.
    pub inputs: Vec<Name>,
    /// Roles whose signals it drives.
    pub outputs: Vec<Name>,
    /// Roles whose sequences it runs.
    pub sequences: Vec<Name>,
    /// All states, in drawing order.
    pub states: IndexMap<Name, StateDef>,
    /// At start the first row whose conditions all hold gives the state.
    pub discovery: Vec<(Vec<Condition>, Name)>,
    /// The state when no row of `discovery` fits, e.g. because nothing can be read.
    pub undiscovered: Name,
    /// For each demand the states in which it is fulfilled.
    pub goals: IndexMap<Demand, Vec<Name>>,
}

/// A machine as its board declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct MachineSpec {
    /// e.g. `host.0`.
    pub name: Name,
    /// How it behaves.
    pub definition: std::sync::Arc<Definition>,
    /// The machine that must be on before this one; the chassis of a host.
    pub parent: Option<crate::ids::MachineId>,
    /// Which signal plays which role. Every role of the definition is bound.
    pub signals: IndexMap<Name, crate::ids::SignalId>,
    /// Which sequence plays which role. Every role of the definition is bound.
    pub sequences: IndexMap<Name, crate::ids::SequenceId>,
    /// Zones that must not be over their limits before this machine is powered on.
    pub zones: Vec<crate::ids::ZoneId>,
    /// Supplies of which at least one must be good before this machine is powered on.
    pub supplies: Vec<crate::ids::SupplyId>,
    /// How it comes back after the loss of power.
    pub restore: crate::restore::RestoreSpec,
    /// The most it may draw by itself, in watts. Absent: not known, and no budget counts it.
    pub max_power_w: Option<f64>,
    /// Parts without which it is not powered on.
    pub needs: Vec<crate::emergency::Need>,
}
