//! What a view lists, in order: the keys move over it, and the pane draws it.

use super::{Item, State, View, tree};
use crate::model::{Entry, OperationState, Service, Severity};

/// What the present view lists, filtered.
pub fn items(state: &State) -> Vec<Item> {
    items_of(state, state.view)
}

/// What `view` lists, filtered by its own filter.
pub fn items_of(state: &State, view: View) -> Vec<Item> {
    let filter = state.filters.get(view.index()).map_or("", |line| line.text()).to_lowercase();
    let fits = |texts: &[&str]| matches(&filter, texts);
    let model = &state.model;
    match view {
        View::Overview => overview(state),
        View::Services => services(state, &filter),
        View::Sensors => model
            .sensors
            .iter()
            .filter(|one| fits(&[&one.name, one.status.word(), one.quality.word(), &one.unit]))
            .map(|one| Item::Sensor(one.name.clone()))
            .collect(),
        View::Thermal => model
            .zones
            .iter()
            // A fan that fits is shown with its zone.
            .filter(|one| fits(&[&one.name, one.state.word()]) || one.fans.iter().any(|fan| fits(&[fan])))
            .map(|one| Item::Zone(one.name.clone()))
            .chain(
                model
                    .fans
                    .iter()
                    .filter(|one| fits(&[&one.name, &one.zone, one.mode.word()]))
                    .map(|one| Item::Fan(one.name.clone())),
            )
            .collect(),
        View::Power => model
            .machines
            .iter()
            .filter(|one| fits(&[&one.name, &one.state]))
            .map(|one| Item::Machine(one.name.clone()))
            .collect(),
        View::Operations => model
            .operations
            .iter()
            .rev()
            // A dry run is not something that was done.
            .filter(|one| one.state != OperationState::Planned)
            .filter(|one| fits(&[&one.id, &one.kind, &one.target, one.state.word()]))
            .map(|one| Item::Operation(one.id.clone()))
            .collect(),
        View::Events => model
            .tail
            .numbered()
            .filter(|(_, entry)| entry_fits(entry, &filter, state.least))
            .map(|(number, _)| Item::Entry(number))
            .collect(),
        View::Boot => model
            .boot
            .iter()
            .flat_map(|boot| &boot.services)
            .filter(|one| fits(&[&one.name, &one.group, one.outcome.word()]))
            .map(|one| Item::Service(one.name.clone()))
            .collect(),
        View::Hardware => hardware(state, &filter),
    }
}

/// The selected item of the present view.
pub fn selected(state: &State) -> Option<Item> {
    let items = items(state);
    let pick = state.picks.get(state.view.index())?;
    if state.view == View::Events && state.follow {
        return items.last().cloned();
    }
    items.get(pick.place(&items)).cloned()
}

/// The groups in phase order: as the daemon says, else as the services come.
pub fn groups(state: &State) -> Vec<&str> {
    let mut names: Vec<&str> = Vec::new();
    if let Some(status) = &state.model.status {
        names.extend(status.groups.iter().map(|group| group.name.as_str()));
    }
    for service in &state.model.services {
        if !names.contains(&service.group.as_str()) {
            names.push(&service.group);
        }
    }
    names
}

fn matches(filter: &str, texts: &[&str]) -> bool {
    filter.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(filter))
}

fn service_fits(service: &Service, filter: &str) -> bool {
    matches(filter, &[&service.name, &service.group, &service.category, service.state.word(), service.health.word()])
}

/// Events that fit the filter and are hidden for not being serious enough.
pub fn less_serious(state: &State) -> usize {
    let filter = state.filters.get(View::Events.index()).map_or("", |line| line.text()).to_lowercase();
    let hidden =
        |entry: &Entry| entry_fits(entry, &filter, Severity::Debug) && !entry_fits(entry, &filter, state.least);
    state.model.tail.entries.iter().filter(|entry| hidden(entry)).count()
}

/// Every word of the filter must fit; `cause:17` stands for all that one cause brought about.
fn entry_fits(entry: &Entry, filter: &str, least: Severity) -> bool {
    match entry {
        Entry::Event(event) => {
            event.severity >= least
                && filter.split_whitespace().all(|word| match word.strip_prefix("cause:") {
                    Some(cause) => event.cause.to_string() == cause,
                    None => matches(
                        word,
                        &[&event.text, &event.subject, &event.source, event.severity.word(), &event.actor],
                    ),
                })
        }
        // What is missing concerns every filter.
        Entry::Lost { .. } | Entry::Restarted => true,
    }
}

fn overview(state: &State) -> Vec<Item> {
    let model = &state.model;
    let mut items = state.problem_items();
    items.extend(model.machines.iter().map(|one| Item::Machine(one.name.clone())));
    items.extend(groups(state).into_iter().map(|name| Item::Group(name.to_owned())));
    items.extend(model.zones.iter().map(|one| Item::Zone(one.name.clone())));
    items
}

fn services(state: &State, filter: &str) -> Vec<Item> {
    if state.by_dependency {
        return tree::order(&state.model.services)
            .into_iter()
            .filter_map(|(index, _)| state.model.services.get(index))
            .filter(|service| service_fits(service, filter))
            .map(|service| Item::Service(service.name.clone()))
            .collect();
    }
    let mut items = Vec::new();
    for group in groups(state) {
        let mut members = state
            .model
            .services
            .iter()
            .filter(|service| service.group == group && service_fits(service, filter))
            .map(|service| Item::Service(service.name.clone()))
            .peekable();
        if members.peek().is_none() {
            continue;
        }
        items.push(Item::Group(group.to_owned()));
        // A filter looks into folded groups too: what it finds must be seen.
        if !state.folded.contains(group) || !filter.is_empty() {
            items.extend(members);
        }
    }
    items
}

fn hardware(state: &State, filter: &str) -> Vec<Item> {
    let hardware = &state.model.hardware;
    let mut items = Vec::new();
    for supply in hardware.supplies.iter().flatten() {
        if matches(filter, &[&supply.name, "supply"]) {
            items.push(Item::Supply(supply.name.clone()));
        }
    }
    for rail in hardware.rails.iter().flatten() {
        if matches(filter, &[&rail.name, &rail.control_signal, &rail.good_signal, "rail"]) {
            items.push(Item::Rail(rail.name.clone()));
        }
    }
    for led in hardware.leds.iter().flatten() {
        if matches(filter, &[&led.name, &led.role, led.pattern.word(), "led"]) {
            items.push(Item::Led(led.name.clone()));
        }
    }
    for (kind, target) in hardware.faults.iter().flat_map(|faults| &faults.active) {
        if matches(filter, &[kind, target, "fault"]) {
            items.insert(0, Item::Fault(kind.clone(), target.clone()));
        }
    }
    for part in hardware.items.iter().flatten() {
        if matches(filter, &[&part.name, &part.kind, &part.product, &part.manufacturer]) {
            items.push(Item::Part(part.name.clone()));
        }
    }
    for one in hardware.resources.iter().flatten() {
        if matches(filter, &[&one.name, one.kind, &one.owner, "resource"]) {
            items.push(Item::Resource(one.name.clone()));
        }
    }
    items
}
