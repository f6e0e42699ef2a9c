//! Many descriptors behind one that the runtime watches.

use std::{
    io,
    os::fd::{AsFd, OwnedFd},
};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    io::Errno,
};
use tokio::io::unix::AsyncFd;

use super::descriptor;

/// Descriptors given out by one look, before other things get their turn.
const AT_ONCE: usize = 32;

/// See the head of this file. What it watches is known by keys.
#[derive(Debug)]
pub(super) struct Watch {
    epoll: AsyncFd<OwnedFd>,
    /// The last look did not see the end.
    more: bool,
}

impl Watch {
    pub(super) fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        Ok(Self { epoll: descriptor::watch(epoll)?, more: false })
    }

    /// From here on the key is given out whenever there is something to read.
    pub(super) fn add(&self, fd: impl AsFd, key: u64) -> io::Result<()> {
        Ok(epoll::add(self.epoll.get_ref(), fd, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?)
    }

    /// Before the descriptor is closed: a child on its way to its exec may hold a copy of it, which would keep it here.
    pub(super) fn remove(&self, fd: impl AsFd) {
        let _ = epoll::delete(self.epoll.get_ref(), fd);
    }

    /// Until something can be read.
    pub(super) async fn wait(&mut self) {
        if !self.more {
            match self.epoll.readable().await {
                Ok(mut guard) => guard.clear_ready(),
                // The runtime is going down; nothing is lost by waiting for that.
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// The keys of what can be read now; a bounded number.
    pub(super) fn keys(&mut self) -> Vec<u64> {
        let mut events = Vec::with_capacity(AT_ONCE);
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        match epoll::wait(self.epoll.get_ref(), spare_capacity(&mut events), Some(&at_once)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => tracing::error!(%error, "looking at descriptors failed"),
        }
        // Readiness was cleared before looking: only an empty look is the end.
        self.more = !events.is_empty();
        events.iter().map(|event| event.data.u64()).collect()
    }

    /// The last look gave something, so that another may.
    pub(super) fn has_more(&self) -> bool {
        self.more
    }
}
