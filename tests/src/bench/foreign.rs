//! What everybody else on the machine did while something was measured: a figure from a busy machine says so itself.
//!
//! Busy time of `/proc/stat`, without that of our own tree of processes. It is counted in ticks, so a measurement of a
//! few milliseconds says little; that of a whole figure says enough.

use std::{fmt, fs};

use super::{
    clock::Moment,
    tree::{Relative, below},
};

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
    let own = std::process::id();
    let below = below(own).into_iter().map(|relative| relative.ticks).sum::<u64>();
    below + Relative::of(own).map_or(0, |relative| relative.ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn busy_is_neither_idle_nor_waiting() {
        assert_eq!(busy_of("cpu  1 2 4 1000 1000 8 16 32 64 128"), 63);
    }
}
