//! Past readings for graphs, in eight bytes each.

use std::{collections::VecDeque, time::Duration};

use crate::time::Mono;

/// A ring of readings; the oldest gives way.
#[derive(Clone, Debug)]
pub struct History {
    /// (hundredths of a second since the clock's origin, value; NaN marks a gap). 497 days before it wraps.
    points: VecDeque<(u32, f32)>,
    capacity: usize,
}

impl History {
    /// Keeps so many points; takes memory as it fills.
    pub const fn new(capacity: usize) -> Self {
        Self { points: VecDeque::new(), capacity }
    }

    /// A good reading.
    #[allow(clippy::cast_possible_truncation, reason = "a graph needs no more than seven digits")]
    pub fn push(&mut self, at: Mono, value: f64) {
        self.add(at, value as f32);
    }

    /// From here on there is nothing, until the next good reading.
    pub fn gap(&mut self, at: Mono) {
        if self.points.back().is_some_and(|(_, value)| !value.is_nan()) {
            self.add(at, f32::NAN);
        }
    }

    fn add(&mut self, at: Mono, value: f32) {
        if self.capacity == 0 {
            return;
        }
        if self.points.len() == self.capacity {
            self.points.pop_front();
        }
        let hundredths = at.since_origin().as_millis() / 10 % u128::from(u32::MAX);
        self.points.push_back((u32::try_from(hundredths).unwrap_or(0), value));
    }

    /// Oldest first; no value marks a gap.
    pub fn iter(&self) -> impl Iterator<Item = (Mono, Option<f64>)> + '_ {
        self.points.iter().map(|(at, value)| {
            let at = Mono::new(Duration::from_millis(u64::from(*at) * 10));
            (at, (!value.is_nan()).then(|| f64::from(*value)))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_gives_way_and_a_gap_is_marked_once() {
        let mut history = History::new(3);
        for second in 0..3 {
            history.push(Mono::from_millis(second * 1000), second as f64);
        }
        history.gap(Mono::from_millis(3000));
        history.gap(Mono::from_millis(4000));
        let points: Vec<_> = history.iter().map(|(at, value)| (at.since_origin().as_millis(), value)).collect();
        assert_eq!(points, [(1000, Some(1.0)), (2000, Some(2.0)), (3000, None)]);
    }
}
