//! What a board says of a sensor.

use std::{fmt, time::Duration};

use crate::{
    ids::{MachineId, Name, SensorId},
    units::Duty,
};

/// What is measured; it fixes the unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SensorKind {
    /// °C
    Temperature,
    /// V
    Voltage,
    /// A
    Current,
    /// W
    Power,
    /// RPM
    FanSpeed,
    /// %
    Humidity,
    /// 0 or 1
    State,
}

impl SensorKind {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Temperature, Self::Voltage, Self::Current, Self::Power, Self::FanSpeed, Self::Humidity, Self::State];

    /// As board files write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Voltage => "voltage",
            Self::Current => "current",
            Self::Power => "power",
            Self::FanSpeed => "fan-speed",
            Self::Humidity => "humidity",
            Self::State => "state",
        }
    }

    /// Unit of the value; empty for states.
    pub const fn unit(self) -> &'static str {
        match self {
            Self::Temperature => "°C",
            Self::Voltage => "V",
            Self::Current => "A",
            Self::Power => "W",
            Self::FanSpeed => "RPM",
            Self::Humidity => "%",
            Self::State => "",
        }
    }
}

impl fmt::Display for SensorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum SensorSource {
    /// The sampler reads it from hardware.
    Hardware,
    /// Computed from other sensors whenever they are read.
    Derived {
        /// How.
        formula: Formula,
        /// From which.
        inputs: Vec<SensorId>,
    },
}

/// How a derived sensor is computed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Formula {
    /// Of all inputs.
    Sum,
    /// Of all inputs.
    Maximum,
    /// Limit minus the highest input.
    MarginTo(f64),
}

/// Limits in the sensor's unit; absent: not monitored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Asserted at or above.
    pub warning_high: Option<f64>,
    /// Asserted at or above.
    pub critical_high: Option<f64>,
    /// Asserted at or above. For a temperature: trips its zone.
    pub fatal_high: Option<f64>,
    /// Asserted at or below.
    pub warning_low: Option<f64>,
    /// Asserted at or below.
    pub critical_low: Option<f64>,
    /// Asserted at or below.
    pub fatal_low: Option<f64>,
    /// How far a value must come back before the alarm clears, ≥ 0.
    pub hysteresis: f64,
    /// How long a low alarm must last before it counts: a rail that is going off is not a fault.
    pub low_delay: Duration,
    /// Limits that are absent here are taken from the device, when it brings some.
    pub from_hardware: bool,
}

/// What the zones that read a sensor make of it, beside its limits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Protection {
    /// What its zones cool it down to after it was critical. Absent: its warning limit, else its critical one less the
    /// hysteresis.
    pub target: Option<f64>,
    /// Duty of its zones while it cannot be read. Absent: each zone's own.
    pub failsafe: Option<Duty>,
    /// It may be missing (a supply that is pulled, an empty bay) without its zones going to fail-safe.
    pub missing_ok: bool,
}

/// A sensor as its board declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct SensorSpec {
    /// Unique.
    pub name: Name,
    /// One sentence; may be empty.
    pub description: String,
    /// What is measured.
    pub kind: SensorKind,
    /// Where the value comes from.
    pub source: SensorSource,
    /// value = raw × scale + offset
    pub scale: f64,
    /// See `scale`.
    pub offset: f64,
    /// Limits.
    pub thresholds: Thresholds,
    /// Between readings.
    pub interval: Duration,
    /// Older than this is stale, at least twice the interval.
    pub stale_after: Duration,
    /// Means nothing while this machine is off. Absent: always powered.
    pub powered_by: Option<MachineId>,
    /// Fastest rise that physics allows, in units per second: how hot a silent sensor may have become.
    pub max_slew: f64,
    /// Readings kept for graphs.
    pub history: usize,
    /// What zones make of it.
    pub protection: Protection,
}

impl SensorSpec {
    /// What its zones cool it down to after it was critical. Absent: nothing says.
    pub fn target(&self) -> Option<f64> {
        let below_critical = || Some(self.thresholds.critical_high? - self.thresholds.hysteresis);
        self.protection.target.or(self.thresholds.warning_high).or_else(below_critical)
    }
}
