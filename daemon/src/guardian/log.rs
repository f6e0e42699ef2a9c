//! What the guardian does, in a file beside its socket: nobody else would say it when the daemon is gone. Written by a
//! thread of its own, because a disk that hangs must not keep anybody from guarding fans.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    path::Path,
    sync::{
        OnceLock,
        mpsc::{SyncSender, sync_channel},
    },
    thread,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

/// A file that has grown beyond this begins anew with the next guardian.
const FULL: u64 = 64 * 1024;
/// Lines that may wait for the disk; what is beyond is lost.
const WAITING: usize = 32;
/// How long the last lines may take.
const LAST: Duration = Duration::from_millis(200);

enum Line {
    Text(String),
    Last(SyncSender<()>),
}

static WRITER: OnceLock<SyncSender<Line>> = OnceLock::new();

/// The file for the output of a guardian that is about to start.
pub(super) fn open(path: &Path) -> io::Result<File> {
    if fs::metadata(path).is_ok_and(|file| file.len() > FULL) {
        // One that cannot be removed goes on.
        let _ = fs::remove_file(path);
    }
    OpenOptions::new().create(true).append(true).open(path)
}

/// From here on lines are written, to stderr; before, they are lost.
pub(super) fn begin() -> io::Result<()> {
    let (lines, waiting) = sync_channel(WAITING);
    thread::Builder::new().name("log".into()).stack_size(64 * 1024).spawn(move || {
        while let Ok(line) = waiting.recv() {
            match line {
                // On a disk that is full there is nothing to be done.
                Line::Text(text) => drop(io::stderr().lock().write_all(text.as_bytes())),
                Line::Last(done) => drop(done.try_send(())),
            }
        }
    })?;
    // Only the first counts.
    let _ = WRITER.set(lines);
    Ok(())
}

/// Writes a line and does not wait. Its time is that of the clock on the wall, in seconds since 1970.
pub(super) fn say(text: &str) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let line = format!("{}.{:03} {}: {text}\n", now.as_secs(), now.subsec_millis(), std::process::id());
    if let Some(writer) = WRITER.get() {
        let _ = writer.try_send(Line::Text(line));
    }
}

/// Waits until everything is written, but not long.
pub(super) fn finish() {
    let (done, written) = sync_channel(1);
    if WRITER.get().is_some_and(|writer| writer.try_send(Line::Last(done)).is_ok()) {
        let _ = written.recv_timeout(LAST);
    }
}

/// The last line of a guardian that has ended.
pub(super) fn last_line(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()?.lines().last().map(str::to_owned)
}
