//! What stands behind each row of a board: the hardware that a back-end opens. Parallel to the board's tables.
//!
//! Whoever opens hardware matches on these; the core never sees them.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use ubmc_core::{power::Direction, sensors::SensorKind};

use super::{
    schema,
    source::{At, Span},
    table::{Context, Table, nearest},
};
use crate::sim::Catalog;

/// Hardware of every row; places are those of [`ubmc_core::board::Board`]'s tables.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Bindings {
    /// One for each signal.
    pub signals: Vec<SignalBinding>,
    /// One for each sensor.
    pub sensors: Vec<SensorBinding>,
    /// One for each fan.
    pub fans: Vec<FanBinding>,
    /// One for each LED.
    pub leds: Vec<LedBinding>,
    /// One for each supply: where its fault registers are read when it fails. Absent: nowhere.
    pub supplies: Vec<Option<PmbusDevice>>,
    /// The hardware watchdog. Absent: the board has none, or it is not used.
    pub watchdog: Option<WatchdogBinding>,
}

/// A hardware watchdog.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct WatchdogBinding {
    /// e.g. `/dev/watchdog0`.
    pub device: PathBuf,
    /// Not fed for so long, it resets the controller.
    pub timeout: Duration,
}

/// A device on an I²C bus.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PmbusDevice {
    /// Number of the bus, as in `/dev/i2c-3`.
    pub bus: u32,
    /// 7-bit address.
    pub address: u16,
    /// Whether messages carry a packet error code.
    pub pec: bool,
}

/// How a PMBus word becomes a number.
#[derive(Clone, Debug, PartialEq)]
pub enum PmbusFormat {
    /// 5-bit exponent, 11-bit mantissa.
    Linear11,
    /// 16-bit mantissa; the exponent is read from `VOUT_MODE`.
    Linear16,
    /// X = (Y·10^−R − b)/m.
    Direct {
        /// Slope.
        m: f64,
        /// Offset.
        b: f64,
        /// Power of ten.
        r: i8,
    },
}

/// Which electrical resting state a line's input is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// Pulled up.
    PullUp,
    /// Pulled down.
    PullDown,
    /// Neither.
    Disabled,
}

/// Where a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignalBinding {
    /// A line of the simulated board, e.g. `host.0.power_good`.
    Sim {
        /// Its name there.
        line: String,
    },
    /// A line of a GPIO chip.
    Gpio {
        /// The line's name in the device tree, e.g. `power-chassis-good`.
        line: String,
        /// Label or name of the chip, for line names that are there twice. Absent: any chip.
        chip: Option<String>,
        /// Asserted when electrically low.
        active_low: bool,
        /// Absent: left as it is.
        bias: Option<Bias>,
    },
}

/// Where a sensor's raw value comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum SensorBinding {
    /// A quantity of the simulated board, e.g. `host.0.cpu_temp`.
    Sim {
        /// Its name there.
        quantity: String,
    },
    /// A channel of a hwmon device, in the kernel's units: scaled to the board's by the back-end.
    Hwmon {
        /// Which device, see [`HwmonDevice`].
        device: HwmonDevice,
        /// e.g. `temp1`, `in0`, `curr1`, `power1`, `fan1`; a label that `*_label` gives is written `label:CPU`.
        channel: String,
    },
    /// A channel of an IIO device: (raw + offset) × scale.
    Iio {
        /// Part of its device path, e.g. `7-0040`, or its name.
        device: String,
        /// e.g. `temp`, `humidityrelative`, `voltage0`.
        channel: String,
    },
    /// A value that a PMBus device without a driver gives.
    Pmbus {
        /// Which.
        device: PmbusDevice,
        /// Page. Absent: the device has none.
        page: Option<u8>,
        /// Command code, e.g. 0x88 for `READ_VIN`.
        command: u8,
        /// How the word is read.
        format: PmbusFormat,
    },
    /// Computed by the core from other sensors; no hardware.
    Derived,
}

/// Where a fan's duty goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FanBinding {
    /// A fan of the simulated board, e.g. `fan.0`.
    Sim {
        /// Its name there.
        fan: String,
    },
    /// A PWM output of a hwmon device.
    Hwmon {
        /// Which device.
        device: HwmonDevice,
        /// e.g. `pwm1`.
        channel: String,
    },
}

/// A hwmon device by what does not change from boot to boot; never by number.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct HwmonDevice {
    /// The end of its device's path, e.g. `7-0052` or `i2c-7/7-0052`. Absent: by name alone.
    pub path: Option<String>,
    /// What its `name` or `label` file says, e.g. `max31785a`. Absent: by path alone.
    pub name: Option<String>,
}

/// Where an LED's pattern goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LedBinding {
    /// An LED of the simulated board, e.g. `identify`.
    Sim {
        /// Its name there.
        led: String,
    },
    /// An LED of the LED class, e.g. `pca955x:front-sys-id0`.
    Sysfs {
        /// Its name there.
        led: String,
    },
}

/// A `source` as written, before it is known what it is for.
pub(super) enum Source {
    Sim(At<String>),
}

/// What a declaration is to be bound to.
#[derive(Clone, Copy)]
pub(super) enum Wanted {
    /// A quantity; the kind of the sensor, when that could be read.
    Quantity(Option<SensorKind>),
    /// A line; its direction, when that could be read.
    Line(Option<Direction>),
    Fan,
    Led,
}

impl Wanted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Quantity(_) => "quantity",
            Self::Line(_) => "line",
            Self::Fan => "fan",
            Self::Led => "LED",
        }
    }
}

/// Reads sources and sees to it that each piece of hardware is there and has one owner.
pub(super) struct Hardware {
    /// Whether the board has a `[sim]` table.
    simulated: bool,
    /// What the simulated board has; absent also when its table is wrong.
    catalog: Option<Catalog>,
    owners: BTreeMap<(&'static str, String), Owner>,
}

struct Owner {
    who: String,
    at: Span,
}

impl Hardware {
    pub(super) fn new(catalog: Option<Catalog>, simulated: bool) -> Self {
        Self { simulated, catalog, owners: BTreeMap::new() }
    }

    /// The table's `source`; `default` is what a simulated board takes when there is none.
    pub(super) fn source(
        &mut self,
        table: &Table<'_>,
        wanted: Wanted,
        default: Option<&str>,
        cx: &mut Context<'_>,
    ) -> Option<Source> {
        let Some(entry) = table.entry("source") else {
            if let (Some(default), true) = (default, self.simulated) {
                return self.claim(table, wanted, At::new(default.to_owned(), table.at), cx);
            }
            table.missing("source", "{ sim = \"…\" }", cx);
            return None;
        };
        let source = Table::open(&entry.node, entry.key_at, table.named("source"), schema::SOURCE, cx)?;
        let sim = source.required_text("sim", "\"…\"", cx)?;
        if !self.simulated {
            cx.out
                .error(
                    source.key_at("sim"),
                    format!("{} is bound to the simulator, but this board has none", table.who),
                )
                .help("add a `[sim]` table");
        }
        self.claim(table, wanted, sim, cx)
    }

    fn claim(&mut self, table: &Table<'_>, wanted: Wanted, name: At<String>, cx: &mut Context<'_>) -> Option<Source> {
        self.check_exists(table, wanted, &name, cx);
        let kind = wanted.as_str();
        let key = (kind, name.value.clone());
        if let Some(owner) = self.owners.get(&key) {
            cx.out
                .error(
                    name.at,
                    format!("{} and {} are both bound to the {kind} `{}`", owner.who, table.who, name.value),
                )
                .label("second owner")
                .related(owner.at, "first owner");
            return None;
        }
        self.owners.insert(key, Owner { who: table.who.clone(), at: name.at });
        Some(Source::Sim(name))
    }

    fn check_exists(&self, table: &Table<'_>, wanted: Wanted, name: &At<String>, cx: &mut Context<'_>) {
        let Some(catalog) = &self.catalog else { return };
        let (found, known): (Option<Result<(), String>>, Vec<&str>) = match wanted {
            Wanted::Quantity(kind) => {
                let found = catalog.quantities.iter().find(|entry| entry.name == name.value);
                let fits = found.map(|entry| match kind {
                    Some(kind) if kind != entry.kind => Err(format!("a {}", entry.kind)),
                    _ => Ok(()),
                });
                (fits, catalog.quantities.iter().map(|entry| entry.name.as_str()).collect())
            }
            Wanted::Line(direction) => {
                let found = catalog.lines.iter().find(|entry| entry.name == name.value);
                let fits = found.map(|entry| match direction {
                    Some(direction) if direction != entry.direction => Err(match entry.direction {
                        Direction::Input => "an input: the board drives it".to_owned(),
                        Direction::Output => "an output: the BMC drives it".to_owned(),
                    }),
                    _ => Ok(()),
                });
                (fits, catalog.lines.iter().map(|entry| entry.name.as_str()).collect())
            }
            Wanted::Fan => {
                let found = catalog.fans.contains(&name.value).then_some(Ok(()));
                (found, catalog.fans.iter().map(String::as_str).collect())
            }
            // The simulated board takes LEDs under any name.
            Wanted::Led => (Some(Ok(())), Vec::new()),
        };
        let kind = wanted.as_str();
        match found {
            Some(Ok(())) => {}
            Some(Err(is)) => cx
                .out
                .error(
                    name.at,
                    format!("{} does not fit the {kind} `{}` of the simulated board", table.who, name.value),
                )
                .label(format!("it is {is}"))
                .done(),
            None => cx
                .out
                .error(
                    name.at,
                    format!(
                        "{} is bound to `{}`, a {kind} that the simulated board does not have",
                        table.who, name.value
                    ),
                )
                .meant(nearest(&name.value, known))
                .done(),
        }
    }
}
