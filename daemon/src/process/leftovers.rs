//! What a daemon that died without shutting down left running.
//!
//! Its services live on, unsupervised. The next daemon cannot adopt them yet, and must not run them twice: so it ends
//! them first, before it starts anything. They are known by their mark, whose tag is kept in a file; a tag of another
//! boot of the kernel, or one that no process carries, means nothing.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};

use super::mark::{self, Tag};

/// How long what is left may take to stop by itself.
const GRACE: Duration = Duration::from_secs(2);
/// How long a KILL may take.
const KILL_BOUND: Duration = Duration::from_secs(2);
/// Between two looks. There is nothing to wait on: these are nobody's children.
const LOOK: Duration = Duration::from_millis(20);

/// What became of the last daemon's processes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// It had said that it ends in order.
    in_order: bool,
    /// Ended.
    ended: usize,
    /// Survive even KILL.
    surviving: BTreeSet<u32>,
}

impl Found {
    /// In words; empty when there was nothing.
    pub(super) fn report(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.ended > 0 {
            let left = match self.ended {
                1 => "1 process that it left was ended".to_owned(),
                several => format!("{several} processes that it left were ended"),
            };
            lines.push(if self.in_order {
                format!("The last daemon on this state directory shut down in order, but not everything: {left}.")
            } else {
                format!("The last daemon on this state directory did not shut down: {left}; its services start anew.")
            });
        }
        let pids: Vec<_> = self.surviving.iter().map(ToString::to_string).collect();
        let pids = pids.join(", ");
        lines.extend(match self.surviving.len() {
            0 => None,
            1 => Some(format!("Process {pids} of the last daemon survives even KILL; its service may run twice.")),
            _ => Some(format!("Processes {pids} of the last daemon survive even KILL; their services may run twice.")),
        });
        lines
    }
}

/// What the next daemon of a folder finds of this one.
#[derive(Debug)]
pub(super) struct Note {
    folder: PathBuf,
    own: Option<Tag>,
}

impl Note {
    fn write(&self, more: &str) -> io::Result<()> {
        let Some(own) = self.own else { return Ok(()) };
        let fresh = self.folder.join("mark.new");
        fs::write(&fresh, format!("{} {}{more}\n", own.number(), kernel_boot()))?;
        fs::rename(fresh, self.folder.join("mark"))
    }

    /// This daemon ends in order: what is found of it later has survived that.
    pub(super) fn ends_in_order(&self) {
        if let Err(error) = self.write(" ended") {
            tracing::warn!(%error, "the end of this daemon cannot be noted: the next one may take it for a crash");
        }
    }
}

/// Ends what the last daemon of this folder left, and notes this one's tag for the next.
///
/// A note that cannot be written is said, and is no reason not to run: fans and services come first.
pub(super) fn end_and_note(folder: &Path, own: Option<Tag>) -> (Found, Option<String>, Note) {
    let found = match fs::read_to_string(folder.join("mark")).ok().as_deref().and_then(read) {
        Some((tag, in_order)) if Some(tag) != own => Found { in_order, ..end(tag) },
        Some(_) | None => Found::default(),
    };
    let note = Note { folder: folder.to_owned(), own };
    let unnoted = note.write("").err().map(|error| {
        let mark = folder.join("mark");
        format!(
            "{}: {error}. If this daemon crashes, the next one does not find what it leaves running, and services may run \
             twice. Make room there and restart ubmcd.",
            mark.display()
        )
    });
    (found, unnoted, note)
}

/// The tag in the file, if this kernel wrote it, and whether its daemon ended in order.
fn read(text: &str) -> Option<(Tag, bool)> {
    let mut words = text.split_whitespace();
    let (tag, boot) = (words.next()?, words.next()?);
    let tag = tag.parse().ok().and_then(Tag::from_number).filter(|_| boot == kernel_boot())?;
    Some((tag, words.next() == Some("ended")))
}

fn kernel_boot() -> String {
    fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default()
}

fn end(tag: Tag) -> Found {
    let mut seen: BTreeSet<u32> = BTreeSet::new();
    let mut asked = BTreeSet::new();
    let begun = Instant::now();
    loop {
        let left = carriers(tag);
        seen.extend(&left);
        if left.is_empty() {
            return Found { ended: seen.len(), surviving: left, in_order: false };
        }
        let waited = begun.elapsed();
        if waited >= GRACE + KILL_BOUND {
            return Found { ended: seen.len() - left.len(), surviving: left, in_order: false };
        }
        for pid in left {
            if waited >= GRACE {
                send(pid, tag, &[Signal::KILL]);
            } else if asked.insert(pid) {
                // A stopped process cannot hear: wake it.
                send(pid, tag, &[Signal::TERM, Signal::CONT]);
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// Living processes with that tag. A zombie has nothing left to end; whoever inherited it will reap it.
fn carriers(tag: Tag) -> BTreeSet<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return BTreeSet::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| mark::carries(pid, tag) && !is_zombie(pid)).collect()
}

fn is_zombie(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_none_or(|(_, rest)| rest.starts_with(['Z', 'X']))
}

/// The pid is held by a descriptor while its mark is looked at again, so that no other process can be hit.
fn send(pid: u32, tag: Tag, signals: &[Signal]) {
    let Some(process) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    let Ok(held) = pidfd_open(process, PidfdFlags::empty()) else { return };
    if mark::carries(pid, tag) {
        for signal in signals {
            let _ = pidfd_send_signal(&held, *signal);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_found_is_said_as_people_say_it() {
        for (in_order, ended, surviving, sentences) in [
            (false, 0, &[][..], &[][..]),
            (true, 0, &[], &[]),
            (false, 1, &[], &["did not shut down: 1 process that it left was ended; its services start anew."]),
            (false, 3, &[], &["did not shut down: 3 processes that it left were ended; its services start anew."]),
            (true, 1, &[], &["shut down in order, but not everything: 1 process that it left was ended."]),
            (
                false,
                2,
                &[17],
                &[
                    "2 processes that it left were ended",
                    "Process 17 of the last daemon survives even KILL; its service",
                ],
            ),
            (true, 0, &[17, 18], &["Processes 17, 18 of the last daemon survive even KILL; their services"]),
        ] {
            let report = Found { in_order, ended, surviving: surviving.iter().copied().collect() }.report();
            assert_eq!(report.len(), sentences.len(), "{report:?}");
            for (line, sentence) in report.iter().zip(sentences) {
                assert!(line.contains(sentence), "no `{sentence}` in {line}");
            }
        }
    }

    #[test]
    fn the_next_daemon_knows_whether_this_one_ended_in_order() {
        let folder = tempfile::tempdir().unwrap();
        let own = Tag::from_number(1 << 30);
        let (found, unnoted, note) = end_and_note(folder.path(), own);
        assert_eq!((found, unnoted), (Found::default(), None));
        let noted = || read(&fs::read_to_string(folder.path().join("mark")).unwrap());
        assert_eq!(noted(), own.map(|tag| (tag, false)));
        note.ends_in_order();
        assert_eq!(noted(), own.map(|tag| (tag, true)));
        assert_eq!(read(&format!("{} another-boot\n", 1 << 30)), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_note_that_cannot_be_written_is_told_and_no_reason_not_to_run() {
        let folder = tempfile::tempdir().unwrap();
        // Nothing can be written in the place of a directory.
        fs::create_dir(folder.path().join("mark.new")).unwrap();
        let (_, unnoted, _) = end_and_note(folder.path(), Tag::from_number(1 << 30));
        let told = unnoted.unwrap();
        assert!(told.contains("/mark: ") && told.contains("may run twice"), "{told}");
    }
}
