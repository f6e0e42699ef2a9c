//! The built-in service `journal`: writes every event to the daemon's log.
//!
//! It is an ordinary reader with a position that outlives it: stopped and started again it goes on where it was, and
//! says what it missed. Durable segments will be written at this place.

use std::sync::{Mutex, PoisonError};

use tracing::{debug, error, info, warn};
use ubmc_core::event::Severity;

use super::{Filter, Journal, Kept, Stretch};

/// Where the log stands; kept by the shell across lives of the service.
#[derive(Debug, Default)]
pub struct Bookmark(Mutex<u64>);

impl Bookmark {
    fn get(&self) -> u64 {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn set(&self, seq: u64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = seq;
    }
}

/// Writes events until it is dropped.
pub async fn keep(journal: Journal, bookmark: &Bookmark) {
    let mut reader = journal.reader(Some(bookmark.get()), Filter::default());
    loop {
        write(&reader.next().await);
        bookmark.set(reader.after());
    }
}

/// Writes what is left, for the end of the daemon.
pub fn finish(journal: &Journal, bookmark: &Bookmark) {
    let mut reader = journal.reader(Some(bookmark.get()), Filter::default());
    while let Some(stretch) = reader.step() {
        write(&stretch);
        bookmark.set(reader.after());
    }
}

fn write(stretch: &Stretch) {
    if let Some((gap, _)) = stretch.lost {
        warn!("events {}–{} were not written to the log: they came faster than it takes them", gap.first, gap.last);
    }
    for kept in &stretch.events {
        line(kept);
    }
}

fn line(kept: &Kept) {
    let event = &kept.event;
    let (seq, subject, text) = (event.seq, event.subject.as_str(), event.text.as_str());
    // Levels are fixed where they are written, so each has its own line.
    match event.severity {
        Severity::Debug => debug!(target: "ubmcd::event", seq, subject, "{text}"),
        Severity::Info | Severity::Notice => info!(target: "ubmcd::event", seq, subject, "{text}"),
        Severity::Warning => warn!(target: "ubmcd::event", seq, subject, "{text}"),
        Severity::Error | Severity::Critical => error!(target: "ubmcd::event", seq, subject, "{text}"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use ubmc_core::{event::Event, ids::CauseId, time::Mono};

    use super::{super::Bounds, *};

    fn event(seq: u64) -> Event {
        Event {
            seq,
            mono: Mono::ZERO,
            subject: "a".into(),
            source: "operator",
            severity: Severity::Info,
            cause: CauseId(1),
            actor: String::new(),
            text: String::new(),
            fields: Vec::new(),
        }
    }

    #[tokio::test]
    async fn a_second_life_goes_on_where_the_first_was() {
        let journal = Journal::new(Bounds::default());
        let bookmark = Bookmark::default();
        journal.append(&[event(1), event(2)], SystemTime::UNIX_EPOCH);
        // The first life writes what is there, then waits, and is ended.
        let _ = tokio::time::timeout(std::time::Duration::from_millis(1), keep(journal.clone(), &bookmark)).await;
        assert_eq!(bookmark.get(), 2);
        journal.append(&[event(3)], SystemTime::UNIX_EPOCH);
        finish(&journal, &bookmark);
        assert_eq!(bookmark.get(), 3);
    }
}
