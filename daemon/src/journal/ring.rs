//! The newest events, bounded by count and by bytes.
//!
//! They lie as bytes one behind the other in chunks; the oldest leaves first, and a chunk goes with its last event. Who
//! reads gets values.

use std::{collections::VecDeque, time::SystemTime};

use ubmc_core::event::Event;

use super::{
    Filter,
    packed::{self, Words},
};

/// Large enough that few are needed, small enough that what the oldest has lost does not matter.
const CHUNK: usize = 16 << 10;

/// Bounds of the ring.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Most events kept, at least 1.
    pub events: usize,
    /// Most bytes that kept events occupy, but for a chunk. The newest event is kept whatever its size.
    pub bytes: usize,
}

impl Default for Bounds {
    /// A day of an ordinary machine, in a fifth of what the daemon may occupy; mostly the count is reached first.
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
    pub events: Vec<Kept>,
    /// The last number that was looked at: where the next page goes on.
    pub up_to: u64,
}

#[derive(Debug)]
pub(super) struct Ring {
    bounds: Bounds,
    chunks: VecDeque<Chunk>,
    words: Words,
    count: usize,
    /// Of all that are kept.
    bytes: usize,
    /// Newest number; 0 before the first.
    last: u64,
    /// Where an event is packed before it is known where it fits.
    bench: Vec<u8>,
}

/// Events with consecutive numbers; at least one.
#[derive(Debug)]
struct Chunk {
    /// Number of the oldest that is left.
    first: u64,
    count: usize,
    /// Where that one begins.
    start: usize,
    /// For each its length, then the event.
    data: Vec<u8>,
}

impl Chunk {
    /// Those that are left, as packed, with their numbers.
    fn events(&self) -> impl Iterator<Item = (u64, &[u8])> {
        let mut rest = self.data.get(self.start..).unwrap_or_default();
        (self.first..).map_while(move |seq| Some((seq, next(&mut rest)?)))
    }

    /// Lets the oldest go. Returns its bytes.
    fn drop_oldest(&mut self) -> usize {
        let mut rest = self.data.get(self.start..).unwrap_or_default();
        let before = rest.len();
        let _ = next(&mut rest);
        let bytes = before - rest.len();
        self.start += bytes;
        self.first += 1;
        self.count -= 1;
        bytes
    }
}

fn next<'a>(rest: &mut &'a [u8]) -> Option<&'a [u8]> {
    let length = usize::try_from(packed::take(rest)?).ok()?;
    packed::take_bytes(rest, length)
}

impl Ring {
    pub(super) fn new(bounds: Bounds) -> Self {
        Self {
            bounds,
            chunks: VecDeque::new(),
            words: Words::default(),
            count: 0,
            bytes: 0,
            last: 0,
            bench: Vec::new(),
        }
    }

    /// Newest number; 0 before the first.
    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// Oldest number that is kept; one more than `last` when nothing is.
    pub(super) fn oldest(&self) -> u64 {
        self.last + 1 - self.count as u64
    }

    pub(super) fn push(&mut self, event: &Event, wall: SystemTime) {
        // Places in the ring are computed from numbers: a gap would shift every event behind it.
        debug_assert!(self.last == 0 || event.seq == self.last + 1, "event {} after {}", event.seq, self.last);
        if event.seq != self.last + 1 {
            self.chunks.clear();
            self.count = 0;
            self.bytes = 0;
        }
        self.last = event.seq;
        let mut packed = std::mem::take(&mut self.bench);
        packed.clear();
        packed::pack(event, wall, &mut self.words, &mut packed);
        self.bytes += self.append(event.seq, &packed);
        self.bench = packed;
        self.count += 1;
        while self.count > 1 && (self.count > self.bounds.events || self.bytes > self.bounds.bytes) {
            self.drop_oldest();
        }
    }

    /// Returns how many bytes it takes.
    fn append(&mut self, seq: u64, packed: &[u8]) -> usize {
        let mut length = Vec::with_capacity(10);
        packed::put(&mut length, packed.len() as u64);
        let bytes = length.len() + packed.len();
        let fits = self.chunks.back().is_some_and(|chunk| chunk.data.len() + bytes <= chunk.data.capacity());
        if !fits {
            let data = Vec::with_capacity(CHUNK.max(bytes));
            self.chunks.push_back(Chunk { first: seq, count: 0, start: 0, data });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            chunk.data.extend_from_slice(&length);
            chunk.data.extend_from_slice(packed);
            chunk.count += 1;
        }
        bytes
    }

    fn drop_oldest(&mut self) {
        if let Some(chunk) = self.chunks.front_mut() {
            self.bytes -= chunk.drop_oldest();
            self.count -= 1;
            if chunk.count == 0 {
                self.chunks.pop_front();
            }
        }
    }

    /// Up to `limit` wanted events after number `after`, having looked at no more than `look` of them.
    pub(super) fn page(&self, after: u64, filter: &Filter, limit: usize, look: usize) -> Page {
        let mut up_to = after.max(self.oldest() - 1).min(self.last);
        let mut events = Vec::new();
        for (seq, packed) in self.following(up_to).take(look) {
            if events.len() == limit {
                break;
            }
            up_to = seq;
            events.extend(self.wanted(filter, seq, packed));
        }
        Page { lost: self.lost(after), events, up_to }
    }

    /// `limit` wanted events, oldest first: those that follow number `after`, so that whoever reads on from there misses
    /// none; from the beginning (0), the newest.
    pub(super) fn list(&self, after: u64, filter: &Filter, limit: usize) -> Page {
        let events = if after > 0 {
            self.following(after).filter_map(|(seq, packed)| self.wanted(filter, seq, packed)).take(limit).collect()
        } else {
            let mut newest = Vec::new();
            for chunk in self.chunks.iter().rev() {
                let packed: Vec<_> = chunk.events().collect();
                let wanted = packed.iter().rev().filter_map(|(seq, packed)| self.wanted(filter, *seq, packed));
                newest.extend(wanted.take(limit - newest.len()));
                if newest.len() == limit {
                    break;
                }
            }
            newest.reverse();
            newest
        };
        Page { lost: self.lost(after), events, up_to: self.last }
    }

    /// Events with numbers above `after`, oldest first.
    fn following(&self, after: u64) -> impl Iterator<Item = (u64, &[u8])> {
        let start = self.chunks.partition_point(|chunk| chunk.first <= after).saturating_sub(1);
        self.chunks.range(start..).flat_map(Chunk::events).skip_while(move |(seq, _)| *seq <= after)
    }

    fn wanted(&self, filter: &Filter, seq: u64, packed: &[u8]) -> Option<Kept> {
        let (severity, cause, subject) = packed::heading(packed)?;
        (filter.takes(severity, subject) && filter.takes_cause(cause))
            .then(|| packed::unpack(seq, packed, &self.words))
            .flatten()
    }

    /// What came after number `after` and is gone.
    fn lost(&self, after: u64) -> Option<Gap> {
        let oldest = self.oldest();
        (after + 1 < oldest).then(|| Gap { first: after + 1, last: oldest - 1 })
    }
}

#[cfg(test)]
mod tests {
    use ubmc_core::{event::Severity, ids::CauseId, time::Mono};

    use super::*;

    fn ring(bounds: Bounds, count: u64) -> Ring {
        let mut ring = Ring::new(bounds);
        for seq in 1..=count {
            ring.push(&event(seq), SystemTime::UNIX_EPOCH);
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
        let one = ring(Bounds::default(), 1).bytes;
        // Even ones are a letter longer.
        assert_eq!(ring(Bounds { events: 100, bytes: 2 * one + 1 }, 10).oldest(), 9);
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
    fn chunks_come_and_go_and_nothing_between_them_is_lost() {
        // Some hundred bytes each: a chunk holds about a hundred.
        let bounds = Bounds { events: 1000, bytes: usize::MAX };
        let mut ring = ring(bounds, 2500);
        assert_eq!((ring.oldest(), ring.last(), ring.count), (1501, 2500, 1000));
        assert!((5..20).contains(&ring.chunks.len()), "{}", ring.chunks.len());
        let kept: usize = ring.chunks.iter().map(|chunk| chunk.data.len() - chunk.start).sum();
        assert_eq!(ring.bytes, kept);
        assert_eq!(numbers(&ring.page(0, &Filter::default(), 5000, 5000)), (1501..=2500).collect::<Vec<_>>());
        assert_eq!(numbers(&ring.list(0, &Filter::default(), 300)), (2201..=2500).collect::<Vec<_>>());
        for after in [1500, 1501, 1777, 2499, 2500] {
            assert_eq!(numbers(&ring.list(after, &Filter::default(), 5000)), (after + 1..=2500).collect::<Vec<_>>());
        }
        // One that is larger than any chunk.
        let event = Event { text: "x".repeat(3 * CHUNK), ..event(2501) };
        ring.push(&event, SystemTime::UNIX_EPOCH);
        assert_eq!(ring.list(2500, &Filter::default(), 1).events[0].event, event);
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
