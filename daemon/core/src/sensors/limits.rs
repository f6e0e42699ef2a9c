//! Limits that a device brings along (hwmon's `_max`, `_crit`, `_emergency`, `_min`, `_lcrit`, `_hyst`).

use super::SensorSpec;
use crate::input::Limits;

/// From lowest to highest.
const NAMES: [&str; 6] = ["fatal_low", "critical_low", "warning_low", "warning_high", "critical_high", "fatal_high"];

/// Takes over what the board leaves open. Returns which limits were taken, and why others were not.
///
/// What the board says always stands: a limit of the device that does not fit in order between the board's is left out.
pub(super) fn take_over(spec: &mut SensorSpec, brought: &Limits) -> (Vec<&'static str>, Vec<String>) {
    let (mut taken, mut left) = (Vec::new(), Vec::new());
    let value = |raw: Option<f64>| raw.map(|raw| raw * spec.scale + spec.offset).filter(|value| value.is_finite());
    let (low, high) = (
        [brought.fatal_low, brought.critical_low, brought.warning_low].map(value),
        [brought.warning_high, brought.critical_high, brought.fatal_high].map(value),
    );
    // A negative scale turns the highest into the lowest.
    let mut brought_limits = [low[0], low[1], low[2], high[0], high[1], high[2]];
    if spec.scale < 0.0 {
        brought_limits.reverse();
    }
    let thresholds = &mut spec.thresholds;
    let mut limits = [
        thresholds.fatal_low,
        thresholds.critical_low,
        thresholds.warning_low,
        thresholds.warning_high,
        thresholds.critical_high,
        thresholds.fatal_high,
    ];
    // The outer limits first: they protect.
    for place in [5, 4, 3, 0, 1, 2] {
        let Some(limit) = brought_limits[place].filter(|_| limits[place].is_none()) else { continue };
        let below = limits[..place].iter().rev().find_map(|limit| *limit);
        let above = limits[place + 1..].iter().find_map(|limit| *limit);
        if below.is_some_and(|below| below >= limit) || above.is_some_and(|above| above <= limit) {
            left.push(format!("its {} of {limit} does not fit between the others", NAMES[place]));
            continue;
        }
        limits[place] = Some(limit);
        taken.push(NAMES[place]);
    }
    [
        thresholds.fatal_low,
        thresholds.critical_low,
        thresholds.warning_low,
        thresholds.warning_high,
        thresholds.critical_high,
        thresholds.fatal_high,
    ] = limits;
    let gap = {
        let present: Vec<_> = limits.iter().flatten().copied().collect();
        present.windows(2).map(|pair| pair[1] - pair[0]).fold(f64::INFINITY, f64::min)
    };
    if let Some(hysteresis) = brought.hysteresis.map(|raw| (raw * spec.scale).abs())
        && thresholds.hysteresis == 0.0
        && !taken.is_empty()
    {
        if hysteresis.is_finite() && hysteresis < gap {
            thresholds.hysteresis = hysteresis;
        } else {
            left.push(format!("its hysteresis of {hysteresis} is wider than the limits are apart"));
        }
    }
    (taken, left)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sensors::{Protection, SensorKind, SensorSource, Thresholds};

    fn sensor(scale: f64, thresholds: Thresholds) -> SensorSpec {
        SensorSpec {
            name: "inlet".into(),
            description: String::new(),
            kind: SensorKind::Temperature,
            source: SensorSource::Hardware,
            scale,
            offset: 0.0,
            thresholds,
            interval: Duration::from_secs(1),
            stale_after: Duration::from_secs(3),
            powered_by: None,
            max_slew: 0.0,
            history: 1,
            protection: Protection::default(),
        }
    }

    #[test]
    fn what_the_board_leaves_open_is_taken_and_what_it_says_stands() {
        let board = Thresholds { critical_high: Some(90.0), ..Thresholds::default() };
        let mut spec = sensor(1.0, board);
        let brought = Limits {
            warning_high: Some(80.0),
            critical_high: Some(100.0),
            fatal_high: Some(110.0),
            hysteresis: Some(5.0),
            ..Limits::default()
        };
        let (taken, left) = take_over(&mut spec, &brought);
        assert_eq!((taken, left), (vec!["fatal_high", "warning_high"], Vec::new()));
        let expected = Thresholds {
            warning_high: Some(80.0),
            critical_high: Some(90.0),
            fatal_high: Some(110.0),
            hysteresis: 5.0,
            ..Thresholds::default()
        };
        assert_eq!(spec.thresholds, expected);
    }

    #[test]
    fn a_limit_out_of_order_a_hysteresis_too_wide_and_no_number_are_left() {
        let board = Thresholds { warning_high: Some(70.0), ..Thresholds::default() };
        let mut spec = sensor(1.0, board);
        let brought = Limits {
            critical_high: Some(60.0),
            fatal_high: Some(f64::NAN),
            warning_low: Some(5.0),
            hysteresis: Some(80.0),
            ..Limits::default()
        };
        let (taken, left) = take_over(&mut spec, &brought);
        assert_eq!(taken, ["warning_low"]);
        assert_eq!(left.len(), 2, "{left:?}");
        assert_eq!((spec.thresholds.critical_high, spec.thresholds.fatal_high), (None, None));
        assert!(spec.thresholds.hysteresis.abs() < f64::EPSILON);
    }

    #[test]
    fn a_negative_scale_turns_them_round() {
        let mut spec = sensor(-1.0, Thresholds::default());
        let brought = Limits { warning_low: Some(-40.0), warning_high: Some(10.0), ..Limits::default() };
        take_over(&mut spec, &brought);
        assert_eq!((spec.thresholds.warning_low, spec.thresholds.warning_high), (Some(-10.0), Some(40.0)));
    }
}
