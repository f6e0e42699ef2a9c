//! What feeds the machines: supplies, and the rails that their sequences switch.

use ratatui::layout::Rect;

use crate::{
    app::State,
    model::{Event, Machine, Rail, Supply},
    style::{Mark, Role},
    view::{
        canvas::{Canvas, Piece, mark_piece, role_of},
        format,
        table::{self, Column, Table},
        verdict,
    },
};

/// Supplies, and below them all rails. The answer is what is left.
pub(super) fn all(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> Rect {
    let used = supplies_of(canvas, area, state);
    rails(canvas, super::lower(area, used), state, machine)
}

/// Supplies, and below them all rails, each only where there is room for all of it: a part of a list says less than the
/// key that shows the whole. The answer is what is left, and whether the rails are shown.
pub(super) fn what_fits(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> (Rect, bool) {
    let height = |count: Option<usize>| u16::try_from(count.unwrap_or(0)).unwrap_or(u16::MAX).saturating_add(1);
    let supplies = height(state.model.hardware.supplies.as_ref().map(Vec::len));
    let mut below = area;
    if supplies > 1 && supplies <= area.height {
        below = super::lower(area, supplies_of(canvas, area, state));
    }
    let fit = height(state.model.hardware.rails.as_ref().map(Vec::len)) <= below.height;
    (if fit { rails(canvas, below, state, machine) } else { below }, fit)
}

/// The supplies, as many rows as they need. The answer is the rows used.
fn supplies_of(canvas: &mut Canvas<'_>, area: Rect, state: &State) -> u16 {
    let count = state.model.hardware.supplies.as_ref().map_or(0, Vec::len);
    if count == 0 || area.height < 2 {
        return 0;
    }
    let height = u16::try_from(count).unwrap_or(u16::MAX).saturating_add(1).min(area.height);
    supplies(canvas, Rect { height, ..area }, state)
}

/// The power supplies, also for the overview. The answer is the rows used.
pub(in crate::view) fn supplies(canvas: &mut Canvas<'_>, area: Rect, state: &State) -> u16 {
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
pub(in crate::view) fn supply_state(supply: &Supply) -> (Mark, &'static str) {
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

/// All rails; what a sequence is at stands in the heading. The answer is what is left.
pub(super) fn rails(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> Rect {
    let Some(rails) = state.model.hardware.rails.as_ref().filter(|rails| !rails.is_empty()) else { return area };
    if area.height < 2 {
        return area;
    }
    let height = u16::try_from(rails.len()).unwrap_or(u16::MAX).saturating_add(1).min(area.height);
    let own = rails.iter().find(|rail| rail.machine == machine.name && !rail.progress.is_empty());
    let any = || rails.iter().find(|rail| !rail.progress.is_empty());
    let columns = [
        Column::new("", 1),
        Column::new("", 12),
        Column::new("", 14),
        Column::new("", 8).right().rank(2),
        Column::new("", 16).grows().rank(1),
    ];
    let table = Table {
        title: "Rails",
        remark: own.or_else(any).map(|rail| rail.progress.clone()).unwrap_or_default(),
        columns: &columns,
        count: rails.len(),
        selected: None,
        empty: "",
    };
    let glyphs = canvas.glyphs();
    table::draw(canvas, Rect { height, ..area }, &table, |index| {
        let Some(rail) = rails.get(index) else { return Vec::new() };
        let (mark, word) = rail_state(state, rail);
        vec![
            mark_piece(glyphs, mark),
            Piece::text(&rail.name),
            Piece::new(if matches!(mark, Mark::Good | Mark::Off) { Role::Text } else { role_of(mark) }, word),
            Piece::text(rail.voltage.map(|volts| format::reading_with_unit(volts, "V")).unwrap_or_default()),
            Piece::dim(rail_particulars(rail)),
        ]
    });
    super::lower(area, height)
}

/// Who switches a rail, what it needs, and its lines.
pub(in crate::view) fn rail_particulars(rail: &Rail) -> String {
    let mut parts = Vec::new();
    if !rail.machine.is_empty() && rail.machine != rail.name {
        parts.push(format!("of {}", rail.machine));
    }
    if !rail.requires.is_empty() {
        parts.push(format!("needs {}", rail.requires.join(", ")));
    }
    let signals = [rail.control_signal.as_str(), rail.good_signal.as_str()];
    parts.extend(signals.into_iter().filter(|signal| !signal.is_empty()).map(str::to_owned));
    parts.join(", ")
}

/// How a rail is, in a few words. One that was lost is off by now, for its machine was switched off with it: that stays to
/// be seen as long as its machine is not as it was asked to be.
pub(in crate::view) fn rail_state(state: &State, rail: &Rail) -> (Mark, String) {
    let moving = !rail.progress.is_empty();
    match (rail.enabled, rail.power_good) {
        (true, Some(true)) => (Mark::Good, "power good".to_owned()),
        (true, Some(false)) if moving => (Mark::Busy, "not good yet".to_owned()),
        (true, Some(false)) => (Mark::Critical, "lost".to_owned()),
        (false, Some(true)) if moving => (Mark::Busy, "still has power".to_owned()),
        (false, Some(true)) => (Mark::Warning, "still has power".to_owned()),
        (false, Some(false)) => match lost(state, rail) {
            Some(event) => {
                let age = format::duration((state.wall_s - event.time_s).max(0.0));
                (Mark::Critical, format!("lost {age} ago"))
            }
            None => (Mark::Off, "off".to_owned()),
        },
        (_, None) => (Mark::Unknown, "not readable".to_owned()),
    }
}

/// The event that told of its loss, while its machine still suffers from it.
fn lost<'a>(state: &'a State, rail: &Rail) -> Option<&'a Event> {
    let machine = state.model.machine(&rail.machine).filter(|machine| !machine.reason.is_empty())?;
    let subject = format!("rail.{}.lost", rail.name);
    // Told at the moment at which the machine left the state that it cannot keep.
    let since = state.wall_s - state.now.since(machine.since);
    state.model.tail.since_restart().filter(|event| event.subject == subject && event.time_s >= since - 5.0).last()
}
