//! A PID controller with feed-forward, as phosphor-pid-control computes it, and with the bias ("zero") of hubris.
//!
//! ```text
//!  e = set-point − input            (gains are negative for a temperature: hotter must mean faster)
//!  sum = bias + P·e + I + D·Δe/Δt + FF      out = slew(clamp(sum))
//! ```
//!
//! Anti-windup, in three places, because a term that grows while nobody listens to it has to be unlearnt later, and that
//! takes as long as the learning did:
//! - the integral has its own clamp;
//! - where there are slew limits, the integral becomes what would have given the output that they left
//!   (back-calculation);
//! - when something else decides the fans' duty (another controller, the output's clamp, the zone's floor or ceiling,
//!   protection, an operator), the integral does not move further away from that duty: see [`Hold`].
//!
//! Where this differs from the reference: it back-calculates `I = out − P`, which leaves FF and D in the integral, to be added
//! once more at every call; here all other terms are taken off. Without FF and D it is the same.

/// A PID controller's numbers. Outputs are in percent.
#[derive(Clone, Debug, PartialEq)]
pub struct PidSpec {
    /// What the input should be, in its unit.
    pub set_point: f64,
    /// Percent per unit of error.
    pub kp: f64,
    /// Percent per unit of error and second.
    pub ki: f64,
    /// Percent per unit of error per second.
    pub kd: f64,
    /// What is added always.
    pub bias: f64,
    /// What is known without waiting for an error.
    pub feed_forward: FeedForward,
    /// Lowest and highest integral.
    pub integral: (f64, f64),
    /// Lowest and highest output.
    pub output: (f64, f64),
    /// How fast the output may fall and rise, in percent per second, each ≥ 0; 0: at once.
    pub slew: (f64, f64),
}

/// (base + offset) × gain.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct FeedForward {
    /// Percent per unit of the base.
    pub gain: f64,
    /// In the unit of the base.
    pub offset: f64,
    /// The base is their sum; none: the set-point.
    pub sensors: Vec<crate::ids::SensorId>,
}

/// Where the integral must not go, because somebody else decides what the fans are told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hold {
    /// This controller decides.
    #[default]
    Free,
    /// The fans already turn faster than it asks: asking for still less would change nothing.
    NotDown,
    /// They turn slower than it asks: asking for still more would change nothing.
    NotUp,
}

/// How an output came about. All are finite.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Terms {
    /// Set-point less input.
    pub error: f64,
    /// Proportional.
    pub p: f64,
    /// Integral, before a limit on the output reaches back into it.
    pub i: f64,
    /// Derivative.
    pub d: f64,
    /// Feed-forward.
    pub ff: f64,
    /// Of all, with the bias.
    pub sum: f64,
    /// Within the output's limits.
    pub clamped: f64,
    /// And within its slew limits: the output.
    pub output: f64,
}

/// What a controller remembers from one call to the next.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pid {
    integral: f64,
    /// Error and output of the last call.
    last: Option<(f64, f64)>,
}

impl Pid {
    /// One call, `dt` seconds after the last one; `base` is what feed-forward goes by. None, and nothing remembered, when
    /// a number is not finite: such an input is a failed sensor.
    pub fn step(&mut self, spec: &PidSpec, input: f64, base: f64, dt: f64, hold: Hold) -> Option<Terms> {
        let terms = self.compute(spec, input, base, dt, hold);
        if terms.is_none() {
            self.reset();
        }
        terms
    }

    fn compute(&mut self, spec: &PidSpec, input: f64, base: f64, dt: f64, hold: Hold) -> Option<Terms> {
        let error = spec.set_point - input;
        let p = spec.kp * error;
        let ff = (base + spec.feed_forward.offset) * spec.feed_forward.gain;
        let d = match self.last {
            Some((last, _)) if dt > 0.0 => spec.kd * (error - last) / dt,
            Some(_) | None => 0.0,
        };
        let i = if spec.ki == 0.0 {
            0.0
        } else {
            let step = spec.ki * error * dt;
            let step = match hold {
                Hold::Free => step,
                Hold::NotDown => step.max(0.0),
                Hold::NotUp => step.min(0.0),
            };
            within(self.integral + step, spec.integral)
        };
        let sum = spec.bias + p + i + d + ff;
        if ![error, p, i, d, ff, sum].iter().all(|term| term.is_finite()) {
            return None;
        }
        let clamped = within(sum, spec.output);
        let mut output = clamped;
        let (fall, rise) = spec.slew;
        let slewed = fall != 0.0 || rise != 0.0;
        if let Some((_, last)) = self.last {
            if fall != 0.0 {
                output = output.max(last - fall * dt);
            }
            if rise != 0.0 {
                output = output.min(last + rise * dt);
            }
        }
        // From the second call on, as there is nothing to slew from before.
        let kept = if slewed && self.last.is_some() { output - (spec.bias + p + d + ff) } else { i };
        self.integral = if spec.ki == 0.0 { 0.0 } else { within(kept, spec.integral) };
        self.last = Some((error, output));
        Some(Terms { error, p, i, d, ff, sum, clamped, output })
    }

    /// Forgets all: its input is gone, and what comes next has nothing to do with what was.
    pub fn reset(&mut self) {
        *self = Self::default();
    }
}

/// Like `f64::clamp`, which panics when the limits are the wrong way round.
fn within(value: f64, (low, high): (f64, f64)) -> f64 {
    value.min(high).max(low)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pid(set_point: f64, (kp, ki, kd): (f64, f64, f64)) -> PidSpec {
        PidSpec {
            set_point,
            kp,
            ki,
            kd,
            bias: 0.0,
            feed_forward: FeedForward::default(),
            integral: (-100.0, 100.0),
            output: (0.0, 100.0),
            slew: (0.0, 0.0),
        }
    }

    fn run(spec: &PidSpec, dt: f64, inputs: &[f64]) -> Vec<f64> {
        let mut pid = Pid::default();
        inputs.iter().map(|input| pid.step(spec, *input, spec.set_point, dt, Hold::Free).unwrap().output).collect()
    }

    fn check(spec: &PidSpec, dt: f64, inputs: &[f64], expected: &[f64]) {
        let outputs = run(spec, dt, inputs);
        let same = outputs.iter().zip(expected).all(|(output, expected)| (output - expected).abs() < 1e-9);
        assert!(same && outputs.len() == expected.len(), "{outputs:?} instead of {expected:?}");
    }

    /// reference/thermal.md
    #[test]
    fn the_proportional_part_is_the_error_times_its_gain() {
        check(&pid(70.0, (-2.0, 0.0, 0.0)), 1.0, &[60.0, 75.0, 90.0, 130.0], &[0.0, 10.0, 40.0, 100.0]);
    }

    /// reference/thermal.md
    #[test]
    fn the_integral_grows_with_time_up_to_its_clamp_and_shrinks_from_there() {
        let spec = PidSpec { integral: (0.0, 20.0), ..pid(70.0, (0.0, -0.5, 0.0)) };
        let inputs = [80.0, 80.0, 80.0, 80.0, 80.0, 80.0, 60.0, 60.0];
        check(&spec, 1.0, &inputs, &[5.0, 10.0, 15.0, 20.0, 20.0, 20.0, 15.0, 10.0]);
        // Half the time, half the growth: Δt is real.
        check(&spec, 0.5, &inputs[..4], &[2.5, 5.0, 7.5, 10.0]);
    }

    /// reference/thermal.md
    #[test]
    fn feed_forward_comes_before_any_error() {
        let spec = PidSpec {
            feed_forward: FeedForward { gain: 0.01, offset: 0.0, sensors: Vec::new() },
            output: (30.0, 100.0),
            ..pid(5000.0, (0.01, 0.0, 0.0))
        };
        check(&spec, 0.1, &[0.0, 4000.0, 5000.0, 6000.0], &[100.0, 60.0, 50.0, 40.0]);
    }

    /// reference/thermal.md, hubris: zero 35, P 1.75, I 0.0135, D 0.4; its error is input less target.
    #[test]
    fn the_bias_and_the_derivative_are_those_of_hubris() {
        let spec = PidSpec { bias: 35.0, ..pid(0.0, (-1.75, -0.0135, -0.4)) };
        check(&spec, 1.0, &[0.0, 0.0, 5.0, 10.0], &[35.0, 35.0, 45.8175, 54.7025]);
    }

    #[test]
    fn a_slewed_output_climbs_step_by_step_and_its_integral_knows() {
        let spec = PidSpec { slew: (5.0, 10.0), ..pid(70.0, (0.0, -2.0, 0.0)) };
        // The first call is free; then at most ten up and five down a second. Without back-calculation the integral
        // would have grown to its clamp, and the way down would begin only four calls later.
        check(&spec, 1.0, &[75.0, 90.0, 90.0, 90.0, 69.0, 50.0, 50.0], &[10.0, 20.0, 30.0, 40.0, 38.0, 33.0, 28.0]);
    }

    #[test]
    fn an_integral_that_nobody_listens_to_does_not_wind_up() {
        let spec = pid(70.0, (0.0, -0.5, 0.0));
        for (input, hold, held) in [
            (60.0, Hold::NotDown, true),
            (60.0, Hold::NotUp, false),
            (80.0, Hold::NotUp, true),
            (80.0, Hold::NotDown, false),
        ] {
            let mut pid = Pid { integral: 40.0, last: Some((0.0, 40.0)) };
            let after = pid.step(&spec, input, 70.0, 1.0, hold).unwrap().i;
            assert_eq!((after - 40.0).abs() < 1e-9, held, "{input} {hold:?}: {after}");
        }
    }

    #[test]
    fn a_number_that_is_none_leaves_no_trace() {
        let spec = PidSpec { bias: 10.0, ..pid(70.0, (-1.0, -0.5, -1.0)) };
        let mut pid = Pid::default();
        for (input, base) in [(f64::NAN, 70.0), (f64::INFINITY, 70.0), (75.0, f64::NAN), (f64::MIN, 70.0)] {
            pid.step(&spec, 90.0, 70.0, 1.0, Hold::Free).unwrap();
            let bad = pid.step(&PidSpec { kp: -1e6, ..spec.clone() }, input, base, 1.0, Hold::Free);
            // The lowest number there is overflows as soon as it is multiplied.
            assert_eq!(bad, None, "{input} {base}");
            assert_eq!(pid, Pid::default());
        }
    }

    fn anything() -> impl Strategy<Value = f64> {
        prop_oneof![
            6 => -50.0..200.0_f64,
            1 => any::<f64>(),
            1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(f64::NEG_INFINITY), Just(f64::MAX)],
        ]
    }

    proptest! {
        #[test]
        fn whatever_comes_in_what_goes_out_is_within_the_limits(
            gains in (-100.0..100.0_f64, -100.0..100.0_f64, -100.0..100.0_f64),
            slew in (0.0..20.0_f64, 0.0..20.0_f64),
            gain in -10.0..10.0_f64,
            calls in proptest::collection::vec((anything(), anything(), 0.0..60.0_f64, 0..3_u8), 1..60),
        ) {
            let feed_forward = FeedForward { gain, ..FeedForward::default() };
            let spec = PidSpec { slew, feed_forward, output: (10.0, 90.0), ..pid(70.0, gains) };
            let mut pid = Pid::default();
            for (input, base, dt, hold) in calls {
                let hold = [Hold::Free, Hold::NotDown, Hold::NotUp][usize::from(hold)];
                if let Some(terms) = pid.step(&spec, input, base, dt, hold) {
                    prop_assert!((10.0..=90.0).contains(&terms.output), "{terms:?}");
                }
                prop_assert!((-100.0..=100.0).contains(&pid.integral), "{pid:?}");
            }
        }

        #[test]
        fn hotter_never_means_slower_for_the_proportional_part(
            kp in -50.0..0.0_f64, cool in -50.0..200.0_f64, by in 0.0..100.0_f64,
        ) {
            let spec = pid(70.0, (kp, 0.0, 0.0));
            prop_assert!(run(&spec, 1.0, &[cool + by])[0] >= run(&spec, 1.0, &[cool])[0]);
        }
    }
}
