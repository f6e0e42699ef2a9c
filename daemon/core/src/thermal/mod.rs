//! Thermal control: zones that drive fans.
//!
//! - `spec`     what a board says of zones and fans
//! - `control`  all zones and fans as one value
//! - `zone`     one zone's duty; `curve`: from temperature to duty
//! - `judge`    what protection says of a zone: its state, and the duty it must not go below
//! - `fan`      what a fan is told, and whether it turns; `overrides`: what an operator tells it by hand
//! - `views`    what is told of it all

pub mod control;
pub mod curve;

mod fan;
mod judge;
mod overrides;
mod spec;
mod views;
mod zone;

pub use spec::{ControllerKind, ControllerSpec, CurveSpec, FanSpec, Interpolation, ZoneSpec};
