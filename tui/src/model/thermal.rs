//! Zones and fans.

use super::{Health, Mono};

/// What a zone's control is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ZoneState {
    /// A state that this console does not know.
    #[default]
    Unknown,
    /// Fail-safe until every needed sensor has been read.
    Starting,
    /// Its controllers decide.
    Controlled,
    /// A needed sensor is missing, or nothing controls it.
    Failsafe,
    /// At or over a critical limit.
    Critical,
    /// None is over its limit any more, but not all have come down to their target.
    CoolDown,
    /// A trip has latched.
    Tripped,
}

impl ZoneState {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Starting => "starting",
            Self::Controlled => "controlled",
            Self::Failsafe => "fail-safe",
            Self::Critical => "critical",
            Self::CoolDown => "cool-down",
            Self::Tripped => "tripped",
        }
    }
}

/// Who decides a fan's duty.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FanMode {
    /// A mode that this console does not know.
    #[default]
    Unknown,
    /// Its zone.
    Auto,
    /// An operator, for a time.
    Manual,
    /// Nobody: fail-safe.
    Failsafe,
}

impl FanMode {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Auto => "auto",
            Self::Manual => "manual",
            Self::Failsafe => "fail-safe",
        }
    }
}

/// A named part of a result.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Term {
    /// What it is.
    pub name: String,
    /// In `unit`.
    pub value: f64,
    /// May be empty.
    pub unit: String,
}

/// One controller of a zone and what it says now.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Controller {
    /// Its name.
    pub name: String,
    /// `linear`, `stepwise` or `pid`.
    pub kind: String,
    /// What it reads.
    pub sensors: Vec<String>,
    /// (°C, percent) in rising temperature; empty unless it is a curve.
    pub curve: Vec<(f64, f64)>,
    /// °C. None when its sensors gave nothing.
    pub input: Option<f64>,
    /// Percent. None when it has no input.
    pub output: Option<f64>,
    /// °C. None when it has none.
    pub set_point: Option<f64>,
    /// Unit of input and set-point; empty: °C.
    pub unit: String,
    /// Of the output, in order.
    pub terms: Vec<Term>,
}

/// One zone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Zone {
    /// Its name.
    pub name: String,
    /// What its control is doing.
    pub state: ZoneState,
    /// What its fans are told, percent.
    pub duty: f64,
    /// What decides the duty now.
    pub driver: String,
    /// What it reads.
    pub sensors: Vec<String>,
    /// What it drives.
    pub fans: Vec<String>,
    /// Its controllers.
    pub controllers: Vec<Controller>,
    /// Percent.
    pub floor: f64,
    /// Percent.
    pub ceiling: f64,
    /// Percent.
    pub failsafe_duty: f64,
    /// One sentence: why this duty.
    pub reason: String,
    /// What each step did to the duty, in order.
    pub terms: Vec<Term>,
    /// Since when it is in this state.
    pub since: Mono,
    /// The last time a limit was passed that switches off. None: never since the daemon started.
    pub trip: Option<Trip>,
    /// Fans that have to turn; 0: the daemon does not tell.
    pub fans_needed: u32,
}

impl Zone {
    /// The controller that decides: the one that the daemon names as the driver, else the first of those that ask for most.
    pub fn deciding(&self) -> Option<&Controller> {
        let named = self.driver.rsplit(' ').next().unwrap_or_default();
        let output = |controller: &&Controller| controller.output.unwrap_or(f64::NEG_INFINITY);
        let most = || self.controllers.iter().rev().max_by(|one, other| output(one).total_cmp(&output(other)));
        self.controllers.iter().find(|controller| controller.name == named).or_else(most)
    }

    /// The sensor that decides: the one that the daemon names, else the first that the deciding controller reads.
    pub fn driving_sensor(&self) -> Option<&str> {
        let named = self.driver.split(' ').find(|word| self.sensors.iter().any(|one| one == word));
        named.or_else(|| self.deciding()?.sensors.first().map(String::as_str))
    }
}

/// What was when a zone tripped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trip {
    /// In a sentence.
    pub why: String,
    /// When.
    pub at: Mono,
    /// The sensors of the zone then, e.g. `host0_cpu_temp 105.0 °C (limit 100.0)`.
    pub parts: Vec<String>,
    /// The fans of the zone then, e.g. `fan.0 8000 rpm at 100 %`.
    pub fans: Vec<String>,
}

/// One fan.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fan {
    /// Its name.
    pub name: String,
    /// Measured. None when not readable.
    pub rpm: Option<f64>,
    /// Percent it was told.
    pub duty: f64,
    /// Who decides.
    pub mode: FanMode,
    /// The zone it belongs to.
    pub zone: String,
    /// Its health.
    pub health: Health,
    /// When a manual override ends. None unless manual.
    pub override_ends: Option<Mono>,
    /// May be empty.
    pub reason: String,
    /// What it should turn at this duty. None when not known.
    pub expected_rpm: Option<f64>,
}
