//! What a process takes, as the kernel counts it.

use std::{fs, io, path::PathBuf};

use super::Failure;

/// A process by its pid.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

/// What all threads of a process have used so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Used {
    /// Time on a CPU, ns.
    pub cpu_ns: u64,
    /// Voluntary context switches: each is one going to sleep, and so one wake-up before it.
    pub wakeups: u64,
    /// Threads.
    pub threads: u64,
}

impl Process {
    fn file(self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/{name}", self.0))
    }

    fn read(self, name: &str) -> Result<String, Failure> {
        fs::read_to_string(self.file(name)).map_err(Failure::io(format!("{name} of a process cannot be read")))
    }

    /// Proportional set size, bytes: what is shared counts for each by its share.
    pub fn pss(self) -> Result<u64, Failure> {
        let text = self.read("smaps_rollup")?;
        Ok(field(&text, "Pss:").unwrap_or_default() * 1024)
    }

    /// CPU time and context switches of all threads.
    pub fn used(self) -> Result<Used, Failure> {
        let failed = || Failure::io("the threads of a process cannot be read");
        let threads: Vec<_> =
            fs::read_dir(self.file("task")).and_then(Iterator::collect::<io::Result<_>>).map_err(failed())?;
        let mut used = Used::default();
        for thread in threads {
            let read = |name| fs::read_to_string(thread.path().join(name)).unwrap_or_default();
            let time = read("schedstat").split(' ').next().and_then(|text| text.parse::<u64>().ok());
            let status = read("status");
            used.cpu_ns += time.unwrap_or_default();
            used.wakeups += field(&status, "voluntary_ctxt_switches:").unwrap_or_default();
            used.threads += 1;
        }
        Ok(used)
    }
}

/// The first number of the line that begins with `key`.
fn field(text: &str, key: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(key))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_can_be_read_while_it_lives() {
        let own = Process(std::process::id());
        assert!(own.pss().unwrap() > 4096);
        let used = own.used().unwrap();
        assert!(used.threads >= 1 && used.cpu_ns > 0, "{used:?}");
    }

    #[test]
    fn a_key_is_found_at_the_start_of_a_line_only() {
        let text = "nonvoluntary_ctxt_switches:\t7\nvoluntary_ctxt_switches:\t9\nPss:      12 kB\n";
        assert_eq!(field(text, "voluntary_ctxt_switches:"), Some(9));
        assert_eq!(field(text, "Pss:"), Some(12));
        assert_eq!(field(text, "Rss:"), None);
    }
}
