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
//! A child that has not replaced its image yet says nothing when it ends (no `SIGCHLD`) and is seen by no ordinary wait:
//! exec gives it back the one and the other. So a start that fails is the launcher's affair alone, whoever reaps
//! children at that moment in another thread.
//!
//! Several launchers may work at a time, each in a thread of its own. What they have in common is in [`Ground`]; a start
//! on its way is seen by others through its [`Ticket`].
//!
//! This folder is where unsafe code is: what runs in the child, and by which rules, is in [`child`].

#![allow(unsafe_code)]

mod child;
mod clone3;
mod dumpable;
mod ground;
mod inherited;
mod stack;
mod ticket;

use std::{
    cell::UnsafeCell,
    ffi::{CString, c_char, c_int, c_void},
    io,
    os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd},
    ptr::{null, null_mut},
    sync::{Arc, atomic::Ordering},
};

use rustix::io::DupFlags;
use ubmc_core::input::SpawnStage;

use self::{
    child::{Job, run_child, run_child_entry},
    clone3::{CLONE_CLEAR_SIGHAND, CLONE_INTO_CGROUP, CloneArgs, clone3},
    stack::{STACK_BYTES, Stack},
};
pub(super) use self::{ground::Ground, ticket::Ticket};
use super::{mark::Mark, recipe::Recipe};

/// The kernel's signal set, 64 signals, on all architectures that we build for.
const SIGSET_BYTES: usize = 8;
const SIGNALS: c_int = 64;
/// Detail of a [`Failure`] to prepare: the kernel has no descriptors of processes to give.
pub(super) const NO_PIDFD: usize = 5;

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
    ground: Arc<Ground>,
    stack: Stack,
    /// Descriptors with low numbers: `/dev/null`, standard output, standard error, readiness. All are `/dev/null`
    /// between two starts.
    slots: [OwnedFd; 4],
    /// The highest of them: the child needs nothing above.
    last_slot: RawFd,
}

impl Launcher {
    pub(super) fn new(ground: Arc<Ground>) -> io::Result<Self> {
        let null = rustix::fs::open(
            "/dev/null",
            rustix::fs::OFlags::RDWR | rustix::fs::OFlags::CLOEXEC,
            rustix::fs::Mode::empty(),
        )?;
        let slot = || rustix::io::fcntl_dupfd_cloexec(&null, 3);
        let slots = [slot()?, slot()?, slot()?, slot()?];
        let last_slot = slots.iter().map(AsRawFd::as_raw_fd).max().unwrap_or(RawFd::MAX);
        Ok(Self { ground, stack: Stack::new()?, slots, last_slot })
    }

    /// Starts the recipe's program. Blocks until it has been replaced by its image or has failed; the ticket, which has
    /// to be in the state of launching, tells others of the child meanwhile.
    pub(super) fn launch(
        &mut self,
        recipe: &Recipe,
        mark: Option<Mark>,
        wiring: Wiring,
        cgroup: Option<&OwnedFd>,
        ticket: &Ticket,
    ) -> Result<Launched, Failure> {
        if recipe.identity.is_none() {
            return self.launch_and_reap_failed(recipe, mark, wiring, cgroup, ticket);
        }
        let ground = self.ground.clone();
        ground.dumpable.begin();
        let launched = self.launch_and_reap_failed(recipe, mark, wiring, cgroup, ticket);
        ground.dumpable.end(launched.as_ref().ok().map(|launched| launched.pid));
        launched
    }

    fn launch_and_reap_failed(
        &mut self,
        recipe: &Recipe,
        mark: Option<Mark>,
        wiring: Wiring,
        cgroup: Option<&OwnedFd>,
        ticket: &Ticket,
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
            partial_files: self.ground.partial_files,
            clear_handlers: !self.ground.clone3,
            has_terminal: self.ground.has_terminal,
            ignored: self.ground.ignored,
            last_capability: self.ground.last_capability,
            failure: UnsafeCell::new(None),
        };
        let made = self.clone_blocked(&mut job, cgroup, ticket);
        // From here on nobody else uses its descriptor, which may be closed below.
        ticket.done();
        let emptied = self.empty_slots();
        let Launched { pid, pidfd } = made?;
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
    fn clone_blocked(&self, job: &mut Job<'_>, cgroup: Option<&OwnedFd>, ticket: &Ticket) -> Result<Launched, Failure> {
        let all = u64::MAX;
        let mut before = 0u64;
        // SAFETY: both sets are 64 bits, as SIGSET_BYTES says. The raw call is meant: libc's leaves its own two signals
        // open.
        unsafe {
            libc::syscall(libc::SYS_rt_sigprocmask, libc::SIG_SETMASK, &raw const all, &raw mut before, SIGSET_BYTES);
        }
        let made = if self.ground.clone3 { self.by_clone3(job, cgroup, ticket) } else { self.by_clone(job, ticket) };
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
        let files = if self.ground.partial_files { libc::CLONE_FILES } else { 0 };
        libc::CLONE_VM | libc::CLONE_VFORK | libc::CLONE_PIDFD | files
    }

    fn by_clone(&self, job: &mut Job<'_>, ticket: &Ticket) -> Result<Launched, Failure> {
        extern "C" fn entry(job: *mut c_void) -> c_int {
            // SAFETY: `job` is the pointer given to clone below; its owner sleeps until we are done with it.
            unsafe { run_child(job.cast()) }
        }
        // SAFETY: `entry` runs on our private stack, which nobody else uses: `launch` takes `&mut self`. This thread is
        // suspended (CLONE_VFORK) until the child has another image or none, so `job`, the recipe and the stack outlive
        // the child's use of them. The child follows the rules at the head of this file. The kernel writes the
        // descriptor into the ticket, as one aligned number, before the child runs.
        let pid = unsafe {
            libc::clone(entry, self.stack.top(), self.flags(), std::ptr::from_mut(job).cast(), ticket.pidfd().as_ptr())
        };
        if pid < 0 {
            return Err(Failure::prepare(&io::Error::last_os_error()));
        }
        // SAFETY: the child is new, and so is what the kernel may have written there (CLONE_PIDFD).
        unsafe { hold(pid.unsigned_abs(), ticket.pidfd().load(Ordering::Acquire)) }
    }

    fn by_clone3(&self, job: &mut Job<'_>, cgroup: Option<&OwnedFd>, ticket: &Ticket) -> Result<Launched, Failure> {
        let into_cgroup = if cgroup.is_some() { CLONE_INTO_CGROUP } else { 0 };
        let args = CloneArgs {
            flags: u64::from(self.flags().unsigned_abs()) | CLONE_CLEAR_SIGHAND | into_cgroup,
            pidfd: ticket.pidfd().as_ptr() as u64,
            stack: self.stack.bottom() as u64,
            stack_size: STACK_BYTES as u64,
            cgroup: cgroup.map_or(0, |fd| u64::from(fd.as_raw_fd().unsigned_abs())),
            ..CloneArgs::default()
        };
        // SAFETY: as in `by_clone`; `clone3` calls `run_child` in the child and returns in the parent alone.
        let pid = unsafe { clone3(&raw const args, run_child_entry, std::ptr::from_mut(job).cast()) };
        let pid = u32::try_from(pid).map_err(|_| {
            let errno = i32::try_from(-pid).unwrap_or(libc::EINVAL);
            Failure::prepare(&io::Error::from_raw_os_error(errno))
        })?;
        // SAFETY: the child is new, and so is what the kernel has written there (CLONE_PIDFD).
        unsafe { hold(pid, ticket.pidfd().load(Ordering::Acquire)) }
    }
}

/// Takes hold of a new child by its descriptor. A kernel before Linux 5.2 makes none (-1), without a word: then the
/// child, which runs already, has to end.
///
/// # Safety
/// `pid` must be a child that nobody else waits for, and `pidfd` negative or a descriptor that nobody else owns.
unsafe fn hold(pid: u32, pidfd: RawFd) -> Result<Launched, Failure> {
    if pidfd < 0 {
        let leader = pid.cast_signed();
        // SAFETY: signals to a child that has not been reaped, and to the group of its own that it may lead by now.
        unsafe {
            libc::kill(-leader, libc::SIGKILL);
            libc::kill(leader, libc::SIGKILL);
        }
        reap(pid);
        return Err(Failure { stage: SpawnStage::Prepare, errno: libc::ENOSYS, detail: NO_PIDFD });
    }
    // SAFETY: the caller's promise.
    Ok(Launched { pid, pidfd: unsafe { OwnedFd::from_raw_fd(pidfd) } })
}

/// A child that never ran its image is not reported to anybody. Only a wait for all kinds of children sees it.
fn reap(pid: u32) {
    // SAFETY: plain wait for a child of ours that is ending; a null status pointer is allowed.
    while unsafe { libc::waitpid(pid.cast_signed(), null_mut(), libc::__WALL) } < 0
        && io::Error::last_os_error().kind() == io::ErrorKind::Interrupted
    {}
}

fn pointers(strings: &[CString]) -> Vec<*const c_char> {
    strings.iter().map(|string| string.as_ptr()).chain([null()]).collect()
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

#[cfg(test)]
mod tests {
    use std::os::unix::process::CommandExt;

    use super::*;

    #[test]
    fn a_child_without_a_descriptor_is_ended_and_the_start_fails() {
        let _alone = crate::process::tests::alone();
        let mut child = std::process::Command::new("sleep").arg("600").process_group(0).spawn().unwrap();
        // SAFETY: our own new child; -1 is no descriptor.
        let failure = unsafe { hold(child.id(), -1) }.unwrap_err();
        assert_eq!(failure, Failure { stage: SpawnStage::Prepare, errno: libc::ENOSYS, detail: NO_PIDFD });
        assert_eq!(child.wait().unwrap_err().raw_os_error(), Some(libc::ECHILD), "it has been reaped");
    }
}
