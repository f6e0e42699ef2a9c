//! The guardian as a process: one loop over its socket, the death of its ward, signals and the time.
//!
//! It leaves the daemon's session and keeps nothing of it, so that whatever ends the daemon does not end the guardian.
//! Where it may, it keeps out of the way of the kernel's memory killer, and its pages in memory.

use std::{
    ffi::OsString,
    fs, io,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::{Path, PathBuf},
    process::ExitCode,
    time::{Duration, Instant},
};

use nix::sys::{
    signal::{SigSet, Signal},
    signalfd::{SfdFlags, SignalFd},
};
use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
    net::{SocketFlags, accept_with, sockopt::socket_peercred},
    process::{Pid, PidfdFlags, pidfd_open},
};
use ubmc_core::time::Mono;

use super::{
    SILENCE,
    hands::{Grip, Keeper},
    log::{self, say},
    place::Place,
    protocol::{self, Answer, Beat, Heard, Held, Hello, Plan, Standing, VERSION, Word, hear},
    watch::{Action, Happening, State, Watch, Why},
};

/// How long a visitor may take to say who it is.
const GREETING: Duration = Duration::from_secs(1);
/// Visitors that may be about to say it.
const VISITORS: usize = 4;
/// How long fans of a simulated board are tried that is not there any more. Real fans are tried for ever.
const UNPLUGGED: Duration = Duration::from_secs(10);
/// How long the end waits for the fans, and for the watchdog.
const LAST_WORD: Duration = Duration::from_secs(1);

/// The whole life of a guardian's process: `--dir DIR`, the daemon's state directory.
///
/// Exit: 0 ended as told · 64 usage · 70 something failed.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let args: Vec<_> = args.into_iter().collect();
    let [flag, dir] = args.as_slice() else { return fail(64, "give --dir DIR, the state directory of ubmcd") };
    if flag != "--dir" {
        return fail(64, &format!("unknown argument {}; give --dir DIR", flag.display()));
    }
    let begun = log::begin().and_then(|()| begin(Path::new(dir)));
    let code = match begun.and_then(Guardian::run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(70, &format!("{}: {error}", Path::new(dir).display())),
    };
    log::finish();
    code
}

fn fail(code: u8, text: &str) -> ExitCode {
    // Before the log there is only stderr.
    eprintln!("guardian: {text}");
    ExitCode::from(code)
}

fn begin(dir: &Path) -> io::Result<Guardian> {
    // Fails only for a session leader, which is what is wanted.
    let _ = rustix::process::setsid();
    // For people who look at the processes.
    let _ = rustix::thread::set_name(c"ubmc-guardian");
    // Without the right to it the kernel may end us when memory is short; a further guardian is made then.
    let _ = fs::write("/proc/self/oom_score_adj", "-1000");
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGTERM);
    ends.add(Signal::SIGINT);
    ends.add(Signal::SIGHUP);
    // Before any thread: they inherit it.
    ends.thread_block()?;
    let signals = SignalFd::with_flags(&ends, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
    let origin = Instant::now();
    Ok(Guardian {
        place: Place::take(dir)?,
        signals,
        origin,
        watch: Watch::new(Mono::ZERO, SILENCE),
        charge: None,
        ward: None,
        visitors: Vec::new(),
    })
}

/// Keeps what has been touched so far in memory. Not what may come: a limit would then make the next allocation fail.
fn stay_in_memory() {
    #[expect(unsafe_code, reason = "no safe wrapper at hand offers the flag for what is there already")]
    // SAFETY: takes two flags and touches no memory of ours. Without the right to it nothing changes.
    unsafe {
        libc::mlockall(libc::MCL_CURRENT | libc::MCL_ONFAULT);
    }
}

/// What is guarded.
struct Charge {
    plan: Plan,
    make: String,
    grip: Grip,
    watchdog: Option<Keeper>,
    /// The duties that are known of the fans.
    duties: Vec<Option<f64>>,
}

/// The daemon that is watched over.
struct Ward {
    socket: OwnedFd,
    /// Readable when its process has ended. Absent: the kernel has none to give; then the socket says it.
    process: Option<OwnedFd>,
    pid: u32,
}

struct Visitor {
    socket: OwnedFd,
    until: Instant,
}

struct Guardian {
    place: Place,
    signals: SignalFd,
    origin: Instant,
    watch: Watch,
    charge: Option<Charge>,
    ward: Option<Ward>,
    visitors: Vec<Visitor>,
}

/// What woke the loop.
#[derive(Default)]
struct Ready {
    visitor: bool,
    signal: bool,
    ward: bool,
    death: bool,
    greeting: Vec<usize>,
}

impl Guardian {
    fn now(&self) -> Mono {
        Mono::new(self.origin.elapsed())
    }

    fn run(mut self) -> io::Result<()> {
        say("waits for ubmcd");
        while self.watch.state() != State::Over {
            let ready = self.wait()?;
            // What a dead ward has said last counts: it may have left in order.
            if ready.ward || ready.death {
                self.listen(ready.death);
            }
            for index in ready.greeting.into_iter().rev() {
                self.greet(index);
            }
            if ready.visitor {
                self.let_in();
            }
            if ready.signal && self.signals.read_signal().is_ok_and(|signal| signal.is_some()) {
                say("was asked to end by a signal");
                self.happens(Happening::Asked);
            }
            let now = Instant::now();
            self.visitors.retain(|visitor| visitor.until > now);
            self.happens(Happening::Tick);
            self.look_around();
        }
        say("ends");
        Ok(())
    }

    fn wait(&self) -> io::Result<Ready> {
        let first = self.visitors.iter().map(|visitor| visitor.until).min();
        let due = self.watch.deadline().map(|due| self.origin + due.since_origin());
        let timeout = match (first, due) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        }
        .map(|until| until.saturating_duration_since(Instant::now()))
        .map(|left| Timespec {
            tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
            tv_nsec: left.subsec_nanos().into(),
        });
        let mut watched: Vec<BorrowedFd<'_>> = vec![self.place.listener().as_fd(), self.signals.as_fd()];
        watched.extend(self.visitors.iter().map(|visitor| visitor.socket.as_fd()));
        let visitors = self.visitors.len();
        if let Some(ward) = &self.ward {
            watched.push(ward.socket.as_fd());
            watched.extend(ward.process.iter().map(AsFd::as_fd));
        }
        let mut fds: Vec<_> = watched.into_iter().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        match poll(&mut fds, timeout.as_ref()) {
            Ok(_) => {}
            Err(Errno::INTR) => return Ok(Ready::default()),
            Err(error) => return Err(error.into()),
        }
        let is = |index: usize| fds.get(index).is_some_and(|fd| !fd.revents().is_empty());
        Ok(Ready {
            visitor: is(0),
            signal: is(1),
            greeting: (0..visitors).filter(|index| is(2 + index)).collect(),
            ward: is(2 + visitors),
            death: is(3 + visitors),
        })
    }

    fn let_in(&mut self) {
        let Ok(socket) = accept_with(self.place.listener(), SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) else {
            return;
        };
        let ours = socket_peercred(&socket).is_ok_and(|peer| peer.uid == rustix::process::geteuid());
        // Who has more to say than we want to hear, or is somebody else, finds the connection closed.
        if ours && self.visitors.len() < VISITORS {
            self.visitors.push(Visitor { socket, until: Instant::now() + GREETING });
        }
    }

    fn greet(&mut self, index: usize) {
        let now = self.now();
        let word = hear::<Word>(&self.visitors[index].socket);
        if word == Heard::Nothing {
            return;
        }
        let Visitor { socket, until } = self.visitors.swap_remove(index);
        match word {
            Heard::Packet(Word::Hello(hello)) if hello.version == VERSION && self.fits(&hello) => {
                self.welcome(socket, *hello);
            }
            Heard::Packet(Word::Hello(_)) | Heard::Gibberish => {
                // It makes a guardian of its own, and says so here.
                let _ = protocol::say(&socket, &Answer::Other(self.standing(now)));
                self.visitors.push(Visitor { socket, until: until + 10 * GREETING });
            }
            Heard::Packet(Word::Dismiss) => {
                say("another guardian has taken its place");
                self.happens(Happening::Dismissed);
            }
            Heard::Packet(Word::Beat(_) | Word::Release { .. }) | Heard::Nothing | Heard::End => {}
        }
    }

    /// Whether this guardian is the one for such a daemon.
    fn fits(&self, hello: &Hello) -> bool {
        self.charge.as_ref().is_none_or(|charge| charge.plan == hello.plan && charge.make == hello.make)
    }

    fn welcome(&mut self, socket: OwnedFd, hello: Hello) {
        if self.charge.is_none()
            && let Err(text) = self.take_charge(&hello)
        {
            // It will see that we are gone, and tell why.
            say(&text);
            return self.happens(Happening::Asked);
        }
        let pid = socket_peercred(&socket).map(|peer| peer.pid).ok();
        let process = pid.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());
        let standing = self.standing(self.now());
        if protocol::say(&socket, &Answer::Welcome(standing)).is_err() {
            return;
        }
        let pid = pid.map_or(0, |pid| Pid::as_raw(Some(pid)).unsigned_abs());
        say(&format!("watches over ubmcd (process {pid})"));
        self.ward = Some(Ward { socket, process, pid });
        let driving = hello.beat.duties.is_some();
        self.learn(hello.beat);
        self.happens(Happening::Hello { driving });
    }

    fn take_charge(&mut self, hello: &Hello) -> Result<(), String> {
        let plan = &hello.plan;
        let fans = plan.open().map_err(|error| format!("the fans cannot be driven: {error}"))?;
        let fans = plan.fans.iter().zip(fans).zip(plan.failsafe());
        let fans = fans.map(|((fan, handle), failsafe)| (fan.name.clone(), handle, failsafe)).collect();
        let grip = Grip::new(fans).map_err(|error| format!("no thread for a fan: {error}"))?;
        let watchdog = plan.watchdog.clone().map(Keeper::new).transpose();
        let watchdog = watchdog.map_err(|error| format!("no thread for the watchdog: {error}"))?;
        let known = |fan: &super::protocol::FanPlan| {
            hello.duties.iter().find(|held| held.fan == fan.name).map(|held| held.percent)
        };
        let duties = plan.fans.iter().map(known).collect();
        self.watch = Watch::new(self.now(), plan.silence);
        self.charge = Some(Charge { plan: plan.clone(), make: hello.make.clone(), grip, watchdog, duties });
        if let Some(heritage) = hello.heritage {
            self.happens(Happening::Inherit(heritage));
        }
        stay_in_memory();
        Ok(())
    }

    /// Everything that the ward has said; and that it is gone.
    fn listen(&mut self, dead: bool) {
        loop {
            let Some(ward) = &self.ward else { return };
            match hear::<Word>(&ward.socket) {
                Heard::Packet(Word::Beat(beat)) => {
                    let driving = beat.duties.is_some();
                    self.learn(beat);
                    self.happens(Happening::Beat { driving });
                }
                Heard::Packet(Word::Release { hold_ms }) => {
                    self.happens(Happening::Release { hold: Duration::from_millis(hold_ms) });
                }
                Heard::Packet(Word::Dismiss) => self.happens(Happening::Dismissed),
                Heard::Packet(Word::Hello(_)) | Heard::Gibberish => {}
                Heard::Nothing if !dead => return,
                Heard::Nothing | Heard::End => {
                    // First what must be done, then the words about it.
                    self.happens(Happening::Lost);
                    if let Some(ward) = self.ward.take() {
                        say(&format!("ubmcd (process {}) is gone", ward.pid));
                    }
                    return;
                }
            }
        }
    }

    fn learn(&mut self, beat: Beat) {
        if let (Some(charge), Some(duties)) = (&mut self.charge, beat.duties) {
            for (known, told) in charge.duties.iter_mut().zip(duties) {
                *known = told.or(*known);
            }
        }
    }

    fn standing(&self, now: Mono) -> Standing {
        let held = |charge: &Charge| {
            let fans = charge.plan.fans.iter().zip(&charge.duties);
            fans.filter_map(|(fan, duty)| Some(Held { fan: fan.name.clone(), percent: (*duty)? })).collect()
        };
        Standing { heritage: self.watch.heritage(now), duties: self.charge.as_ref().map(held).unwrap_or_default() }
    }

    fn happens(&mut self, happening: Happening) {
        let now = self.now();
        for action in self.watch.handle(now, happening) {
            self.act(action);
        }
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Failsafe { anew } => {
                let Some(charge) = &mut self.charge else { return };
                charge.grip.failsafe(anew);
                if anew {
                    charge.grip.count_anew();
                    for (duty, fan) in charge.duties.iter_mut().zip(&charge.plan.fans) {
                        *duty = Some(fan.failsafe);
                    }
                    say(&format!("takes over: {}", self.reason()));
                }
            }
            Action::LetGo => {
                if let Some(charge) = &self.charge {
                    charge.grip.let_go();
                }
            }
            Action::Feed => {
                if let Some(watchdog) = self.charge.as_ref().and_then(|charge| charge.watchdog.as_ref()) {
                    watchdog.feed();
                }
            }
            Action::Disarm => {
                if let Some(watchdog) = self.charge.as_ref().and_then(|charge| charge.watchdog.as_ref()) {
                    watchdog.disarm(LAST_WORD);
                }
            }
            Action::TellTaken(why) => self.tell(&Answer::Taken { why }),
            Action::TellRelieved(why, held) => {
                say(&format!("gives the fans back after {:.3} s", held.as_secs_f64()));
                self.tell(&Answer::Relieved { why, held_ms: u64::try_from(held.as_millis()).unwrap_or(u64::MAX) });
            }
            Action::End => {
                if let Some(charge) = &self.charge {
                    charge.grip.settle(Instant::now() + LAST_WORD);
                }
            }
        }
    }

    fn reason(&self) -> &'static str {
        match self.watch.state() {
            State::InCharge { why, .. } => explain(why),
            State::Over => "it ends, and leaves the fans safe",
            State::Fresh | State::Watching | State::Holding { .. } => "nobody has the fans",
        }
    }

    /// A ward that does not listen misses it; what it says next is heard all the same.
    fn tell(&self, answer: &Answer) {
        if let Some(ward) = &self.ward {
            let _ = protocol::say(&ward.socket, answer);
        }
    }

    /// Without a ward: is there still something to guard, and would a ward find us?
    fn look_around(&mut self) {
        let Some(charge) = &self.charge else { return };
        if !self.watch.is_alone() || self.watch.state() == State::Over {
            return;
        }
        let unplugged = matches!(charge.plan.place, protocol::Place::Sim { .. })
            && matches!(self.watch.state(), State::InCharge { .. })
            && charge.grip.unreached_for() > UNPLUGGED;
        if unplugged || !self.place.is_ours() {
            say(if unplugged { "the simulated board is gone" } else { "its place is another's, or gone" });
            self.happens(Happening::Futile);
        }
    }
}

/// For people.
pub(super) fn explain(why: Why) -> &'static str {
    match why {
        Why::Begin => "ubmcd begins, and does not drive the fans yet",
        Why::Died => "ubmcd has ended without a word",
        Why::Silent => "ubmcd does not beat: its loop, or a write to a fan, hangs",
        Why::Undriven => "ubmcd lives but does not drive the fans",
        Why::NoHeir => "ubmcd has ended in order, and no other has taken the fans over in time",
    }
}

/// Where the daemon finds its guardian's program: its own.
pub(super) fn program() -> io::Result<PathBuf> {
    std::env::current_exe()
}
