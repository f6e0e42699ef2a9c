//! What is built in: supplies, rails, LEDs, inventory; one list, one row a thing.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    format, power,
    table::{self, Column, Table},
};
use crate::{
    app::{Area, Item, State, rows, serves},
    model::{Led, LedPattern},
    style::{Glyphs, Mark, Role},
};

const COLUMNS: [Column; 6] = [
    Column::new("", 1),
    Column::new("part", 16),
    Column::new("kind", 12),
    Column::new("state", 14),
    Column::new("particulars", 24).grows(),
    Column::new("serial", 16).rank(1),
];

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state).and_then(|item| items.iter().position(|other| *other == item));
    let remark = match state.model.hardware.redundant {
        Some(true) => "supplies are redundant",
        Some(false) => "supplies are not redundant",
        None => "",
    };
    let empty = if !state.filter().is_empty() {
        "nothing fits the filter"
    } else if serves(state, Area::Hardware) {
        "not known yet"
    } else {
        "this daemon does not tell what is built in"
    };
    let table =
        Table { title: "Hardware", remark: remark.to_owned(), columns: &COLUMNS, count: items.len(), selected, empty };
    let glyphs = canvas.glyphs();
    table::draw(canvas, area, &table, |index| {
        items.get(index).map(|item| row(glyphs, state, item)).unwrap_or_default()
    });
}

fn row(glyphs: Glyphs, state: &State, item: &Item) -> Vec<Piece> {
    let hardware = &state.model.hardware;
    match item {
        Item::Supply(name) => {
            let Some(supply) = hardware.supplies.iter().flatten().find(|one| one.name == *name) else {
                return Vec::new();
            };
            let (mark, word) = power::supply_state(supply);
            let mut particulars = Vec::new();
            particulars.extend(supply.power_w.map(|watts| format!("{watts:.0} of {:.0} W", supply.rated_w)));
            particulars.extend(supply.temperature.map(|celsius| format!("{celsius:.1} °C")));
            line(glyphs, mark, name, "supply", word, particulars.join(", "))
        }
        Item::Rail(name) => {
            let Some(rail) = hardware.rails.iter().flatten().find(|one| one.name == *name) else { return Vec::new() };
            let pieces = power::rail_row(glyphs, rail);
            let mut pieces = pieces.into_iter();
            let (Some(sign), Some(part), Some(told), Some(answer), Some(signals)) =
                (pieces.next(), pieces.next(), pieces.next(), pieces.next(), pieces.next())
            else {
                return Vec::new();
            };
            let signals = format!("told {}; {}", told.text, signals.text);
            vec![sign, part, Piece::dim("rail"), answer, Piece::dim(signals)]
        }
        Item::Led(name) => {
            let Some(led) = hardware.leds.iter().flatten().find(|one| one.name == *name) else { return Vec::new() };
            led_row(glyphs, state, led)
        }
        Item::Part(name) => {
            let Some(part) = hardware.items.iter().flatten().find(|one| one.name == *name) else { return Vec::new() };
            let (mark, word) = match part.present {
                Some(true) => (Mark::Good, "present"),
                Some(false) => (Mark::Off, "absent"),
                None => (Mark::Unknown, "not known"),
            };
            let about = [part.manufacturer.as_str(), part.product.as_str(), part.part_number.as_str()];
            let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
            let mut pieces = line(glyphs, mark, name, &part.kind, word, about.join(", "));
            pieces.push(Piece::dim(&part.serial_number));
            pieces
        }
        Item::Problem(_)
        | Item::Group(_)
        | Item::Service(_)
        | Item::Machine(_)
        | Item::Zone(_)
        | Item::Sensor(_)
        | Item::Operation(_)
        | Item::Entry(_) => Vec::new(),
    }
}

fn line(glyphs: Glyphs, mark: Mark, name: &str, kind: &str, word: &str, about: String) -> Vec<Piece> {
    let role = if matches!(mark, Mark::Good | Mark::Off) { Role::Text } else { role_of(mark) };
    vec![mark_piece(glyphs, mark), Piece::text(name), Piece::dim(kind), Piece::new(role, word), Piece::dim(about)]
}

fn led_row(glyphs: Glyphs, state: &State, led: &Led) -> Vec<Piece> {
    // A lit fault LED is a warning; the others only say what is.
    let mark = match (led.pattern, led.role.as_str()) {
        (LedPattern::Unknown, _) => Mark::Unknown,
        (LedPattern::Off, _) => Mark::Off,
        (_, "fault") => Mark::Warning,
        (LedPattern::On, _) => Mark::Good,
        (LedPattern::Blink | LedPattern::FastBlink, _) => Mark::Busy,
    };
    let ends = led.ends.map(|at| format!("; ends in {}", format::duration(at.since(state.now)))).unwrap_or_default();
    let kind = format!("{} LED", led.role);
    line(glyphs, mark, &led.name, &kind, led.pattern.word(), format!("{}{ends}", led.reason))
}
