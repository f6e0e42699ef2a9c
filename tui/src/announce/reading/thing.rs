//! Whatever a view lists: its sentence, and all that there is to know of it.

use super::{cooling, hardware, machine, service};
use crate::{
    announce::say,
    app::{Item, State},
    model::{Entry, Severity},
    view::format,
};

/// One thing in one sentence. None: it is not there any more.
pub(super) fn sentence(state: &State, item: &Item) -> Option<String> {
    let model = &state.model;
    match item {
        Item::Problem { .. } => state.problem(item).map(|problem| problem.text),
        Item::Group(name) => Some(service::group(state, name)),
        Item::Service(name) => model.service(name).map(|one| service::sentence(state, one)),
        Item::Machine(name) => model.machine(name).map(|one| machine::sentence(state, one)),
        Item::Zone(name) => model.zone(name).map(cooling::zone),
        Item::Fan(name) => model.fans.iter().find(|one| one.name == *name).map(|one| cooling::fan(state, one)),
        Item::Sensor(name) => model.sensor(name).map(|one| cooling::sensor(state, one)),
        Item::Operation(id) => model.operation(id).map(|one| machine::operation(state, one)),
        Item::Entry(number) => model.tail.get(*number).map(entry),
        Item::Led(_) | Item::Supply(_) | Item::Rail(_) | Item::Part(_) | Item::Resource(_) | Item::Fault(..) => {
            hardware::sentence(state, item)
        }
    }
}

/// Its sentence, and behind it all that it leaves out.
pub(super) fn in_full(state: &State, item: &Item) -> Vec<String> {
    let model = &state.model;
    let mut lines: Vec<String> = sentence(state, item).into_iter().collect();
    match item {
        Item::Service(name) => lines.extend(model.service(name).map(service::particulars).unwrap_or_default()),
        Item::Machine(name) => {
            lines.extend(model.machine(name).map(|one| machine::particulars(state, one)).unwrap_or_default());
        }
        Item::Zone(name) => {
            lines.extend(model.zone(name).map(|one| cooling::zone_particulars(state, one)).unwrap_or_default());
        }
        Item::Sensor(name) => {
            lines.extend(model.sensor(name).map(|one| cooling::sensor_particulars(state, one)).unwrap_or_default());
        }
        Item::Operation(id) => {
            lines.extend(model.operation(id).map(machine::operation_particulars).unwrap_or_default());
        }
        Item::Entry(number) => {
            if let Some(Entry::Event(event)) = model.tail.get(*number) {
                let by = say::behind(", asked for by ", &event.actor);
                lines.push(format!("{} of {}, cause {}{by}", event.subject, event.source, event.cause));
                lines.extend(event.payload.iter().map(|(name, value)| format!("{name}: {value}")));
            }
        }
        Item::Led(_) | Item::Supply(_) | Item::Rail(_) | Item::Part(_) | Item::Resource(_) | Item::Fault(..) => {
            lines.extend(hardware::particulars(state, item));
        }
        Item::Problem { .. } | Item::Group(_) | Item::Fan(_) => {}
    }
    lines
}

/// An entry of the tail.
pub(super) fn entry(entry: &Entry) -> String {
    match entry {
        Entry::Event(event) => {
            let severity = match event.severity {
                Severity::Debug | Severity::Info => String::new(),
                serious => format!(" {},", serious.word()),
            };
            format!("{},{severity} {}", format::clock(event.time_s), event.text)
        }
        Entry::Lost { first, last, reason } => {
            let count = usize::try_from(last.saturating_sub(*first) + 1).unwrap_or(usize::MAX);
            format!("{} cannot be had: {reason}", format::count(count, "event"))
        }
        Entry::Restarted => "ubmcd was started anew".to_owned(),
    }
}
