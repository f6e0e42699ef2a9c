//! What services say of themselves: readiness descriptors and notifications, behind one descriptor that the runtime
//! watches.

use std::{collections::HashMap, io, os::fd::OwnedFd, path::Path};

use rustix::io::Errno;
use ubmc_core::input::ServiceHappening;

use super::{Life, Main, Processes, mark::Serial, notify::Socket, watch::Watch};

/// The key of the notification socket; descriptors have those of their lives, which are never 0.
const NOTIFICATIONS: u64 = 0;
/// Messages and looks at descriptors before other things get their turn.
const AT_ONCE: usize = 32;
/// What is kept of what a process says before its start is known here; a moment.
const MOST_EARLY: usize = 32;

#[derive(Debug)]
pub(super) struct Ears {
    watch: Watch,
    socket: Socket,
    ready: HashMap<u64, (Serial, OwnedFd)>,
}

impl Ears {
    pub(super) fn open(runtime_dir: &Path) -> io::Result<Self> {
        let watch = Watch::new()?;
        let socket = Socket::bind(&runtime_dir.join("notify"))?;
        watch.add(&socket, NOTIFICATIONS)?;
        Ok(Self { watch, socket, ready: HashMap::new() })
    }

    pub(super) fn notify_path(&self) -> &str {
        self.socket.path()
    }

    pub(super) fn add(&mut self, serial: Serial, ready: OwnedFd) -> io::Result<()> {
        self.watch.add(&ready, serial.key())?;
        self.ready.insert(serial.key(), (serial, ready));
        Ok(())
    }

    #[cfg(test)]
    pub(super) fn is_empty(&self) -> bool {
        self.ready.is_empty()
    }

    pub(super) fn forget(&mut self, serial: Serial) {
        if let Some((_, ready)) = self.ready.remove(&serial.key()) {
            self.watch.remove(&ready);
        }
    }

    /// Until there is something to hear.
    pub(super) async fn wait(&mut self) {
        self.watch.wait().await;
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
            if !self.ears.watch.has_more() {
                break;
            }
        }
    }

    /// Takes in what services have said.
    pub(super) fn listen(&mut self) {
        for key in self.ears.watch.keys() {
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
                        self.hear(serial, happening);
                    }
                }
                None => self.counters.notifications_ignored += 1,
            }
            // A barrier's descriptor is closed here, with the notification: everything before it has been handled.
        }
    }

    /// What a process of that life has said. One that is faster than the news of its start is told after that.
    pub(super) fn hear(&mut self, serial: Serial, happening: ServiceHappening) {
        match self.lives.get_mut(&serial) {
            Some(Life { main: Main::Underway(underway), .. }) if underway.said.len() < MOST_EARLY => {
                underway.said.push(happening);
            }
            Some(Life { main: Main::Underway(_), .. }) => self.counters.notifications_ignored += 1,
            Some(_) => self.told(serial, happening),
            None => {}
        }
    }

    /// What a process of a life has said whose start has been told.
    pub(super) fn told(&mut self, serial: Serial, happening: ServiceHappening) {
        match happening {
            ServiceHappening::MainPid(pid) => self.main_is(serial, pid),
            other => self.say(serial, other),
        }
    }

    /// Whose process that is. What is a child of ours we know; others are told apart by their mark, as long as they
    /// have not been reaped by their parent: a sender that is gone by now should have sent a barrier.
    fn sender(&self, pid: u32) -> Option<Serial> {
        match self.children.get(pid) {
            Some(child) => child.life(),
            None => self.spawner.marker.read(pid).filter(|serial| self.lives.contains_key(serial)),
        }
    }
}
