//! Waiting for edges on all lines.

use std::{
    collections::BTreeMap,
    io,
    os::fd::{AsFd, OwnedFd},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use rustix::{
    event::{EventfdFlags, PollFd, PollFlags, Timespec},
    io::Errno,
};
use ubmc_core::{ids::SignalId, units::Level};

use super::{super::LinuxError, lines::Lines, poller::Poller};

/// Lines that we do not have are asked for again so often.
const RETRY: Duration = Duration::from_secs(2);
/// A line that the kernel refuses, because its pin serves something else or a driver holds it, is asked for less and less
/// often, at least so often: each time the kernel complains in its log.
const RAREST: Duration = Duration::from_secs(300);

/// What others have to tell the watcher: the level of a line that was driven, or of one that was looked at. The newest
/// level of each line, so that it is bounded.
#[derive(Debug)]
pub(super) struct Mailbox {
    letters: Mutex<Letters>,
    /// Readable while there is something. Absent: this system has no event descriptors left; we are told a bit later.
    bell: Option<OwnedFd>,
}

#[derive(Debug, Default)]
struct Letters {
    levels: BTreeMap<SignalId, Option<Level>>,
    closed: bool,
}

impl Default for Mailbox {
    fn default() -> Self {
        let bell = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok();
        Self { letters: Mutex::default(), bell }
    }
}

impl Mailbox {
    pub(super) fn post(&self, line: SignalId, level: Option<Level>) {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).levels.insert(line, level);
        self.ring();
    }

    /// Nobody reads it any more.
    pub(super) fn close(&self) {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.ring();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.letters.lock().unwrap_or_else(PoisonError::into_inner).closed
    }

    fn ring(&self) {
        if let Some(bell) = &self.bell {
            let _ = rustix::io::write(bell, &1_u64.to_ne_bytes());
        }
    }

    fn take(&self) -> Result<BTreeMap<SignalId, Option<Level>>, LinuxError> {
        if let Some(bell) = &self.bell {
            let _ = rustix::io::read(bell, &mut [0; 8]);
        }
        let mut letters = self.letters.lock().unwrap_or_else(PoisonError::into_inner);
        if letters.closed {
            return Err(LinuxError::Superseded);
        }
        Ok(std::mem::take(&mut letters.levels))
    }
}

/// Watches all lines.
#[derive(Debug)]
pub(in crate::linux) struct Watch {
    lines: Arc<Lines>,
    state: Option<Watching>,
}

#[derive(Debug)]
struct Watching {
    mailbox: Arc<Mailbox>,
    poller: Poller,
    retry: Instant,
    refused: Refused,
}

/// Lines that the kernel refuses: when they are asked for again, and how long that is after the last time.
#[derive(Debug, Default)]
struct Refused(BTreeMap<SignalId, (Instant, Duration)>);

impl Refused {
    fn is_due(&self, line: SignalId, now: Instant) -> bool {
        self.0.get(&line).is_none_or(|(at, _)| *at <= now)
    }

    /// How asking for it ended.
    fn note<T>(&mut self, line: SignalId, answer: &Result<T, LinuxError>, now: Instant) {
        match answer {
            // A line that is not there costs the kernel nothing: chips that come late are found soon.
            Ok(_) | Err(LinuxError::NoLine { .. }) => {
                self.0.remove(&line);
            }
            Err(_) => {
                let wait = self.0.get(&line).map_or(RETRY, |(_, wait)| (*wait * 2).min(RAREST));
                self.0.insert(line, (now + wait, wait));
            }
        }
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        // The pollers end with their mailbox.
        self.mailbox.close();
    }
}

/// What is known of a line.
pub(in crate::linux) type Levels = Vec<(SignalId, Option<Level>)>;

impl Watch {
    pub(in crate::linux) fn new(lines: Arc<Lines>) -> Self {
        Self { lines, state: None }
    }

    /// Every line now. None: it cannot be read; it is asked for again while edges are waited for.
    pub(in crate::linux) fn read_all(&mut self) -> Levels {
        let mailbox = Arc::new(Mailbox::default());
        // Before the first line is read: from here on no other watcher takes an edge that we then miss.
        self.lines.take_over(&mailbox);
        let mut poller = Poller::new(&self.lines, &mailbox);
        let mut refused = Refused::default();
        let mut read = |(id, line)| {
            let level = self.lines.discover(line);
            refused.note(id, &level, Instant::now());
            (id, level.ok())
        };
        let levels = self.lines.ids().map(&mut read).collect();
        poller.extend();
        self.state = Some(Watching { mailbox, poller, retry: Instant::now() + RETRY, refused });
        levels
    }

    /// Changes since `read_all`, in order; nothing when `timeout` has passed without.
    pub(in crate::linux) fn changes(&mut self, timeout: Duration) -> Result<Levels, LinuxError> {
        let Some(state) = &mut self.state else { return Err(LinuxError::Superseded) };
        wait(&self.lines, &state.mailbox, timeout).map_err(LinuxError::Wait)?;
        let told = state.mailbox.take()?;
        let mut changes = edges(&self.lines, &state.mailbox);
        changes.extend(told);
        if Instant::now() >= state.retry {
            let now = Instant::now();
            for (id, line) in self.lines.missing() {
                if !state.refused.is_due(id, now) {
                    continue;
                }
                let level = self.lines.discover(line);
                state.refused.note(id, &level, now);
                changes.extend(level.ok().map(|level| (id, Some(level))));
            }
            state.poller.extend();
            state.retry = Instant::now() + RETRY;
        }
        Ok(changes)
    }
}

/// Edges of all lines, in the order in which they happened. A line that cannot be read any more is given up, and asked
/// for again later.
fn edges(lines: &Lines, mailbox: &Mailbox) -> Levels {
    let mut found: Vec<(u64, SignalId, Option<Level>)> = Vec::new();
    for (id, line) in lines.ids() {
        // One that somebody uses just now keeps its edges until the next time.
        let Some(mut held) = line.try_lock() else { continue };
        // Under the line's lock: a newer watcher has read it after us, or will not be missing what we take.
        if mailbox.is_closed() {
            return Vec::new();
        }
        while let Some(ours) = held.as_ref() {
            match ours.edge() {
                Ok(Some((at, level))) => found.push((at, id, Some(level))),
                Ok(None) => break,
                Err(_) => {
                    *held = None;
                    found.push((u64::MAX, id, None));
                }
            }
        }
    }
    found.sort_by_key(|(at, ..)| *at);
    found.into_iter().map(|(_, id, level)| (id, level)).collect()
}

/// Until something is to be read, or the time is over.
fn wait(lines: &Lines, mailbox: &Mailbox, timeout: Duration) -> io::Result<()> {
    let mut fds = Vec::new();
    for (_, line) in lines.ids() {
        let held = line.try_lock();
        if let Some(ours) = held.as_ref().and_then(|held| held.as_ref()).filter(|ours| ours.edges) {
            // A copy: the line may be given up meanwhile.
            fds.push(ours.request.as_fd().try_clone_to_owned()?);
        }
    }
    let mut polled: Vec<_> =
        fds.iter().chain(&mailbox.bell).map(|fd| PollFd::new(fd, PollFlags::IN | PollFlags::PRI)).collect();
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    match rustix::event::poll(&mut polled, Some(&timeout)) {
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_that_is_refused_is_asked_for_less_and_less_often() {
        let start = Instant::now();
        let line = SignalId::new(0);
        let held = || Err::<(), _>(LinuxError::LineHeld { line: "x".to_owned(), by: "y".to_owned() });
        let absent = || Err::<(), _>(LinuxError::NoLine { line: "x".to_owned(), on: String::new() });
        let mut refused = Refused::default();
        assert!(refused.is_due(line, start));
        let mut at = start;
        for seconds in [2, 4, 8, 16, 32, 64, 128, 256, 300, 300] {
            refused.note(line, &held(), at);
            let due = at + Duration::from_secs(seconds);
            assert!(!refused.is_due(line, at + Duration::from_millis(seconds * 1000 - 1)), "{seconds}");
            assert!(refused.is_due(line, due), "{seconds}");
            at = due;
        }
        refused.note(line, &absent(), at);
        assert!(refused.is_due(line, at), "its chip may come at any time");
    }

    #[test]
    fn a_mailbox_keeps_the_newest_level_of_each_line_and_ends_for_good() {
        let mailbox = Mailbox::default();
        let (one, two) = (SignalId::new(1), SignalId::new(2));
        mailbox.post(one, Some(Level::High));
        mailbox.post(two, None);
        mailbox.post(one, Some(Level::Low));
        let letters: Vec<_> = mailbox.take().unwrap().into_iter().collect();
        assert_eq!(letters, [(one, Some(Level::Low)), (two, None)]);
        assert!(mailbox.take().unwrap().is_empty());
        mailbox.close();
        mailbox.post(one, Some(Level::High));
        assert!(matches!(mailbox.take(), Err(LinuxError::Superseded)));
    }

    #[test]
    fn lines_that_are_not_there_are_told_as_unknown_and_a_new_watcher_ends_the_old() {
        use ubmc_core::power::Direction;

        let wanted = super::super::Wanted {
            line: "ubmc-no-such-line".to_owned(),
            chip: None,
            active_low: false,
            bias: None,
            direction: Direction::Input,
        };
        let lines = Arc::new(Lines::new(vec![wanted]));
        let mut old = Watch::new(Arc::clone(&lines));
        assert!(matches!(old.changes(Duration::ZERO), Err(LinuxError::Superseded)), "nothing was read yet");
        assert_eq!(old.read_all(), [(SignalId::new(0), None)]);
        assert_eq!(old.changes(Duration::from_millis(1)).unwrap(), []);
        let mut new = Watch::new(Arc::clone(&lines));
        assert_eq!(new.read_all(), [(SignalId::new(0), None)]);
        assert!(matches!(old.changes(Duration::from_secs(60)), Err(LinuxError::Superseded)), "at once");
        assert_eq!(new.changes(Duration::ZERO).unwrap(), []);
        let error = lines.drive(SignalId::new(0), Level::High).unwrap_err().to_string();
        assert!(error.starts_with("there is no GPIO line `ubmc-no-such-line`: "), "{error}");
        assert!(!lines.drive(SignalId::new(1), Level::High).unwrap(), "no line of the board");
    }
}
