//! Supervision of services.
//!
//! - [`spec`]: what a registry declares; [`graph`]: who needs whom;
//! - [`unit`]: one service and its next step; [`supervisor`]: how a change of one reaches the others;
//! - `gates`: what starts and stops wait for; `lives`: how a life begins, goes on and ends;
//! - [`restart`], `escalation` and [`health`]: what failures and checks lead to;
//! - `requests`: what operators ask; `views`: what is told.

pub mod graph;
pub mod health;
pub mod restart;
pub mod spec;
pub mod supervisor;
pub mod unit;

mod escalation;
mod gates;
mod lives;
mod requests;
mod views;

pub use spec::{
    Binary, Builtin, Deployment, Epoch, Group, HealthCheck, HealthSpec, Limits, Readiness, RestartPolicy, RestartSpec,
    Run, Rung, ServiceSpec, Signal,
};
