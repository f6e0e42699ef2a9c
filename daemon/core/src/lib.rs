//! The core of ubmc: domain vocabulary and all decisions (what to start, whether a transition is allowed, how fast a fan
//! turns), as one plain, synchronous, deterministic value: [`core::Core`].
//!
//! ```text
//!   requests, observations, deadlines ──► core.handle(now, Input) ──► Effects (deeds, numbered events, what changed)
//! ```
//!
//! Code map:
//! - [`input`], [`effect`], [`event`], [`refusal`]: what goes in and what comes out; [`view`]: what is told on demand;
//! - [`board`]: what the machine is that is managed; [`ids`], [`units`], [`time`]: words that every room uses;
//! - [`services`]: supervision; [`machines`] and [`operations`]: power states and the requests that drive them;
//! - [`sensors`], [`thermal`], [`power`], [`leds`]: the hardware's side; [`reach`]: whether it is there at all;
//! - [`core`] dispatches inputs (`asked`: those that somebody waits for) and lets one room's decisions reach the others; [`status`] and [`explain`]
//!   answer questions, `askable` says whose answers have changed;
//! - [`guarding`]: the process that makes the fans safe when this one dies or hangs;
//! - [`restore`]: what survives power loss: who is powered on again, boots that fail, requests for later;
//! - [`outbox`], [`timers`], [`rng`]: where decisions, deadlines and chance are kept; [`memory`]: what outlives the daemon.
//!
//! What is absent here, on purpose: no clock (time comes in with each input), no randomness of its own (a seed comes in
//! with the board), no files, sockets, threads, tokio or protobuf. Same inputs, same outputs, byte for byte: nothing
//! iterates in an order that is not defined. Only `outbox` numbers events; only `Supervisor::enter` moves a service from one
//! state to another and only `Machines::take` a machine's; only `Thermal::drive` tells fans.

mod askable;
mod asked;
pub mod board;
pub mod core;
pub mod effect;
pub mod emergency;
pub mod event;
pub mod explain;
pub mod guarding;
pub mod ids;
pub mod input;
pub mod leds;
pub mod machines;
pub mod memory;
pub mod operations;
pub mod outbox;
pub mod power;
pub mod reach;
pub mod refusal;
pub mod restore;
pub mod rng;
pub mod sensors;
pub mod services;
pub mod status;
pub mod thermal;
pub mod time;
pub mod timers;
pub mod units;
pub mod view;
