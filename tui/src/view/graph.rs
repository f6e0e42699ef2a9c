//! Curves: a reading over time with its limits, or a fan curve with the point where it stands.

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, columns},
    format,
};
use crate::style::{Glyphs, Role};

/// Two scales: columns over `x`, rows over `y`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// Left and right ends.
    pub(super) x: (f64, f64),
    /// Lower and upper ends.
    pub(super) y: (f64, f64),
}

/// A horizontal line with its name.
#[derive(Clone, Debug)]
pub(super) struct Limit {
    pub(super) at: f64,
    pub(super) name: &'static str,
    pub(super) role: Role,
}

/// Dots of Braille: bit of the (column, row) within a cell.
const BRAILLE: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];

/// A field of dots, finer than cells where the characters allow it.
struct Dots {
    area: Rect,
    across: u16,
    down: u16,
    cells: Vec<u8>,
}

impl Dots {
    fn new(area: Rect, glyphs: Glyphs) -> Self {
        let (across, down) = match glyphs {
            Glyphs::Utf8 => (2, 4),
            Glyphs::Ascii => (1, 1),
        };
        Self { area, across, down, cells: vec![0; usize::from(area.width) * usize::from(area.height)] }
    }

    fn width(&self) -> u16 {
        self.area.width * self.across
    }

    fn height(&self) -> u16 {
        self.area.height * self.down
    }

    /// The dot column of `x`, and the dot row of `y`, counted from the top; both within the field.
    fn place(&self, scale: Scale, x: f64, y: f64) -> (u16, u16) {
        let share = |value: f64, (low, high): (f64, f64)| ((value - low) / (high - low).max(1e-9)).clamp(0.0, 1.0);
        let across = f64::from(self.width().saturating_sub(1)) * share(x, scale.x);
        let down = f64::from(self.height().saturating_sub(1)) * (1.0 - share(y, scale.y));
        (rounded(across), rounded(down))
    }

    fn set(&mut self, x: u16, y: u16) {
        let (column, row) = (x / self.across, y / self.down);
        let bit = BRAILLE[usize::from(x % self.across)][usize::from(y % self.down)];
        let index = usize::from(row) * usize::from(self.area.width) + usize::from(column);
        if let Some(cell) = self.cells.get_mut(index) {
            *cell |= bit;
        }
    }

    /// A line without holes between two dots.
    fn line(&mut self, from: (u16, u16), to: (u16, u16)) {
        let steps = from.0.abs_diff(to.0).max(from.1.abs_diff(to.1)).max(1);
        for step in 0..=steps {
            let share = f64::from(step) / f64::from(steps);
            let at = |from: u16, to: u16| rounded(f64::from(from) + (f64::from(to) - f64::from(from)) * share);
            self.set(at(from.0, to.0), at(from.1, to.1));
        }
    }

    fn draw(&self, canvas: &mut Canvas<'_>, role: Role) {
        let glyphs = canvas.glyphs();
        for (index, bits) in self.cells.iter().enumerate().filter(|(_, bits)| **bits != 0) {
            let width = usize::from(self.area.width.max(1));
            let (Ok(column), Ok(row)) = (u16::try_from(index % width), u16::try_from(index / width)) else { continue };
            let char = match glyphs {
                Glyphs::Ascii => '*',
                Glyphs::Utf8 => char::from_u32(0x2800 + u32::from(*bits)).unwrap_or('*'),
            };
            canvas.dot(self.area.x + column, self.area.y + row, char.encode_utf8(&mut [0; 4]), role);
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // floats saturate
fn rounded(value: f64) -> u16 {
    value.round().max(0.0) as u16
}

/// The part of `area` beside the scale's numbers.
fn field(area: Rect, label_width: u16) -> Rect {
    let label = (label_width + 1).min(area.width);
    Rect { x: area.x + label, width: area.width - label, ..area }
}

/// The numbers at the ends of the vertical scale, and its limits as lines, without their names. The answer is the field
/// beside them.
fn vertical(canvas: &mut Canvas<'_>, area: Rect, scale: Scale, unit: &str, limits: &[Limit]) -> Rect {
    let top = format::reading(scale.y.1, unit);
    let bottom = format::reading(scale.y.0, unit);
    let width = [&top, &bottom]
        .into_iter()
        .map(|text| columns(text))
        .chain(limits.iter().map(|limit| columns(&format::reading(limit.at, unit))))
        .max()
        .unwrap_or(0);
    let field = field(area, width);
    canvas.put_right(area.x + width, area.y, width, &top, Role::Dim);
    canvas.put_right(area.x + width, area.bottom() - 1, width, &bottom, Role::Dim);
    for (y, limit) in limit_rows(field, scale, limits) {
        canvas.put_right(area.x + width, y, width, &format::reading(limit.at, unit), limit.role);
        let line = canvas.glyphs().threshold().repeat(usize::from(field.width));
        canvas.put(field.x, y, field.width, &line, limit.role);
    }
    field
}

/// The limits within the scale, each with its row.
fn limit_rows(field: Rect, scale: Scale, limits: &[Limit]) -> impl Iterator<Item = (u16, &Limit)> {
    let dots = Dots::new(field, Glyphs::Ascii);
    let within = limits.iter().filter(move |limit| (scale.y.0..=scale.y.1).contains(&limit.at));
    within.map(move |limit| (field.y + dots.place(scale, scale.x.0, limit.at).1, limit))
}

/// The names of the limits on their lines: after the dots, for a curve is read with a few of its dots missing, and half a
/// word is not.
fn names(canvas: &mut Canvas<'_>, field: Rect, scale: Scale, limits: &[Limit]) {
    for (y, limit) in limit_rows(field, scale, limits) {
        canvas.put(field.x + 1, y, field.width.saturating_sub(1), &format!(" {} ", limit.name), limit.role);
    }
}

/// A reading over time: `points` are (seconds ago, value), oldest first; None is a gap. The last row is the time scale.
pub(super) fn over_time(
    canvas: &mut Canvas<'_>,
    area: Rect,
    points: &[(f64, Option<f64>)],
    span_s: f64,
    unit: &str,
    limits: &[Limit],
) {
    if area.height < 3 || area.width < 16 {
        return;
    }
    canvas.late(area);
    let plot = Rect { height: area.height - 1, ..area };
    let values = points.iter().filter_map(|(_, value)| *value);
    let scale = Scale { x: (-span_s, 0.0), y: range(values, limits, unit) };
    let field = vertical(canvas, plot, scale, unit, limits);
    let axis = area.bottom() - 1;
    canvas.put(field.x, axis, field.width, &format!("-{}", format::duration(span_s)), Role::Dim);
    canvas.put_right(field.right(), axis, field.width, "now", Role::Dim);
    let mut dots = Dots::new(field, canvas.glyphs());
    let mut before: Option<(u16, u16)> = None;
    for (age, value) in points.iter().filter(|(age, _)| *age <= span_s) {
        let Some(value) = value else {
            before = None;
            continue;
        };
        let at = dots.place(scale, -age, *value);
        dots.line(before.unwrap_or(at), at);
        before = Some(at);
    }
    dots.draw(canvas, Role::Graph);
    names(canvas, field, scale, limits);
}

/// The ends of the vertical scale: all values, the nearest limits, some air, and never so close that noise fills it.
fn range(values: impl Iterator<Item = f64>, limits: &[Limit], unit: &str) -> (f64, f64) {
    let (mut low, mut high) = values
        .filter(|value| value.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
    for limit in limits {
        low = low.min(limit.at);
        high = high.max(limit.at);
    }
    if low > high {
        return (0.0, 1.0);
    }
    let least = match unit {
        "V" => high.abs() * 0.02,
        "RPM" => 500.0,
        "" => 1.0,
        _ => 4.0,
    };
    let air = ((high - low) * 0.08).max((least - (high - low)) / 2.0).max(1e-6);
    // What cannot be negative does not get a negative scale.
    let floor = if low >= 0.0 { 0.0 } else { f64::NEG_INFINITY };
    // No more than all.
    let roof = if unit == "%" && high <= 100.0 { 100.0 } else { f64::INFINITY };
    ((low - air).max(floor), (high + air).min(roof))
}

/// A fan curve, percent over °C, and the point where its controller stands.
pub(super) fn curve(canvas: &mut Canvas<'_>, area: Rect, curve: &[(f64, f64)], stepped: bool, at: Option<(f64, f64)>) {
    let (Some(first), Some(last)) = (curve.first(), curve.last()) else { return };
    if area.height < 4 || area.width < 16 {
        return;
    }
    canvas.late(area);
    let inputs = [Some(first.0), Some(last.0), at.map(|(input, _)| input)];
    let (low, high) = inputs
        .into_iter()
        .flatten()
        .filter(|input| input.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), input| (low.min(input), high.max(input)));
    let (low, high) = ((low - 5.0).max(0.0).min(low), high + 5.0);
    let scale = Scale { x: (low, high), y: (0.0, 100.0) };
    let plot = Rect { height: area.height - 1, ..area };
    let field = vertical(canvas, plot, scale, "%", &[]);
    let axis = area.bottom() - 1;
    canvas.put(field.x, axis, field.width, &format!("{low:.0} °C"), Role::Dim);
    canvas.put_right(field.right(), axis, field.width, &format!("{high:.0} °C"), Role::Dim);

    let mut dots = Dots::new(field, canvas.glyphs());
    let mut before = dots.place(scale, low, first.1);
    for (temperature, duty) in curve.iter().copied().chain([(high, last.1)]) {
        let to = dots.place(scale, temperature, duty);
        if stepped {
            dots.line(before, (to.0, before.1));
            dots.line((to.0, before.1), to);
        } else {
            dots.line(before, to);
        }
        before = to;
    }
    dots.draw(canvas, Role::Graph);

    if let Some((input, output)) = at {
        let cells = Dots::new(field, Glyphs::Ascii);
        let (column, row) = cells.place(scale, input, output);
        let (x, y) = (field.x + column, field.y + row);
        canvas.dot(x, y, canvas.glyphs().operating_point(), Role::Title);
        let label = format!("{input:.1} °C: {output:.0} %");
        let width = columns(&label);
        // Where a rising curve is not: to the upper left of the point, else to the lower right.
        if column >= width && row > 0 {
            canvas.put_right(x, y - 1, width, &label, Role::Title);
        } else if y + 1 < field.bottom() {
            canvas.put((x + 2).min(field.right().saturating_sub(width)), y + 1, width, &label, Role::Title);
        }
    }
}
