//! A device's folder in sysfs, and the small text files in it.
//!
//! The folder is held open, and files are opened below it. That is what keeps a number from being mistaken for
//! a device: when `hwmon3` goes and another `hwmon3` comes, the old folder stays empty, and whoever holds it is told
//! [`Errno::ENOENT`] or [`Errno::ENODEV`] and looks for the device again.

use std::{
    fs,
    io::{self, Read, Write},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
};

use nix::errno::Errno;
use rustix::fs::{Mode, OFlags};

/// sysfs gives a page at most; what we read are numbers and names.
const LONGEST: u64 = 4096;
/// A number in a file that is read again and again.
const NUMBER: usize = 128;
/// What `statfs` calls sysfs.
const SYSFS: rustix::fs::FsWord = 0x6265_6572;

/// An open folder.
#[derive(Debug)]
pub(super) struct Folder {
    dir: OwnedFd,
    path: PathBuf,
}

impl Folder {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let flags = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
        Ok(Self { dir: rustix::fs::open(path, flags, Mode::empty())?, path: path.to_owned() })
    }

    /// Where it was found.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// What a file says, without white space around it.
    pub(super) fn read(&self, file: &str) -> io::Result<String> {
        let opened = rustix::fs::openat(&self.dir, file, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let mut text = String::new();
        fs::File::from(opened).take(LONGEST).read_to_string(&mut text)?;
        Ok(text.trim().to_owned())
    }

    /// Writes in one call, as sysfs wants it.
    pub(super) fn write(&self, file: &str, text: &str) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::TRUNC | OFlags::CLOEXEC;
        let opened = rustix::fs::openat(&self.dir, file, flags, Mode::empty())?;
        fs::File::from(opened).write_all(text.as_bytes())
    }

    pub(super) fn has(&self, file: &str) -> bool {
        rustix::fs::accessat(&self.dir, file, rustix::fs::Access::EXISTS, rustix::fs::AtFlags::empty()).is_ok()
    }

    /// Names of its files, in order.
    pub(super) fn files(&self) -> Vec<String> {
        names_in(&self.path)
    }
}

/// A small file of a folder that is read again and again. In sysfs it is held open and read from its start, which has its
/// driver measure anew: one call to the kernel instead of four. There an open file of a device that has gone says so
/// ([`Errno::ENODEV`]); elsewhere it would go on saying what was in it last, so it is opened for each reading.
#[derive(Debug)]
pub(super) struct Attribute {
    name: String,
    held: Option<OwnedFd>,
}

impl Attribute {
    pub(super) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), held: None }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// What it says in this folder, always the same one, without white space around it.
    pub(super) fn read(&mut self, folder: &Folder) -> io::Result<String> {
        // After an error it is opened anew.
        let (file, hold) = if let Some(file) = self.held.take() {
            (file, true)
        } else {
            let flags = OFlags::RDONLY | OFlags::CLOEXEC;
            let file = rustix::fs::openat(&folder.dir, self.name.as_str(), flags, Mode::empty())?;
            let hold = rustix::fs::fstatfs(&file).is_ok_and(|system| system.f_type == SYSFS);
            (file, hold)
        };
        let mut buffer = [0_u8; NUMBER];
        let count = rustix::io::retry_on_intr(|| rustix::io::pread(&file, &mut buffer, 0))?;
        if hold {
            self.held = Some(file);
        }
        let text = buffer.get(..count).and_then(|text| str::from_utf8(text).ok());
        let text =
            text.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, format!("{} is no text", self.name)))?;
        Ok(text.trim().to_owned())
    }
}

/// Names in a folder, in order; none when it cannot be read.
pub(super) fn names_in(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).into_iter().flatten().flatten();
    let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
    names.sort_by_key(|name| natural(name));
    names
}

/// So that `hwmon10` comes after `hwmon9`.
pub(super) fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = vec![(String::new(), 0_u64)];
    let mut in_number = false;
    for letter in name.chars() {
        let digit = letter.to_digit(10);
        if digit.is_none() && in_number {
            parts.push((String::new(), 0));
        }
        in_number = digit.is_some();
        match (parts.last_mut(), digit) {
            (Some((_, number)), Some(digit)) => *number = number.saturating_mul(10).saturating_add(digit.into()),
            (Some((text, _)), None) => text.push(letter),
            (None, _) => {}
        }
    }
    parts
}

/// What the system said, as a number.
pub(super) fn errno(error: &io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::UnknownErrno, Errno::from_raw)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_was_replaced_is_not_the_old_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("hwmon3");
        fs::create_dir(&path).unwrap();
        fs::write(path.join("name"), "tmp275\n").unwrap();
        let folder = Folder::open(&path).unwrap();
        assert_eq!(folder.read("name").unwrap(), "tmp275");
        fs::remove_dir_all(&path).unwrap();
        fs::create_dir(&path).unwrap();
        fs::write(path.join("name"), "max31785a\n").unwrap();
        assert_eq!(errno(&folder.read("name").unwrap_err()), Errno::ENOENT, "another device's name is not ours");
    }

    #[test]
    fn a_shorter_text_leaves_nothing_of_a_longer_one() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("pwm1"), "255\n").unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        folder.write("pwm1", "9\n").unwrap();
        assert_eq!(folder.read("pwm1").unwrap(), "9");
        assert!(folder.write("pwm2", "1").is_err(), "files are not made");
        assert!(folder.has("pwm1") && !folder.has("pwm2"));
    }

    #[test]
    fn a_file_that_is_read_again_says_what_is_new_and_is_held_only_in_sysfs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("temp1_input");
        let folder = Folder::open(dir.path()).unwrap();
        let mut file = Attribute::new("temp1_input");
        assert_eq!(errno(&file.read(&folder).unwrap_err()), Errno::ENOENT, "it may come");
        for text in ["30000\n", "9\n", "31500\n"] {
            fs::write(&path, text).unwrap();
            assert_eq!(file.read(&folder).unwrap(), text.trim());
        }
        assert!(file.held.is_none());
        fs::remove_file(&path).unwrap();
        assert_eq!(errno(&file.read(&folder).unwrap_err()), Errno::ENOENT, "it may go");
        // Where there is no sysfs, as in some containers, the emulated board tells.
        if let Ok(folder) = Folder::open(Path::new("/sys/kernel"))
            && folder.has("fscaps")
        {
            let mut file = Attribute::new("fscaps");
            for _ in 0..3 {
                assert_eq!(file.read(&folder).unwrap(), folder.read("fscaps").unwrap());
            }
            assert!(file.held.is_some());
        }
    }

    #[test]
    fn numbers_in_names_count_as_numbers() {
        let mut names = ["hwmon10", "hwmon9", "gpiochip0", "hwmon"];
        names.sort_by_key(|name| natural(name));
        assert_eq!(names, ["gpiochip0", "hwmon", "hwmon9", "hwmon10"]);
    }
}
