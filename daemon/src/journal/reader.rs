//! A position in the stream of events that moves forward and says what it missed.

use std::sync::atomic::Ordering;

use tokio::sync::watch;

use super::{Filter, Gap, Journal, Kept};

/// Why events cannot be had any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Missed {
    /// They had left the ring before this reader began.
    Expired,
    /// They left the ring while this reader was busy with earlier ones.
    SlowReader,
}

impl Missed {
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Expired => "expired",
            Self::SlowReader => "slow-reader",
        }
    }
}

/// The next part of the stream: at least one of the two is there.
#[derive(Debug)]
pub struct Stretch {
    /// Came first, and cannot be had.
    pub lost: Option<(Gap, Missed)>,
    /// Then these.
    pub events: Vec<Kept>,
}

/// Reads the journal from a position on.
#[derive(Debug)]
pub struct Reader {
    journal: Journal,
    tip: watch::Receiver<u64>,
    filter: Filter,
    /// Number of the last event that was looked at.
    after: u64,
    /// Everything up to here was there, or gone, before this reader began.
    began_at: u64,
}

impl Reader {
    pub(super) fn new(journal: Journal, after: Option<u64>, filter: Filter) -> Self {
        let tip = journal.shared.tip.subscribe();
        let position = journal.position();
        let after = match after {
            None => position.last,
            // "From the oldest kept": what has left the ring is not asked for.
            Some(0) => position.oldest - 1,
            // A number from an earlier life of the daemon: nothing of this life has been seen.
            Some(number) if number > position.last => position.oldest - 1,
            Some(number) => number,
        };
        Self { journal, tip, filter, after, began_at: position.oldest - 1 }
    }

    /// Number of the last event that this reader has passed.
    pub fn after(&self) -> u64 {
        self.after
    }

    /// Waits for the next part. Cancelling loses nothing. Never ends by itself.
    pub async fn next(&mut self) -> Stretch {
        loop {
            // Marked as seen first: what comes while the page is read makes the wait below return at once.
            self.tip.borrow_and_update();
            if let Some(stretch) = self.step() {
                return stretch;
            }
            // The sender lives as long as the journal that this reader holds.
            let _ = self.tip.changed().await;
        }
    }

    /// The next part, if there is one now.
    pub fn step(&mut self) -> Option<Stretch> {
        loop {
            let from = self.after;
            let page = self.journal.page(from, &self.filter);
            self.after = page.up_to;
            let lost = page.lost.map(|gap| (gap, self.judge(gap)));
            if lost.is_some() || !page.events.is_empty() {
                return Some(Stretch { lost, events: page.events });
            }
            if page.up_to == from {
                return None;
            }
        }
    }

    fn judge(&self, gap: Gap) -> Missed {
        if gap.first <= self.began_at {
            return Missed::Expired;
        }
        self.journal.shared.dropped.fetch_add(gap.count(), Ordering::Relaxed);
        Missed::SlowReader
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use ubmc_core::{
        event::{Event, Severity},
        ids::CauseId,
        time::Mono,
    };

    use super::{super::Bounds, *};

    fn add(journal: &Journal, numbers: std::ops::RangeInclusive<u64>) {
        let event = |seq| Event {
            seq,
            mono: Mono::ZERO,
            subject: "a".into(),
            source: "operator",
            severity: Severity::Info,
            cause: CauseId(1),
            actor: String::new(),
            text: String::new(),
            fields: Vec::new(),
        };
        journal.append(&numbers.map(event).collect::<Vec<_>>(), SystemTime::UNIX_EPOCH);
    }

    fn journal(events: usize) -> Journal {
        Journal::new(Bounds { events, bytes: usize::MAX })
    }

    /// What the reader gives until it would wait: `5-9 expired` for a loss, numbers for events.
    fn drain(reader: &mut Reader) -> String {
        let mut told = Vec::new();
        while let Some(stretch) = reader.step() {
            if let Some((gap, why)) = stretch.lost {
                told.push(format!("{}-{} {}", gap.first, gap.last, why.as_str()));
            }
            told.extend(stretch.events.iter().map(|kept| kept.event.seq.to_string()));
        }
        told.join(", ")
    }

    #[test]
    fn it_begins_where_it_is_told() {
        for (after, told) in [
            (None, ""),
            (Some(0), "4, 5, 6"),
            (Some(4), "5, 6"),
            (Some(6), ""),
            (Some(1), "2-3 expired, 4, 5, 6"),
            // Another life's number.
            (Some(70), "4, 5, 6"),
        ] {
            let journal = journal(3);
            add(&journal, 1..=6);
            let mut reader = journal.reader(after, Filter::default());
            assert_eq!(drain(&mut reader), told, "after {after:?}");
            add(&journal, 7..=7);
            assert_eq!(drain(&mut reader), "7", "after {after:?}, then what comes");
        }
    }

    #[test]
    fn a_reader_of_an_empty_journal_gets_the_first_event() {
        for after in [None, Some(0), Some(9)] {
            let journal = journal(3);
            let mut reader = journal.reader(after, Filter::default());
            assert_eq!(drain(&mut reader), "");
            add(&journal, 1..=2);
            assert_eq!(drain(&mut reader), "1, 2", "{after:?}");
        }
    }

    #[test]
    fn a_slow_reader_is_told_what_it_missed_and_goes_on() {
        let journal = journal(3);
        add(&journal, 1..=2);
        let mut slow = journal.reader(Some(0), Filter::default());
        let mut quick = journal.reader(None, Filter::default());
        assert_eq!(drain(&mut slow), "1, 2");
        add(&journal, 3..=4);
        assert_eq!(drain(&mut quick), "3, 4");
        add(&journal, 5..=7);
        assert_eq!(drain(&mut quick), "5, 6, 7");
        assert_eq!(drain(&mut slow), "3-4 slow-reader, 5, 6, 7");
        assert_eq!(journal.dropped(), 2, "what expired before a reader began is not counted, what it missed is");
    }

    #[test]
    fn a_filter_that_takes_nothing_still_moves_on_and_loses_nothing() {
        let journal = journal(3);
        let mut reader = journal.reader(Some(0), Filter::new(&["b".into()], None).unwrap());
        for seq in 1..=9 {
            add(&journal, seq..=seq);
            assert_eq!(drain(&mut reader), "");
        }
        assert_eq!((reader.after(), journal.dropped()), (9, 0));
    }

    #[tokio::test]
    async fn waiting_ends_with_the_next_event_and_cancelling_loses_nothing() {
        let journal = journal(10);
        let mut reader = journal.reader(None, Filter::default());
        let waited = tokio::time::timeout(std::time::Duration::ZERO, reader.next()).await;
        assert!(waited.is_err(), "nothing to read yet");
        let writer = journal.clone();
        let (stretch, ()) = tokio::join!(reader.next(), async move { add(&writer, 1..=2) });
        assert_eq!(stretch.events.len(), 2);
    }
}
