//! What the rest of the daemon decides about how processes are run.

use std::path::PathBuf;

/// How processes are run; the same for all services.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where the notification socket is made, as `notify`. Services of other users must be able to enter it.
    pub runtime_dir: PathBuf,
    /// Use control groups where the machine lets us. Off: only process groups, sessions and marks.
    pub cgroups: bool,
    /// What is kept of the services' output.
    pub output: OutputConfig,
}

/// How much of the services' output is kept, and where.
#[derive(Clone, Debug)]
pub struct OutputConfig {
    /// Bytes of output kept in memory for each service. A silent service takes none.
    pub ring_bytes: usize,
    /// Files as well. Absent: memory only.
    pub files: Option<FileConfig>,
}

impl Default for OutputConfig {
    fn default() -> Self {
        Self { ring_bytes: 64 * 1024, files: None }
    }
}

/// Size-rotated files, `NAME.log`, `NAME.log.1`, …
#[derive(Clone, Debug)]
pub struct FileConfig {
    /// Where they lie; made when missing.
    pub dir: PathBuf,
    /// A file that has reached this size is rotated.
    pub max_bytes: u64,
    /// Rotated files kept beside the one that is written.
    pub kept: u32,
    /// Output waiting for the disk, all services together; more is dropped, counted and told in the file.
    pub queue_bytes: usize,
}

impl FileConfig {
    /// A mebibyte a file, three old ones kept, a mebibyte waiting.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), max_bytes: 1 << 20, kept: 3, queue_bytes: 1 << 20 }
    }
}
