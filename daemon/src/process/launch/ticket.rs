//! A start on its way, as others see it: it can be called off before the clone, and its child killed after.
//!
//! ```text
//!  Waiting ──▶ Preparing ──▶ Launching ──▶ Done
//!     └────────────┴──▶ CalledOff
//! ```
//!
//! Between clone and exec the launcher's thread sleeps in the kernel, for as long as the file system of the program
//! takes. The child's descriptor is in the ticket by then, so that somebody else can put an end to it.

#![allow(unsafe_code)]

use std::{
    os::fd::{BorrowedFd, RawFd},
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI32, Ordering},
    },
};

use rustix::process::{Signal, pidfd_send_signal};

/// See the head of this file.
#[derive(Debug)]
pub(in crate::process) struct Ticket {
    stage: Mutex<Stage>,
    /// Written by the kernel before the child runs. Negative: there is none yet.
    pidfd: AtomicI32,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Waiting,
    Preparing,
    Launching,
    Done,
    CalledOff,
}

impl Ticket {
    pub(in crate::process) fn new() -> Self {
        Self { stage: Mutex::new(Stage::Waiting), pidfd: AtomicI32::new(-1) }
    }

    fn stage(&self) -> MutexGuard<'_, Stage> {
        self.stage.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its turn has come. False: it was called off.
    pub(in crate::process) fn prepare(&self) -> bool {
        self.go_on(Stage::Preparing)
    }

    /// The clone comes next. False: it was called off.
    pub(in crate::process) fn launch(&self) -> bool {
        self.go_on(Stage::Launching)
    }

    fn go_on(&self, to: Stage) -> bool {
        let mut stage = self.stage();
        let goes_on = *stage != Stage::CalledOff;
        if goes_on {
            *stage = to;
        }
        goes_on
    }

    /// From here on the descriptor is the launcher's alone, to keep or to close.
    pub(super) fn done(&self) {
        *self.stage() = Stage::Done;
    }

    /// Calls it off. False: too late, there is a child or will be one.
    pub(in crate::process) fn call_off(&self) -> bool {
        let mut stage = self.stage();
        let in_time = matches!(*stage, Stage::Waiting | Stage::Preparing | Stage::CalledOff);
        if in_time {
            *stage = Stage::CalledOff;
        }
        in_time
    }

    /// Kills the child if it is on its way now. One that is not made yet, or that is done, is left alone.
    pub(in crate::process) fn kill(&self) {
        // Held throughout: the launcher cannot close the descriptor meanwhile.
        let stage = self.stage();
        if let Some(pidfd) = self.child(*stage) {
            // SAFETY: made by the kernel for the launcher, which does not close it before `done`.
            let child = unsafe { BorrowedFd::borrow_raw(pidfd) };
            let _ = pidfd_send_signal(child, Signal::KILL);
        }
    }

    /// The child's pid if it is on its way now.
    pub(in crate::process) fn pid(&self) -> Option<u32> {
        let stage = self.stage();
        let pidfd = self.child(*stage)?;
        let text = std::fs::read_to_string(format!("/proc/self/fdinfo/{pidfd}")).ok()?;
        text.lines().find_map(|line| line.strip_prefix("Pid:")?.trim().parse().ok())
    }

    fn child(&self, stage: Stage) -> Option<RawFd> {
        let pidfd = self.pidfd.load(Ordering::Acquire);
        (stage == Stage::Launching && pidfd >= 0).then_some(pidfd)
    }

    /// Where the kernel writes the child's descriptor.
    pub(super) fn pidfd(&self) -> &AtomicI32 {
        &self.pidfd
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_start_can_be_called_off_until_its_clone() {
        let ticket = Ticket::new();
        assert!(ticket.call_off() && ticket.call_off());
        assert!(!ticket.prepare() && !ticket.launch());

        let ticket = Ticket::new();
        assert!(ticket.prepare() && ticket.call_off() && !ticket.launch());

        let ticket = Ticket::new();
        assert!(ticket.prepare() && ticket.launch());
        assert!(!ticket.call_off());
        assert_eq!(ticket.pid(), None, "there is no child yet");
        ticket.kill();
        ticket.done();
        assert!(!ticket.call_off());
    }
}
