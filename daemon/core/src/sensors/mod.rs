//! Sensors: what they are, what their readings are worth, and when they alarm.

pub mod bank;
pub mod history;
pub mod thresholds;

mod spec;

pub use spec::{Formula, SensorKind, SensorSource, SensorSpec, Thresholds};
