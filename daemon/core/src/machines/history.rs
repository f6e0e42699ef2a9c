//! What machines did: the last transitions one by one, and all of them counted.

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use crate::{
    ids::{CauseId, Name},
    time::Mono,
};

/// Transitions kept one by one.
const KEPT: usize = 500;

/// One past transition.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRecord {
    /// Number of its event.
    pub seq: u64,
    /// Which machine.
    pub machine: Name,
    /// From which state.
    pub from: Name,
    /// To which state.
    pub to: Name,
    /// What triggered it.
    pub trigger: String,
    /// Time spent in `from`.
    pub duration: Duration,
    /// When.
    pub mono: Mono,
    /// Shared with everything of the same origin.
    pub cause: CauseId,
    /// Who asked; may be empty.
    pub actor: Name,
}

/// How often a machine went from one state to another, and how long it had been there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    /// Times, at least 1.
    pub count: u64,
    /// Time spent in the state it left, all times together.
    pub total: Duration,
    /// The shortest.
    pub shortest: Duration,
    /// The longest.
    pub longest: Duration,
    /// When last.
    pub last: Mono,
}

/// Which machine, from which state, to which.
pub type Arrow = (Name, Name, Name);

/// All that is kept. Definitions are finite, so the counts are bounded as well.
#[derive(Clone, Debug, Default)]
pub struct History {
    records: VecDeque<TransitionRecord>,
    tallies: BTreeMap<Arrow, Tally>,
}

impl History {
    /// One more.
    pub(super) fn push(&mut self, record: TransitionRecord) {
        let arrow = (record.machine.clone(), record.from.clone(), record.to.clone());
        let spent = record.duration;
        self.tallies
            .entry(arrow)
            .and_modify(|tally| {
                tally.count += 1;
                tally.total += spent;
                tally.shortest = tally.shortest.min(spent);
                tally.longest = tally.longest.max(spent);
                tally.last = record.mono;
            })
            .or_insert(Tally { count: 1, total: spent, shortest: spent, longest: spent, last: record.mono });
        self.records.push_back(record);
        if self.records.len() > KEPT {
            self.records.pop_front();
        }
    }

    /// The last ones, oldest first.
    pub fn records(&self) -> impl Iterator<Item = &TransitionRecord> {
        self.records.iter()
    }

    /// All since the start of the daemon, counted; by machine, then by state.
    pub fn tallies(&self) -> impl Iterator<Item = (&Arrow, &Tally)> {
        self.tallies.iter()
    }
}
