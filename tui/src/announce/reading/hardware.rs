//! What is built in: supplies, rails, LEDs, parts, lines, and what is broken on purpose.

use crate::{
    announce::say,
    app::{Item, State},
    model::{Health, Led, LedPattern, Rail, Supply},
};

/// One part in one sentence.
pub(super) fn sentence(state: &State, item: &Item) -> Option<String> {
    let hardware = &state.model.hardware;
    match item {
        Item::Supply(name) => {
            hardware.supplies.iter().flatten().find(|one| one.name == *name).map(|one| supply(state, one))
        }
        Item::Rail(name) => hardware.rails.iter().flatten().find(|one| one.name == *name).map(rail),
        Item::Led(name) => hardware.leds.iter().flatten().find(|one| one.name == *name).map(|one| led(state, one)),
        Item::Part(name) => {
            let one = hardware.items.iter().flatten().find(|one| one.name == *name)?;
            let there = match one.present {
                Some(true) => "present",
                Some(false) => "absent",
                None => "not sensed",
            };
            Some(say::parts([
                format!("part {name}, {}", one.kind),
                there.to_owned(),
                one.manufacturer.clone(),
                one.product.clone(),
                say::behind("part number ", &one.part_number),
                say::behind("serial number ", &one.serial_number),
            ]))
        }
        Item::Resource(name) => {
            let one = hardware.resources.iter().flatten().find(|one| one.name == *name)?;
            let answers = match one.reachable {
                Some(true) => "answers",
                Some(false) => "does not answer",
                None => "was not used yet",
            };
            let error = say::behind(": ", &one.error);
            Some(format!("{} {name} of {} {answers}{error}", one.kind, one.owner))
        }
        Item::Fault(kind, target) => Some(format!("broken on purpose: {kind} at {target}")),
        _ => None,
    }
}

/// What its sentence leaves out.
pub(super) fn particulars(state: &State, item: &Item) -> Vec<String> {
    let hardware = &state.model.hardware;
    match item {
        Item::Rail(name) => {
            let Some(one) = hardware.rails.iter().flatten().find(|one| one.name == *name) else { return Vec::new() };
            let needed = hardware.rails.iter().flatten().filter(|other| other.requires.contains(name));
            let needed: Vec<&str> = needed.map(|other| other.name.as_str()).collect();
            let mut lines = vec![format!("told by {}, answered by {}", one.control_signal, one.good_signal)];
            if !one.requires.is_empty() {
                lines.push(format!("needs {}", say::list(&one.requires)));
            }
            if !needed.is_empty() {
                lines.push(format!("is needed by {}", say::list(&needed)));
            }
            lines
        }
        Item::Resource(name) => {
            let one = hardware.resources.iter().flatten().find(|one| one.name == *name);
            let used = one.map(|one| one.used_by.as_slice()).unwrap_or_default();
            if used.is_empty() { Vec::new() } else { vec![format!("used by {}", say::list(used))] }
        }
        Item::Fault(kind, _) => {
            let kinds = hardware.faults.iter().flat_map(|faults| &faults.kinds);
            kinds.filter(|one| one.kind == *kind).map(|one| one.description.clone()).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether one supply would do.
pub(super) fn redundancy(state: &State) -> Option<String> {
    state
        .model
        .hardware
        .redundant
        .map(|yes| if yes { "the supplies are redundant" } else { "the supplies are not redundant" }.to_owned())
}

/// All supplies.
pub(super) fn supplies(state: &State) -> Vec<String> {
    let all = state.model.hardware.supplies.iter().flatten().map(|one| supply(state, one));
    redundancy(state).into_iter().chain(all).collect()
}

fn supply(state: &State, one: &Supply) -> String {
    let how = match (one.present, one.power_good) {
        (Some(false), _) => "absent",
        (_, Some(false)) => "without power",
        (None, None) => "not readable",
        (_, Some(true) | None) => match one.health {
            Health::Unhealthy => "unhealthy",
            Health::Degraded => "degraded",
            Health::Unknown | Health::Healthy => "power good",
        },
    };
    let ago = one.faults_read.map(|at| format!(" {} ago", say::time(state.now.since(at)))).unwrap_or_default();
    let failed =
        if one.faults.is_empty() { String::new() } else { format!("failed{ago} with {}", say::list(&one.faults)) };
    say::parts([
        format!("supply {}: {how}", one.name),
        one.power_w.map(|watts| format!("{watts:.0} of {:.0} W", one.rated_w)).unwrap_or_default(),
        one.temperature.map(|celsius| format!("{celsius:.1} °C")).unwrap_or_default(),
        failed,
    ])
}

/// A rail: what it was told, and what it answers.
pub(super) fn rail(one: &Rail) -> String {
    let how = match (one.enabled, one.power_good) {
        (true, Some(true)) => "power good",
        (true, Some(false)) => "told on, no power",
        (false, Some(true)) => "told off, still has power",
        (false, Some(false)) => "off",
        (true, None) => "told on, not readable",
        (false, None) => "told off, not readable",
    };
    say::parts([
        format!("rail {}: {how}", one.name),
        one.voltage.map(|volts| format!("{volts:.2} V")).unwrap_or_default(),
        one.progress.clone(),
        if one.machine == one.name { String::new() } else { say::behind("of ", &one.machine) },
    ])
}

fn led(state: &State, one: &Led) -> String {
    let how = match one.pattern {
        LedPattern::Unknown => "lights nobody knows how",
        LedPattern::Off => "is dark",
        LedPattern::On => "is lit",
        LedPattern::Blink => "blinks",
        LedPattern::FastBlink => "blinks fast",
    };
    let what = say::parts([
        format!("LED {} {how}", one.name),
        say::behind("held by ", &one.held_by),
        one.ends.map(|at| format!("{} more", say::time(at.since(state.now)))).unwrap_or_default(),
    ]);
    format!("{what}{}{}", say::behind(": ", &one.reason), say::behind("; it cannot be driven: ", &one.error))
}
