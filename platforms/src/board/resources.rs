//! Who owns which piece of hardware, for people: one row for each piece that a board names (SPEC HW-7).
//!
//! The loader has seen to it that no piece stands twice; this only tells what it found.

use std::fmt;

use ubmc_core::{
    board::Board,
    ids::SignalId,
    power::{RailSwitch, StepSpec},
};

use super::{
    bindings::{Bindings, FanBinding, HwmonDevice, LedBinding, PmbusDevice, RailBinding, SensorBinding, SignalBinding},
    sources::OPERATION,
};

/// What kind of hardware it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ResourceKind {
    /// A line of a GPIO chip.
    GpioLine,
    /// A PWM output.
    Pwm,
    /// A channel of a hwmon or IIO device: what a driver in the kernel measures.
    HwmonChannel,
    /// A device on an I²C bus that is read without a driver, or a word of one.
    I2cDevice,
    /// An LED.
    Led,
    /// The hardware watchdog.
    Watchdog,
    /// Something of the simulated board.
    Sim,
}

impl ResourceKind {
    /// Lower-case word: `gpio-line`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GpioLine => "gpio-line",
            Self::Pwm => "pwm",
            Self::HwmonChannel => "hwmon-channel",
            Self::I2cDevice => "i2c-device",
            Self::Led => "led",
            Self::Watchdog => "watchdog",
            Self::Sim => "sim",
        }
    }
}

impl fmt::Display for ResourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One piece of hardware.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resource {
    /// What it is.
    pub kind: ResourceKind,
    /// As the board file names it, e.g. `power-chassis-good`, `7-0052/pwm1`, `3-0068 command 0x88`.
    pub name: String,
    /// Whose it is: the declaration that names it, e.g. `signal chassis-power-good`.
    pub owner: String,
    /// Who uses it through its owner, e.g. `machine chassis (power-good)`; in the order of the board.
    pub used_by: Vec<String>,
}

/// Every piece of hardware that a board names, in the order of its tables.
pub fn resources(board: &Board, bindings: &Bindings) -> Vec<Resource> {
    let signals = board.signals.iter().zip(&bindings.signals).enumerate().map(|(index, (spec, binding))| {
        let (kind, name) = match binding {
            SignalBinding::Sim { line } => (ResourceKind::Sim, line.clone()),
            SignalBinding::Gpio { line, chip: None, .. } => (ResourceKind::GpioLine, line.clone()),
            SignalBinding::Gpio { line, chip: Some(chip), .. } => (ResourceKind::GpioLine, format!("{chip}/{line}")),
        };
        Resource { kind, name, owner: format!("signal {}", spec.name), used_by: users_of_signal(board, index) }
    });
    let sensors = board.sensors.iter().zip(&bindings.sensors).enumerate().filter_map(|(index, (spec, binding))| {
        let (kind, name) = match binding {
            SensorBinding::Sim { quantity } => (ResourceKind::Sim, quantity.clone()),
            SensorBinding::Hwmon { device, channel } => (ResourceKind::HwmonChannel, of_hwmon(device, channel)),
            SensorBinding::Iio { device, channel } => (ResourceKind::HwmonChannel, format!("{device}/{channel}")),
            SensorBinding::Pmbus { device, page, command, .. } => {
                (ResourceKind::I2cDevice, of_register(device, *page, *command))
            }
            SensorBinding::Derived => return None,
        };
        Some(Resource { kind, name, owner: format!("sensor {}", spec.name), used_by: users_of_sensor(board, index) })
    });
    let fans = board.fans.iter().zip(&bindings.fans).enumerate().map(|(index, (spec, binding))| {
        let (kind, name) = match binding {
            FanBinding::Sim { fan } => (ResourceKind::Sim, fan.clone()),
            FanBinding::Hwmon { device, channel } => (ResourceKind::Pwm, of_hwmon(device, channel)),
        };
        let zones = board.zones.iter().filter(|zone| zone.fans.iter().any(|fan| fan.index() == index));
        let used_by = zones.map(|zone| format!("zone {}", zone.name)).collect();
        Resource { kind, name, owner: format!("fan {}", spec.name), used_by }
    });
    let leds = board.leds.iter().zip(&bindings.leds).map(|(spec, binding)| {
        let (kind, name) = match binding {
            LedBinding::Sim { led } => (ResourceKind::Sim, led.clone()),
            LedBinding::Sysfs { led } => (ResourceKind::Led, led.clone()),
        };
        Resource { kind, name, owner: format!("led {}", spec.name), used_by: Vec::new() }
    });
    let supplies = board.supplies.iter().zip(&bindings.supplies).filter_map(|(spec, device)| {
        Some(Resource {
            kind: ResourceKind::I2cDevice,
            name: device.as_ref()?.to_string(),
            owner: format!("supply {}", spec.name),
            used_by: Vec::new(),
        })
    });
    let rails = board.rails.iter().zip(&bindings.rails).filter_map(|(spec, binding)| match binding {
        // Its line is a signal's.
        RailBinding::Line => None,
        RailBinding::Pmbus { device, page } => Some(Resource {
            kind: ResourceKind::I2cDevice,
            name: of_register(device, *page, OPERATION),
            owner: format!("rail {}", spec.name),
            used_by: Vec::new(),
        }),
    });
    let watchdog = bindings.watchdog.iter().map(|watchdog| Resource {
        kind: ResourceKind::Watchdog,
        name: watchdog.device.display().to_string(),
        owner: "watchdog".to_owned(),
        used_by: Vec::new(),
    });
    signals.chain(sensors).chain(fans).chain(leds).chain(supplies).chain(rails).chain(watchdog).collect()
}

fn of_hwmon(device: &HwmonDevice, channel: &str) -> String {
    format!("{device}/{channel}")
}

fn of_register(device: &PmbusDevice, page: Option<u8>, command: u8) -> String {
    match page {
        Some(page) => format!("{device} page {page} command {command:#04x}"),
        None => format!("{device} command {command:#04x}"),
    }
}

fn users_of_signal(board: &Board, signal: usize) -> Vec<String> {
    let is = |id: Option<ubmc_core::ids::SignalId>| id.is_some_and(|id| id.index() == signal);
    let machines = board.machines.iter().flat_map(|machine| {
        let roles = machine.signals.iter().filter(|(_, id)| is(Some(**id)));
        roles.map(|(role, _)| format!("machine {} ({role})", machine.name))
    });
    let supplies = board.supplies.iter().flat_map(|supply| {
        let present = is(supply.present).then(|| format!("supply {} (present)", supply.name));
        present.into_iter().chain(is(supply.good).then(|| format!("supply {} (good)", supply.name)))
    });
    let rails = board.rails.iter().flat_map(|rail| {
        let enable =
            (rail.switch == RailSwitch::Line(SignalId::new(signal))).then(|| format!("rail {} (enable)", rail.name));
        enable.into_iter().chain(is(rail.good).then(|| format!("rail {} (good)", rail.name)))
    });
    let sequences = board.sequences.iter().filter(|sequence| {
        sequence.steps.iter().any(|step| match step {
            StepSpec::Set { line, .. } | StepSpec::Pulse { line, .. } | StepSpec::Wait { line, .. } => is(Some(*line)),
            StepSpec::Voltage { .. } | StepSpec::Rail { .. } | StepSpec::Delay(_) => false,
        })
    });
    let sequences = sequences.map(|sequence| format!("sequence {}", sequence.name));
    machines.chain(supplies).chain(rails).chain(sequences).collect()
}

fn users_of_sensor(board: &Board, sensor: usize) -> Vec<String> {
    let is = |id: Option<ubmc_core::ids::SensorId>| id.is_some_and(|id| id.index() == sensor);
    let fans = board.fans.iter().filter(|fan| is(fan.tachometer)).map(|fan| format!("fan {}", fan.name));
    let zones = board.zones.iter().filter(|zone| zone.sensors().iter().any(|id| id.index() == sensor));
    let zones = zones.map(|zone| format!("zone {}", zone.name));
    let supplies = board.supplies.iter().filter(|supply| is(supply.power) || is(supply.temperature));
    fans.chain(zones).chain(supplies.map(|supply| format!("supply {}", supply.name))).collect()
}
