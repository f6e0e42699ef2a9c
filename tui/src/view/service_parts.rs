//! Parts of a service's page beside its log: what happened to it, its first start, and what it is tied to.

use ratatui::layout::Rect;

use super::{
    boot,
    canvas::{Canvas, Piece, mark_piece, role_of},
    format,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Pane, State},
    model::{Entry, Event, Service},
    style::{Mark, Role},
};

/// What happened to the service, as far as the kept events go back: starts, verdicts, ends.
pub(super) fn history(canvas: &mut Canvas<'_>, area: Rect, state: &State, name: &str) {
    let own = format!("service.{name}.");
    let events: Vec<&Event> = state
        .model
        .tail
        .entries
        .iter()
        .filter_map(|entry| if let Entry::Event(event) = entry { Some(event) } else { None })
        .filter(|event| event.subject.starts_with(&own))
        .collect();
    let height = usize::from(area.height.saturating_sub(1));
    let shown = events.get(events.len().saturating_sub(height)..).unwrap_or_default();
    let rate = state.model.service(name).and_then(|service| service.health_success_rate);
    let remark = rate.map(|rate| format!("{:.0} % of checks passed", rate * 100.0)).unwrap_or_default();
    let columns = [Column::new("", 1), Column::new("", 8), Column::new("", 20).grows()];
    let empty = "nothing has happened to it since the oldest kept event";
    let title = Pane::History.title();
    let table = Table { title, remark, columns: &columns, count: shown.len(), selected: None, empty };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        let Some(event) = shown.get(index) else { return Vec::new() };
        let mark = verdict::severity(event.severity);
        vec![
            mark.map_or_else(|| Piece::text(" "), |mark| mark_piece(glyphs, mark)),
            Piece::dim(format::clock(event.time_s)),
            Piece::new(mark.filter(|mark| *mark != Mark::Busy).map_or(Role::Text, role_of), &event.text),
        ]
    });
}

/// Its first start, below those that it waited for.
pub(super) fn start(canvas: &mut Canvas<'_>, area: Rect, state: &State, name: &str) {
    let services = &state.model.services;
    let mut names = reached(services, name, |service| &service.dependencies);
    names.retain(|other| other != name);
    names.push(name.to_owned());
    boot::of(canvas, area, state, &names, name);
}

/// What it needs, and what needs it, to the end.
pub(super) fn ties(canvas: &mut Canvas<'_>, area: Rect, state: &State, name: &str) {
    canvas.heading(area, Pane::Ties.title(), "");
    let half = Rect { y: area.y + 1, height: area.height.saturating_sub(1), width: area.width / 2, ..area };
    let right = Rect { x: half.right(), width: area.width - half.width, ..half };
    for (part, title, way) in [
        (half, "needs", (|service: &Service| &service.dependencies) as fn(&Service) -> &Vec<String>),
        (right, "needed by", |service: &Service| &service.dependents),
    ] {
        canvas.put(part.x, part.y, part.width, title, Role::Dim);
        let mut lines = Vec::new();
        descend(&state.model.services, name, 0, way, &mut lines);
        let rows = Rect { y: part.y + 1, height: part.height.saturating_sub(1), ..part };
        if lines.is_empty() {
            canvas.put(rows.x, rows.y, rows.width, "nothing", Role::Text);
        }
        for (row, (depth, other)) in rows.rows().zip(&lines) {
            let service = state.model.service(other);
            let mark = service.map_or(Mark::Unknown, verdict::service);
            let word = service.map_or("not declared", |service| service.state.word());
            let indent = "  ".repeat(*depth);
            let pieces = [
                Piece::text(indent),
                mark_piece(canvas.glyphs(), mark),
                Piece::text(format!(" {other} ")),
                Piece::dim(word),
            ];
            canvas.pieces(row.x, row.y, row.width.saturating_sub(1), &pieces);
        }
    }
}

/// Everything that is reached from `name`, in start order.
fn reached(services: &[Service], name: &str, way: fn(&Service) -> &Vec<String>) -> Vec<String> {
    let mut lines = Vec::new();
    descend(services, name, 0, way, &mut lines);
    let is_reached = |service: &&Service| lines.iter().any(|(_, other)| *other == service.name);
    services.iter().filter(is_reached).map(|service| service.name.clone()).collect()
}

/// Each once, below the first that leads to it.
fn descend(
    services: &[Service],
    name: &str,
    depth: usize,
    way: fn(&Service) -> &Vec<String>,
    lines: &mut Vec<(usize, String)>,
) {
    let Some(service) = services.iter().find(|service| service.name == name) else { return };
    for other in way(service) {
        if !lines.iter().any(|(_, known)| known == other) {
            lines.push((depth, other.clone()));
            descend(services, other, depth + 1, way, lines);
        }
    }
}
