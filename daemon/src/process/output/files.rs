//! Log files, written by a thread of their own from a bounded queue: a slow or full disk costs lines, never time.

use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{SystemTime, UNIX_EPOCH},
};

use ubmc_core::ids::Name;

use super::Stream;
use crate::process::{config::FileConfig, undisturbed};

/// Files kept open; the one unused for longest is closed for another.
const OPEN_FILES: usize = 32;

/// The queue towards the thread. The thread ends when this is dropped and the queue is empty.
#[derive(Debug)]
pub(super) struct Files {
    queue: Arc<Queue>,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Queue {
    state: Mutex<QueueState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct QueueState {
    pieces: VecDeque<Piece>,
    bytes: usize,
    /// Lines dropped since a piece of that service last went through.
    dropped: HashMap<Name, u64>,
    /// Lines that were dropped here or refused by the disk, ever.
    lost: HashMap<Name, u64>,
    ended: bool,
}

#[derive(Debug)]
struct Piece {
    service: Name,
    text: Vec<u8>,
    lines: u64,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, QueueState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    pub(super) fn start(config: FileConfig) -> io::Result<Self> {
        fs::create_dir_all(&config.dir)?;
        let queue = Arc::new(Queue::default());
        let most_bytes = config.queue_bytes;
        let of_thread = queue.clone();
        thread::Builder::new().name("log-files".to_owned()).stack_size(128 * 1024).spawn(move || {
            Writer { config, open: HashMap::new(), uses: 0, failed: HashMap::new() }.run(&of_thread);
        })?;
        Ok(Self { queue, most_bytes })
    }

    /// Whether it is worth the trouble to prepare lines.
    pub(super) fn has_room(&self) -> bool {
        self.queue.state().bytes < self.most_bytes
    }

    /// Takes lines for a file, or drops them when too much is waiting. Absent: they are lost already.
    pub(super) fn offer(&self, service: &Name, text: Option<Vec<u8>>, lines: u64) {
        let mut state = self.queue.state();
        match text {
            Some(text) if state.bytes + text.len() <= self.most_bytes => {
                state.bytes += text.len();
                state.pieces.push_back(Piece { service: service.clone(), text, lines });
                drop(state);
                self.queue.changed.notify_one();
            }
            Some(_) | None => {
                *state.dropped.entry(service.clone()).or_default() += lines;
                *state.lost.entry(service.clone()).or_default() += lines;
            }
        }
    }

    /// Lines of a service that never reached its file.
    pub(super) fn lost(&self, service: &Name) -> u64 {
        self.queue.state().lost.get(service).copied().unwrap_or_default()
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        self.queue.state().ended = true;
        self.queue.changed.notify_one();
    }
}

struct Writer {
    config: FileConfig,
    open: HashMap<Name, Open>,
    uses: u64,
    /// Lines that the disk refused, to be told when it takes some again.
    failed: HashMap<Name, (u64, String)>,
}

struct Open {
    file: File,
    bytes: u64,
    used: u64,
}

impl Writer {
    fn run(mut self, queue: &Queue) {
        undisturbed();
        loop {
            let mut state = queue.state();
            while state.pieces.is_empty() && !state.ended {
                state = queue.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            }
            let Some(piece) = state.pieces.pop_front() else { return };
            let dropped = state.dropped.remove(&piece.service);
            drop(state);
            if let Some(lines) = dropped {
                let failed = self.failed.entry(piece.service.clone()).or_default();
                failed.0 += lines;
                "the disk was too slow".clone_into(&mut failed.1);
            }
            let written = self.write(&piece);
            let mut state = queue.state();
            // Only now: a piece that is being written still takes its room.
            state.bytes -= piece.text.len();
            if !written {
                *state.lost.entry(piece.service).or_default() += piece.lines;
            }
        }
    }

    fn write(&mut self, piece: &Piece) -> bool {
        let mut note = Vec::new();
        if let Some((lines, why)) = self.failed.get(&piece.service) {
            // A refused write may have stopped in the middle of a line.
            note.push(b'\n');
            let text = format!("ubmcd: {lines} lines were not written: {why}");
            Format::new(SystemTime::now(), Stream::Stderr).add(&mut note, text.as_bytes(), false);
        }
        match self.try_write(&piece.service, &note, &piece.text) {
            Ok(()) => {
                self.failed.remove(&piece.service);
                true
            }
            Err(error) => {
                self.open.remove(&piece.service);
                let failed = self.failed.entry(piece.service.clone()).or_default();
                if failed.0 == 0 {
                    tracing::warn!(service = %piece.service, %error, "output cannot be written to its file");
                }
                failed.0 += piece.lines;
                failed.1 = error.to_string();
                false
            }
        }
    }

    fn try_write(&mut self, service: &Name, note: &[u8], text: &[u8]) -> io::Result<()> {
        self.uses += 1;
        let path = self.config.dir.join(file_name(service));
        if !self.open.contains_key(service) {
            if self.open.len() >= OPEN_FILES {
                let oldest = self.open.iter().min_by_key(|(_, open)| open.used).map(|(name, _)| name.clone());
                oldest.map(|name| self.open.remove(&name));
            }
            self.open.insert(service.clone(), open(&path)?);
        }
        let Some(open) = self.open.get_mut(service) else { return Ok(()) };
        open.used = self.uses;
        for mut text in [note, text] {
            while !text.is_empty() {
                let (now, later) = split(text, self.config.max_bytes.saturating_sub(open.bytes), open.bytes == 0);
                open.file.write_all(now)?;
                open.bytes += u64::try_from(now.len()).unwrap_or(u64::MAX);
                text = later;
                if !text.is_empty() {
                    rotate(&path, self.config.kept)?;
                    *open = self::open(&path)?;
                    open.used = self.uses;
                }
            }
        }
        Ok(())
    }
}

/// As many whole lines as there is room for; into an empty file at least one, however long.
fn split(text: &[u8], room: u64, is_empty: bool) -> (&[u8], &[u8]) {
    let Some((fits, _)) = usize::try_from(room).ok().and_then(|room| text.split_at_checked(room)) else {
        return (text, &[]);
    };
    let end_of = |newline: usize| newline + 1;
    let whole = fits.iter().rposition(|&byte| byte == b'\n').map_or(0, end_of);
    if whole == 0 && is_empty {
        let first = text.iter().position(|&byte| byte == b'\n').map_or(text.len(), end_of);
        return text.split_at(first);
    }
    text.split_at(whole)
}

/// Names come out of a registry: they must not lead out of the directory.
fn file_name(service: &Name) -> String {
    let safe = service.as_str().replace(['/', '\0'], "_");
    format!("{}{safe}.log", if safe.starts_with('.') { "_" } else { "" })
}

fn open(path: &Path) -> io::Result<Open> {
    // A link is not followed: whoever may write here must not choose what the daemon writes to.
    let file = OpenOptions::new().append(true).create(true).mode(0o640).custom_flags(libc::O_NOFOLLOW).open(path)?;
    let bytes = file.metadata()?.len();
    Ok(Open { file, bytes, used: 0 })
}

/// `x.log` becomes `x.log.1`, and so on; the oldest goes.
fn rotate(path: &Path, kept: u32) -> io::Result<()> {
    let numbered = |number: u32| -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{number}"));
        name.into()
    };
    if kept == 0 {
        return fs::remove_file(path);
    }
    for number in (1..kept).rev() {
        match fs::rename(numbered(number), numbered(number + 1)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    fs::rename(path, numbered(1))
}

/// How the lines of one moment look in a file: `2026-11-20T23:20:46.123456Z err text`.
#[derive(Debug)]
pub(super) struct Format {
    start: String,
}

impl Format {
    pub(super) fn new(time: SystemTime, stream: Stream) -> Self {
        let since_1970 = time.duration_since(UNIX_EPOCH).unwrap_or_default();
        let seconds = since_1970.as_secs();
        let (year, month, day) = civil(seconds / 86_400);
        let of_day = seconds % 86_400;
        let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
        let micros = since_1970.subsec_micros();
        let stream = match stream {
            Stream::Stdout => "out",
            Stream::Stderr => "err",
        };
        Self {
            start: format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{micros:06}Z {stream} "),
        }
    }

    pub(super) fn add(&self, into: &mut Vec<u8>, text: &[u8], truncated: bool) {
        into.extend_from_slice(self.start.as_bytes());
        into.extend_from_slice(text);
        into.extend_from_slice(if truncated { b" [cut]\n" } else { b"\n" });
    }
}

/// Day of the Gregorian calendar from days since 1970, after Howard Hinnant's `civil_from_days`.
const fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn pieces_are_split_between_lines() {
        let cases = [
            ("one\ntwo\n", 8, true, "one\ntwo\n", ""),
            ("one\ntwo\n", 7, true, "one\n", "two\n"),
            ("one\ntwo\n", 3, true, "one\n", "two\n"),
            ("one\ntwo\n", 3, false, "", "one\ntwo\n"),
            ("one\ntwo\n", 0, false, "", "one\ntwo\n"),
            ("endless", 3, true, "endless", ""),
        ];
        for (text, room, is_empty, now, later) in cases {
            let found = split(text.as_bytes(), room, is_empty);
            assert_eq!(found, (now.as_bytes(), later.as_bytes()), "{text:?} into {room}");
        }
    }

    #[test]
    fn times_are_written_as_calendars_have_them() {
        let cases = [
            (0, "1970-01-01T00:00:00.000000Z out "),
            (951_782_400_000_001, "2000-02-29T00:00:00.000001Z out "),
            (1_795_217_999_999_999, "2026-11-20T23:39:59.999999Z out "),
            (4_107_542_399_000_000, "2100-02-28T23:59:59.000000Z out "),
            (4_107_542_400_000_000, "2100-03-01T00:00:00.000000Z out "),
        ];
        for (micros, expected) in cases {
            assert_eq!(Format::new(UNIX_EPOCH + Duration::from_micros(micros), Stream::Stdout).start, expected);
        }
    }
}
