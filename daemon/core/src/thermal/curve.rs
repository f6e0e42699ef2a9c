//! Temperature to duty, by table.

use super::{CurveSpec, Interpolation};
use crate::units::{Celsius, Duty};

/// The input that counts: it follows the real one only beyond the hysteresis.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Held(Option<f64>);

impl Held {
    /// The input that counts now.
    pub fn follow(&mut self, curve: &CurveSpec, input: Celsius) -> Celsius {
        let value = input.get();
        let held = match self.0 {
            Some(last) if value - last > curve.rise_hysteresis || last - value > curve.fall_hysteresis => value,
            Some(last) => last,
            None => value,
        };
        self.0 = Some(held);
        Celsius::new(held).unwrap_or(input)
    }

    /// Forgets it.
    pub fn reset(&mut self) {
        self.0 = None;
    }
}

/// The curve's duty at a temperature. Below the first point: the first; above the last: the last.
pub fn duty_at(curve: &CurveSpec, input: Celsius) -> Duty {
    let value = input.get();
    let Some(first) = curve.points.first() else { return Duty::FULL };
    let above = curve.points.iter().position(|(temperature, _)| *temperature > value);
    match above {
        Some(0) => first.1,
        None => curve.points.last().map_or(Duty::FULL, |(_, duty)| *duty),
        Some(next) => {
            let (low, low_duty) = curve.points[next - 1];
            let (high, high_duty) = curve.points[next];
            match curve.interpolation {
                Interpolation::Stepwise => low_duty,
                Interpolation::Linear => {
                    let share = (value - low) / (high - low);
                    Duty::new(low_duty.percent() + share * (high_duty.percent() - low_duty.percent()))
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::float_cmp, reason = "held inputs are the very numbers that came in")]
mod tests {
    use super::*;

    fn curve(points: &[(f64, f64)], interpolation: Interpolation, rise: f64, fall: f64) -> CurveSpec {
        CurveSpec {
            points: points.iter().map(|(temperature, duty)| (*temperature, Duty::new(*duty))).collect(),
            interpolation,
            rise_hysteresis: rise,
            fall_hysteresis: fall,
        }
    }

    fn check(curve: &CurveSpec, expected: &[(f64, f64)]) {
        let mut held = Held::default();
        for (input, duty) in expected {
            let input = Celsius::new(*input).unwrap();
            let got = duty_at(curve, held.follow(curve, input)).percent();
            assert!((got - duty).abs() < 1e-9, "{input}: {got} instead of {duty}");
        }
    }

    /// reference/thermal.md: stepwise, 20/30 → 40/60, hysteresis +2/−3.
    #[test]
    fn a_stepwise_curve_holds_within_its_hysteresis() {
        let curve = curve(&[(20.0, 40.0), (30.0, 60.0)], Interpolation::Stepwise, 2.0, 3.0);
        check(&curve, &[(29.0, 40.0), (31.0, 40.0), (32.0, 60.0)]);
    }

    /// reference/thermal.md: the linear table read as steps.
    #[test]
    fn a_table_read_as_steps() {
        let points = [(65.0, 18.0), (67.0, 25.0), (70.0, 30.0), (72.0, 35.0), (74.0, 40.0), (76.0, 50.0)];
        let steps = curve(&points, Interpolation::Stepwise, 0.0, 0.0);
        check(&steps, &[(60.0, 18.0), (66.0, 18.0), (67.0, 25.0), (73.0, 35.0), (90.0, 50.0)]);
    }

    #[test]
    fn a_linear_curve_interpolates_between_its_points_and_holds_outside() {
        let curve = curve(&[(40.0, 20.0), (80.0, 100.0)], Interpolation::Linear, 0.0, 0.0);
        check(&curve, &[(-10.0, 20.0), (40.0, 20.0), (50.0, 40.0), (60.0, 60.0), (80.0, 100.0), (120.0, 100.0)]);
    }

    /// reference/thermal.md: positive 5: 8, 13, 14 → 8, 8, 14; negative 4: 12, 9, 7 → 12, 12, 7.
    #[test]
    fn the_held_input_follows_only_beyond_the_hysteresis() {
        for (rise, fall, inputs, expected) in
            [(5.0, 0.0, [8.0, 13.0, 14.0], [8.0, 8.0, 14.0]), (0.0, 4.0, [12.0, 9.0, 7.0], [12.0, 12.0, 7.0])]
        {
            let curve = curve(&[(0.0, 0.0)], Interpolation::Linear, rise, fall);
            let mut held = Held::default();
            let got = inputs.map(|input| held.follow(&curve, Celsius::new(input).unwrap()).get());
            assert_eq!(got, expected);
        }
    }
}
