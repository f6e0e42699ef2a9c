//! Requests for a time of the wall clock. The clock may jump: what is due follows it. What was due while nobody ran is
//! done at once.

use std::collections::BTreeMap;

use crate::{
    ids::ScheduleId,
    memory::ScheduleMemory,
    time::{Mono, Wall},
};

/// Schedules at a time; more are refused.
pub const MOST: usize = 32;

/// What the wall clock says, by the monotonic one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct WallClock {
    told: Option<(Mono, Wall)>,
}

/// A step of the wall clock beyond this is a jump; less is the difference of two crystals.
const JUMP: std::time::Duration = std::time::Duration::from_secs(1);

impl WallClock {
    /// It is `wall` at `now`. True: the clock was set since it was told last.
    pub(super) fn told(&mut self, now: Mono, wall: Wall) -> bool {
        let expected = self.at(now);
        self.told = Some((now, wall));
        expected.is_some_and(|expected| expected.since(wall).max(wall.since(expected)) > JUMP)
    }

    /// What it says at `now`. Absent: nobody has told yet.
    pub(super) fn at(&self, now: Mono) -> Option<Wall> {
        self.told.map(|(when, wall)| wall + now.since(when))
    }
}

/// All of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Schedules {
    /// By number.
    pub(super) all: BTreeMap<ScheduleId, ScheduleMemory>,
    /// The number of the last one that there ever was.
    pub(super) last: u64,
}

impl Schedules {
    /// One more. None: there are too many.
    pub(super) fn add(&mut self, schedule: ScheduleMemory) -> Option<ScheduleId> {
        if self.all.len() >= MOST {
            return None;
        }
        self.last += 1;
        let id = ScheduleId(self.last);
        self.all.insert(id, schedule);
        Some(id)
    }

    /// Those whose time has come, the earliest first.
    pub(super) fn due(&self, wall: Wall) -> Vec<ScheduleId> {
        let mut due: Vec<_> = self.all.iter().filter(|(_, schedule)| schedule.at <= wall).collect();
        due.sort_by_key(|(id, schedule)| (schedule.at, **id));
        due.into_iter().map(|(id, _)| *id).collect()
    }

    /// When the next one is due after `wall`.
    pub(super) fn next(&self, wall: Wall) -> Option<Wall> {
        self.all.values().map(|schedule| schedule.at).filter(|at| *at > wall).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{input::Verb, machines::Demand};

    #[test]
    fn a_clock_that_was_set_is_told_from_one_that_runs() {
        let wall = |s| Wall::new(Duration::from_secs(s));
        let mono = |s| Mono::new(Duration::from_secs(s));
        let mut clock = WallClock::default();
        assert_eq!(clock.at(mono(5)), None);
        assert!(!clock.told(mono(10), wall(1000)), "the first word is no jump");
        assert_eq!(clock.at(mono(70)), Some(wall(1060)));
        assert!(!clock.told(mono(70), wall(1061)), "crystals differ");
        assert!(clock.told(mono(80), wall(900)));
        assert!(clock.told(mono(90), wall(100_000)));
    }

    #[test]
    fn their_number_is_bounded_and_numbers_are_not_used_again() {
        let mut schedules = Schedules::default();
        let at = |s| ScheduleMemory {
            at: Wall::new(Duration::from_secs(s)),
            machine: "host.0".into(),
            verb: Verb::Demand(Demand::On),
            actor: String::new(),
            reason: String::new(),
        };
        let ids: Vec<_> = (0..MOST as u64).rev().map(|s| schedules.add(at(s)).unwrap()).collect();
        assert_eq!(schedules.add(at(1)), None);
        assert_eq!(schedules.due(Wall::new(Duration::from_secs(1))), [ids[MOST - 1], ids[MOST - 2]]);
        schedules.all.remove(&ids[0]);
        assert_eq!(schedules.add(at(7)), Some(ScheduleId(MOST as u64 + 1)));
    }
}
