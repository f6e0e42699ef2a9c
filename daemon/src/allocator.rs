//! Giving memory back to the system.
//!
//! Reading a configuration of a thousand services takes several times the memory that they keep, and most of it in
//! pieces too small for the allocator to give back by itself: a reload would double what the daemon occupies, for good.

/// What may lie unused at the end of a heap.
#[cfg(target_env = "gnu")]
const MOST_IDLE: libc::c_int = 256 << 10;
/// From this size on a piece has pages of its own, which go with it. Answers of the API stay below.
#[cfg(target_env = "gnu")]
const LARGE: libc::c_int = 1 << 20;

/// Keeps the allocator from raising its own bounds, as it does whenever something large was freed. To be called once, at
/// the start.
#[cfg(target_env = "gnu")]
pub fn hold_bounds() {
    // SAFETY: mallopt(3) sets numbers of the allocator under its own locks. One that it does not take stays as it was.
    #[expect(unsafe_code, reason = "the allocator offers no other way")]
    unsafe {
        libc::mallopt(libc::M_TRIM_THRESHOLD, MOST_IDLE);
        libc::mallopt(libc::M_MMAP_THRESHOLD, LARGE);
    }
}

/// Gives back what is free, from every thread's part. Takes a millisecond or some; nothing waits for it but who
/// allocates at that moment.
#[cfg(target_env = "gnu")]
pub fn give_back() {
    // SAFETY: malloc_trim(3) takes the allocator's own locks and touches free memory only; any thread may call it.
    #[expect(unsafe_code, reason = "the allocator offers no other way")]
    unsafe {
        libc::malloc_trim(0);
    }
}

/// Other allocators have no such bounds.
#[cfg(not(target_env = "gnu"))]
pub const fn hold_bounds() {}

/// Other allocators do that by themselves.
#[cfg(not(target_env = "gnu"))]
pub const fn give_back() {}
