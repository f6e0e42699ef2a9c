//! Sensors: what they are, what their readings are worth, and when they alarm.

mod spec;

pub use spec::{Formula, SensorKind, SensorSource, SensorSpec, Thresholds};
