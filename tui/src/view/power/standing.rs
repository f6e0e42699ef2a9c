//! What stands for a machine beside its state: how it comes back, what is overridden, what waits for its time, the last
//! trip, and whether the machines can come to harm.

use ratatui::layout::Rect;

use crate::{
    app::{State, VERIFICATION},
    model::{Machine, MachineKind, Restoration, Schedule},
    style::Role,
    view::{canvas::Canvas, format, plan, sheet::Sheet},
};

/// Label, sentence, and what the sentence is.
type Line = (&'static str, String, Role);

/// All of it, or the part that it is scrolled to, which is said. The answer is what is left.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> Rect {
    if area.height < 2 {
        return area;
    }
    let all = if state.model.verification.is_some() {
        "machines verify".to_owned()
    } else {
        format!("machines show {}", machine.name)
    };
    let sheet = Sheet::new(canvas, area.width, Some(&all), |canvas, area| {
        let mut y = area.y;
        let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
        for (label, text, role) in lines(state, machine) {
            y += labelled(canvas, rest(y), label, &text, role);
        }
        if let Some(found) = &state.model.verification {
            y += plan::conditions(canvas, rest(y), &found.findings);
            for left_out in &found.left_out {
                y += labelled(canvas, rest(y), "left out", left_out, Role::Dim);
            }
        }
        y - area.y
    });
    let body = Rect { y: area.y + 1, height: (area.height - 1).min(sheet.rows()), ..area };
    let remark = sheet.show_in_view(canvas, body, state.standing_scrolled, "PgUp, PgDn");
    canvas.heading(area, &format!("What holds for {}", machine.name), &remark);
    super::lower(area, body.height + 1)
}

fn labelled(canvas: &mut Canvas<'_>, area: Rect, label: &str, text: &str, role: Role) -> u16 {
    const LABEL: u16 = 18;
    if area.height == 0 {
        return 0;
    }
    canvas.put(area.x, area.y, LABEL - 1, label, Role::Dim);
    canvas.paragraph(Rect { x: area.x + LABEL, width: area.width.saturating_sub(LABEL), ..area }, text, role)
}

fn lines(state: &State, machine: &Machine) -> Vec<Line> {
    let mut lines = Vec::new();
    for one in &machine.overrides {
        lines.push(("overridden", overridden(state, machine, &one.condition), Role::Warning));
    }
    if let Some(restoration) = &machine.restoration {
        restored(state, restoration, &mut lines);
    }
    let (own, others): (Vec<&Schedule>, Vec<&Schedule>) =
        state.model.schedules.iter().flatten().partition(|one| one.machine == machine.name);
    for one in own {
        let role = if one.held_by.is_empty() { Role::Text } else { Role::Warning };
        lines.push(("waits", waiting(state, one), role));
    }
    // What waits for another machine may concern this one too: a chassis that goes off takes its hosts along.
    lines.extend(others.into_iter().map(|one| ("elsewhere", waiting(state, one), Role::Dim)));
    if machine.kind != MachineKind::Bmc {
        let trips = state.model.zones.iter().filter_map(|zone| zone.trip.as_ref().map(|trip| (zone, trip)));
        for (zone, trip) in trips {
            let age = format::duration(state.now.since(trip.at));
            lines.push(("last trip", format!("zone {}, {age} ago: {}", zone.name, trip.why), Role::Warning));
        }
    }
    lines.push(verified(state));
    lines
}

fn restored(state: &State, restoration: &Restoration, lines: &mut Vec<Line>) {
    let by = if restoration.chosen { "chosen by an operator" } else { "by the board" };
    let delay = if restoration.delay_s > 0.0 {
        format!(", {} after the BMC is ready", format::duration(restoration.delay_s))
    } else {
        String::new()
    };
    lines.push(("after power loss", format!("{}, {by}{delay}", restoration.policy), Role::Text));
    if !restoration.once.is_empty() {
        lines.push(("next time only", restoration.once.clone(), Role::Text));
    }
    if restoration.restoring || restoration.next_try.is_some() {
        let what = if restoration.restoring { "to be powered on again" } else { "to be reset" };
        let next = restoration.next_try.map(|at| format!(", next try in {}", format::duration(at.since(state.now))));
        let held = if restoration.held_by.is_empty() { String::new() } else { format!(": {}", restoration.held_by) };
        lines.push(("by policy", format!("{what}{}{held}", next.unwrap_or_default()), Role::Busy));
    }
    if let (Some(left), Some(all)) = (restoration.attempts_left, restoration.attempts) {
        lines.push(if restoration.given_up {
            let text = format!("used up: nothing is tried until somebody asks ({all} then)");
            ("boot attempts", text, Role::Critical)
        } else {
            let role = if left < all { Role::Warning } else { Role::Text };
            ("boot attempts", format!("{left} of {all} left"), role)
        });
    }
}

/// An override: of what, for how long yet, by whom and why.
pub(super) fn overridden(state: &State, machine: &Machine, condition: &str) -> String {
    let Some(one) = machine.overrides.iter().find(|one| one.condition == condition) else { return String::new() };
    let left = format::duration(one.expires.since(state.now));
    format!("{} for {left}, by {}: {}", one.condition, one.actor, one.reason)
}

/// A request that waits for its time, by its id.
pub(super) fn scheduled(state: &State, id: &str) -> String {
    let found = state.model.schedules.iter().flatten().find(|one| one.id == id);
    found.map(|one| waiting(state, one)).unwrap_or_default()
}

fn waiting(state: &State, one: &Schedule) -> String {
    let left = one.due.since(state.now);
    let when = if left > 0.0 { format!("in {}", format::duration(left)) } else { "now".to_owned() };
    let why = if one.reason.is_empty() { String::new() } else { format!(": {}", one.reason) };
    let held = if one.held_by.is_empty() { String::new() } else { format!("; held by: {}", one.held_by) };
    let Schedule { id, request, machine, requested_by, .. } = one;
    format!("{id} {request} {machine} {when}, {} UTC, by {requested_by}{why}{held}", format::clock(one.at_s))
}

fn verified(state: &State) -> Line {
    let label = "verified";
    if state.awaits(VERIFICATION) {
        return (label, "everything that can happen to the machines is being explored".to_owned(), Role::Busy);
    }
    let Some(found) = &state.model.verification else {
        return (label, "not asked: V explores everything that can happen to the machines".to_owned(), Role::Dim);
    };
    let age = format::duration(state.now.since(found.at));
    let part = if found.complete { "all" } else { "only a part, up to the bound," };
    let explored = format!("{part} {} states in {}, {age} ago", found.states, format::precise(found.took_s));
    match found.findings.len() {
        0 => (label, format!("nothing is wrong: {explored}"), Role::Good),
        count => {
            let found = format::count(count, "finding");
            (label, format!("{found} in {explored}; the way to each: ubmcctl machines verify"), Role::Critical)
        }
    }
}
