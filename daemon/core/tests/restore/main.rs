//! Power that goes and comes back: whole lives of the core, one after the other, on hardware that outlives it.

mod attempts;
mod bench;
mod policies;
mod schedules;
