//! What runs on a host: firmware, then a system that can be asked to shut down.
//!
//! ```text
//!        power-good              boot over               asked
//!   Off ────────────▶ Booting ────────────▶ Up ──────────────────▶ ShuttingDown ──▶ lets go of its power
//!    ▲                   ▲ ◀─── reset ──────┴─────────── reset ──────────┤
//!    └──────────────── power gone, from anywhere ────────────────────────┘
//! ```

use std::time::Duration;

/// How long a host writes its dump after a diagnostic interrupt, busy with nothing else.
const DUMP: Duration = Duration::from_secs(2);

/// What runs on a host.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Software {
    state: State,
    /// Asked to shut down before the system was there to do it: done when it is.
    asked: bool,
    /// Diagnostic interrupts taken since the board was plugged in.
    pub(super) interrupts: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Off,
    Booting {
        left: Duration,
    },
    Up {
        dump_left: Duration,
    },
    ShuttingDown {
        left: Duration,
    },
}

/// What holds while software runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Surroundings {
    /// The host's power is good.
    pub(super) powered: bool,
    /// The fault host-hang: time stands still for it.
    pub(super) hung: bool,
    /// The reset line is high.
    pub(super) in_reset: bool,
    /// From power-good to post-complete.
    pub(super) boot: Duration,
    /// From being asked to letting go of the power.
    pub(super) shutdown: Duration,
}

impl Software {
    /// Booted and running, as when the board is plugged in with everything on.
    pub(super) fn running() -> Self {
        Self { state: State::Up { dump_left: Duration::ZERO }, ..Self::default() }
    }

    /// The level of the post-complete line.
    pub(super) const fn post_complete(self) -> bool {
        matches!(self.state, State::Up { .. } | State::ShuttingDown { .. })
    }

    /// How busy it keeps the CPU, 0–1, when its users want `wanted`.
    pub(super) fn load(self, wanted: f64) -> f64 {
        match self.state {
            State::Off => 0.0,
            State::Booting { .. } => 0.6,
            State::Up { dump_left } if !dump_left.is_zero() => 1.0,
            State::Up { .. } => wanted,
            State::ShuttingDown { .. } => 0.3,
        }
    }

    /// Until it changes by itself, given that nothing holds it.
    pub(super) const fn deadline(self) -> Option<Duration> {
        match self.state {
            State::Off => None,
            State::Booting { left } | State::ShuttingDown { left } | State::Up { dump_left: left } => Some(left),
        }
    }

    /// The shutdown-request line rose.
    pub(super) fn ask_to_shut_down(&mut self) {
        self.asked = self.state != State::Off;
    }

    /// The interrupt line rose.
    pub(super) fn interrupt(&mut self, hung: bool) {
        if let State::Up { dump_left } = &mut self.state
            && !hung
        {
            self.interrupts = self.interrupts.saturating_add(1);
            *dump_left = DUMP;
        }
    }

    /// Goes on for `dt`. True: it is done shutting down and lets go of its power.
    pub(super) fn advance(&mut self, dt: Duration, around: Surroundings) -> bool {
        if !around.powered {
            self.state = State::Off;
            self.asked = false;
            return false;
        }
        if around.in_reset {
            self.state = State::Booting { left: around.boot };
            self.asked = false;
            return false;
        }
        let dt = if around.hung { Duration::ZERO } else { dt };
        self.state = match self.state {
            State::Off => State::Booting { left: around.boot },
            State::Booting { left } => match left.saturating_sub(dt) {
                Duration::ZERO if !around.hung => State::Up { dump_left: Duration::ZERO },
                left => State::Booting { left },
            },
            State::Up { .. } if self.asked && !around.hung => {
                self.asked = false;
                State::ShuttingDown { left: around.shutdown }
            }
            State::Up { dump_left } => State::Up { dump_left: dump_left.saturating_sub(dt) },
            State::ShuttingDown { left } => State::ShuttingDown { left: left.saturating_sub(dt) },
        };
        !around.hung && self.state == State::ShuttingDown { left: Duration::ZERO }
    }
}
