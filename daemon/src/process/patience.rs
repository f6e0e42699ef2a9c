//! Threads of ours that need not run at once.

#![allow(unsafe_code)]

use std::ptr::from_ref;

/// From here on a wake-up of this thread interrupts nobody: whoever runs goes on until it sleeps or has had its turn. Its
/// share of the processor stays what it was.
///
/// For the reader of output: without this the end of each process is interrupted once for each of its pipes, and every
/// line that somebody writes costs that one a change of threads.
pub(super) fn be_patient() {
    // All zero is the priority that this policy wants.
    let priority = 0i32;
    // SAFETY: changes the calling thread alone (0); the kernel reads one number. The raw call is meant: musl has none.
    let result = unsafe { libc::syscall(libc::SYS_sched_setscheduler, 0, libc::SCHED_BATCH, from_ref(&priority)) };
    if result != 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "a thread interrupts others");
    }
}
