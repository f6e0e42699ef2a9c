//! The hardware watchdog, as <https://docs.kernel.org/watchdog/watchdog-api.html> has it: opening the device arms it,
//! every write feeds it, and closing it resets the controller at the end of the time-out, unless the last write was the
//! magic `V` ([`Watchdog::disarm`]). Dropping a [`Watchdog`] is therefore no way to get rid of it.
//!
//! ```text
//!            open               feed                disarm
//!   (off) ─────────▶ armed ◀───────────▶ armed ─────────────▶ (off)
//!                      │ not fed for the time-out, or closed without disarm and then not fed
//!                      ▼
//!                    reset
//! ```
//!
//! Any other file takes its place in tests: it cannot be told a time-out, which [`Watchdog::limitation`] says.

// The kernel takes a watchdog's time-out by ioctl alone, and nobody offers that one as a safe call.
#![allow(unsafe_code)]

use std::{
    fs::{File, OpenOptions},
    io::{self, Write},
    os::fd::AsRawFd,
    path::{Path, PathBuf},
    time::Duration,
};

use nix::errno::Errno;

/// `WDIOC_SETTIMEOUT` of `linux/watchdog.h`: `_IOWR('W', 6, int)`.
mod request {
    nix::ioctl_readwrite!(set_timeout, b'W', 6, nix::libc::c_int);
    nix::ioctl_read!(get_timeout, b'W', 7, nix::libc::c_int);
}

/// Why a watchdog does not do what it should.
#[derive(Debug, thiserror::Error)]
pub enum WatchdogError {
    /// It cannot be opened.
    #[error("the watchdog {path} cannot be opened: {source}{help}", path = path.display(), help = help_for(source))]
    Open {
        /// Its device.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be fed; it will reset the controller.
    #[error("the watchdog {path} cannot be fed: {source}; it will reset the controller", path = path.display())]
    Feed {
        /// Its device.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It cannot be disarmed; it will reset the controller.
    #[error("the watchdog {path} cannot be disarmed: {source}; it will reset the controller", path = path.display())]
    Disarm {
        /// Its device.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn help_for(error: &io::Error) -> &'static str {
    match error.raw_os_error().map(Errno::from_raw) {
        Some(Errno::EBUSY) => "; somebody else feeds it already (systemd's RuntimeWatchdogSec, or another ubmcd)",
        Some(Errno::ENOENT) => "; load its driver, or remove `[watchdog]` from the board file",
        _ => "",
    }
}

/// An armed watchdog.
#[derive(Debug)]
pub struct Watchdog {
    device: File,
    path: PathBuf,
    timeout: Duration,
    limitation: Option<String>,
}

impl Watchdog {
    /// Opens the device, which arms the watchdog, and sets its time-out. One that does not take that time-out is armed all
    /// the same: [`Watchdog::limitation`] then says what is different, and [`Watchdog::timeout`] what holds.
    ///
    /// # Errors
    /// The device cannot be opened; nothing is armed.
    pub fn open(path: &Path, timeout: Duration) -> Result<Self, WatchdogError> {
        let device = OpenOptions::new()
            .write(true)
            .open(path)
            .map_err(|source| WatchdogError::Open { path: path.to_owned(), source })?;
        let (timeout, limitation) = set_timeout(&device, timeout);
        let limitation = limitation.map(|text| format!("{}: {text}", path.display()));
        Ok(Self { device, path: path.to_owned(), timeout, limitation })
    }

    /// Not fed for so long, it resets the controller; as far as is known.
    pub const fn timeout(&self) -> Duration {
        self.timeout
    }

    /// What is not as it was asked for, one sentence for people.
    pub fn limitation(&self) -> Option<&str> {
        self.limitation.as_deref()
    }

    /// Feeds it. Any write does, but for the magic character.
    ///
    /// # Errors
    /// The device did not take it.
    pub fn feed(&mut self) -> Result<(), WatchdogError> {
        self.write(b"\0").map_err(|source| WatchdogError::Feed { path: self.path.clone(), source })
    }

    /// Disarms it, for an end in order. A watchdog whose driver was told `nowayout` stays armed all the same.
    ///
    /// # Errors
    /// The device did not take it: the controller will be reset unless somebody else opens and feeds it in time.
    pub fn disarm(mut self) -> Result<(), WatchdogError> {
        self.write(b"V").map_err(|source| WatchdogError::Disarm { path: self.path.clone(), source })
    }

    fn write(&mut self, byte: &[u8]) -> io::Result<()> {
        self.device.write_all(byte)
    }
}

/// The time-out that holds from now on, and what is to be said about it.
fn set_timeout(device: &File, wanted: Duration) -> (Duration, Option<String>) {
    // Rounded up: the kernel counts whole seconds, and a shorter time-out than asked for would bite a healthy daemon.
    let whole = wanted.as_secs() + u64::from(wanted.subsec_nanos() > 0);
    let mut seconds = nix::libc::c_int::try_from(whole.max(1)).unwrap_or(nix::libc::c_int::MAX);
    // SAFETY: the descriptor is open for the whole call; the kernel reads and writes one int behind the pointer.
    let told = unsafe { request::set_timeout(device.as_raw_fd(), &raw mut seconds) };
    let is = |seconds: nix::libc::c_int| Duration::from_secs(u64::try_from(seconds).unwrap_or(0));
    match told {
        Ok(_) if is(seconds).as_secs() == whole.max(1) => (is(seconds), None),
        Ok(_) => (is(seconds), Some(format!("this watchdog took {seconds} s as its time-out, not {whole} s"))),
        Err(Errno::ENOTTY) => (wanted, Some("this is not a watchdog: it takes no time-out, and resets nothing".into())),
        Err(error) => {
            let mut seconds = 0;
            // SAFETY: as above; the kernel writes one int.
            let kept = unsafe { request::get_timeout(device.as_raw_fd(), &raw mut seconds) };
            let kept = if kept.is_ok() { is(seconds) } else { wanted };
            let holds = if seconds > 0 { format!("; its own of {seconds} s holds") } else { String::new() };
            (kept, Some(format!("this watchdog does not take a time-out of {whole} s ({}){holds}", error.desc())))
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_takes_the_place_of_a_watchdog_and_says_that_it_is_none() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watchdog0");
        fs::write(&path, "").unwrap();
        let mut watchdog = Watchdog::open(&path, Duration::from_secs(30)).unwrap();
        assert_eq!(watchdog.timeout(), Duration::from_secs(30));
        let said = watchdog.limitation().unwrap().to_owned();
        assert!(
            said.ends_with("watchdog0: this is not a watchdog: it takes no time-out, and resets nothing"),
            "{said}"
        );
        watchdog.feed().unwrap();
        watchdog.feed().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"\0\0");
        watchdog.disarm().unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"\0\0V", "the magic close is the last word");
    }

    #[test]
    fn a_watchdog_that_is_dropped_is_not_disarmed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("watchdog0");
        fs::write(&path, "").unwrap();
        drop(Watchdog::open(&path, Duration::from_secs(1)).unwrap());
        assert_eq!(fs::read(&path).unwrap(), b"");
    }

    #[test]
    fn what_is_not_there_is_told_with_what_to_do() {
        let error = Watchdog::open(Path::new("/nowhere/watchdog7"), Duration::from_secs(30)).unwrap_err().to_string();
        assert_eq!(
            error,
            "the watchdog /nowhere/watchdog7 cannot be opened: No such file or directory (os error 2); load its driver, or \
             remove `[watchdog]` from the board file"
        );
    }

    #[test]
    fn one_that_takes_nothing_more_says_what_that_means() {
        let mut watchdog = Watchdog::open(Path::new("/dev/full"), Duration::from_secs(30)).unwrap();
        let error = watchdog.feed().unwrap_err().to_string();
        assert!(error.starts_with("the watchdog /dev/full cannot be fed: "), "{error}");
        assert!(error.ends_with("; it will reset the controller"), "{error}");
    }
}
