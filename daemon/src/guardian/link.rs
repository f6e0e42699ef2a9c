//! The daemon's side: finds its guardian or makes one, beats, leaves, and replaces a guardian that has ended or hangs.
//!
//! Nothing that the loop calls here waits. A thread hears what the guardian says, and makes another when there is none; it
//! sleeps as long as all is well.

use std::{
    fmt, io,
    os::{
        fd::{AsFd, AsRawFd, OwnedFd},
        unix::{fs::MetadataExt, process::CommandExt},
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{Shutdown, shutdown, sockopt::socket_peercred},
    process::{Pid, Signal, kill_process},
};
use tracing::{info, warn};
use ubmc_core::{
    guarding::{Guardian, Takeover},
    input::Input,
};

use super::{
    log, place,
    process::program,
    protocol::{self, Answer, Beat, Heard, Held, Hello, Plan, Standing, VERSION, Word, hear},
    watch::{Heritage, Why},
};

/// How long a guardian may take to answer a greeting.
const ANSWER: Duration = Duration::from_millis(500);
/// How long a new one may take until it can be greeted.
const START: Duration = Duration::from_secs(3);
/// Between two looks at one that is starting.
const LOOK: Duration = Duration::from_millis(2);
/// A guardian that has not read what it was sent for so long hangs.
const UNREAD: Duration = Duration::from_millis(1500);
/// Between attempts to make one: this, then twice as long each time …
const RETRY: Duration = Duration::from_secs(1);
/// … up to this.
const RETRY_MOST: Duration = Duration::from_secs(30);

/// What is guarded, and where.
#[derive(Clone, Debug)]
pub struct Charge {
    /// The state directory.
    pub dir: PathBuf,
    /// What is guarded.
    pub plan: Plan,
}

/// What becomes known of the guardian.
#[derive(Clone, Debug, PartialEq)]
pub enum News {
    /// It watches.
    Watching {
        /// Its process.
        pid: u32,
    },
    /// It has ended, or hangs; another is being made.
    Lost {
        /// One sentence.
        why: String,
    },
    /// None can be made; it is tried again.
    Absent {
        /// One sentence.
        why: String,
    },
    /// It has taken the fans over.
    Taken {
        /// Why.
        why: Why,
    },
    /// It has given them back.
    Relieved {
        /// Why it had them.
        why: Why,
        /// For how long.
        held: Duration,
    },
}

/// A guardian that was found or made.
#[derive(Debug)]
struct Bond {
    socket: Arc<OwnedFd>,
    pid: u32,
    /// How it, or the one whose place it took, had the fans. Absent: there was none before.
    found: Option<Standing>,
    /// Since when it has not read all that it was sent.
    unread: Option<Instant>,
}

#[derive(Debug, Default)]
struct State {
    bond: Option<Bond>,
    /// The newest beat: a guardian made anew begins with it.
    beat: Beat,
    /// How long the guardian was told to hold the fans. Absent: nothing was said yet.
    released: Option<Duration>,
    /// The daemon leaves: no other is made.
    leaving: bool,
}

/// The daemon's hold on its guardian.
pub struct Guard {
    charge: Charge,
    make: String,
    state: Mutex<State>,
    changed: Condvar,
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("dir", &self.charge.dir).finish_non_exhaustive()
    }
}

impl Guard {
    /// Finds the guardian of a state directory or makes one, within some seconds. The duties that a guardian holds are
    /// those the last daemon left the fans with; empty when they are at their fail-safe. The error, a sentence, says why
    /// there is none: [`Guard::keep`] goes on trying.
    pub fn find(charge: Charge) -> (Self, Result<Vec<Held>, String>) {
        let guard = Self { charge, make: make(), state: Mutex::default(), changed: Condvar::new() };
        let found = guard.bind(&Beat::default());
        let held = match found {
            Ok(bond) => {
                let held = bond.found.as_ref().filter(|found| matches!(found.heritage, Some(Heritage::Holding { .. })));
                let held = held.map(|found| found.duties.clone()).unwrap_or_default();
                guard.lock().bond = Some(bond);
                Ok(held)
            }
            Err(why) => Err(why),
        };
        (guard, held)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells the guardian that the loop turns and writes return, with the duty that each fan was told, in percent; no
    /// duties: nobody drives the fans. Does not wait.
    pub fn beat(&self, duties: Option<Vec<Option<f64>>>) {
        let mut state = self.lock();
        state.beat = Beat { duties };
        let State { bond: Some(bond), beat, released: _, leaving: _ } = &mut *state else { return };
        // Before this beat: the last one has had its time.
        match (unread_bytes(&bond.socket) > 0, bond.unread) {
            (false, _) => bond.unread = None,
            (true, None) => bond.unread = Some(Instant::now()),
            (true, Some(since)) if since.elapsed() >= UNREAD => return give_up(bond),
            (true, Some(_)) => {}
        }
        if let Err(error) = protocol::say(&*bond.socket, &Word::Beat(beat.clone())) {
            // Its end is heard by the thread; one that takes nothing any more is given up.
            if error.kind() == io::ErrorKind::WouldBlock {
                give_up(bond);
            }
        }
    }

    /// Leaves: the fans keep their duties for `hold`, after which the guardian makes them safe and ends. May be said again,
    /// and does not wait.
    pub fn release(&self, hold: Duration) {
        let mut state = self.lock();
        state.released = Some(hold);
        if let Some(bond) = &state.bond {
            let hold_ms = u64::try_from(hold.as_millis()).unwrap_or(u64::MAX);
            // One that is gone holds nothing; our own fans' last word is then all there is.
            let _ = protocol::say(&*bond.socket, &Word::Release { hold_ms });
        }
    }

    /// The last word of the daemon. What [`Guard::release`] said last holds; a daemon that never said it ends a guardian
    /// that it has made, and leaves one that it has found as that was. Waits until a guardian that has nothing to hold has
    /// ended, at most `patience`.
    pub fn finish(&self, patience: Duration) {
        let (made, said) = {
            let state = self.lock();
            (state.bond.as_ref().is_some_and(|bond| bond.found.is_none()), state.released)
        };
        if said.is_none() && made {
            self.release(Duration::ZERO);
        }
        let (socket, hold) = {
            let mut state = self.lock();
            state.leaving = true;
            (state.bond.as_ref().map(|bond| Arc::clone(&bond.socket)), state.released)
        };
        self.changed.notify_all();
        if let Some(socket) = socket.filter(|_| hold.is_some_and(|hold| hold.is_zero())) {
            let until = Instant::now() + patience;
            while !matches!(hear::<Answer>(&*socket), Heard::End) && wait_for(&*socket, until) {}
        }
    }

    /// Tells what becomes of the guardian, and replaces it, until the daemon leaves. `absent` is the error of
    /// [`Guard::find`].
    ///
    /// # Errors
    /// There is no thread for it.
    pub fn keep(self: &Arc<Self>, absent: Option<String>, tell: impl Fn(News) + Send + 'static) -> io::Result<()> {
        let guard = Arc::clone(self);
        let run = move || guard.keep_on(absent, &tell);
        thread::Builder::new().name("guardian".into()).stack_size(256 * 1024).spawn(run).map(drop)
    }

    fn keep_on(&self, absent: Option<String>, tell: &impl Fn(News)) {
        let mut absent = absent;
        loop {
            if let Some(why) = absent.take() {
                warn!("the fans are not guarded: {why}");
                tell(News::Absent { why });
                if self.retry() {
                    return;
                }
            }
            let Some((socket, pid)) = self.bond(tell) else { return };
            let why = self.hear_out(&socket, tell);
            if self.lock().leaving {
                return;
            }
            self.lock().bond = None;
            // It may have hung, or only lost its connection: there must not be two.
            end(pid);
            let why = format!("the guardian (process {pid}) {why}");
            warn!("{why}; another is made");
            tell(News::Lost { why });
            let beat = self.lock().beat.clone();
            match self.bind(&beat) {
                Ok(bond) => self.lock().bond = Some(bond),
                Err(why) => absent = Some(why),
            }
        }
    }

    /// The bond, which is told.
    fn bond(&self, tell: &impl Fn(News)) -> Option<(Arc<OwnedFd>, u32)> {
        let state = self.lock();
        let bond = state.bond.as_ref()?;
        let (socket, pid) = (Arc::clone(&bond.socket), bond.pid);
        let had = bond.found.as_ref().and_then(|found| found.heritage);
        drop(state);
        tell(News::Watching { pid });
        if let Some(Heritage::InCharge { why, .. }) = had {
            // It said so before we came.
            tell(News::Taken { why });
        }
        Some((socket, pid))
    }

    /// Tries until there is a guardian. True: the daemon leaves.
    fn retry(&self) -> bool {
        let mut pause = RETRY;
        let mut last = String::new();
        loop {
            let state = self.lock();
            let waited = self.changed.wait_timeout_while(state, pause, |state| !state.leaving);
            let (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
            if state.leaving {
                return true;
            }
            let beat = state.beat.clone();
            drop(state);
            match self.bind(&beat) {
                Ok(bond) => {
                    self.lock().bond = Some(bond);
                    return false;
                }
                Err(why) if why != last => {
                    warn!("the fans are still not guarded: {why}");
                    last = why;
                }
                Err(_) => {}
            }
            pause = (pause * 2).min(RETRY_MOST);
        }
    }

    /// Tells what the guardian says until it ends; how it ended.
    fn hear_out(&self, socket: &OwnedFd, tell: &impl Fn(News)) -> String {
        loop {
            match hear::<Answer>(socket) {
                Heard::Packet(Answer::Taken { why }) => tell(News::Taken { why }),
                Heard::Packet(Answer::Relieved { why, held_ms }) => {
                    tell(News::Relieved { why, held: Duration::from_millis(held_ms) });
                }
                Heard::Packet(Answer::Welcome(_) | Answer::Other(_)) | Heard::Gibberish => {}
                Heard::Nothing => wait(socket),
                Heard::End => {
                    let hung = self.lock().bond.as_ref().is_some_and(|bond| bond.unread.is_some());
                    return if hung { "hangs" } else { "has ended" }.to_owned();
                }
            }
        }
    }

    /// Finds a guardian or makes one.
    fn bind(&self, beat: &Beat) -> Result<Bond, String> {
        let path = place::socket(&self.charge.dir);
        let Ok(old) = protocol::dial(&path) else { return self.start(beat, None) };
        let pid = peer(&old);
        match self.greet(&old, beat, None) {
            Some(Answer::Welcome(standing)) => {
                info!("the guardian is there already (process {pid})");
                Ok(Bond { socket: Arc::new(old), pid, found: Some(standing), unread: None })
            }
            Some(Answer::Other(standing)) => {
                info!("the guardian (process {pid}) is of another make, or guards something else: it is replaced");
                let bond = self.start(beat, Some(standing))?;
                // Only now: there is no moment in which nobody guards.
                if protocol::say(&old, &Word::Dismiss).is_err() || !ends_by(&old, Instant::now() + ANSWER) {
                    end(pid);
                }
                Ok(bond)
            }
            Some(Answer::Taken { .. } | Answer::Relieved { .. }) | None => {
                warn!("a guardian (process {pid}) does not answer: it is replaced");
                let bond = self.start(beat, None)?;
                end(pid);
                Ok(bond)
            }
        }
    }

    /// Makes a guardian that goes on where another one is.
    fn start(&self, beat: &Beat, old: Option<Standing>) -> Result<Bond, String> {
        let dir = &self.charge.dir;
        let mut child = spawn(dir).map_err(|error| format!("its process cannot be started: {error}"))?;
        let pid = child.id();
        let until = Instant::now() + START;
        let socket = loop {
            // The one that listens may yet be another.
            if let Ok(socket) = protocol::dial(&place::socket(dir))
                && peer(&socket) == pid
            {
                break socket;
            }
            if let Ok(Some(status)) = child.try_wait() {
                return Err(ended(dir, &status.to_string()));
            }
            if Instant::now() >= until {
                abandon(child);
                return Err(format!("its process does not answer after {} s", START.as_secs()));
            }
            thread::sleep(LOOK);
        };
        let answer = self.greet(&socket, beat, old.as_ref());
        match answer {
            Some(Answer::Welcome(_)) => {
                reap(child);
                info!("a guardian was made (process {pid})");
                Ok(Bond { socket: Arc::new(socket), pid, found: old, unread: None })
            }
            Some(Answer::Other(_) | Answer::Taken { .. } | Answer::Relieved { .. }) | None => {
                let status = child.try_wait().ok().flatten().map(|status| status.to_string());
                abandon(child);
                Err(ended(dir, status.as_deref().unwrap_or("it does not answer its greeting")))
            }
        }
    }

    fn greet(&self, socket: &OwnedFd, beat: &Beat, old: Option<&Standing>) -> Option<Answer> {
        let hello = Hello {
            version: VERSION,
            make: self.make.clone(),
            plan: self.charge.plan.clone(),
            beat: beat.clone(),
            heritage: old.and_then(|old| old.heritage),
            duties: old.map(|old| old.duties.clone()).unwrap_or_default(),
        };
        protocol::say(socket, &Word::Hello(Box::new(hello))).ok()?;
        let until = Instant::now() + ANSWER;
        loop {
            match hear(socket) {
                Heard::Packet(answer) => return Some(answer),
                Heard::Nothing if wait_for(socket, until) => {}
                // One that answers what we do not understand is of another make.
                Heard::Gibberish => return Some(Answer::Other(Standing::default())),
                Heard::Nothing | Heard::End => return None,
            }
        }
    }
}

impl From<News> for Input {
    fn from(news: News) -> Self {
        let takeover = |why| match why {
            Why::Begin => Takeover::Begin,
            Why::Died => Takeover::Died,
            Why::Silent => Takeover::Silent,
            Why::Undriven => Takeover::Undriven,
            Why::NoHeir => Takeover::NoHeir,
        };
        Self::Guardian(match news {
            News::Watching { pid } => Guardian::Watching { pid },
            News::Lost { why } => Guardian::Lost { why },
            News::Absent { why } => Guardian::Absent { why },
            News::Taken { why } => Guardian::Taken { why: takeover(why) },
            News::Relieved { why, held } => Guardian::Relieved { why: takeover(why), held },
        })
    }
}

/// Which executable this is: an upgrade makes another file of it.
fn make() -> String {
    let found = std::fs::metadata("/proc/self/exe").map(|file| (file.dev(), file.ino(), file.mtime()));
    let (dev, ino, mtime) = found.unwrap_or_default();
    format!("{} {dev}:{ino}:{mtime}", env!("CARGO_PKG_VERSION"))
}

fn peer(socket: &OwnedFd) -> u32 {
    socket_peercred(socket).map_or(0, |peer| Pid::as_raw(Some(peer.pid)).unsigned_abs())
}

fn spawn(dir: &Path) -> io::Result<Child> {
    let output = log::open(&place::log(dir))?;
    let mut command = Command::new(program()?);
    command.arg0("ubmcd").arg("guardian").arg("--dir").arg(dir);
    // It must hold neither a directory nor a terminal of its starter, nor speak in its name.
    command.current_dir("/").stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
    for variable in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"] {
        command.env_remove(variable);
    }
    command.spawn()
}

/// Why a guardian that was started is not there.
fn ended(dir: &Path, status: &str) -> String {
    let last = log::last_line(&place::log(dir)).map_or_else(String::new, |line| format!("; it said: {line}"));
    format!("its process ended at once ({status}){last}")
}

/// Takes note of its end, whenever that is: it may well be after ours.
fn reap(mut child: Child) {
    let run = move || drop(child.wait());
    if let Err(error) = thread::Builder::new().name("guardian-reaper".into()).stack_size(64 * 1024).spawn(run) {
        warn!("no thread that takes note of the guardian's end: {error}");
    }
}

fn abandon(mut child: Child) {
    // It may have ended by itself.
    let _ = child.kill();
    let _ = child.wait();
}

/// Ends a guardian that is not to be relied on. It was a guardian of ours a moment ago.
fn end(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // When it is gone already there is nothing to do.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// The thread that hears it replaces it.
fn give_up(bond: &mut Bond) {
    bond.unread.get_or_insert_with(Instant::now);
    let _ = shutdown(&*bond.socket, Shutdown::Both);
}

/// What the other side has been sent and has not read yet.
fn unread_bytes(socket: &OwnedFd) -> i32 {
    let mut bytes: libc::c_int = 0;
    #[expect(unsafe_code, reason = "no safe wrapper at hand asks a socket for this")]
    // SAFETY: the descriptor is open; the request writes one int to where the pointer points.
    let asked = unsafe { libc::ioctl(socket.as_raw_fd(), libc::TIOCOUTQ, &raw mut bytes) };
    // A kernel that does not know is not taken for a guardian that hangs.
    if asked == 0 { bytes } else { 0 }
}

/// Waits until there is something to hear.
fn wait(socket: impl AsFd) {
    // Whatever is wrong with it is heard next.
    let _ = poll(&mut [PollFd::new(&socket, PollFlags::IN)], None);
}

/// Waits until there is something to hear. False: the time is over.
fn wait_for(socket: impl AsFd, until: Instant) -> bool {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return false;
    }
    let left = Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(0), tv_nsec: left.subsec_nanos().into() };
    !matches!(poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&left)), Ok(0) | Err(Errno::BADF))
}

/// Whether the other side ends in time.
fn ends_by(socket: &OwnedFd, until: Instant) -> bool {
    loop {
        match hear::<Answer>(socket) {
            Heard::End => return true,
            Heard::Nothing if wait_for(socket, until) => {}
            Heard::Nothing => return false,
            Heard::Packet(_) | Heard::Gibberish => {}
        }
    }
}
