//! What a daemon that died without shutting down left running.
//!
//! Its services live on, unsupervised. The next daemon cannot adopt them yet, and must not run them twice: so it ends
//! them first, before it starts anything. They are known by their mark, whose tag is kept in a file; a tag of another
//! boot of the kernel, or one that no process carries, means nothing.

use std::{
    collections::BTreeSet,
    fs, io,
    path::Path,
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
    /// Ended.
    pub(super) ended: usize,
    /// Survive even KILL.
    pub(super) surviving: BTreeSet<u32>,
}

impl Found {
    /// In words; empty when there was nothing.
    pub(super) fn report(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.ended > 0 {
            lines.push(format!(
                "The last daemon on this state directory did not shut down: {} processes that it left were ended; their \
                 services start anew.",
                self.ended
            ));
        }
        if !self.surviving.is_empty() {
            let pids: Vec<_> = self.surviving.iter().map(ToString::to_string).collect();
            lines.push(format!(
                "Processes {} of the last daemon survive even KILL; their services may run twice.",
                pids.join(", ")
            ));
        }
        lines
    }
}

/// Ends what the last daemon of this folder left, and notes this one's tag for the next.
pub(super) fn end_and_note(folder: &Path, own: Option<Tag>) -> io::Result<Found> {
    let file = folder.join("mark");
    let found = match fs::read_to_string(&file).ok().as_deref().and_then(read) {
        Some(tag) if Some(tag) != own => end(tag),
        Some(_) | None => Found::default(),
    };
    if let Some(own) = own {
        let fresh = folder.join("mark.new");
        fs::write(&fresh, format!("{} {}\n", own.number(), kernel_boot()))?;
        fs::rename(fresh, file)?;
    }
    Ok(found)
}

/// The tag in the file, if this kernel wrote it.
fn read(text: &str) -> Option<Tag> {
    let (tag, boot) = text.trim().split_once(' ')?;
    if boot == kernel_boot() { tag.parse().ok().and_then(Tag::from_number) } else { None }
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
            return Found { ended: seen.len(), surviving: left };
        }
        let waited = begun.elapsed();
        if waited >= GRACE + KILL_BOUND {
            return Found { ended: seen.len() - left.len(), surviving: left };
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
