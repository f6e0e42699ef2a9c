//! Supervision of services.
//!
//! - [`spec`] and `probes`: what a registry declares; [`graph`]: who needs whom;
//! - [`unit`]: one service and its next step; [`supervisor`]: how a change of one reaches the others;
//! - `phases`: how the platform as a whole comes up and goes down;
//! - `gates`: what starts and stops wait for; `lives`: how a life is begun and ended; `happenings`: what becomes of it;
//! - [`restart`], `escalation` and [`health`]: what failures and checks lead to;
//! - `counts`: who lives and who is awaited, by group;
//! - `checks`: what health and readiness checks say; `epochs`: what runs once per boot or power-on;
//! - `requests`: what operators ask; `outcomes`: how that ends; [`reload`]: going over to another registry, by their `difference`; `required`: what operations need;
//! - `views`: what is told; `why`: reasons down to the root; `boot`: how the start went.

pub mod graph;
pub mod health;
pub mod reload;
pub mod restart;
pub mod spec;
pub mod supervisor;
pub mod unit;

mod boot;
mod checks;
mod counts;
mod difference;
mod epochs;
mod escalation;
mod gates;
mod happenings;
mod lives;
mod outcomes;
mod phases;
mod probes;
mod requests;
mod required;
mod views;
mod why;

pub use probes::{HealthCheck, HealthSpec, Readiness};
pub use spec::{
    Binary, Builtin, Deployment, Epoch, Group, Limits, RestartPolicy, RestartSpec, Run, Rung, ServiceSpec, Signal,
};
