//! A real board's hardware, as the Linux kernel shows it.
//!
//! Code map
//! - `backend`     the traits of [`crate::hardware`], and which row of a board is reached how
//! - `bus`         sensors that share a bus, and so a thread
//! - `hwmon`       chips that have a driver: values, limits, fan outputs
//! - `iio`         converters and environmental sensors
//! - `smbus`       transfers to an address, and recovery of a bus
//! - `pmbus`       supplies and regulators without a driver; the fault registers of all
//! - `regulators`  rails that are switched, and supplies that are asked why they failed
//! - `gpio`        lines by name, their edges
//! - `led`         the LED class
//! - `watchdog`    the hardware watchdog: opened, fed, disarmed
//! - `probe`       what a machine has, as a list and as a first board file
//! - `attributes`  folders of sysfs and the small text files in them
//! - `error`       why something does not work, for people
//!
//! Invariants: nothing is known by a number that changes from boot to boot; what is absent is looked for again when it
//! is needed; everything below sysfs is found from one root, so that made-up trees serve as tests. Making any of this
//! touches no hardware.

mod attributes;
mod backend;
mod bus;
mod error;
mod gpio;
mod hwmon;
mod iio;
mod led;
pub mod pmbus;
pub mod probe;
mod regulators;
mod smbus;
pub mod watchdog;

pub(crate) use backend::LinuxBackend;
pub use error::LinuxError;
pub use hwmon::limits::HwmonLimits;
pub use smbus::SmbusError;
