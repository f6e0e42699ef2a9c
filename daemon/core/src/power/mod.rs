//! Power: signal lines and supplies.

mod spec;

pub use spec::{Direction, SignalSpec, SupplySpec};
