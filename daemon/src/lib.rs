//! The shell of ubmc: it turns the world into the core's inputs and the core's effects into deeds, and decides nothing.

pub mod health;
pub mod process;
