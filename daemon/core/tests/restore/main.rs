//! Power that goes and comes back: whole lives of the core, one after the other, on hardware that outlives it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that fails should say where")]

mod attempts;
mod bench;
mod policies;
mod schedules;
