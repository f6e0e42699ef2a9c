//! The guardian: a small process of its own that makes the fans safe when the daemon dies or hangs, and that alone feeds
//! the hardware watchdog.
//!
//! ```text
//!   ubmcd's loop ──pulse──▶ fan writer                              guardian (another process, another session)
//!        │                                                             │
//!        └── beat, every 250 ms: the loop turns, writes return ──────▶ │ ──▶ a handle and a thread for each fan
//!            release: an end in order, hold the duties                 │ ──▶ watchdog
//!        ◀── taken, relieved ──────────────────────────────────────────┘
//! ```
//!
//! It outlives the daemon, so that the next one finds it by its socket in the state directory, and learns from it what
//! the fans were left with.
//!
//! Code map: [`watch`] decides (pure); `protocol` is what is said; `process` is the guardian; `hands` its threads; `place`
//! its socket, `log` its file; `link` is the daemon's side.
//!
//! Invariants: no tokio here; only `watch` decides; nothing that the daemon's loop calls waits; the guardian's loop itself
//! touches no hardware and no disk.

use std::time::Duration;

mod hands;
mod link;
mod log;
mod place;
mod process;
mod protocol;
pub mod watch;

/// Between two beats.
pub const BEAT: Duration = Duration::from_millis(250);
/// No beat for so long means that the daemon hangs. With what a takeover takes this stays within the second that SPEC's HW-4
/// allows, and a busy machine may hold the loop up for almost half a second before it counts.
pub const SILENCE: Duration = Duration::from_millis(700);

pub use self::{
    link::{Charge, Guard},
    process::main,
    protocol::{FanPlan, Held, Place, Plan},
};
