//! What all launchers have in common: what this kernel can do, and how the daemon itself was started.

#![allow(unsafe_code)]

use std::{fs::File, io, os::fd::RawFd, ptr::null_mut};

use super::{
    clone3::{CLONE3_KNOWN, CloneArgs},
    dumpable::Dumpable,
    inherited::{ignored_signals, keep_inherited_descriptors_to_ourselves},
};

/// Descriptors that the table is to have room for; eight bytes each.
const ROOM: RawFd = 4096;

/// See the head of this file. Found once.
#[derive(Debug)]
pub(in crate::process) struct Ground {
    /// The kernel can copy part of a descriptor table (Linux 5.9).
    pub(super) partial_files: bool,
    /// The kernel has clone3 with cleared signal handlers and control groups (Linux 5.7).
    pub(super) clone3: bool,
    /// The daemon has a controlling terminal.
    pub(super) has_terminal: bool,
    /// Signals that were ignored when the daemon was started, and those that Rust ignores (`SIGPIPE`).
    pub(super) ignored: u64,
    /// The last capability that the kernel knows.
    pub(super) last_capability: u8,
    pub(super) dumpable: Dumpable,
}

impl Ground {
    pub(in crate::process) fn find() -> Self {
        let last_capability = std::fs::read_to_string("/proc/sys/kernel/cap_last_cap")
            .ok()
            .and_then(|text| text.trim().parse().ok())
            .unwrap_or(40);
        // SAFETY: an empty range of descriptors at the end of all numbers; the call only tells whether it exists.
        let partial_files = unsafe { libc::syscall(libc::SYS_close_range, u32::MAX, u32::MAX, 0) } == 0;
        // SAFETY: without arguments it only tells whether it exists; EINVAL when it does. ENOSYS, or EPERM from a seccomp
        // filter that is older than the call, when it does not.
        let clone3 = unsafe { libc::syscall(libc::SYS_clone3, null_mut::<CloneArgs>(), 0usize) } < 0
            && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL);
        if !partial_files {
            keep_inherited_descriptors_to_ourselves();
        }
        make_room();
        Self {
            partial_files,
            // What we want of clone3 came two releases before close_range.
            clone3: CLONE3_KNOWN && clone3 && partial_files,
            has_terminal: File::open("/dev/tty").is_ok(),
            ignored: ignored_signals(),
            last_capability,
            dumpable: Dumpable::find(),
        }
    }

    /// That of a kernel without any of it, for tests.
    #[cfg(test)]
    pub(in crate::process) fn of_old_kernel() -> Self {
        keep_inherited_descriptors_to_ourselves();
        Self { clone3: false, partial_files: false, ..Self::find() }
    }

    /// Whether a process can be born inside a control group. Moving it there afterwards stalls for milliseconds: the
    /// kernel waits until no thread anywhere forks.
    pub(in crate::process) fn born_in_cgroup(&self) -> bool {
        self.clone3
    }

    /// The last capability that the kernel knows, as capabilities(7) numbers them.
    pub(in crate::process) fn last_capability(&self) -> u8 {
        self.last_capability
    }
}

/// Room in the descriptor table for a thousand services at once: growing it while threads run waits for all processors,
/// milliseconds each time.
fn make_room() {
    if let Ok(null) = File::open("/dev/null") {
        let _ = rustix::io::fcntl_dupfd_cloexec(&null, ROOM - 1);
    }
}
