//! Promises about descriptors that only reading the code can prove.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
};

use tokio::io::{Interest, unix::AsyncFd};

/// Takes over a descriptor that the kernel has put into our table for us (`SCM_RIGHTS`).
pub(super) fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: received descriptors are new, and the message that named them is used up: nobody else knows the number.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Lets the runtime watch whether there is something to read.
pub(crate) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd keeps its number and its file until it is dropped, and it is dropped by the AsyncFd, after the
    // registration has ended.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}

/// The wait status of a process that somebody else has reaped, which the kernel keeps for whoever holds a descriptor of
/// it (Linux 6.15). Absent: it does not.
pub(super) fn wait_status(pidfd: &OwnedFd) -> Option<i32> {
    // SAFETY: plain numbers, for which zero is a value.
    let mut info: libc::pidfd_info = unsafe { std::mem::zeroed() };
    info.mask = u64::from(libc::PIDFD_INFO_EXIT);
    // SAFETY: the request's number says how long the structure is; the kernel writes no more.
    let result = unsafe { libc::ioctl(pidfd.as_raw_fd(), libc::PIDFD_GET_INFO, &raw mut info) };
    let known = result == 0 && info.mask & u64::from(libc::PIDFD_INFO_EXIT) != 0;
    known.then_some(info.exit_code)
}
