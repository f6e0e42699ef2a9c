//! Who descends from whom.

use std::{collections::BTreeSet, fs, io};

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

/// Our own children that were not made by us but left to us: the kernel gives orphans to the main thread. (Those that
/// the main thread made itself are among them.)
pub(super) fn adopted() -> Vec<u32> {
    let own = std::process::id();
    match of_thread(own, &own.to_string()) {
        Ok(pids) => pids,
        Err(_) => by_parents(own),
    }
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
    let text = fs::read_to_string(format!("/proc/{pid}/task/{thread}/children"))?;
    Ok(text.split_ascii_whitespace().filter_map(|word| word.parse().ok()).collect())
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
