//! Power: signal lines, rails and their sequences, supplies.
//!
//! - [`lines`]: what each line carries; [`sequencer`]: sequences under way; [`supplies`]: what can still fail.

pub mod lines;
pub mod sequencer;
pub mod supplies;

mod record;
mod spec;

pub use spec::{Direction, RailSpec, RailSwitch, SequenceSpec, SignalSpec, StepSpec, SupplySpec};
