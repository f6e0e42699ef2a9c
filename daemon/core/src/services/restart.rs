//! When a service that failed is started again, and when it is given up.

use std::{collections::VecDeque, time::Duration};

use super::RestartSpec;
use crate::{rng::Rng, time::Mono};

/// What a failure leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Start again after this.
    Retry(Duration),
    /// More failures in the window than allowed.
    Exhausted,
}

/// The failures of one service, as far as they matter for the next decision.
#[derive(Clone, Debug, Default)]
pub struct RestartBook {
    /// When automatic restarts were granted, oldest first; never more than `burst`.
    granted: VecDeque<Mono>,
    /// Failures since the last stable uptime: the exponent of the delay.
    streak: u32,
}

impl RestartBook {
    /// An operator started or reset the service: nothing that was counts any more.
    pub fn forgive(&mut self) {
        *self = Self::default();
    }

    /// It has failed since the last request for it, or since what counted as recovered.
    pub fn is_growing(&self) -> bool {
        self.streak > 0
    }

    /// The service failed after being ready for `uptime` (zero when it never was).
    pub fn failed(&mut self, spec: &RestartSpec, now: Mono, uptime: Duration, rng: &mut Rng) -> Verdict {
        if uptime >= spec.reset_after {
            self.streak = 0;
        }
        while self.granted.front().is_some_and(|at| now.since(*at) >= spec.window) {
            self.granted.pop_front();
        }
        if self.granted.len() >= spec.burst as usize {
            return Verdict::Exhausted;
        }
        self.granted.push_back(now);
        let delay = backoff(spec, self.streak, rng.unit());
        self.streak = self.streak.saturating_add(1);
        Verdict::Retry(delay)
    }
}

/// delay × factor^streak, capped, then varied by ± jitter; `chance` is in 0–1.
fn backoff(spec: &RestartSpec, streak: u32, chance: f64) -> Duration {
    // Beyond the cap the power could overflow; 64 doublings are more than any cap.
    let grown = spec.delay.as_secs_f64() * spec.factor.powi(i32::try_from(streak.min(64)).unwrap_or(64));
    let capped = grown.min(spec.max_delay.max(spec.delay).as_secs_f64());
    let varied = capped * (1.0 + spec.jitter * (2.0 * chance - 1.0));
    Duration::try_from_secs_f64(varied).unwrap_or(spec.max_delay)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> RestartSpec {
        RestartSpec { jitter: 0.0, ..RestartSpec::default() }
    }

    #[test]
    fn delays_double_up_to_the_cap_and_start_over_after_stable_uptime() {
        let (spec, mut book, mut rng) = (RestartSpec { burst: 100, ..spec() }, RestartBook::default(), Rng::new(1));
        let mut delays = Vec::new();
        for second in 0..7 {
            let Verdict::Retry(delay) = book.failed(&spec, Mono::from_millis(second * 1000), Duration::ZERO, &mut rng)
            else {
                panic!("burst is far away")
            };
            delays.push(delay.as_secs());
        }
        assert_eq!(delays, [1, 2, 4, 8, 16, 30, 30]);
        let stable = Duration::from_secs(61);
        assert_eq!(
            book.failed(&spec, Mono::from_millis(100_000), stable, &mut rng),
            Verdict::Retry(Duration::from_secs(1))
        );
    }

    #[test]
    fn one_failure_more_than_the_burst_within_the_window_exhausts_it_and_forgiveness_restores_it() {
        let (spec, mut book, mut rng) = (spec(), RestartBook::default(), Rng::new(1));
        for at in 0..5 {
            assert!(matches!(book.failed(&spec, Mono::from_millis(at), Duration::ZERO, &mut rng), Verdict::Retry(_)));
        }
        assert_eq!(book.failed(&spec, Mono::from_millis(6), Duration::ZERO, &mut rng), Verdict::Exhausted);
        book.forgive();
        assert!(matches!(book.failed(&spec, Mono::from_millis(7), Duration::ZERO, &mut rng), Verdict::Retry(_)));
    }

    #[test]
    fn jitter_varies_within_its_share_and_really_varies() {
        let spec = RestartSpec { jitter: 0.5, burst: 1000, factor: 1.0, ..spec() };
        let (mut book, mut rng) = (RestartBook::default(), Rng::new(7));
        let mut seen = std::collections::BTreeSet::new();
        for at in 0..100 {
            let Verdict::Retry(delay) = book.failed(&spec, Mono::from_millis(at), Duration::ZERO, &mut rng) else {
                panic!("burst is far away")
            };
            assert!((500..=1500).contains(&delay.as_millis()), "{delay:?}");
            seen.insert(delay.as_micros());
        }
        assert!(seen.len() > 90, "only {} different delays", seen.len());
    }
}
