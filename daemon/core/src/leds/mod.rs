//! LEDs by role.
//!
//! - `spec`: what a board says of them;
//! - [`policy`]: what they show by themselves; [`bank`]: what they show, who holds one, and which cannot be driven.

pub mod bank;
pub mod policy;

mod spec;

pub use spec::{LedRole, LedSpec, Pattern};
