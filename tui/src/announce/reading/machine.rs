//! Machines, operations, and what waits for its time.

use crate::{
    announce::say,
    app::{Item, State, VERIFICATION},
    model::{Machine, MachineKind, Operation, OperationState, Request, Schedule, StepState},
    view::format,
};

/// Its state, for how long, and what brought it there.
pub(super) fn sentence(state: &State, one: &Machine) -> String {
    // Where it is as it was asked to be, there is nothing to add.
    let asked = if one.transitional || !one.reason.is_empty() { one.requested.as_str() } else { "" };
    let left = one.timeout_at.filter(|_| one.transitional);
    let what = say::parts([
        format!("{} is {} for {}", one.name, one.state, say::time(state.now.since(one.since))),
        say::behind("asked for ", asked),
        say::behind("driven by ", &one.operation),
        left.map(|at| format!("at most {} more", say::time(at.since(state.now)))).unwrap_or_default(),
    ]);
    let why = if one.reason.is_empty() { &one.cause } else { &one.reason };
    format!("{what}{}", say::behind(": ", why))
}

/// What can be asked of it, how it comes back, what is overridden, what waits.
pub(super) fn particulars(state: &State, one: &Machine) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let free = |request: &&Request| request.blocked_by.is_empty();
    let allowed: Vec<String> = one
        .requests
        .iter()
        .filter(free)
        .map(
            |request| if request.destructive { format!("{} (interrupts)", request.name) } else { request.name.clone() },
        )
        .collect();
    if !allowed.is_empty() {
        lines.push(format!("can be asked for now: {}", say::list(&allowed)));
    }
    for request in one.requests.iter().filter(|request| !free(request)) {
        let why: Vec<String> = request.blocked_by.iter().map(super::question::condition).collect();
        lines.push(format!("not {} now: {}", request.name, why.join("; and ")));
    }
    for waiver in &one.overrides {
        let left = say::time(waiver.expires.since(state.now));
        lines.push(format!(
            "{} is overridden for {left} more, by {}: {}",
            waiver.condition, waiver.actor, waiver.reason
        ));
    }
    if let Some(back) = &one.restoration {
        let by = if back.chosen { "chosen by an operator" } else { "by the board" };
        let once = say::behind(", the next time only ", &back.once);
        lines.push(format!("after the loss of power: {}, {by}{once}", back.policy));
        if back.restoring || back.next_try.is_some() {
            let what = if back.restoring { "to be powered on again" } else { "to be reset" };
            let next = back.next_try.map(|at| format!(", next try in {}", say::time(at.since(state.now))));
            lines.push(format!("by policy {what}{}{}", next.unwrap_or_default(), say::behind(": ", &back.held_by)));
        }
        match (back.attempts_left, back.attempts) {
            _ if back.given_up => {
                lines.push("its boots have failed too often: nothing is tried until somebody asks".to_owned());
            }
            (Some(left), Some(all)) => lines.push(format!("{left} of {all} boot attempts left")),
            _ => {}
        }
    }
    lines.extend(schedules(state, Some(&one.name)));
    if one.kind == MachineKind::Bmc || state.model.verification.is_some() {
        lines.extend(verification(state));
    }
    lines
}

/// Requests that wait for their time, of one machine or of all.
pub(super) fn schedules(state: &State, machine: Option<&str>) -> Vec<String> {
    let all = state.model.schedules.iter().flatten();
    let own = all.filter(|one| machine.is_none_or(|machine| one.machine == machine));
    own.map(|one| {
        let left = one.due.since(state.now);
        let when = if left > 0.0 { format!("in {}", say::time(left)) } else { "now".to_owned() };
        let Schedule { id, request, machine, requested_by, .. } = one;
        let why = say::behind(", because ", &one.reason);
        let held = say::behind("; held up: ", &one.held_by);
        format!("{id} waits: {request} {machine} {when}, asked for by {requested_by}{why}{held}")
    })
    .collect()
}

/// Whether the machines can come to harm.
pub(super) fn verification(state: &State) -> Vec<String> {
    if state.awaits(VERIFICATION) {
        return vec!["everything that can happen to the machines is being explored".to_owned()];
    }
    let Some(found) = &state.model.verification else { return Vec::new() };
    let age = state.now.since(found.at);
    let age = if age < 10.0 { "just now".to_owned() } else { format!("{} ago", say::time(age)) };
    let part = if found.complete { "all" } else { "only a part, up to the bound," };
    let explored = format!("{part} {} states in {}, {age}", found.states, say::time(found.took_s));
    let mut lines = vec![match found.findings.len() {
        0 => format!("nothing is wrong with the machines: {explored}"),
        count => format!("{} in {explored}; the way to each: ubmcctl machines verify", format::count(count, "finding")),
    }];
    lines.extend(found.findings.iter().map(super::question::condition));
    lines.extend(found.left_out.iter().map(|text| format!("left out: {text}")));
    lines
}

/// The states of a machine, and what leads from each to others.
pub(super) fn drawn(state: &State, item: &Item) -> Vec<String> {
    let Item::Machine(name) = item else { return Vec::new() };
    let Some(graph) = state.model.graphs.get(name) else {
        return vec![format!("asking ubmcd how {name} is made")];
    };
    let now = state.model.machine(name).map(|one| one.state.as_str()).unwrap_or_default();
    graph
        .states
        .iter()
        .map(|one| {
            let here = if one.name == now { " (now)" } else { "" };
            let leads = graph.transitions.iter().filter(|way| way.from == one.name);
            let leads: Vec<String> = leads.map(|way| format!("{} leads to {}", way.on, way.to)).collect();
            let leads = if leads.is_empty() { "nothing leads from it".to_owned() } else { leads.join(", ") };
            let most = one.timeout_s.map(|most| format!(", at most {}", say::time(most))).unwrap_or_default();
            format!("state {}{here}{most}: {leads}", one.name)
        })
        .collect()
}

/// What it does, to what, how far it is, and who asked.
pub(super) fn operation(state: &State, one: &Operation) -> String {
    let age = say::time(state.now.since(one.accepted));
    let title = format!("{} {} {}", one.id, one.kind, one.target);
    let how = match (one.state, one.duration_s) {
        (OperationState::Running, _) => {
            let step = one.steps.iter().position(|step| step.state == StepState::Running);
            let step = step.and_then(|at| one.steps.get(at).map(|step| (at, step)));
            let step = step.map(|(at, step)| format!(", step {} of {}, {}", at + 1, one.steps.len(), step.name));
            format!("running for {age}{}", step.unwrap_or_default())
        }
        (ended, Some(took)) => format!("{} after {}, {age} ago", ended.word(), say::time(took)),
        (ended, None) => format!("{}, {age} ago", ended.word()),
    };
    let told = one.state != OperationState::Succeeded || one.kind.is_empty();
    let why = if told { one.reason.as_str() } else { "" };
    format!("{title} {how}, asked for by {}{}", one.requested_by, say::behind(": ", why))
}

/// Why, what it changes, and each step.
pub(super) fn operation_particulars(one: &Operation) -> Vec<String> {
    let mut lines = Vec::new();
    if !one.request_reason.is_empty() {
        lines.push(format!("because: {}", one.request_reason));
    }
    if !one.affects.is_empty() {
        lines.push(format!("changes {}", say::list(&one.affects)));
    }
    lines.extend(one.conditions.iter().map(super::question::condition));
    lines.extend(super::question::steps(one));
    lines
}
