//! What the threads of a board share: the model, who wants to hear of edges, and whether it is over.

use std::{
    collections::BTreeMap,
    net::Shutdown,
    os::unix::net::UnixStream,
    sync::{
        Condvar, Mutex, MutexGuard, PoisonError,
        mpsc::{self, Receiver, SyncSender},
    },
    time::{Duration, Instant},
};

use super::super::{Model, protocol::LineLevel};

/// Batches of edges that wait for one subscriber; one that is behind by more is dropped and has to ask anew.
const MAX_BATCHES: usize = 256;

/// What the threads of a board share.
#[derive(Debug)]
pub(super) struct Shared {
    inner: Mutex<Inner>,
    /// Something changed that somebody may wait for: a fault was cleared, the board ends.
    changed: Condvar,
}

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) model: Model,
    pub(super) stopped: bool,
    subscribers: Vec<SyncSender<Vec<LineLevel>>>,
    connections: BTreeMap<u64, UnixStream>,
    next_connection: u64,
}

impl Shared {
    pub(super) fn new(model: Model) -> Self {
        let inner =
            Inner { model, stopped: false, subscribers: Vec::new(), connections: BTreeMap::new(), next_connection: 0 };
        Self { inner: Mutex::new(inner), changed: Condvar::new() }
    }

    /// A thread that panicked while it held the model leaves numbers behind, nothing broken.
    pub(super) fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the model and tells the consequences to everyone.
    pub(super) fn with<R>(&self, act: impl FnOnce(&mut Model) -> R) -> R {
        let mut inner = self.lock();
        let result = act(&mut inner.model);
        inner.tell();
        drop(inner);
        self.changed.notify_all();
        result
    }

    /// Waits for a change, at most until `until`.
    pub(super) fn wait<'a>(&self, inner: MutexGuard<'a, Inner>, until: Instant) -> MutexGuard<'a, Inner> {
        let left = until.saturating_duration_since(Instant::now());
        self.changed.wait_timeout(inner, left).unwrap_or_else(PoisonError::into_inner).0
    }

    /// Lets real time pass for the model.
    pub(super) fn advance(&self, real: Duration) {
        let mut inner = self.lock();
        inner.model.advance(real);
        inner.tell();
    }

    /// All lines now, and every edge from now on.
    pub(super) fn subscribe(&self) -> (Vec<LineLevel>, Receiver<Vec<LineLevel>>) {
        let (sender, receiver) = mpsc::sync_channel(MAX_BATCHES);
        let mut inner = self.lock();
        inner.tell();
        inner.subscribers.push(sender);
        (inner.lines(), receiver)
    }

    /// Takes a connection in. None: there are `limit` already, or the board ends.
    pub(super) fn enter(&self, stream: &UnixStream, limit: usize) -> Option<u64> {
        let mut inner = self.lock();
        if inner.stopped || inner.connections.len() >= limit {
            return None;
        }
        let id = inner.next_connection;
        inner.next_connection += 1;
        inner.connections.insert(id, stream.try_clone().ok()?);
        Some(id)
    }

    pub(super) fn leave(&self, id: u64) {
        self.lock().connections.remove(&id);
    }

    /// Whether nobody is connected.
    pub(super) fn is_alone(&self) -> bool {
        self.lock().connections.is_empty()
    }

    /// Ends everything that waits for this board.
    pub(super) fn stop(&self) {
        let mut inner = self.lock();
        inner.stopped = true;
        inner.subscribers.clear();
        for stream in inner.connections.values() {
            // One that is closed already is as it should be.
            let _ = stream.shutdown(Shutdown::Both);
        }
        drop(inner);
        self.changed.notify_all();
    }
}

impl Inner {
    pub(super) fn lines(&self) -> Vec<LineLevel> {
        let model = &self.model;
        super::super::Line::all(model.config())
            .map(|line| LineLevel { line: line.to_string(), high: model.level(line).is_high() })
            .collect()
    }

    fn tell(&mut self) {
        let edges: Vec<_> = self
            .model
            .take_edges()
            .into_iter()
            .map(|edge| LineLevel { line: edge.line.to_string(), high: edge.level.is_high() })
            .collect();
        if !edges.is_empty() {
            self.subscribers.retain(|subscriber| subscriber.try_send(edges.clone()).is_ok());
        }
    }
}
