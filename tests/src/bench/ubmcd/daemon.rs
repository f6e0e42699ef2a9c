//! The process of the real daemon, in a folder of its own.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use ubmc_proto::transport::Address;

use crate::bench::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    contender::Begin,
    plan::Plan,
    tree::{Relative, below},
    usage::Process,
};

/// How long the daemon may take for anything.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);
/// The simulated board is hardware, in a process of its own.
const HARDWARE: &str = "ubmc-sim-board";

/// All that a daemon needs, written down; only the process is missing.
#[derive(Debug)]
pub(super) struct Prepared {
    command: Command,
    folder: TempDir,
}

impl Prepared {
    /// On a board, with the services of a plan in its registry.
    pub(super) fn new(bench: &Bench, board: Board, plan: &Plan, ring: &Path, begin: Begin) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::io("no folder for ubmcd"))?;
        let (board_file, registry) = (folder.path().join("board.toml"), folder.path().join("services.toml"));
        let write = |path, text: String| fs::write(path, text).map_err(Failure::io("a file for ubmcd"));
        write(&board_file, board.file()?)?;
        write(&registry, format!("[services]\n{}", plan.registry(&bench.service(), ring, begin)))?;
        let log = fs::File::create(folder.path().join("log")).map_err(Failure::io("no log for ubmcd"))?;
        let mut command = Command::new(bench.binary("ubmcd"));
        command
            .args(["--listen", &address(&folder).to_string()])
            .arg("--board")
            .arg(board_file)
            .arg("--services")
            .arg(registry)
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log);
        Ok(Self { command, folder })
    }

    /// Where it looks for the simulated board, and starts one when there is none.
    pub(super) fn hardware(&self) -> PathBuf {
        hardware(&self.folder)
    }

    /// Runs it.
    pub(super) fn launch(mut self) -> Result<Daemon, Failure> {
        let child = self.command.spawn().map_err(Failure::io("ubmcd cannot be started"))?;
        Ok(Daemon { child, command: self.command, folder: self.folder })
    }
}

fn hardware(folder: &TempDir) -> PathBuf {
    folder.path().join("state/sim")
}

fn address(folder: &TempDir) -> Address {
    Address::Unix(folder.path().join("s"))
}

/// A daemon that runs, and its folder.
#[derive(Debug)]
pub(super) struct Daemon {
    child: Child,
    command: Command,
    folder: TempDir,
}

impl Daemon {
    /// Where it listens.
    pub(super) fn address(&self) -> Address {
        address(&self.folder)
    }

    /// Where its simulated board is.
    pub(super) fn hardware(&self) -> PathBuf {
        hardware(&self.folder)
    }

    /// Sends it a signal; the moment just before.
    pub(super) fn signal(&self, signal: Signal) -> Result<Moment, Failure> {
        let pid = i32::try_from(self.child.id()).map_err(|error| Failure::Invalid(error.to_string()))?;
        let at = Moment::now();
        kill(Pid::from_raw(pid), signal).map_err(Failure::os("ubmcd cannot be signalled"))?;
        Ok(at)
    }

    /// Runs it once more, in the same folder: it has ended.
    pub(super) fn relaunch(&mut self) -> Result<(), Failure> {
        self.await_end();
        self.child = self.command.spawn().map_err(Failure::io("ubmcd cannot be started"))?;
        Ok(())
    }

    /// Whether it has ended.
    pub(super) fn ended(&mut self) -> bool {
        self.child.try_wait().ok().flatten().is_some()
    }

    /// What it said so far.
    pub(super) fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// It and all its helpers, without the services that it was asked to run and without the hardware.
    pub(super) fn managers(&self, services: &[u32]) -> Vec<Process> {
        let own = self.child.id();
        let is_manager =
            |relative: &Relative| !relative.zombie && !services.contains(&relative.pid) && !is_hardware(relative.pid);
        let helpers = below(own).into_iter().filter(is_manager).map(|relative| relative.pid);
        std::iter::once(own).chain(helpers).map(Process).collect()
    }

    /// Asks it to end in order, with its services and its board.
    pub(super) fn terminate(&self) {
        let _ = self.signal(Signal::SIGTERM);
    }

    /// Waits for its end, and forces it in the end.
    pub(super) fn await_end(&mut self) {
        let end = Moment::now().after(PATIENCE);
        while !self.ended() {
            if Moment::now() > end {
                eprintln!("ubmcd does not end; it is killed");
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            pause(Duration::from_millis(20));
        }
    }
}

fn is_hardware(pid: u32) -> bool {
    fs::read_link(format!("/proc/{pid}/exe")).is_ok_and(|exe| exe.file_name().is_some_and(|name| name == HARDWARE))
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.terminate();
        self.await_end();
    }
}
