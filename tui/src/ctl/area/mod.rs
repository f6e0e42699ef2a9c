//! The commands, one file per area. A file holds its subcommands, what each asks the daemon, and how the answer looks
//! to people; `lifecycle`, `logs` and `transition` are shared by several, and `shutdown` is a part of `platform`. To add
//! a command: a variant, an arm, and what it draws.

pub(crate) mod bmc;
pub(crate) mod boot;
pub(crate) mod chassis;
pub(crate) mod events;
pub(crate) mod fans;
pub(crate) mod host;
pub(crate) mod inventory;
pub(crate) mod leds;
pub(crate) mod lifecycle;
pub(crate) mod logs;
pub(crate) mod machines;
pub(crate) mod operations;
pub(crate) mod platform;
pub(crate) mod policy;
pub(crate) mod power;
pub(crate) mod resources;
pub(crate) mod schedule;
pub(crate) mod sensors;
pub(crate) mod services;
pub(crate) mod shutdown;
pub(crate) mod simulation;
pub(crate) mod transition;
pub(crate) mod why;
pub(crate) mod zones;
