//! What the black-box tests and the simulation share.
//!
//! - [`daemon`]: the real `ubmcd` in a folder of its own; [`terminal`]: the real `ubmc-tui` on a pseudo-terminal;
//! - [`traces`]: what a daemon leaves in the process table;
//! - [`plant`]: the simulated board and the core in one process, in simulated time;
//! - [`power`]: its power path, exhaustively;
//! - [`world`]: the core driven by seeded chance;
//! - [`rainier`]: the emulated board, its surroundings and its serial lines;
//! - [`bench`](mod@bench): what is measured rather than tested.
#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "a test that fails should say where"
)]

pub mod bench;
pub mod daemon;
pub mod plant;
pub mod power;
pub mod rainier;
pub mod terminal;
pub mod traces;
pub mod world;
