//! Is anything wrong, and what.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, role_of},
    events, format, power,
    table::{self, Column, Table},
    thermal, verdict,
};
use crate::{
    app::{Item, Place, State, View, rows},
    model::{Condition, Sensor, SensorStatus, ServiceState},
    style::{Mark, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items_of(state, View::Overview);
    let selected = rows::selected(state);
    let picked = |wanted: &dyn Fn(&Item) -> bool| {
        let own: Vec<&Item> = items.iter().filter(|item| wanted(item)).collect();
        selected.as_ref().and_then(|selected| own.iter().position(|item| *item == selected))
    };
    let problem = picked(&|item| matches!(item, Item::Problem { .. }));
    let machine = picked(&|item| matches!(item, Item::Machine(_)));
    let group = picked(&|item| matches!(item, Item::Group(_)));
    let zone = picked(&|item| matches!(item, Item::Zone(_)));

    let mut y = area.y;
    y += problems(canvas, Rect { height: area.height / 3, ..area }, state, problem);
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    if area.width < 72 {
        y += machines(canvas, fitting(rest(y), state.model.machines.len()), state, machine);
        y += zones(canvas, fitting(rest(y), state.model.zones.len()), state, zone);
        groups(canvas, rest(y), state, group);
        return;
    }
    let gap = if area.width < 100 { 2 } else { 4 };
    let left = Rect { width: (area.width - gap) / 2, ..rest(y) };
    let right = Rect { x: left.right() + gap, width: area.width - gap - left.width, ..rest(y) };

    let mut low = left.y;
    low += machines(canvas, fitting(below(left, low), state.model.machines.len()), state, machine);
    low += groups(canvas, fitting(below(left, low), rows::groups(state).len()), state, group);

    let mut low_right = right.y;
    low_right += zones(canvas, fitting(below(right, low_right), state.model.zones.len()), state, zone);
    let supplies = state.model.hardware.supplies.as_ref().map_or(0, Vec::len);
    let supplies_height = if supplies > 0 { u16::try_from(supplies).unwrap_or(0) + 1 } else { 0 };
    // As many sensors as fit beside what is on the left; more when the screen is high.
    let spare = low.saturating_sub(low_right + supplies_height).max(if area.height > 30 { 7 } else { 0 });
    low_right += closest(canvas, Rect { height: spare, ..below(right, low_right) }, state);
    if supplies_height > 0 {
        low_right += power::supplies(canvas, Rect { height: supplies_height, ..below(right, low_right) }, state);
    }

    let y = low.max(low_right);
    events::recent(canvas, rest(y), state);
}

fn below(column: Rect, y: u16) -> Rect {
    Rect { y, height: column.bottom().saturating_sub(y), ..column }
}

/// A heading and `count` rows, as far as there is room.
fn fitting(area: Rect, count: usize) -> Rect {
    Rect { height: area.height.min(u16::try_from(count).unwrap_or(u16::MAX).saturating_add(1)), ..area }
}

/// Everything that is not as it should be, worst first. The answer is the rows used.
fn problems(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<usize>) -> u16 {
    if state.model.status.as_ref().is_some_and(|status| !status.holding_up.is_empty()) {
        return holding_up(canvas, area, state);
    }
    let problems = state.problems();
    let roomy = area.width >= 100;
    let lacks = state.model.status.as_ref().map_or(0, |status| status.limitations.len());
    let remark = if lacks > 0 { format!("{}: see 8", format::count(lacks, "limitation")) } else { String::new() };
    if problems.is_empty() {
        canvas.heading(area, "Problems", &remark);
        let row = Rect { y: area.y + 1, height: 1, ..area };
        let (mark, text) = match &state.model.status {
            None => (Mark::Busy, "not known yet".to_owned()),
            Some(_) => (Mark::Good, format!("none: {}", all_well(state))),
        };
        let pieces = [canvas.mark(mark), Piece::text(format!(" {text}"))];
        canvas.pieces(row.x, row.y, row.width, &pieces);
        return 2;
    }
    // Where the table has no column for it, the way out of the selected one, else of the worst, has a row of its own.
    let with_remedy = !roomy && area.height > 4;
    let most = area.height - u16::from(with_remedy);
    let height = most.min(u16::try_from(problems.len()).unwrap_or(u16::MAX).saturating_add(1));
    let columns = [
        Column::new("", 1),
        Column::new("", if roomy { 24 } else { 18 }),
        Column::new("", 20).grows(),
        Column::new("", if roomy { 30 } else { 0 }).grows().rank(1),
    ];
    let columns = if roomy { &columns[..] } else { &columns[..3] };
    let table = Table { title: "Problems", remark, columns, count: problems.len(), selected, empty: "" };
    let grave = state.model.status.as_ref().is_some_and(|status| status.health == crate::model::Health::Unhealthy);
    let mark = if grave { Mark::Critical } else { Mark::Warning };
    let glyphs = canvas.glyphs();
    let rows = table::draw(canvas, Rect { height, ..area }, &table, |index| {
        let Some(problem) = problems.get(index) else { return Vec::new() };
        let mark = match problem.severity {
            Some(severity) => verdict::problem(severity),
            // An older daemon tells that of the worst only, in its health.
            None => {
                if index == 0 {
                    mark
                } else {
                    Mark::Warning
                }
            }
        };
        let remedy = match problem.remedy.as_str() {
            "" => String::new(),
            remedy => format!("{} {remedy}", glyphs.arrow()),
        };
        vec![
            super::canvas::mark_piece(glyphs, mark),
            Piece::new(role_of(mark), &problem.subject),
            Piece::text(&problem.text),
            Piece::dim(remedy),
        ]
    });
    let items = state.problem_items();
    canvas.places(rows, |index| items.get(index).cloned().map(Place::Row));
    let remedy = problems.get(selected.unwrap_or(0)).map(|problem| problem.remedy.as_str());
    match remedy.filter(|remedy| with_remedy && !remedy.is_empty()) {
        Some(remedy) => {
            let text = format!("{} {remedy}", glyphs.arrow());
            canvas.put(area.x + 2, area.y + height, area.width.saturating_sub(2), &text, Role::Dim);
            height + 1
        }
        None => height,
    }
}

/// While it stops, in place of the problems: who is waited for, and since when. The answer is the rows used.
fn holding_up(canvas: &mut Canvas<'_>, area: Rect, state: &State) -> u16 {
    let held: &[Condition] = state.model.status.as_ref().map_or(&[], |status| &status.holding_up);
    let height = area.height.min(u16::try_from(held.len()).unwrap_or(u16::MAX).saturating_add(1));
    let columns = [Column::new("", 1), Column::new("", 6).right(), Column::new("", 20).grows()];
    let table = Table {
        title: "Stopping waits for",
        remark: String::new(),
        columns: &columns,
        count: held.len(),
        selected: None,
        empty: "",
    };
    let (glyphs, clock) = (canvas.glyphs(), state.daemon_clock());
    table::draw(canvas, Rect { height, ..area }, &table, |index| {
        // Whoever holds up the rest comes first.
        let Some(condition) = held.get(index) else { return Vec::new() };
        let age = clock.zip(condition.since_s).map(|(clock, since)| format::duration((clock - since).max(0.0)));
        vec![
            super::canvas::mark_piece(glyphs, Mark::Busy),
            Piece::dim(age.unwrap_or_default()),
            Piece::text(&condition.text),
        ]
    });
    height
}

fn all_well(state: &State) -> String {
    let running = state.model.services.iter().filter(|service| service.state == ServiceState::Running).count();
    let fine = || state.model.sensors.iter().filter(|sensor| sensor.status == SensorStatus::Ok);
    // A limit counts when it was passed for long enough.
    let passed = fine().filter(|sensor| margin(sensor).is_some_and(|margin| margin.left < 0.0)).count();
    let running = format::count(running, "service");
    match passed {
        0 => format!("{running} running, {} within limits", format::count(fine().count(), "sensor")),
        _ => format!("{running} running; {} beyond a limit, not for long yet", format::count(passed, "sensor")),
    }
}

fn machines(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<usize>) -> u16 {
    if area.height == 0 || state.model.machines.is_empty() {
        return 0;
    }
    let machines = &state.model.machines;
    let columns = [
        Column::new("", 1),
        Column::new("", 8),
        Column::new("", 13),
        Column::new("", 7).right(),
        Column::new("", 12).grows().rank(1),
    ];
    let table = Table {
        title: "Machines",
        remark: String::new(),
        columns: &columns,
        count: machines.len(),
        selected,
        empty: "",
    };
    let (glyphs, now) = (canvas.glyphs(), state.now);
    let rows = table::draw(canvas, area, &table, |index| {
        let Some(machine) = machines.get(index) else { return Vec::new() };
        let mark = verdict::machine(machine);
        let remark = if !machine.operation.is_empty() {
            Piece::new(Role::Busy, &machine.operation)
        } else if !machine.reason.is_empty() {
            Piece::new(Role::Warning, &machine.reason)
        } else if !machine.requested.is_empty() && area.width > 50 {
            Piece::dim(format!("asked: {}", machine.requested))
        } else {
            Piece::dim("")
        };
        vec![
            super::canvas::mark_piece(glyphs, mark),
            Piece::text(&machine.name),
            Piece::new(if mark == Mark::Good { Role::Text } else { role_of(mark) }, &machine.state),
            Piece::dim(format::duration(now.since(machine.since))),
            remark,
        ]
    });
    canvas.places(rows, |index| machines.get(index).map(|one| Place::Row(Item::Machine(one.name.clone()))));
    area.height
}

fn groups(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<usize>) -> u16 {
    let groups = rows::groups(state);
    if area.height == 0 || groups.is_empty() {
        return 0;
    }
    let columns =
        [Column::new("", 1), Column::new("", 11), Column::new("", 8).right(), Column::new("", 14).grows().rank(1)];
    let running = state.model.services.iter().filter(|one| one.state == ServiceState::Running).count();
    let table = Table {
        title: "Services",
        remark: format!("{running} running"),
        columns: &columns,
        count: groups.len(),
        selected,
        empty: "",
    };
    let glyphs = canvas.glyphs();
    let rows = table::draw(canvas, area, &table, |index| {
        let Some(group) = groups.get(index) else { return Vec::new() };
        let members: Vec<_> = state.model.services.iter().filter(|service| service.group == **group).collect();
        let up =
            members.iter().filter(|one| matches!(one.state, ServiceState::Running | ServiceState::Completed)).count();
        let worst = worst(members.iter().map(|one| verdict::service_now(one, state.now)));
        // Only those that say more than "fine" are named.
        let named: Vec<String> = members
            .iter()
            .filter(|one| !matches!(verdict::service_now(one, state.now), Mark::Good | Mark::Done | Mark::Off))
            .map(|one| match one.state {
                ServiceState::Running if one.unsettled(state.now).is_some() => format!("{} crashed", one.name),
                ServiceState::Running => format!("{} {}", one.name, one.health.word()),
                state => format!("{} {}", one.name, state.word()),
            })
            .collect();
        vec![
            super::canvas::mark_piece(glyphs, worst),
            Piece::text(*group),
            Piece::text(format!("{up}/{} up", members.len())),
            Piece::new(role_of(worst), named.join(", ")),
        ]
    });
    canvas.places(rows, |index| groups.get(index).map(|name| Place::Row(Item::Group((*name).to_owned()))));
    area.height
}

/// The worst of several verdicts; Good when there are none.
pub(super) fn worst(marks: impl Iterator<Item = Mark>) -> Mark {
    let rank = |mark: &Mark| match mark {
        Mark::Off | Mark::Done => 0,
        Mark::Good => 1,
        Mark::Busy => 2,
        Mark::Unknown => 3,
        Mark::Warning => 4,
        Mark::Critical => 5,
    };
    match marks.max_by_key(rank) {
        None | Some(Mark::Done) => Mark::Good,
        Some(mark) => mark,
    }
}

fn zones(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<usize>) -> u16 {
    if area.height == 0 || state.model.zones.is_empty() {
        return 0;
    }
    thermal::zones(canvas, area, state, selected, "Thermal");
    area.height
}

/// The sensors that are nearest to a limit. The answer is the rows used.
fn closest(canvas: &mut Canvas<'_>, area: Rect, state: &State) -> u16 {
    if area.height < 2 || state.model.sensors.is_empty() {
        return 0;
    }
    let mut nearest: Vec<(Margin, &Sensor)> =
        state.model.sensors.iter().filter_map(|sensor| Some((margin(sensor)?, sensor))).collect();
    nearest.sort_by(|one, other| one.0.share.total_cmp(&other.0.share).then_with(|| one.1.name.cmp(&other.1.name)));
    let columns = [
        Column::new("", 1),
        Column::new("", if area.width < 60 { 14 } else { 24 }),
        Column::new("", 9).right(),
        Column::new("", if area.width < 60 { 11 } else { 16 }).right().rank(1),
        Column::new("", 0).grows().rank(2),
    ];
    let count = nearest.len().min(usize::from(area.height - 1));
    let table = Table {
        title: "Closest to a limit",
        remark: String::new(),
        columns: &columns,
        count,
        selected: None,
        empty: "no sensor has a limit",
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        let Some((Margin { left: margin, below, .. }, sensor)) = nearest.get(index) else { return Vec::new() };
        // What is beyond its limit, and not yet for so long that it counts, is worth a look all the same.
        let mark = match verdict::sensor(sensor) {
            Mark::Good if *margin < 0.0 => Mark::Warning,
            mark => mark,
        };
        let word = match (*margin < 0.0, below) {
            (true, true) => "under",
            (true, false) => "over",
            (false, _) => "left",
        };
        // With the digits that its reading has.
        let mains = sensor.unit == "V" && sensor.value.is_some_and(|value| value.abs() >= 100.0);
        let number = if mains { format!("{:.1}", margin.abs()) } else { format::reading(margin.abs(), &sensor.unit) };
        let margin = format!("{number} {word}");
        vec![
            super::canvas::mark_piece(glyphs, mark),
            Piece::text(&sensor.name),
            Piece::text(format::reading_with_unit(sensor.value.unwrap_or_default(), &sensor.unit)),
            Piece::new(if mark == Mark::Good { Role::Dim } else { role_of(mark) }, margin),
        ]
    });
    area.height.min(u16::try_from(count.max(1)).unwrap_or(0) + 1)
}

/// How far a reading is from its nearest warning.
struct Margin {
    /// As a share of the way that it has.
    share: f64,
    /// In its unit; negative: beyond.
    left: f64,
    /// The warning is a lower limit.
    below: bool,
}

/// The way that a reading has is half the band where there are two limits (so a rail in the middle of its band has all of it left), else the
/// limit itself.
fn margin(sensor: &Sensor) -> Option<Margin> {
    let value = sensor.good()?;
    let limits = &sensor.thresholds;
    let high = limits.warning_high.or(limits.critical_high);
    let low = limits.warning_low.or(limits.critical_low);
    let (left, below, way) = match (low, high) {
        (Some(low), Some(high)) if value - low < high - value => (value - low, true, (high - low) / 2.0),
        (Some(low), Some(high)) => (high - value, false, (high - low) / 2.0),
        (None, Some(high)) => (high - value, false, high),
        (Some(low), None) => (value - low, true, low),
        (None, None) => return None,
    };
    Some(Margin { share: left / way.abs().max(1e-9), left, below })
}
