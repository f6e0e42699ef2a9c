//! Operations: requests that take time, with steps that hardware or processes confirm.
//!
//! - [`plan`]: what a request on machines would do, and what stands against it; changes nothing;
//! - [`book`]: all operations, running and past; how those on machines go on; [`services`]: how those on services do;
//! - [`past`]: what is remembered of them across the end of the daemon.

pub mod book;
pub mod past;
pub mod plan;
pub mod services;
