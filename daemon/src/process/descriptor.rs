//! Promises about descriptors that only reading the code can prove.

#![allow(unsafe_code)]

use std::{
    io,
    os::fd::{FromRawFd, OwnedFd, RawFd},
};

use tokio::io::{Interest, unix::AsyncFd};

/// Takes over a descriptor that the kernel has put into our table for us (`SCM_RIGHTS`).
pub(super) fn own(fd: RawFd) -> OwnedFd {
    // SAFETY: received descriptors are new, and the message that named them is used up: nobody else knows the number.
    unsafe { OwnedFd::from_raw_fd(fd) }
}

/// Lets the runtime watch whether there is something to read.
pub(super) fn watch(fd: OwnedFd) -> io::Result<AsyncFd<OwnedFd>> {
    // SAFETY: an OwnedFd keeps its number and its file until it is dropped, and it is dropped by the AsyncFd, after the
    // registration has ended.
    Ok(unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) }?)
}
