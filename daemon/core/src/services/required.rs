//! What operations need: services that say `required_for`.

use std::collections::BTreeSet;

use super::{
    supervisor::Supervisor,
    unit::{FailReason, State},
};
use crate::{
    board::nearest,
    ids::{Name, ServiceId},
    refusal::{Obstacle, Refusal, RefusalClass},
};

impl Supervisor {
    /// Services that an operation needs, in start order. Refuses one that nobody says is needed for anything.
    pub fn required_for(&self, operation: &str) -> Result<Vec<ServiceId>, Refusal> {
        let found: Vec<_> = self.needed_for(operation).collect();
        if !found.is_empty() {
            return Ok(found);
        }
        let known: BTreeSet<Name> =
            self.listed().flat_map(|unit| &unit.spec.required_for).map(|name| Name::from(name.as_str())).collect();
        let hint = match nearest(operation, &known) {
            Some(name) => format!("; did you mean `{name}`?"),
            None if known.is_empty() => "; no service says `required_for`".to_owned(),
            None => format!("; known are {}", known.iter().map(Name::as_str).collect::<Vec<_>>().join(", ")),
        };
        Err(Refusal {
            class: RefusalClass::NotFound,
            reason: "UNKNOWN_NAME",
            text: format!("no service is required for an operation `{operation}`{hint}"),
            obstacles: Vec::new(),
        })
    }

    fn needed_for(&self, operation: &str) -> impl Iterator<Item = ServiceId> {
        let needed = move |id: &ServiceId| self.unit(*id).spec.required_for.iter().any(|name| name == operation);
        self.graph().order().iter().copied().filter(needed)
    }

    /// What stands against starting a service now, as far as other services are concerned.
    pub fn obstacles_to_start(&self, id: ServiceId) -> Vec<Obstacle> {
        if self.unit(id).state.is_alive() {
            return Vec::new();
        }
        let members = self.with_needs(&[id]);
        let mut found = self.start_obstacles(id, &members);
        for needed in members.iter().filter(|needed| **needed != id) {
            let unit = self.unit(*needed);
            if let State::Failed(FailReason::Own(why)) = &unit.state {
                let name = &unit.spec.name;
                found.push(Obstacle {
                    kind: "dependency-failed",
                    subject: format!("service {}", self.unit(id).spec.name),
                    text: format!("it needs {name}, which has failed: {why}"),
                    remedy: format!("look at `ubmcctl services logs {name}`; a start tries it again"),
                    since: Some(unit.since),
                });
            }
        }
        found
    }

    /// Services that would be given a life for these.
    pub fn to_survey(&self, names: &[Name], restart: bool) -> Vec<ServiceId> {
        let targets: Vec<_> = match names {
            [] if restart => self.ids().filter(|id| self.unit(*id).state.is_alive()).collect(),
            [] => self.ids().filter(|id| self.unit(*id).spec.auto_start).collect(),
            names => names.iter().filter_map(|name| self.find(name.as_str())).collect(),
        };
        let wakes = |id: &ServiceId| (restart && targets.contains(id)) || !self.unit(*id).state.is_alive();
        self.with_needs(&targets).into_iter().filter(wakes).collect()
    }

    /// Services that an operation needs and that are not ready.
    pub fn missing_for(&self, operation: &str) -> Vec<Obstacle> {
        self.needed_for(operation)
            .filter(|id| !self.unit(*id).is_ready())
            .map(|id| {
                let unit = self.unit(id);
                let name = &unit.spec.name;
                let reason = self.reason(id);
                let why = if reason.is_empty() { String::new() } else { format!(": {reason}") };
                Obstacle {
                    kind: "required-service",
                    subject: format!("service {name}"),
                    text: format!("{name}, which {operation} needs, is {}{why}", unit.state.public().as_str()),
                    remedy: format!("`ubmcctl services start {name}`, or see `ubmcctl why {name}`"),
                    since: Some(unit.since),
                }
            })
            .collect()
    }
}
