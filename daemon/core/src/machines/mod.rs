//! State machines of hosts, chassis and BMC.
//!
//! - `definition`: machines as data; `machine`: one of them; [`bank`]: all machines of a board and the lines they follow;
//! - [`verify`]: everything that can happen to them, tried beforehand; `history`: what they did.

pub mod bank;
pub mod verify;

mod definition;
mod history;
mod machine;

pub use definition::{
    Action, Condition, Definition, Demand, MachineKind, MachineSpec, StateDef, Tone, Transition, Trigger,
};
pub use history::{Arrow, History, Tally, TransitionRecord};
pub use machine::Machine;
