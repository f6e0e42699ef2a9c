//! What a process uses, as /proc tells.

use std::{fs, time::Instant};

use ubmc_core::input::Usage;

/// The measurement before.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Last {
    /// Clock ticks spent on the CPU, and when that was read.
    ticks: Option<(u64, Instant)>,
}

/// One process. Absent: it is gone. CPU is 0 at the first measurement.
pub(super) fn measure(pid: u32, last: &mut Last, now: Instant) -> Option<Usage> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (ticks, pages) = parse(&stat)?;
    let before = last.ticks.replace((ticks, now));
    let cpu_percent = match before {
        Some((before, when)) if now > when => {
            let seconds = ticks.saturating_sub(before) as f64 / ticks_per_second();
            100.0 * seconds / now.duration_since(when).as_secs_f64()
        }
        Some(_) | None => 0.0,
    };
    Some(Usage { cpu_percent, rss_bytes: pages.saturating_mul(page_bytes()), fds: descriptors(pid) })
}

/// User and system ticks together, and resident pages: fields 14, 15 and 24 of proc_pid_stat(5).
fn parse(stat: &str) -> Option<(u64, u64)> {
    // The name may contain anything, closing brackets too.
    let (_, after_name) = stat.rsplit_once(") ")?;
    let field = |number: usize| after_name.split(' ').nth(number - 3)?.trim().parse::<u64>().ok();
    Some((field(14)?.saturating_add(field(15)?), field(24)?))
}

/// Since Linux 6.2 the folder's size is the number of descriptors; before, they are counted.
fn descriptors(pid: u32) -> Option<u32> {
    let folder = format!("/proc/{pid}/fd");
    match fs::metadata(&folder).map(|metadata| metadata.len()) {
        Ok(count) if count > 0 => u32::try_from(count).ok(),
        Ok(_) | Err(_) => fs::read_dir(&folder).ok().and_then(|entries| u32::try_from(entries.count()).ok()),
    }
}

fn ticks_per_second() -> f64 {
    rustix::param::clock_ticks_per_second() as f64
}

fn page_bytes() -> u64 {
    u64::try_from(rustix::param::page_size()).unwrap_or(4096)
}
