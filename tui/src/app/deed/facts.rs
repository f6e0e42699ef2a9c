//! What there is to say of a deed for which the daemon makes no plan, as things stand: the screen lays it out, the line
//! mode reads it.

use super::{Deed, words::counted};
use crate::{
    app::State,
    model::{MachineKind, Operation, Schedule, Service, ServiceState, Zone, ZoneState},
};

/// One thing to say.
#[derive(Clone, Debug, PartialEq)]
pub enum Fact<'s> {
    /// As it is.
    Sentence(String),
    /// What it is, and how it is; may be empty.
    Label(&'static str, String),
    /// It goes on for so many seconds.
    Since(f64),
    /// A request that will not be asked for when its time comes, in so many seconds.
    Forgone(&'s Schedule, f64),
    /// What an operation touches, and its steps.
    Operation(&'s Operation),
}

impl Deed {
    /// What there is to say of it in this state.
    pub fn facts<'s>(&self, state: &'s State) -> Vec<Fact<'s>> {
        let model = &state.model;
        match self {
            Self::CancelOperation { id } => model.operation(id).map(|one| cancelled(state, one)),
            Self::CancelSchedule { id } => {
                let schedule = model.schedules.iter().flatten().find(|one| one.id == *id);
                schedule.map(|one| forgone(state, one))
            }
            Self::Reset { service } => model.service(service).map(|one| vec![Fact::Sentence(reset(one))]),
            Self::Hold { target, duty, .. } => {
                let text = format!("{} {}", self.consequence(), protected(state, target, *duty));
                Some(vec![Fact::Sentence(text.trim_end().to_owned())])
            }
            _ => None,
        }
        .unwrap_or_else(|| vec![Fact::Sentence(self.consequence())])
    }

    /// The command line of `ubmcctl` that shows all of what would come of it. None: it is always short.
    pub fn in_full(&self, state: &State) -> Option<String> {
        match self {
            Self::Transition { machine, request, .. } => {
                let request = match request.as_str() {
                    "maintenance-on" => "maintenance on",
                    "maintenance-off" => "maintenance off",
                    "update-begin" => "upgrade begin",
                    "update-end" => "upgrade end",
                    other => other,
                };
                Some(match state.model.machine(machine)?.kind {
                    MachineKind::Host => format!("host {request} {machine} --plan"),
                    MachineKind::Chassis => format!("chassis {request} --plan"),
                    MachineKind::Bmc => format!("bmc {request} --plan"),
                    MachineKind::Unknown => return None,
                })
            }
            Self::Services { names, .. } => names.first().map(|name| format!("why {name} --if-stopped")),
            Self::Reload => Some("services reload --dry-run".to_owned()),
            Self::CancelOperation { id } => Some(format!("operations show {id}")),
            _ => None,
        }
    }
}

/// What would be cancelled: what it is, who asked for it, and how far it is.
fn cancelled<'s>(state: &State, operation: &'s Operation) -> Vec<Fact<'s>> {
    let text = "ubmcd will be asked to end this where that is safe, and to undo what it has done.";
    vec![
        Fact::Sentence(text.to_owned()),
        Fact::Label("what", format!("{} {}", operation.kind, operation.target)),
        Fact::Label("asked by", operation.requested_by.clone()),
        Fact::Label("because", operation.request_reason.clone()),
        Fact::Since(state.now.since(operation.accepted)),
        Fact::Label("waits for", operation.reason.clone()),
        Fact::Operation(operation),
    ]
}

fn forgone<'s>(state: &State, schedule: &'s Schedule) -> Vec<Fact<'s>> {
    vec![
        Fact::Forgone(schedule, schedule.due.since(state.now)),
        Fact::Label("asked by", schedule.requested_by.clone()),
        Fact::Label("because", schedule.reason.clone()),
    ]
}

/// What protection makes of a hold now: it is above it for as long as it lasts.
fn protected(state: &State, target: &str, duty: f64) -> String {
    let of_fan = |zone: &&Zone| state.model.fans.iter().any(|fan| fan.name == target && fan.zone == zone.name);
    let concerned = state.model.zones.iter().filter(|zone| zone.name == target || of_fan(zone));
    let protects = concerned.filter(|zone| !matches!(zone.state, ZoneState::Controlled | ZoneState::Unknown));
    let sentence = |zone: &Zone| {
        let then = if duty < zone.duty { "the hold counts after that" } else { "the hold asks for no less" };
        let (name, word, least) = (&zone.name, zone.state.word(), zone.duty);
        let more = if least < 100.0 { " or more" } else { "" };
        format!("Zone {name} is in {word} now: its fans turn at {least:.0} %{more} until that is over; {then}.")
    };
    protects.map(sentence).collect::<Vec<_>>().join(" ")
}

/// What a reset does to a service as it is now.
fn reset(service: &Service) -> String {
    let then = match service.state {
        ServiceState::Backoff | ServiceState::Failed if service.wanted != Some(false) => "It is tried again at once.",
        ServiceState::Backoff | ServiceState::Failed => "It stays down: it is not wanted.",
        _ => "What runs is not touched.",
    };
    let forgotten = match (u64::from(service.restarts), u64::from(service.crashes)) {
        (0, 0) => "that it failed".to_owned(),
        (restarts, crashes) => {
            format!("that it failed, {}, {}", counted(restarts, "restart"), counted(crashes, "unexpected end"))
        }
    };
    format!("ubmcd forgets of {} {forgotten}, and how long it would wait. {then}", service.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::{ServiceVerb, Size, View},
        grammar,
        model::{Machine, Model},
    };

    #[test]
    fn the_line_that_shows_all_of_it_is_one() {
        let machine = |name: &str, kind| Machine { name: name.to_owned(), kind, ..Machine::default() };
        let mut state = State::new(String::new(), Size { columns: 80, rows: 24 }, View::Power, false);
        let machines = vec![
            machine("host.0", MachineKind::Host),
            machine("chassis", MachineKind::Chassis),
            machine("bmc", MachineKind::Bmc),
        ];
        state.model = Model { machines, ..Model::default() };
        let request = |machine: &str, request: &str| Deed::Transition {
            machine: machine.to_owned(),
            request: request.to_owned(),
            destructive: true,
        };
        let names = vec!["web".to_owned()];
        for (deed, expected) in [
            (request("host.0", "off"), "host off host.0 --plan"),
            (request("chassis", "maintenance-on"), "chassis maintenance on --plan"),
            (request("bmc", "reboot"), "bmc reboot --plan"),
            (request("bmc", "update-begin"), "bmc upgrade begin --plan"),
            (
                Deed::Services { verb: ServiceVerb::Stop, names, along: Vec::new(), force: false },
                "why web --if-stopped",
            ),
            (Deed::Reload, "services reload --dry-run"),
            (Deed::CancelOperation { id: "op-1".to_owned() }, "operations show op-1"),
        ] {
            let line = deed.in_full(&state).unwrap_or_default();
            assert_eq!(line, expected);
            assert!(grammar::parse(line.split_whitespace().map(str::to_owned)).is_ok(), "{line}");
        }
    }
}
