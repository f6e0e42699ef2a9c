//! Sensors, and the past of each as far as the console keeps it.

use std::collections::VecDeque;

use super::Mono;

/// Whether a reading can be believed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Quality {
    /// It can.
    Good,
    /// There has been none yet.
    #[default]
    NotYetRead,
    /// What it measures is switched off.
    Unpowered,
    /// Too old.
    Stale,
    /// Reading it fails.
    Failed,
    /// The device is not there.
    Absent,
}

impl Quality {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::NotYetRead => "not-yet-read",
            Self::Unpowered => "unpowered",
            Self::Stale => "stale",
            Self::Failed => "failed",
            Self::Absent => "absent",
        }
    }
}

/// Where a reading stands against its thresholds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SensorStatus {
    /// Within all of them.
    Ok,
    /// Beyond a warning threshold.
    Warning,
    /// Beyond a critical one.
    Critical,
    /// Beyond a fatal one.
    Fatal,
    /// No good reading to judge.
    #[default]
    Unknown,
}

impl SensorStatus {
    /// The word of the contract.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Fatal => "fatal",
            Self::Unknown => "unknown",
        }
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SensorKind {
    /// A kind that this console does not know.
    #[default]
    Unknown,
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

/// Limits in the sensor's unit; None: not monitored.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Thresholds {
    /// Warning at or above.
    pub warning_high: Option<f64>,
    /// Critical at or above.
    pub critical_high: Option<f64>,
    /// Fatal at or above.
    pub fatal_high: Option<f64>,
    /// Warning at or below.
    pub warning_low: Option<f64>,
    /// Critical at or below.
    pub critical_low: Option<f64>,
    /// Fatal at or below.
    pub fatal_low: Option<f64>,
}

/// One sensor and its reading.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sensor {
    /// Its unique name.
    pub name: String,
    /// What is measured.
    pub kind: SensorKind,
    /// `°C`, `V`, …; empty for states.
    pub unit: String,
    /// The last good value. None when there never was one.
    pub value: Option<f64>,
    /// Whether it can be believed now.
    pub quality: Quality,
    /// When the last good reading was. None when there never was one.
    pub read_at: Option<Mono>,
    /// Against the thresholds.
    pub status: SensorStatus,
    /// The thresholds.
    pub thresholds: Thresholds,
    /// Lowest good value since the daemon started.
    pub minimum: Option<f64>,
    /// Highest good value since the daemon started.
    pub maximum: Option<f64>,
    /// Why the quality is not good; empty when it is.
    pub reason: String,
    /// May be empty.
    pub description: String,
    /// Seconds between readings.
    pub interval_s: f64,
    /// Mean of all good values since the daemon started. None before the first.
    pub mean: Option<f64>,
    /// Reads that failed since then.
    pub errors: u64,
    /// What it may have come to by now. None unless it is silent.
    pub worst_case: Option<f64>,
}

impl Sensor {
    /// The value, if it can be believed.
    pub fn good(&self) -> Option<f64> {
        self.value.filter(|value| self.quality == Quality::Good && value.is_finite())
    }
}

/// A point of the past: when, and the value; None is a gap.
pub type Point = (Mono, Option<f64>);

/// Points kept of one sensor: ten minutes at one a second.
pub const HISTORY_KEPT: usize = 600;

/// The past of one sensor, oldest first.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    points: VecDeque<Point>,
    /// Whether the daemon's own past has been fetched since the link came up.
    pub fetched: bool,
}

impl History {
    /// Appends a point; the oldest goes when it is full.
    pub fn push(&mut self, at: Mono, value: Option<f64>) {
        self.points.push_back((at, value));
        while self.points.len() > HISTORY_KEPT {
            self.points.pop_front();
        }
    }

    /// Takes the daemon's past in place of our own.
    pub fn replace(&mut self, points: Vec<Point>) {
        let surplus = points.len().saturating_sub(HISTORY_KEPT);
        self.points = points.into_iter().skip(surplus).collect();
        self.fetched = true;
    }

    /// All points, oldest first.
    pub fn points(&self) -> impl DoubleEndedIterator<Item = &Point> {
        self.points.iter()
    }
}
