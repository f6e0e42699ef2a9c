//! What outlives the daemon: kept in its state directory whenever the core says that it has changed, given back to the
//! core at the next start.
//!
//! - [`file`]: how it lies on the disk; `page`: what is in it.
//!
//! The loop hands over and goes on; a task writes, the newest only, however much came while it wrote.

pub mod file;
mod page;

use std::{
    fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::{
    sync::Notify,
    task::spawn_blocking,
    time::{sleep, timeout},
};
use tracing::{error, info, warn};
use ubmc_core::{
    memory::{Boot, BootCause, Memory, Past},
    time::Wall,
};

use self::file::WriteError;

/// After a write that failed, until the next try.
const RETRY: Duration = Duration::from_secs(5);
/// How long the end of the daemon waits for what is not written yet.
const LAST_WORD: Duration = Duration::from_secs(2);

/// What is remembered of the time before this daemon. What cannot be had is told in the log.
pub fn recall(dir: &Path, sysfs: &Path) -> Past {
    let (memory, remark) = file::read(dir);
    if let Some(remark) = remark {
        warn!("{remark}");
    }
    let bmc_boot = match fs::read_to_string("/proc/sys/kernel/random/boot_id") {
        Ok(id) => id.trim().to_owned(),
        Err(error) => {
            warn!("the kernel does not tell its boot id ({error}): what runs once per boot of the BMC may run again");
            String::new()
        }
    };
    let controller = Boot { id: bmc_boot.clone(), cause: boot_cause(sysfs) };
    Past { bmc_boot, controller, wall: wall(), memory }
}

/// The wall clock now. Absent: it says that it is before 1970.
pub fn wall() -> Option<Wall> {
    SystemTime::now().duration_since(UNIX_EPOCH).ok().map(Wall::new)
}

/// What the watchdog's driver says of why the BMC has booted, in the bits of `linux/watchdog.h`. Most drivers tell a reset by
/// the watchdog or by a pin from everything else; that power came is told by few, and nothing is nothing.
fn boot_cause(sysfs: &Path) -> BootCause {
    const EXTERN1: u32 = 0x04;
    const EXTERN2: u32 = 0x08;
    const POWER_UNDER: u32 = 0x10;
    const CARD_RESET: u32 = 0x20;
    let path = sysfs.join("class/watchdog/watchdog0/bootstatus");
    let told = fs::read_to_string(path).ok().and_then(|text| text.trim().parse::<u32>().ok()).unwrap_or(0);
    if told & (CARD_RESET | EXTERN1 | EXTERN2) != 0 {
        BootCause::Reset
    } else if told & POWER_UNDER != 0 {
        BootCause::PowerCame
    } else {
        BootCause::Unknown
    }
}

/// Keeps what the core wants remembered.
#[derive(Debug)]
pub struct Keeper {
    dir: PathBuf,
    /// Not written yet; a newer one replaces an older one.
    waiting: Mutex<Option<Memory>>,
    wake: Notify,
    /// Held while one is written: two writers would use the same name.
    writing: tokio::sync::Mutex<()>,
}

impl Keeper {
    /// Keeps in this directory. Writes nothing before [`Keeper::serve`] runs.
    pub fn new(dir: &Path) -> Arc<Self> {
        Arc::new(Self {
            dir: dir.to_owned(),
            waiting: Mutex::default(),
            wake: Notify::new(),
            writing: tokio::sync::Mutex::default(),
        })
    }

    /// Remember this in place of what was remembered before. Returns at once.
    pub fn keep(&self, memory: Memory) {
        *self.waiting() = Some(memory);
        self.wake.notify_one();
    }

    /// Writes what it is given until it is dropped.
    pub async fn serve(self: Arc<Self>) {
        let mut failing = false;
        loop {
            self.wake.notified().await;
            loop {
                match self.write_newest().await {
                    Ok(false) => break,
                    Ok(true) if failing => {
                        failing = false;
                        info!("what must outlive the daemon is written again");
                    }
                    Ok(true) => {}
                    Err(failure) => {
                        // Told once: a full disk stays full for a while.
                        if !failing {
                            error!("{failure}; it is tried again until it works");
                        }
                        failing = true;
                        sleep(RETRY).await;
                    }
                }
            }
        }
    }

    /// Writes what is left, for the end of the daemon.
    pub async fn finish(&self) {
        match timeout(LAST_WORD, self.write_newest()).await {
            Ok(Ok(_)) => {}
            Ok(Err(failure)) => error!("{failure}; what changed last is forgotten"),
            Err(_) => {
                let file = self.dir.join(file::NAME);
                error!("{} could not be written in time; what changed last may be forgotten", file.display());
            }
        }
    }

    /// Whether there was anything to write. What could not be written waits again, unless something newer does.
    async fn write_newest(&self) -> Result<bool, WriteError> {
        let _writing = self.writing.lock().await;
        let Some(memory) = self.waiting().take() else { return Ok(false) };
        let dir = self.dir.clone();
        let written = spawn_blocking(move || (file::write(&dir, &memory), memory));
        let Ok((result, memory)) = written.await else { return Ok(true) };
        if result.is_err() {
            self.waiting().get_or_insert(memory);
        }
        result.map(|()| true)
    }

    fn waiting(&self) -> MutexGuard<'_, Option<Memory>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use ubmc_core::memory::EpochMemory;

    use super::*;

    fn counting(chassis_power: u64) -> Memory {
        let epochs = EpochMemory { chassis_power, ..EpochMemory::default() };
        Memory { epochs, ..Memory::default() }
    }

    fn run(test: impl Future<Output = ()>) {
        tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(test);
    }

    #[test]
    fn the_newest_is_kept_and_the_end_waits_for_it() {
        run(async {
            let dir = tempfile::tempdir().unwrap();
            let keeper = Keeper::new(dir.path());
            let serving = tokio::spawn(Arc::clone(&keeper).serve());
            for number in 1..=100 {
                keeper.keep(counting(number));
            }
            keeper.finish().await;
            assert_eq!(file::read(dir.path()), (counting(100), None));
            serving.abort();
        });
    }

    #[test]
    fn what_could_not_be_written_is_written_later() {
        run(async {
            let dir = tempfile::tempdir().unwrap();
            let state = dir.path().join("state");
            let keeper = Keeper::new(&state);
            keeper.keep(counting(1));
            assert!(keeper.write_newest().await.is_err());
            fs::create_dir(&state).unwrap();
            assert!(keeper.write_newest().await.unwrap());
            assert!(!keeper.write_newest().await.unwrap(), "once");
            assert_eq!(file::read(&state), (counting(1), None));
        });
    }

    #[test]
    fn the_bmc_is_known_by_its_boot() {
        let dir = tempfile::tempdir().unwrap();
        let past = recall(dir.path(), dir.path());
        assert_eq!(past.memory, Memory::default());
        assert_eq!(past.bmc_boot.len(), 36, "{}", past.bmc_boot);
        assert_eq!(past.controller, Boot { id: past.bmc_boot, cause: BootCause::Unknown });
    }

    #[test]
    fn the_watchdog_tells_why_the_bmc_has_booted() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("class/watchdog/watchdog0");
        fs::create_dir_all(&folder).unwrap();
        for (told, cause) in [
            ("0\n", BootCause::Unknown),
            ("32\n", BootCause::Reset),
            ("4\n", BootCause::Reset),
            ("16\n", BootCause::PowerCame),
            ("rubbish", BootCause::Unknown),
        ] {
            fs::write(folder.join("bootstatus"), told).unwrap();
            assert_eq!(boot_cause(dir.path()), cause, "{told}");
        }
    }
}
