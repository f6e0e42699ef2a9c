//! What a daemon leaves in the process table: nothing, as long as it runs no zombie, and afterwards no process at all.

use std::{fs, path::Path};

/// Children of a process that have ended and were not reaped.
pub fn zombies_of(pid: i32) -> Vec<String> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().map(|thread| fs::read_to_string(thread.path().join("children")).unwrap_or_default());
    let children: Vec<String> =
        lists.flat_map(|list| list.split_whitespace().map(str::to_owned).collect::<Vec<_>>()).collect();
    children.into_iter().filter(|child| is_zombie(child)).collect()
}

fn is_zombie(pid: &str) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'))
}

/// Processes that carry the mark of the daemon on a state directory, however far they have gone: another session,
/// another parent, no environment. Empty where the daemon cannot mark.
pub fn marked(state_dir: &Path) -> Vec<String> {
    let Ok(text) = fs::read_to_string(state_dir.join("mark")) else { return Vec::new() };
    let Some(tag) = text.split_whitespace().next() else { return Vec::new() };
    let pids =
        fs::read_dir("/proc").into_iter().flatten().flatten().filter_map(|entry| entry.file_name().into_string().ok());
    pids.filter(|pid| carries(pid, tag)).map(|pid| format!("{pid} {}", command(&pid))).collect()
}

fn carries(pid: &str, tag: &str) -> bool {
    let limits = fs::read_to_string(format!("/proc/{pid}/limits")).unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max file locks"));
    line.is_some_and(|line| line.split_whitespace().nth(1) == Some(tag))
}

fn command(pid: &str) -> String {
    fs::read(format!("/proc/{pid}/cmdline"))
        .map_or_else(|_| String::new(), |bytes| String::from_utf8_lossy(&bytes).replace('\0', " "))
}
