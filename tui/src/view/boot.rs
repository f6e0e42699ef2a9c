//! How the platform came up: how far each group is, and how long each service took to be ready.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    format,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Item, State, rows},
    model::Group,
    style::{Mark, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let groups: &[Group] = state.model.status.as_ref().map_or(&[], |status| &status.groups);
    let height = u16::try_from(groups.len().max(1)).unwrap_or(u16::MAX).saturating_add(1).min(area.height / 2);
    phases(canvas, Rect { height, ..area }, state, groups);
    starts(canvas, Rect { y: area.y + height, height: area.height - height, ..area }, state);
}

fn phases(canvas: &mut Canvas<'_>, area: Rect, state: &State, groups: &[Group]) {
    let bar = (area.width / 3).clamp(10, 60);
    let columns = [
        Column::new("", 1),
        Column::new("", 11),
        Column::new("", bar),
        Column::new("", 9).right(),
        Column::new("", 12).grows().rank(1),
    ];
    let remark = match &state.model.status {
        Some(status) => {
            format!("{}, ubmcd up {}", status.state, format::duration(state.now.since(status.started)))
        }
        None => String::new(),
    };
    let table = Table {
        title: "Phases",
        remark,
        columns: &columns,
        count: groups.len(),
        selected: None,
        empty: "not known yet",
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        let Some(group) = groups.get(index) else { return Vec::new() };
        let mark = match (group.failed, group.complete) {
            (1.., _) => Mark::Warning,
            (0, true) => Mark::Done,
            (0, false) => Mark::Busy,
        };
        let share = if group.total == 0 { 1.0 } else { f64::from(group.up) / f64::from(group.total) };
        let failed = if group.failed > 0 { format!("{} failed", group.failed) } else { String::new() };
        vec![
            mark_piece(glyphs, mark),
            Piece::text(&group.name),
            Piece::new(Role::Graph, glyphs.bar(share, bar)),
            Piece::text(format!("{}/{} up", group.up, group.total)),
            Piece::new(role_of(mark), failed),
        ]
    });
}

fn starts(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state).and_then(|item| items.iter().position(|other| *other == item));
    let longest = state.model.services.iter().filter_map(|service| service.start_duration_s).fold(0.0, f64::max);
    let bar = (area.width / 3).clamp(10, 60);
    let columns = [
        Column::new("", 1),
        Column::new("service", 12).grows(),
        Column::new("group", 11).rank(2),
        Column::new("ready after", 11).right(),
        Column::new("", bar),
        Column::new("needs", 20).grows().rank(3),
    ];
    let table = Table {
        title: "Last start of each service",
        remark: if longest > 0.0 { format!("longest {}", format::precise(longest)) } else { String::new() },
        columns: &columns,
        count: items.len(),
        selected,
        empty: if state.filter().is_empty() { "no services yet" } else { "no service fits the filter" },
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        let Some(Item::Service(name)) = items.get(index) else { return Vec::new() };
        let Some(service) = state.model.service(name) else { return Vec::new() };
        let (took, share) = match service.start_duration_s {
            Some(took) => (format::precise(took), if longest > 0.0 { took / longest } else { 0.0 }),
            None => ("-".to_owned(), 0.0),
        };
        let slowest = service.start_duration_s.is_some_and(|took| took >= longest && longest > 0.0);
        vec![
            mark_piece(glyphs, verdict::service(service)),
            Piece::text(&service.name),
            Piece::dim(&service.group),
            Piece::new(if slowest { Role::Title } else { Role::Text }, took),
            Piece::new(Role::Graph, glyphs.bar(share, bar)),
            Piece::dim(service.dependencies.join(", ")),
        ]
    });
}
