//! All lines of a board: who drives and who watches them share the requests, because the kernel gives a line to one only.
//!
//! ```text
//!   LineDriver ── drive ──▶ ┌────────────────────┐ ◀── read_all, edges ── LineWatcher
//!                           │ Lines: one lock    │
//!      what was driven ───▶ │ and one request    │ ───▶ mailbox of the watcher
//!      what was looked at ─▶│ a line             │
//!                           └────────────────────┘
//! ```
//!
//! A lock is held while its line is used, and no two at a time: a line whose expander hangs holds up that line alone.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::MetadataExt,
    path::PathBuf,
    sync::{Arc, Mutex, MutexGuard, PoisonError, TryLockError},
};

use ubmc_core::{ids::SignalId, power::Direction, units::Level};

use super::{
    super::LinuxError,
    line::Held,
    listing::{ChipListing, locate, survey},
    watch::Mailbox,
};
use crate::board::Bias;

/// A line as the board file has it.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::linux) struct Wanted {
    pub(in crate::linux) line: String,
    pub(in crate::linux) chip: Option<String>,
    pub(in crate::linux) active_low: bool,
    pub(in crate::linux) bias: Option<Bias>,
    pub(in crate::linux) direction: Direction,
}

/// A line, and our request of it when we have one.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) wanted: Wanted,
    held: Mutex<Option<Held>>,
}

impl Line {
    /// For those who must not wait for a line that somebody else uses just now.
    pub(super) fn try_lock(&self) -> Option<MutexGuard<'_, Option<Held>>> {
        match self.held.try_lock() {
            Ok(held) => Some(held),
            Err(TryLockError::Poisoned(held)) => Some(held.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Option<Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// All lines of a board, by [`SignalId`].
#[derive(Debug)]
pub(in crate::linux) struct Lines {
    all: Vec<Line>,
    chips: Mutex<Chips>,
    /// Of the watcher that read the lines last.
    mailbox: Mutex<Arc<Mailbox>>,
}

/// What is known of the chips: asking for the names of hundreds of lines is not free.
#[derive(Debug, Default)]
struct Chips {
    /// Which device files there were: name, inode, time of making.
    seen: Option<Vec<(String, u64, i64)>>,
    listings: Vec<ChipListing>,
}

impl Lines {
    pub(in crate::linux) fn new(wanted: Vec<Wanted>) -> Self {
        let all = wanted.into_iter().map(|wanted| Line { wanted, held: Mutex::new(None) }).collect();
        Self { all, chips: Mutex::default(), mailbox: Mutex::default() }
    }

    /// A watcher takes over: it is told from now on what is driven, and an older one is told that it is over.
    pub(super) fn take_over(&self, mailbox: &Arc<Mailbox>) {
        let mut current = self.mailbox.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::replace(&mut *current, Arc::clone(mailbox)).close();
    }

    fn tell(&self, line: SignalId, level: Option<Level>) {
        let mailbox = Arc::clone(&self.mailbox.lock().unwrap_or_else(PoisonError::into_inner));
        mailbox.post(line, level);
    }

    /// Has a line, requesting it when we do not have it yet, and reads it.
    pub(super) fn discover(&self, line: &Line) -> Result<Level, LinuxError> {
        let mut held = line.lock();
        let ours = match &mut *held {
            Some(ours) => ours,
            none @ None => none.insert(Held::discover(&self.locate(&line.wanted)?, &line.wanted)?),
        };
        // What was told before does not matter beside what is now.
        while let Ok(Some(_)) = ours.edge() {}
        ours.level().map_err(|source| {
            *held = None;
            failed(&line.wanted, "it cannot be read", source)
        })
    }

    /// Drives a line, and tells the watcher what it then reads. False: the board has no such line.
    pub(in crate::linux) fn drive(&self, id: SignalId, level: Level) -> Result<bool, LinuxError> {
        let Some(line) = self.all.get(id.index()) else { return Ok(false) };
        let mut held = line.lock();
        let ours = match &mut *held {
            Some(ours) => {
                if let Err(source) = ours.drive(&line.wanted, level) {
                    // Its chip may have gone and come back: the next command asks for the line anew.
                    *held = None;
                    return Err(failed(&line.wanted, "it cannot be driven", source));
                }
                ours
            }
            none @ None => none.insert(Held::drive_first(&self.locate(&line.wanted)?, &line.wanted, level)?),
        };
        let reads = settled(ours, level, Held::level, |ours| ours.drive(&line.wanted, level));
        drop(held);
        match reads {
            Ok(reads) => {
                self.tell(id, Some(reads));
                if reads == level {
                    Ok(true)
                } else {
                    Err(LinuxError::LineStuck { line: line.wanted.line.clone(), wanted: level })
                }
            }
            Err(source) => {
                self.tell(id, None);
                Err(failed(&line.wanted, "it was driven, but cannot be read", source))
            }
        }
    }

    fn locate(&self, wanted: &Wanted) -> Result<super::listing::Place, LinuxError> {
        let mut chips = self.chips.lock().unwrap_or_else(PoisonError::into_inner);
        let now = device_files();
        if chips.seen.as_ref() != Some(&now) {
            *chips = Chips { seen: Some(now), listings: survey().0 };
        }
        locate(&chips.listings, &wanted.line, wanted.chip.as_deref())
    }

    /// Lines that we do not have.
    pub(super) fn missing(&self) -> Vec<(SignalId, &Line)> {
        self.ids().filter(|(_, line)| line.try_lock().is_some_and(|held| held.is_none())).collect()
    }

    /// Inputs that we have and whose edges are not told, with their chips.
    pub(super) fn without_edges(&self) -> Vec<(SignalId, PathBuf)> {
        let chip = |line: &Line| {
            let held = line.try_lock()?;
            let ours = held.as_ref().filter(|ours| !ours.edges && line.wanted.direction == Direction::Input)?;
            Some(ours.place.chip.clone())
        };
        self.ids().filter_map(|(id, line)| Some((id, chip(line)?))).collect()
    }

    /// The level of a line that we have. None: we do not have it, or it cannot be read and is given up.
    pub(super) fn look(&self, id: SignalId) -> Option<Level> {
        let mut held = self.all.get(id.index())?.lock();
        let level = held.as_ref()?.level().ok();
        if level.is_none() {
            *held = None;
        }
        level
    }

    pub(super) fn ids(&self) -> impl Iterator<Item = (SignalId, &Line)> {
        self.all.iter().enumerate().map(|(index, line)| (SignalId::new(index), line))
    }
}

/// What a line reads that has just been driven. One that reads otherwise is driven once more: some controllers drop a value
/// that comes together with the direction, and take it once the line is an output.
fn settled<L, E>(
    line: &mut L,
    level: Level,
    read: impl Fn(&L) -> Result<Level, E>,
    drive: impl Fn(&mut L) -> Result<(), E>,
) -> Result<Level, E> {
    let reads = read(line)?;
    if reads == level {
        return Ok(reads);
    }
    drive(line)?;
    read(line)
}

pub(super) fn failed(wanted: &Wanted, doing: &'static str, source: gpiocdev::Error) -> LinuxError {
    LinuxError::Line { line: wanted.line.clone(), doing, source }
}

/// A chip that was replaced has a device file that was made anew.
fn device_files() -> Vec<(String, u64, i64)> {
    let entries = fs::read_dir("/dev").into_iter().flatten().flatten();
    let file = |entry: fs::DirEntry| {
        let name = entry.file_name().into_string().ok().filter(|name| name.starts_with("gpiochip"))?;
        let about = entry.metadata().ok()?;
        Some((name, about.ino(), about.ctime()))
    };
    let found: BTreeMap<_, _> = entries.filter_map(file).map(|(name, inode, time)| (name, (inode, time))).collect();
    found.into_iter().map(|(name, (inode, time))| (name, inode, time)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A line that takes what it is told only from the given time on, and fails at the given call.
    struct Fake {
        reads: Level,
        takes_from: usize,
        driven: usize,
        fails: &'static str,
    }

    #[test]
    fn a_line_that_drops_its_first_value_is_driven_once_more_and_no_oftener() {
        use Level::{High, Low};
        // From which time on it takes its value, and what fails; what is read at last, and how often it was driven again.
        for (reads, takes_from, fails, expected, driven) in [
            (High, 1, "", Ok(High), 0),
            (Low, 1, "", Ok(High), 1),
            (Low, 2, "", Ok(Low), 1),
            (Low, 1, "drive", Err("drive"), 0),
            (High, 1, "read", Err("read"), 0),
        ] {
            let mut fake = Fake { reads, takes_from, driven: 0, fails };
            let read = |fake: &Fake| if fake.fails == "read" { Err("read") } else { Ok(fake.reads) };
            let drive = |fake: &mut Fake| {
                if fake.fails == "drive" {
                    return Err("drive");
                }
                fake.driven += 1;
                if fake.driven >= fake.takes_from {
                    fake.reads = High;
                }
                Ok(())
            };
            let got = settled(&mut fake, High, read, drive);
            assert_eq!(
                (got, fake.driven),
                (expected, driven),
                "reads {reads:?}, takes from {takes_from}, fails {fails}"
            );
        }
    }
}
