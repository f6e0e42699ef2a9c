//! Rails and supplies.

use std::collections::BTreeMap;

use serde::Serialize;
use ubmc_proto::v1;

use super::{health, present};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Rail {
    pub name: String,
    /// What it was told.
    pub enabled: bool,
    /// What the hardware answers.
    pub power_good: Option<bool>,
    pub control_signal: Option<String>,
    pub good_signal: Option<String>,
    /// V.
    pub voltage: Option<f64>,
    /// Rails that must be up before.
    pub requires: Vec<String>,
    /// Who switches it.
    pub machine: Option<String>,
    /// Where that machine's sequence stands.
    pub progress: Option<String>,
}

impl From<v1::Rail> for Rail {
    fn from(wire: v1::Rail) -> Self {
        Self {
            name: wire.name,
            enabled: wire.enabled,
            power_good: wire.power_good,
            control_signal: present(wire.control_signal),
            good_signal: present(wire.good_signal),
            voltage: wire.voltage,
            requires: wire.requires,
            machine: present(wire.machine),
            progress: present(wire.progress),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Supply {
    pub name: String,
    pub present: Option<bool>,
    pub power_good: Option<bool>,
    pub power_w: Option<f64>,
    /// °C.
    pub temperature: Option<f64>,
    pub health: String,
    pub rated_w: f64,
    /// What its fault registers said when it failed last, by name; empty: never read.
    pub fault_registers: BTreeMap<String, u32>,
    /// How long ago they were read; none: never.
    pub fault_age_s: Option<f64>,
    /// Of the whole set: one supply could carry the present load alone.
    pub redundant: bool,
}

impl Supply {
    pub(crate) fn new(wire: v1::Supply, redundant: bool) -> Self {
        Self {
            name: wire.name,
            present: wire.present,
            power_good: wire.power_good,
            power_w: wire.power_w,
            temperature: wire.temperature,
            health: health(wire.health),
            rated_w: wire.rated_w,
            fault_registers: wire.fault_registers.into_iter().map(|register| (register.name, register.value)).collect(),
            fault_age_s: wire.fault_age_s,
            redundant,
        }
    }
}
