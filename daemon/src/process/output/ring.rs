//! The newest lines of one service, in a bounded number of bytes.
//!
//! Lines lie one behind the other in chunks; the oldest chunk goes as a whole. A service that writes nothing has no
//! chunk, one that writes little has a small one.

use std::{
    collections::VecDeque,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use ubmc_core::ids::Generation;

use super::Stream;

/// Length and flags, nanoseconds since 1970, generation.
const HEADER: usize = 2 + 8 + 8;
const STDERR: u16 = 1 << 15;
const CUT: u16 = 1 << 14;
const LENGTH: u16 = CUT - 1;

/// A line as it lies in the ring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Record<'a> {
    pub(super) number: u64,
    pub(super) stream: Stream,
    pub(super) time: SystemTime,
    pub(super) generation: Generation,
    pub(super) text: &'a [u8],
    pub(super) truncated: bool,
}

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Ring {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    most_bytes: usize,
    /// Number of the line that comes next.
    next: u64,
}

#[derive(Debug)]
struct Chunk {
    first: u64,
    data: Vec<u8>,
}

impl Ring {
    pub(super) const fn new(most_bytes: usize) -> Self {
        Self { chunks: VecDeque::new(), bytes: 0, most_bytes, next: 1 }
    }

    /// Number of the oldest line that is still here, or of the next one.
    pub(super) fn oldest(&self) -> u64 {
        self.chunks.front().map_or(self.next, |chunk| chunk.first)
    }

    /// Number of the line that comes next.
    pub(super) const fn next(&self) -> u64 {
        self.next
    }

    /// Adds a line of at most 4,096 bytes.
    pub(super) fn push(
        &mut self,
        stream: Stream,
        time: SystemTime,
        generation: Generation,
        text: &[u8],
        truncated: bool,
    ) {
        let chunk_bytes = (self.most_bytes / 16).max(256);
        let size = HEADER + text.len();
        let fits = self.chunks.back().is_some_and(|chunk| chunk.data.len() + size <= chunk_bytes.max(size));
        if !fits {
            // Full ones give back what doubling took too much.
            if let Some(full) = self.chunks.back_mut() {
                full.data.shrink_to_fit();
            }
            self.chunks.push_back(Chunk { first: self.next, data: Vec::new() });
        }
        if let Some(chunk) = self.chunks.back_mut() {
            let length = u16::try_from(text.len()).unwrap_or(LENGTH).min(LENGTH);
            let flags = if stream == Stream::Stderr { STDERR } else { 0 } | if truncated { CUT } else { 0 };
            let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            chunk.data.extend_from_slice(&(length | flags).to_ne_bytes());
            chunk.data.extend_from_slice(&u64::try_from(since_1970).unwrap_or(u64::MAX).to_ne_bytes());
            chunk.data.extend_from_slice(&generation.0.to_ne_bytes());
            chunk.data.extend_from_slice(text.get(..usize::from(length)).unwrap_or(text));
        }
        self.bytes += size;
        self.next += 1;
        while self.bytes > self.most_bytes && self.chunks.len() > 1 {
            if let Some(oldest) = self.chunks.pop_front() {
                self.bytes -= oldest.data.len();
            }
        }
    }

    /// All lines from `number` on that are still here, oldest first.
    pub(super) fn from(&self, number: u64) -> impl Iterator<Item = Record<'_>> {
        let start = self.chunks.partition_point(|chunk| chunk.first <= number).saturating_sub(1);
        self.chunks.range(start..).flat_map(Chunk::records).skip_while(move |record| record.number < number)
    }

    /// The newest lines that pass, at most so many, oldest first.
    pub(super) fn newest<'a>(&'a self, most: usize, mut passes: impl FnMut(&Record<'a>) -> bool) -> Vec<Record<'a>> {
        let mut found = Vec::new();
        for chunk in self.chunks.iter().rev() {
            let mut records: Vec<_> = chunk.records().filter(&mut passes).collect();
            while found.len() < most
                && let Some(record) = records.pop()
            {
                found.push(record);
            }
            if found.len() == most {
                break;
            }
        }
        found.reverse();
        found
    }
}

impl Chunk {
    fn records(&self) -> impl Iterator<Item = Record<'_>> {
        let mut rest = self.data.as_slice();
        let mut number = self.first;
        std::iter::from_fn(move || {
            let (flags, tail) = rest.split_first_chunk::<2>()?;
            let (nanos, tail) = tail.split_first_chunk::<8>()?;
            let (generation, tail) = tail.split_first_chunk::<8>()?;
            let flags = u16::from_ne_bytes(*flags);
            let (text, tail) = tail.split_at_checked(usize::from(flags & LENGTH))?;
            rest = tail;
            number += 1;
            Some(Record {
                number: number - 1,
                stream: if flags & STDERR == 0 { Stream::Stdout } else { Stream::Stderr },
                time: UNIX_EPOCH + Duration::from_nanos(u64::from_ne_bytes(*nanos)),
                generation: Generation(u64::from_ne_bytes(*generation)),
                text,
                truncated: flags & CUT != 0,
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(most_bytes: usize, lines: u64) -> Ring {
        let mut ring = Ring::new(most_bytes);
        for number in 1..=lines {
            let stream = if number % 3 == 0 { Stream::Stderr } else { Stream::Stdout };
            let time = UNIX_EPOCH + Duration::from_micros(number);
            ring.push(stream, time, Generation(number / 10), format!("line {number}").as_bytes(), number % 7 == 0);
        }
        ring
    }

    #[test]
    fn what_goes_in_comes_out() {
        let ring = filled(64 * 1024, 100);
        let records: Vec<_> = ring.from(1).collect();
        assert_eq!(records.len(), 100);
        for (index, record) in records.iter().enumerate() {
            let number = u64::try_from(index).unwrap() + 1;
            assert_eq!(record.number, number);
            assert_eq!(record.text, format!("line {number}").as_bytes());
            assert_eq!(record.stream == Stream::Stderr, number % 3 == 0);
            assert_eq!(record.truncated, number % 7 == 0);
            assert_eq!(record.generation, Generation(number / 10));
            assert_eq!(record.time, UNIX_EPOCH + Duration::from_micros(number));
        }
    }

    #[test]
    fn the_oldest_lines_go_and_numbers_stay() {
        let ring = filled(4096, 10_000);
        assert!(ring.bytes <= 4096, "{} bytes", ring.bytes);
        assert!(ring.bytes > 3000, "{} bytes", ring.bytes);
        assert_eq!(ring.next(), 10_001);
        let numbers: Vec<_> = ring.from(0).map(|record| record.number).collect();
        assert_eq!(numbers.first(), Some(&ring.oldest()));
        assert_eq!(numbers, (ring.oldest()..=10_000).collect::<Vec<_>>());
        assert_eq!(ring.from(9_999).map(|record| record.number).collect::<Vec<_>>(), [9_999, 10_000]);
        assert_eq!(ring.from(10_001).count(), 0);
    }

    #[test]
    fn the_newest_that_pass_are_found_across_chunks() {
        let ring = filled(64 * 1024, 1000);
        let numbers = |most, rest| {
            ring.newest(most, |record| record.number % 100 == rest)
                .iter()
                .map(|record| record.number)
                .collect::<Vec<_>>()
        };
        assert_eq!(numbers(3, 0), [800, 900, 1000]);
        assert!(numbers(0, 0).is_empty());
        assert_eq!(numbers(100, 50).len(), 10);
    }

    #[test]
    fn a_longest_line_fits_the_smallest_ring() {
        let mut ring = Ring::new(0);
        ring.push(Stream::Stdout, UNIX_EPOCH, Generation(1), &[b'x'; 4096], true);
        ring.push(Stream::Stdout, UNIX_EPOCH, Generation(1), &[b'y'; 4096], true);
        let texts: Vec<_> = ring.from(1).map(|record| (record.number, record.text.len())).collect();
        assert_eq!(texts, [(2, 4096)]);
    }

    #[test]
    fn a_silent_service_takes_no_memory() {
        assert_eq!(Ring::new(64 * 1024).chunks.capacity(), 0);
    }
}
