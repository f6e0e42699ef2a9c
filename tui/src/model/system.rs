//! The daemon as a whole, and what is built in.

use super::{Condition, Health, Mono};

/// How far a group is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Group {
    /// foundation, core, management or interface.
    pub name: String,
    /// Members.
    pub total: u32,
    /// Members that are up.
    pub up: u32,
    /// Members that failed.
    pub failed: u32,
    /// Whether the next group may start.
    pub complete: bool,
}

/// The daemon's answer to "is anything wrong".
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Status {
    /// Of ubmcd.
    pub version: String,
    /// The board's name.
    pub board: String,
    /// Where it runs; may be empty.
    pub hostname: String,
    /// Changes with each start.
    pub boot_id: String,
    /// When the daemon started.
    pub started: Mono,
    /// `starting`, `ready`, `degraded`, `stopping`.
    pub state: String,
    /// Of the whole.
    pub health: Health,
    /// Worst first; empty: all is well.
    pub problems: Vec<Condition>,
    /// While it stops: what is being waited for.
    pub holding_up: Vec<Condition>,
    /// In phase order.
    pub groups: Vec<Group>,
    /// Whether the board is simulated.
    pub simulated: bool,
    /// Of ubmcd.
    pub pid: i32,
    /// Subscribers of the daemon.
    pub watchers: u32,
    /// Events dropped for slow subscribers since start.
    pub dropped_events: u64,
    /// What this machine cannot give, and what follows, one sentence each.
    pub limitations: Vec<String>,
    /// The process that takes the fans over when ubmcd dies. None: the daemon does not tell.
    pub guardian: Option<Guardian>,
}

/// Who takes the fans over when ubmcd dies.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Guardian {
    /// As the daemon calls it, e.g. `watching`.
    pub state: String,
    /// Since when.
    pub since: Mono,
    /// Why it is not watching; empty when it is.
    pub reason: String,
}

/// How an LED lights.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LedPattern {
    /// A pattern that this console does not know.
    #[default]
    Unknown,
    /// Dark.
    Off,
    /// Lit.
    On,
    /// About once a second.
    Blink,
    /// Several times a second.
    FastBlink,
}

impl LedPattern {
    /// The word that people read.
    pub fn word(self) -> &'static str {
        match self {
            Self::Unknown => "unknown",
            Self::Off => "off",
            Self::On => "on",
            Self::Blink => "blink",
            Self::FastBlink => "fast-blink",
        }
    }
}

/// One LED.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Led {
    /// Its name.
    pub name: String,
    /// power, status, fault or identify.
    pub role: String,
    /// How it lights.
    pub pattern: LedPattern,
    /// Why.
    pub reason: String,
    /// When identify ends by itself. None when it does not.
    pub ends: Option<Mono>,
    /// Who holds it; empty: it follows its policy.
    pub held_by: String,
    /// Why it could not be driven lately; empty: it can.
    pub error: String,
}

/// Something built in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Item {
    /// e.g. `psu.0`.
    pub name: String,
    /// e.g. `power-supply`.
    pub kind: String,
    /// None when there is no way to tell.
    pub present: Option<bool>,
    /// May be empty.
    pub manufacturer: String,
    /// May be empty.
    pub product: String,
    /// May be empty.
    pub part_number: String,
    /// May be empty.
    pub serial_number: String,
}

/// One power rail.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rail {
    /// e.g. `host.0`.
    pub name: String,
    /// What it was told.
    pub enabled: bool,
    /// What the hardware answers. None when not readable.
    pub power_good: Option<bool>,
    /// The signal that switches it.
    pub control_signal: String,
    /// The signal that answers.
    pub good_signal: String,
    /// Volts. None: nothing measures it.
    pub voltage: Option<f64>,
    /// Rails that must be up first.
    pub requires: Vec<String>,
    /// The machine whose sequence switches it; empty: none.
    pub machine: String,
    /// What the sequencer does with it now; empty: nothing.
    pub progress: String,
}

/// One power supply.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Supply {
    /// e.g. `psu.0`.
    pub name: String,
    /// None when not readable.
    pub present: Option<bool>,
    /// None when not readable.
    pub power_good: Option<bool>,
    /// Watts drawn. None when not measured.
    pub power_w: Option<f64>,
    /// °C. None when not measured.
    pub temperature: Option<f64>,
    /// Its health.
    pub health: Health,
    /// Rated watts.
    pub rated_w: f64,
    /// Fault registers that are not zero, as `NAME 0xNN`.
    pub faults: Vec<String>,
    /// When they were read. None: never, or the daemon does not tell.
    pub faults_read: Option<Mono>,
}

/// What has no stream and is asked for now and then.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hardware {
    /// Lines, channels and outputs, each with its owner. None: not told yet.
    pub resources: Option<Vec<Resource>>,
    /// On a simulated board: what has been broken on purpose. None: not told, or nothing to break.
    pub faults: Option<Faults>,
    /// None until first answered.
    pub leds: Option<Vec<Led>>,
    /// None until first answered.
    pub items: Option<Vec<Item>>,
    /// None until first answered.
    pub rails: Option<Vec<Rail>>,
    /// None until first answered.
    pub supplies: Option<Vec<Supply>>,
    /// One supply can carry the load alone. None until first answered.
    pub redundant: Option<bool>,
}

/// A piece of hardware with its one owner.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Resource {
    /// `gpio`, `pwm`, `hwmon`, `i2c`, `led`, `watchdog`, `sim`; empty: a kind that this console does not know.
    pub kind: &'static str,
    /// As the board file names it.
    pub name: String,
    /// Whose it is.
    pub owner: String,
    /// Who uses it through its owner.
    pub used_by: Vec<String>,
    /// Whether it answered when it was used last. None: nothing tells.
    pub reachable: Option<bool>,
    /// What is wrong with it; empty unless it is not reachable.
    pub error: String,
}

/// What can be broken on a simulated board, and what is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Faults {
    /// Kind and target of what is broken now.
    pub active: Vec<(String, String)>,
    /// What can be broken.
    pub kinds: Vec<FaultKind>,
}

/// A way to break something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FaultKind {
    /// e.g. `fan-fail`.
    pub kind: String,
    /// In a sentence.
    pub description: String,
    /// What it can be done to.
    pub targets: Vec<String>,
}
