//! Time as the console counts it.

/// Seconds on the console's own monotonic clock. Its start is 0; what was before it is negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Mono(pub f64);

impl Mono {
    /// Seconds from `earlier` to here; 0 when `earlier` is later.
    pub fn since(self, earlier: Self) -> f64 {
        (self.0 - earlier.0).max(0.0)
    }

    /// The instant `seconds` before this one.
    #[must_use]
    pub fn ago(self, seconds: f64) -> Self {
        Self(self.0 - seconds)
    }

    /// The instant `seconds` after this one.
    #[must_use]
    pub fn after(self, seconds: f64) -> Self {
        Self(self.0 + seconds)
    }
}
