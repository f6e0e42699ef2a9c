//! The child, from the clone to the exec.
//!
//! Everything here runs on memory that is the daemon's own, see [`super`]: no allocation, no locks, nothing that can
//! panic, no libc function that keeps state; only system calls. Set-id calls especially must be raw: libc's own versions
//! make every thread follow, and the threads are those of the daemon.

use std::{
    cell::UnsafeCell,
    ffi::{CStr, c_char, c_long, c_ulong, c_void},
    os::fd::RawFd,
    ptr::{null, null_mut},
};

use ubmc_core::input::SpawnStage;

use super::{Failure, SIGNALS, SIGSET_BYTES};
use crate::process::{mark::Mark, recipe::Recipe};

/// `PR_CAP_AMBIENT_RAISE`
const RAISE: c_ulong = 2;

#[cfg(not(target_arch = "arm"))]
use libc::{SYS_setgroups as SYS_SETGROUPS, SYS_setresgid as SYS_SETRESGID, SYS_setresuid as SYS_SETRESUID};
#[cfg(target_arch = "arm")]
use libc::{SYS_setgroups32 as SYS_SETGROUPS, SYS_setresgid32 as SYS_SETRESGID, SYS_setresuid32 as SYS_SETRESUID};

/// All that the child reads, and the one thing it writes.
pub(super) struct Job<'a> {
    pub(super) recipe: &'a Recipe,
    pub(super) argv: *const *const c_char,
    pub(super) envp: *const *const c_char,
    pub(super) mark: Option<Mark>,
    pub(super) slots: [RawFd; 4],
    pub(super) last_slot: RawFd,
    pub(super) ready: Option<RawFd>,
    pub(super) partial_files: bool,
    pub(super) clear_handlers: bool,
    pub(super) has_terminal: bool,
    pub(super) ignored: u64,
    pub(super) last_capability: u8,
    pub(super) failure: UnsafeCell<Option<Failure>>,
}

pub(super) extern "C" fn run_child_entry(job: *mut c_void) -> ! {
    // SAFETY: called by `clone3` alone, with the job that `by_clone3` gave it.
    unsafe { run_child(job.cast()) }
}

/// The child's whole life before its own image.
///
/// # Safety
/// `job` must be valid, and its owner must not run before the child has ended or replaced its image.
pub(super) unsafe fn run_child(job: *mut Job<'_>) -> ! {
    // SAFETY: the caller's promise.
    let job = unsafe { &*job };
    // SAFETY: we are the child of a vfork-like clone: nobody else uses this memory now.
    if let Err(failure) = unsafe { become_image(job) } {
        // SAFETY: the parent looks at it only after we are gone.
        unsafe { *job.failure.get() = Some(failure) };
    }
    loop {
        // SAFETY: ends this process, and only it: exit_group is for thread groups, and we are one of our own.
        unsafe { libc::syscall(libc::SYS_exit_group, 127) };
    }
}

/// Raw system call in the child; on failure its errno with the stage.
macro_rules! call {
    ($stage:ident, $detail:expr, $number:expr $(, $argument:expr)*) => {{
        let result: c_long = libc::syscall($number $(, $argument)*);
        if result < 0 {
            return Err(Failure { stage: SpawnStage::$stage, errno: *libc::__errno_location(), detail: $detail });
        }
        result
    }};
}

/// Everything between the clone and the exec, in the order in which privileges allow it. Returns only failures.
///
/// # Safety
/// Only for the child of a vfork-like clone.
unsafe fn become_image(job: &Job<'_>) -> Result<(), Failure> {
    let recipe = job.recipe;
    // SAFETY: system calls on numbers and on pointers into `job`, which lives. errno is the sleeping thread's: nobody
    // else looks at it.
    unsafe {
        if job.partial_files {
            let above = job.last_slot.unsigned_abs().wrapping_add(1);
            call!(Prepare, 1, libc::SYS_close_range, above, u32::MAX, libc::CLOSE_RANGE_UNSHARE);
        }
        call!(Session, 0, libc::SYS_setpgid, 0, 0);
        if job.has_terminal {
            leave_terminal();
        }
        reset_signals(job)?;
        if let Some(mark) = job.mark {
            let limit = [mark.soft(), mark.hard()];
            call!(Limits, usize::MAX, libc::SYS_prlimit64, 0, libc::RLIMIT_LOCKS, limit.as_ptr(), null::<u64>());
        }
        // From here on it holds nothing of ours: what follows may take as long as a file system does.
        wire(job)?;
        if let Some(umask) = recipe.umask {
            call!(Priority, 0, libc::SYS_umask, umask);
        }
        if let Some(nice) = recipe.nice {
            call!(Priority, 1, libc::SYS_setpriority, libc::PRIO_PROCESS, 0, nice);
        }
        if let Some(score) = &recipe.oom_score {
            write_file(c"/proc/self/oom_score_adj".as_ptr(), score, SpawnStage::Priority, 2)?;
        }
        if let Some(procs) = &recipe.cgroup_procs {
            write_file(procs.as_ptr(), c"0", SpawnStage::Cgroup, 0)?;
        }
        // After the files above: where descriptors could not be closed, those of ours still take the low numbers, and a limit
        // on open files would leave none. Before the user: root alone may raise limits.
        for (index, limit) in recipe.rlimits.iter().enumerate() {
            let pair = [limit.soft, limit.hard];
            call!(Limits, index, libc::SYS_prlimit64, 0, limit.resource, pair.as_ptr(), null::<u64>());
        }
        change_identity(job)?;
        call!(WorkingDirectory, 0, libc::SYS_chdir, recipe.working_dir.as_ptr());
        let none = 0u64;
        call!(
            Session,
            2,
            libc::SYS_rt_sigprocmask,
            libc::SIG_SETMASK,
            &raw const none,
            null_mut::<u64>(),
            SIGSET_BYTES
        );
        call!(Exec, 0, libc::SYS_execve, recipe.program.as_ptr(), job.argv, job.envp);
    }
    Ok(())
}

/// A service has no business with the terminal that the daemon happens to be started from. A session of its own would
/// do, too, but it would also give each service a scheduler group of its own (CONFIG_SCHED_AUTOGROUP): on a busy machine
/// a newborn process then waits its turn, milliseconds, with the daemon waiting for it; and the declared niceness of one
/// service would no longer count against another's.
///
/// # Safety
/// As [`become_image`].
unsafe fn leave_terminal() {
    // SAFETY: plain system calls; the descriptor is our own.
    unsafe {
        let fd =
            libc::syscall(libc::SYS_openat, libc::AT_FDCWD, c"/dev/tty".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC, 0);
        // It may be gone by now: hung up.
        if fd >= 0 {
            libc::syscall(libc::SYS_ioctl, fd, libc::TIOCNOTTY, 0usize);
            libc::syscall(libc::SYS_close, fd);
        }
    }
}

/// Default dispositions: an ignored signal would stay ignored in the new image, and a handler must not run before it.
///
/// # Safety
/// As [`become_image`].
unsafe fn reset_signals(job: &Job<'_>) -> Result<(), Failure> {
    // The kernel's own layout: handler, flags, restorer, mask. All zero is the default disposition.
    let default = [0u64; 4];
    for signal in 1..=SIGNALS {
        let is_ignored = job.ignored >> (signal - 1) & 1 == 1;
        if signal == libc::SIGKILL || signal == libc::SIGSTOP || !(job.clear_handlers || is_ignored) {
            continue;
        }
        // SAFETY: 32 zeroed bytes are at least as long as the kernel's structure on every architecture.
        unsafe {
            call!(Session, 1, libc::SYS_rt_sigaction, signal, default.as_ptr(), null_mut::<u64>(), SIGSET_BYTES);
        }
    }
    Ok(())
}

/// # Safety
/// As [`become_image`]; `path` must be a C string.
unsafe fn write_file(path: *const c_char, text: &CStr, stage: SpawnStage, detail: usize) -> Result<(), Failure> {
    // SAFETY: plain system calls on valid strings; the descriptor is our own.
    unsafe {
        let fd = libc::syscall(libc::SYS_openat, libc::AT_FDCWD, path, libc::O_WRONLY | libc::O_CLOEXEC, 0);
        if fd < 0 {
            return Err(Failure { stage, errno: *libc::__errno_location(), detail });
        }
        let written = libc::syscall(libc::SYS_write, fd, text.as_ptr(), text.count_bytes());
        let errno = *libc::__errno_location();
        libc::syscall(libc::SYS_close, fd);
        if written < 0 { Err(Failure { stage, errno, detail }) } else { Ok(()) }
    }
}

/// prctl in the child. Its arguments are whole words, so they are passed as such.
macro_rules! prctl {
    ($detail:expr, $option:expr, $first:expr, $second:expr) => {{
        let (first, second): (c_ulong, c_ulong) = ($first, $second);
        let none: c_ulong = 0;
        call!(Privileges, $detail, libc::SYS_prctl, $option, first, second, none, none)
    }};
}

/// Groups, group, user and capabilities. The bounding set goes first, while we may still change it; what is kept is
/// raised last, when the user is final.
///
/// # Safety
/// As [`become_image`].
unsafe fn change_identity(job: &Job<'_>) -> Result<(), Failure> {
    let recipe = job.recipe;
    // SAFETY: system calls on numbers and on pointers into the recipe.
    unsafe {
        if let Some(kept) = recipe.capabilities {
            for capability in 0..=job.last_capability {
                if kept >> (capability & 63) & 1 == 0 {
                    prctl!(0, libc::PR_CAPBSET_DROP, c_ulong::from(capability), 0);
                }
            }
            if recipe.identity.is_some() && kept != 0 {
                prctl!(1, libc::PR_SET_KEEPCAPS, 1, 0);
            }
        }
        if let Some(identity) = &recipe.identity {
            call!(User, 0, SYS_SETGROUPS, identity.groups.len(), identity.groups.as_ptr());
            call!(User, 1, SYS_SETRESGID, identity.gid, identity.gid, identity.gid);
            if let Some(uid) = identity.uid {
                call!(User, 2, SYS_SETRESUID, uid, uid, uid);
            }
        }
        if let Some(kept) = recipe.capabilities {
            let (low, high) = ((kept & 0xffff_ffff) as u32, (kept >> 32) as u32);
            // Version 3 of the structure; pid 0 is the caller. Effective, permitted, inheritable, low half first.
            let header: [u32; 2] = [0x2008_0522, 0];
            let sets: [u32; 6] = [low, low, low, high, high, high];
            call!(Privileges, 2, libc::SYS_capset, header.as_ptr(), sets.as_ptr());
            for capability in 0..=job.last_capability {
                if kept >> (capability & 63) & 1 == 1 {
                    prctl!(3, libc::PR_CAP_AMBIENT, RAISE, c_ulong::from(capability));
                }
            }
        }
        if recipe.no_new_privileges {
            prctl!(4, libc::PR_SET_NO_NEW_PRIVS, 1, 0);
        }
    }
    Ok(())
}

/// Standard streams and the readiness descriptor; everything else is closed, or (on older kernels) closes on exec.
///
/// # Safety
/// As [`become_image`].
unsafe fn wire(job: &Job<'_>) -> Result<(), Failure> {
    let [null_slot, out_slot, err_slot, ready_slot] = job.slots;
    // SAFETY: system calls on descriptor numbers of the child's own table. Slots are above 2, so no copy overwrites one
    // that is still needed; the readiness descriptor may take a slot's number and is therefore last. It is above 2, too.
    unsafe {
        for (slot, target) in [(null_slot, 0), (out_slot, 1), (err_slot, 2)] {
            call!(Prepare, 2, libc::SYS_dup3, slot, target, 0);
        }
        match job.ready {
            Some(target) if target == ready_slot => {
                call!(Prepare, 4, libc::SYS_fcntl, target, libc::F_SETFD, 0);
            }
            Some(target) => {
                call!(Prepare, 4, libc::SYS_dup3, ready_slot, target, 0);
            }
            None => {}
        }
        if job.partial_files {
            let ready = job.ready.map_or(2, RawFd::unsigned_abs);
            if ready > 3 {
                call!(Prepare, 3, libc::SYS_close_range, 3u32, ready.wrapping_sub(1), 0);
            }
            call!(Prepare, 3, libc::SYS_close_range, ready.wrapping_add(1), u32::MAX, 0);
        }
    }
    Ok(())
}
