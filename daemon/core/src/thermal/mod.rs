//! Thermal control: zones that drive fans.
//!
//! - `spec`        what a board says of zones and fans
//! - `control`     all zones and fans as one value
//! - `zone`        one zone's duty: the highest of its controllers', bounded, raised by protection
//! - `controller`  one controller: its input, its output and every term; `hysteresis`, `curve` and `pid` compute
//! - `judge`       what protection says of a zone: its state, and the duty it must not go below
//! - `record`      what everything was at when a zone tripped
//! - `fan`         what a fan is told, and whether it turns; `overrides`: what an operator tells it by hand
//! - `views`       what is told of it all

pub mod control;
pub mod curve;
mod heritage;
pub mod hysteresis;
pub mod pid;

mod controller;
mod fan;
mod judge;
mod overrides;
mod record;
mod spec;
#[cfg(test)]
mod tests;
mod views;
mod zone;

pub use record::{TripFan, TripPart, TripRecord};
pub use spec::{ControllerKind, ControllerSpec, CurveSpec, FanSpec, InputKind, Interpolation, ZoneSpec};
