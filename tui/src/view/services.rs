//! The tree of services by group.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    events, format, overview, service,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, Item, Place, State, rows, serves, tree},
    model::{Event, Health, Service, ServiceState},
    style::{Mark, Role},
};

const COLUMNS: [Column; 10] = [
    Column::new("", 1),
    Column::new("service", 18).grows(),
    Column::new("state", 9),
    Column::new("health", 9).rank(2),
    Column::new("pid", 7).right().rank(4),
    Column::new("uptime", 7).right().rank(1),
    Column::new("rst", 3).right().rank(3),
    Column::new("cpu %", 5).right().rank(5),
    Column::new("mem", 6).right().rank(6),
    Column::new("why", 36).grows().rank(9),
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state).and_then(|item| items.iter().position(|other| *other == item));
    // A wide screen has the selected one beside the list.
    let (area, beside) = if area.width >= 180 {
        let list = Rect { width: area.width * 11 / 20, ..area };
        (list, Rect { x: list.right() + 3, width: area.width - list.width - 3, ..area })
    } else {
        (area, Rect { width: 0, ..area })
    };
    if beside.width > 0 {
        aside(canvas, beside, state);
    }
    // The reason of the selected one has a row of its own where the table has no column for it.
    let footed = area.width < 130 && area.height > 8;
    let list = Rect { height: area.height - u16::from(footed), ..area };
    let running = state.model.services.iter().filter(|one| one.state == ServiceState::Running).count();
    let table = Table {
        title: if state.by_dependency { "Services by dependency" } else { "Services" },
        remark: format!("{running} of {} running", state.model.services.len()),
        columns: &COLUMNS,
        count: items.len(),
        selected,
        empty: empty(state),
    };
    let glyphs = canvas.glyphs();
    let depths = if state.by_dependency { tree::order(&state.model.services) } else { Vec::new() };
    let indent = |name: &str| -> String {
        let own = |(index, _): &&(usize, usize)| state.model.services.get(*index).is_some_and(|one| one.name == name);
        match depths.iter().find(own).map_or(0, |(_, depth)| *depth) {
            0 => String::new(),
            depth => format!("{}{} ", "  ".repeat(depth - 1), glyphs.branch()),
        }
    };
    let rows = table::draw(canvas, list, &table, |index| match items.get(index) {
        Some(Item::Group(group)) => group_row(state, group, glyphs),
        Some(Item::Service(name)) => {
            let row = |service| service_row(state, service, glyphs, &indent(name));
            state.model.service(name).map(row).unwrap_or_default()
        }
        _ => Vec::new(),
    });
    canvas.places(rows, |index| items.get(index).cloned().map(Place::Row));
    if footed && let Some(Item::Service(name)) = rows::selected(state) {
        let text = state.model.service(&name).map(|service| why_or_what(service, state)).unwrap_or_default();
        canvas.put(area.x, area.bottom() - 1, area.width, &text, Role::Dim);
    }
}

/// The selected service with what happened to it, or what happened in the selected group.
fn aside(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    match rows::selected(state) {
        Some(Item::Service(name)) => service::aside(canvas, area, state, &name),
        Some(Item::Group(group)) => {
            let own = |event: &&Event| {
                let mut members = state.model.services.iter().filter(|one| one.group == group);
                members.any(|one| {
                    event.subject.strip_prefix("service.").is_some_and(|rest| {
                        rest.strip_prefix(one.name.as_str()).is_some_and(|rest| rest.starts_with('.'))
                    })
                })
            };
            let all: Vec<&Event> = state.model.tail.since_restart().filter(own).collect();
            events::some(canvas, area, &format!("Lately in {group}"), &all);
        }
        _ => {}
    }
}

fn empty(state: &State) -> &'static str {
    if !state.filter().is_empty() {
        "no service fits the filter"
    } else if serves(state, Area::Services) {
        "no services yet"
    } else {
        "this daemon does not tell of its services"
    }
}

fn group_row(state: &State, group: &str, glyphs: crate::style::Glyphs) -> Vec<Piece> {
    let members: Vec<&Service> = state.model.services.iter().filter(|service| service.group == group).collect();
    let up = members.iter().filter(|one| matches!(one.state, ServiceState::Running | ServiceState::Completed)).count();
    let folded = state.folded.contains(group) && state.filter().is_empty();
    let worst = overview::worst(members.iter().map(|one| verdict::service_now(one, state.now)));
    vec![
        Piece::dim(glyphs.fold(!folded)),
        Piece::new(Role::Title, group),
        Piece::new(if worst == Mark::Good { Role::Dim } else { role_of(worst) }, format!("{up}/{} up", members.len())),
    ]
}

fn service_row(state: &State, service: &Service, glyphs: crate::style::Glyphs, indent: &str) -> Vec<Piece> {
    let mark = verdict::service_now(service, state.now);
    let quiet = matches!(mark, Mark::Good | Mark::Done | Mark::Off);
    let number = |text: Option<String>| Piece::text(text.unwrap_or_else(|| "-".to_owned()));
    let health_role = match service.health {
        Health::Unknown => Role::Dim,
        Health::Healthy => Role::Text,
        Health::Degraded | Health::Unhealthy => role_of(verdict::health(service.health)),
    };
    vec![
        mark_piece(glyphs, mark),
        Piece::text(format!("{}{}", if state.by_dependency { indent } else { " " }, service.name)),
        Piece::new(if quiet { Role::Text } else { role_of(mark) }, service.state.word()),
        Piece::new(health_role, service.health.word()),
        number(service.pid.map(|pid| pid.to_string())),
        number(service.up_since.map(|since| format::duration(state.now.since(since)))),
        Piece::new(if service.restarts > 0 { Role::Warning } else { Role::Dim }, service.restarts.to_string()),
        number(service.cpu_percent.map(|percent| format!("{percent:.1}"))),
        number(service.rss_bytes.map(format::bytes)),
        Piece::dim(why_or_what(service, state)),
    ]
}

/// Why it is as it is; when that is plain, what it is.
fn why_or_what(service: &Service, state: &State) -> String {
    let why = why(service, state);
    if why.is_empty() { service.description.clone() } else { why }
}

/// In a sentence: why it is as it is. Empty when that is plain.
pub(super) fn why(service: &Service, state: &State) -> String {
    let mut parts: Vec<String> = Vec::new();
    if let Some(left) = service.unsettled(state.now) {
        let exit = service.last_exit.as_ref().map(|exit| format!(" ({exit})")).unwrap_or_default();
        parts.push(format!("runs again after a crash{exit}; that counts as over in {}", format::duration(left.ceil())));
    }
    if let Some(retry) = service.retry_at {
        parts.push(format!("next start in {:.0} s", retry.since(state.now).ceil()));
    }
    if service.is_unready() {
        parts.push(format!("not ready: {}", service.readiness_text));
    }
    for text in [&service.reason, &service.status_text] {
        if !text.is_empty() && !parts.contains(text) {
            parts.push(text.clone());
        }
    }
    if !service.last_error.is_empty() && service.state != ServiceState::Running && !parts.contains(&service.last_error)
    {
        parts.push(service.last_error.clone());
    }
    parts.join("; ")
}
