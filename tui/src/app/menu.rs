//! What can be done with a service or a machine, and what forbids it.

use super::{Deed, Item, ServiceVerb};
use crate::model::{Condition, FanMode, LedPattern, Model, ServiceState, active_dependents};

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
        Item::Zone(name) => cooling(model, name),
        Item::Fan(name) => cooling(model, name).into_iter().chain(repairs(model, name)).collect(),
        Item::Sensor(name) | Item::Supply(name) | Item::Rail(name) => repairs(model, name),
        Item::Fault(kind, target) => {
            vec![Choice { deed: Deed::Repair { kind: kind.clone(), target: target.clone() }, blocked_by: Vec::new() }]
        }
        Item::Led(name) => identify(model, name),
        Item::Problem { .. }
        | Item::Group(_)
        | Item::Operation(_)
        | Item::Entry(_)
        | Item::Resource(_)
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
    let waiting = model.schedules.iter().flatten().filter(|one| one.machine == name);
    let cancel = waiting.map(|one| free(Deed::CancelSchedule { id: one.id.clone() }));
    let restore = machine
        .overrides
        .iter()
        .map(|one| free(Deed::RestoreInterlock { machine: machine.name.clone(), condition: one.condition.clone() }));
    machine.requests.iter().map(choice).chain(cancel).chain(restore).collect()
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
    let verbs = ServiceVerb::ALL
        .into_iter()
        .map(|verb| Choice { deed: service_deed(model, verb, &[name.to_owned()], false), blocked_by: blocked(verb) });
    let mut choices: Vec<Choice> = verbs.chain([free(Deed::Reset { service: name.to_owned() })]).collect();
    // The harmless first.
    choices.sort_by_key(|choice| choice.deed.is_destructive());
    choices
}

/// A deed for services, with what they take along.
pub fn service_deed(model: &Model, verb: ServiceVerb, names: &[String], force: bool) -> Deed {
    let mut along: Vec<String> = Vec::new();
    for name in names.iter().filter(|_| verb.is_destructive()) {
        for other in active_dependents(&model.services, name) {
            if !names.iter().chain(&along).any(|known| known == other) {
                along.push(other.to_owned());
            }
        }
    }
    Deed::Services { verb, names: names.to_vec(), along, force }
}

/// Seconds for which a menu offers to hold fans: long enough to look into a chassis, short enough to be forgotten.
pub const HELD_S: f64 = 600.0;
/// Percent that a menu offers.
const DUTIES: [f64; 4] = [40.0, 60.0, 80.0, 100.0];

fn cooling(model: &Model, target: &str) -> Vec<Choice> {
    let fans: Vec<_> = model.fans.iter().filter(|fan| fan.name == target || fan.zone == target).collect();
    let floor = |zone: &str| model.zone(zone).map_or(0.0, |zone| zone.floor);
    let lowest = fans.iter().map(|fan| floor(&fan.zone)).fold(0.0, f64::max);
    let held = fans.iter().any(|fan| fan.mode == FanMode::Manual);
    let below = |duty: f64| duty < lowest;
    let hold = |duty: f64| Choice {
        deed: Deed::Hold { target: target.to_owned(), duty, for_s: HELD_S },
        blocked_by: if below(duty) { because(format!("below the floor of {lowest:.0} %")) } else { Vec::new() },
    };
    let release = Choice {
        deed: Deed::Release { target: target.to_owned() },
        blocked_by: if held { Vec::new() } else { because("nobody holds it".to_owned()) },
    };
    DUTIES.into_iter().map(hold).chain([release]).collect()
}

fn identify(model: &Model, name: &str) -> Vec<Choice> {
    let led = model.hardware.leds.iter().flatten().find(|led| led.name == name && led.role == "identify");
    let lit = |led: &crate::model::Led| led.pattern != LedPattern::Off;
    led.map(|led| Choice { deed: Deed::Identify { on: !lit(led), for_s: 0.0 }, blocked_by: Vec::new() })
        .into_iter()
        .collect()
}

/// On a simulated board: what was broken of it on purpose can be repaired. The board's names and those of its model differ
/// in their punctuation only: `host0_cpu_temp`, `host.0.cpu_temp`.
fn repairs(model: &Model, name: &str) -> Vec<Choice> {
    let letters = |name: &str| name.chars().filter(char::is_ascii_alphanumeric).collect::<String>();
    let wanted = letters(name);
    let active = model.hardware.faults.iter().flat_map(|faults| &faults.active);
    let own = active.filter(|(_, target)| letters(target.strip_prefix("rail.").unwrap_or(target)) == wanted);
    own.map(|(kind, target)| free(Deed::Repair { kind: kind.clone(), target: target.clone() })).collect()
}

/// What nothing stands against.
fn free(deed: Deed) -> Choice {
    Choice { deed, blocked_by: Vec::new() }
}

fn because(text: String) -> Vec<Condition> {
    vec![Condition { text, ..Condition::default() }]
}
