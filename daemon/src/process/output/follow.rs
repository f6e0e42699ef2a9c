//! Readers that wait for more.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use tokio::sync::Notify;

use super::{Filter, LogItem, ServiceLog};

/// Lines taken from one ring at a time: the writer waits for the lock no longer than this takes to copy.
const AT_ONCE: usize = 64;

/// A reader that waits for more.
#[derive(Debug)]
pub struct Follower {
    cursors: Vec<Cursor>,
    filter: Filter,
    ready: VecDeque<LogItem>,
    /// Told when one of the services has written.
    more: Arc<Notify>,
}

#[derive(Debug)]
struct Cursor {
    log: Arc<ServiceLog>,
    next: u64,
}

impl Follower {
    pub(super) fn new(logs: impl Iterator<Item = Arc<ServiceLog>>, lines: usize, filter: Filter) -> Self {
        let more = Arc::new(Notify::new());
        let mut past = Vec::new();
        let mut cursors = Vec::new();
        for log in logs {
            let mut state = log.state();
            let newest = state.ring.newest(lines, |record| filter.passes(record));
            past.extend(newest.into_iter().map(|record| log.line(&record)));
            let next = state.ring.next();
            state.followers.push(Arc::downgrade(&more));
            drop(state);
            cursors.push(Cursor { log, next });
        }
        past.sort_by_key(|line| line.time);
        Self { cursors, filter, ready: past.into_iter().map(LogItem::Line).chain([LogItem::CaughtUp]).collect(), more }
    }

    /// The next item. Cancel-safe. Waits for ever when nothing is written.
    pub async fn next(&mut self) -> LogItem {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return item;
            }
            if self.fetch() {
                // A filter may pass nothing for long while the service writes without end.
                tokio::task::yield_now().await;
            } else {
                self.more.notified().await;
            }
        }
    }

    /// Takes what is new from all rings, a bounded piece of each. Whether there was anything, passing or not.
    fn fetch(&mut self) -> bool {
        let mut any = false;
        let mut gaps = Vec::new();
        let mut lines = Vec::new();
        for cursor in &mut self.cursors {
            let state = cursor.log.state();
            let lost = state.ring.oldest().saturating_sub(cursor.next);
            if lost > 0 {
                gaps.push(LogItem::Gap { service: cursor.log.name.clone(), lost });
                cursor.next += lost;
            }
            for record in state.ring.from(cursor.next).take(AT_ONCE) {
                any = true;
                cursor.next = record.number + 1;
                if self.filter.passes(&record) {
                    lines.push(cursor.log.line(&record));
                }
            }
        }
        lines.sort_by_key(|line| line.time);
        self.ready.extend(gaps);
        self.ready.extend(lines.into_iter().map(LogItem::Line));
        any
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        for cursor in &self.cursors {
            cursor.log.state().followers.retain(|other| !Weak::ptr_eq(other, &Arc::downgrade(&self.more)));
        }
    }
}
