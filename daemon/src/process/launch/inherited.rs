//! What the daemon was given by whoever started it, and its services are not to get.

use std::{os::fd::RawFd, ptr::null};

use super::{SIGNALS, SIGSET_BYTES};

/// Where a child cannot close what it does not need in one call, what the daemon was given by whoever started it must
/// close by itself on exec. What the daemon opens does so anyway.
pub(super) fn keep_inherited_descriptors_to_ourselves() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    for fd in open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok()) {
        if fd > 2 {
            // SAFETY: sets a flag; a number that is not open (any more) is an error without effect.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// Asked of the kernel itself: libc hides its own two signals, which its `posix_spawn` leaves ignored in a child.
pub(super) fn ignored_signals() -> u64 {
    let mut ignored = 0;
    for signal in 1..=SIGNALS {
        // The kernel's own layout, which begins with the handler and is never longer than this.
        let mut action = [0usize; 8];
        // SAFETY: asking changes nothing, and the answer fits.
        unsafe {
            libc::syscall(libc::SYS_rt_sigaction, signal, null::<usize>(), action.as_mut_ptr(), SIGSET_BYTES);
        }
        if action.first() == Some(&libc::SIG_IGN) {
            ignored |= 1 << (signal - 1);
        }
    }
    ignored
}
