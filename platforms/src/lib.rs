//! (to be written)

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test that fails should say where

pub mod board;
pub mod hardware;
pub mod sim;
pub mod workload;
