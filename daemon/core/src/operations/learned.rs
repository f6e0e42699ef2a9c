//! How long machines took so far: what an operator may expect next time.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{ids::MachineId, machines::Demand};

/// How long each demand took of one machine, oldest first.
pub type Took = BTreeMap<Demand, Vec<Duration>>;

/// As many as are remembered of each: what was long ago says little of the machine as it is now.
const KEPT: usize = 8;

/// Durations of steps that succeeded, oldest first.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    took: BTreeMap<MachineId, BTreeMap<Demand, VecDeque<Duration>>>,
}

impl Learned {
    /// A step has succeeded after so long.
    pub(super) fn note(&mut self, machine: MachineId, demand: Demand, took: Duration) {
        let all = self.took.entry(machine).or_default().entry(demand).or_default();
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(took);
    }

    /// What is usual: the median. Absent: it was never done.
    pub fn usual(&self, machine: MachineId, demand: Demand) -> Option<Duration> {
        let mut all: Vec<_> = self.took.get(&machine)?.get(&demand)?.iter().copied().collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }

    /// What is to be remembered of a machine.
    pub fn of(&self, machine: MachineId) -> Took {
        let known = self.took.get(&machine).into_iter().flatten();
        known.map(|(demand, all)| (*demand, all.iter().copied().collect())).collect()
    }

    /// What was remembered of it.
    pub fn recall(&mut self, machine: MachineId, took: &Took) {
        for (demand, all) in took {
            for one in all {
                self.note(machine, *demand, *one);
            }
        }
    }
}
