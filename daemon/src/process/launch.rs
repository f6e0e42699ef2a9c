//! From a finished recipe to a running image.
//!
//! A child is made by `clone` with `CLONE_VM | CLONE_VFORK`, as `posix_spawn` does: it borrows our memory and runs on a
//! stack of its own while the calling thread sleeps in the kernel, until the child has replaced its image or is gone.
//! So nothing is copied, however large the daemon is, and the call takes as long as the exec takes.
//!
//! Because the memory is shared, a failing child writes {stage, errno} straight into [`Job`] and ends. When `clone`
//! returns to us the outcome is already there. A close-on-exec pipe would say the same, but as a message: it costs two
//! descriptors and a read for each start, and the child's death can be reaped before the report is read. Here there is
//! no order in which the two could arrive.
//!
//! The descriptor table is shared too (`CLONE_FILES`) up to the moment the child takes a copy of its lowest few entries
//! (`CLOSE_RANGE_UNSHARE`). Copying and closing a whole table would cost every start in proportion to the number of
//! services that run already. What the child is to keep is therefore put into low *slots* first.
//!
//! Rules for everything that runs in the child ([`run_child`] and below): no allocation, no locks, nothing that can
//! panic, no libc function that keeps state; only system calls. Set-id calls especially must be raw: libc's own
//! versions make every thread follow, and the threads are those of the daemon.

#![allow(unsafe_code)]

use std::{
    cell::UnsafeCell,
    ffi::{CString, c_char, c_int, c_long, c_ulong, c_void},
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr::{null, null_mut},
};

use rustix::io::DupFlags;
use ubmc_core::input::SpawnStage;

use super::{mark::Mark, recipe::Recipe};

/// Room for the child's few frames, debug builds included.
const STACK_BYTES: usize = 64 * 1024;
/// The kernel's signal set, 64 signals, on all architectures that we build for.
const SIGSET_BYTES: usize = 8;
const SIGNALS: c_int = 64;

#[cfg(not(target_arch = "arm"))]
use libc::{SYS_setgroups as SYS_SETGROUPS, SYS_setresgid as SYS_SETRESGID, SYS_setresuid as SYS_SETRESUID};
#[cfg(target_arch = "arm")]
use libc::{SYS_setgroups32 as SYS_SETGROUPS, SYS_setresgid32 as SYS_SETRESGID, SYS_setresuid32 as SYS_SETRESUID};

/// A process that runs its own image now.
#[derive(Debug)]
pub(super) struct Launched {
    pub(super) pid: u32,
    pub(super) pidfd: OwnedFd,
}

/// Where and why it went wrong. `detail` counts within the stage, e.g. which limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) stage: SpawnStage,
    pub(super) errno: i32,
    pub(super) detail: usize,
}

impl Failure {
    pub(super) fn prepare(error: &io::Error) -> Self {
        Self { stage: SpawnStage::Prepare, errno: error.raw_os_error().unwrap_or(0), detail: 0 }
    }
}

/// What of ours the child gets as its own descriptors.
#[derive(Debug)]
pub(super) struct Wiring {
    pub(super) stdout: OwnedFd,
    pub(super) stderr: OwnedFd,
    /// The child's number for it is in the recipe.
    pub(super) ready: Option<OwnedFd>,
}

/// Starts processes, one at a time.
#[derive(Debug)]
pub(super) struct Launcher {
    stack: Stack,
    /// Descriptors with low numbers: `/dev/null`, standard output, standard error, readiness. All are `/dev/null`
    /// between two starts.
    slots: [OwnedFd; 4],
    /// The highest of them: the child needs nothing above.
    last_slot: RawFd,
    /// The kernel can copy part of a descriptor table (Linux 5.9).
    partial_files: bool,
    /// The kernel has clone3 with cleared signal handlers and control groups (Linux 5.7).
    clone3: bool,
    /// The daemon has a controlling terminal.
    has_terminal: bool,
    /// Signals that were ignored when the daemon was started, and those that Rust ignores (`SIGPIPE`).
    ignored: u64,
    /// The last capability that the kernel knows.
    last_capability: u32,
}

impl Launcher {
    pub(super) fn new() -> io::Result<Self> {
        let null = rustix::fs::open(
            "/dev/null",
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        let slot = || rustix::io::fcntl_dupfd_cloexec(&null, 3);
        let slots = [slot()?, slot()?, slot()?, slot()?];
        let last_slot = slots.iter().map(AsRawFd::as_raw_fd).max().unwrap_or(RawFd::MAX);
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
        Ok(Self {
            stack: Stack::new()?,
            slots,
            last_slot,
            partial_files,
            // What we want of clone3 came two releases before close_range.
            clone3: CLONE3_KNOWN && clone3 && partial_files,
            has_terminal: std::fs::File::open("/dev/tty").is_ok(),
            ignored: ignored_signals(),
            last_capability,
        })
    }

    /// Goes the ways of older kernels, for tests.
    #[cfg(test)]
    pub(super) fn pretend_old_kernel(&mut self) {
        self.clone3 = false;
        self.partial_files = false;
        keep_inherited_descriptors_to_ourselves();
    }

    /// Whether a process can be born inside a control group. Moving it there afterwards stalls for milliseconds: the
    /// kernel waits until no thread anywhere forks.
    pub(super) fn born_in_cgroup(&self) -> bool {
        self.clone3
    }

    /// Starts the recipe's program. Blocks until it has been replaced by its image or has failed.
    pub(super) fn launch(
        &mut self,
        recipe: &Recipe,
        mark: Option<Mark>,
        wiring: Wiring,
        cgroup: Option<&OwnedFd>,
    ) -> Result<Launched, Failure> {
        let argv = pointers(&recipe.argv);
        let envp = pointers(&recipe.env);
        let ready = match (&wiring.ready, recipe.ready_fd) {
            (Some(_), Some(target)) => Some(target),
            (Some(_) | None, _) => None,
        };
        self.fill_slots(&wiring).map_err(|error| Failure::prepare(&error))?;
        // The ends live on in the slots alone: when those are emptied, only the child holds them.
        drop(wiring);
        let [null_slot, out_slot, err_slot, ready_slot] = &self.slots;
        let mut job = Job {
            recipe,
            argv: argv.as_ptr(),
            envp: envp.as_ptr(),
            mark,
            slots: [null_slot.as_raw_fd(), out_slot.as_raw_fd(), err_slot.as_raw_fd(), ready_slot.as_raw_fd()],
            last_slot: self.last_slot,
            ready,
            partial_files: self.partial_files,
            clear_handlers: !self.clone3,
            has_terminal: self.has_terminal,
            ignored: self.ignored,
            last_capability: self.last_capability,
            failure: UnsafeCell::new(None),
        };
        let made = self.clone_blocked(&mut job, cgroup);
        let emptied = self.empty_slots();
        let (pid, pidfd) = match made {
            Ok(made) => made,
            Err(errno) => return Err(Failure { stage: SpawnStage::Prepare, errno, detail: 0 }),
        };
        let failure = *job.failure.get_mut();
        // The slots only hold `/dev/null` again if that went well; if not, end of output would never be seen.
        let failure = failure.or(emptied.err().map(|error| Failure::prepare(&error)));
        match failure {
            None => Ok(Launched { pid, pidfd }),
            Some(failure) => {
                // It has called exit, or is to die: a moment.
                let _ = rustix::process::pidfd_send_signal(&pidfd, rustix::process::Signal::KILL);
                reap(pid);
                Err(failure)
            }
        }
    }

    fn fill_slots(&mut self, wiring: &Wiring) -> io::Result<()> {
        let [_, out, err, ready] = &mut self.slots;
        rustix::io::dup3(&wiring.stdout, out, DupFlags::CLOEXEC)?;
        rustix::io::dup3(&wiring.stderr, err, DupFlags::CLOEXEC)?;
        if let Some(fd) = &wiring.ready {
            rustix::io::dup3(fd, ready, DupFlags::CLOEXEC)?;
        }
        Ok(())
    }

    fn empty_slots(&mut self) -> io::Result<()> {
        let [null, out, err, ready] = &mut self.slots;
        for slot in [out, err, ready] {
            rustix::io::dup3(&*null, slot, DupFlags::CLOEXEC)?;
        }
        Ok(())
    }

    /// Clones with every signal blocked, libc's own included: a handler must not run in the child on our memory.
    fn clone_blocked(&self, job: &mut Job<'_>, cgroup: Option<&OwnedFd>) -> Result<(u32, OwnedFd), i32> {
        let all = u64::MAX;
        let mut before = 0u64;
        // SAFETY: both sets are 64 bits, as SIGSET_BYTES says. The raw call is meant: libc's leaves its own two signals
        // open.
        unsafe {
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, &raw mut before, SIGSET_BYTES);
        }
        let made = if self.clone3 { self.by_clone3(job, cgroup) } else { self.by_clone(job) };
        // SAFETY: as above; puts back what was there.
        unsafe {
            libc::syscall(
                libc::SYS_rt_sigprocmask,
                libc::SIG_SETMASK,
                &raw const before,
                null_mut::<u64>(),
                SIGSET_BYTES,
            );
        }
        made
    }

    fn flags(&self) -> c_int {
        let files = if self.partial_files { libc::CLONE_FILES } else { 0 };
        libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | files
    }

    fn by_clone(&self, job: &mut Job<'_>) -> Result<(u32, OwnedFd), i32> {
        extern "C" fn entry(job: *mut c_void) -> c_int {
            // SAFETY: `job` is the pointer given to clone below; its owner sleeps until we are done with it.
            unsafe { run_child(job.cast()) }
        }
        let mut pidfd: RawFd = -1;
        // SAFETY: `entry` runs on our private stack, which nobody else uses: `launch` takes `&mut self`. This thread is
        // suspended (CLONE_VFORK) until the child has another image or none, so `job`, the recipe and the stack outlive
        // the child's use of them. The child follows the rules at the head of this file.
        let pid = unsafe {
            libc::clone(
                entry,
                self.stack.top(),
                self.flags() | libc::SIGCHLD,
                std::ptr::from_mut(job).cast(),
                &raw mut pidfd,
            )
        };
        if pid < 0 {
            return Err(io::Error::last_os_error().raw_os_error().unwrap_or(libc::EAGAIN));
        }
        // SAFETY: the kernel has just made this descriptor for us (CLONE_PIDFD).
        Ok((pid.unsigned_abs(), unsafe { OwnedFd::from_raw_fd(pidfd) }))
    }

    fn by_clone3(&self, job: &mut Job<'_>, cgroup: Option<&OwnedFd>) -> Result<(u32, OwnedFd), i32> {
        let mut pidfd: RawFd = -1;
        let into_cgroup = if cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 };
        let args = CloneArgs {
            flags: u64::from(self.flags().unsigned_abs()) | CLONE_CLEAR_SIGHAND | into_cgroup,
            pidfd: &raw mut pidfd as u64,
            exit_signal: u64::from(libc::SIGCHLD.unsigned_abs()),
            stack: self.stack.bottom() as u64,
            stack_size: STACK_BYTES as u64,
            cgroup: cgroup.map_or(0, |fd| u64::from(fd.as_raw_fd().unsigned_abs())),
            ..CloneArgs::default()
        };
        // SAFETY: as in `by_clone`; `clone3` calls `run_child` in the child and returns in the parent alone.
        let pid = unsafe { clone3(&raw const args, run_child_entry, std::ptr::from_mut(job).cast()) };
        match u32::try_from(pid) {
            // SAFETY: the kernel has just made this descriptor for us (CLONE_PIDFD).
            Ok(pid) => Ok((pid, unsafe { OwnedFd::from_raw_fd(pidfd) })),
            Err(_) => Err(i32::try_from(-pid).unwrap_or(libc::EINVAL)),
        }
    }
}

/// A child that never ran its image is not reported to anybody.
fn reap(pid: u32) {
    // SAFETY: plain wait for a child of ours that is ending; a null status pointer is allowed.
    while unsafe { libc::waitpid(pid.cast_signed(), null_mut(), 0) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([null()]).collect()
}

/// Where a child cannot close what it does not need in one call, what the daemon was given by whoever started it must
/// close by itself on exec. What the daemon opens does so anyway.
fn keep_inherited_descriptors_to_ourselves() {
    let Ok(open) = std::fs::read_dir("/proc/self/fd") else { return };
    for fd in open.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<RawFd>().ok()) {
        if fd > 2 {
            // SAFETY: sets a flag; a number that is not open (any more) is an error without effect.
            unsafe { libc::fcntl(fd, libc::F_SETFD, libc::FD_CLOEXEC) };
        }
    }
}

/// Asked of the kernel itself: libc hides its own two signals, which its `posix_spawn` leaves ignored in a child.
fn ignored_signals() -> u64 {
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

/// Memory for the child's frames, with a page below that faults.
#[derive(Debug)]
struct Stack {
    base: *mut c_void,
    guard_bytes: usize,
}

// SAFETY: the mapping belongs to this value alone; it is used only through `&mut Launcher`.
unsafe impl Send for Stack {}

impl Stack {
    fn new() -> io::Result<Self> {
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

    fn bottom(&self) -> *mut c_void {
        // SAFETY: inside our own mapping, above the page that faults.
        unsafe { self.base.add(self.guard_bytes) }
    }

    fn top(&self) -> *mut c_void {
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

/// All that the child reads, and the one thing it writes.
struct Job<'a> {
    recipe: &'a Recipe,
    argv: *const *const c_char,
    envp: *const *const c_char,
    mark: Option<Mark>,
    slots: [RawFd; 4],
    last_slot: RawFd,
    ready: Option<RawFd>,
    partial_files: bool,
    clear_handlers: bool,
    has_terminal: bool,
    ignored: u64,
    last_capability: u32,
    failure: UnsafeCell<Option<Failure>>,
}

extern "C" fn run_child_entry(job: *mut c_void) -> ! {
    // SAFETY: called by `clone3` alone, with the job that `by_clone3` gave it.
    unsafe { run_child(job.cast()) }
}

/// The child's whole life before its own image.
///
/// # Safety
/// `job` must be valid, and its owner must not run before the child has ended or replaced its image.
unsafe fn run_child(job: *mut Job<'_>) -> ! {
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
        for (index, limit) in recipe.rlimits.iter().enumerate() {
            let pair = [limit.soft, limit.hard];
            call!(Limits, index, libc::SYS_prlimit64, 0, limit.resource, pair.as_ptr(), null::<u64>());
        }
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
        change_identity(job)?;
        call!(WorkingDirectory, 0, libc::SYS_chdir, recipe.working_dir.as_ptr());
        wire(job)?;
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
unsafe fn write_file(
    path: *const c_char,
    text: &std::ffi::CStr,
    stage: SpawnStage,
    detail: usize,
) -> Result<(), Failure> {
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

/// prctl in the child; its arguments are whole words, so they are passed as such.
macro_rules! prctl {
    ($detail:expr, $option:expr, $first:expr, $second:expr) => {
        call!(
            Privileges,
            $detail,
            libc::SYS_prctl,
            $option,
            $first as c_ulong,
            $second as c_ulong,
            0 as c_ulong,
            0 as c_ulong
        )
    };
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
                    prctl!(0, libc::PR_CAPBSET_DROP, capability, 0);
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
                    prctl!(3, libc::PR_CAP_AMBIENT, libc::PR_CAP_AMBIENT_RAISE, capability);
                }
            }
        }
        if recipe.no_new_privileges {
            prctl!(4, libc::PR_SET_NO_NEW_PRIVS, 1, 0);
        }
    }
    Ok(())
}

/// Standard streams and the readiness descriptor; everything else closes on exec.
///
/// # Safety
/// As [`become_image`].
unsafe fn wire(job: &Job<'_>) -> Result<(), Failure> {
    let [null_slot, out_slot, err_slot, ready_slot] = job.slots;
    // SAFETY: system calls on descriptor numbers of the child's own table. Slots are above 2, so no copy overwrites one
    // that is still needed; the readiness descriptor may be a slot's own number and is therefore last.
    unsafe {
        for (slot, target) in [(null_slot, 0), (out_slot, 1), (err_slot, 2)] {
            call!(Prepare, 2, libc::SYS_dup3, slot, target, 0);
        }
        if job.partial_files {
            call!(Prepare, 3, libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
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
    }
    Ok(())
}

/// The limits of another process by which it is told apart; see [`Mark`]. Absent: no such process. `EPERM` is for the
/// caller to work around.
pub(super) fn lock_limits(pid: u32) -> io::Result<Option<(u64, u64)>> {
    let mut pair = [0u64; 2];
    // SAFETY: asks only; the kernel writes two 64-bit numbers.
    let result =
        unsafe { libc::syscall(libc::SYS_prlimit64, pid, libc::RLIMIT_LOCKS, null::<u64>(), pair.as_mut_ptr()) };
    if result == 0 {
        let [soft, hard] = pair;
        return Ok(Some((soft, hard)));
    }
    let error = io::Error::last_os_error();
    if error.raw_os_error() == Some(libc::ESRCH) { Ok(None) } else { Err(error) }
}

const CLONE_CLEAR_SIGHAND: u64 = 0x1_0000_0000;
const CLONE_INTO_CGROUP: u64 = 0x2_0000_0000;

/// `struct clone_args` of linux/sched.h, as of Linux 5.7.
#[repr(C, align(8))]
#[derive(Default)]
struct CloneArgs {
    flags: u64,
    pidfd: u64,
    child_tid: u64,
    parent_tid: u64,
    exit_signal: u64,
    stack: u64,
    stack_size: u64,
    tls: u64,
    set_tid: u64,
    set_tid_size: u64,
    cgroup: u64,
}

/// Whether there is a `clone3` below for this architecture.
const CLONE3_KNOWN: bool = cfg!(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm"));

/// clone3 onto another stack: libc has no function for it. Returns the pid or the negative errno, in the parent alone.
///
/// # Safety
/// `args` must describe a stack that is free; `child` must bear to run on it with `argument`.
#[cfg(target_arch = "x86_64")]
unsafe fn clone3(args: *const CloneArgs, child: extern "C" fn(*mut c_void) -> !, argument: *mut c_void) -> isize {
    let result: isize;
    // SAFETY: the kernel keeps all registers but rax, rcx and r11, in the child too; the child's stack pointer is the
    // top of its own stack, aligned for a call, and it never comes back.
    unsafe {
        std::arch::asm!(
            "syscall",
            "test rax, rax",
            "jnz 2f",
            "xor ebp, ebp",
            "mov rdi, {argument}",
            "call {child}",
            "ud2",
            "2:",
            argument = in(reg) argument,
            child = in(reg) child,
            inlateout("rax") libc::SYS_clone3 as isize => result,
            in("rdi") args,
            in("rsi") size_of::<CloneArgs>(),
            out("rcx") _,
            out("r11") _,
        );
    }
    result
}

/// As for x86_64.
#[cfg(target_arch = "aarch64")]
unsafe fn clone3(args: *const CloneArgs, child: extern "C" fn(*mut c_void) -> !, argument: *mut c_void) -> isize {
    let result: isize;
    // SAFETY: the kernel keeps all registers but x0; the child runs on its own stack and never comes back.
    unsafe {
        std::arch::asm!(
            "svc 0",
            "cbnz x0, 2f",
            "mov x29, xzr",
            "mov x0, {argument}",
            "blr {child}",
            "brk 1",
            "2:",
            argument = in(reg) argument,
            child = in(reg) child,
            in("x8") libc::SYS_clone3,
            inlateout("x0") args => result,
            in("x1") size_of::<CloneArgs>(),
        );
    }
    result
}

/// As for x86_64.
#[cfg(target_arch = "arm")]
unsafe fn clone3(args: *const CloneArgs, child: extern "C" fn(*mut c_void) -> !, argument: *mut c_void) -> isize {
    let result: isize;
    // SAFETY: the kernel keeps all registers but r0; r7 (its number register, and thumb's frame pointer) is put back
    // before anything else runs. The child runs on its own stack and never comes back.
    unsafe {
        std::arch::asm!(
            "mov {saved}, r7",
            "mov r7, {number}",
            "svc 0",
            "mov r7, {saved}",
            "cmp r0, #0",
            "bne 2f",
            "mov r0, {argument}",
            "blx {child}",
            "udf #0",
            "2:",
            saved = out(reg) _,
            number = in(reg) libc::SYS_clone3,
            argument = in(reg) argument,
            child = in(reg) child,
            inlateout("r0") args => result,
            in("r1") size_of::<CloneArgs>(),
        );
    }
    result
}

/// Not built for this architecture; [`CLONE3_KNOWN`] keeps it from being called.
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64", target_arch = "arm")))]
unsafe fn clone3(_: *const CloneArgs, _: extern "C" fn(*mut c_void) -> !, _: *mut c_void) -> isize {
    -(libc::ENOSYS as isize)
}
