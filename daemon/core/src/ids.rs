//! Names and numbers by which things are known inside the core.

use std::{borrow::Borrow, fmt, sync::Arc};

/// A name out of a board or registry file. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(Arc<str>);

impl Name {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<&str> for Name {
    fn from(text: &str) -> Self {
        Self(text.into())
    }
}

impl From<String> for Name {
    fn from(text: String) -> Self {
        Self(text.into())
    }
}

impl Borrow<str> for Name {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

macro_rules! index {
    ($(#[$doc:meta] $name:ident)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(u32);

        impl $name {
            /// For place `index` of the table.
            pub fn new(index: usize) -> Self {
                // Tables are bounded by what a configuration file can hold; the loader refuses longer ones.
                Self(u32::try_from(index).unwrap_or(u32::MAX))
            }

            /// The place in the table.
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}

index! {
    /// A service's place in the registry. Never reused while the daemon runs.
    ServiceId
    /// A machine's place in the board.
    MachineId
    /// A sensor's place in the board.
    SensorId
    /// A fan's place in the board.
    FanId
    /// A zone's place in the board.
    ZoneId
    /// A signal line's place in the board.
    SignalId
    /// A supply's place in the board.
    SupplyId
    /// An LED's place in the board.
    LedId
    /// A rail's place in the board.
    RailId
    /// A power sequence's place in the board.
    SequenceId
}

/// One life of a service: every spawn has a new one, so what arrives late from an earlier life is told apart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(pub u64);

impl fmt::Display for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// Shared by all events that one command or one happening outside brought about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseId(pub u64);

/// An operation. Shown as `op-17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OperationId(pub u64);

impl fmt::Display for OperationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op-{}", self.0)
    }
}

impl OperationId {
    /// Reads `op-17`.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("op-")?.parse().ok().map(Self)
    }
}

/// The shell's number for a request that waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub u64);

/// A request that waits for its time. Shown as `at-3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ScheduleId(pub u64);

impl fmt::Display for ScheduleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at-{}", self.0)
    }
}

impl ScheduleId {
    /// Reads `at-3`.
    pub fn parse(text: &str) -> Option<Self> {
        text.strip_prefix("at-")?.parse().ok().map(Self)
    }
}
