//! When a reading alarms, and when the alarm clears.

use super::Thresholds;
use crate::{time::Mono, view::Status};

/// Which alarms stand, lowest to highest level on each side.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alarms {
    high: [bool; 3],
    low: [bool; 3],
    /// Since when the value has been at or below each low limit.
    low_since: [Option<Mono>; 3],
}

const LEVELS: [Status; 3] = [Status::Warning, Status::Critical, Status::Fatal];

impl Alarms {
    /// Judges a good reading. High alarms count at once; low ones after `low_delay`.
    pub fn judge(&mut self, limits: &Thresholds, value: f64, now: Mono) -> Status {
        let high = [limits.warning_high, limits.critical_high, limits.fatal_high];
        let low = [limits.warning_low, limits.critical_low, limits.fatal_low];
        for level in 0..3 {
            self.high[level] = high[level]
                .is_some_and(|limit| value >= limit || (self.high[level] && value >= limit - limits.hysteresis));
            let beyond = low[level]
                .is_some_and(|limit| value <= limit || (self.low[level] && value <= limit + limits.hysteresis));
            let since = beyond.then(|| self.low_since[level].unwrap_or(now));
            self.low_since[level] = since;
            self.low[level] = since.is_some_and(|since| self.low[level] || now.since(since) >= limits.low_delay);
        }
        self.status()
    }

    /// The worst that stands.
    pub fn status(&self) -> Status {
        (0..3).rev().find(|level| self.high[*level] || self.low[*level]).map_or(Status::Ok, |level| LEVELS[level])
    }

    /// A high alarm of at least this level stands: 0 warning, 1 critical, 2 fatal.
    pub fn is_high(&self, level: usize) -> bool {
        self.high.iter().skip(level).any(|alarm| *alarm)
    }

    /// Forgets all: what it measured is off.
    pub fn clear(&mut self) {
        *self = Self::default();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn check(limits: Thresholds, readings: &[(u64, f64, Status)]) {
        let mut alarms = Alarms::default();
        for (second, value, expected) in readings {
            let status = alarms.judge(&limits, *value, Mono::from_millis(second * 1000));
            assert_eq!(status, *expected, "{value} at {second} s");
        }
    }

    /// reference/thermal.md: high 80, hysteresis 2.
    #[test]
    fn a_high_alarm_holds_until_the_value_is_back_by_the_hysteresis() {
        let limits = Thresholds { warning_high: Some(80.0), hysteresis: 2.0, ..Thresholds::default() };
        check(
            limits,
            &[(0, 79.9, Status::Ok), (1, 80.0, Status::Warning), (2, 78.0, Status::Warning), (3, 77.9, Status::Ok)],
        );
    }

    #[test]
    fn a_low_alarm_waits_because_a_rail_that_goes_off_is_no_fault() {
        let limits = Thresholds {
            critical_low: Some(10.8),
            hysteresis: 0.2,
            low_delay: Duration::from_secs(3),
            ..Thresholds::default()
        };
        check(
            limits,
            &[
                (0, 10.0, Status::Ok),
                (1, 12.0, Status::Ok),
                (2, 10.0, Status::Ok),
                (4, 10.0, Status::Ok),
                (5, 10.0, Status::Critical),
                (6, 10.9, Status::Critical),
                (7, 11.1, Status::Ok),
            ],
        );
    }

    #[test]
    fn the_worst_level_counts() {
        let limits = Thresholds {
            warning_high: Some(80.0),
            critical_high: Some(90.0),
            fatal_high: Some(100.0),
            ..Thresholds::default()
        };
        check(limits, &[(0, 101.0, Status::Fatal), (1, 95.0, Status::Critical), (2, 85.0, Status::Warning)]);
    }
}
