//! Moments of `CLOCK_MONOTONIC`, which the services' marks are in too.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub u64);

impl Moment {
    /// This one.
    pub fn now() -> Self {
        let now = clock_gettime(ClockId::Monotonic);
        let (seconds, nanos) = (u64::try_from(now.tv_sec), u64::try_from(now.tv_nsec));
        // The kernel's clock starts at zero and counts up.
        Self(seconds.unwrap_or_default() * 1_000_000_000 + nanos.unwrap_or_default())
    }

    /// Milliseconds since an earlier one; negative when that was later.
    pub fn ms_since(self, earlier: Self) -> f64 {
        (self.0 as f64 - earlier.0 as f64) / 1e6
    }

    /// Later by so much.
    #[must_use]
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0 + u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX / 2))
    }
}

/// Lets time pass. Everything measured here is measured while this thread is out of the way.
pub fn pause(duration: Duration) {
    let end = Moment::now().after(duration);
    while let Some(left) = end.0.checked_sub(Moment::now().0).filter(|left| *left > 0) {
        std::thread::park_timeout(Duration::from_nanos(left));
    }
}
