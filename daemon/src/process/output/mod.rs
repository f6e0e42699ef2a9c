//! What services write: read by line, kept in bounded rings and files, followed by readers.

use std::time::SystemTime;

use ubmc_core::ids::{Generation, Name};

/// Which of its two streams a line was written to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line of a service's output.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// Who wrote it.
    pub service: Name,
    /// Counts the service's lines from 1 without gap, across restarts.
    pub number: u64,
    /// Where it was written.
    pub stream: Stream,
    /// When it was read.
    pub time: SystemTime,
    /// Which life of the service wrote it.
    pub generation: Generation,
    /// Without the newline; invalid UTF-8 is replaced.
    pub text: String,
    /// It was longer than 4,096 bytes; the rest of it is lost.
    pub truncated: bool,
}

/// What a follower is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogItem {
    /// A line.
    Line(LogLine),
    /// Lines that left the ring before this follower came for them.
    Gap {
        /// Whose.
        service: Name,
        /// How many.
        lost: u64,
    },
}

/// Which lines a reader wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Absent: both.
    pub stream: Option<Stream>,
    /// Only lines that contain this. Empty: all.
    pub contains: String,
}

/// What was written, and what of it was lost where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LogCounters {
    /// Lines written since the daemon started.
    pub lines: u64,
    /// Lines that the ring has forgotten.
    pub forgotten: u64,
    /// Lines that never reached the file because the disk was slow or full.
    pub unwritten: u64,
}

/// The services' output; cheap to clone, usable from any thread.
#[derive(Clone, Debug, Default)]
pub struct Logs {}

impl Logs {
    /// The newest `lines` lines of a service that pass the filter, oldest first. Empty for unknown names.
    pub fn tail(&self, service: &Name, lines: usize, filter: &Filter) -> Vec<LogLine> {
        let _ = (service, lines, filter);
        Vec::new()
    }

    /// Follows services, also those that have not written yet, across their restarts: first the newest `lines` lines of
    /// each, in order of time, then every further one. There is no queue that could fill: the rings are read at the
    /// follower's own pace, and what leaves a ring unread becomes a [`LogItem::Gap`].
    pub fn follow(&self, services: &[Name], lines: usize, filter: Filter) -> Follower {
        let _ = (services, lines, filter);
        Follower {}
    }

    /// Adds a line on a service's behalf: built-in tasks, and the daemon's own remarks.
    pub fn append(&self, service: &Name, generation: Generation, stream: Stream, text: &str) {
        let _ = (service, generation, stream, text);
    }

    /// What a service has written so far. Zeroes for unknown names.
    pub fn counters(&self, service: &Name) -> LogCounters {
        let _ = service;
        LogCounters::default()
    }
}

/// A reader that waits for more.
#[derive(Debug)]
pub struct Follower {}

impl Follower {
    /// The next item. Cancel-safe. Waits for ever when nothing is written.
    pub async fn next(&mut self) -> LogItem {
        std::future::pending().await
    }
}
