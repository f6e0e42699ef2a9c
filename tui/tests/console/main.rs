//! The console from the outside: scenarios of the pure app, rendered screens, the bytes that a terminal gets, random
//! input, the link against a canned daemon, and the real binary on a pty.

// The tests are made of helpers around `#[test]` functions: what fails there fails the test.
#![allow(clippy::expect_used)]

mod acting;
mod announce;
mod board;
mod bytes;
mod colours;
mod command_lines;
mod desk;
mod details;
mod link;
mod meanwhile;
mod mouse;
mod program;
mod robustness;
mod scenarios;
mod screens;
mod server;
mod ways;
