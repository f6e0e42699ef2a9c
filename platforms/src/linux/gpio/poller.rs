//! Looks at inputs whose chip has no interrupt: a thread for each chip, so that an expander on a hung bus holds up its own
//! lines alone.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use ubmc_core::{ids::SignalId, units::Level};

use super::{lines::Lines, watch::Mailbox};

/// Presence and buttons change at the pace of people.
const LOOK: Duration = Duration::from_millis(250);

/// The threads of one watcher. They end when its mailbox is closed.
#[derive(Debug)]
pub(super) struct Poller {
    lines: Arc<Lines>,
    mailbox: Arc<Mailbox>,
    chips: BTreeMap<PathBuf, Arc<Looked>>,
}

/// What one thread looks at.
#[derive(Debug, Default)]
struct Looked(Mutex<BTreeSet<SignalId>>);

impl Looked {
    fn lock(&self) -> MutexGuard<'_, BTreeSet<SignalId>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Poller {
    pub(super) fn new(lines: &Arc<Lines>, mailbox: &Arc<Mailbox>) -> Self {
        Self { lines: Arc::clone(lines), mailbox: Arc::clone(mailbox), chips: BTreeMap::new() }
    }

    /// Looks from now on at every input that we have and whose edges are not told.
    pub(super) fn extend(&mut self) {
        for (id, chip) in self.lines.without_edges() {
            if let Some(looked) = self.chips.get(&chip) {
                looked.lock().insert(id);
                continue;
            }
            let looked = Arc::new(Looked(Mutex::new(BTreeSet::from([id]))));
            let (lines, mailbox, its) = (Arc::clone(&self.lines), Arc::clone(&self.mailbox), Arc::clone(&looked));
            let thread = thread::Builder::new().name("lines/look".to_owned()).stack_size(128 * 1024);
            // Without a thread now, it is tried again with the next retry of lines.
            if thread.spawn(move || look(&lines, &mailbox, &its)).is_ok() {
                self.chips.insert(chip, looked);
            }
        }
    }
}

fn look(lines: &Lines, mailbox: &Mailbox, looked: &Looked) {
    let mut told: BTreeMap<SignalId, Option<Level>> = BTreeMap::new();
    while !mailbox.is_closed() {
        let ids: Vec<_> = looked.lock().iter().copied().collect();
        for id in ids {
            let level = lines.look(id);
            if told.insert(id, level) != Some(level) {
                mailbox.post(id, level);
            }
        }
        thread::sleep(LOOK);
    }
}
