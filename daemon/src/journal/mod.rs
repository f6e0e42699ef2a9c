//! The journal: every event in order, kept in memory within bounds, read by position.
//!
//! A reader is nothing but a position in the stream. So a watcher costs no queue: one that is too slow loses only what
//! leaves the ring before it gets there, and is told which numbers these were. The journal task reads the same way;
//! durable segments will take its place, and [`Journal::page`] will then read from them what has left the ring.
//!
//! - [`filter`]: which events somebody wants;
//! - [`ring`]: the bounded memory; `packed`: events as bytes;
//! - [`reader`]: a position that moves, and says what it missed;
//! - [`keeper`]: the built-in service `journal`.
//!
//! What the journal does not know: the wire, and who reads.

pub mod filter;
pub mod keeper;
mod packed;
pub mod reader;
pub mod ring;

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

pub use filter::{Filter, FilterError};
pub use reader::{Missed, Reader, Stretch};
use ring::Ring;
pub use ring::{Bounds, Gap, Kept, Page};
use tokio::sync::watch;
use ubmc_core::event::Event;

/// Events a reader looks at in one go: the lock is held for some microseconds only.
const PAGE: usize = 256;

/// The one journal of a daemon. Clones share it.
#[derive(Clone, Debug)]
pub struct Journal {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ring: Mutex<Ring>,
    /// The newest number, for those who wait for more.
    tip: watch::Sender<u64>,
    /// Events that readers were too slow for, since start.
    dropped: AtomicU64,
}

/// Where the stream stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Newest number; 0 before the first.
    pub last: u64,
    /// Oldest that is kept; one more than `last` when nothing is.
    pub oldest: u64,
}

impl Journal {
    /// An empty journal.
    pub fn new(bounds: Bounds) -> Self {
        let shared =
            Shared { ring: Mutex::new(Ring::new(bounds)), tip: watch::Sender::new(0), dropped: AtomicU64::new(0) };
        Self { shared: Arc::new(shared) }
    }

    /// Keeps events, in their order. Wakes whoever waits for more.
    pub fn append(&self, events: &[Event], wall: SystemTime) {
        if events.is_empty() {
            return;
        }
        let mut ring = self.ring();
        for event in events {
            ring.push(event, wall);
        }
        let last = ring.last();
        drop(ring);
        self.shared.tip.send_replace(last);
    }

    /// Where the stream stands.
    pub fn position(&self) -> Position {
        let ring = self.ring();
        Position { last: ring.last(), oldest: ring.oldest() }
    }

    /// `limit` events that `filter` takes, oldest first: those that follow number `after`; from the beginning (0), the
    /// newest.
    pub fn list(&self, after: u64, filter: &Filter, limit: usize) -> Page {
        self.ring().list(after, filter, limit)
    }

    /// A reader that begins after number `after`; absent: with what comes from now on.
    pub fn reader(&self, after: Option<u64>, filter: Filter) -> Reader {
        Reader::new(self.clone(), after, filter)
    }

    /// Events that readers were too slow for, since start.
    pub fn dropped(&self) -> u64 {
        self.shared.dropped.load(Ordering::Relaxed)
    }

    fn page(&self, after: u64, filter: &Filter) -> Page {
        self.ring().page(after, filter, PAGE, 4 * PAGE)
    }

    fn ring(&self) -> MutexGuard<'_, Ring> {
        // Whoever panicked while it held the lock left a ring that is whole: every change is complete in itself.
        self.shared.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
