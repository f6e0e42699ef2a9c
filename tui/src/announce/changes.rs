//! What differs between two states, in sentences; the worst first.

use super::{
    before::{Before, Far, Was, far, met, of_fan, of_sensor, of_service},
    reading, say,
};
use crate::{
    app::{LinkState, Pane, PowerPane, State, View},
    model::{
        Condition, Fan, FanMode, Health, Machine, Operation, OperationState, Quality, Sensor, SensorStatus, Service,
        ServiceState, Zone, ZoneState,
    },
    style::Mark,
    view::{format, verdict},
};

/// What has changed since `before`.
pub(super) fn since(before: &Before, now: &State) -> Vec<String> {
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
    if !before.met {
        if met(now) {
            said.push(summary(now));
        }
        return said;
    }
    let (old, new) = (before, &now.model);
    let told = problems(&old.problems, &now.problems(), &mut said);
    // What a problem has told of a thing its own sentence would tell again.
    let told = |kind: &str, name: &str| told.iter().any(|subject| *subject == format!("{kind} {name}"));
    each(&old.machines, &new.machines, |one| &one.name, machine, &mut said);
    each(&old.operations, &new.operations, |one| &one.id, |was, one| operation(now, was, one), &mut said);
    let news = |was: Option<&ZoneState>, one: &Zone| zone(was, one).filter(|_| !told("zone", &one.name));
    each(&old.zones, &new.zones, |one| &one.name, news, &mut said);
    fans(&old.fans, &new.fans, |name| told("fan", name), &mut said);
    let news = |was: Option<&(SensorStatus, Quality)>, one: &Sensor| {
        sensor(now, was, one).filter(|_| !told("sensor", &one.name))
    };
    each(&old.sensors, &new.sensors, |one| &one.name, news, &mut said);
    let news = |was: Option<&(ServiceState, Health)>, one: &Service| {
        service(now, was, one).filter(|_| !told("service", &one.name))
    };
    each(&old.services, &new.services, |one| &one.name, news, &mut said);
    let lost = new.tail.missed.saturating_sub(old.missed);
    if lost > 0 {
        said.push(format!("{lost} events were missed"));
    }
    said
}

/// What had been asked for and is there now, and what the open log has got: read in full, for somebody waits for it.
pub(super) fn arrived(old: &Before, now: &State) -> Vec<String> {
    let new = &now.model;
    let mut said = Vec::new();
    let came = |was_there: bool, is_there: bool| is_there && !was_there;
    let shown = match now.view {
        View::Boot => came(old.boot, new.boot.is_some()),
        View::Hardware => came(old.resources, new.hardware.resources.is_some()),
        View::Power if now.power_pane == PowerPane::Drawn => new.graphs.len() > old.graphs,
        View::Power => came(old.schedules, new.schedules.is_some()) && !reading::schedules(now).is_empty(),
        _ => false,
    };
    if now.page.is_none() && old.view == now.view && shown {
        let waiting = now.view == View::Power && now.power_pane != PowerPane::Drawn;
        said.extend(match now.power_pane {
            _ if waiting => reading::schedules(now),
            PowerPane::Drawn => reading::drawn(now),
            _ => reading::view(now),
        });
    }
    if new.verification.is_some() && new.verification != old.verification {
        said.extend(reading::verification(now));
    }
    if now.pane == Pane::Log && new.log.service.is_some() {
        let (whose, end) = &old.log;
        let from = if *whose == new.log.service { *end } else { 0 };
        said.extend(reading::log_since(now, from));
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

fn link(before: &Before, now: &State, said: &mut Vec<String>) {
    match (&before.link, &now.link) {
        (LinkState::Up, LinkState::Up)
        | (LinkState::Connecting, LinkState::Connecting)
        | (LinkState::Down { .. }, LinkState::Down { .. } | LinkState::Connecting) => {}
        (_, LinkState::Up) => said.push(format!("connected to {}", now.address)),
        (_, LinkState::Down { reason, .. }) => said.push(format!("no connection: {reason}; it is tried again")),
        (LinkState::Up, LinkState::Connecting) => said.push("the connection is begun anew".to_owned()),
    }
}

/// What is new, and what is over. The answer is what it was about.
fn problems(old: &[Condition], new: &[Condition], said: &mut Vec<String>) -> Vec<String> {
    let same = |one: &Condition, other: &Condition| one.kind == other.kind && one.subject == other.subject;
    let mut told = Vec::new();
    for one in new.iter().filter(|one| !old.iter().any(|other| same(one, other))) {
        said.push(format!("problem: {}{}", one.text, say::behind("; what helps: ", &one.remedy)));
        told.push(one.subject.clone());
    }
    for one in old.iter().filter(|one| !new.iter().any(|other| same(one, other))) {
        // One that has become another is not over.
        if !told.contains(&one.subject) {
            said.push(format!("no problem any more: {}", one.text));
        }
    }
    if !old.is_empty() && new.is_empty() {
        said.push("all is well".to_owned());
    }
    told
}

/// Whatever `tell` has to say of each thing that differs. What is new is told too.
fn each<W, T>(
    old: &[Was<W>],
    new: &[T],
    key: impl Fn(&T) -> &String,
    tell: impl Fn(Option<&W>, &T) -> Option<String>,
    said: &mut Vec<String>,
) {
    for one in new {
        said.extend(tell(was(old, key(one)), one));
    }
    for (gone, _) in old.iter().filter(|(name, _)| !new.iter().any(|other| key(other) == name)) {
        said.push(format!("{gone} is not there any more"));
    }
}

/// How the thing of this name was. None: there was none.
fn was<'o, W>(old: &'o [Was<W>], name: &str) -> Option<&'o W> {
    old.iter().find(|(other, _)| other == name).map(|(_, was)| was)
}

fn machine(before: Option<&String>, now: &Machine) -> Option<String> {
    let cause = if now.cause.is_empty() { String::new() } else { format!(": {}", now.cause) };
    match before {
        Some(before) if *before == now.state => None,
        Some(before) => Some(format!("{} is {}, was {before}{cause}", now.name, now.state)),
        None => Some(format!("{} is {}{cause}", now.name, now.state)),
    }
}

fn operation(state: &State, before: Option<&Far>, now: &Operation) -> Option<String> {
    if now.state == OperationState::Planned {
        return None;
    }
    let title = format!("{} {} {}", now.id, now.kind, now.target);
    match before {
        // The answer to the request has told that it goes on.
        None if state.awaited.contains_key(&now.id) => None,
        None if !now.state.is_final() => Some(format!("{title} has begun, asked by {}", now.requested_by)),
        Some((state, step)) if *state == now.state => {
            let at = far(now).1.filter(|at| *step != Some(*at))?;
            let name = now.steps.get(at).map(|step| step.name.as_str()).unwrap_or_default();
            Some(format!("{title}: step {} of {}, {name}", at + 1, now.steps.len()))
        }
        _ => {
            let took = now.duration_s.map(|took| format!(" after {}", say::time(took)));
            let why = now.state != OperationState::Succeeded && !now.reason.is_empty();
            let why = if why { format!(": {}", now.reason) } else { String::new() };
            Some(format!("{title} {}{}{why}", now.state.word(), took.unwrap_or_default()))
        }
    }
}

fn zone(before: Option<&ZoneState>, now: &Zone) -> Option<String> {
    if before.is_some_and(|before| *before == now.state) {
        return None;
    }
    let why = if now.reason.is_empty() { &now.driver } else { &now.reason };
    let why = if why.is_empty() { String::new() } else { format!(": {why}") };
    Some(format!("zone {} is {} at {:.0} %{why}", now.name, now.state.word(), now.duty))
}

/// Fans of which the same is to be said are told of together.
fn fans(old: &[Was<(Health, FanMode)>], new: &[Fan], told: impl Fn(&str) -> bool, said: &mut Vec<String>) {
    let mut alike: Vec<(String, Vec<&str>)> = Vec::new();
    for one in new.iter().filter(|one| !told(&one.name)) {
        let Some(before) = was(old, &one.name) else { continue };
        let Some(what) = fan(*before, one) else { continue };
        match alike.iter_mut().find(|(other, _)| *other == what) {
            Some((_, names)) => names.push(&one.name),
            None => alike.push((what, vec![&one.name])),
        }
    }
    for (what, names) in alike {
        said.push(format!("{} {} {what}", say::list(&names), if names.len() == 1 { "is" } else { "are" }));
    }
}

fn fan(before: (Health, FanMode), now: &Fan) -> Option<String> {
    // That it has power and has been read is how it should be.
    let quiet = |(health, mode)| mode == FanMode::Auto && matches!(health, Health::Unknown | Health::Healthy);
    if before == of_fan(now) || quiet(before) && quiet(of_fan(now)) {
        return None;
    }
    let health = match now.health {
        Health::Unknown => String::new(),
        known => format!("{}, ", known.word()),
    };
    let mode = match now.mode {
        FanMode::Auto => "automatic",
        FanMode::Manual => "held",
        other => other.word(),
    };
    Some(format!("{health}{mode} at {:.0} %{}", now.duty, say::behind(": ", &now.reason)))
}

fn sensor(state: &State, before: Option<&(SensorStatus, Quality)>, now: &Sensor) -> Option<String> {
    let before = *before?;
    // Switched on or off with what it measures, and read: nobody has to know.
    let quiet = |(status, quality)| match quality {
        Quality::Good => status == SensorStatus::Ok,
        Quality::NotYetRead | Quality::Unpowered => true,
        Quality::Stale | Quality::Failed | Quality::Absent => false,
    };
    if before == of_sensor(now) || quiet(before) && quiet(of_sensor(now)) {
        return None;
    }
    let fine = now.good().is_some() && now.status == SensorStatus::Ok;
    Some(if fine { format!("{} again", reading::sensor(state, now)) } else { reading::sensor(state, now) })
}

fn service(state: &State, before: Option<&(ServiceState, Health)>, now: &Service) -> Option<String> {
    if before.is_some_and(|before| *before == of_service(now)) {
        return None;
    }
    let bad = !matches!(verdict::service(now), Mark::Good | Mark::Done | Mark::Off);
    let why = if bad { now.reason.as_str() } else { "" };
    Some(format!("{} {}{}", now.name, reading::service_state(state, now), say::behind(": ", why)))
}
