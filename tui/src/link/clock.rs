//! The one clock of the console.

use std::time::Instant;

use crate::model::Mono;

/// Where the seconds of [`Mono`] come from.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// A clock that stands at 0 now.
    pub fn start() -> Self {
        Self { start: Instant::now() }
    }

    /// Seconds since the start.
    pub fn now(&self) -> Mono {
        Mono(self.start.elapsed().as_secs_f64())
    }

    /// The instant of the system's clock at `at`; the start for anything before it.
    pub fn instant(&self, at: Mono) -> Instant {
        self.start + std::time::Duration::from_secs_f64(at.0.max(0.0))
    }
}
