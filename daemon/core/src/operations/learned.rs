//! How long machines took so far: what an operator may expect next time.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{ids::MachineId, machines::Demand};

/// As many as are remembered of each: what was long ago says little of the machine as it is now.
const KEPT: usize = 8;

/// Durations of steps that succeeded, since the start of the daemon.
#[derive(Clone, Debug, Default)]
pub struct Learned {
    took: BTreeMap<(MachineId, Demand), VecDeque<Duration>>,
}

impl Learned {
    /// A step has succeeded after so long.
    pub(super) fn note(&mut self, machine: MachineId, demand: Demand, took: Duration) {
        let all = self.took.entry((machine, demand)).or_default();
        if all.len() == KEPT {
            all.pop_front();
        }
        all.push_back(took);
    }

    /// What is usual: the median. Absent: it was never done.
    pub fn usual(&self, machine: MachineId, demand: Demand) -> Option<Duration> {
        let mut all: Vec<_> = self.took.get(&(machine, demand))?.iter().copied().collect();
        all.sort_unstable();
        all.get(all.len() / 2).copied()
    }
}
