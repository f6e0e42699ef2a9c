//! Sensors: what they are, what their readings are worth, and when they alarm.
//!
//! - `spec`        what a board says of a sensor
//! - `bank`        all sensors as one value: readings in, quality and alarms out
//! - `thresholds`  when a reading alarms; `limits`: those that a device brings along
//! - `derived`     sensors computed from others; `silence`: what one that is not heard may have come to
//! - `history`, `statistics`   what was

pub mod bank;
pub mod history;
pub mod silence;
pub mod statistics;
pub mod thresholds;

mod derived;
mod limits;
mod spec;
#[cfg(test)]
pub(crate) mod tests;

pub use spec::{Formula, Protection, SensorKind, SensorSource, SensorSpec, Thresholds};
