//! What can be done with a service or a machine, and what forbids it.

use super::{Deed, Item, ServiceVerb};
use crate::model::{Condition, Model, ServiceState, active_dependents};

/// A list of deeds for one thing.
#[derive(Clone, Debug, PartialEq)]
pub struct Menu {
    /// What they are for: a service or a machine.
    pub target: Item,
    /// The selected entry.
    pub selected: usize,
}

/// One entry of a menu.
#[derive(Clone, Debug, PartialEq)]
pub struct Choice {
    /// What it would do.
    pub deed: Deed,
    /// Empty: it would be accepted now.
    pub blocked_by: Vec<Condition>,
}

/// What can be done with `target`; empty for what nothing can be done with.
pub fn choices(model: &Model, target: &Item) -> Vec<Choice> {
    match target {
        Item::Machine(name) => machine(model, name),
        Item::Service(name) => service(model, name),
        Item::Problem(_)
        | Item::Group(_)
        | Item::Zone(_)
        | Item::Sensor(_)
        | Item::Operation(_)
        | Item::Entry(_)
        | Item::Led(_)
        | Item::Supply(_)
        | Item::Rail(_)
        | Item::Part(_) => Vec::new(),
    }
}

fn machine(model: &Model, name: &str) -> Vec<Choice> {
    let Some(machine) = model.machine(name) else { return Vec::new() };
    let choice = |request: &crate::model::Request| Choice {
        deed: Deed::Transition {
            machine: machine.name.clone(),
            request: request.name.clone(),
            destructive: request.destructive,
        },
        blocked_by: request.blocked_by.clone(),
    };
    machine.requests.iter().map(choice).collect()
}

fn service(model: &Model, name: &str) -> Vec<Choice> {
    let Some(service) = model.service(name) else { return Vec::new() };
    let blocked = |verb: ServiceVerb| {
        let text = match (verb, service.state) {
            (ServiceVerb::Start, ServiceState::Running) => "it is running",
            (ServiceVerb::Start, ServiceState::Starting) => "it is starting",
            (ServiceVerb::Stop, ServiceState::Stopped) => "it is stopped",
            _ => return Vec::new(),
        };
        vec![Condition { text: text.to_owned(), ..Condition::default() }]
    };
    ServiceVerb::ALL
        .into_iter()
        .map(|verb| Choice { deed: service_deed(model, verb, name), blocked_by: blocked(verb) })
        .collect()
}

/// A deed for a service, with what it takes along.
pub fn service_deed(model: &Model, verb: ServiceVerb, name: &str) -> Deed {
    let along = if verb.is_destructive() {
        active_dependents(&model.services, name).into_iter().map(str::to_owned).collect()
    } else {
        Vec::new()
    };
    Deed::Service { verb, name: name.to_owned(), along }
}
