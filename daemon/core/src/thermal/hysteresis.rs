//! The input that counts: it follows the real one only beyond the hysteresis, so that noise moves no fan.

/// How far an input must move before it counts, in its unit; each ≥ 0.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hysteresis {
    /// Upwards.
    pub rise: f64,
    /// Downwards.
    pub fall: f64,
}

/// What is held.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Held(Option<f64>);

impl Held {
    /// The input that counts now.
    pub(super) fn follow(&mut self, by: Hysteresis, input: f64) -> f64 {
        let held = match self.0 {
            Some(last) if input - last > by.rise || last - input > by.fall => input,
            Some(last) => last,
            None => input,
        };
        self.0 = Some(held);
        held
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "held inputs are the very numbers that came in")]
mod tests {
    use super::*;

    /// reference/thermal.md: positive 5: 8, 13, 14 → 8, 8, 14; negative 4: 12, 9, 7 → 12, 12, 7.
    #[test]
    fn the_held_input_follows_only_beyond_the_hysteresis() {
        for (rise, fall, inputs, expected) in
            [(5.0, 0.0, [8.0, 13.0, 14.0], [8.0, 8.0, 14.0]), (0.0, 4.0, [12.0, 9.0, 7.0], [12.0, 12.0, 7.0])]
        {
            let mut held = Held::default();
            assert_eq!(inputs.map(|input| held.follow(Hysteresis { rise, fall }, input)), expected);
        }
    }
}
