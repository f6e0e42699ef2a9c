//! The newest events, bounded by count and by bytes.

use std::{collections::VecDeque, sync::Arc, time::SystemTime};

use ubmc_core::event::{Event, Field};

use super::Filter;

/// Bounds of the ring.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most events kept, at least 1.
    pub events: usize,
    /// Most bytes that kept events occupy, roughly. The newest event is kept whatever its size.
    pub bytes: usize,
}

impl Default for Bounds {
    /// A day of an ordinary machine; a fifth of what the daemon may occupy.
    fn default() -> Self {
        Self { events: 10_000, bytes: 2 << 20 }
    }
}

/// An event with the wall time at which it was kept.
#[derive(Clone, Debug)]
pub struct Kept {
    /// What happened.
    pub event: Event,
    /// A label for people.
    pub wall: SystemTime,
}

/// Numbers `first`–`last` that can no longer be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// First of them.
    pub first: u64,
    /// Last of them.
    pub last: u64,
}

impl Gap {
    /// How many.
    pub const fn count(self) -> u64 {
        self.last - self.first + 1
    }
}

/// A stretch of the stream.
#[derive(Debug)]
pub struct Page {
    /// Came before `events` and is gone.
    pub lost: Option<Gap>,
    /// Those that the filter takes, oldest first.
    pub events: Vec<Arc<Kept>>,
    /// The last number that was looked at: where the next page goes on.
    pub up_to: u64,
}

#[derive(Debug)]
pub(super) struct Ring {
    bounds: Bounds,
    events: VecDeque<Arc<Kept>>,
    bytes: usize,
    /// Newest number; 0 before the first.
    last: u64,
}

impl Ring {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self { bounds, events: VecDeque::new(), bytes: 0, last: 0 }
    }

    /// Newest number; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Oldest number that is kept; one more than `last` when nothing is.
    pub(super) fn oldest(&self) -> u64 {
        self.last + 1 - self.events.len() as u64
    }

    pub(super) fn push(&mut self, event: Event, wall: SystemTime) {
        // Places in the ring are computed from numbers: a gap would shift every event behind it.
        debug_assert!(self.last == 0 || event.seq == self.last + 1, "event {} after {}", event.seq, self.last);
        if event.seq != self.last + 1 {
            self.events.clear();
            self.bytes = 0;
        }
        self.last = event.seq;
        self.bytes += footprint(&event);
        self.events.push_back(Arc::new(Kept { event, wall }));
        while self.events.len() > 1 && (self.events.len() > self.bounds.events || self.bytes > self.bounds.bytes) {
            if let Some(gone) = self.events.pop_front() {
                self.bytes -= footprint(&gone.event);
            }
        }
    }

    /// Up to `limit` wanted events after number `after`, having looked at no more than `look` of them.
    pub(super) fn page(&self, after: u64, filter: &Filter, limit: usize, look: usize) -> Page {
        let oldest = self.oldest();
        let lost = (after + 1 < oldest).then(|| Gap { first: after + 1, last: oldest - 1 });
        let mut up_to = after.max(oldest - 1).min(self.last);
        let mut events = Vec::new();
        let skip = usize::try_from(up_to + 1 - oldest).unwrap_or(usize::MAX);
        for kept in self.events.iter().skip(skip).take(look) {
            if events.len() == limit {
                break;
            }
            up_to = kept.event.seq;
            if filter.takes(&kept.event) {
                events.push(Arc::clone(kept));
            }
        }
        Page { lost, events, up_to }
    }

    /// `limit` wanted events, oldest first: those that follow number `after`, so that whoever reads on from there misses
    /// none; from the beginning (0), the newest.
    pub(super) fn list(&self, after: u64, filter: &Filter, limit: usize) -> Page {
        let oldest = self.oldest();
        let wanted = |kept: &&std::sync::Arc<Kept>| kept.event.seq > after && filter.takes(&kept.event);
        let events: Vec<_> = if after > 0 {
            self.events.iter().filter(wanted).take(limit).cloned().collect()
        } else {
            let mut newest: Vec<_> = self.events.iter().rev().filter(wanted).take(limit).cloned().collect();
            newest.reverse();
            newest
        };
        let lost = (after + 1 < oldest).then(|| Gap { first: after + 1, last: oldest - 1 });
        Page { lost, events, up_to: self.last }
    }
}

/// Roughly what keeping the event costs, in bytes.
fn footprint(event: &Event) -> usize {
    let fields = event.fields.iter().map(|(_, field)| match field {
        Field::Text(text) => text.capacity(),
        Field::Number(_) | Field::Bool(_) => 0,
    });
    size_of::<Kept>()
        + event.subject.capacity()
        + event.actor.capacity()
        + event.text.capacity()
        + event.fields.capacity() * size_of::<(&str, Field)>()
        + fields.sum::<usize>()
}

#[cfg(test)]
mod tests {
    use ubmc_core::{event::Severity, ids::CauseId, time::Mono};

    use super::*;

    fn ring(bounds: Bounds, count: u64) -> Ring {
        let mut ring = Ring::new(bounds);
        for seq in 1..=count {
            ring.push(event(seq), SystemTime::UNIX_EPOCH);
        }
        ring
    }

    /// Even numbers are about `even`, odd ones about `odd`.
    fn event(seq: u64) -> Event {
        Event {
            seq,
            mono: Mono::ZERO,
            subject: if seq.is_multiple_of(2) { "even".into() } else { "odd".into() },
            source: "operator",
            severity: Severity::Info,
            cause: CauseId(1),
            actor: String::new(),
            text: "x".repeat(100),
            fields: Vec::new(),
        }
    }

    fn numbers(page: &Page) -> Vec<u64> {
        page.events.iter().map(|kept| kept.event.seq).collect()
    }

    #[test]
    fn it_keeps_the_newest_within_its_count() {
        let ring = ring(Bounds { events: 3, bytes: usize::MAX }, 10);
        assert_eq!((ring.oldest(), ring.last()), (8, 10));
        let page = ring.page(0, &Filter::default(), 100, 100);
        assert_eq!(numbers(&page), [8, 9, 10]);
        assert_eq!(page.lost, Some(Gap { first: 1, last: 7 }));
    }

    #[test]
    fn it_keeps_the_newest_within_its_bytes_but_always_one() {
        let one = footprint(&event(2));
        assert_eq!(ring(Bounds { events: 100, bytes: 2 * one }, 10).oldest(), 9);
        assert_eq!(ring(Bounds { events: 100, bytes: 1 }, 10).oldest(), 10);
    }

    #[test]
    fn pages_join_without_gap_or_overlap_whatever_their_size() {
        let ring = ring(Bounds::default(), 25);
        let odd = Filter::new(&["odd".into()], None).unwrap();
        for (limit, look) in [(1, 100), (3, 4), (100, 100), (100, 1)] {
            let (mut after, mut seen) = (4, Vec::new());
            while after < ring.last() {
                let page = ring.page(after, &odd, limit, look);
                assert_eq!(page.lost, None);
                assert!(page.up_to > after, "no progress at {after} with {limit}/{look}");
                seen.extend(numbers(&page));
                after = page.up_to;
            }
            assert_eq!(seen, (5..=25).step_by(2).collect::<Vec<_>>(), "{limit}/{look}");
        }
    }

    #[test]
    fn an_empty_ring_and_a_position_beyond_its_end_give_nothing() {
        for (count, after) in [(0, 0), (0, 9), (5, 5), (5, 9)] {
            let ring = ring(Bounds::default(), count);
            let page = ring.page(after, &Filter::default(), 10, 10);
            assert_eq!((numbers(&page), page.lost), (vec![], None), "{count} events, after {after}");
            assert_eq!(page.up_to, count);
        }
    }

    #[test]
    fn the_newest_are_given_oldest_first_and_what_expired_is_said() {
        let ring = ring(Bounds { events: 6, bytes: usize::MAX }, 10);
        let page = ring.list(0, &Filter::new(&["even".into()], None).unwrap(), 2);
        assert_eq!((numbers(&page), page.lost), (vec![8, 10], Some(Gap { first: 1, last: 4 })));
        assert_eq!(ring.list(4, &Filter::default(), 9).lost, None);
    }
}
