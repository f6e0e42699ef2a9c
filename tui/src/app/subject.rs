//! What a problem is about: the thing itself, and the view that shows it.

use super::{Item, State, View};
use crate::model::{Condition, Model};

/// Where the subject of a problem is shown, and which thing of that view it is. None: no view shows it.
pub(super) fn of(state: &State, problem: &Condition) -> Option<(View, Option<Item>)> {
    let (kind, name) = problem.subject.split_once(' ').unwrap_or(("", &problem.subject));
    let model = &state.model;
    match kind {
        // The board itself does not answer: which of its lines do not is said there.
        "board" => return Some((View::Hardware, unreachable(model))),
        "operation" => {
            return model.operation(name).map(|one| (View::Operations, Some(Item::Operation(one.id.clone()))));
        }
        _ => {}
    }
    match problem.subject.as_str() {
        "guardian" => return Some((View::Thermal, None)),
        "supplies" => return Some((View::Hardware, first_supply(model))),
        _ => {}
    }
    let finders: [(&[&str], Finder); 7] = [
        (&["service"], service),
        (&["machine", "host", "chassis", "bmc"], machine),
        (&["sensor"], sensor),
        (&["zone"], zone),
        (&["fan"], fan),
        (&["supply", "rail"], feed),
        (&["led"], led),
    ];
    let named = finders.iter().filter(|(kinds, _)| kinds.contains(&kind)).find_map(|(_, find)| find(model, name));
    // Where the kind is not said, or not known here, the name alone tells; kinds are asked in the order of the views.
    let name = problem.subject.rsplit(' ').next().unwrap_or_default();
    let any = || finders.iter().find_map(|(_, find)| find(model, name));
    named.or_else(any).map(|(view, item)| (view, Some(item)))
}

type Finder = fn(&Model, &str) -> Option<(View, Item)>;

fn service(model: &Model, name: &str) -> Option<(View, Item)> {
    model.service(name).map(|one| (View::Services, Item::Service(one.name.clone())))
}

fn machine(model: &Model, name: &str) -> Option<(View, Item)> {
    model.machine(name).map(|one| (View::Power, Item::Machine(one.name.clone())))
}

fn sensor(model: &Model, name: &str) -> Option<(View, Item)> {
    model.sensor(name).map(|one| (View::Sensors, Item::Sensor(one.name.clone())))
}

fn zone(model: &Model, name: &str) -> Option<(View, Item)> {
    model.zone(name).map(|one| (View::Thermal, Item::Zone(one.name.clone())))
}

fn fan(model: &Model, name: &str) -> Option<(View, Item)> {
    model.fans.iter().find(|one| one.name == name).map(|one| (View::Thermal, Item::Fan(one.name.clone())))
}

/// Supplies and rails.
fn feed(model: &Model, name: &str) -> Option<(View, Item)> {
    let supply = model.hardware.supplies.iter().flatten().find(|one| one.name == name);
    let rail = || model.hardware.rails.iter().flatten().find(|one| one.name == name);
    let item = match supply {
        Some(supply) => Item::Supply(supply.name.clone()),
        None => Item::Rail(rail()?.name.clone()),
    };
    Some((View::Hardware, item))
}

fn led(model: &Model, name: &str) -> Option<(View, Item)> {
    let led = model.hardware.leds.iter().flatten().find(|one| one.name == name)?;
    Some((View::Hardware, Item::Led(led.name.clone())))
}

fn unreachable(model: &Model) -> Option<Item> {
    let one = model.hardware.resources.iter().flatten().find(|one| one.reachable == Some(false))?;
    Some(Item::Resource(one.name.clone()))
}

fn first_supply(model: &Model) -> Option<Item> {
    model.hardware.supplies.iter().flatten().next().map(|one| Item::Supply(one.name.clone()))
}
