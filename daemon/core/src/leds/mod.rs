//! LEDs by role.

mod spec;

pub use spec::{LedRole, LedSpec, Pattern};
