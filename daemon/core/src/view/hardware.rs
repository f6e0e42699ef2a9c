//! What is told of sensors, zones, fans, rails, supplies and LEDs.

use super::Health;
use crate::{ids::Name, time::Mono, units::Duty};

/// Whether a reading can be believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Quality {
    /// Yes.
    Good,
    /// There never was one.
    NotYetRead,
    /// What it measures is off.
    Unpowered,
    /// Too old.
    Stale,
    /// Reading fails or gives no finite number.
    Failed,
    /// The device is not there.
    Absent,
}

impl Quality {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
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

/// Where a reading stands against its thresholds. Ordered by how bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// Within all limits.
    Ok,
    /// No good reading to judge.
    Unknown,
    /// Beyond a warning limit.
    Warning,
    /// Beyond a critical limit.
    Critical,
    /// Beyond a fatal limit.
    Fatal,
}

impl Status {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
            Self::Fatal => "fatal",
        }
    }
}

/// A sensor as it is now.
#[derive(Clone, Debug)]
pub struct SensorView<'a> {
    /// As declared.
    pub spec: &'a crate::sensors::SensorSpec,
    /// Last good value.
    pub value: Option<f64>,
    /// Whether it can be believed.
    pub quality: Quality,
    /// When the last good reading was.
    pub read_at: Option<Mono>,
    /// Against its thresholds.
    pub status: Status,
    /// Over all good readings.
    pub statistics: crate::sensors::statistics::Statistics,
    /// Limits that its device brought along and that count, by their names in board files.
    pub limits_taken: &'a [&'static str],
    /// Why the quality is not good; may be empty.
    pub reason: &'a str,
}

impl SensorView<'_> {
    /// What it may have come to by now, when it is silent. None: it is heard, it was never read, it is off, or its board
    /// says nothing of how fast it can change.
    pub fn worst_case(&self, now: Mono) -> Option<f64> {
        match self.quality {
            Quality::Stale | Quality::Failed | Quality::Absent if self.spec.max_slew > 0.0 => {
                Some(crate::sensors::silence::worst_case(self.spec, self.value?, now.since(self.read_at?)))
            }
            Quality::Good
            | Quality::NotYetRead
            | Quality::Unpowered
            | Quality::Stale
            | Quality::Failed
            | Quality::Absent => None,
        }
    }
}

/// State of a zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZoneState {
    /// Not every needed sensor has been read yet.
    Starting,
    /// By its controllers.
    Controlled,
    /// Something needed is unknown, or nothing controls it.
    Failsafe,
    /// A sensor is beyond its critical limit.
    Critical,
    /// None is any more, but not all are down at their target.
    CoolDown,
    /// A trip has latched.
    Tripped,
}

impl ZoneState {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Controlled => "controlled",
            Self::Failsafe => "failsafe",
            Self::Critical => "critical",
            Self::CoolDown => "cool-down",
            Self::Tripped => "tripped",
        }
    }
}

/// A step of how a duty came about.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// e.g. `cpu-curve`, `floor`.
    pub name: String,
    /// Value after this step.
    pub value: f64,
    /// Of the value.
    pub unit: &'static str,
}

/// A controller as it is now.
#[derive(Clone, Debug)]
pub struct ControllerView<'a> {
    /// As declared.
    pub spec: &'a crate::thermal::ControllerSpec,
    /// What it was fed, in the unit of [`crate::thermal::InputKind::unit`].
    pub input: Option<f64>,
    /// The sensor that gave the input. Absent: several together.
    pub input_sensor: Option<&'a Name>,
    /// What it asks for.
    pub output: Option<Duty>,
    /// How that came about, in order.
    pub terms: &'a [Term],
}

/// A zone as it is now.
#[derive(Clone, Debug)]
pub struct ZoneView<'a> {
    /// As declared.
    pub spec: &'a crate::thermal::ZoneSpec,
    /// State.
    pub state: ZoneState,
    /// Since when.
    pub since: Mono,
    /// What it asks of its fans.
    pub duty: Duty,
    /// What decides, short.
    pub driver: &'a str,
    /// What decides, one sentence.
    pub reason: &'a str,
    /// How the duty came about.
    pub terms: &'a [Term],
    /// Its controllers.
    pub controllers: Vec<ControllerView<'a>>,
    /// Names of its sensors.
    pub sensors: Vec<&'a Name>,
    /// Names of its fans.
    pub fans: Vec<&'a Name>,
    /// What everything was at when it tripped. Absent: it has not.
    pub trip: Option<&'a crate::thermal::TripRecord>,
}

/// Who drives a fan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FanMode {
    /// Its zone's controllers.
    Auto,
    /// An operator, for a time.
    Manual,
    /// Protection.
    Failsafe,
}

/// A fan as it is now.
#[derive(Clone, Debug)]
pub struct FanView<'a> {
    /// As declared.
    pub spec: &'a crate::thermal::FanSpec,
    /// Measured speed.
    pub rpm: Option<f64>,
    /// What it was told.
    pub duty: Duty,
    /// Who drives it.
    pub mode: FanMode,
    /// Its zone; the first when it has several.
    pub zone: Option<&'a Name>,
    /// Turns as it should?
    pub health: Health,
    /// When a manual override ends.
    pub override_until: Option<Mono>,
    /// Why; may be empty.
    pub reason: String,
    /// What it should turn at, RPM.
    pub expected_rpm: f64,
}

/// A rail, or a machine's power as a whole, as it is told and as it answers.
#[derive(Clone, Debug)]
pub struct RailView<'a> {
    /// The rail, or the machine.
    pub name: &'a Name,
    /// What the BMC drives. Absent: not driven yet.
    pub enabled: Option<bool>,
    /// What the hardware answers. Absent: not readable.
    pub power_good: Option<bool>,
    /// Signal names; empty when there is none.
    pub control_signal: &'a str,
    /// See `control_signal`.
    pub good_signal: &'a str,
    /// Volts. Absent: not measured, or no good reading.
    pub voltage: Option<f64>,
    /// Rails that must be up before.
    pub requires: Vec<&'a Name>,
    /// The machine that switches it. Absent: none does.
    pub machine: Option<&'a Name>,
    /// Where that machine's sequence stands. Absent: none is under way.
    pub progress: Option<String>,
}

/// A supply as it is now.
#[derive(Clone, Debug)]
pub struct SupplyView<'a> {
    /// As declared.
    pub spec: &'a crate::power::SupplySpec,
    /// Plugged in? Absent: not readable.
    pub present: Option<bool>,
    /// Output good? Absent: not readable.
    pub good: Option<bool>,
    /// Watts.
    pub power_w: Option<f64>,
    /// °C
    pub temperature: Option<f64>,
    /// Health.
    pub health: Health,
    /// What its fault registers said when it failed last; empty: never read.
    pub fault_registers: &'a [(String, u16)],
    /// When they were read. Absent: never.
    pub faults_read_at: Option<Mono>,
}

/// An LED as it is now.
#[derive(Clone, Debug)]
pub struct LedView<'a> {
    /// As declared.
    pub spec: &'a crate::leds::LedSpec,
    /// What it shows.
    pub pattern: crate::leds::Pattern,
    /// Why.
    pub reason: &'a str,
    /// Who holds it. Absent: it follows its policy.
    pub held_by: Option<&'a str>,
    /// When its policy takes it back by itself.
    pub until: Option<Mono>,
    /// Why it could not be driven. Absent: it can, for all that is known.
    pub error: Option<&'a str>,
}
