//! The seam between ubmc and hardware: one small trait for each kind of hardware, and a back-end that makes them.
//!
//! Code map
//! - `mod`     the traits, and [`open`]
//! - `sim`     the back-end for simulated boards: everything goes through the board's socket
//! - the back-end for real boards is [`crate::linux`]
//! - `runner`  the threads that use the traits for the built-in services
//!
//! What a back-end promises, so that the runner can keep its own promises:
//! - Making a handle does nothing and cannot fail: hardware that is absent now may appear later, so every call finds
//!   out anew. A handle that was dropped leaves the hardware as it is.
//! - Handles do not wait for each other: sensors come in groups (a bus, a hwmon device) of which each has a handle and
//!   so a thread of its own.
//! - A call ends after some bounded time wherever the kernel allows that, with an error that a person can read.
//!
//! Invariants: only the back-ends know [`Bindings`]; only the runner makes threads (but those that
//! blink and look where the kernel does not); nothing here decides anything.

pub mod runner;
mod sim;

use std::{path::PathBuf, sync::Arc, time::Duration};

use ubmc_core::{
    board::Board,
    ids::{FanId, LedId, RailId, SensorId, SignalId, SupplyId},
    input::Sample,
    leds::Pattern,
    units::{Duty, Level},
};

use crate::{
    board::Bindings,
    linux::{HwmonLimits, LinuxBackend, LinuxError},
    sim::{SimConfig, client::ClientError},
};

/// Why hardware did not do something. The text is for people.
#[derive(Debug, thiserror::Error)]
pub enum HardwareError {
    /// The simulated board did not do it.
    #[error(transparent)]
    Sim(#[from] ClientError),
    /// The kernel did not do it.
    #[error(transparent)]
    Linux(#[from] LinuxError),
    /// Too many commands wait already.
    #[error("too many commands wait for its bus")]
    Busy,
    /// The back-end does not have this row of the board.
    #[error("nothing stands behind {0} on this board")]
    Unbound(String),
}

/// Sensors that are read one after the other, because they share a bus: one that hangs holds these, and no others.
pub trait SensorBus: Send {
    /// e.g. `i2c-host0`.
    fn name(&self) -> &str;

    /// The sensors on it.
    fn sensors(&self) -> &[SensorId];

    /// Reads those of its sensors that are due. A sensor that cannot be read gives a [`Sample`] that says so.
    fn read(&mut self, due: &[SensorId]) -> Vec<(SensorId, Sample)>;
}

/// What drives the fans.
pub trait Fans: Send {
    /// Tells a fan its duty.
    fn set_duty(&mut self, fan: FanId, duty: Duty) -> Result<(), HardwareError>;
}

/// What drives the output lines.
pub trait LineDriver: Send {
    /// Drives a line.
    fn set(&mut self, line: SignalId, level: Level) -> Result<(), HardwareError>;
}

/// Regulators and supplies that are spoken to over their own bus.
pub trait PowerDevices: Send {
    /// Switches a rail whose regulator takes commands.
    fn set_rail(&mut self, rail: RailId, on: bool) -> Result<(), HardwareError>;

    /// Reads a supply's fault registers, by name, then clears them.
    fn capture_fault(&mut self, supply: SupplyId) -> Result<Vec<(String, u16)>, HardwareError>;
}

/// What watches all lines, inputs and outputs.
pub trait LineWatcher: Send {
    /// Every line, and from then on its edges. None: it cannot be read.
    fn read_all(&mut self) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError>;

    /// Edges since `read_all`, in order; nothing when `timeout` has passed without. None: that line cannot be read any
    /// more, or not yet; it is told when it can. After an error: `read_all` again.
    fn edges(&mut self, timeout: Duration) -> Result<Vec<(SignalId, Option<Level>)>, HardwareError>;
}

/// What drives the LEDs.
pub trait Leds: Send {
    /// Lets an LED show a pattern.
    fn set(&mut self, led: LedId, pattern: Pattern) -> Result<(), HardwareError>;
}

/// A way to reach a board's hardware. Each call gives a fresh handle.
pub trait Backend: Send + Sync {
    /// Every sensor that hardware measures, by bus.
    fn sensor_buses(&self) -> Vec<Box<dyn SensorBus>>;

    /// The fans.
    fn fans(&self) -> Box<dyn Fans>;

    /// The output lines.
    fn line_driver(&self) -> Box<dyn LineDriver>;

    /// Regulators and supplies.
    fn power_devices(&self) -> Box<dyn PowerDevices>;

    /// All lines.
    fn line_watcher(&self) -> Box<dyn LineWatcher>;

    /// The LEDs.
    fn leds(&self) -> Box<dyn Leds>;

    /// The limits that a sensor's chip has for it. Absent: such a sensor has none that could be asked for.
    fn limits(&self, _sensor: SensorId) -> Option<Result<HwmonLimits, HardwareError>> {
        None
    }
}

/// Where a board's hardware is.
#[derive(Clone, Debug)]
pub enum Platform {
    /// Ours: what the kernel shows.
    Linux {
        /// Usually `/sys`.
        sysfs: PathBuf,
    },
    /// In a process of its own.
    Sim {
        /// Where its socket is.
        dir: PathBuf,
        /// What it is made of.
        config: SimConfig,
    },
}

/// Why hardware cannot be opened at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// A row is bound to something the simulated machine does not have.
    #[error("`{row}` is bound to `{name}`, which the simulated machine does not have")]
    Unknown {
        /// The board's name.
        row: String,
        /// The machine's name.
        name: String,
    },
    /// A row is bound to hardware of another platform.
    #[error("`{row}` is bound to hardware that this platform does not have")]
    Elsewhere {
        /// The board's name.
        row: String,
    },
    /// The bindings are not those of this board.
    #[error("the board has {rows} {what}, but {bound} of them are bound")]
    Incomplete {
        /// e.g. `sensors`.
        what: &'static str,
        /// In the board.
        rows: usize,
        /// In the bindings.
        bound: usize,
    },
}

/// The way to the hardware of a board. Nothing is touched yet.
///
/// # Errors
/// The bindings do not fit the board or the platform; those that the loader made do.
pub fn open(board: &Board, bindings: &Bindings, platform: Platform) -> Result<Arc<dyn Backend>, OpenError> {
    for (what, rows, bound) in [
        ("signals", board.signals.len(), bindings.signals.len()),
        ("sensors", board.sensors.len(), bindings.sensors.len()),
        ("fans", board.fans.len(), bindings.fans.len()),
        ("LEDs", board.leds.len(), bindings.leds.len()),
    ] {
        if rows != bound {
            return Err(OpenError::Incomplete { what, rows, bound });
        }
    }
    match platform {
        Platform::Linux { sysfs } => Ok(Arc::new(LinuxBackend::new(board, bindings, sysfs)?)),
        Platform::Sim { dir, config } => Ok(Arc::new(sim::SimBackend::new(board, bindings, dir, &config)?)),
    }
}
