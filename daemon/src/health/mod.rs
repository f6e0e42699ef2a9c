//! Asking services whether they are well: one question at a time, each within its time, so many at once.
//!
//! Whether a service *is* well after so many answers is the core's to say. Heartbeats are not asked for at all: they
//! come by themselves, through the notification socket or the API.

mod command;
mod connect;
mod file;
mod grpc;
mod http;
mod tcp;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::sync::Semaphore;
use ubmc_core::services::HealthCheck;

use crate::process::Commands;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// Whether it passed.
    pub passed: bool,
    /// What it found, one sentence.
    pub text: String,
    /// How long it took, waiting for its turn not included.
    pub took: Duration,
}

/// What was found: the good news or the bad.
type Finding = Result<String, String>;

/// Runs health checks, so many at a time; cheap to clone, usable from any task.
#[derive(Clone, Debug)]
pub struct Prober {
    commands: Commands,
    turns: Arc<Semaphore>,
}

impl Prober {
    /// Checks of the kind `command` are run with `commands`; more than `at_once` checks wait for their turn.
    pub fn new(commands: Commands, at_once: usize) -> Self {
        Self { commands, turns: Arc::new(Semaphore::new(at_once.max(1))) }
    }

    /// Asks once. Never takes longer than `timeout`, not counting the wait for its turn.
    pub async fn run(&self, check: &HealthCheck, timeout: Duration) -> Verdict {
        // Never closed, so there is always a turn.
        let _turn = self.turns.acquire().await;
        let started = Instant::now();
        let finding = match check {
            // It needs its time itself: what takes too long is killed.
            HealthCheck::Command { command, expected_exit_code } => {
                command::ask(&self.commands, command, *expected_exit_code, timeout).await
            }
            HealthCheck::Http { endpoint, expected_status, method } => {
                within(timeout, endpoint, http::ask(endpoint, method, *expected_status)).await
            }
            HealthCheck::Tcp { host, port } => within(timeout, &format!("{host}:{port}"), tcp::ask(host, *port)).await,
            HealthCheck::File { path, must_exist } => within(timeout, path, file::ask(path, *must_exist)).await,
            HealthCheck::Grpc { endpoint, service } => within(timeout, endpoint, grpc::ask(endpoint, service)).await,
            HealthCheck::Heartbeat => Err("heartbeats come by themselves; they cannot be asked for".to_owned()),
        };
        let took = started.elapsed();
        match finding {
            Ok(text) => Verdict { passed: true, text, took },
            Err(text) => Verdict { passed: false, text, took },
        }
    }
}

async fn within(timeout: Duration, whom: &str, question: impl Future<Output = Finding>) -> Finding {
    match tokio::time::timeout(timeout, question).await {
        Ok(finding) => finding,
        Err(_) => Err(format!("no answer from {whom} within {} s", timeout.as_secs_f64())),
    }
}

#[cfg(test)]
mod tests;
