//! `ubmcd`: the shell around the core. It turns the world into the core's inputs and the core's effects into deeds, and
//! decides nothing.
//!
//! Code map:
//! - [`args`]: the command line;
//! - [`launch`]: from a command line to a running daemon, and the exit code at the end;
//! - [`configuration`]: the files that describe the board and its services, read at the start and at a reload;
//! - [`shell`]: the loop that owns the core; who asks and who watches goes through it;
//! - [`process`]: real processes, started, watched, signalled, heard and reaped;
//! - [`guardian`]: the process that makes the fans safe when this one dies or hangs; [`reboot`]: what takes our place when the
//!   BMC is rebooted;
//! - [`health`]: asking services whether they are well;
//! - [`journal`]: every event, in order, within bounds;
//! - [`memory`]: what outlives the daemon; [`allocator`]: giving back what it does not need any more;
//! - [`api`]: gRPC on unix sockets, and the only conversions between wire and domain;
//! - [`telemetry`]: the daemon's own log.
//!
//! Invariants:
//! - only [`shell`] holds the core, and effects are carried out in one file of it;
//! - outside `api::to_wire` and `api::from_wire` no wire message is made of domain values, or the other way round;
//! - every channel and every ring is bounded; what is dropped is counted and told;
//! - nothing here waits without a bound while it holds the loop.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used))] // a test that fails should say where

pub mod allocator;
pub mod api;
pub mod args;
pub mod configuration;
pub mod guardian;
pub mod health;
pub mod journal;
pub mod launch;
pub mod memory;
pub mod process;
pub mod reboot;
pub mod shell;
pub mod telemetry;
