//! How long to wait before the next attempt: doubling, capped, and never the same for two consoles.

use std::{
    hash::{BuildHasher, RandomState},
    time::Duration,
};

/// Before the second attempt.
const FIRST: Duration = Duration::from_millis(500);
/// However long the daemon is away: an operator who waits for it should not wait for us.
const CAP: Duration = Duration::from_secs(8);
/// The wait is within this share of the nominal one, up or down, so that many consoles do not knock at once.
const JITTER: f64 = 0.25;

/// Grows with each failure.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The daemon was there for a while: begin anew.
    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// The wait after one more failure.
    pub(super) fn next(&mut self) -> Duration {
        // A hasher with random keys is all the randomness that jitter needs.
        let random = RandomState::new().hash_one(self.failures);
        let wait = nominal(self.failures).mul_f64(1.0 + JITTER * (random as f64 / u64::MAX as f64 * 2.0 - 1.0));
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

/// The wait after so many failures, without jitter.
fn nominal(failures: u32) -> Duration {
    FIRST.saturating_mul(2_u32.saturating_pow(failures.min(16))).min(CAP)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_to_a_cap_and_begin_anew() {
        let seconds: Vec<f64> = (0..7).map(|failures| nominal(failures).as_secs_f64()).collect();
        assert_eq!(seconds, [0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]);
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            assert!(backoff.next() <= CAP.mul_f64(1.0 + JITTER));
        }
        backoff.reset();
        assert!(backoff.next() <= FIRST.mul_f64(1.0 + JITTER));
    }

    #[test]
    fn two_consoles_do_not_wait_alike() {
        let waits: Vec<Duration> = (0..8).map(|_| Backoff::default().next()).collect();
        assert!(waits.iter().any(|wait| *wait != waits[0]), "{waits:?}");
    }
}
