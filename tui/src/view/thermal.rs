//! Zones: the curve and where it stands, what drives the fans, and the fans.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    duty, format, graph, sensors,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, Item, Place, State, rows, serves},
    model::{Controller, Fan, FanMode, Term, Trip, Zone},
    style::{Mark, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state);
    let place = selected.as_ref().and_then(|item| items.iter().position(|other| other == item));
    let height = |rows: usize| u16::try_from(rows).unwrap_or(u16::MAX);
    let place = place.filter(|_| matches!(selected, Some(Item::Zone(_))));
    let zones_height = height(state.model.zones.len().max(1)).saturating_add(1).min(area.height / 3);
    zones(canvas, Rect { height: zones_height, ..area }, state, place, "Zones");

    let zone = match &selected {
        Some(Item::Zone(name)) => state.model.zone(name),
        Some(Item::Fan(name)) => {
            let fan = state.model.fans.iter().find(|fan| fan.name == *name);
            fan.and_then(|fan| state.model.zone(&fan.zone))
        }
        _ => None,
    };
    let picked = match &selected {
        Some(Item::Fan(name)) => Some(name.as_str()),
        _ => None,
    };
    let below = area.y + zones_height;
    let below = below + guardian(canvas, Rect { y: below, height: 1, ..area }, state);
    let rest = Rect { y: below, height: area.bottom().saturating_sub(below), ..area };
    let Some(zone) = zone else {
        fans(canvas, rest, state, None, picked);
        return;
    };
    let mine = state.model.fans.iter().filter(|fan| fan.zone == zone.name).count();
    // The selected zone's fans first; where there is room, all of them.
    let shown = if rest.height > 24 { state.model.fans.len() } else { mine };
    let fans_height = height(shown.max(1)).saturating_add(2).min(rest.height / 2);
    let middle = Rect { height: rest.height - fans_height, ..rest };
    let below = Rect { y: middle.bottom(), height: fans_height, ..rest };
    let tripped = zone.trip.as_ref().map_or(0, |trip| trip_height(trip, middle));
    let middle = Rect { height: middle.height - tripped, ..middle };
    let past = duty::height(middle);
    let below_control = Rect { y: middle.bottom() - past, height: past, ..middle };
    control(canvas, Rect { height: middle.height - past, ..middle }, state, zone);
    if past > 0 {
        duty::draw(canvas, below_control, state, zone);
    }
    if let Some(one) = zone.trip.as_ref().filter(|_| tripped > 0) {
        trip(canvas, Rect { y: middle.bottom(), height: tripped, ..middle }, state, one);
    }
    fans(canvas, below, state, (shown == mine).then_some(zone.name.as_str()), picked);
}

/// That the fans are not guarded as they should be, and why. The answer is the rows used.
fn guardian(canvas: &mut Canvas<'_>, area: Rect, state: &State) -> u16 {
    let known = state.model.status.as_ref().and_then(|status| status.guardian.as_ref());
    let Some(guardian) = known.filter(|guardian| guardian.state != "watching") else { return 0 };
    let said = match guardian.state.as_str() {
        "in-charge" => "the guardian has the fans at their fail-safe",
        "replacing" => "the guardian has ended, another is being made",
        "absent" => "no guardian watches over the fans",
        other => other,
    };
    let why = if guardian.reason.is_empty() { String::new() } else { format!(": {}", guardian.reason) };
    let age = format::duration(state.now.since(guardian.since));
    let sign = mark_piece(canvas.glyphs(), Mark::Warning);
    let pieces = [sign, Piece::new(Role::Warning, format!(" {said} for {age}{why}"))];
    canvas.pieces(area.x, area.y, area.width, &pieces);
    1
}

/// The list of zones, also for the overview.
pub(super) fn zones(canvas: &mut Canvas<'_>, area: Rect, state: &State, selected: Option<usize>, title: &str) {
    let selected = selected.filter(|place| *place < state.model.zones.len());
    let zones: Vec<&Zone> = if title == "Zones" {
        let items = rows::items(state);
        items
            .iter()
            .filter_map(|item| if let Item::Zone(name) = item { state.model.zone(name) } else { None })
            .collect()
    } else {
        state.model.zones.iter().collect()
    };
    let columns = [
        Column::new("", 1),
        Column::new("", 8),
        Column::new("", 10),
        Column::new("", 5).right(),
        Column::new("", 12).grows().rank(1),
        Column::new("", 16).rank(2),
    ];
    let tripped = zones.iter().any(|zone| zone.trip.is_some());
    let columns = if tripped { &columns[..] } else { &columns[..5] };
    let empty = if title == "Zones" && !state.filter().is_empty() {
        "no zone fits the filter"
    } else if serves(state, Area::Zones) {
        "no zones yet"
    } else {
        "this daemon does not tell of its zones"
    };
    // What is wrong with the guardian has a line of its own; that it watches is worth a word.
    let guardian = state.model.status.as_ref().and_then(|status| status.guardian.as_ref());
    let remark = guardian.map(|guardian| format!("guardian {}", guardian.state)).unwrap_or_default();
    let table = Table { title, remark, columns, count: zones.len(), selected, empty };
    let (glyphs, now) = (canvas.glyphs(), state.now);
    let rows = table::draw(canvas, area, &table, |index| {
        let Some(zone) = zones.get(index) else { return Vec::new() };
        let mark = verdict::zone(zone.state);
        vec![
            mark_piece(glyphs, mark),
            Piece::text(&zone.name),
            Piece::new(if mark == Mark::Good { Role::Text } else { role_of(mark) }, zone.state.word()),
            Piece::text(format!("{:.0} %", zone.duty)),
            Piece::dim(&zone.driver),
            match &zone.trip {
                Some(trip) => Piece::new(Role::Warning, format!("trip {} ago", format::duration(now.since(trip.at)))),
                None => Piece::text(""),
            },
        ]
    });
    canvas.places(rows, |index| zones.get(index).map(|one| Place::Row(Item::Zone(one.name.clone()))));
}

/// The controller that decides, drawn, beside what it did to the duty step by step.
fn control(canvas: &mut Canvas<'_>, area: Rect, state: &State, zone: &Zone) {
    let deciding = zone.deciding();
    let terms_width = if area.width >= 110 { 44 } else { 34 };
    let sided = area.width >= 72;
    let (plot, why) = if sided {
        let plot = Rect { width: area.width - terms_width - 3, ..area };
        (plot, Rect { x: plot.right() + 3, width: terms_width, ..area })
    } else {
        // Too low for a curve: the words are worth more.
        let height = if area.height >= 12 { area.height / 2 } else { 0 };
        let plot = Rect { height, ..area };
        (plot, Rect { y: plot.bottom(), height: area.height - plot.height, ..area })
    };
    if plot.height == 0 {
        return reasons(canvas, why, zone);
    }
    if let Some(first) = deciding {
        // Where there is room, the others beside it: they show what would decide next.
        let others = zone.controllers.iter().filter(|other| other.name != first.name);
        let room = usize::from((plot.width / 56).max(1));
        let shown: Vec<&Controller> = std::iter::once(first).chain(others).take(room).collect();
        let width = plot.width / u16::try_from(shown.len()).unwrap_or(1);
        for (index, one) in shown.iter().enumerate() {
            let x = plot.x + width * u16::try_from(index).unwrap_or(0);
            let gap = if index + 1 < shown.len() { 3 } else { 0 };
            controller(canvas, Rect { x, width: width - gap, ..plot }, state, one);
        }
    } else {
        canvas.heading(plot, "Control", "");
        let body = Rect { y: plot.y + 1, height: plot.height.saturating_sub(1), ..plot };
        canvas.paragraph(body, "no controller has an input now", Role::Warning);
    }
    reasons(canvas, why, zone);
}

/// One controller: its curve with the operating point, or its terms.
fn controller(canvas: &mut Canvas<'_>, area: Rect, state: &State, controller: &Controller) {
    canvas.heading(area, &format!("{} ({})", controller.name, controller.kind), &controller.sensors.join(", "));
    let body = Rect { y: area.y + 1, height: area.height.saturating_sub(1).min(28), ..area };
    if controller.curve.is_empty() {
        let used = loop_terms(canvas, body, controller);
        let below = Rect { y: body.y + used, height: body.height.saturating_sub(used), ..body };
        toward_set_point(canvas, below, state, controller);
    } else {
        let at = controller.input.zip(controller.output);
        graph::curve(canvas, body, &controller.curve, controller.kind == "stepwise", at);
    }
}

/// Where there is room: what a loop reads, on its way to the set-point.
fn toward_set_point(canvas: &mut Canvas<'_>, area: Rect, state: &State, controller: &Controller) {
    let history = controller.sensors.first().and_then(|name| state.model.histories.get(name));
    let Some(history) = history.filter(|_| area.height >= 6) else { return };
    let points = sensors::past_s(history, state.now);
    let span_s = sensors::span_s(state);
    if points.iter().all(|(age, value)| value.is_none() || *age > span_s) {
        return;
    }
    let aim = controller.set_point.map(|at| graph::Limit { at, name: "set-point", role: Role::Busy });
    let limits: Vec<_> = aim.into_iter().collect();
    let unit = if controller.unit.is_empty() { "°C" } else { &controller.unit };
    graph::over_time(
        canvas,
        Rect { height: area.height.min(18), ..area },
        &points,
        sensors::span_s(state),
        unit,
        &limits,
    );
}

/// A controller without a curve: its input, its aim and its terms. The answer is the rows used.
fn loop_terms(canvas: &mut Canvas<'_>, area: Rect, controller: &Controller) -> u16 {
    let unit = if controller.unit.is_empty() { "°C" } else { &controller.unit };
    let celsius = |value: Option<f64>| value.map(|value| format!("{value:.1} {unit}")).unwrap_or_default();
    let input = if controller.input.is_some() { celsius(controller.input) } else { "no reading".to_owned() };
    let output = controller.output.map(|value| format!("{value:.1} %")).unwrap_or_default();
    let used = table::facts(
        canvas,
        area,
        &[
            ("input", vec![Piece::text(input)]),
            ("set-point", vec![Piece::text(celsius(controller.set_point))]),
            ("output", vec![Piece::text(output)]),
        ],
    );
    let rest = Rect { y: area.y + used, height: area.height.saturating_sub(used), ..area };
    used + terms(canvas, rest, &controller.terms)
}

fn reasons(canvas: &mut Canvas<'_>, area: Rect, zone: &Zone) {
    canvas.heading(area, &format!("{}: why {:.0} %", zone.name, zone.duty), "");
    let mut y = area.y + 1;
    let rest = |y: u16| Rect { y, height: area.bottom().saturating_sub(y), ..area };
    let sentence = if zone.reason.is_empty() { &zone.driver } else { &zone.reason };
    y += canvas.paragraph(Rect { height: rest(y).height.min(3), ..rest(y) }, sentence, Role::Text);
    y += terms(canvas, rest(y), &zone.terms);
    let bounds =
        format!("floor {:.0} %, ceiling {:.0} %, fail-safe {:.0} %", zone.floor, zone.ceiling, zone.failsafe_duty);
    canvas.paragraph(rest(y), &bounds, Role::Dim);
}

/// Named numbers, one a row, aligned. The answer is the rows used.
fn terms(canvas: &mut Canvas<'_>, area: Rect, terms: &[Term]) -> u16 {
    let mut used = 0;
    for (row, term) in area.rows().zip(terms) {
        let value = format!("{:.1} {}", term.value, term.unit);
        let width = canvas.put_right(row.right(), row.y, row.width, value.trim_end(), Role::Text);
        canvas.put(row.x, row.y, row.width.saturating_sub(width + 1), &term.name, Role::Dim);
        used += 1;
    }
    used
}

/// The rows that a trip's record is worth: all of it where there is room, its sentence everywhere.
fn trip_height(trip: &Trip, area: Rect) -> u16 {
    let all = 2 + trip.parts.len() + usize::from(!trip.fans.is_empty());
    u16::try_from(all).unwrap_or(u16::MAX).min(area.height / 3)
}

/// What was when the zone tripped.
fn trip(canvas: &mut Canvas<'_>, area: Rect, state: &State, trip: &Trip) {
    let age = format!("{} ago", format::duration(state.now.since(trip.at)));
    canvas.heading(area, "Last trip", &age);
    let fans = format!("fans then: {}", trip.fans.join(", "));
    let lines = [(&trip.why, Role::Warning)].into_iter().chain(trip.parts.iter().map(|part| (part, Role::Text)));
    let lines = lines.chain((!trip.fans.is_empty()).then_some((&fans, Role::Dim)));
    for (row, (text, role)) in area.rows().skip(1).zip(lines) {
        canvas.put(row.x, row.y, row.width, text, role);
    }
}

fn fans(canvas: &mut Canvas<'_>, area: Rect, state: &State, zone: Option<&str>, picked: Option<&str>) {
    let fans: Vec<&Fan> = state.model.fans.iter().filter(|fan| zone.is_none_or(|zone| fan.zone == zone)).collect();
    let bar = (area.width / 5).clamp(12, 40);
    // A hold beneath a protection goes on when that is over: it must not be forgotten meanwhile.
    let beneath = |fan: &&Fan| fan.mode == FanMode::Failsafe && fan.override_ends.is_some();
    let columns = [
        Column::new("", 1),
        Column::new("fan", 8),
        Column::new("zone", 8).rank(3),
        Column::new("duty", 5).right(),
        Column::new("", bar).rank(2),
        Column::new("rpm", 6).right(),
        Column::new("expected", 8).right().rank(4),
        Column::new("mode", if fans.iter().any(beneath) { 24 } else { 18 }),
        Column::new("", 20).grows().rank(5),
    ];
    let table = Table {
        title: "Fans",
        remark: zone.map(|zone| format!("of {zone}")).unwrap_or_default(),
        columns: &columns,
        count: fans.len(),
        selected: picked.and_then(|name| fans.iter().position(|fan| fan.name == name)),
        empty: "no fans here",
    };
    let (glyphs, now) = (canvas.glyphs(), state.now);
    let rows = table::draw(canvas, area, &table, |index| {
        let Some(fan) = fans.get(index) else { return Vec::new() };
        let mark = verdict::fan(fan);
        let mode = match (fan.mode, fan.override_ends) {
            (FanMode::Manual, Some(ends)) => format!("manual, {} left", format::duration(ends.since(now))),
            (FanMode::Failsafe, Some(ends)) => format!("fail-safe, hold {} left", format::duration(ends.since(now))),
            (mode, _) => mode.word().to_owned(),
        };
        vec![
            mark_piece(glyphs, mark),
            Piece::text(&fan.name),
            Piece::dim(&fan.zone),
            Piece::text(format!("{:.0} %", fan.duty)),
            Piece::new(Role::Graph, glyphs.bar(fan.duty / 100.0, bar)),
            match fan.rpm {
                Some(rpm) => Piece::text(format!("{rpm:.0}")),
                None => Piece::dim("-"),
            },
            Piece::dim(fan.expected_rpm.map(|rpm| format!("{rpm:.0}")).unwrap_or_default()),
            Piece::new(if fan.mode == FanMode::Auto { Role::Dim } else { Role::Warning }, mode),
            Piece::new(role_of(mark), &fan.reason),
        ]
    });
    canvas.places(rows, |index| fans.get(index).map(|one| Place::Row(Item::Fan(one.name.clone()))));
}
