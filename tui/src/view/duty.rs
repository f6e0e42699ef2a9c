//! What the fans of a zone were told over time, beside what drives them: whether it swings, and what it followed.

use ratatui::layout::Rect;

use super::{
    canvas::Canvas,
    graph::{self, Limit},
    sensors,
};
use crate::{app::State, model::Zone, style::Role};

/// From here on there is room for two pasts side by side.
const TWO: u16 = 110;

/// The rows that this is worth below what drives the zone: none where the curve needs them.
pub(super) fn height(area: Rect) -> u16 {
    if area.height < 24 { 0 } else { area.height / 3 }
}

/// The duty, and where there is room the reading that decides about it, over the same time.
pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, zone: &Zone) {
    // What a loop reads is drawn with its set-point already.
    let drawn = zone.deciding().filter(|one| one.curve.is_empty()).and_then(|one| one.sensors.first());
    let driving = zone.driving_sensor().filter(|name| area.width >= TWO && drawn.is_none_or(|other| other != name));
    let driving = driving.and_then(|name| state.model.sensor(name));
    let left = if driving.is_some() { Rect { width: area.width / 2 - 3, ..area } } else { area };
    let points = state.model.duties.get(&zone.name).map(|past| sensors::past_s(past, state.now)).unwrap_or_default();
    let number = |value: f64| format!("{value:.0}");
    canvas.heading(left, &format!("{}: duty told", zone.name), &sensors::extent(&points, state, "%", number));
    // Both ends of what it may be told: the scale is the same for all zones, and a little noise stays little.
    let limits = [
        Limit { at: zone.floor, name: "floor", role: Role::Dim },
        Limit { at: zone.ceiling, name: "ceiling", role: Role::Dim },
    ];
    let body = Rect { y: left.y + 1, height: left.height.saturating_sub(1), ..left };
    graph::over_time(canvas, body, &points, sensors::span_s(state), "%", &limits);
    if let Some(sensor) = driving {
        let x = left.right() + 3;
        sensors::past(canvas, Rect { x, width: area.right().saturating_sub(x), ..area }, state, sensor);
    }
}
