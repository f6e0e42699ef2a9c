//! What the system tells the console.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Signals that matter here.
pub(super) struct Signals {
    pub(super) ends: Ends,
    pub(super) resized: Signal,
    pub(super) stop: Signal,
    pub(super) go_on: Signal,
}

impl Signals {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            ends: Ends::new()?,
            resized: signal(SignalKind::window_change())?,
            stop: signal(SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw()))?,
            go_on: signal(SignalKind::from_raw(rustix::process::Signal::CONT.as_raw()))?,
        })
    }
}

/// Signals that ask the console to leave, and those that end a program which does not listen to them: a mistaken `kill`
/// must not leave the terminal unusable.
pub(super) struct Ends {
    terminate: Signal,
    hang_up: Signal,
    interrupt: Signal,
    quit: Signal,
    first: Signal,
    second: Signal,
    alarm: Signal,
}

impl Ends {
    fn new() -> io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
            interrupt: signal(SignalKind::interrupt())?,
            quit: signal(SignalKind::quit())?,
            first: signal(SignalKind::user_defined1())?,
            second: signal(SignalKind::user_defined2())?,
            alarm: signal(SignalKind::alarm())?,
        })
    }

    /// Waits for any of them.
    pub(super) async fn any(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.hang_up.recv() => {}
            _ = self.interrupt.recv() => {}
            _ = self.quit.recv() => {}
            _ = self.first.recv() => {}
            _ = self.second.recv() => {}
            _ = self.alarm.recv() => {}
        }
    }
}
