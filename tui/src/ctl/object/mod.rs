//! The objects that programs read as JSON, and from which the tables are drawn: keys in snake_case in a fixed order,
//! enums as short lower-case words with hyphens, durations in seconds with keys ending in `_s`, times RFC 3339 in UTC,
//! `null` for what is absent.
//!
//! This is the only place where `ubmcctl` turns wire messages into its own.

mod boot;
mod condition;
mod event;
mod inventory;
mod led;
mod log;
mod machine;
mod operation;
mod power;
mod preflight;
mod reload;
mod resource;
mod schedule;
mod sensor;
mod service;
mod simulation;
mod status;
mod thermal;
mod verification;
mod why;

pub(crate) use boot::{Boot, BootService, CriticalPath};
pub(crate) use condition::{Condition, draw_all};
pub(crate) use event::Event;
pub(crate) use inventory::InventoryItem;
pub(crate) use led::Led;
pub(crate) use log::LogLine;
pub(crate) use machine::{Graph, GraphState, GraphTransition, Machine, Restoration, Transition, TransitionCount};
pub(crate) use operation::{Operation, Step};
pub(crate) use power::{Rail, Supply};
pub(crate) use preflight::{OperationCheck, Readiness, ServiceReport, Validation};
pub(crate) use reload::{Change, Reload};
pub(crate) use resource::Resource;
pub(crate) use schedule::Schedule;
pub(crate) use sensor::{HistoryPoint, Sensor};
pub(crate) use service::{Dependency, Service, ServiceHealth};
pub(crate) use simulation::{Fault, FaultKind, Faults, Simulation};
pub(crate) use status::{Group, Guardian, PlatformHealth, PlatformStatus};
pub(crate) use thermal::{Fan, Term, Trip, Zone, ZoneExplained};
pub(crate) use verification::{Explored, Finding, Verification};
pub(crate) use why::{Consequence, WhatIf, Why};

/// The short word of a wire enum's value: its name without `prefix`, lower-case, with hyphens. A value that this
/// version does not know, or that was not set, is `unknown`.
fn short<E>(name: Result<&'static str, E>, prefix: &str) -> String {
    match name.ok().and_then(|name| name.strip_prefix(prefix)) {
        None | Some("UNSPECIFIED") => "unknown".to_owned(),
        Some(rest) => rest.to_ascii_lowercase().replace('_', "-"),
    }
}

/// The wire enum `$kind`'s value as a word.
macro_rules! word {
    ($kind:ident, $prefix:literal, $value:expr) => {
        $crate::ctl::object::short(::ubmc_proto::v1::$kind::try_from($value).map(|value| value.as_str_name()), $prefix)
    };
}
use word;

/// Health as a word.
fn health(value: i32) -> String {
    word!(Health, "HEALTH_", value)
}

/// On the wire, an absent text is an empty one.
fn present(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

/// On the wire, number 0 is none.
fn numbered(number: u64) -> Option<u64> {
    Some(number).filter(|number| *number != 0)
}

#[cfg(test)]
mod tests {
    #[test]
    fn enums_become_short_words_with_hyphens() {
        for (value, expected) in [(0, "unknown"), (1, "planned"), (5, "rolled-back"), (99, "unknown")] {
            assert_eq!(word!(OperationState, "OPERATION_STATE_", value), expected);
        }
        assert_eq!(word!(Quality, "QUALITY_", 2), "not-yet-read");
        assert_eq!(word!(SensorKind, "SENSOR_KIND_", 5), "fan-speed");
        assert_eq!(word!(SensorStatus, "SENSOR_STATUS_", 5), "unknown");
    }
}
