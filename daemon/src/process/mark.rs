//! The mark by which every process that a service ever started is known as the service's own.
//!
//! Parents, process groups and sessions can all be left behind: a daemon that forks twice with `setsid` between is tied
//! to its service by none of them, and an environment can be cleared. Control groups hold on to everything, but not
//! every machine has them to give, and making one costs each start a sixth of its time.
//!
//! So each life of a service gets a value of `RLIMIT_LOCKS`: a resource limit which the kernel has kept but not enforced
//! since Linux 2.4.25. Like all limits it is inherited through every fork and exec, no program touches it, and one system
//! call reads it. The soft limit is the *serial* of the life (or of a health-check command), the hard limit the *tag* of
//! this daemon, which tells its processes from those of another ubmcd nested in it.

use std::{
    collections::{HashMap, hash_map::Entry},
    hash::{BuildHasher, Hasher, RandomState},
};

use ubmc_core::ids::Name;

use super::launch;

/// Tags lie in 2^29–2^31, so that they fit a 32-bit kernel's limits and stay above every serial.
const LOWEST_TAG: u64 = 1 << 29;
const HIGHEST_TAG: u64 = (1 << 31) - 1;

/// What a process has in `RLIMIT_LOCKS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    serial: Serial,
    tag: u32,
}

/// Number of a life or of a command; never 0, never used twice while anything is left that carries it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Serial(u32);

impl Serial {
    /// As a key beside others; never 0.
    pub(super) const fn key(self) -> u64 {
        self.0 as u64
    }
}

impl Mark {
    pub(super) const fn soft(self) -> u64 {
        self.serial.0 as u64
    }

    pub(super) const fn hard(self) -> u64 {
        self.tag as u64
    }
}

/// What all marks of one daemon have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tag(u32);

impl Tag {
    /// None for what is no tag: such a number could be anybody's limit.
    pub(super) fn from_number(number: u32) -> Option<Self> {
        (LOWEST_TAG..=HIGHEST_TAG).contains(&u64::from(number)).then_some(Self(number))
    }

    pub(super) const fn number(self) -> u32 {
        self.0
    }
}

/// Whether a process is of the daemon with that tag.
pub(super) fn carries(pid: u32, tag: Tag) -> bool {
    read_limits(pid).is_some_and(|(_, hard)| hard == u64::from(tag.0))
}

/// Gives marks and reads them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Marker {
    /// Absent: our own limit is so low that there is no room for marks.
    tag: Option<u32>,
}

/// Serials that something may still carry, and whose they are.
#[derive(Debug, Default)]
pub(super) struct Serials {
    last: u32,
    /// Of which service. Absent: of a command.
    taken: HashMap<Serial, Option<Name>>,
}

impl Serials {
    /// One that nothing carries.
    pub(super) fn take(&mut self, owner: Option<Name>) -> Serial {
        loop {
            self.last = if u64::from(self.last) + 1 < LOWEST_TAG { self.last + 1 } else { 1 };
            let serial = Serial(self.last);
            if let Entry::Vacant(vacant) = self.taken.entry(serial) {
                vacant.insert(owner);
                return serial;
            }
        }
    }

    /// Nothing carries it any more.
    pub(super) fn free(&mut self, serial: Serial) {
        self.taken.remove(&serial);
    }

    /// Whether a service has a life.
    pub(super) fn any_of(&self, owner: &Name) -> bool {
        self.taken.values().any(|taken| taken.as_ref() == Some(owner))
    }

    /// The service whose life it is.
    pub(super) fn owner(&self, serial: Serial) -> Option<Name> {
        self.taken.get(&serial).cloned().flatten()
    }
}

impl Marker {
    pub(super) fn new() -> Self {
        let own = read_limits(std::process::id()).map_or(u64::MAX, |(_, hard)| hard);
        // Without privileges a limit can only be lowered: a nested daemon takes a tag below the one it lives under.
        let highest = HIGHEST_TAG.min(own.saturating_sub(1));
        let room = highest.checked_sub(LOWEST_TAG).filter(|room| *room > 0);
        let chance = RandomState::new().build_hasher().finish();
        let tag = room.and_then(|room| u32::try_from(LOWEST_TAG + chance % room).ok());
        Self { tag }
    }

    /// What all its marks have in common. Absent: processes cannot be marked.
    pub(super) fn tag(self) -> Option<Tag> {
        self.tag.map(Tag)
    }

    /// Whether processes can be marked at all.
    pub(super) fn works(self) -> bool {
        self.tag.is_some()
    }

    /// What to put on a process.
    pub(super) fn mark(self, serial: Serial) -> Option<Mark> {
        self.tag.map(|tag| Mark { serial, tag })
    }

    /// Whose a process is. Absent: not ours, or gone.
    pub(super) fn read(self, pid: u32) -> Option<Serial> {
        let (soft, hard) = read_limits(pid)?;
        if Some(hard) != self.tag.map(u64::from) {
            return None;
        }
        u32::try_from(soft).ok().map(Serial)
    }
}

fn read_limits(pid: u32) -> Option<(u64, u64)> {
    match launch::lock_limits(pid) {
        Ok(limits) => limits,
        // A process that changed its user: everybody may still read its limits as text.
        Err(_) => parse_limits(&std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?),
    }
}

/// `Max file locks            SOFT                 HARD                 locks`
fn parse_limits(text: &str) -> Option<(u64, u64)> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max file locks"))?;
    let mut numbers = line.split_whitespace().map(|word| word.parse().unwrap_or(u64::MAX));
    Some((numbers.next()?, numbers.next()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_read_from_the_kernels_table() {
        let text = "Limit                     Soft Limit           Hard Limit           Units     \n\
                    Max cpu time              unlimited            unlimited            seconds   \n\
                    Max file locks            17                   536870999            locks     \n";
        assert_eq!(parse_limits(text), Some((17, 536_870_999)));
        assert_eq!(
            parse_limits("Max file locks            unlimited            unlimited            locks\n"),
            Some((u64::MAX, u64::MAX))
        );
        assert_eq!(parse_limits("nothing"), None);
    }

    #[test]
    fn a_serial_in_use_is_not_given_again() {
        let highest = u32::try_from(LOWEST_TAG).unwrap() - 1;
        let mut serials = Serials { last: highest - 1, taken: HashMap::from([(Serial(1), Some(Name::from("web")))]) };
        assert_eq!(serials.take(None), Serial(highest));
        assert_eq!(serials.take(None), Serial(2), "1 is taken");
        assert_eq!(serials.owner(Serial(1)), Some(Name::from("web")));
        serials.free(Serial(1));
        serials.last = highest;
        assert_eq!(serials.take(None), Serial(1));
        assert_eq!(serials.owner(Serial(1)), None);
    }

    #[test]
    fn an_unmarked_process_belongs_to_nobody() {
        assert_eq!(Marker::new().read(1), None);
    }
}
