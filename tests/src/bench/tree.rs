//! Our own tree of processes: who descends from whom, and how to end what must not stay behind.
//!
//! Only what descends from us is ever looked at or ended, each by a pidfd that was checked after it was opened.

use std::{
    cell::RefCell,
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::{Pid, PidfdFlags, Signal, WaitOptions, pidfd_open, pidfd_send_signal, waitpid};

use super::clock::{Moment, pause};

/// A process, as `/proc/PID/stat` has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Relative {
    /// Its id.
    pub pid: u32,
    /// Its parent's.
    pub parent: u32,
    /// CPU time so far, that of its waited-for children included.
    pub ticks: u64,
    /// It has ended, and nobody has waited for it yet.
    pub zombie: bool,
}

impl Relative {
    /// A process by its id.
    pub fn of(pid: u32) -> Option<Self> {
        Self::parse(pid, &fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    fn parse(pid: u32, stat: &str) -> Option<Self> {
        // The name may hold anything, so everything is counted from its end.
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_whitespace().collect();
        let zombie = matches!(*fields.first()?, "Z" | "X");
        let parent = fields.get(1)?.parse().ok()?;
        let ticks = fields.get(11..15)?.iter().filter_map(|text| text.parse::<u64>().ok()).sum();
        Some(Self { pid, parent, ticks, zombie })
    }
}

/// Everything that descends from a process, without itself.
pub fn below(root: u32) -> Vec<Relative> {
    let mut children = BTreeMap::<u32, Vec<Relative>>::new();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let pid = entry.file_name().to_str().and_then(|name| name.parse().ok());
        if let Some(relative) = pid.and_then(Relative::of) {
            children.entry(relative.parent).or_default().push(relative);
        }
    }
    let (mut found, mut parents) = (Vec::new(), vec![root]);
    while let Some(parent) = parents.pop() {
        let of_this = children.remove(&parent).unwrap_or_default();
        parents.extend(of_this.iter().map(|child| child.pid));
        found.extend(of_this);
    }
    found
}

/// Whether a process has another one among its ancestors, at the first look.
fn descends(pid: u32, ancestor: u32) -> bool {
    let mut next = Relative::of(pid);
    while let Some(relative) = next {
        if relative.parent == ancestor {
            return true;
        }
        next = Relative::of(relative.parent);
    }
    false
}

/// What belongs to one contender: known by its manager, and by the folder and the ring that nobody else has. So an
/// orphan is still known as its own after the manager has ended.
#[derive(Debug)]
pub struct Claim {
    folder: PathBuf,
    ring: PathBuf,
    /// Orphans become our children, and need somebody who waits for them.
    seen: RefCell<BTreeSet<u32>>,
}

impl Claim {
    /// Of whoever works in this folder or is given this ring.
    pub fn new(folder: &Path, ring: &Path) -> Self {
        Self { folder: folder.to_owned(), ring: ring.to_owned(), seen: RefCell::default() }
    }

    /// Those alive: below the manager, or known by folder or ring. The manager itself is not among them.
    pub fn members(&self, manager: Option<u32>) -> Vec<u32> {
        let of_manager: BTreeSet<u32> =
            manager.map(below).unwrap_or_default().into_iter().map(|relative| relative.pid).collect();
        let mut members: Vec<u32> = below(std::process::id())
            .into_iter()
            .filter(|relative| !relative.zombie && Some(relative.pid) != manager)
            .map(|relative| relative.pid)
            .filter(|pid| of_manager.contains(pid) || self.knows(*pid))
            .collect();
        members.sort_unstable();
        self.seen.borrow_mut().extend(&members);
        members
    }

    fn knows(&self, pid: u32) -> bool {
        if fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|cwd| cwd.starts_with(&self.folder)) {
            return true;
        }
        let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        let line = String::from_utf8_lossy(&line);
        [&self.folder, &self.ring].into_iter().any(|path| path.to_str().is_some_and(|path| line.contains(path)))
    }

    /// Waits until no member but the manager is left; whether that came to be.
    pub fn await_end(&self, manager: Option<u32>, patience: Duration) -> bool {
        let end = Moment::now().after(patience);
        loop {
            let left = self.members(manager);
            self.reap();
            if left.is_empty() {
                return true;
            }
            if Moment::now() > end {
                return false;
            }
            pause(Duration::from_millis(20));
        }
    }

    /// Kills every member but the manager until none is left; how many there were.
    pub fn sweep(&self, manager: Option<u32>) -> usize {
        let mut ended = BTreeSet::new();
        for _ in 0..SWEEPS {
            let members = self.members(manager);
            if members.is_empty() {
                break;
            }
            for pid in members {
                kill_if(pid, || manager.is_some_and(|manager| descends(pid, manager)) || self.knows(pid));
                ended.insert(pid);
            }
            pause(Duration::from_millis(10));
            self.reap();
        }
        self.reap();
        ended.len()
    }

    /// Waits for those of them that are our children and have ended.
    fn reap(&self) {
        self.seen.borrow_mut().retain(|pid| {
            reap(*pid);
            Relative::of(*pid).is_some()
        });
    }
}

/// A service may still be started while its manager ends; nothing forks for ever.
const SWEEPS: usize = 500;

/// Kills everything below us until nothing is left; how many there were.
pub fn end_everything_below() -> usize {
    let mut ended = BTreeSet::new();
    for _ in 0..SWEEPS {
        let left = below(std::process::id());
        if left.is_empty() {
            break;
        }
        for relative in left {
            if relative.zombie {
                reap(relative.pid);
            } else {
                kill_if(relative.pid, || descends(relative.pid, std::process::id()));
                ended.insert(relative.pid);
            }
        }
        pause(Duration::from_millis(10));
    }
    ended.len()
}

/// Kills a process if it still is what it was taken for once a descriptor holds it.
fn kill_if(pid: u32, still: impl Fn() -> bool) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    if let Ok(held) = pidfd_open(pid, PidfdFlags::empty())
        && still()
    {
        let _ = pidfd_send_signal(held, Signal::KILL);
    }
}

/// Waits for a child that has ended; anybody else is none of our business.
fn reap(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = waitpid(Some(pid), WaitOptions::NOHANG);
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 4194304 100 0 0 0 1 2 4 8 20 0 1 0 55 0";
        let expected = Relative { pid: 7, parent: 3, ticks: 15, zombie: false };
        assert_eq!(Relative::parse(7, stat), Some(expected));
        assert_eq!(Relative::parse(7, ""), None);
    }

    #[test]
    fn who_works_in_the_folder_is_claimed_and_swept_and_nobody_else() {
        let folder = tempfile::tempdir().unwrap();
        let sleeper = |place: &Path| Command::new("sleep").arg("60").current_dir(place).spawn().unwrap();
        let (mut inside, mut outside) = (sleeper(folder.path()), sleeper(Path::new("/")));
        let claim = Claim::new(folder.path(), Path::new("/nowhere/ring"));
        assert_eq!(claim.members(None), [inside.id()]);
        assert!(claim.members(Some(inside.id())).is_empty(), "a manager is not its own member");
        assert!(descends(inside.id(), std::process::id()) && !descends(std::process::id(), inside.id()));
        assert_eq!(claim.sweep(None), 1);
        assert!(Relative::of(inside.id()).is_none() && outside.try_wait().unwrap().is_none());
        let _ = inside.wait();
        outside.kill().unwrap();
        outside.wait().unwrap();
    }
}
