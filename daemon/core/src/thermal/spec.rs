//! What a board says of zones and fans.

use std::time::Duration;

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

/// Temperature to duty; points in strictly rising temperature and not falling duty.
#[derive(Clone, Debug, PartialEq)]
pub struct CurveSpec {
    /// (°C, duty), at least one.
    pub points: Vec<(f64, Duty)>,
    /// Between points.
    pub interpolation: Interpolation,
    /// The input must rise by more than this, in °C, before it counts.
    pub rise_hysteresis: f64,
    /// The input must fall by more than this, in °C, before it counts.
    pub fall_hysteresis: f64,
}

/// How a controller computes.
#[derive(Clone, Debug, PartialEq)]
pub enum ControllerKind {
    /// By table.
    Curve(CurveSpec),
}

/// A controller: sensors in, duty out.
#[derive(Clone, Debug, PartialEq)]
pub struct ControllerSpec {
    /// Unique in its zone.
    pub name: Name,
    /// Temperatures; the highest is the input.
    pub sensors: Vec<SensorId>,
    /// How.
    pub kind: ControllerKind,
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
    /// A zone is evaluated at least this often.
    pub interval: Duration,
}

impl ZoneSpec {
    /// Every sensor its controllers read, each once, in board order.
    pub fn sensors(&self) -> Vec<SensorId> {
        let mut sensors: Vec<_> =
            self.controllers.iter().flat_map(|controller| controller.sensors.iter().copied()).collect();
        sensors.sort_unstable();
        sensors.dedup();
        sensors
    }
}
