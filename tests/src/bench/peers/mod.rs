//! Other supervisors, as contenders: each with the smallest restart delay that it allows, without logs, and with the same
//! program as everybody. `scripts/tools peers` installs them; whoever is not there is named as such.
//!
//! | file | peer | asked for a start by |
//! |---|---|---|
//! | [`dinit`] | dinit | `dinitctl start all`, of which all services are soft dependencies |
//! | [`supervise`] | s6, runit, daemontools | a byte in every service's control pipe, as their own tools do it |
//! | [`systemd`] | systemd, as a user's manager | `systemctl start all.target` |
//! | [`supervisord`] | supervisord | its XML-RPC on a unix socket |
//! | [`launched`] | circus, horust | nothing: launching them is the only way worth measuring |

mod dinit;
mod job;
mod launched;
mod supervise;
mod supervisord;
mod systemd;
#[cfg(test)]
mod tests;

use std::{
    fs,
    path::PathBuf,
    process::{Child, Command, Output, Stdio},
    time::Duration,
};

use tempfile::TempDir;

pub use self::job::{Job, Pending};
use super::{
    Bench, Failure,
    clock::{Moment, pause},
    contender::{Begin, Contender},
    plan::Plan,
    ring::Ring,
    tree::{Claim, below},
    usage::Process,
};

/// How long a peer may take to be launched, to answer, or to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long one that is not needed any more may take to end in order.
const GRACE: Duration = Duration::from_secs(5);

/// All that can take part, in the order in which they are shown.
pub const ALL: [&dyn Kind; 8] = [
    &dinit::Dinit,
    &supervise::S6,
    &supervise::Runit,
    &supervise::Daemontools,
    &systemd::Systemd { bus: false },
    &supervisord::Supervisord,
    &launched::Circus,
    &launched::Horust,
];

/// systemd as its own full-screen programs want it: they talk to it over a message bus.
pub const SYSTEMD_ON_A_BUS: &dyn Kind = &systemd::Systemd { bus: true };

/// What sets one supervisor apart from the others.
pub trait Kind: Sync {
    /// As it is called.
    fn name(&self) -> &'static str;

    /// The programs that it is made of; the first one is the supervisor.
    fn programs(&self) -> &'static [&'static str];

    /// What it needs beyond its programs, where that is missing.
    fn obstacle(&self) -> Option<&'static str> {
        None
    }

    /// The command that says which version it is. Without one, Debian's package is asked for.
    fn version(&self) -> Option<&'static str> {
        Some("--version")
    }

    /// Whether it knows dependencies.
    fn orders(&self) -> bool {
        false
    }

    /// Whether one that runs can be asked for a start of everything.
    fn can_be_asked(&self) -> bool {
        true
    }

    /// What is to be known of its figures when it is asked.
    fn remark(&self) -> Option<&'static str> {
        None
    }

    /// How long it is left alone between a start and a stop.
    fn rest(&self) -> Duration {
        Duration::from_millis(300)
    }

    /// Writes its files. Asked later, it must not start the services by itself.
    fn prepare(&self, job: &Job) -> Result<(), Failure>;

    /// How it is launched, in the foreground.
    fn command(&self, job: &Job) -> Result<Command, Failure>;

    /// Whether a launched one can be asked now.
    fn answers(&self, _job: &Job) -> bool {
        true
    }

    /// Asks for all services.
    fn start(&self, _job: &Job) -> Result<Pending, Failure> {
        Ok(Pending::Nothing)
    }

    /// Asks for the end of all services.
    fn stop(&self, _job: &Job) -> Result<Pending, Failure> {
        Ok(Pending::Nothing)
    }

    /// Asks it to end, with all its services, in the way that its documentation says.
    fn end(&self, _job: &Job, manager: &Child) -> Result<(), Failure> {
        job::terminate(manager)
    }

    /// Takes away what it leaves behind outside its folder.
    fn clean(&self, _job: &Job) {}
}

/// Takes away what peers that were killed left behind outside of their folders.
pub fn remove_leftovers() {
    systemd::remove_leftovers();
}

/// Why a peer cannot take part, if so.
pub fn missing(bench: &Bench, kind: &dyn Kind) -> Option<String> {
    let absent = |program: &&&str| bench.find(program).is_none();
    if kind.programs().iter().any(|program| absent(&program)) {
        return Some("not installed".to_owned());
    }
    kind.obstacle().map(|obstacle| format!("cannot run here: {obstacle}"))
}

/// Which version of a peer is installed.
pub fn version(bench: &Bench, kind: &dyn Kind) -> String {
    let unknown = "of an unknown version".to_owned();
    let Some(program) = kind.programs().first().and_then(|program| bench.find(program)) else { return unknown };
    let asked = match kind.version() {
        Some(argument) => Command::new(program).arg(argument).stdin(Stdio::null()).output(),
        None => Command::new("dpkg-query").args(["-W", "-f", "${Version}", kind.name()]).output(),
    };
    Some(first_number(asked.ok().as_ref())).filter(|number| !number.is_empty()).unwrap_or(unknown)
}

/// The first word that begins with a digit, once a leading `v` is off.
fn first_number(output: Option<&Output>) -> String {
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let words = text.split_whitespace().map(|word| word.trim_start_matches('v').trim_end_matches([',', '.', ';']));
    let mut numbers = words.filter(|word| word.starts_with(|first: char| first.is_ascii_digit()));
    numbers.next().unwrap_or_default().to_owned()
}

/// A supervisor with the services of a plan.
pub struct Peer {
    kind: &'static dyn Kind,
    begin: Begin,
    job: Job,
    claim: Claim,
    manager: Option<Child>,
    pending: Pending,
    _folder: TempDir,
}

impl Peer {
    /// Writes everything down, and launches it if it is to be asked.
    pub fn enter(
        bench: &Bench,
        kind: &'static dyn Kind,
        plan: &Plan,
        ring: &Ring,
        begin: Begin,
    ) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::io("no folder for a peer"))?;
        let begin = if kind.can_be_asked() { begin } else { Begin::Launched };
        let job = Job::new(bench, kind, folder.path(), ring.path(), plan, begin)?;
        let claim = Claim::new(folder.path(), ring.path());
        let mut peer = Self { kind, begin, job, claim, manager: None, pending: Pending::Nothing, _folder: folder };
        kind.prepare(&peer.job)?;
        if begin == Begin::Asked {
            peer.launch()?;
            peer.await_answer()?;
        }
        Ok(peer)
    }

    /// A file or folder of its own.
    pub fn path(&self, name: &str) -> PathBuf {
        self.job.path(name)
    }

    fn launch(&mut self) -> Result<Moment, Failure> {
        let mut command = self.kind.command(&self.job)?;
        let log = fs::File::create(self.job.log()).map_err(Failure::io("no log for a peer"))?;
        let errors = log.try_clone().map_err(Failure::io("no log for a peer"))?;
        command.current_dir(self.job.folder()).stdin(Stdio::null()).stdout(log).stderr(errors);
        let begun = Moment::now();
        let child = command.spawn().map_err(Failure::io(format!("{} cannot be launched", self.kind.name())))?;
        self.manager = Some(child);
        Ok(begun)
    }

    fn await_answer(&mut self) -> Result<(), Failure> {
        let end = Moment::now().after(PATIENCE);
        while !self.kind.answers(&self.job) {
            if self.manager_ended() || Moment::now() > end {
                return Err(Failure::Never(format!("it answers; {}", self.said())));
            }
            pause(Duration::from_millis(20));
        }
        Ok(())
    }

    fn manager_ended(&mut self) -> bool {
        self.manager.as_mut().is_none_or(|child| !matches!(child.try_wait(), Ok(None)))
    }

    /// The last thing that it said, for whoever has to find out what is wrong.
    fn said(&self) -> String {
        let text = fs::read_to_string(self.job.log()).unwrap_or_default();
        let last = text.lines().rev().find(|line| !line.trim().is_empty());
        last.map_or_else(|| "it said nothing".to_owned(), |line| format!("it said: {line}"))
    }

    fn id(&self) -> Option<u32> {
        self.manager.as_ref().map(Child::id)
    }

    /// Waits until the manager and all that it started have ended.
    fn await_end(&mut self, patience: Duration) -> bool {
        let end = Moment::now().after(patience);
        while !self.manager_ended() {
            if Moment::now() > end {
                return false;
            }
            pause(Duration::from_millis(5));
        }
        self.claim.await_end(None, patience)
    }

    /// Kills whatever is still there.
    fn sweep(&mut self) -> usize {
        let mut ended = 0;
        if let Some(manager) = &mut self.manager {
            self.claim.members(Some(manager.id()));
            if matches!(manager.try_wait(), Ok(None)) {
                ended += 1;
                let _ = manager.kill();
            }
            let _ = manager.wait();
        }
        self.manager = None;
        ended + self.claim.sweep(None)
    }
}

impl Contender for Peer {
    fn start(&mut self) -> Result<Moment, Failure> {
        if self.begin == Begin::Launched {
            return self.launch();
        }
        let begun = Moment::now();
        self.pending = self.kind.start(&self.job)?;
        Ok(begun)
    }

    fn stop(&mut self) -> Result<Moment, Failure> {
        std::mem::take(&mut self.pending).finish()?;
        // While they are below the manager they are easily known.
        self.claim.members(self.id());
        let begun = Moment::now();
        match (self.begin, &self.manager) {
            (Begin::Asked, _) => self.pending = self.kind.stop(&self.job)?,
            (Begin::Launched, Some(manager)) => self.kind.end(&self.job, manager)?,
            (Begin::Launched, None) => {}
        }
        Ok(begun)
    }

    fn settle(&mut self) -> Result<(), Failure> {
        std::mem::take(&mut self.pending).finish()?;
        if self.begin == Begin::Asked {
            return Ok(());
        }
        let ended = self.await_end(PATIENCE);
        let left = self.sweep();
        if !ended || left > 0 {
            return Err(Failure::Never(format!("it ends with all that it started; {left} were left")));
        }
        self.kind.clean(&self.job);
        self.job.empty()?;
        self.kind.prepare(&self.job)
    }

    fn managers(&self, services: &[u32]) -> Vec<Process> {
        let Some(own) = self.id() else { return Vec::new() };
        let helpers = below(own).into_iter().filter(|one| !one.zombie && !services.contains(&one.pid));
        std::iter::once(own).chain(helpers.map(|one| one.pid)).map(Process).collect()
    }

    fn rest(&self) -> Duration {
        self.kind.rest()
    }

    fn remark(&self) -> Option<&'static str> {
        match (self.kind.can_be_asked(), self.begin) {
            (false, _) => Some("launched, as it cannot be asked"),
            (true, Begin::Asked) => self.kind.remark(),
            (true, Begin::Launched) => None,
        }
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = std::mem::take(&mut self.pending).finish();
        if let Some(manager) = &self.manager {
            self.claim.members(Some(manager.id()));
            if self.kind.end(&self.job, manager).is_ok() {
                self.await_end(GRACE);
            }
        }
        self.sweep();
        self.kind.clean(&self.job);
    }
}
