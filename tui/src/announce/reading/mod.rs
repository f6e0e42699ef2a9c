//! A view, a page, a thing or a question, as plain sentences.
//!
//! Nothing of a frame is left: no columns, no signs that stand for words, nothing cut to a width. Whatever a view lists
//! is one sentence, and what it does not list because nothing is wrong with it is counted.
//!
//! - here: what a view says of the whole, and how much of it is read;
//! - [`thing`]: whatever is listed: its sentence, and all that there is to know of it, by [`service`], [`cooling`],
//!   [`machine`] and [`hardware`];
//! - [`question`]: what stands in front, and what can be answered.

mod cooling;
mod hardware;
mod machine;
mod question;
mod service;
mod thing;

pub use question::modal;

use super::{changes, say};
use crate::{
    app::{Area, Item, Page, Pane, State, VERIFICATION, View, log, rows, serves},
    model::{LogEntry, OperationState, Quality, Sensor, SensorStatus, Service, ServiceState, Severity},
    view::format,
};

/// So many of a long list are read: more are not listened to, and `ubmcctl` has them all.
const READ: usize = 20;

/// What is on the screen: the open page, else the view.
pub fn view(state: &State) -> Vec<String> {
    match &state.page {
        Some(Page::Service(name)) => return page(state, name),
        Some(Page::Entry(number)) => return all_of(state, &Item::Entry(*number)),
        None => {}
    }
    let mut lines = match state.view {
        View::Overview => overview(state),
        View::Services => services(state),
        View::Sensors => sensors(state),
        View::Thermal => thermal(state),
        View::Power => power(state),
        View::Operations => operations(state),
        View::Events => events(state),
        View::Boot => return boot(state),
        View::Hardware => hardware(state),
    };
    if !state.filter().is_empty() {
        lines.insert(0, format!("only what fits `{}` is read", state.filter()));
    }
    lines
}

/// All that there is to know of one thing.
pub fn all_of(state: &State, item: &Item) -> Vec<String> {
    thing::in_full(state, item)
}

/// What is listed and of the same kind as this.
pub fn all_like(state: &State, item: &Item) -> Vec<String> {
    let kind = std::mem::discriminant(item);
    each(state, |other| std::mem::discriminant(other) == kind)
}

/// Sentences of the listed things that `wanted` takes.
fn each(state: &State, wanted: impl Fn(&Item) -> bool) -> Vec<String> {
    rows::items(state).iter().filter(|item| wanted(item)).filter_map(|item| thing::sentence(state, item)).collect()
}

fn overview(state: &State) -> Vec<String> {
    let mut lines = vec![changes::summary(state)];
    let Some(status) = &state.model.status else { return lines };
    lines.extend(status.holding_up.iter().map(|one| format!("stopping waits for: {}", one.text)));
    // The summary names them; here is what helps.
    let told = state.problems();
    let helps = |one: &crate::model::Condition| {
        (!one.remedy.is_empty()).then(|| format!("against {}: {}", one.subject, one.remedy))
    };
    lines.extend(told.iter().filter_map(helps));
    lines.extend(each(state, |item| matches!(item, Item::Group(_) | Item::Zone(_))));
    lines.push(sensors_in_short(state));
    lines.extend(hardware::supplies(state));
    lines
}

fn services(state: &State) -> Vec<String> {
    let running = state.model.services.iter().filter(|one| one.state == ServiceState::Running).count();
    let mut lines = vec![format!("{}, {running} running", format::count(state.model.services.len(), "service"))];
    lines.extend(each(state, |_| true));
    if lines.len() == 1 && !state.filter().is_empty() {
        lines.push("no service fits".to_owned());
    }
    lines
}

fn sensors_in_short(state: &State) -> String {
    let all = &state.model.sensors;
    let off = all.iter().filter(|one| one.quality == Quality::Unpowered).count();
    let fine = all.iter().filter(|one| one.good().is_some() && one.status == SensorStatus::Ok).count();
    let bad = all.len() - off - fine;
    let mut parts = vec![format!("{fine} within limits")];
    if off > 0 {
        parts.push(format!("{off} without power"));
    }
    if bad > 0 {
        parts.push(format!("{bad} to be looked at"));
    }
    format!("{}: {}", format::count(all.len(), "sensor"), say::list(&parts))
}

fn sensors(state: &State) -> Vec<String> {
    let mut lines = vec![sensors_in_short(state)];
    let items = rows::items(state);
    let unpowered = |item: &Item| match item {
        Item::Sensor(name) => state.model.sensor(name).is_some_and(|one| one.quality == Quality::Unpowered),
        _ => false,
    };
    lines.extend(items.iter().filter(|item| !unpowered(item)).filter_map(|item| thing::sentence(state, item)));
    // What is switched off measures nothing: names are enough.
    let off: Vec<&str> = items
        .iter()
        .filter(|item| unpowered(item))
        .filter_map(|item| if let Item::Sensor(name) = item { Some(name.as_str()) } else { None })
        .collect();
    if !off.is_empty() {
        lines.push(format!("without power: {}", say::list(&off)));
    }
    lines
}

fn thermal(state: &State) -> Vec<String> {
    let mut lines: Vec<String> = state.model.status.iter().filter_map(cooling::guardian).collect();
    for zone in &state.model.zones {
        lines.extend(thing::in_full(state, &Item::Zone(zone.name.clone())));
    }
    lines.extend(each(state, |item| matches!(item, Item::Fan(_))));
    lines
}

/// The selected machine, as a drawing would show it.
pub(super) fn drawn(state: &State) -> Vec<String> {
    let Some(item) = rows::selected(state) else { return Vec::new() };
    thing::sentence(state, &item).into_iter().chain(machine::drawn(state, &item)).collect()
}

/// A sensor in a sentence.
pub(super) fn sensor(state: &State, one: &Sensor) -> String {
    cooling::sensor(state, one)
}

/// What a service does, in a word or two.
pub(super) fn service_state(state: &State, one: &Service) -> String {
    service::how(state, one)
}

fn power(state: &State) -> Vec<String> {
    let mut lines = each(state, |_| true);
    lines.extend(machine::schedules(state, None));
    lines.extend(hardware::supplies(state));
    lines.extend(state.model.hardware.rails.iter().flatten().map(hardware::rail));
    if state.awaits(VERIFICATION) || state.model.verification.is_some() {
        lines.extend(machine::verification(state));
    }
    lines
}

fn operations(state: &State) -> Vec<String> {
    if !serves(state, Area::Operations) {
        return vec!["this daemon does not tell of its operations".to_owned()];
    }
    let items = rows::items(state);
    if items.is_empty() {
        let nothing = if state.filter().is_empty() { "nothing has been asked for yet" } else { "no operation fits" };
        return vec![nothing.to_owned()];
    }
    let running = state.model.operations.iter().filter(|one| one.state == OperationState::Running).count();
    let mut lines = vec![format!("{}, {running} running, the newest first", format::count(items.len(), "operation"))];
    lines.extend(items.iter().take(READ).filter_map(|item| thing::sentence(state, item)));
    lines.extend(more(items.len(), "operations list"));
    lines
}

fn events(state: &State) -> Vec<String> {
    let items = rows::items(state);
    let least =
        if state.least > Severity::Debug { format!(", {} or worse", state.least.word()) } else { String::new() };
    let shown = items.len().min(READ);
    let mut lines = vec![match items.len() {
        0 => format!("no events{least}"),
        all if all > READ => format!("the last {shown} of {all} events{least}, the oldest first"),
        all => format!("{}{least}, the oldest first", format::count(all, "event")),
    }];
    lines.extend(items.iter().skip(items.len() - shown).filter_map(|item| thing::sentence(state, item)));
    lines.extend(more(items.len(), "events list"));
    lines
}

/// The same for who asks for nothing else.
pub fn waiting(state: &State) -> Vec<String> {
    match (&state.model.schedules, schedules(state)) {
        (None, _) => vec!["asking ubmcd what waits for its time".to_owned()],
        (Some(_), none) if none.is_empty() => vec!["nothing waits for its time".to_owned()],
        (Some(_), all) => all,
    }
}

/// Whether the machines can come to harm.
pub(super) fn verification(state: &State) -> Vec<String> {
    machine::verification(state)
}

/// All requests that wait for their time.
pub(super) fn schedules(state: &State) -> Vec<String> {
    machine::schedules(state, None)
}

/// Where what is not read can be had.
fn more(all: usize, command: &str) -> Option<String> {
    (all > READ).then(|| format!("all of them: ubmcctl {command}"))
}

fn boot(state: &State) -> Vec<String> {
    let Some(boot) = &state.model.boot else {
        let text = if serves(state, Area::Boot) {
            "asking ubmcd how the platform came up"
        } else {
            "this daemon does not tell how the platform came up"
        };
        return vec![text.to_owned()];
    };
    let clock = state.daemon_clock().unwrap_or(boot.started_s);
    let took = say::time(boot.elapsed(clock));
    let mut lines = vec![match (boot.ended_s, boot.timed_out) {
        (None, _) => format!("the start goes on since {took}"),
        (Some(_), false) => format!("the platform was up after {took}"),
        (Some(_), true) => format!("after {took} the start was over, and not everything was up"),
    }];
    if !boot.critical_path.is_empty() {
        lines.push(format!("what took the time, one after the other: {}", say::list(&boot.critical_path)));
    }
    for phase in &boot.phases {
        lines.push(match (phase.began_s, phase.ended_s) {
            (Some(began), Some(ended)) => {
                let begun = say::time(began - boot.started_s);
                format!("group {} began after {begun} and took {}", phase.group, say::time(ended - began))
            }
            (Some(began), None) => format!("group {} began after {}", phase.group, say::time(began - boot.started_s)),
            (None, _) => format!("group {} has not begun", phase.group),
        });
    }
    lines.extend(rows::items_of(state, View::Boot).iter().filter_map(|item| match item {
        Item::Service(name) => boot.service(name).map(|one| service::started(one, boot, clock)),
        _ => None,
    }));
    let lacks = state.model.status.iter().flat_map(|status| &status.limitations);
    lines.extend(lacks.map(|text| format!("what this machine lacks: {text}")));
    lines
}

fn hardware(state: &State) -> Vec<String> {
    let built_in = &state.model.hardware;
    if built_in.supplies.is_none() && built_in.items.is_none() && built_in.leds.is_none() {
        return vec!["asking ubmcd what is built in".to_owned()];
    }
    let mut lines: Vec<String> = hardware::redundancy(state).into_iter().collect();
    let silent = |item: &Item| match item {
        // Lines and channels are many, and what answers is no news.
        Item::Resource(name) => {
            built_in.resources.iter().flatten().any(|one| one.name == *name && one.reachable == Some(false))
        }
        _ => true,
    };
    let filtered = !state.filter().is_empty();
    lines.extend(each(state, |item| filtered || silent(item)));
    let all = built_in.resources.iter().flatten();
    let (answering, unused) = (
        all.clone().filter(|one| one.reachable == Some(true)).count(),
        all.filter(|one| one.reachable.is_none()).count(),
    );
    if answering + unused > 0 && !filtered {
        lines.push(format!(
            "of {} lines and channels {answering} answer, {unused} were not used yet; each with its owner: ubmcctl \
             resources list",
            built_in.resources.iter().flatten().count()
        ));
    }
    lines
}

/// The page of a service: what it is and does. Its log is told as it comes.
fn page(state: &State, name: &str) -> Vec<String> {
    let mut lines = thing::in_full(state, &Item::Service(name.to_owned()));
    if state.pane == Pane::Log {
        lines.push(format!("what {name} writes is read as it comes; an empty line ends that"));
    }
    lines
}

/// What the open log has from this number on; of many lines the last.
pub(super) fn log_since(state: &State, from: u64) -> Vec<String> {
    let new: Vec<u64> = log::shown(state).into_iter().filter(|number| *number >= from).collect();
    let more = new.len().saturating_sub(READ);
    let before = (more > 0).then(|| format!("{} before these are not read", format::count(more, "line")));
    before.into_iter().chain(new.iter().skip(more).filter_map(|number| log_line(state, *number))).collect()
}

/// An entry of the open log, by its number.
fn log_line(state: &State, number: u64) -> Option<String> {
    let log = &state.model.log;
    let at = usize::try_from(number.checked_sub(log.dropped)?).ok()?;
    let name = log.service.as_deref().unwrap_or_default();
    Some(match log.entries.get(at)? {
        LogEntry::Line { stderr, time_s, text } => {
            let error = if *stderr { ", on stderr" } else { "" };
            format!("{name} at {}{error}: {text}", format::clock(*time_s))
        }
        LogEntry::Gap(lines) => {
            format!("{name}: {} cannot be had", format::count(usize::try_from(*lines).unwrap_or(usize::MAX), "line"))
        }
        LogEntry::Remark(text) => format!("{name}: {text}"),
    })
}

/// What can be typed.
pub fn help() -> Vec<String> {
    let views: Vec<&str> = View::ALL.into_iter().map(View::name).collect();
    vec![
        format!("a view reads it: {}", say::list(&views)),
        "what is wrong: status; why something is as it is: why NAME; all about something: open NAME".to_owned(),
        "what can be done: lines of ubmcctl, as `host on host.0`, `services restart SERVICE`, `chassis identify on`"
            .to_owned(),
        "and: `fans set ZONE 60 --for 600`, `fans auto ZONE`, `events list --severity error`, reconnect, help, quit"
            .to_owned(),
        "what interrupts something is done only after its name was typed; `--reason TEXT` on the line says why"
            .to_owned(),
        "part of a command is enough when only one fits".to_owned(),
    ]
}

/// What can be done with a thing, for a question that fits several.
pub fn which(names: &[String]) -> String {
    const NAMED: usize = 8;
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("which one: {}{more}", names.iter().take(NAMED).cloned().collect::<Vec<_>>().join(", "))
}
