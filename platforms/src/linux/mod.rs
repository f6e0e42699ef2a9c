//! A real board's hardware, as the Linux kernel shows it.
//!
//! Code map
//! - `watchdog`  the hardware watchdog: opened, fed, disarmed

pub mod watchdog;
