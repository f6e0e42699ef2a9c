//! What a process is going to do, drawn when it is spawned.

use std::time::Duration;

use ubmc_core::{input::Exit, rng::Rng};

/// One process's nature.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nature {
    pub(super) ready_after: Option<Duration>,
    pub(super) exits_after: Option<(Duration, Exit)>,
    pub(super) ignores_term: bool,
    pub(super) survives_kill: bool,
    /// What it leaves behind outlives it by so much.
    pub(super) lingers: Duration,
    /// Share of checks that it passes.
    pub(super) health: f64,
    /// Says `WATCHDOG=1` in time.
    pub(super) beats: bool,
    /// Says `RELOADING=1` then, and `READY=1` after the second time; absent: never.
    pub(super) reloads: Option<(Duration, Option<Duration>)>,
    /// Says `STOPPING=1` then.
    pub(super) announces_stop: Option<Duration>,
}

impl Nature {
    /// As it should be.
    pub(super) fn calm(oneshot: bool, rng: &mut Rng) -> Self {
        let work = short(rng, 2.0);
        Self {
            ready_after: Some(short(rng, 1.0)),
            exits_after: oneshot.then_some((work, Exit::Code(0))),
            ignores_term: false,
            survives_kill: false,
            lingers: Duration::ZERO,
            health: 1.0,
            beats: true,
            reloads: None,
            announces_stop: None,
        }
    }

    /// As it pleases.
    pub(super) fn troubled(oneshot: bool, rng: &mut Rng) -> Self {
        let chance = |rng: &mut Rng, share: f64| rng.unit() < share;
        let exit = match rng.next_u64() % 4 {
            0 => Exit::Code(0),
            1 => Exit::Signal(11),
            _ => Exit::Code(1),
        };
        let exits = if oneshot { chance(rng, 0.9) } else { chance(rng, 0.4) };
        let after = short(rng, 40.0);
        Self {
            ready_after: if chance(rng, 0.85) { Some(short(rng, 8.0)) } else { None },
            exits_after: exits.then_some((after, exit)),
            ignores_term: chance(rng, 0.15),
            survives_kill: chance(rng, 0.01),
            lingers: if chance(rng, 0.1) { short(rng, 15.0) } else { Duration::ZERO },
            health: match rng.next_u64() % 8 {
                0 => 0.0,
                // It flaps.
                1 => 0.5,
                _ => 0.95,
            },
            beats: chance(rng, 0.8),
            reloads: chance(rng, 0.2)
                .then(|| (short(rng, 30.0), if chance(rng, 0.7) { Some(short(rng, 5.0)) } else { None })),
            announces_stop: chance(rng, 0.1).then(|| short(rng, 60.0)),
        }
    }
}

fn short(rng: &mut Rng, most: f64) -> Duration {
    Duration::from_secs_f64(rng.unit() * most)
}
