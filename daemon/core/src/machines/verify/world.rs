//! The board as one small vector: what each machine is in, what its lines carry, what it was told. And how it is packed
//! into one number, so that a state that was seen is known again.

use super::sheet::Sheet;

/// What the hardware of a machine is about to do because a line was pulsed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urge {
    None,
    /// Come up: the power button.
    On,
    /// Go down: the power button, or its software was asked to.
    Off,
    /// Start over.
    Reset,
}

/// Where its sequence goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    Idle,
    Up,
    Down,
}

/// How much of its sequence is told to be on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rails {
    None,
    Some,
    All,
}

/// One machine in one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) state: usize,
    /// A combination of levels, see [`Sheet`].
    pub(super) levels: usize,
    /// A bit for each held output: high.
    pub(super) held: usize,
    pub(super) urge: Urge,
    pub(super) course: Course,
    pub(super) rails: Rails,
    /// An operation powers it on.
    pub(super) opening: bool,
}

/// Everything in one moment.
pub(super) type World = Vec<Part>;

/// Widths of the fields of one machine.
#[derive(Clone, Copy, Debug)]
struct Widths {
    state: u32,
    levels: u32,
    held: u32,
    pulsed: bool,
    runs: bool,
    opens: bool,
}

/// How a world is packed.
#[derive(Clone, Debug)]
pub(super) struct Packing {
    widths: Vec<Widths>,
    /// All of them together.
    pub(super) bits: u32,
}

/// Bits for that many values.
fn width(values: usize) -> u32 {
    usize::BITS - values.saturating_sub(1).leading_zeros()
}

impl Packing {
    pub(super) fn new(sheets: &[Sheet]) -> Self {
        let widths: Vec<_> = sheets
            .iter()
            .map(|sheet| Widths {
                state: width(sheet.states()),
                levels: width(sheet.combinations()),
                held: u32::try_from(sheet.held.len()).unwrap_or(u32::MAX),
                pulsed: sheet.is_pulsed(),
                runs: sheet.runs,
                opens: sheet.parent.is_some(),
            })
            .collect();
        let bits = widths.iter().map(|w| {
            w.state + w.levels + w.held + 2 * u32::from(w.pulsed) + 4 * u32::from(w.runs) + u32::from(w.opens)
        });
        Self { bits: bits.sum(), widths }
    }

    pub(super) fn pack(&self, world: &World) -> u128 {
        let mut packed = 0_u128;
        let mut at = 0;
        let mut put = |value: usize, width: u32| {
            packed |= (value as u128) << at;
            at += width;
        };
        for (part, widths) in world.iter().zip(&self.widths) {
            put(part.state, widths.state);
            put(part.levels, widths.levels);
            put(part.held, widths.held);
            if widths.pulsed {
                put(part.urge as usize, 2);
            }
            if widths.runs {
                put(part.course as usize, 2);
                put(part.rails as usize, 2);
            }
            if widths.opens {
                put(usize::from(part.opening), 1);
            }
        }
        packed
    }

    pub(super) fn unpack(&self, packed: u128, world: &mut World) {
        let mut rest = packed;
        let mut take = |width: u32| {
            let value = rest & ((1 << width) - 1);
            rest >>= width;
            usize::try_from(value).unwrap_or(0)
        };
        world.clear();
        for widths in &self.widths {
            let mut part = Part {
                state: take(widths.state),
                levels: take(widths.levels),
                held: take(widths.held),
                urge: Urge::None,
                course: Course::Idle,
                rails: Rails::None,
                opening: false,
            };
            if widths.pulsed {
                part.urge = [Urge::None, Urge::On, Urge::Off, Urge::Reset][take(2)];
            }
            if widths.runs {
                part.course = [Course::Idle, Course::Up, Course::Down, Course::Idle][take(2)];
                part.rails = [Rails::None, Rails::Some, Rails::All, Rails::None][take(2)];
            }
            if widths.opens {
                part.opening = take(1) == 1;
            }
            world.push(part);
        }
    }
}
