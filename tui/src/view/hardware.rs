//! What is built in: supplies, rails, LEDs, inventory; one list, one row a thing.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    format, particulars, power,
    table::{self, Column, Table},
};
use crate::{
    app::{Area, Item, Place, State, rows, serves},
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
    // A high screen has all of the selected part below the list.
    let needed = u16::try_from(items.len()).unwrap_or(u16::MAX).saturating_add(3);
    let below = if area.height >= 36 { particulars::HEIGHT } else { 0 };
    let list = Rect { height: (area.height - below).min(if below > 0 { needed } else { area.height }), ..area };
    if let Some(item) = rows::selected(state).filter(|_| below > 0) {
        let below = Rect { y: list.bottom(), height: area.bottom() - list.bottom(), ..area };
        particulars::draw(canvas, below, state, &item);
    }
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
    let mut columns = COLUMNS;
    if area.width >= 100
        && let Some(part) = columns.get_mut(1)
    {
        // Lines and channels have long names.
        *part = Column::new("part", 28);
    }
    let table =
        Table { title: "Hardware", remark: remark.to_owned(), columns: &columns, count: items.len(), selected, empty };
    let glyphs = canvas.glyphs();
    let rows = table::draw(canvas, list, &table, |index| {
        items.get(index).map(|item| row(glyphs, state, item)).unwrap_or_default()
    });
    canvas.places(rows, |index| items.get(index).cloned().map(Place::Row));
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
            if !supply.faults.is_empty() {
                let age = supply.faults_read.map(|at| format!(" {} ago", format::duration(state.now.since(at))));
                particulars.push(format!("failed{} with {}", age.unwrap_or_default(), supply.faults.join(", ")));
            }
            particulars.extend(supply.power_w.map(|watts| format!("{watts:.0} of {:.0} W", supply.rated_w)));
            particulars.extend(supply.temperature.map(|celsius| format!("{celsius:.1} °C")));
            line(glyphs, mark, name, "supply", word, particulars.join(", "))
        }
        Item::Rail(name) => {
            let Some(rail) = hardware.rails.iter().flatten().find(|one| one.name == *name) else { return Vec::new() };
            let (mark, word) = power::rail_state(state, rail);
            let volts = rail.voltage.map(|volts| format!("{volts:.2} V, ")).unwrap_or_default();
            let told = if rail.enabled { "told on" } else { "told off" };
            let about = format!("{volts}{told}, {}", power::rail_particulars(rail));
            line(glyphs, mark, name, "rail", &word, about)
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
                // Nothing senses it: that is how the board is made, and no fault.
                None => (Mark::Off, "not sensed"),
            };
            let about = [part.manufacturer.as_str(), part.product.as_str(), part.part_number.as_str()];
            let about: Vec<&str> = about.into_iter().filter(|text| !text.is_empty()).collect();
            let mut pieces = line(glyphs, mark, name, &part.kind, word, about.join(", "));
            pieces.push(Piece::dim(&part.serial_number));
            pieces
        }
        Item::Fault(kind, target) => {
            let about = hardware.faults.iter().flat_map(|faults| &faults.kinds).find(|one| one.kind == *kind);
            let about = about.map(|one| one.description.clone()).unwrap_or_default();
            line(glyphs, Mark::Warning, target, "fault", kind, about)
        }
        Item::Resource(name) => {
            let Some(one) = hardware.resources.iter().flatten().find(|one| one.name == *name) else {
                return Vec::new();
            };
            let (mark, word) = match one.reachable {
                Some(true) => (Mark::Good, "answers"),
                Some(false) => (Mark::Critical, "unreachable"),
                None => (Mark::Off, "not used yet"),
            };
            let users: Vec<&str> = one.used_by.iter().map(String::as_str).collect();
            let owner =
                if users.is_empty() { one.owner.clone() } else { format!("{}: {}", one.owner, users.join(", ")) };
            let about = if one.error.is_empty() { owner } else { format!("{}; {owner}", one.error) };
            line(glyphs, mark, name, one.kind, word, about)
        }
        Item::Problem { .. }
        | Item::Group(_)
        | Item::Fan(_)
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
    let held = if led.held_by.is_empty() { String::new() } else { format!("; held by {}", led.held_by) };
    if !led.error.is_empty() {
        return line(glyphs, Mark::Critical, &led.name, &kind, led.pattern.word(), led.error.clone());
    }
    line(glyphs, mark, &led.name, &kind, led.pattern.word(), format!("{}{held}{ends}", led.reason))
}
