//! The console's mirror of the daemon: what it was last told, and when.
//!
//! - [`Update`]: one piece of news, already free of protobuf;
//! - [`Model::apply`]: takes it in;
//! - [`from_wire`]: the only place that knows both these types and `ubmc_proto::v1`.
//!
//! Instants are on the console's own clock ([`Mono`]), so ages go on counting while the link is down.

mod boot;
mod event;
pub mod from_wire;
mod machine;
mod sensor;
mod service;
mod standing;
mod system;
mod thermal;
mod time;
mod words;

use std::collections::BTreeMap;

pub use boot::{Boot, BootPhase, BootService, Outcome};
pub use event::{Entry, Event, Tail};
pub use machine::{
    Graph, GraphState, Leads, Machine, MachineKind, Operation, OperationState, Request, Step, StepState, Transition,
};
pub use sensor::{HISTORY_KEPT, History, Point, Quality, Sensor, SensorKind, SensorStatus, Thresholds};
pub use service::{Log, LogEntry, Service, ServiceKind, ServiceState, active_dependents};
pub use standing::{At, Override, Restoration, Schedule, Verification};
pub use system::{FaultKind, Faults, Group, Guardian, Hardware, Item, Led, LedPattern, Rail, Resource, Status, Supply};
pub use thermal::{Controller, Fan, FanMode, Term, Trip, Zone, ZoneState};
pub use time::Mono;
pub use words::{Condition, Health, Refusal, Severity, WhatIf, Why};

/// One piece of news from the daemon.
#[derive(Clone, Debug, PartialEq)]
pub enum Update {
    /// The whole.
    Status(Status),
    /// All services, in start order.
    Services(Vec<Service>),
    /// One service changed.
    Service(Box<Service>),
    /// A reload removed this service.
    ServiceRemoved(String),
    /// All machines.
    Machines(Vec<Machine>),
    /// One machine changed.
    Machine(Machine),
    /// The recent operations.
    Operations(Vec<Operation>),
    /// One operation began or changed.
    Operation(Operation),
    /// All sensors, in board order.
    Sensors(Vec<Sensor>),
    /// These sensors changed.
    SensorsChanged(Vec<Sensor>),
    /// All zones and fans.
    Zones(Vec<Zone>, Vec<Fan>),
    /// These zones and fans changed.
    ZonesChanged(Vec<Zone>, Vec<Fan>),
    /// The next entry of the tail.
    Tail(Entry),
    /// Output of a service.
    Log {
        /// Whose.
        service: String,
        /// What.
        entry: LogEntry,
    },
    /// There is no output of this service yet.
    LogCaughtUp(String),
    /// The LEDs.
    Leds(Vec<Led>),
    /// What is built in.
    Items(Vec<Item>),
    /// The rails.
    Rails(Vec<Rail>),
    /// The supplies, and whether one of them would do.
    Supplies(Vec<Supply>, bool),
    /// Who owns which piece of hardware.
    Resources(Vec<Resource>),
    /// What is broken on purpose, and what can be.
    Faults(Faults),
    /// The definition of a machine.
    Graph {
        /// Whose.
        machine: String,
        /// What it can do.
        graph: Graph,
    },
    /// Requests that wait for their time.
    Schedules(Vec<Schedule>),
    /// What is wrong with the machines.
    Verified(Verification),
    /// Everything that a cause brought about, as far as the daemon keeps it, oldest first.
    Chain {
        /// Which.
        cause: u64,
        /// Its events.
        events: Vec<Event>,
    },
    /// How the platform came up.
    Boot(Boot),
    /// The daemon's past of one sensor, oldest first.
    History {
        /// Which.
        sensor: String,
        /// Its past.
        points: Vec<Point>,
    },
}

/// Finished operations kept beside the running ones.
const OPERATIONS_KEPT: usize = 200;

/// What the console knows of the daemon.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Model {
    /// None until the daemon has said it.
    pub status: Option<Status>,
    /// In start order.
    pub services: Vec<Service>,
    /// In the daemon's order.
    pub machines: Vec<Machine>,
    /// Oldest first.
    pub operations: Vec<Operation>,
    /// In board order.
    pub sensors: Vec<Sensor>,
    /// What the fans of each zone were told, percent, by zone name, while this console looked.
    pub duties: BTreeMap<String, History>,
    /// By sensor name.
    pub histories: BTreeMap<String, History>,
    /// In the daemon's order.
    pub zones: Vec<Zone>,
    /// In the daemon's order.
    pub fans: Vec<Fan>,
    /// The events.
    pub tail: Tail,
    /// The output of the open service.
    pub log: Log,
    /// LEDs, inventory, rails, supplies, resources, faults.
    pub hardware: Hardware,
    /// Definitions of machines, by machine. They do not change while the daemon runs.
    pub graphs: BTreeMap<String, Graph>,
    /// Requests that wait for their time, the next first. None until first answered.
    pub schedules: Option<Vec<Schedule>>,
    /// What the last verification of the machines found. None: nobody has asked.
    pub verification: Option<Verification>,
    /// The cause that was looked into last, with all its events that the daemon keeps: the tail may begin later.
    pub chain: Option<(u64, Vec<Event>)>,
    /// How the platform came up. None until first answered, and in a new life of the daemon.
    pub boot: Option<Boot>,
    /// When the last news came. None before the first.
    pub heard: Option<Mono>,
}

impl Model {
    /// Takes a piece of news in.
    pub fn apply(&mut self, now: Mono, update: Update) {
        self.heard = Some(now);
        match update {
            Update::Status(status) => self.status = Some(status),
            Update::Services(all) => self.services = all,
            Update::Service(one) => put(&mut self.services, *one, |service| &service.name),
            Update::ServiceRemoved(name) => {
                self.services.retain(|service| service.name != name);
                if let Some(boot) = &mut self.boot {
                    boot.services.retain(|service| service.name != name);
                    boot.critical_path.retain(|other| *other != name);
                }
            }
            Update::Machines(all) => self.machines = all,
            Update::Machine(one) => put(&mut self.machines, one, |machine| &machine.name),
            Update::Operations(all) => self.operations = all,
            Update::Operation(one) => {
                put(&mut self.operations, one, |operation| &operation.id);
                let finished = self.operations.iter().filter(|one| one.state.is_final()).count();
                let mut surplus = finished.saturating_sub(OPERATIONS_KEPT);
                // The oldest of them; what goes on is kept however old it is.
                self.operations.retain(|one| {
                    let goes = surplus > 0 && one.state.is_final();
                    surplus -= usize::from(goes);
                    !goes
                });
            }
            Update::Sensors(all) => self.sensors = all,
            Update::SensorsChanged(some) => {
                for one in some {
                    put(&mut self.sensors, one, |sensor| &sensor.name);
                }
            }
            Update::Zones(zones, fans) => {
                self.zones = zones;
                self.fans = fans;
            }
            Update::ZonesChanged(zones, fans) => {
                for zone in zones {
                    put(&mut self.zones, zone, |zone| &zone.name);
                }
                for fan in fans {
                    put(&mut self.fans, fan, |fan| &fan.name);
                }
            }
            Update::Schedules(all) => self.schedules = Some(all),
            Update::Verified(found) => self.verification = Some(found),
            Update::Chain { cause, events } => self.chain = Some((cause, events)),
            Update::Boot(boot) => self.boot = Some(boot),
            Update::Tail(entry) => self.tail.push(entry),
            Update::Log { service, entry } => self.log.push(&service, entry),
            Update::LogCaughtUp(service) => self.log.caught_up(&service),
            Update::Leds(leds) => self.hardware.leds = Some(leds),
            Update::Items(items) => self.hardware.items = Some(items),
            Update::Resources(all) => self.hardware.resources = Some(all),
            Update::Faults(faults) => self.hardware.faults = Some(faults),
            Update::Graph { machine, graph } => {
                self.graphs.insert(machine, graph);
            }
            Update::Rails(rails) => self.hardware.rails = Some(rails),
            Update::Supplies(supplies, redundant) => {
                self.hardware.supplies = Some(supplies);
                self.hardware.redundant = Some(redundant);
            }
            Update::History { sensor, points } => self.histories.entry(sensor).or_default().replace(points),
        }
    }

    /// Whether the first of everything that a usual board has is there.
    pub fn is_whole(&self) -> bool {
        self.status.is_some()
            && !self.services.is_empty()
            && !self.machines.is_empty()
            && !self.sensors.is_empty()
            && !self.zones.is_empty()
            && !self.tail.entries.is_empty()
            && self.hardware.supplies.is_some()
    }

    /// Adds the present reading of each sensor and the duty of each zone to their past; while `connected` is false, a
    /// gap. Called once a second: the daemon sends changes only, so what is steady leaves no trace of its own.
    pub fn sample(&mut self, now: Mono, connected: bool) {
        let known = |value: Option<f64>| value.filter(|_| connected);
        for sensor in &self.sensors {
            remember(&mut self.histories, &sensor.name, now, known(sensor.good()));
        }
        for zone in &self.zones {
            remember(&mut self.duties, &zone.name, now, known(Some(zone.duty)));
        }
    }

    /// Everything that is not as it should be, worst first: what the daemon says, and behind it the services that have
    /// crashed and run again, until that counts as over. Between two crashes all is not well.
    pub fn problems(&self, now: Mono) -> Vec<Condition> {
        let mut problems: Vec<Condition> = self.status.iter().flat_map(|status| &status.problems).cloned().collect();
        // A daemon that stops lets everything end.
        if self.status.as_ref().is_none_or(|status| status.state == "stopping") {
            return problems;
        }
        for service in &self.services {
            let subject = format!("service {}", service.name);
            if service.unsettled(now).is_some() && problems.iter().all(|one| one.subject != subject) {
                problems.push(service.crash_condition(subject));
            }
        }
        problems
    }

    /// All events of a cause, oldest first: those that were fetched, and those that have come since.
    pub fn events_of(&self, cause: u64) -> Vec<&Event> {
        let fetched = self.chain.iter().filter(|(of, _)| *of == cause && cause != 0).flat_map(|(_, events)| events);
        let mut all: Vec<&Event> = fetched.collect();
        let last = all.last().map_or(0, |event| event.seq);
        let newest = self.tail.since_restart().filter(|event| cause != 0 && event.cause == cause && event.seq > last);
        all.extend(newest);
        all
    }

    /// The service of this name.
    pub fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The machine of this name.
    pub fn machine(&self, name: &str) -> Option<&Machine> {
        self.machines.iter().find(|machine| machine.name == name)
    }

    /// The sensor of this name.
    pub fn sensor(&self, name: &str) -> Option<&Sensor> {
        self.sensors.iter().find(|sensor| sensor.name == name)
    }

    /// The zone of this name.
    pub fn zone(&self, name: &str) -> Option<&Zone> {
        self.zones.iter().find(|zone| zone.name == name)
    }

    /// The operation of this id.
    pub fn operation(&self, id: &str) -> Option<&Operation> {
        self.operations.iter().find(|operation| operation.id == id)
    }
}

/// Appends to the past of `name`.
fn remember(pasts: &mut BTreeMap<String, History>, name: &str, now: Mono, value: Option<f64>) {
    if let Some(past) = pasts.get_mut(name) {
        past.push(now, value);
    } else {
        let mut past = History::default();
        past.push(now, value);
        pasts.insert(name.to_owned(), past);
    }
}

/// Replaces the entry with the same key, or appends.
fn put<T>(all: &mut Vec<T>, one: T, key: impl Fn(&T) -> &String) {
    match all.iter_mut().find(|old| key(old) == key(&one)) {
        Some(old) => *old = one,
        None => all.push(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_finished_operations_go_and_what_still_runs_stays() {
        let mut model = Model::default();
        let operation = |number: usize, state| {
            Update::Operation(Operation { id: format!("op-{number}"), state, ..Operation::default() })
        };
        model.apply(Mono(0.0), operation(0, OperationState::Running));
        for number in 1..=OPERATIONS_KEPT + 2 {
            model.apply(Mono(0.0), operation(number, OperationState::Succeeded));
        }
        assert_eq!(model.operations.len(), OPERATIONS_KEPT + 1);
        assert!(model.operation("op-0").is_some(), "it still runs");
        assert!(model.operation("op-2").is_none() && model.operation("op-3").is_some(), "the oldest go first");
    }
}
