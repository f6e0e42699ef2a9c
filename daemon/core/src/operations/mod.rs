//! Operations: requests that take time, with steps that hardware or processes confirm.
//!
//! - [`plan`]: what a request on machines would do, and `forecast`: how long that takes; [`interlocks`]: what stands against
//!   it, and [`waivers`]: what of that is overridden for a while; these change nothing;
//! - [`book`]: all operations, running and past; `drive`: how those on machines go on, [`services`]: how those on services do;
//!   [`learned`]: how long they usually take; [`past`]: what is remembered of them across the end of the daemon.

pub mod book;
pub mod interlocks;
pub mod learned;
pub mod past;
pub mod plan;
pub mod services;
pub mod waivers;

mod drive;
mod forecast;
