//! What a board says of signal lines, supplies, rails and sequences.

use std::time::Duration;

use crate::{
    ids::{Name, RailId, SensorId, SignalId},
    units::Level,
};

/// Who drives a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// The hardware; the BMC reads it.
    Input,
    /// The BMC.
    Output,
}

/// A line as its board declares it; polarity is the back-end's business.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalSpec {
    /// Unique, e.g. `host0-power-good`.
    pub name: Name,
    /// Who drives it.
    pub direction: Direction,
}

/// A power supply as its board declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct SupplySpec {
    /// Unique, e.g. `psu.0`.
    pub name: Name,
    /// High when it is plugged in. Absent: cannot be told, taken as present.
    pub present: Option<SignalId>,
    /// High when its output is good. Absent: cannot be told.
    pub good: Option<SignalId>,
    /// Watts drawn. Absent: not measured.
    pub power: Option<SensorId>,
    /// Its temperature. Absent: not measured.
    pub temperature: Option<SensorId>,
    /// Watts it can give.
    pub rated_w: f64,
    /// It has fault registers that can be read when something fails.
    pub has_fault_registers: bool,
}

/// How a rail is switched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RailSwitch {
    /// By a line that is high as long as the rail is to be on.
    Line(SignalId),
    /// By the PMBus command OPERATION of its regulator.
    Pmbus,
}

/// A rail as its board declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct RailSpec {
    /// Unique, e.g. `p12v`.
    pub name: Name,
    /// How it is switched.
    pub switch: RailSwitch,
    /// High when it is good. Absent: cannot be told; it counts as good when it was told to be on.
    pub good: Option<SignalId>,
    /// The sensor that measures it, for people and for the record of a failure. Absent: not measured.
    pub voltage: Option<SensorId>,
    /// Rails that must be up before this one; sequences are checked against it.
    pub requires: Vec<RailId>,
}

/// One step of a sequence, and how it is undone.
#[derive(Clone, Debug, PartialEq)]
pub enum StepSpec {
    /// Drive a line. Undone: driven to the other level.
    Set {
        /// Which.
        line: SignalId,
        /// To what.
        level: Level,
    },
    /// Drive a line high for a time. Nothing is to be undone.
    Pulse {
        /// Which.
        line: SignalId,
        /// For how long.
        duration: Duration,
    },
    /// Wait until a line has a level.
    Wait {
        /// Which.
        line: SignalId,
        /// Until it has this one.
        level: Level,
        /// Not longer than this.
        timeout: Duration,
        /// Undone only when the line has left that level again; otherwise it is not looked at on the way down.
        both_ways: bool,
    },
    /// Wait until a voltage is within bounds. Nothing is to be undone.
    Voltage {
        /// Measured by.
        sensor: SensorId,
        /// Volts, at least.
        low: f64,
        /// Volts, at most.
        high: f64,
        /// Not longer than this.
        timeout: Duration,
    },
    /// Switch a rail on and wait until it is good. Undone: switched off, and waited for until it is not.
    Rail {
        /// Which.
        rail: RailId,
        /// Not longer than this, in either direction.
        timeout: Duration,
    },
    /// Wait. So is it on the way down, after something was switched.
    Delay(Duration),
}

impl StepSpec {
    /// The rail that it switches. Absent: none.
    pub const fn rail(&self) -> Option<RailId> {
        match self {
            Self::Rail { rail, .. } => Some(*rail),
            Self::Set { .. } | Self::Pulse { .. } | Self::Wait { .. } | Self::Voltage { .. } | Self::Delay(_) => None,
        }
    }

    /// How long it may take.
    pub fn bound(&self) -> Duration {
        match self {
            Self::Set { .. } => Duration::ZERO,
            Self::Pulse { duration, .. } | Self::Delay(duration) => *duration,
            Self::Wait { timeout, .. } | Self::Voltage { timeout, .. } | Self::Rail { timeout, .. } => *timeout,
        }
    }
}

/// A sequence: what brings a part of the board up, step by step, and down again in reverse.
#[derive(Clone, Debug, PartialEq)]
pub struct SequenceSpec {
    /// Unique, e.g. `chassis-on`.
    pub name: Name,
    /// In order, at least one.
    pub steps: Vec<StepSpec>,
    /// All steps together, in either direction.
    pub timeout: Duration,
}

impl SequenceSpec {
    /// The rails that it switches, in order.
    pub fn rails(&self) -> impl Iterator<Item = RailId> + '_ {
        self.steps.iter().filter_map(StepSpec::rail)
    }
}
