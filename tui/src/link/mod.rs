//! The gRPC side of the console: one task that keeps a session with the daemon, and begins another when it ends.
//!
//! ```text
//!   connecting ──▶ session: status, streams of everything, heartbeat, requests
//!       ▲                                   │ a stream breaks, or no answer to the heartbeat
//!       └──── back-off with jitter ◀────────┘
//! ```
//!
//! Events are resumed from the last number that reached the app. It decides nothing about the screen. Both its channels
//! are bounded: a console that cannot keep up makes the daemon drop and say so, it does not grow.

mod backoff;
mod clock;
mod deeds;
mod request;
mod session;

use std::time::Duration;

use tokio::sync::mpsc;
use ubmc_proto::transport::{Address, connect};

use crate::app::{Ask, LinkEvent, Token};
use crate::model::Refusal;
use backoff::Backoff;
pub use clock::Clock;
use session::{Memory, Session};

/// Commands that may wait to be taken.
const COMMANDS: usize = 64;
/// Pieces of news that may wait to be shown.
pub const NEWS: usize = 256;
/// How long an attempt to connect, or one answer, may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// A session that lasted this long was a good one: the back-off begins anew.
const GOOD_SESSION: Duration = Duration::from_secs(5);

/// What the console tells its link.
#[derive(Debug)]
pub enum Command {
    /// Send a request.
    Ask(Token, Ask),
    /// Follow the output of this service only; none: of no service.
    FollowLog(Option<String>),
    /// Do not wait any longer for the next attempt; begin a new session if there is one.
    Reconnect,
}

/// A command that was not taken, and the request that it was, if any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotTaken(pub Option<Token>);

/// The handle of a running link. The link ends with it.
#[derive(Debug)]
pub struct Link {
    commands: mpsc::Sender<Command>,
    task: tokio::task::JoinHandle<()>,
}

impl Link {
    /// Starts keeping a session with the daemon at `address`. What it brings goes into `events`.
    pub fn start(address: Address, clock: Clock, events: mpsc::Sender<LinkEvent>) -> Self {
        let (commands, receiver) = mpsc::channel(COMMANDS);
        let task = tokio::spawn(keep(address, clock, receiver, events));
        Self { commands, task }
    }

    /// Passes a command on.
    ///
    /// # Errors
    /// So many wait already that this one was not taken.
    pub fn command(&self, command: Command) -> Result<(), NotTaken> {
        let token = if let Command::Ask(token, _) = &command { Some(*token) } else { None };
        self.commands.try_send(command).map_err(|_| NotTaken(token))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn keep(address: Address, clock: Clock, mut commands: mpsc::Receiver<Command>, events: mpsc::Sender<LinkEvent>) {
    let mut backoff = Backoff::default();
    let mut memory = Memory::default();
    loop {
        if events.send(LinkEvent::Connecting).await.is_err() {
            return;
        }
        let (reason, lasted) = match connect(&address, PATIENCE).await {
            Ok(channel) => Session::new(channel, clock, events.clone()).run(&mut memory, &mut commands).await,
            Err(error) => (error.to_string(), 0.0),
        };
        if lasted >= GOOD_SESSION.as_secs_f64() {
            backoff.reset();
        }
        let wait = backoff.next();
        if events.send(LinkEvent::Down { reason, retry_in_s: wait.as_secs_f64() }).await.is_err() {
            return;
        }
        if !idle(wait, &mut commands, &events).await {
            return;
        }
    }
}

/// Waits for the next attempt; requests are answered that there is no connection. False when the console has gone.
async fn idle(wait: Duration, commands: &mut mpsc::Receiver<Command>, events: &mpsc::Sender<LinkEvent>) -> bool {
    let due = tokio::time::Instant::now() + wait;
    loop {
        tokio::select! {
            () = tokio::time::sleep_until(due) => return true,
            command = commands.recv() => match command {
                None => return false,
                Some(Command::Reconnect) => return true,
                // The app asks again when the link is up.
                Some(Command::FollowLog(_)) => {}
                Some(Command::Ask(token, _)) => {
                    let refusal = Refusal {
                        code: "no connection".to_owned(),
                        message: "there is no connection to ubmcd".to_owned(),
                        conditions: Vec::new(),
                    };
                    if events.send(LinkEvent::Answer { token, result: Err(refusal) }).await.is_err() {
                        return false;
                    }
                }
            }
        }
    }
}
