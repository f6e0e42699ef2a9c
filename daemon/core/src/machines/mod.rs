//! State machines of hosts, chassis and BMC.

mod definition;

pub use definition::{
    Action, Condition, Definition, Demand, MachineKind, MachineSpec, StateDef, Tone, Transition, Trigger,
};
