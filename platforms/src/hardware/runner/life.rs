//! One life of a part: its threads, and the one report of their end.

use std::{
    fmt, io,
    sync::{Arc, Mutex, PoisonError},
    thread,
};

use ubmc_core::input::Exit;

use super::{Control, Stop};

/// Called once at the end.
pub(super) type Ended = Box<dyn FnOnce(Exit) + Send>;

/// What one thread of a part does.
pub(super) struct Work {
    name: String,
    run: Box<dyn FnOnce() + Send>,
}

impl Work {
    pub(super) fn new(name: impl Into<String>, run: impl FnOnce() + Send + 'static) -> Self {
        Self { name: name.into(), run: Box::new(run) }
    }
}

/// One life of a part.
pub(super) struct Life {
    control: Arc<Control>,
    report: Arc<Report>,
}

struct Report {
    state: Mutex<State>,
}

struct State {
    running: usize,
    panicked: bool,
    ended: Option<Ended>,
}

impl Report {
    fn with<R>(&self, act: impl FnOnce(&mut State) -> R) -> R {
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn send(&self, exit: Exit) {
        // Called without the lock: what it does is not ours to know.
        if let Some(ended) = self.with(|state| state.ended.take()) {
            ended(exit);
        }
    }
}

/// Counts a thread's end, also when it panics.
struct Running {
    control: Arc<Control>,
    report: Arc<Report>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if thread::panicking() {
            self.report.with(|state| state.panicked = true);
            // The others cannot do the part's work alone.
            self.control.end(Stop::Orderly);
        }
        let last = self.report.with(|state| {
            state.running -= 1;
            (state.running == 0).then_some(if state.panicked { Exit::Panic } else { Exit::Code(0) })
        });
        if let Some(exit) = last {
            self.control.end(Stop::Orderly);
            self.report.send(exit);
        }
    }
}

impl Life {
    /// Starts the threads. On an error those that run already are told to end, and nothing is reported.
    pub(super) fn begin(part: &str, control: Arc<Control>, work: Vec<Work>, ended: Ended) -> io::Result<Self> {
        // One more than there are threads: none is the last before all were started.
        let state = State { running: work.len() + 1, panicked: false, ended: Some(ended) };
        let report = Arc::new(Report { state: Mutex::new(state) });
        let token = || Running { control: Arc::clone(&control), report: Arc::clone(&report) };
        let mut waiting = work.len();
        let starter = token();
        for Work { name, run } in work {
            let running = token();
            let spawned =
                thread::Builder::new().name(format!("{part}/{name}")).stack_size(256 * 1024).spawn(move || {
                    let _running = running;
                    run();
                });
            if let Err(error) = spawned {
                report.with(|state| state.ended = None);
                // The thread that was not made has given its token back; those after it never had one.
                report.with(|state| state.running -= waiting - 1);
                control.end(Stop::Orderly);
                return Err(error);
            }
            waiting -= 1;
        }
        drop(starter);
        Ok(Self { control, report })
    }

    pub(super) fn control(&self) -> &Arc<Control> {
        &self.control
    }

    pub(super) fn is_running(&self) -> bool {
        !self.control.has_ended()
    }

    pub(super) fn end(&self, how: Stop) {
        self.control.end(how);
        match how {
            Stop::Now => self.report.send(Exit::Code(0)),
            Stop::Orderly | Stop::HandOver => {}
        }
    }
}

impl fmt::Debug for Life {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Life").field("running", &self.is_running()).finish()
    }
}
