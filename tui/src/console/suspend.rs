//! Handing the terminal back to the shell for a while, as `^Z` does everywhere.

use std::io;

use rustix::process::{self, Signal};

use crate::term::guard::{self, Guard};

/// Asks for suspension as the terminal would: the whole foreground job stops, so that a script around the console stops
/// with it. The signal then comes back to us, and [`stop`] does the rest. Refused where no shell would ever wake us.
pub(super) fn request() -> Result<(), &'static str> {
    let own = process::getsid(None).ok();
    let parents = process::getppid().and_then(|parent| process::getsid(Some(parent)).ok());
    if own.is_none() || own != parents {
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
