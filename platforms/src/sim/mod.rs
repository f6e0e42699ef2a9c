//! A server that is made up: what ubmc manages where there is no hardware at hand.
//!
//! Code map
//! - `config`   what a board file's `[sim]` table says; `names`, `catalog`: everything the machine has, by name
//! - `model/`   its physics and its power sequencing: pure, deterministic, no clock, no I/O
//! - `faults`   what can be made to go wrong
//! - `process/` the machine as a process of its own, in real time; `protocol` how one speaks with it; `client/` who does
//!
//! Invariants: `model` knows neither clock nor file nor socket. Nothing here knows a board's own names for its sensors
//! and lines: `hardware` binds them.

mod catalog;
pub mod client;
mod config;
mod faults;
mod model;
mod names;
pub mod process;
pub mod protocol;
mod refusal;

pub use self::{
    catalog::{Catalog, LineEntry, QuantityEntry, catalog},
    config::{ConfigProblem, FanConfig, HostConfig, InitialPower, SimConfig, SupplyConfig},
    faults::{Fault, FaultKind, Target},
    model::{Edge, Hang, Model, StateValue},
    names::{Bus, HostLine, HostQuantity, Line, PowerLine, PsuLine, PsuQuantity, Quantity, Rail, find_fan, find_psu},
    refusal::SimRefusal,
};
