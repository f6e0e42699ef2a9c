//! Whether the daemon leaves a core and lets a debugger in, which a child's change of user takes away.
//!
//! When somebody changes user, the kernel marks the memory it runs on as not dumpable: other processes of the new user
//! must not get at what the old one had in there. Here that mark protects the daemon. Between its change of user and
//! its exec the child has a service's rights and the daemon's memory. But the mark is on that memory, and stays with
//! the daemon when the child has left: no core after a crash, no debugger, and without privileges not even its own
//! files in /proc.
//!
//! So the mark is taken off again, but not before every such child is off our memory, whichever launcher made it. That
//! the clone has returned does not say so: the kernel wakes us first and exchanges the child's memory after that. What
//! does say so is setpgid(2). It refuses (`EACCES`) to move a child that has replaced its image; before that it only
//! confirms the group that ours leads already. One that somebody else has reaped meanwhile (`ESRCH`) is off it, too.

use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use rustix::{
    io::Errno,
    process::{DumpableBehavior, Pid, dumpable_behavior, set_dumpable_behavior, setpgid},
};

/// Looks at a child before we give up; a look is enough unless the child is interrupted in the middle of its exec.
const LOOKS: u32 = 100;
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(100);

/// Keeps the daemon as it was found.
#[derive(Debug)]
pub(super) struct Dumpable {
    /// The daemon was started as a process that leaves a core.
    wanted: bool,
    children: Mutex<Children>,
}

#[derive(Debug, Default)]
struct Children {
    /// Between clone and exec, of all launchers.
    on_their_way: usize,
    /// Launched, and not seen off our memory yet.
    unconfirmed: Vec<u32>,
}

impl Dumpable {
    pub(super) fn find() -> Self {
        let wanted = dumpable_behavior().is_ok_and(|behavior| behavior == DumpableBehavior::Dumpable);
        Self { wanted, children: Mutex::default() }
    }

    fn children(&self) -> MutexGuard<'_, Children> {
        self.children.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A child that may change its user comes next.
    pub(super) fn begin(&self) {
        self.children().on_their_way += 1;
    }

    /// It has been launched, or (absent) reaped. When it was the last one on its way the mark is taken off, with the
    /// lock held: none can begin meanwhile. Where a child cannot be seen to be off our memory nothing is changed: the
    /// next one gives another chance.
    pub(super) fn end(&self, child: Option<u32>) {
        let mut children = self.children();
        children.on_their_way -= 1;
        children.unconfirmed.extend(child);
        if !self.wanted || children.on_their_way > 0 {
            return;
        }
        children.unconfirmed.retain(|child| !has_own_image(*child));
        if children.unconfirmed.is_empty()
            && let Err(error) = set_dumpable_behavior(DumpableBehavior::Dumpable)
        {
            tracing::warn!(%error, "the daemon will leave no core if it crashes");
        }
    }
}

fn has_own_image(child: u32) -> bool {
    let Some(pid) = Pid::from_raw(child.cast_signed()) else { return true };
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(PAUSE);
        }
        // `PERM` when it has a session of its own by now: its program has done that.
        if let Err(Errno::ACCESS | Errno::PERM | Errno::SRCH) = setpgid(Some(pid), Some(pid)) {
            return true;
        }
    }
    false
}
