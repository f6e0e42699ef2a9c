//! GPIO lines, by the kernel's character device.
//!
//! Code map
//! - `listing`  which chips there are and what their lines are called; finding a line in that
//! - `line`     one line: requested, read, driven
//! - `lines`    all lines of a board, shared by who drives and who watches them
//! - `watch`    waiting for edges
//!
//! What can be relied on, and what not:
//! - **Discovery changes nothing.** An output that was not driven yet is requested *as is*: the kernel sets neither its
//!   direction nor its value, and tells its level. Only the first command makes it an output, with its value in the same
//!   call, so that no other level is ever on the line between the two.
//! - **A line stays ours** (consumer `ubmcd`) from then until the daemon ends, so that nobody else can drive it, also not
//!   while powermgr or statemgr is restarted.
//! - **The end of the daemon changes nothing** on the chips that BMCs have: the kernel leaves it to a chip's driver what
//!   a line does when it is given back, and those of Aspeed, Nuvoton and the pca953x expanders leave direction and value
//!   as they are. Whoever ports ubmc to another chip tests that once: drive a line, kill ubmcd, measure.
//! - **Inputs tell their edges** where the chip has an interrupt; where it has none they are looked at four times a second.

mod line;
mod lines;
mod listing;
mod poller;
mod watch;

pub(super) use lines::{Lines, Wanted};
#[cfg(test)]
pub(super) use listing::LineListing;
pub(super) use listing::{ChipListing, survey};
pub(super) use watch::Watch;
