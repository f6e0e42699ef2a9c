//! What a board says of zones and fans.

use std::time::Duration;

use super::{hysteresis::Hysteresis, pid::PidSpec};
use crate::{
    ids::{FanId, Name, SensorId},
    units::Duty,
};

/// A fan as its board declares it.
#[derive(Clone, Debug, PartialEq)]
pub struct FanSpec {
    /// Unique, e.g. `fan.0`.
    pub name: Name,
    /// The sensor that tells its speed. Absent: not measured.
    pub tachometer: Option<SensorId>,
    /// Speed at full duty, in RPM; the expected speed is proportional to duty above `min_rpm`.
    pub max_rpm: f64,
    /// Speed at zero duty, in RPM.
    pub min_rpm: f64,
}

impl FanSpec {
    /// What the fan should turn at when told `duty` for long enough, in RPM.
    pub fn expected_rpm(&self, duty: Duty) -> f64 {
        self.min_rpm + (self.max_rpm - self.min_rpm) * duty.percent() / 100.0
    }
}

/// How a curve is read between its points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interpolation {
    /// The last point at or below the input.
    Stepwise,
    /// A straight line between neighbours.
    Linear,
}

/// Input to duty; points in strictly rising input. Hotter never means slower: duties do not fall, for margins do not rise.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveSpec {
    /// (input, duty), at least one.
    pub points: Vec<(f64, Duty)>,
    /// Between points.
    pub interpolation: Interpolation,
}

/// What a controller makes of several sensors.
#[derive(Clone, Debug, PartialEq)]
pub enum InputKind {
    /// °C: the highest.
    Temperature,
    /// °C up to a limit: the least. For every sensor, by place, the limit that its temperature is taken from; none: it tells
    /// a margin itself.
    Margin(Vec<Option<f64>>),
    /// W: the sum.
    Power,
}

impl InputKind {
    /// As board files write it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Temperature => "temperature",
            Self::Margin(_) => "margin",
            Self::Power => "power",
        }
    }

    /// Of the input.
    pub const fn unit(&self) -> &'static str {
        match self {
            Self::Temperature | Self::Margin(_) => "°C",
            Self::Power => "W",
        }
    }
}

/// How a controller computes.
#[derive(Clone, Debug, PartialEq)]
pub enum ControllerKind {
    /// By table.
    Curve(CurveSpec),
    /// Towards a set-point.
    Pid(PidSpec),
}

/// A controller: sensors in, duty out.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerSpec {
    /// Unique in its zone.
    pub name: Name,
    /// At least one.
    pub sensors: Vec<SensorId>,
    /// What becomes of them.
    pub input: InputKind,
    /// How far that must move before it counts.
    pub hysteresis: Hysteresis,
    /// How.
    pub kind: ControllerKind,
}

impl ControllerSpec {
    /// What feed-forward goes by; empty when it goes by the set-point or there is none.
    pub fn forward(&self) -> &[SensorId] {
        match &self.kind {
            ControllerKind::Curve(_) => &[],
            ControllerKind::Pid(pid) => &pid.feed_forward.sensors,
        }
    }
}

/// A zone: what keeps a part of the board cool.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneSpec {
    /// Unique.
    pub name: Name,
    /// Combined by maximum; at least one.
    pub controllers: Vec<ControllerSpec>,
    /// Fans it drives; a fan of two zones gets the higher duty.
    pub fans: Vec<FanId>,
    /// Never below.
    pub floor: Duty,
    /// Never above, except by protection.
    pub ceiling: Duty,
    /// When anything needed is unknown.
    pub failsafe: Duty,
    /// Fans that must turn: with fewer, the zone trips. 0: it never does for its fans.
    pub fans_needed: usize,
    /// The pace of its PID controllers. A zone is also looked at this often when no reading comes at all: what is silent
    /// may heat up.
    pub interval: Duration,
}

impl ZoneSpec {
    /// Every sensor its controllers read, each once, in board order.
    pub fn sensors(&self) -> Vec<SensorId> {
        let mut sensors: Vec<_> =
            self.controllers.iter().flat_map(|each| each.sensors.iter().chain(each.forward())).copied().collect();
        sensors.sort_unstable();
        sensors.dedup();
        sensors
    }
}
