//! What everybody else on the machine did while something was measured: a figure from a busy machine says so itself.
//!
//! Busy time of `/proc/stat`, without that of our own tree of processes. It is counted in ticks, so a measurement of a
//! few milliseconds says little; that of a whole figure says enough.

use std::{collections::BTreeMap, fmt, fs};

use super::clock::Moment;

/// CPUs that others kept busy, of how many.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Foreign {
    /// On average.
    pub cpus: f64,
    /// CPUs that we may use.
    pub of: usize,
}

impl fmt::Display for Foreign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "others: {:.2} of {} CPUs", self.cpus, self.of)
    }
}

/// Counts from its making on.
#[derive(Clone, Copy, Debug)]
pub struct Watch {
    since: Moment,
    busy: u64,
    own: u64,
}

impl Watch {
    /// Begins. Processes that outlive their parents must come to us: see [`adopt_orphans`].
    pub fn begin() -> Self {
        Self { since: Moment::now(), busy: busy(), own: own() }
    }

    /// From the beginning until now.
    pub fn end(self) -> Foreign {
        let ticks = (busy() - self.busy).saturating_sub(own().saturating_sub(self.own));
        let seconds = Moment::now().ms_since(self.since) / 1000.0;
        let cpus = ticks as f64 / rustix::param::clock_ticks_per_second() as f64 / seconds;
        Foreign { cpus, of: std::thread::available_parallelism().map_or(1, usize::from) }
    }
}

/// Makes everything that is started in here, and what that starts, part of our tree for as long as it lives.
pub fn adopt_orphans() {
    let own = Some(rustix::process::getpid());
    if let Err(error) = rustix::process::set_child_subreaper(own) {
        eprintln!("orphans count as others: {error}");
    }
}

/// Ticks that all CPUs were busy, time stolen by other virtual machines included.
fn busy() -> u64 {
    let text = fs::read_to_string("/proc/stat").unwrap_or_default();
    text.lines().next().map_or(0, busy_of)
}

fn busy_of(line: &str) -> u64 {
    // user nice system idle iowait irq softirq steal; what follows is part of user and nice.
    let ticks: Vec<u64> = line.split_whitespace().skip(1).filter_map(|text| text.parse().ok()).collect();
    ticks.iter().take(8).enumerate().filter(|(column, _)| !matches!(column, 3 | 4)).map(|(_, ticks)| ticks).sum()
}

/// Ticks used so far by this process, all that descend from it, and those of them that have been waited for.
fn own() -> u64 {
    let mut parents = BTreeMap::<u32, Vec<(u32, u64)>>::new();
    let mut sum = 0;
    let own = std::process::id();
    for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let stat = fs::read_to_string(entry.path().join("stat")).unwrap_or_default();
        let Some((parent, ticks)) = ticks_of(&stat) else { continue };
        if pid == own {
            sum += ticks;
        } else {
            parents.entry(parent).or_default().push((pid, ticks));
        }
    }
    let mut tree = vec![own];
    while let Some(parent) = tree.pop() {
        for (pid, ticks) in parents.remove(&parent).unwrap_or_default() {
            sum += ticks;
            tree.push(pid);
        }
    }
    sum
}

/// Parent and ticks of one process, its waited-for children included.
fn ticks_of(stat: &str) -> Option<(u32, u64)> {
    // The name may hold anything, so everything is counted from its end.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let parent = fields.get(1)?.parse().ok()?;
    let ticks = fields.get(11..15)?.iter().filter_map(|text| text.parse::<u64>().ok()).sum();
    Some((parent, ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_neither_idle_nor_waiting() {
        assert_eq!(busy_of("cpu  1 2 4 1000 1000 8 16 32 64 128"), 63);
    }

    #[test]
    fn a_process_may_be_called_anything() {
        let stat = "7 (a) b (c) S 3 7 7 0 -1 4194304 100 0 0 0 1 2 4 8 20 0 1 0 55 0";
        assert_eq!(ticks_of(stat), Some((3, 15)));
        assert_eq!(ticks_of(""), None);
    }
}
