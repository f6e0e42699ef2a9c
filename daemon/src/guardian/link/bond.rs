//! A guardian is found by its socket, or made: a process that outlives us, and is greeted before it counts.

use std::{
    io,
    os::{
        fd::{AsFd, OwnedFd},
        unix::{fs::MetadataExt, process::CommandExt},
    },
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::sockopt::socket_peercred,
    process::{Pid, Signal, kill_process},
};
use tracing::{info, warn};

use super::{
    super::{
        log, place,
        process::program,
        protocol::{self, Answer, Beat, Heard, Hello, Standing, VERSION, Word, hear},
    },
    Guard,
};

/// How long a guardian may take to answer a greeting.
const ANSWER: Duration = Duration::from_millis(500);
/// How long a new one may take until it can be greeted.
const START: Duration = Duration::from_secs(3);
/// Between two looks at one that is starting.
const LOOK: Duration = Duration::from_millis(2);

/// A guardian that was found or made.
#[derive(Debug)]
pub(super) struct Bond {
    pub(super) socket: Arc<OwnedFd>,
    pub(super) pid: u32,
    /// How it, or the one whose place it took, had the fans. Absent: there was none before.
    pub(super) found: Option<Standing>,
    /// Since when it has not read all that it was sent.
    pub(super) unread: Option<Instant>,
}

impl Guard {
    /// Finds a guardian or makes one.
    pub(super) fn bind(&self, beat: &Beat) -> Result<Bond, String> {
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

/// Which executable this is: an upgrade makes another file of it.
pub(super) fn make() -> String {
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
pub(super) fn end(pid: u32) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        // When it is gone already there is nothing to do.
        let _ = kill_process(pid, Signal::KILL);
    }
}

/// Waits until there is something to hear.
pub(super) fn wait(socket: impl AsFd) {
    // Whatever is wrong with it is heard next.
    let _ = poll(&mut [PollFd::new(&socket, PollFlags::IN)], None);
}

/// Waits until there is something to hear. False: the time is over.
pub(super) fn wait_for(socket: impl AsFd, until: Instant) -> bool {
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
