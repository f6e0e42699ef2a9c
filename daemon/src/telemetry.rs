//! The daemon's own log, on stderr. Events of the managed system are written to it by the journal task.
//!
//! Lines go through a bounded queue to a thread that writes them: a terminal that is paused, or a pipe that nobody
//! reads, must not hold up the loop that cools the machine. What does not fit is dropped, counted, and told.

use std::{
    io::{self, IsTerminal, Write},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use tracing_subscriber::{
    filter::{LevelFilter, ParseError, Targets},
    fmt::{self, MakeWriter},
    layer::SubscriberExt,
    registry,
    util::SubscriberInitExt,
};

use crate::args::LogFormat;

/// Lines that may wait to be written.
const QUEUE: usize = 1024;
/// How long the end of the daemon waits for them.
const LAST_WORD: Duration = Duration::from_millis(500);

/// Switches logging on for the whole process. `filter` is the text of `RUST_LOG`, e.g. `debug` or `ubmcd::api=trace`;
/// without one it is `info`. A filter that cannot be read is told and `info` used: a typo must not keep a BMC down.
/// Dropping the answer writes what waits.
pub fn init(format: LogFormat, filter: Option<&str>) -> io::Result<Guard> {
    let (targets, complaint) = targets(filter);
    let outlet = Outlet::new(io::stderr())?;
    let guard = Guard(outlet.clone());
    let layer = fmt::layer().with_writer(outlet);
    let registered = match format {
        LogFormat::Text => {
            let ansi = io::stderr().is_terminal();
            registry().with(targets).with(layer.with_ansi(ansi).with_target(false)).try_init()
        }
        LogFormat::Json => registry().with(targets).with(layer.json().flatten_event(true)).try_init(),
    };
    if let (Ok(()), Some(error)) = (registered, complaint) {
        tracing::warn!("RUST_LOG is not understood and taken as `info`: {error}");
    }
    Ok(guard)
}

/// Writes what waits when it is dropped, for half a second at most.
#[derive(Debug)]
pub struct Guard(Outlet);

impl Drop for Guard {
    fn drop(&mut self) {
        self.0.flush(LAST_WORD);
    }
}

/// The way to the thread that writes.
#[derive(Clone, Debug)]
struct Outlet {
    queue: SyncSender<Item>,
    dropped: Arc<AtomicU64>,
}

enum Item {
    Line(Vec<u8>),
    /// Everything before this has been written.
    Mark(SyncSender<()>),
}

impl Outlet {
    fn new(target: impl Write + Send + 'static) -> io::Result<Self> {
        let (queue, waiting) = sync_channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        let counter = Arc::clone(&dropped);
        thread::Builder::new()
            .name("log".to_owned())
            .stack_size(64 << 10)
            .spawn(move || write_out(&waiting, target, &counter))?;
        Ok(Self { queue, dropped })
    }

    fn flush(&self, patience: Duration) {
        let (written, seen) = sync_channel(1);
        if self.queue.try_send(Item::Mark(written)).is_ok() {
            // Whoever does not read for so long will not miss it.
            let _ = seen.recv_timeout(patience);
        }
    }
}

fn write_out(waiting: &Receiver<Item>, mut target: impl Write, dropped: &AtomicU64) {
    // A target that is closed has no reader to tell.
    while let Ok(item) = waiting.recv() {
        let lost = dropped.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let _ = writeln!(target, "({lost} lines of this log were dropped: they came faster than they were read)");
        }
        match item {
            Item::Line(line) => drop(target.write_all(&line)),
            Item::Mark(written) => drop(written.send(())),
        }
    }
}

/// One line: the formatter writes it whole.
struct Line<'a>(&'a Outlet);

impl Write for Line<'_> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        if self.0.queue.try_send(Item::Line(line.to_vec())).is_err() {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Outlet {
    type Writer = Line<'a>;

    fn make_writer(&'a self) -> Line<'a> {
        Line(self)
    }
}

fn targets(filter: Option<&str>) -> (Targets, Option<ParseError>) {
    let info = || Targets::new().with_default(LevelFilter::INFO);
    match filter.filter(|text| !text.trim().is_empty()).map(str::parse::<Targets>) {
        None => (info(), None),
        Some(Ok(targets)) => (targets, None),
        Some(Err(error)) => (info(), Some(error)),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Mutex, mpsc};

    use tracing::Level;

    use super::*;

    #[test]
    fn a_filter_that_cannot_be_read_falls_back_to_info() {
        for (filter, debug, complains) in [
            (None, false, false),
            (Some("  "), false, false),
            (Some("debug"), true, false),
            (Some("ubmcd=debug,info"), true, false),
            (Some("ubmcd=loud"), false, true),
        ] {
            let (targets, complaint) = targets(filter);
            assert_eq!(targets.would_enable("ubmcd::shell", &Level::DEBUG), debug, "{filter:?}");
            assert!(targets.would_enable("ubmcd::shell", &Level::INFO), "{filter:?}");
            assert_eq!(complaint.is_some(), complains, "{filter:?}");
        }
    }

    /// Takes nothing until its gate is opened.
    struct Stalled {
        gate: Option<mpsc::Receiver<()>>,
        taken: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Stalled {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            if let Some(gate) = self.gate.take() {
                gate.recv().unwrap();
            }
            self.taken.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_reader_that_stalls_holds_up_nobody_and_is_told_what_it_missed() {
        let (open, gate) = mpsc::channel();
        let taken = Arc::new(Mutex::new(Vec::new()));
        let outlet = Outlet::new(Stalled { gate: Some(gate), taken: Arc::clone(&taken) }).unwrap();
        // One is on its way, so many wait, and the rest cannot.
        let written = 3 * QUEUE;
        for number in 0..written {
            outlet.make_writer().write_all(format!("{number}\n").as_bytes()).unwrap();
        }
        open.send(()).unwrap();
        outlet.flush_until_written();
        let text = String::from_utf8(taken.lock().unwrap().clone()).unwrap();
        // Told more than once when the thread began late.
        let lost: usize =
            text.lines().filter_map(|line| line.strip_prefix('(')?.split(' ').next()?.parse::<usize>().ok()).sum();
        let lines = text.lines().filter(|line| !line.starts_with('(')).count();
        assert_eq!(lines + lost, written, "every line is either written or counted");
        assert!((QUEUE..=QUEUE + 2).contains(&lines), "{lines}");
    }

    impl Outlet {
        /// Like `flush`, but for a queue that may still be full.
        fn flush_until_written(&self) {
            let (written, seen) = sync_channel(1);
            self.queue.send(Item::Mark(written)).unwrap();
            seen.recv_timeout(Duration::from_secs(10)).unwrap();
        }
    }
}
