//! Commands that are run and waited for, and belong to no service: health checks.

use std::{sync::Arc, time::Duration};

use tokio::{net::unix::pipe, sync::oneshot, time::Instant};
use ubmc_core::input::{Exit, SpawnError, SpawnStage};

use super::{launch::Ticket, mark::Serial, recipe::refused, spawner::Spawner};

/// What is kept of a command's output.
const OUTPUT_BYTES: usize = 4096;
/// Reads in a row: a pipe holds as much.
const READS: usize = 16;

/// Runs commands; cheap to clone, usable from any thread. They end only while somebody polls
/// [`super::Processes::next`], which reaps them.
#[derive(Clone, Debug)]
pub struct Commands {
    spawner: Spawner,
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
    pub(super) const fn new(spawner: Spawner) -> Self {
        Self { spawner }
    }

    /// Runs a command to its end. When the future is dropped the command is killed.
    pub async fn run(&self, command: Command) -> Result<CommandEnd, SpawnError> {
        let Command { argv, timeout } = command;
        let deadline = Instant::now() + timeout;
        let (tell_started, started) = oneshot::channel();
        let (tell_ended, ended) = oneshot::channel();
        let (serial, ticket) = self.spawner.submit_command(argv, tell_started, tell_ended);
        let running = Running { serial, ticket, spawner: self.spawner.clone() };
        let nothing = CommandEnd { exit: None, output: String::new() };
        let Some(started) = self.started(started, deadline).await else { return Ok(nothing) };
        let mut pipe = pipe::Receiver::from_owned_fd(started?).ok();
        let mut output = Output::default();
        let mut ended = ended;
        let exit = tokio::time::timeout_at(deadline, async {
            loop {
                tokio::select! {
                    exit = &mut ended => return exit.ok(),
                    () = readable(&mut pipe) => output.take(&mut pipe),
                }
            }
        })
        .await;
        // What it wrote last; what its descendants may still write is not waited for.
        if let Some(pipe) = &pipe {
            output.take_rest(pipe);
        }
        drop(running);
        Ok(CommandEnd { exit: exit.ok().flatten(), output: String::from_utf8_lossy(&output.bytes).into_owned() })
    }

    /// Its output once it has started. Absent: it took too long.
    async fn started<T>(
        &self,
        mut started: oneshot::Receiver<Result<T, SpawnError>>,
        deadline: Instant,
    ) -> Option<Result<T, SpawnError>> {
        let mut patience = self.spawner.patience();
        loop {
            let next_look = deadline.min(Instant::now() + patience);
            match tokio::time::timeout_at(next_look, &mut started).await {
                Ok(Ok(started)) => return Some(started),
                Ok(Err(_)) => return Some(Err(refused(SpawnStage::Prepare, "the daemon is about to end"))),
                Err(_) if Instant::now() >= deadline => return None,
                Err(_) => patience = self.spawner.relieve(),
            }
        }
    }
}

/// Kills the command's group when it is dropped before the command has ended. What left the group is killed when the
/// command is reaped.
struct Running {
    serial: Serial,
    ticket: Arc<Ticket>,
    spawner: Spawner,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.spawner.end_command(self.serial, &self.ticket);
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
        for _ in 0..READS {
            let Some(open) = stream else { return };
            match open.try_read(&mut buffer) {
                Ok(0) => *stream = None,
                Ok(length) => self.keep(buffer.get(..length).unwrap_or_default()),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => *stream = None,
            }
        }
    }

    /// The same without the runtime, which may not have heard yet that there is something.
    fn take_rest(&mut self, stream: &pipe::Receiver) {
        let mut buffer = [0; OUTPUT_BYTES];
        for _ in 0..READS {
            match rustix::io::read(stream, &mut buffer) {
                Ok(0) => return,
                Ok(length) => self.keep(buffer.get(..length).unwrap_or_default()),
                Err(rustix::io::Errno::INTR) => {}
                Err(_) => return,
            }
        }
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = OUTPUT_BYTES - self.bytes.len();
        self.bytes.extend_from_slice(bytes.get(..bytes.len().min(room)).unwrap_or_default());
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
