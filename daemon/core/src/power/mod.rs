//! Power: signal lines and supplies.

pub mod supplies;

mod spec;

pub use spec::{Direction, SignalSpec, SupplySpec};
