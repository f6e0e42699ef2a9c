//! Thermal control: zones that drive fans.

pub mod control;
pub mod curve;

mod spec;

pub use spec::{ControllerKind, ControllerSpec, CurveSpec, FanSpec, Interpolation, ZoneSpec};
