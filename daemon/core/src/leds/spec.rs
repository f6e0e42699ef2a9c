//! What a board says of LEDs.

use crate::ids::Name;

/// What an LED stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LedRole {
    /// Is there power?
    Power,
    /// Is the BMC itself well?
    Status,
    /// Is anything wrong?
    Fault,
    /// Here I am.
    Identify,
}

impl LedRole {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Power, Self::Status, Self::Fault, Self::Identify];

    /// As board files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Power => "power",
            Self::Status => "status",
            Self::Fault => "fault",
            Self::Identify => "identify",
        }
    }
}

/// What an LED shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pattern {
    /// Dark.
    #[default]
    Off,
    /// Lit.
    On,
    /// 1 Hz.
    Blink,
    /// 4 Hz.
    FastBlink,
}

impl Pattern {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::On => "on",
            Self::Blink => "blink",
            Self::FastBlink => "fast-blink",
        }
    }
}

/// An LED as its board declares it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedSpec {
    /// Unique.
    pub name: Name,
    /// What it stands for.
    pub role: LedRole,
}
