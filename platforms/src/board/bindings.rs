//! What stands behind each row of a board: the hardware that a back-end opens. Parallel to the board's tables.
//!
//! Whoever opens hardware matches on these; the core never sees them.

use std::{fmt, path::PathBuf, time::Duration};

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
    /// One for each rail.
    pub rails: Vec<RailBinding>,
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

impl fmt::Display for PmbusDevice {
    /// As the kernel calls it, e.g. `3-0068`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{:04x}", self.bus, self.address)
    }
}

/// How a rail is switched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RailBinding {
    /// By a line.
    Line,
    /// By the command OPERATION of its regulator.
    Pmbus {
        /// Which.
        device: PmbusDevice,
        /// Page. Absent: the regulator has none.
        page: Option<u8>,
    },
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
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
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
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub struct HwmonDevice {
    /// The end of its device's path, e.g. `7-0052` or `i2c-7/7-0052`. Absent: by name alone.
    pub path: Option<String>,
    /// What its `name` or `label` file says, e.g. `max31785a`. Absent: by path alone.
    pub name: Option<String>,
}

impl fmt::Display for HwmonDevice {
    /// As a board file names it, e.g. `7-0052`, or `max31785a at 7-0052`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.path, &self.name) {
            (Some(path), Some(name)) => write!(f, "{name} at {path}"),
            (Some(word), None) | (None, Some(word)) => f.write_str(word),
            (None, None) => f.write_str("any"),
        }
    }
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
