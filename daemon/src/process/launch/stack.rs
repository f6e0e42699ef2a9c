//! A stack for the child: it borrows our memory, but it cannot run on the frames of the thread that waits for it.

use std::{ffi::c_void, io, ptr::null_mut};

/// Room for the child's few frames, debug builds included.
pub(super) const STACK_BYTES: usize = 64 * 1024;

/// Memory for the child's frames, with a page below that faults.
#[derive(Debug)]
pub(super) struct Stack {
    base: *mut c_void,
    guard_bytes: usize,
}

// SAFETY: the mapping belongs to this value alone; it is used only through `&mut Launcher`.
unsafe impl Send for Stack {}

impl Stack {
    pub(super) fn new() -> io::Result<Self> {
        // SAFETY: asks for a number.
        let page = unsafe { libc::sysconf(libc::_SC_PAGESIZE) };
        let guard_bytes = usize::try_from(page).unwrap_or(65_536);
        // SAFETY: a fresh private mapping, placed by the kernel.
        let base = unsafe {
            libc::mmap(
                null_mut(),
                guard_bytes + STACK_BYTES,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_STACK,
                -1,
                0,
            )
        };
        if base == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        let stack = Self { base, guard_bytes };
        // SAFETY: the first page of our own mapping; stacks grow towards it.
        if unsafe { libc::mprotect(base, guard_bytes, libc::PROT_NONE) } != 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(stack)
    }

    pub(super) fn bottom(&self) -> *mut c_void {
        // SAFETY: inside our own mapping, above the page that faults.
        unsafe { self.base.add(self.guard_bytes) }
    }

    pub(super) fn top(&self) -> *mut c_void {
        // SAFETY: one past the end of our own mapping; a multiple of 16, as every ABI wants it.
        unsafe { self.base.add(self.guard_bytes + STACK_BYTES) }
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        // SAFETY: our own mapping, and no child runs on it outside `launch`.
        unsafe { libc::munmap(self.base, self.guard_bytes + STACK_BYTES) };
    }
}
