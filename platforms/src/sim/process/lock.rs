//! One board per directory: a lock that dies with its holder, on a file that tells who that is.

use std::{
    fs::{File, OpenOptions, TryLockError},
    io::{self, Read, Seek, Write},
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    thread,
    time::Duration,
};

/// The directory is this process's, until this is dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    file: File,
    path: PathBuf,
}

/// Where the lock of a board's directory is.
pub(crate) fn path(dir: &Path) -> PathBuf {
    dir.join("board.pid")
}

impl Lock {
    /// Takes the directory. None: somebody else has it.
    pub(crate) fn take(dir: &Path) -> io::Result<Option<Self>> {
        let path = path(dir);
        let mut looks = 5;
        loop {
            let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path)?;
            match file.try_lock() {
                Ok(()) => {}
                // It may be somebody who only looks, see `holder`.
                Err(TryLockError::WouldBlock) if looks > 0 => {
                    looks -= 1;
                    thread::sleep(Duration::from_millis(10));
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            // Its last holder may have removed it after it was opened here: then it locks nobody out.
            let (here, there) = (file.metadata()?, path.metadata());
            if there.is_ok_and(|there| (there.dev(), there.ino()) == (here.dev(), here.ino())) {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{}", std::process::id())?;
                return Ok(Some(Self { file, path }));
            }
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        // A file that stays is harmless: what counts is the lock.
        let _ = std::fs::remove_file(&self.path);
        let _ = self.file.unlock();
    }
}

/// The process that has the directory. None: nobody has.
pub(crate) fn holder(dir: &Path) -> io::Result<Option<u32>> {
    let mut file = match File::open(path(dir)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
        Err(TryLockError::WouldBlock) => {
            let mut text = String::new();
            file.read_to_string(&mut text)?;
            Ok(text.trim().parse().ok())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_has_one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(holder(dir.path()).unwrap(), None);
        let lock = Lock::take(dir.path()).unwrap().unwrap();
        assert!(Lock::take(dir.path()).unwrap().is_none());
        assert_eq!(holder(dir.path()).unwrap(), Some(std::process::id()));
        drop(lock);
        assert_eq!(holder(dir.path()).unwrap(), None);
        assert!(Lock::take(dir.path()).unwrap().is_some());
    }
}
