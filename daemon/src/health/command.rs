//! A command's exit code.

use std::time::Duration;

use ubmc_core::input::Exit;

use super::Finding;
use crate::process::{Command, Commands};

/// More characters of what a command says are left out.
const LONGEST_WORD: usize = 160;

pub(super) async fn ask(commands: &Commands, command: &str, expected: i32, timeout: Duration) -> Finding {
    let argv = ["sh", "-c", command].map(str::to_owned).to_vec();
    let end = commands.run(Command { argv, timeout }).await.map_err(|error| error.to_string())?;
    let said = last_word(&end.output);
    match end.exit {
        Some(Exit::Code(code)) if code == expected => Ok(format!("exit code {code}{said}")),
        Some(exit @ Exit::Code(_)) => Err(format!("{exit} instead of {expected}{said}")),
        Some(exit) => Err(format!("{exit}{said}")),
        None => Err(format!("killed because it did not end within {} s{said}", timeout.as_secs_f64())),
    }
}

/// Its last line, as the end of a sentence.
fn last_word(output: &str) -> String {
    let Some(line) = output.lines().map(str::trim).rfind(|line| !line.is_empty()) else { return String::new() };
    format!(": {}", line.chars().take(LONGEST_WORD).collect::<String>())
}
