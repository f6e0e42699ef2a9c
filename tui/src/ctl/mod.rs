//! `ubmcctl`: everything the API carries, for scripts and for people without the console.
//!
//! Code map:
//! - `cli`: the one clap definition; each area adds its own subcommands;
//! - `area`: one file per area of commands, each with its subcommands and what they do;
//! - `object`: what programs read as JSON, made from the wire's messages, and nowhere else;
//! - `output`: the one output layer: tables, pages, JSON, progress;
//! - `graph`: drawings of machines and dependencies as text, DOT and Mermaid;
//! - `session`, `follow`, `wait`, `progress`, `outcome`, `confirm`: the connection, streams that survive its loss,
//!   operations to their end, what is told of it on the way and then, and the question before something destructive;
//! - `shell`: the line shell: one command line after the other on one connection; `keyboard`: lines of standard input;
//! - `exit`: exit codes and the errors that lead to them; `manual`: completions and man pages.
//!
//! What holds: only `output` writes to the standard streams; only `object` turns wire messages into what is shown.

pub(crate) mod area;
pub(crate) mod cli;
mod confirm;
mod exit;
mod follow;
pub(crate) mod graph;
pub(crate) mod keyboard;
mod manual;
mod object;
mod outcome;
pub(crate) mod output;
mod progress;
mod session;
mod shell;
mod wait;

use std::ffi::OsString;

use clap::Parser;

use cli::{Cli, Command};
pub use exit::Exit;
use exit::Failure;
use session::Session;

/// Runs one command line, the program's name in front, to its end, and says how it ended.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> Exit {
    let cli = match Cli::try_parse_from(arguments) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version come as errors too, with their own stream; a closed stream changes neither.
            let _ = error.print();
            return if error.use_stderr() { Exit::Usage } else { Exit::Done };
        }
    };
    let mut session = Session::new(&cli.global);
    if matches!(cli.command, Command::Shell) {
        return shell::run(&cli.global, session);
    }
    drive(&mut session, cli.command).unwrap_or_else(|failure| {
        session.out.failure(&failure);
        failure.exit()
    })
}

/// Runs the only command of this process.
fn drive(session: &mut Session, command: Command) -> Result<Exit, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Failed(format!("cannot start: {error}")))?;
    let done = runtime.block_on(to_its_end(session, command));
    // A question may still be waiting for its answer on a thread of its own; nobody waits for it.
    runtime.shutdown_background();
    done
}

/// Runs the command until it ends or Ctrl-C comes.
async fn to_its_end(session: &mut Session, command: Command) -> Result<Exit, Failure> {
    let done = tokio::select! {
        // In this order: the command must not have said anything before Ctrl-C is listened for.
        biased;
        Ok(()) = tokio::signal::ctrl_c() => None,
        result = command.run(session) => Some(result),
    };
    match done {
        Some(result) => result.map(|()| Exit::Done),
        None => Ok(session.interrupted()),
    }
}
