//! What services write: read by line, kept in bounded rings and files, followed by readers.
//!
//! One thread ([`reader`]) empties all pipes, so that no service ever waits for the daemon; it wakes only when something
//! was written. A second one ([`files`]) writes log files, so that the first never waits for a disk. Readers of the API
//! come to the rings ([`ring`]) at their own pace.

mod files;
mod follow;
mod line;
mod reader;
mod ring;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, Weak},
    time::SystemTime,
};

use tokio::sync::Notify;
use ubmc_core::ids::{Generation, Name};

pub use self::follow::Follower;
pub(super) use self::reader::{Reader, Source};
use self::{
    files::{Files, Format},
    ring::{Record, Ring},
};
use super::config::OutputConfig;

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
    /// Everything that was kept has been given, also when that was nothing.
    CaughtUp,
}

/// Which lines a reader wants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Absent: both.
    pub stream: Option<Stream>,
    /// Only lines that contain this. Empty: all.
    pub contains: String,
}

impl Filter {
    fn passes(&self, record: &Record<'_>) -> bool {
        let wanted = self.contains.as_bytes();
        self.stream.is_none_or(|stream| stream == record.stream)
            && (wanted.is_empty() || record.text.windows(wanted.len()).any(|window| window == wanted))
    }
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
#[derive(Clone, Debug)]
pub struct Logs {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    ring_bytes: usize,
    services: RwLock<BTreeMap<Name, Arc<ServiceLog>>>,
    files: Option<Files>,
}

/// The output of one service. Outlives its processes.
#[derive(Debug)]
pub(super) struct ServiceLog {
    name: Name,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    followers: Vec<Weak<Notify>>,
}

impl Logs {
    /// Nothing written yet. Starts the thread that writes files, if there are to be any.
    pub(super) fn new(config: OutputConfig) -> std::io::Result<Self> {
        let files = config.files.map(Files::start).transpose()?;
        let shared = Shared { ring_bytes: config.ring_bytes, services: RwLock::default(), files };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// The newest `lines` lines of a service that pass the filter, oldest first. Empty for unknown names.
    pub fn tail(&self, service: &Name, lines: usize, filter: &Filter) -> Vec<LogLine> {
        let Some(log) = self.known(service) else { return Vec::new() };
        let state = log.state();
        let newest = state.ring.newest(lines, |record| filter.passes(record));
        newest.into_iter().map(|record| log.line(&record)).collect()
    }

    /// Follows services, also those that have not written yet, across their restarts: first the newest `lines` lines of
    /// each, in order of time, then every further one. There is no queue that could fill: the rings are read at the
    /// follower's own pace, and what leaves a ring unread becomes a [`LogItem::Gap`].
    ///
    /// Names are remembered for good: ask only for services that the registry knows.
    pub fn follow(&self, services: &[Name], lines: usize, filter: Filter) -> Follower {
        Follower::new(services.iter().map(|name| self.of(name)), lines, filter)
    }

    /// Adds a line on a service's behalf: built-in tasks, and the daemon's own remarks.
    pub fn append(&self, service: &Name, generation: Generation, stream: Stream, text: &str) {
        self.append_to(&self.of(service), generation, stream, text);
    }

    pub(super) fn append_to(&self, log: &ServiceLog, generation: Generation, stream: Stream, text: &str) {
        let mut batch = log.batch(self, stream, generation);
        let mut splitter = line::Splitter::default();
        splitter.feed(text.as_bytes(), |text, cut| batch.push(text, cut));
        splitter.finish(|text, cut| batch.push(text, cut));
    }

    /// What a service has written so far. Zeroes for unknown names.
    pub fn counters(&self, service: &Name) -> LogCounters {
        let Some(log) = self.known(service) else { return LogCounters::default() };
        let state = log.state();
        LogCounters {
            lines: state.ring.next() - 1,
            forgotten: state.ring.oldest() - 1,
            unwritten: self.shared.files.as_ref().map_or(0, |files| files.lost(service)),
        }
    }

    fn known(&self, service: &Name) -> Option<Arc<ServiceLog>> {
        self.shared.services.read().unwrap_or_else(PoisonError::into_inner).get(service).cloned()
    }

    /// The output of a service, made when it is new.
    pub(super) fn of(&self, service: &Name) -> Arc<ServiceLog> {
        if let Some(log) = self.known(service) {
            return log;
        }
        let mut services = self.shared.services.write().unwrap_or_else(PoisonError::into_inner);
        let log = services.entry(service.clone()).or_insert_with(|| {
            let state = State { ring: Ring::new(self.shared.ring_bytes), followers: Vec::new() };
            Arc::new(ServiceLog { name: service.clone(), state: Mutex::new(state) })
        });
        log.clone()
    }
}

impl ServiceLog {
    pub(super) const fn name(&self) -> &Name {
        &self.name
    }

    /// Nothing that panics runs under this lock; a poisoned one is as good as any.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn line(&self, record: &Record<'_>) -> LogLine {
        LogLine {
            service: self.name.clone(),
            number: record.number,
            stream: record.stream,
            time: record.time,
            generation: record.generation,
            text: String::from_utf8_lossy(record.text).into_owned(),
            truncated: record.truncated,
        }
    }

    /// Lines that were read at one time. They count as written when the batch is dropped.
    fn batch<'a>(&'a self, logs: &'a Logs, stream: Stream, generation: Generation) -> Batch<'a> {
        let time = SystemTime::now();
        let files = logs.shared.files.as_ref();
        let text = files.filter(|files| files.has_room()).map(|_| (Format::new(time, stream), Vec::new()));
        Batch { log: self, files, state: self.state(), stream, generation, time, text, lines: 0 }
    }
}

struct Batch<'a> {
    log: &'a ServiceLog,
    files: Option<&'a Files>,
    state: MutexGuard<'a, State>,
    stream: Stream,
    generation: Generation,
    time: SystemTime,
    /// For the file, if there is one and its queue has room.
    text: Option<(Format, Vec<u8>)>,
    lines: u64,
}

impl Batch<'_> {
    fn push(&mut self, text: &[u8], truncated: bool) {
        self.state.ring.push(self.stream, self.time, self.generation, text, truncated);
        self.lines += 1;
        if let Some((format, file)) = &mut self.text {
            format.add(file, text, truncated);
        }
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if self.lines == 0 {
            return;
        }
        if let Some(files) = self.files {
            files.offer(&self.log.name, self.text.take().map(|(_, text)| text), self.lines);
        }
        self.state.followers.retain(|follower| match follower.upgrade() {
            Some(follower) => {
                follower.notify_one();
                true
            }
            None => false,
        });
    }
}
