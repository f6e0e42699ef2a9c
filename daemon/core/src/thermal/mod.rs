//! Thermal control: zones that drive fans.

mod spec;

pub use spec::{ControllerKind, ControllerSpec, CurveSpec, FanSpec, Interpolation, ZoneSpec};
