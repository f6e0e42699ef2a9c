//! Our unix sockets: made where nobody listens, and never taken from somebody who does.

use std::{
    fs::{self, File, Permissions},
    io,
    os::unix::{
        fs::{FileTypeExt, MetadataExt, PermissionsExt},
        net::UnixListener,
    },
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use rustix::{fs::FlockOperation, io::Errno};

/// How long another daemon may hold the directory of a socket.
const LOCKED: Duration = Duration::from_secs(5);
/// Between two looks at that. There is nothing to wait on that could be given up.
const LOOK: Duration = Duration::from_millis(10);

/// A socket that we listen on. Dropping it removes its file.
#[derive(Debug)]
pub struct Socket {
    path: PathBuf,
    listener: UnixListener,
    /// Device and inode of the file: what lies there later may be somebody else's.
    file: (u64, u64),
}

/// Why we cannot listen on a socket.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// Another daemon serves there.
    #[error("{path} is taken: another program listens on it; stop that one, or give another --listen unix:PATH")]
    Taken {
        /// Which.
        path: PathBuf,
    },
    /// Something else than a socket lies there, and it is not ours to remove.
    #[error("{path} is not a socket; remove it, or give another --listen unix:PATH")]
    NotASocket {
        /// Which.
        path: PathBuf,
    },
    /// It belongs to somebody else.
    #[error(
        "cannot listen on {}: {doing} is not permitted to this user ({}); run ubmcd as the user that it belongs to, or \
         give another --listen unix:PATH",
        path.display(),
        whoami()
    )]
    NotPermitted {
        /// Which.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
    },
    /// Another daemon that starts at this moment holds the directory, and does not let go of it.
    #[error("cannot listen on {path}: its directory has been locked by another program for {} s", LOCKED.as_secs())]
    Locked {
        /// Which.
        path: PathBuf,
    },
    /// The system does not let us.
    #[error("cannot listen on {path}: {doing}: {source}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl Socket {
    /// Makes the socket and listens: 0660, in a directory that is made 0755 when it is missing. A file that nobody
    /// listens on is replaced. Who connects from now on waits until somebody accepts.
    pub fn claim(path: &Path) -> Result<Self, SocketError> {
        let failed = |doing| failed(path, doing);
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        if !parent.exists() {
            // Set afterwards as well: a umask must not decide who can reach the socket.
            fs::create_dir_all(parent)
                .and_then(|()| fs::set_permissions(parent, Permissions::from_mode(0o755)))
                .map_err(failed("making its directory"))?;
        }
        // Looking, removing and binding are one step for all who follow this rule: two daemons that start at the same
        // time must not remove each other's new socket.
        let directory = File::open(parent).map_err(failed("opening its directory"))?;
        lock(&directory, path)?;
        remove_stale(path)?;
        let listener = UnixListener::bind(path).map_err(failed("binding"))?;
        let meta = fs::set_permissions(path, Permissions::from_mode(0o660))
            .and_then(|()| listener.set_nonblocking(true))
            .and_then(|()| fs::symlink_metadata(path))
            .map_err(failed("setting it up"))?;
        Ok(Self { path: path.to_owned(), listener, file: (meta.dev(), meta.ino()) })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A second descriptor of the listener, for a task.
    pub fn listener(&self) -> io::Result<tokio::net::UnixListener> {
        tokio::net::UnixListener::from_std(self.listener.try_clone()?)
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        let ours = fs::symlink_metadata(&self.path).is_ok_and(|meta| (meta.dev(), meta.ino()) == self.file);
        if ours && let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!("{} could not be removed: {error}", self.path.display());
        }
    }
}

fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> SocketError {
    move |source| match source.kind() {
        io::ErrorKind::PermissionDenied => SocketError::NotPermitted { path: path.to_owned(), doing },
        _ => SocketError::Io { path: path.to_owned(), doing, source },
    }
}

fn whoami() -> String {
    let uid = nix::unistd::geteuid();
    match nix::unistd::User::from_uid(uid) {
        Ok(Some(user)) => user.name,
        Ok(None) | Err(_) => format!("uid {uid}"),
    }
}

/// Whoever follows our rule holds it for some milliseconds; anybody else may hold it for ever.
fn lock(directory: &File, path: &Path) -> Result<(), SocketError> {
    let begun = Instant::now();
    loop {
        match rustix::fs::flock(directory, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(()),
            Err(Errno::WOULDBLOCK) if begun.elapsed() < LOCKED => thread::sleep(LOOK),
            Err(Errno::WOULDBLOCK) => return Err(SocketError::Locked { path: path.to_owned() }),
            Err(error) => return Err(failed(path, "locking its directory")(error.into())),
        }
    }
}

/// Removes the socket file of a daemon that is gone.
fn remove_stale(path: &Path) -> Result<(), SocketError> {
    let failed = |doing| failed(path, doing);
    let meta = match fs::symlink_metadata(path) {
        Ok(meta) => meta,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed("looking at what is there")(error)),
    };
    if !meta.file_type().is_socket() {
        return Err(SocketError::NotASocket { path: path.to_owned() });
    }
    match knock(path) {
        Err(Errno::CONNREFUSED) => fs::remove_file(path).map_err(failed("removing the file of a daemon that is gone")),
        // Whether somebody is there cannot be seen, and it is not ours to remove.
        Err(Errno::ACCESS | Errno::PERM) => {
            Err(SocketError::NotPermitted { path: path.to_owned(), doing: "opening what is there" })
        }
        // Answered, or too busy to answer: somebody is there.
        Ok(()) | Err(_) => Err(SocketError::Taken { path: path.to_owned() }),
    }
}

/// Connects without waiting: a daemon that hangs with a full queue must not hang us.
fn knock(path: &Path) -> rustix::io::Result<()> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &SocketAddrUnix::new(path)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn it_makes_its_directory_and_is_for_owner_and_group() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("run/ubmc/ubmcd.sock");
        let socket = Socket::claim(&path).unwrap();
        let mode = |path: &Path| fs::symlink_metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode(&path), 0o660);
        assert_eq!(mode(path.parent().unwrap()), 0o755);
        drop(socket);
        assert!(!path.exists(), "removed at the end");
    }

    #[test]
    fn a_socket_that_somebody_listens_on_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let _first = Socket::claim(&path).unwrap();
        assert!(matches!(Socket::claim(&path), Err(SocketError::Taken { .. })));
        assert!(UnixStream::connect(&path).is_ok(), "the first still listens");
    }

    #[test]
    fn a_stale_socket_is_replaced_and_anything_else_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let (stale, file) = (dir.path().join("stale"), dir.path().join("file"));
        drop(UnixListener::bind(&stale).unwrap());
        assert!(Socket::claim(&stale).is_ok());
        fs::write(&file, "precious").unwrap();
        assert!(matches!(Socket::claim(&file), Err(SocketError::NotASocket { .. })));
        assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    }

    #[test]
    fn what_is_not_permitted_says_to_whom_and_what_to_do() {
        let refused = failed(Path::new("/run/ubmc/s"), "binding")(io::ErrorKind::PermissionDenied.into());
        let text = refused.to_string();
        assert!(text.contains("/run/ubmc/s: binding is not permitted to this user ("), "{text}");
        assert!(text.contains("--listen"), "{text}");
    }

    #[test]
    fn at_the_end_only_our_own_file_is_removed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("s");
        let first = Socket::claim(&path).unwrap();
        fs::remove_file(&path).unwrap();
        let _second = Socket::claim(&path).unwrap();
        drop(first);
        assert!(UnixStream::connect(&path).is_ok(), "the second one's file is still there");
    }
}
