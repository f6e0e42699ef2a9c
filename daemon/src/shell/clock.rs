//! The monotonic clock of this daemon: zero is its start.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use ubmc_core::time::Mono;

/// Gives the core its time.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock that is zero now.
    pub fn start() -> Self {
        Self { origin: Instant::now() }
    }

    /// Now.
    pub fn now(self) -> Mono {
        Mono::new(self.origin.elapsed())
    }

    /// The runtime's word for `moment`.
    pub fn instant(self, moment: Mono) -> tokio::time::Instant {
        // A moment that no clock reaches is one that never comes.
        let never = || self.origin + std::time::Duration::from_secs(86_400 * 365);
        self.origin.checked_add(moment.since_origin()).unwrap_or_else(never).into()
    }
}

/// Wall time as seconds since 1970; 0 when the clock says it is earlier.
pub fn unix_seconds(time: SystemTime) -> f64 {
    time.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}
