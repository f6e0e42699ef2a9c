//! Who descends from whom.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io,
    os::unix::fs::FileExt,
};

/// The children of a process that are alive or not yet reaped, those of all its threads. Empty when it is gone.
pub(super) fn children(pid: u32) -> Vec<u32> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let mut found = Vec::new();
    for thread in threads.flatten() {
        match thread.file_name().to_str().map(|thread| of_thread(pid, thread)) {
            Some(Ok(pids)) => found.extend(pids),
            // A kernel without CONFIG_PROC_CHILDREN.
            Some(Err(error)) if error.kind() == io::ErrorKind::NotFound && has_no_lists() => return by_parents(pid),
            Some(Err(_)) | None => {}
        }
    }
    found
}

/// Where orphans come to us: the kernel gives them to the main thread. (What that thread made itself is among them.)
/// Looked at whenever something has ended, so it is kept open.
#[derive(Debug)]
pub(super) struct Orphanage {
    /// Absent: a kernel without CONFIG_PROC_CHILDREN.
    list: Option<File>,
    buffer: Vec<u8>,
}

impl Orphanage {
    pub(super) fn open() -> Self {
        let own = std::process::id();
        Self { list: File::open(format!("/proc/{own}/task/{own}/children")).ok(), buffer: vec![0; 4096] }
    }

    /// Our children, new ones and known ones, those that we made in other threads perhaps not included.
    pub(super) fn look(&mut self) -> Vec<u32> {
        let Some(list) = &self.list else { return by_parents(std::process::id()) };
        let mut length = 0;
        loop {
            if length == self.buffer.len() {
                self.buffer.resize(2 * length, 0);
            }
            // The kernel gives a page at a time. Nothing moves between two of them: a child leaves the list only when we
            // reap it, and new ones come to its end.
            let rest = self.buffer.get_mut(length..).unwrap_or_default();
            match list.read_at(rest, u64::try_from(length).unwrap_or(u64::MAX)) {
                Ok(0) => return numbers(self.buffer.get(..length).unwrap_or_default()),
                Ok(more) => length += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return by_parents(std::process::id()),
            }
        }
    }
}

/// Numbers with something between them.
fn numbers(text: &[u8]) -> Vec<u32> {
    let words = text.split(|byte| !byte.is_ascii_digit()).filter(|word| !word.is_empty());
    words
        .map(|word| word.iter().fold(0, |number: u32, digit| number.wrapping_mul(10) + u32::from(digit - b'0')))
        .collect()
}

/// All descendants of some processes, the processes themselves not included.
pub(super) fn descendants(of: impl IntoIterator<Item = u32>) -> BTreeSet<u32> {
    let mut found = BTreeSet::new();
    let mut open: Vec<u32> = of.into_iter().collect();
    while let Some(pid) = open.pop() {
        for child in children(pid) {
            if found.insert(child) {
                open.push(child);
            }
        }
    }
    found
}

fn of_thread(pid: u32, thread: &str) -> io::Result<Vec<u32>> {
    Ok(numbers(&fs::read(format!("/proc/{pid}/task/{thread}/children"))?))
}

fn has_no_lists() -> bool {
    !fs::exists("/proc/thread-self/children").unwrap_or(true)
}

/// The slow way: asks every process for its parent.
fn by_parents(parent: u32) -> Vec<u32> {
    let Ok(processes) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // The name may contain anything, closing brackets too.
    let (_, after_name) = stat.rsplit_once(") ")?;
    after_name.split(' ').nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slow_way_finds_what_the_kernel_lists() {
        let _alone = super::super::tests::alone();
        let mut child = std::process::Command::new("sleep").arg("1000").spawn().unwrap();
        let own = std::process::id();
        assert!(children(own).contains(&child.id()));
        assert!(by_parents(own).contains(&child.id()));
        assert_eq!(parent_of(child.id()), Some(own));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!children(own).contains(&child.id()));
    }
}
