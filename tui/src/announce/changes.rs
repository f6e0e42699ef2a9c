//! What differs between two states, in sentences; the worst first.

use crate::{
    app::{LinkState, State},
    model::{Fan, FanMode, Health, Machine, Operation, OperationState, Sensor, Service, Zone},
    style::Mark,
    view::{format, verdict},
};

/// What has changed since `before`.
pub(super) fn since(before: &State, now: &State) -> Vec<String> {
    let mut said = Vec::new();
    link(before, now, &mut said);
    // The end of an operation is told below, by whoever it was begun.
    let ended = |text: &str| {
        let of = |one: &&Operation| one.state.is_final() && text.starts_with(&format!("{} {} ", one.kind, one.target));
        now.model.operations.iter().rev().find(of).is_some()
    };
    if let Some(notice) = now.notice.as_ref().filter(|notice| before.notice.as_ref() != Some(notice))
        && !ended(&notice.text)
    {
        said.push(notice.text.clone());
    }
    // A snapshot after a connection is not a change of every single thing.
    if before.model.status.is_none() {
        if now.model.status.is_some() {
            said.push(summary(now));
        }
        return said;
    }
    let (old, new) = (&before.model, &now.model);
    problems(before, now, &mut said);
    each(&old.machines, &new.machines, |one| &one.name, machine, &mut said);
    each(&old.operations, &new.operations, |one| &one.id, operation, &mut said);
    each(&old.zones, &new.zones, |one| &one.name, zone, &mut said);
    each(&old.fans, &new.fans, |one| &one.name, fan, &mut said);
    each(&old.sensors, &new.sensors, |one| &one.name, sensor, &mut said);
    each(&old.services, &new.services, |one| &one.name, service, &mut said);
    let lost = new.tail.missed.saturating_sub(old.tail.missed);
    if lost > 0 {
        said.push(format!("{lost} events were missed"));
    }
    said
}

/// How everything is, in a sentence.
pub(super) fn summary(state: &State) -> String {
    let Some(status) = &state.model.status else { return "nothing is known yet".to_owned() };
    let machines: Vec<String> = state.model.machines.iter().map(|one| format!("{} {}", one.name, one.state)).collect();
    let problems = state.problems();
    let what = match problems.len() {
        0 => "no problems".to_owned(),
        count => {
            let texts: Vec<&str> = problems.iter().map(|one| one.text.as_str()).collect();
            format!("{}: {}", format::count(count, "problem"), texts.join("; "))
        }
    };
    let machines = if machines.is_empty() { String::new() } else { format!("; {}", machines.join(", ")) };
    format!("{} is {}, {what}{machines}", status.board, status.state)
}

fn link(before: &State, now: &State, said: &mut Vec<String>) {
    match (&before.link, &now.link) {
        (LinkState::Up, LinkState::Up)
        | (LinkState::Connecting, LinkState::Connecting)
        | (LinkState::Down { .. }, LinkState::Down { .. } | LinkState::Connecting) => {}
        (_, LinkState::Up) => said.push(format!("connected to {}", now.address)),
        (_, LinkState::Down { reason, .. }) => said.push(format!("no connection: {reason}; it is tried again")),
        (LinkState::Up, LinkState::Connecting) => said.push("the connection is begun anew".to_owned()),
    }
}

fn problems(old: &State, new: &State, said: &mut Vec<String>) {
    let of = |state: &State| -> Vec<(String, String, String)> {
        let all = state.problems().into_iter();
        all.map(|one| (format!("{} {}", one.kind, one.subject), one.text, one.remedy)).collect()
    };
    let (old, new) = (of(old), of(new));
    for (key, text, remedy) in &new {
        if !old.iter().any(|(other, ..)| other == key) {
            let remedy = if remedy.is_empty() { String::new() } else { format!("; what helps: {remedy}") };
            said.push(format!("problem: {text}{remedy}"));
        }
    }
    for (key, text, _) in &old {
        if !new.iter().any(|(other, ..)| other == key) {
            said.push(format!("no problem any more: {text}"));
        }
    }
    if !old.is_empty() && new.is_empty() {
        said.push("all is well".to_owned());
    }
}

/// Whatever `tell` has to say of each thing that differs. What is new is told too.
fn each<T: PartialEq>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> &String,
    tell: impl Fn(Option<&T>, &T) -> Option<String>,
    said: &mut Vec<String>,
) {
    for one in new {
        let before = old.iter().find(|other| key(other) == key(one));
        if before != Some(one) {
            said.extend(tell(before, one));
        }
    }
    for gone in old.iter().filter(|one| !new.iter().any(|other| key(other) == key(one))) {
        said.push(format!("{} is not there any more", key(gone)));
    }
}

fn machine(before: Option<&Machine>, now: &Machine) -> Option<String> {
    let cause = if now.cause.is_empty() { String::new() } else { format!(": {}", now.cause) };
    match before {
        Some(before) if before.state == now.state => None,
        Some(before) => Some(format!("{} is {}, was {}{cause}", now.name, now.state, before.state)),
        None => Some(format!("{} is {}{cause}", now.name, now.state)),
    }
}

fn operation(before: Option<&Operation>, now: &Operation) -> Option<String> {
    if now.state == OperationState::Planned {
        return None;
    }
    let title = format!("{} {} {}", now.id, now.kind, now.target);
    let step = |operation: &Operation| operation.steps.iter().position(|step| step.running_since.is_some());
    match before {
        None if !now.state.is_final() => Some(format!("{title} has begun, asked by {}", now.requested_by)),
        Some(before) if before.state == now.state => {
            let at = step(now).filter(|at| step(before) != Some(*at))?;
            let name = now.steps.get(at).map(|step| step.name.as_str()).unwrap_or_default();
            Some(format!("{title}: step {} of {}, {name}", at + 1, now.steps.len()))
        }
        _ => {
            let took = now.duration_s.map(|took| format!(" after {}", format::short_duration(took)));
            let why = now.state != OperationState::Succeeded && !now.reason.is_empty();
            let why = if why { format!(": {}", now.reason) } else { String::new() };
            Some(format!("{title} {}{}{why}", now.state.word(), took.unwrap_or_default()))
        }
    }
}

fn zone(before: Option<&Zone>, now: &Zone) -> Option<String> {
    if before.is_some_and(|before| before.state == now.state) {
        return None;
    }
    let why = if now.reason.is_empty() { &now.driver } else { &now.reason };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Some(format!("zone {} is {} at {:.0} %{why}", now.name, now.state.word(), now.duty))
}

fn fan(before: Option<&Fan>, now: &Fan) -> Option<String> {
    let (health, mode) = before.map_or((Health::Unknown, FanMode::Unknown), |before| (before.health, before.mode));
    if health == now.health && mode == now.mode || before.is_none() {
        return None;
    }
    let why = if now.reason.is_empty() { String::new() } else { format!(": {}", now.reason) };
    let health = if now.health == Health::Unknown { "not known" } else { now.health.word() };
    Some(format!("fan {} is {health}, {} at {:.0} %{why}", now.name, now.mode.word(), now.duty))
}

fn sensor(before: Option<&Sensor>, now: &Sensor) -> Option<String> {
    let before = before?;
    if before.status == now.status && before.quality == now.quality {
        return None;
    }
    let value = now.value.map(|value| format::reading_with_unit(value, &now.unit)).unwrap_or_default();
    if now.good().is_none() {
        let why = if now.reason.is_empty() { String::new() } else { format!(": {}", now.reason) };
        return Some(format!("{} is {}{why}", now.name, now.quality.word()));
    }
    Some(format!("{} is {}: {value}", now.name, now.status.word()))
}

fn service(before: Option<&Service>, now: &Service) -> Option<String> {
    let changed = |before: &Service| before.state != now.state || before.health != now.health;
    if before.is_some_and(|before| !changed(before)) {
        return None;
    }
    let health = match now.health {
        Health::Unknown => String::new(),
        known => format!(", {}", known.word()),
    };
    let bad = !matches!(verdict::service(now), Mark::Good | Mark::Done | Mark::Off);
    let why = if bad && !now.reason.is_empty() { format!(": {}", now.reason) } else { String::new() };
    Some(format!("{} is {}{health}{why}", now.name, now.state.word()))
}
