//! The console `ubmc-tui` and the command line `ubmcctl`: two faces of one client of `ubmc.v1`.
//!
//! ```text
//!   tty ──bytes──▶ term ──keys──┐                       ┌──▶ link ──▶ ubmcd
//!                               ▼                       │      │
//!                 app.handle(now, Event) ─▶ Effects ────┤      │ model updates
//!                               │  ▲                    │      │
//!                               │  └────────────────────┼──────┘
//!                        &State ▼                       ▼
//!                  view::draw ─▶ cells ─▶ term (paced bytes) ──▶ tty
//! ```
//!
//! Code map:
//! - [`model`]: the console's mirror of the daemon, made of protobuf types by `model::from_wire` alone;
//! - [`app`]: every decision of the console: one closed [`app::Event`] in, [`app::Effect`]s out. No clock, no I/O;
//! - [`view`]: draws the state, one pane a file; it changes nothing;
//! - [`announce`]: the same in lines instead of frames, for `TERM=dumb` and for screen readers;
//! - [`config`]: `--config`: keys and theme from a file, checked;
//! - [`style`]: what a role looks like from mono to RGB, and which glyphs there are in UTF-8 and in ASCII;
//! - [`link`]: the gRPC side: streams, reconnecting, requests. It decides nothing about the screen;
//! - [`term`]: the terminal: capabilities, size, keys, bytes, pace, and leaving it usable;
//! - [`console`]: wires these together and holds the loops: of frames, and of lines;
//! - [`ctl`]: the command line, and its line shell;
//! - `grammar`: the one language of command line, shell, palette and line mode: words, completion, what is wrong.
//!
//! What holds: `app`, `view` and `announce` never see a protobuf type, a socket, a clock or a terminal; of the console only
//! `link` talks to the daemon, and only `term` and the loop of lines write to the tty; `ctl` is a client of its own, which
//! asks, writes and ends; every queue is bounded.

pub mod announce;
pub mod app;
pub mod config;
pub mod console;
pub mod ctl;
mod grammar;
pub mod link;
pub mod model;
pub mod style;
pub mod term;
pub mod view;
