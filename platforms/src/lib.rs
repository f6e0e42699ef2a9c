//! What a board is, and how its hardware is reached.
//!
//! Code map
//! - `board`     board files, service registries, machine definitions: loaded, checked, with problems by line and column
//! - `hardware`  the traits at the hardware seam, their back-ends, and the threads that use them
//! - `linux`     what a real board has, as the Linux kernel shows it
//! - `sim`       a server that is made up: its physics, its faults, its process
//! - `workload`  processes of every character, for a supervisor to look after
//!
//! Invariants: `board` touches no hardware; `sim` knows neither boards nor bindings; only `hardware` and the
//! back-end in `linux` know bindings. There is no asynchronous runtime here: threads, and calls that are bounded in time.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test that fails should say where

pub mod board;
pub mod hardware;
pub mod linux;
pub mod sim;
pub mod workload;
