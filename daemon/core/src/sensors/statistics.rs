//! What all good readings of a sensor have in common.

/// Over every good reading since the daemon started.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Statistics {
    /// Lowest. Absent before the first.
    pub minimum: Option<f64>,
    /// Highest. Absent before the first.
    pub maximum: Option<f64>,
    /// Mean of all readings, each of the same weight. Absent before the first.
    pub mean: Option<f64>,
    /// Good readings.
    pub readings: u64,
    /// Reads that failed or gave no finite number.
    pub errors: u64,
}

impl Statistics {
    /// A good reading, finite.
    pub(super) fn add(&mut self, value: f64) {
        self.readings = self.readings.saturating_add(1);
        self.minimum = Some(self.minimum.map_or(value, |least| least.min(value)));
        self.maximum = Some(self.maximum.map_or(value, |most| most.max(value)));
        // By steps (Welford 1962): a sum over months would lose the last digits.
        self.mean = Some(self.mean.map_or(value, |mean| mean + (value - mean) / self.readings as f64));
    }

    /// A read that gave nothing.
    pub(super) const fn fail(&mut self) {
        self.errors = self.errors.saturating_add(1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mean_of_many_readings_is_theirs_and_not_that_of_the_last_ones() {
        let mut statistics = Statistics::default();
        assert_eq!(statistics.mean, None);
        for reading in 1..=1_000_000_u32 {
            statistics.add(f64::from(reading % 100));
        }
        statistics.fail();
        assert!((statistics.mean.unwrap() - 49.5).abs() < 1e-9, "{statistics:?}");
        assert_eq!((statistics.minimum, statistics.maximum), (Some(0.0), Some(99.0)));
        assert_eq!((statistics.readings, statistics.errors), (1_000_000, 1));
    }
}
