//! Input to duty, by table.

use super::{CurveSpec, Interpolation};
use crate::units::Duty;

/// The curve's duty at an input, which is finite. Below the first point: the first; above the last: the last.
pub fn duty_at(curve: &CurveSpec, value: f64) -> Duty {
    let Some(first) = curve.points.first() else { return Duty::FULL };
    let above = curve.points.iter().position(|(input, _)| *input > value);
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
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::thermal::hysteresis::{Held, Hysteresis};

    fn curve(points: &[(f64, f64)], interpolation: Interpolation) -> CurveSpec {
        CurveSpec { points: points.iter().map(|(input, duty)| (*input, Duty::new(*duty))).collect(), interpolation }
    }

    fn check(curve: &CurveSpec, hysteresis: Hysteresis, expected: &[(f64, f64)]) {
        let mut held = Held::default();
        for (input, duty) in expected {
            let got = duty_at(curve, held.follow(hysteresis, *input)).percent();
            assert!((got - duty).abs() < 1e-9, "{input}: {got} instead of {duty}");
        }
    }

    /// reference/thermal.md, in percent instead of RPM: 45/46/47 → 5000/2400/2600.
    #[test]
    fn a_stepwise_curve_gives_the_last_output_at_or_below_and_the_first_below_all() {
        let steps = curve(&[(45.0, 50.0), (46.0, 24.0), (47.0, 26.0)], Interpolation::Stepwise);
        let none = Hysteresis::default();
        check(&steps, none, &[(-10.0, 50.0), (44.9, 50.0), (45.9, 50.0), (46.5, 24.0), (200.0, 26.0)]);
    }

    /// reference/thermal.md: stepwise, 20/30 → 40/60, hysteresis +2/−3.
    #[test]
    fn a_stepwise_curve_holds_within_its_hysteresis() {
        let curve = curve(&[(20.0, 40.0), (30.0, 60.0)], Interpolation::Stepwise);
        check(&curve, Hysteresis { rise: 2.0, fall: 3.0 }, &[(29.0, 40.0), (31.0, 40.0), (32.0, 60.0)]);
    }

    /// reference/thermal.md: the linear table read as steps.
    #[test]
    fn a_table_read_as_steps() {
        let points = [(65.0, 18.0), (67.0, 25.0), (70.0, 30.0), (72.0, 35.0), (74.0, 40.0), (76.0, 50.0)];
        let steps = curve(&points, Interpolation::Stepwise);
        let expected = [(60.0, 18.0), (66.0, 18.0), (67.0, 25.0), (73.0, 35.0), (90.0, 50.0)];
        check(&steps, Hysteresis::default(), &expected);
    }

    #[test]
    fn a_linear_curve_interpolates_between_its_points_and_holds_outside() {
        let curve = curve(&[(40.0, 20.0), (80.0, 100.0)], Interpolation::Linear);
        let expected = [(-10.0, 20.0), (40.0, 20.0), (50.0, 40.0), (60.0, 60.0), (80.0, 100.0), (120.0, 100.0)];
        check(&curve, Hysteresis::default(), &expected);
    }

    proptest! {
        #[test]
        fn hotter_never_means_slower(
            steps in proptest::collection::vec((0.01..20.0_f64, 0.0..30.0_f64), 1..12),
            linear: bool,
            cold in -300.0..300.0_f64,
            by in 0.0..200.0_f64,
        ) {
            let (mut input, mut duty) = (-50.0, 0.0);
            let rising = steps.iter().map(|(further, more)| {
                (input, duty) = (input + further, f64::min(duty + more, 100.0));
                (input, duty)
            });
            let interpolation = if linear { Interpolation::Linear } else { Interpolation::Stepwise };
            let curve = curve(&rising.collect::<Vec<_>>(), interpolation);
            let (cool, hot) = (duty_at(&curve, cold).percent(), duty_at(&curve, cold + by).percent());
            // A line's last digit may round down.
            prop_assert!(hot >= cool - 1e-9, "{cool} at {cold}, {hot} at {}", cold + by);
        }
    }
}
