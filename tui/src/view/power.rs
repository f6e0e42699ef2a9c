//! Machines: where they are, what was asked, what can be asked, and what forbids the rest.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    format, machine_graph, operations,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, Item, State, menu, rows, serves},
    model::{Machine, Operation, OperationState, Supply},
    style::{Mark, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state);
    let place = selected.as_ref().and_then(|item| items.iter().position(|other| other == item));
    let top_height = u16::try_from(items.len().max(1)).unwrap_or(u16::MAX).saturating_add(2).min(area.height / 2);
    machines(canvas, Rect { height: top_height, ..area }, state, &items, place);
    let rest = Rect { y: area.y + top_height, height: area.height - top_height, ..area };
    let Some(Item::Machine(name)) = &selected else { return };
    let Some(machine) = state.model.machine(name) else { return };

    let wide = area.width >= 110;
    let (left, right) = if wide {
        let left = Rect { width: (rest.width - 3) / 2, ..rest };
        (left, Rect { x: left.right() + 3, width: rest.width - 3 - left.width, ..rest })
    } else {
        (rest, Rect { height: 0, ..rest })
    };
    if state.graph && !wide {
        return machine_graph::draw(canvas, rest, state, machine);
    }
    let used = requests(canvas, left, state, machine);
    if wide {
        let below = Rect { y: left.y + used, height: left.height.saturating_sub(used), ..left };
        machine_graph::draw(canvas, below, state, machine);
    }
    let below = Rect { y: left.y + used, height: left.height - used, ..left };
    let mut beside = if wide { right } else { below };
    if let Some(operation) = latest(state, name) {
        let used = operations::steps(canvas, beside, state, operation, "Last operation");
        beside = Rect { y: beside.y + used, height: beside.height.saturating_sub(used), ..beside };
    }
    if beside.height > 2 {
        let count = state.model.hardware.supplies.as_ref().map_or(0, Vec::len);
        let height = u16::try_from(count).unwrap_or(0).saturating_add(1).min(beside.height);
        if count > 0 {
            supplies(canvas, Rect { height, ..beside }, state);
            beside = Rect { y: beside.y + height, height: beside.height - height, ..beside };
        }
        rails(canvas, beside, state);
    }
}

/// The operation that drives the machine, else the last that did.
fn latest<'a>(state: &'a State, machine: &str) -> Option<&'a Operation> {
    let driving = state.model.machine(machine).map_or("", |machine| machine.operation.as_str());
    let done = |one: &&Operation| one.target == machine && one.state != OperationState::Planned;
    state.model.operation(driving).or_else(|| state.model.operations.iter().rev().find(done))
}

fn machines(canvas: &mut Canvas<'_>, area: Rect, state: &State, items: &[Item], selected: Option<usize>) {
    let columns = [
        Column::new("", 1),
        Column::new("machine", 9),
        Column::new("state", 14),
        Column::new("requested", 9),
        Column::new("for", 7).right(),
        Column::new("because", 24).grows().rank(1),
    ];
    let table = Table {
        title: "Machines",
        remark: String::new(),
        columns: &columns,
        count: items.len(),
        // While the requests have the keys, the machine is shown by its name below.
        selected: selected.filter(|_| state.request.is_none()),
        empty: if !state.filter().is_empty() {
            "no machine fits the filter"
        } else if serves(state, Area::Machines) {
            "no machines yet"
        } else {
            "this daemon does not tell of its machines"
        },
    };
    let (glyphs, now) = (canvas.glyphs(), state.now);
    table::draw(canvas, area, &table, |index| {
        let Some(Item::Machine(name)) = items.get(index) else { return Vec::new() };
        let Some(machine) = state.model.machine(name) else { return Vec::new() };
        let mark = verdict::machine(machine);
        let because = if machine.reason.is_empty() {
            Piece::dim(&machine.cause)
        } else {
            Piece::new(Role::Warning, &machine.reason)
        };
        vec![
            mark_piece(glyphs, mark),
            Piece::text(&machine.name),
            Piece::new(if matches!(mark, Mark::Good | Mark::Off) { Role::Text } else { role_of(mark) }, &machine.state),
            Piece::dim(if machine.requested.is_empty() { "-" } else { &machine.requested }),
            Piece::dim(format::duration(now.since(machine.since))),
            because,
        ]
    });
}

/// What can be asked of a machine. The answer is the rows used.
fn requests(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> u16 {
    let choices = menu::choices(&state.model, &Item::Machine(machine.name.clone()));
    let columns = [Column::new("", 1), Column::new("", 16), Column::new("", 24).grows()];
    let height = u16::try_from(choices.len().max(1)).unwrap_or(u16::MAX).saturating_add(1).min(area.height);
    let timeout =
        machine.timeout_at.map(|at| format!("{} times out in {:.0} s", machine.state, at.since(state.now).ceil()));
    let table = Table {
        title: &format!("Requests to {}", machine.name),
        remark: timeout.unwrap_or_default(),
        columns: &columns,
        count: choices.len(),
        selected: state.request.map(|request| request.min(choices.len().saturating_sub(1))),
        empty: "this machine takes no requests",
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, Rect { height, ..area }, &table, |index| {
        let (Some(choice), Some(request)) = (choices.get(index), machine.requests.get(index)) else {
            return Vec::new();
        };
        let (mark, name, why) = match choice.blocked_by.first() {
            Some(first) => {
                let more = choice.blocked_by.len() - 1;
                let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
                let remedy = if first.remedy.is_empty() {
                    String::new()
                } else {
                    format!(" {} {}", glyphs.arrow(), first.remedy)
                };
                (Mark::Off, Role::Dim, Piece::dim(format!("{}{remedy}{more}", first.text)))
            }
            None if choice.deed.is_destructive() => {
                (Mark::Good, Role::Text, Piece::dim("allowed; interrupts what runs"))
            }
            None => (Mark::Good, Role::Text, Piece::dim("allowed")),
        };
        vec![mark_piece(glyphs, mark), Piece::new(name, &request.name), why]
    });
    height
}

/// The power supplies, also for the overview. The answer is the rows used.
pub(super) fn supplies(canvas: &mut Canvas<'_>, area: Rect, state: &State) -> u16 {
    let none = Vec::new();
    let supplies = state.model.hardware.supplies.as_ref().unwrap_or(&none);
    let remark = match state.model.hardware.redundant {
        Some(true) => "redundant",
        Some(false) => "not redundant",
        None => "",
    };
    let columns = [
        Column::new("", 1),
        Column::new("", 8),
        Column::new("", 10),
        Column::new("", 13).right().rank(1),
        Column::new("", 8).right().rank(2),
    ];
    let table = Table {
        title: "Supplies",
        remark: remark.to_owned(),
        columns: &columns,
        count: supplies.len(),
        selected: None,
        empty: "no supplies",
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        let Some(supply) = supplies.get(index) else { return Vec::new() };
        let (mark, word) = supply_state(supply);
        let load = match supply.power_w {
            Some(watts) if supply.rated_w > 0.0 => format!("{watts:.0} of {:.0} W", supply.rated_w),
            Some(watts) => format!("{watts:.0} W"),
            None => "-".to_owned(),
        };
        vec![
            mark_piece(glyphs, mark),
            Piece::text(&supply.name),
            Piece::new(if mark == Mark::Good { Role::Text } else { role_of(mark) }, word),
            Piece::text(load),
            Piece::text(supply.temperature.map(|celsius| format!("{celsius:.1} °C")).unwrap_or_default()),
        ]
    });
    area.height
}

/// How a supply is, in a word.
pub(super) fn supply_state(supply: &Supply) -> (Mark, &'static str) {
    match (supply.present, supply.power_good) {
        (Some(false), _) => (Mark::Warning, "absent"),
        (_, Some(false)) => (Mark::Critical, "no power"),
        (None, None) => (Mark::Unknown, "not readable"),
        (_, Some(true) | None) => match verdict::health(supply.health) {
            Mark::Critical => (Mark::Critical, "unhealthy"),
            Mark::Warning => (Mark::Warning, "degraded"),
            _ => (Mark::Good, "power good"),
        },
    }
}

fn rails(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let Some(rails) = state.model.hardware.rails.as_ref().filter(|rails| !rails.is_empty()) else { return };
    if area.height < 2 {
        return;
    }
    let columns = [
        Column::new("", 1),
        Column::new("", 12),
        Column::new("", 5),
        Column::new("", 14),
        Column::new("", 20).grows().rank(1),
    ];
    let table = Table {
        title: "Rails",
        remark: String::new(),
        columns: &columns,
        count: rails.len(),
        selected: None,
        empty: "",
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| rails.get(index).map(|rail| rail_row(glyphs, rail)).unwrap_or_default());
}

/// A rail in pieces: sign, name, what it was told, what it answers, its signals.
pub(super) fn rail_row(glyphs: crate::style::Glyphs, rail: &crate::model::Rail) -> Vec<Piece> {
    let (mark, answer) = match (rail.enabled, rail.power_good) {
        (true, Some(true)) => (Mark::Good, "power good"),
        (false, Some(false)) => (Mark::Off, "no power"),
        (true, Some(false)) => (Mark::Critical, "no power"),
        (false, Some(true)) => (Mark::Warning, "still has power"),
        (_, None) => (Mark::Unknown, "not readable"),
    };
    let signals = [rail.control_signal.as_str(), rail.good_signal.as_str()];
    let signals: Vec<&str> = signals.into_iter().filter(|signal| !signal.is_empty()).collect();
    vec![
        mark_piece(glyphs, mark),
        Piece::text(&rail.name),
        Piece::text(if rail.enabled { "on" } else { "off" }),
        Piece::new(if matches!(mark, Mark::Good | Mark::Off) { Role::Text } else { role_of(mark) }, answer),
        Piece::dim(signals.join(", ")),
    ]
}
