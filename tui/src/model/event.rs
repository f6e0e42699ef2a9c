//! Events as the console keeps them: in order, with what is missing said in place.

use std::collections::VecDeque;

use super::Severity;

/// One event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event {
    /// Counts from 1 without gap within one run of the daemon.
    pub seq: u64,
    /// Wall time, seconds since 1970.
    pub time_s: f64,
    /// Seconds of the daemon's monotonic clock.
    pub mono_s: f64,
    /// Dotted.
    pub subject: String,
    /// What said it.
    pub source: String,
    /// How serious.
    pub severity: Severity,
    /// Shared by all that one cause brought about.
    pub cause: u64,
    /// Who asked; empty when nobody did.
    pub actor: String,
    /// One sentence.
    pub text: String,
    /// Details by name, in order.
    pub payload: Vec<(String, String)>,
}

/// An entry of the tail.
#[derive(Clone, Debug, PartialEq)]
pub enum Entry {
    /// An event.
    Event(Event),
    /// Events that can not be had any more.
    Lost {
        /// The first missing number.
        first: u64,
        /// The last missing number.
        last: u64,
        /// `expired` or `slow-reader`.
        reason: String,
    },
    /// The daemon was started anew: numbers begin again.
    Restarted,
}

/// The tail of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tail {
    /// Kept entries, oldest first.
    pub entries: VecDeque<Entry>,
    /// How many entries were dropped in front of the first kept one.
    pub dropped: u64,
    /// Events that were lost on the way, since the console started.
    pub missed: u64,
}

/// When so many entries are kept …
const TAIL_FULL: usize = 4_000;
/// … the oldest go until so many are left: in one go, so that a reader who has scrolled up is seldom disturbed.
const TAIL_LEFT: usize = 3_000;

impl Tail {
    /// Appends an entry.
    pub fn push(&mut self, entry: Entry) {
        if let Entry::Lost { first, last, .. } = &entry {
            self.missed += last.saturating_sub(*first) + 1;
        }
        self.entries.push_back(entry);
        if self.entries.len() >= TAIL_FULL {
            while self.entries.len() > TAIL_LEFT {
                self.entries.pop_front();
                self.dropped += 1;
            }
        }
    }

    /// Entries with their numbers, which never change, oldest first.
    pub fn numbered(&self) -> impl DoubleEndedIterator<Item = (u64, &Entry)> {
        self.entries.iter().enumerate().map(|(index, entry)| (self.dropped + index as u64, entry))
    }

    /// Events of this run of the daemon, oldest first: numbers and causes of another mean something else.
    pub fn since_restart(&self) -> impl Iterator<Item = &Event> {
        let begin = self.entries.iter().rposition(|entry| *entry == Entry::Restarted).map_or(0, |at| at + 1);
        self.entries.range(begin..).filter_map(|entry| if let Entry::Event(event) = entry { Some(event) } else { None })
    }

    /// The entry with this number. None when it was dropped.
    pub fn get(&self, number: u64) -> Option<&Entry> {
        self.entries.get(usize::try_from(number.checked_sub(self.dropped)?).ok()?)
    }
}
