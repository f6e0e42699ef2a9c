//! Many measurements as few numbers.

/// Measurements of one kind, sorted.
#[derive(Clone, Debug)]
pub struct Spread(Vec<f64>);

impl Spread {
    /// Of at least one measurement; without any, every number is NaN.
    pub fn of(mut measurements: Vec<f64>) -> Self {
        measurements.sort_by(f64::total_cmp);
        Self(measurements)
    }

    /// The least that so many percent of the measurements do not exceed (nearest rank).
    pub fn percentile(&self, percent: usize) -> f64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).copied().unwrap_or(f64::NAN)
    }

    /// In the middle; of an even number, between the two in the middle.
    pub fn median(&self) -> f64 {
        let (middle, count) = (self.0.len() / 2, self.0.len());
        let at = |index: usize| self.0.get(index).copied().unwrap_or(f64::NAN);
        if count > 0 && count % 2 == 0 { f64::midpoint(at(middle - 1), at(middle)) } else { at(middle) }
    }

    /// Least.
    pub fn min(&self) -> f64 {
        self.0.first().copied().unwrap_or(f64::NAN)
    }

    /// Most.
    pub fn max(&self) -> f64 {
        self.0.last().copied().unwrap_or(f64::NAN)
    }

    /// How many measurements.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// Arithmetic mean.
    pub fn mean(&self) -> f64 {
        self.0.iter().sum::<f64>() / self.0.len() as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_are_those_of_the_sorted_measurements() {
        let check = |measurements: Vec<f64>, p50: f64, p99: f64, median: f64| {
            let spread = Spread::of(measurements);
            let got = [spread.percentile(50), spread.percentile(99), spread.median()];
            assert_eq!(got.map(f64::to_bits), [p50, p99, median].map(f64::to_bits), "{spread:?}: {got:?}");
        };
        check(vec![3.0, 1.0, 2.0], 2.0, 3.0, 2.0);
        check(vec![4.0, 1.0, 2.0, 3.0], 2.0, 4.0, 2.5);
        check((1..=200).rev().map(f64::from).collect(), 100.0, 198.0, 100.5);
        assert!(Spread::of(Vec::new()).median().is_nan());
    }
}
