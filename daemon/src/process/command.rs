//! Commands that are run and waited for, and belong to no service: health checks.

use std::{os::fd::OwnedFd, time::Duration};

use rustix::process::{Pid, Signal, kill_process_group};
use tokio::{net::unix::pipe, sync::oneshot};
use ubmc_core::{
    input::{Exit, SpawnError},
    services::Binary,
};

use super::{
    mark::Serial,
    spawner::{RunningCommand, SharedSpawner, Streams},
};

/// What is kept of a command's output.
const OUTPUT_BYTES: usize = 4096;

/// Runs commands; cheap to clone, usable from any thread. They end only while somebody polls
/// [`super::Processes::next`], which reaps them.
#[derive(Clone, Debug)]
pub struct Commands {
    spawner: SharedSpawner,
}

/// What to run.
#[derive(Clone, Debug, Default)]
pub struct Command {
    /// Program and arguments; a program without a slash is looked up in `PATH`.
    pub argv: Vec<String>,
    /// It is killed, with everything it started, when it takes longer.
    pub timeout: Duration,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandEnd {
    /// Absent: it took too long and was killed.
    pub exit: Option<Exit>,
    /// The beginning of what it wrote, both streams, at most 4,096 bytes.
    pub output: String,
}

impl Commands {
    pub(super) const fn new(spawner: SharedSpawner) -> Self {
        Self { spawner }
    }

    /// Runs a command to its end. When the future is dropped the command is killed.
    pub async fn run(&self, command: Command) -> Result<CommandEnd, SpawnError> {
        let (mut running, pipe) = self.start(&command.argv)?;
        let mut output = Output::default();
        let mut pipe = pipe::Receiver::from_owned_fd(pipe).ok();
        let exit = tokio::time::timeout(command.timeout, async {
            loop {
                tokio::select! {
                    exit = &mut running.ended => return exit.ok(),
                    () = readable(&mut pipe) => output.take(&mut pipe),
                }
            }
        })
        .await;
        // What it wrote last; what its descendants may still write is not waited for.
        output.take(&mut pipe);
        drop(running);
        Ok(CommandEnd { exit: exit.ok().flatten(), output: String::from_utf8_lossy(&output.bytes).into_owned() })
    }

    fn start(&self, argv: &[String]) -> Result<(Running, OwnedFd), SpawnError> {
        let mut spawner = self.spawner.lock();
        let binary = Binary { nice: spawner.surroundings.nice, ..Binary::default() };
        let recipe = spawner.surroundings.prepare(&binary, argv, &[])?;
        let serial = spawner.new_serial();
        let (launched, ends) = match spawner.start(&recipe, &binary, serial, Streams::Together, None) {
            Ok(started) => started,
            Err(error) => {
                spawner.free_serial(serial);
                return Err(error);
            }
        };
        let (tell, ended) = oneshot::channel();
        spawner.commands.insert(launched.pid, RunningCommand { serial, ended: tell });
        let running = Running { pid: launched.pid, serial, ended, spawner: self.spawner.clone() };
        Ok((running, ends.stdout))
    }
}

/// Kills the command's group when it is dropped before the command has ended. What left the group is killed when the
/// command is reaped.
struct Running {
    pid: u32,
    serial: Serial,
    ended: oneshot::Receiver<Exit>,
    spawner: SharedSpawner,
}

impl Drop for Running {
    fn drop(&mut self) {
        let spawner = self.spawner.lock();
        // Still in the table: so not reaped, and the pid is its own.
        let runs = spawner.commands.get(&self.pid).is_some_and(|command| command.serial == self.serial);
        if runs && let Some(group) = Pid::from_raw(self.pid.cast_signed()) {
            let _ = kill_process_group(group, Signal::KILL);
        }
    }
}

#[derive(Default)]
struct Output {
    bytes: Vec<u8>,
}

impl Output {
    /// Empties the pipe as far as it goes now, keeping the beginning of all.
    fn take(&mut self, stream: &mut Option<pipe::Receiver>) {
        let mut buffer = [0; OUTPUT_BYTES];
        // A pipe holds 64 KiB; a command that writes without end gets its next turn later.
        for _ in 0..16 {
            let Some(open) = stream else { return };
            match open.try_read(&mut buffer) {
                Ok(0) => *stream = None,
                Ok(length) => {
                    let room = OUTPUT_BYTES - self.bytes.len();
                    self.bytes.extend_from_slice(buffer.get(..length.min(room)).unwrap_or_default());
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => *stream = None,
            }
        }
    }
}

async fn readable(stream: &mut Option<pipe::Receiver>) {
    let failed = match stream {
        Some(open) => open.readable().await.is_err(),
        None => std::future::pending().await,
    };
    if failed {
        *stream = None;
    }
}
