//! Physical quantities. No bare `f64` crosses a module where one of these fits.

use std::fmt;

/// Degrees Celsius. Always finite: see [`Celsius::new`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd)]
pub struct Celsius(f64);

impl Celsius {
    /// None for NaN and infinities: such an input is a failed sensor, never a temperature.
    pub fn new(value: f64) -> Option<Self> {
        value.is_finite().then_some(Self(value))
    }

    /// The number.
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl fmt::Display for Celsius {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1} °C", self.0)
    }
}

/// How hard a fan is driven, in percent: 0–100, always finite.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd)]
pub struct Duty(f64);

impl Duty {
    /// Standing still.
    pub const OFF: Self = Self(0.0);
    /// Full speed: what everything unknown leads to.
    pub const FULL: Self = Self(100.0);

    /// Clamped to 0–100. A value that is not finite becomes full speed, because it says that something is wrong.
    pub fn new(percent: f64) -> Self {
        if percent.is_finite() { Self(percent.clamp(0.0, 100.0)) } else { Self::FULL }
    }

    /// Percent.
    pub const fn percent(self) -> f64 {
        self.0
    }

    /// The higher of two.
    #[must_use]
    pub fn max(self, other: Self) -> Self {
        Self(self.0.max(other.0))
    }

    /// The lower of two.
    #[must_use]
    pub fn min(self, other: Self) -> Self {
        Self(self.0.min(other.0))
    }
}

impl fmt::Display for Duty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} %", self.0)
    }
}

/// What a signal line carries, after polarity: the board file says which electrical level that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// Not asserted.
    Low,
    /// Asserted.
    High,
}

impl Level {
    /// High for true.
    pub const fn from_bool(asserted: bool) -> Self {
        if asserted { Self::High } else { Self::Low }
    }

    /// True for high.
    pub const fn is_high(self) -> bool {
        matches!(self, Self::High)
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_high() { "high" } else { "low" })
    }
}
