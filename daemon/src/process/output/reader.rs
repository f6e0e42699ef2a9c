//! The thread that empties all pipes.

use std::{
    collections::HashMap,
    io,
    os::fd::OwnedFd,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread,
};

use rustix::{
    buffer::spare_capacity,
    event::{EventfdFlags, epoll, eventfd},
    io::Errno,
};
use ubmc_core::ids::Generation;

use super::{Logs, ServiceLog, Stream, line::Splitter};
use crate::process::undisturbed;

/// What one pipe gives in one round, at most; a pipe holds as much. Each that has something gets its turn before any has
/// a second one, so that a flood starves nobody.
const ROUND_BYTES: usize = 64 * 1024;
/// Pipes served in one round.
const ROUND_PIPES: usize = 64;
/// The key that means: end.
const END: u64 = 0;

/// What a pipe is the output of.
#[derive(Clone, Debug)]
pub(in crate::process) struct Source {
    pub(in crate::process) log: Arc<ServiceLog>,
    pub(in crate::process) stream: Stream,
    pub(in crate::process) generation: Generation,
}

/// A handle on the thread; it ends when this is dropped.
#[derive(Debug)]
pub(in crate::process) struct Reader {
    shared: Arc<Shared>,
    end: OwnedFd,
    next_key: AtomicU64,
}

#[derive(Debug)]
struct Shared {
    epoll: OwnedFd,
    /// Pipes that may still speak.
    open: Arc<AtomicUsize>,
    /// Pipes that the thread has not met yet. It looks here when one of them speaks, so that a start needs no wake-up.
    new: Mutex<Vec<(u64, Pipe)>>,
}

#[derive(Debug)]
struct Pipe {
    fd: OwnedFd,
    source: Source,
    splitter: Splitter,
}

impl Reader {
    pub(in crate::process) fn start(logs: Logs) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let end = eventfd(0, EventfdFlags::CLOEXEC)?;
        epoll::add(&epoll, &end, epoll::EventData::new_u64(END), epoll::EventFlags::IN)?;
        let shared = Arc::new(Shared { epoll, open: Arc::default(), new: Mutex::default() });
        let of_thread = shared.clone();
        thread::Builder::new().name("output".to_owned()).stack_size(128 * 1024).spawn(move || {
            run(&of_thread, &logs);
        })?;
        Ok(Self { shared, end, next_key: AtomicU64::new(END + 1) })
    }

    /// Reads a pipe until its last writer has closed it, whoever that is. The descriptor must not block.
    pub(in crate::process) fn add(&self, fd: OwnedFd, source: Source) -> io::Result<()> {
        let key = self.next_key.fetch_add(1, Ordering::Relaxed);
        let mut new = self.shared.new.lock().unwrap_or_else(PoisonError::into_inner);
        epoll::add(&self.shared.epoll, &fd, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
        self.shared.open.fetch_add(1, Ordering::Release);
        new.push((key, Pipe { fd, source, splitter: Splitter::default() }));
        Ok(())
    }
}

#[cfg(test)]
impl Reader {
    /// How many pipes may still speak.
    pub(in crate::process) fn open_pipes(&self) -> Arc<AtomicUsize> {
        self.shared.open.clone()
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        let _ = rustix::io::write(&self.end, &1u64.to_ne_bytes());
    }
}

fn run(shared: &Shared, logs: &Logs) {
    undisturbed();
    let mut pipes: HashMap<u64, Pipe> = HashMap::new();
    let mut events = Vec::with_capacity(ROUND_PIPES);
    let mut buffer = vec![0; ROUND_BYTES];
    loop {
        events.clear();
        match epoll::wait(&shared.epoll, spare_capacity(&mut events), None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => {
                tracing::error!(%error, "waiting for output failed; services may block from here on");
                return;
            }
        }
        for event in &events {
            let key = event.data.u64();
            if key == END {
                return;
            }
            if !pipes.contains_key(&key) {
                pipes.extend(shared.new.lock().unwrap_or_else(PoisonError::into_inner).drain(..));
            }
            let Some(pipe) = pipes.get_mut(&key) else { continue };
            if pipe.read(&mut buffer, logs) == After::Closed {
                // Closing alone may not take it out of the set: a child on its way to its exec may hold a copy.
                let _ = epoll::delete(&shared.epoll, &pipe.fd);
                pipes.remove(&key);
                shared.open.fetch_sub(1, Ordering::Release);
            }
        }
    }
}

#[derive(PartialEq, Eq)]
enum After {
    Open,
    Closed,
}

impl Pipe {
    fn read(&mut self, buffer: &mut [u8], logs: &Logs) -> After {
        let result = rustix::io::read(&self.fd, &mut *buffer);
        let Source { log, stream, generation } = &self.source;
        match result {
            Ok(0) => {
                let mut batch = log.batch(logs, *stream, *generation);
                self.splitter.finish(|text, cut| batch.push(text, cut));
                After::Closed
            }
            Ok(length) => {
                let mut batch = log.batch(logs, *stream, *generation);
                self.splitter.feed(buffer.get(..length).unwrap_or_default(), |text, cut| batch.push(text, cut));
                After::Open
            }
            Err(Errno::AGAIN | Errno::INTR) => After::Open,
            Err(_) => After::Closed,
        }
    }
}
