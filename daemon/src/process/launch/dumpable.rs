//! Whether the daemon leaves a core and lets a debugger in, which a child's change of user takes away.
//!
//! When somebody changes user, the kernel marks the memory it runs on as not dumpable: other processes of the new user
//! must not get at what the old one had in there. Here that mark protects the daemon. Between its change of user and
//! its exec the child has a service's rights and the daemon's memory. But the mark is on that memory, and stays with
//! the daemon when the child has left: no core after a crash, no debugger, and without privileges not even its own
//! files in /proc.
//!
//! So the mark is taken off again, but not before the child is off our memory. That the clone has returned does not say
//! so: the kernel wakes us first and exchanges the child's memory after that. What does say so is setpgid(2). It refuses
//! (`EACCES`) to move a child that has replaced its image; before that it only confirms the group that ours leads
//! already. The children of one launcher come one after the other, so there is no further one on our memory.

use std::{thread, time::Duration};

use rustix::{
    io::Errno,
    process::{DumpableBehavior, Pid, dumpable_behavior, set_dumpable_behavior, setpgid},
};

/// Looks at a child before we give up; a look is enough unless the child is interrupted in the middle of its exec.
const LOOKS: u32 = 100;
/// Between two looks.
const PAUSE: Duration = Duration::from_micros(100);

/// Whether this process is dumpable now.
pub(super) fn is_dumpable() -> bool {
    dumpable_behavior().is_ok_and(|behavior| behavior == DumpableBehavior::Dumpable)
}

/// Makes this process dumpable again after a child that may have changed user. Absent: the child has been reaped.
/// Where the child cannot be seen to be off our memory, nothing is changed: the next one gives another chance.
pub(super) fn restore(child: Option<u32>) {
    if child.is_none_or(has_own_image)
        && let Err(error) = set_dumpable_behavior(DumpableBehavior::Dumpable)
    {
        tracing::warn!(%error, "the daemon will leave no core if it crashes");
    }
}

fn has_own_image(child: u32) -> bool {
    let Some(pid) = Pid::from_raw(child.cast_signed()) else { return false };
    for look in 0..LOOKS {
        if look > 0 {
            thread::sleep(PAUSE);
        }
        // The latter when it has a session of its own by now: its program has done that.
        if let Err(Errno::ACCESS | Errno::PERM) = setpgid(Some(pid), Some(pid)) {
            return true;
        }
    }
    false
}
