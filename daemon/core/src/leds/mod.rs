//! LEDs by role.

pub mod policy;

mod spec;

pub use spec::{LedRole, LedSpec, Pattern};
