//! Noise that does not depend on how often anybody looks: a function of seed, stream and moment.

use std::f64::consts::TAU;

/// Everything random of one board.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    seed: u64,
}

impl Noise {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed }
    }

    /// −1 – 1, most often near 0, independent from moment to moment.
    pub(super) fn jitter(self, stream: u64, moment: u64) -> f64 {
        let bits = mix(self.seed ^ mix(stream.wrapping_mul(0x9e37).wrapping_add(mix(moment))));
        fraction(bits >> 32) - fraction(bits & 0xffff_ffff)
    }

    /// −1 – 1, smooth, over tens of seconds to minutes.
    pub(super) fn wander(self, stream: u64, time_s: f64) -> f64 {
        // Periods without a common measure, so that it does not repeat while anybody watches.
        [(41.0, 0.2), (113.0, 0.3), (347.0, 0.5)].into_iter().zip(1..).fold(0.0, |sum, ((period, weight), part)| {
            let phase = fraction(mix(self.seed ^ mix(stream.wrapping_mul(31).wrapping_add(part))) >> 32);
            sum + weight * (TAU * (time_s / period + phase)).sin()
        })
    }
}

/// 32 bits as 0–1.
fn fraction(bits: u64) -> f64 {
    bits as f64 / f64::from(u32::MAX)
}

/// splitmix64's finalizer (Steele, Lea, Flood 2014): every input bit reaches every output bit.
const fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn noise_is_bounded_and_without_bias() {
        let noise = Noise::new(7);
        let samples: Vec<_> = (0..10_000).map(|moment| noise.jitter(3, moment)).collect();
        assert!(samples.iter().all(|sample| sample.abs() <= 1.0));
        assert!((samples.iter().sum::<f64>() / 10_000.0).abs() < 0.02);
        assert!((0..10_000).map(|second| noise.wander(1, f64::from(second))).all(|load| load.abs() <= 1.0));
    }
}
