//! Where a guardian is found: a socket in the state directory. A newer guardian takes the place of an older one by
//! renaming its own socket over it, so that there is no moment without.

use std::{
    fs, io,
    os::{
        fd::OwnedFd,
        unix::fs::{MetadataExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};

use super::protocol;

/// The socket of the guardian of a state directory.
pub(super) fn socket(dir: &Path) -> PathBuf {
    dir.join("guardian.sock")
}

/// Where a guardian writes what it does.
pub(super) fn log(dir: &Path) -> PathBuf {
    dir.join("guardian.log")
}

/// A guardian's place.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    listener: OwnedFd,
    /// Device and inode of the socket's file.
    file: (u64, u64),
}

impl Place {
    /// Takes the place, whoever had it.
    pub(super) fn take(dir: &Path) -> io::Result<Self> {
        let path = socket(dir);
        // Shorter than the final name: the kernel's limit on that was checked by whoever chose the directory.
        let own = dir.join(format!("g.{}", std::process::id()));
        match fs::remove_file(&own) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        let listener = protocol::listen_on(&own)?;
        fs::set_permissions(&own, fs::Permissions::from_mode(0o600))?;
        let file = identity(&own)?;
        fs::rename(&own, &path)?;
        Ok(Self { path, listener, file })
    }

    /// Whether whoever looks for a guardian finds this one.
    pub(super) fn is_ours(&self) -> bool {
        identity(&self.path).is_ok_and(|file| file == self.file)
    }

    /// For those who come.
    pub(super) fn listener(&self) -> &OwnedFd {
        &self.listener
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if self.is_ours() {
            // Whoever comes a moment later finds that nobody listens.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(path: &Path) -> io::Result<(u64, u64)> {
    let found = fs::symlink_metadata(path)?;
    Ok((found.dev(), found.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_has_the_place_and_an_older_one_leaves_it_alone() {
        let folder = tempfile::tempdir().unwrap();
        let old = Place::take(folder.path()).unwrap();
        assert!(old.is_ours());
        // As another process would, under a name of its own.
        let listener = protocol::listen_on(&folder.path().join("g.0")).unwrap();
        fs::rename(folder.path().join("g.0"), socket(folder.path())).unwrap();
        assert!(!old.is_ours());
        drop(old);
        assert!(protocol::dial(&socket(folder.path())).is_ok(), "the newer one's socket was taken away");
        drop(listener);
        let new = Place::take(folder.path()).unwrap();
        drop(new);
        assert!(!socket(folder.path()).exists());
    }
}
