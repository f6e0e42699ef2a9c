//! What services say of themselves: readiness descriptors and notifications, behind one descriptor that the runtime
//! watches.

use std::{collections::HashMap, io, os::fd::OwnedFd, path::Path};

use rustix::{
    buffer::spare_capacity,
    event::{Timespec, epoll},
    io::Errno,
};
use tokio::io::unix::AsyncFd;
use ubmc_core::input::ServiceHappening;

use super::{Child, Processes, descriptor, mark::Serial, notify::Socket};

/// The key of the notification socket; descriptors have those of their lives, which are never 0.
const NOTIFICATIONS: u64 = 0;
/// Messages and descriptors looked at before other things get their turn.
const AT_ONCE: usize = 32;

#[derive(Debug)]
pub(super) struct Ears {
    epoll: AsyncFd<OwnedFd>,
    socket: Socket,
    ready: HashMap<u64, (Serial, OwnedFd)>,
    /// The last look did not see the end.
    more: bool,
}

impl Ears {
    pub(super) fn open(runtime_dir: &Path) -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let socket = Socket::bind(&runtime_dir.join("notify"))?;
        epoll::add(&epoll, &socket, epoll::EventData::new_u64(NOTIFICATIONS), epoll::EventFlags::IN)?;
        let epoll = descriptor::watch(epoll)?;
        Ok(Self { epoll, socket, ready: HashMap::new(), more: false })
    }

    pub(super) fn notify_path(&self) -> &str {
        self.socket.path()
    }

    pub(super) fn add(&mut self, serial: Serial, ready: OwnedFd) -> io::Result<()> {
        let key = serial.key();
        epoll::add(self.epoll.get_ref(), &ready, epoll::EventData::new_u64(key), epoll::EventFlags::IN)?;
        self.ready.insert(key, (serial, ready));
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn forget(&mut self, serial: Serial) {
        // Closing takes it out of the epoll set.
        self.ready.remove(&serial.key());
    }

    /// Until there is something to hear.
    pub(super) async fn wait(&mut self) {
        if !self.more {
            match self.epoll.readable().await {
                Ok(mut guard) => guard.clear_ready(),
                // The runtime is going down; nothing is lost by waiting for that.
                Err(_) => std::future::pending().await,
            }
        }
    }

    fn keys(&mut self) -> Vec<u64> {
        let mut events = Vec::with_capacity(AT_ONCE);
        let at_once = Timespec { tv_sec: 0, tv_nsec: 0 };
        match epoll::wait(self.epoll.get_ref(), spare_capacity(&mut events), Some(&at_once)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => tracing::error!(%error, "listening to services failed"),
        }
        // Readiness was cleared before looking: only an empty look is the end.
        self.more = !events.is_empty();
        events.iter().map(|event| event.data.u64()).collect()
    }
}

enum Word {
    Nothing,
    Newline,
    End,
}

fn hear_descriptor(fd: &OwnedFd) -> Word {
    let mut buffer = [0; 512];
    loop {
        match rustix::io::read(fd, &mut buffer) {
            Ok(0) => return Word::End,
            Ok(length) if buffer.get(..length).is_some_and(|bytes| bytes.contains(&b'\n')) => return Word::Newline,
            Ok(_) | Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => return Word::Nothing,
            Err(_) => return Word::End,
        }
    }
}

impl Processes {
    /// Takes in all that services have said by now. Bounded: who talks without end is not waited for.
    pub(super) fn listen_to_the_end(&mut self) {
        for _ in 0..AT_ONCE {
            self.listen();
            if !self.ears.more {
                break;
            }
        }
    }

    /// Takes in what services have said.
    pub(super) fn listen(&mut self) {
        for key in self.ears.keys() {
            if key == NOTIFICATIONS {
                self.listen_to_notifications();
                continue;
            }
            let Some((serial, fd)) = self.ears.ready.get(&key) else { continue };
            let serial = *serial;
            let happening = match hear_descriptor(fd) {
                Word::Nothing => continue,
                Word::Newline => ServiceHappening::Ready,
                Word::End => ServiceHappening::ReadyClosed,
            };
            self.ears.forget(serial);
            self.say(serial, happening);
        }
    }

    fn listen_to_notifications(&mut self) {
        for _ in 0..AT_ONCE {
            let Some(notification) = self.ears.socket.receive() else { return };
            match self.sender(notification.pid) {
                Some(serial) => {
                    for happening in notification.happenings {
                        self.say(serial, happening);
                    }
                }
                None => self.counters.notifications_ignored += 1,
            }
            // A barrier's descriptor is closed here, with the notification: everything before it has been handled.
        }
    }

    /// Whose process that is. What is a child of ours we know; others are told apart by their mark, as long as they
    /// have not been reaped by their parent: a sender that is gone by now should have sent a barrier.
    fn sender(&self, pid: u32) -> Option<Serial> {
        match self.children.get(&pid) {
            Some(Child::Main(serial) | Child::Helper(serial) | Child::Adopted(serial)) => Some(*serial),
            Some(Child::OfCommand(_) | Child::Stranger) => None,
            None => self.spawner.lock().marker.read(pid).filter(|serial| self.lives.contains_key(serial)),
        }
    }
}
