//! Files as they were read, and places in them.

use std::{
    fs::File,
    io::Read as _,
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use rustix::fs::OFlags;

/// A file that does not fit in this is no configuration; 1 MiB holds some ten thousand services.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// Half-open range of bytes in one of the files of a load.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) file: usize,
    pub(super) start: usize,
    pub(super) end: usize,
}

/// A value and where it was written.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) at: Span,
}

impl<T> At<T> {
    pub(super) fn new(value: T, at: Span) -> Self {
        Self { value, at }
    }
}

/// A file's text under the name that people know it by.
#[derive(Clone, Debug)]
pub(super) struct Source {
    pub(super) label: String,
    pub(super) text: String,
}

impl Source {
    /// Line and column of a byte, both from 1; columns count characters.
    pub(super) fn position(&self, byte: usize) -> (usize, usize) {
        let before = self.text.get(..self.floor(byte)).unwrap_or(&self.text);
        let line = before.matches('\n').count() + 1;
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column = before.get(line_start..).map_or(0, |text| text.chars().count()) + 1;
        (line, column)
    }

    /// The span cut to the text, on character boundaries, and to its first line: carets over ten lines tell nobody more.
    pub(super) fn visible(&self, span: Span) -> std::ops::Range<usize> {
        let start = self.floor(span.start);
        let end = self.floor(span.end).max(start);
        let first_line = self.text.get(start..end).and_then(|text| text.find(['\n', '\r']));
        start..first_line.map_or(end, |length| start + length)
    }

    fn floor(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

/// Why a file could not be taken in at all. The texts follow the file's name.
#[derive(Debug, thiserror::Error)]
pub(super) enum ReadError {
    /// The system refuses.
    #[error("cannot be read: {0}")]
    Io(#[from] std::io::Error),
    /// A pipe, a device, a directory.
    #[error("is no ordinary file")]
    NoFile,
    /// Too long.
    #[error("is longer than {} KiB, the most that a configuration file may have", MAX_FILE_BYTES / 1024)]
    TooLong,
    /// Not text.
    #[error("is not UTF-8 text (first bad byte at offset {0})")]
    NotText(usize),
}

/// Reads a whole file, bounded.
pub(super) fn read(path: &Path) -> Result<String, ReadError> {
    let mut bytes = Vec::new();
    // Opening a pipe that nobody writes to would wait for ever.
    let nonblocking = OFlags::NONBLOCK.bits().cast_signed();
    let file = File::options().read(true).custom_flags(nonblocking).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(ReadError::NoFile);
    }
    file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(ReadError::TooLong);
    }
    String::from_utf8(bytes).map_err(|error| ReadError::NotText(error.utf8_error().valid_up_to()))
}

/// What `--board` was given: a shipped board by name, or a board file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NameOrFile {
    /// A shipped board, e.g. `sim-2u`.
    Name(String),
    /// A board file.
    File(PathBuf),
}

impl From<&str> for NameOrFile {
    /// A file when it has a slash or ends in `.toml`, a name otherwise.
    fn from(text: &str) -> Self {
        let is_file = text.contains('/') || Path::new(text).extension().is_some_and(|extension| extension == "toml");
        if is_file { Self::File(text.into()) } else { Self::Name(text.to_owned()) }
    }
}

impl From<&Path> for NameOrFile {
    fn from(path: &Path) -> Self {
        Self::File(path.to_owned())
    }
}
