//! A board: everything the core has to know of the machine it manages. The loader makes it from a board file, checked:
//! every id is in range, every reference resolves.

use std::time::Duration;

use crate::{
    emergency::EmergencyPolicy,
    ids::{FanId, LedId, MachineId, Name, RailId, SensorId, SequenceId, SignalId, SupplyId, ZoneId},
    leds::LedSpec,
    machines::{MachineSpec, verify::NeverSpec},
    power::{RailSpec, SequenceSpec, SignalSpec, SupplySpec},
    sensors::SensorSpec,
    services::ServiceSpec,
    thermal::{FanSpec, ZoneSpec},
};

/// Bounds that hold for the board as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// From the start of the daemon until every group is complete.
    pub start_timeout: Duration,
    /// From the request until the daemon ends whatever is left.
    pub stop_timeout: Duration,
    /// Hosts that may power on at the same time, at least 1.
    pub max_concurrent_power_on: usize,
    /// How often a power-on is tried that comes back to off, at least 1.
    pub power_on_tries: u32,
    /// What is done, without any client, when supplies or parts fail.
    pub emergency: EmergencyPolicy,
    /// How the BMC is rebooted.
    pub reboot: Reboot,
}

/// How the BMC is rebooted, once everything is down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Reboot {
    /// Nobody has said.
    #[default]
    Unknown,
    /// By a command: a program and its arguments.
    Command(Vec<String>),
    /// The daemon begins anew: it is all that there is of a BMC beside a simulated board.
    Anew,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(90),
            stop_timeout: Duration::from_secs(60),
            max_concurrent_power_on: 2,
            power_on_tries: 1,
            emergency: EmergencyPolicy::default(),
            reboot: Reboot::Unknown,
        }
    }
}

/// What comes after everything is down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Ending {
    /// Nothing: the daemon ends.
    #[default]
    Over,
    /// The BMC is rebooted.
    Reboot(Reboot),
}

/// A board with its services. Tables are in file order; ids are places in them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Board {
    /// e.g. `sim-2u`.
    pub name: String,
    /// One sentence.
    pub description: String,
    /// Bounds.
    pub policy: Policy,
    /// Lines.
    pub signals: Vec<SignalSpec>,
    /// Sensors; derived ones come after what they are computed from.
    pub sensors: Vec<SensorSpec>,
    /// Fans.
    pub fans: Vec<FanSpec>,
    /// Zones.
    pub zones: Vec<ZoneSpec>,
    /// Supplies.
    pub supplies: Vec<SupplySpec>,
    /// Rails.
    pub rails: Vec<RailSpec>,
    /// Power sequences.
    pub sequences: Vec<SequenceSpec>,
    /// Machines; parents come before their children.
    pub machines: Vec<MachineSpec>,
    /// What must never be, for whoever verifies the machines.
    pub never: Vec<NeverSpec>,
    /// LEDs.
    pub leds: Vec<LedSpec>,
    /// Services of the board and of every further registry.
    pub services: Vec<ServiceSpec>,
}

macro_rules! tables {
    ($($(#[$doc:meta])* $get:ident, $find:ident, $table:ident, $id:ident, $spec:ident;)*) => {
        impl Board {
            $(
                $(#[$doc])*
                pub fn $get(&self, id: $id) -> &$spec {
                    &self.$table[id.index()]
                }

                /// The id of that name.
                pub fn $find(&self, name: &str) -> Option<$id> {
                    self.$table.iter().position(|spec| spec.name.as_str() == name).map($id::new)
                }
            )*
        }
    };
}

tables! {
    /// The line.
    signal, find_signal, signals, SignalId, SignalSpec;
    /// The sensor.
    sensor, find_sensor, sensors, SensorId, SensorSpec;
    /// The fan.
    fan, find_fan, fans, FanId, FanSpec;
    /// The zone.
    zone, find_zone, zones, ZoneId, ZoneSpec;
    /// The supply.
    supply, find_supply, supplies, SupplyId, SupplySpec;
    /// The rail.
    rail, find_rail, rails, RailId, RailSpec;
    /// The sequence.
    sequence, find_sequence, sequences, SequenceId, SequenceSpec;
    /// The machine.
    machine, find_machine, machines, MachineId, MachineSpec;
    /// The LED.
    led, find_led, leds, LedId, LedSpec;
}

/// The name among `known` that `wanted` was probably meant to be.
pub fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a Name>) -> Option<&'a Name> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(wanted, name.as_str()), name))
        .filter(|(distance, name)| *distance <= 1 + wanted.len().max(name.as_str().len()) / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}
