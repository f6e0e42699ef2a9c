//! The daemon's side: finds its guardian or makes one, beats, leaves, and replaces a guardian that has ended or hangs.
//!
//! Nothing that the loop calls here waits. A thread hears what the guardian says, and makes another when there is none; it
//! sleeps as long as all is well.

mod bond;

use std::{
    fmt, io,
    os::fd::{AsRawFd, OwnedFd},
    path::PathBuf,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use rustix::net::{Shutdown, shutdown};
use tracing::warn;
use ubmc_core::guarding::Guardian;

use self::bond::{Bond, end, make, wait, wait_for};
use super::{
    protocol::{self, Answer, Beat, Heard, Held, Plan, Word, hear},
    watch::Heritage,
};

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
    pub fn keep(self: &Arc<Self>, absent: Option<String>, tell: impl Fn(Guardian) + Send + 'static) -> io::Result<()> {
        let guard = Arc::clone(self);
        let run = move || guard.keep_on(absent, &tell);
        thread::Builder::new().name("guardian".into()).stack_size(256 * 1024).spawn(run).map(drop)
    }

    fn keep_on(&self, absent: Option<String>, tell: &impl Fn(Guardian)) {
        let mut absent = absent;
        loop {
            if let Some(why) = absent.take() {
                warn!("the fans are not guarded: {why}");
                tell(Guardian::Absent { why });
                if self.retry() {
                    return;
                }
            }
            let Some((socket, pid)) = self.bond(tell) else { return };
            let why = self.hear_out(&socket, tell);
            {
                let mut state = self.lock();
                // One that was told to hold nothing has ended as it should: the daemon is on its way out.
                if state.leaving || state.released.is_some_and(|hold| hold.is_zero()) {
                    return;
                }
                state.bond = None;
            }
            // It may have hung, or only lost its connection: there must not be two.
            end(pid);
            let why = format!("the guardian (process {pid}) {why}");
            warn!("{why}; another is made");
            tell(Guardian::Lost { why });
            let beat = self.lock().beat.clone();
            match self.bind(&beat) {
                Ok(bond) => self.lock().bond = Some(bond),
                Err(why) => absent = Some(why),
            }
        }
    }

    /// The bond, which is told.
    fn bond(&self, tell: &impl Fn(Guardian)) -> Option<(Arc<OwnedFd>, u32)> {
        let state = self.lock();
        let bond = state.bond.as_ref()?;
        let (socket, pid) = (Arc::clone(&bond.socket), bond.pid);
        let had = bond.found.as_ref().and_then(|found| found.heritage);
        drop(state);
        tell(Guardian::Watching { pid });
        if let Some(Heritage::InCharge { why, .. }) = had {
            // It said so before we came.
            tell(Guardian::Taken { why: why.into() });
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
    fn hear_out(&self, socket: &OwnedFd, tell: &impl Fn(Guardian)) -> String {
        loop {
            match hear::<Answer>(socket) {
                Heard::Packet(Answer::Taken { why }) => tell(Guardian::Taken { why: why.into() }),
                Heard::Packet(Answer::Relieved { why, held_ms }) => {
                    tell(Guardian::Relieved { why: why.into(), held: Duration::from_millis(held_ms) });
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
