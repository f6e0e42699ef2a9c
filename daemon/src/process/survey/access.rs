//! Whether a user may get at a file, as far as its mode bits say. The kernel can be asked only for ourselves; for others
//! it is worked out, and whatever the bits do not decide alone (access control lists, network file systems) counts as
//! permitted.

use std::{
    fmt, fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use rustix::fs::{Access, access};

use crate::process::user::Identity;

/// Who wants to.
#[derive(Debug)]
pub(super) struct Who(Kind);

#[derive(Debug)]
enum Kind {
    /// As the daemon itself.
    Ourselves,
    /// Not known, or not bound by mode bits.
    Anybody,
    Other {
        name: String,
        identity: Identity,
    },
}

/// Where somebody does not get through.
#[derive(Debug)]
pub(super) struct Barred {
    who: String,
    dir: PathBuf,
}

impl fmt::Display for Barred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} may not enter {}", self.who, self.dir.display())
    }
}

impl Who {
    pub(super) const fn ourselves() -> Self {
        Self(Kind::Ourselves)
    }

    pub(super) const fn anybody() -> Self {
        Self(Kind::Anybody)
    }

    pub(super) const fn other(name: String, identity: Identity) -> Self {
        Self(Kind::Other { name, identity })
    }

    /// Somebody else than the daemon: what the daemon does not see, they may.
    pub(super) const fn is_other(&self) -> bool {
        !matches!(self.0, Kind::Ourselves)
    }

    /// For people.
    pub(super) fn name(&self) -> &str {
        match &self.0 {
            Kind::Ourselves => "ubmcd",
            Kind::Anybody => "its user",
            Kind::Other { name, .. } => name,
        }
    }

    /// Whether a file may be executed.
    pub(super) fn may_execute(&self, path: &Path) -> bool {
        // This also sees file systems on which nothing may be executed.
        access(path, Access::EXEC_OK).is_ok() && self.has_x(path)
    }

    /// The first directory on the way to a path that is barred.
    pub(super) fn cannot_reach(&self, path: &Path) -> Option<Barred> {
        let Kind::Other { .. } = self.0 else { return None };
        let way: Vec<_> = path.ancestors().skip(1).filter(|dir| !dir.as_os_str().is_empty()).collect();
        way.into_iter().rev().find_map(|dir| self.cannot_enter(dir))
    }

    /// Whether a directory itself is barred.
    pub(super) fn cannot_enter(&self, dir: &Path) -> Option<Barred> {
        let open = match self.0 {
            Kind::Ourselves => access(dir, Access::EXEC_OK).is_ok(),
            Kind::Anybody | Kind::Other { .. } => self.has_x(dir),
        };
        (!open).then(|| Barred { who: self.name().to_owned(), dir: dir.to_owned() })
    }

    fn has_x(&self, path: &Path) -> bool {
        let Kind::Other { identity, .. } = &self.0 else { return true };
        // What we cannot see they may.
        let Ok(metadata) = fs::metadata(path) else { return true };
        let uid = identity.uid.unwrap_or_else(|| nix::unistd::Uid::effective().as_raw());
        let shift = if uid == 0 {
            // Root enters everything, and executes what anybody may.
            return metadata.is_dir() || metadata.mode() & 0o111 != 0;
        } else if metadata.uid() == uid {
            6
        } else if metadata.gid() == identity.gid || identity.groups.contains(&metadata.gid()) {
            3
        } else {
            0
        };
        metadata.mode() >> shift & 1 == 1 || has_list(path)
    }
}

/// Whether an access control list says more than the mode bits.
fn has_list(path: &Path) -> bool {
    let mut nothing = [0u8; 0];
    rustix::fs::getxattr(path, "system.posix_acl_access", &mut nothing).is_ok()
}
