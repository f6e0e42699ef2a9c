//! Commands that are run and waited for, and belong to no service: health checks.

use std::time::Duration;

use ubmc_core::input::{Exit, SpawnError, SpawnStage};

/// Runs commands; cheap to clone, usable from any thread.
#[derive(Clone, Debug, Default)]
pub struct Commands {}

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
    /// Runs a command to its end.
    pub async fn run(&self, command: Command) -> Result<CommandEnd, SpawnError> {
        let _ = command;
        std::future::ready(()).await;
        Err(SpawnError { stage: SpawnStage::Prepare, errno: 0, text: "not built yet".to_owned() })
    }
}
