//! Operations: requests that take time, with steps that hardware or processes confirm.
//!
//! - [`plan`]: what a request on machines would do, and what stands against it; changes nothing;
//! - [`book`]: all operations, running and past; how they go on.

pub mod book;
pub mod plan;
