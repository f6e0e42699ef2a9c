//! Readings: the table, and the past of the selected one with its limits.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    format,
    graph::{self, Limit},
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, GRAPH_SPANS, Item, Place, State, rows, serves},
    model::{History, Mono, Quality, Sensor, Thresholds},
    style::{Mark, Role},
};

const COLUMNS: [Column; 7] = [
    Column::new("", 1),
    Column::new("sensor", 16).grows(),
    Column::new("reading", 8).right(),
    Column::new("", 3),
    Column::new("status", 12),
    Column::new("limits", 15).right().rank(1),
    Column::new("min - max", 17).right().rank(2),
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let wide = area.width >= 120;
    let (list, detail) = if wide {
        let list = Rect { width: (area.width / 2 + 3).min(96), ..area };
        (list, Rect { x: list.right() + 3, width: area.width - list.width - 3, ..area })
    } else {
        let below = if area.height >= 18 { area.height * 9 / 20 } else { 0 };
        let list = Rect { height: area.height - below, ..area };
        (list, Rect { y: list.bottom(), height: below, ..area })
    };
    let items = rows::items(state);
    let selected = rows::selected(state);
    let place = selected.as_ref().and_then(|item| items.iter().position(|other| other == item));
    let table = Table {
        title: "Sensors",
        remark: tally(state),
        columns: &COLUMNS,
        count: items.len(),
        selected: place,
        empty: empty(state),
    };
    let glyphs = canvas.glyphs();
    let rows = table::draw(canvas, list, &table, |index| match items.get(index) {
        Some(Item::Sensor(name)) => {
            state.model.sensor(name).map(|sensor| row(sensor, state, glyphs)).unwrap_or_default()
        }
        _ => Vec::new(),
    });
    canvas.places(rows, |index| items.get(index).cloned().map(Place::Row));
    if let Some(Item::Sensor(name)) = selected
        && let Some(sensor) = state.model.sensor(&name)
        && detail.height > 0
    {
        past(canvas, detail, state, sensor);
    }
}

/// How many are as they should be, and how many are not.
fn tally(state: &State) -> String {
    let count = |wanted: &dyn Fn(Mark) -> bool| {
        state.model.sensors.iter().filter(|sensor| wanted(verdict::sensor(sensor))).count()
    };
    let good = count(&|mark| mark == Mark::Good);
    let off = count(&|mark| mark == Mark::Off);
    let bad = state.model.sensors.len() - good - off;
    [(bad, "not ok"), (off, "unpowered"), (good, "ok")]
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect::<Vec<_>>()
        .join(", ")
}

fn empty(state: &State) -> &'static str {
    if !state.filter().is_empty() {
        "no sensor fits the filter"
    } else if serves(state, Area::Sensors) {
        "no sensors yet"
    } else {
        "this daemon does not tell of its sensors"
    }
}

fn row(sensor: &Sensor, state: &State, glyphs: crate::style::Glyphs) -> Vec<Piece> {
    let mark = verdict::sensor(sensor);
    let believed = sensor.quality == Quality::Good;
    let value = match sensor.value {
        Some(value) => Piece::new(if believed { Role::Text } else { Role::Dim }, format::reading(value, &sensor.unit)),
        None => Piece::dim("-"),
    };
    // The status of a reading that cannot be believed is why it cannot be.
    let word = if believed {
        sensor.status.word().to_owned()
    } else {
        match sensor.read_at.filter(|_| matches!(sensor.quality, Quality::Stale | Quality::Failed)) {
            Some(read) => format!("{} {}", sensor.quality.word(), format::duration(state.now.since(read))),
            None => sensor.quality.word().to_owned(),
        }
    };
    let role = match mark {
        Mark::Good | Mark::Off => Role::Dim,
        _ => role_of(mark),
    };
    let span = match (sensor.minimum, sensor.maximum) {
        (Some(low), Some(high)) => {
            format!("{} - {}", format::reading(low, &sensor.unit), format::reading(high, &sensor.unit))
        }
        _ => String::new(),
    };
    vec![
        mark_piece(glyphs, mark),
        Piece::text(&sensor.name),
        value,
        Piece::dim(&sensor.unit),
        Piece::new(role, word),
        Piece::dim(limits_text(&sensor.thresholds, &sensor.unit)),
        Piece::dim(span),
    ]
}

/// The warning limits: `10.0 - 85.0`, `to 85.0`, `from 11.4`.
fn limits_text(thresholds: &Thresholds, unit: &str) -> String {
    let low = thresholds.warning_low.or(thresholds.critical_low).map(|value| format::reading(value, unit));
    let high = thresholds.warning_high.or(thresholds.critical_high).map(|value| format::reading(value, unit));
    match (low, high) {
        (Some(low), Some(high)) => format!("{low} - {high}"),
        (None, Some(high)) => format!("to {high}"),
        (Some(low), None) => format!("from {low}"),
        (None, None) => String::new(),
    }
}

/// Seconds of the past that graphs show.
pub(super) fn span_s(state: &State) -> f64 {
    f64::from(GRAPH_SPANS.get(state.span).copied().unwrap_or(120))
}

/// The reading of a sensor over time.
pub(super) fn past(canvas: &mut Canvas<'_>, area: Rect, state: &State, sensor: &Sensor) {
    let shown = match sensor.value {
        Some(value) => format::reading_with_unit(value, &sensor.unit),
        None => "no reading".to_owned(),
    };
    let points = state.model.histories.get(&sensor.name).map(|past| past_s(past, state.now)).unwrap_or_default();
    let number = |value: f64| format::reading(value, &sensor.unit);
    canvas.heading(area, &format!("{}  {shown}", sensor.name), &extent(&points, state, "", number));
    let mut y = area.y + 1;
    let about = if sensor.reason.is_empty() { &sensor.description } else { &sensor.reason };
    if !about.is_empty() && area.height > 7 {
        let role = if sensor.reason.is_empty() { Role::Dim } else { Role::Warning };
        canvas.put(area.x, y, area.width, about, role);
        y += 1;
    }
    let plot = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    // Beyond some height a curve only gets steeper, not clearer.
    let plot = Rect { height: plot.height.min(24), ..plot };
    let limits = near_limits(sensor, &points);
    graph::over_time(canvas, plot, &points, span_s(state), &sensor.unit, &limits);
}

/// Seconds ago, and the value, oldest first.
pub(super) fn past_s(past: &History, now: Mono) -> Vec<(f64, Option<f64>)> {
    past.points().map(|(at, value)| (now.since(*at), *value)).collect()
}

/// The lowest and the highest of what is shown, and over which time: `25 to 60 % in the last 2m`.
pub(super) fn extent(
    points: &[(f64, Option<f64>)],
    state: &State,
    unit: &str,
    number: impl Fn(f64) -> String,
) -> String {
    let span_s = span_s(state);
    let shown = || points.iter().filter(|(age, _)| *age <= span_s).filter_map(|(_, value)| *value);
    let (low, high) = (shown().reduce(f64::min), shown().reduce(f64::max));
    let unit = if unit.is_empty() { String::new() } else { format!(" {unit}") };
    let values = low.zip(high).map(|(low, high)| match (number(low), number(high)) {
        (low, high) if low == high => format!("{low}{unit} in the "),
        (low, high) => format!("{low} to {high}{unit} in the "),
    });
    format!("{}last {}", values.unwrap_or_default(), format::duration(span_s))
}

/// The limits that are worth a place on the scale: those next to the readings, and any that has been crossed.
fn near_limits(sensor: &Sensor, points: &[(f64, Option<f64>)]) -> Vec<Limit> {
    let all = &sensor.thresholds;
    let values = || points.iter().filter_map(|(_, value)| *value);
    let highest = values().fold(f64::NEG_INFINITY, f64::max);
    let lowest = values().fold(f64::INFINITY, f64::min);
    let mut limits = Vec::new();
    let mut reached = true;
    for (at, name, role) in [
        (all.warning_high, "warning", Role::Warning),
        (all.critical_high, "critical", Role::Critical),
        (all.fatal_high, "fatal", Role::Critical),
    ] {
        let Some(at) = at.filter(|_| reached) else { continue };
        limits.push(Limit { at, name, role });
        reached = highest >= at;
    }
    let mut reached = true;
    for (at, name, role) in [
        (all.warning_low, "warning", Role::Warning),
        (all.critical_low, "critical", Role::Critical),
        (all.fatal_low, "fatal", Role::Critical),
    ] {
        let Some(at) = at.filter(|_| reached) else { continue };
        limits.push(Limit { at, name, role });
        reached = lowest <= at;
    }
    limits
}
