//! What a board says of signal lines and supplies.

use crate::ids::{Name, SensorId, SignalId};

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
}
