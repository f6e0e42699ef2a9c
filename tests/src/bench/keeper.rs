//! Nothing stays behind, however a measurement ends: it runs in a child of ours, and when that has ended, by itself, by
//! Ctrl-C or by a crash, we kill what it left and take its folders away.
//!
//! ```text
//! ubmc-bench (keeper) ── ubmc-bench --kept RINGS ── dinit, ubmcd, s6-svscan, … ── services
//! ```
//!
//! Both are subreapers: orphans go to the one that measures as long as it lives, and to the keeper after that.

use std::{
    env, io,
    path::Path,
    process::{Command, ExitCode},
};

use nix::{
    errno::Errno,
    sys::{
        signal::{SigSet, Signal, kill},
        wait::{WaitPidFlag, WaitStatus, waitpid},
    },
    unistd::Pid,
};
use tempfile::{Builder, TempDir};

use super::{Failure, foreign::adopt_orphans, peers, tree::end_everything_below};

/// The argument by which the one that measures is told where rings belong.
pub const KEPT: &str = "--kept";

/// Runs this program once more, as the one that measures, and cleans up after it.
pub fn keep() -> Result<ExitCode, Failure> {
    adopt_orphans();
    let signals = signals();
    // Blocked for good, and taken one by one below: none of them ends us before our work is done.
    signals.thread_block().map_err(Failure::os("signals cannot be blocked"))?;
    let folders = scratch(&env::temp_dir())?;
    // Rings lie in memory where there is such a place.
    let memory = Path::new("/dev/shm");
    let rings = scratch(if memory.is_dir() { memory } else { folders.path() })?;
    let program = env::current_exe().map_err(Failure::io("our own program cannot be found"))?;
    let child = Command::new(program)
        .args(env::args_os().skip(1))
        .arg(KEPT)
        .arg(rings.path())
        .env("TMPDIR", folders.path())
        .spawn()
        .map_err(Failure::io("the one that measures cannot be started"))?;
    let code = await_end(&signals, pid_of(child.id())?)?;
    let left = end_everything_below();
    peers::remove_leftovers();
    if left > 0 {
        eprintln!("{left} processes had been left behind, and have been ended");
    }
    Ok(code)
}

fn signals() -> SigSet {
    [Signal::SIGCHLD, Signal::SIGHUP, Signal::SIGINT, Signal::SIGTERM].into_iter().collect()
}

/// Who is kept has inherited the keeper's blocked signals, and would hand them on to everybody that it starts.
pub fn unblock() -> Result<(), Failure> {
    signals().thread_unblock().map_err(Failure::os("signals cannot be unblocked"))
}

fn scratch(place: &Path) -> Result<TempDir, Failure> {
    Builder::new().prefix("ubmc-bench-").tempdir_in(place).map_err(Failure::io("no folder to work in"))
}

fn pid_of(id: u32) -> Result<Pid, Failure> {
    let failed = |error| Failure::io("a process has a strange id")(io::Error::other(error));
    i32::try_from(id).map(Pid::from_raw).map_err(failed)
}

/// Until the child has ended. Whoever wants us to end wants it to.
fn await_end(signals: &SigSet, child: Pid) -> Result<ExitCode, Failure> {
    loop {
        match signals.wait().map_err(Failure::os("signals cannot be waited for"))? {
            Signal::SIGCHLD => {
                if let Some(code) = reap(child)? {
                    return Ok(code);
                }
            }
            _ => {
                let _ = kill(child, Signal::SIGTERM);
            }
        }
    }
}

/// Waits for all that have ended; the child's code if it is among them.
fn reap(child: Pid) -> Result<Option<ExitCode>, Failure> {
    let mut code = None;
    loop {
        match waitpid(None, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(pid, status)) if pid == child => {
                code = Some(ExitCode::from(u8::try_from(status).unwrap_or(1)));
            }
            Ok(WaitStatus::Signaled(pid, signal, _)) if pid == child => {
                // As a shell says it.
                code = Some(ExitCode::from(u8::try_from(128 + signal as i32).unwrap_or(1)));
            }
            Ok(WaitStatus::StillAlive) | Err(Errno::ECHILD) => return Ok(code),
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => return Err(Failure::os("children cannot be waited for")(error)),
        }
    }
}
