//! State machines of hosts, chassis and BMC.
//!
//! - `definition`: machines as data; [`bank`]: all machines of a board and the lines they follow;
//! - [`verify`]: everything that can happen to them, tried beforehand.

pub mod bank;
pub mod verify;

mod definition;

pub use bank::TransitionRecord;
pub use definition::{
    Action, Condition, Definition, Demand, MachineKind, MachineSpec, StateDef, Tone, Transition, Trigger,
};
