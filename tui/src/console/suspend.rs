//! Handing the terminal back to the shell for a while, as `^Z` does everywhere.

use std::{fs, io};

use rustix::process::{self, Pid, Signal};

use crate::term::guard::{self, Guard};

/// Asks for suspension as the terminal would: the whole foreground job stops, so that a script around the console stops
/// with it. The signal then comes back to us, and [`stop`] does the rest. Refused where no shell would ever wake us.
pub(super) fn request() -> Result<(), &'static str> {
    if !is_a_job() {
        return Err("there is no shell to return to: quit instead");
    }
    process::kill_current_process_group(Signal::TSTP).map_err(|_| "the system does not let us suspend")
}

/// Gives the terminal back, stops, and takes it over again when continued.
pub(super) fn stop(terminal: &Guard) -> io::Result<()> {
    guard::release();
    process::kill_process(process::getpid(), Signal::STOP)?;
    // Continued.
    terminal.resume()
}

/// Whether a shell with job control looks after our process group: the first ancestor outside the group is in our
/// session. A console that is somebody's login shell, or runs in a pane of its own, has none: stopped, it would never
/// be continued.
fn is_a_job() -> bool {
    let (own_group, own_session) = (process::getpgrp(), process::getsid(None).ok());
    let mut ancestor = process::getppid();
    while let Some(pid) = ancestor {
        if process::getpgid(Some(pid)).ok() != Some(own_group) {
            return own_session.is_some() && process::getsid(Some(pid)).ok() == own_session;
        }
        ancestor = parent_of(pid);
    }
    false
}

/// The parent of another process. None when it cannot be told.
fn parent_of(pid: Pid) -> Option<Pid> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    // The name may hold spaces and parentheses: what follows its last one is `state parent …`.
    let (_, after_name) = stat.rsplit_once(')')?;
    Pid::from_raw(after_name.split_whitespace().nth(1)?.parse().ok()?)
}
