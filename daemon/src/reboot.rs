//! The reboot of the BMC: the last that ubmcd does.
//!
//! ```text
//! ubmcd ──exec──▶ ubmcd reboot ──runs──▶ reboot_command
//!   ▲                  │                      │ succeeds: the system has a minute to end us
//!   └──────exec────────┘◀─────────────────────┘ fails, or nothing comes of it
//! ```
//!
//! The command is run by an image of its own, whose signals are as everybody's: what reboots must be able to end it. A BMC
//! that is not rebooted gets its management back.

use std::{
    env,
    ffi::OsString,
    io::{self, Write},
    os::unix::process::CommandExt,
    process::{Command, ExitCode},
    thread,
    time::Duration,
};

/// How long the system may take to end us once its command has succeeded.
const PATIENCE: Duration = Duration::from_secs(60);
/// CONTRACT: internal.
const INTERNAL: u8 = 70;

/// Goes over to the image that runs `command` and then, should the BMC still be there, ubmcd as it was called. Returns only
/// when that is not possible.
pub fn by_command(command: &[String]) -> io::Error {
    let count = command.len().to_string();
    let words = command.iter().map(OsString::from);
    with_own_program(["reboot".into(), count.into()].into_iter().chain(words).chain(env::args_os().skip(1)))
}

/// Begins anew, as ubmcd was called. Returns only when that is not possible.
pub fn anew() -> io::Error {
    with_own_program(env::args_os().skip(1))
}

fn with_own_program(arguments: impl Iterator<Item = OsString>) -> io::Error {
    match env::current_exe() {
        Ok(program) => Command::new(program).args(arguments).exec(),
        Err(error) => error,
    }
}

/// What `ubmcd reboot COUNT COMMAND… ARGUMENTS…` does.
pub fn main(arguments: &[OsString]) -> ExitCode {
    let Some((words, rest)) = parted(arguments) else { return fails("`ubmcd reboot` is for ubmcd itself") };
    let Some((program, options)) = words.split_first() else { return fails("there is no command to reboot with") };
    let shown = words.iter().map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ");
    match Command::new(program).args(options).status() {
        Ok(status) if status.success() => {
            thread::sleep(PATIENCE);
            say(&format!("error: `{shown}` has succeeded, but the BMC still runs after {} s", PATIENCE.as_secs()));
        }
        Ok(status) => say(&format!("error: the BMC is not rebooted: `{shown}` ended with {status}")),
        Err(error) => say(&format!("error: the BMC is not rebooted: `{shown}`: {error}")),
    }
    fails(&with_own_program(rest.iter().cloned()).to_string())
}

/// The words of the command, and the arguments of ubmcd.
fn parted(arguments: &[OsString]) -> Option<(&[OsString], &[OsString])> {
    let (count, rest) = arguments.split_first()?;
    rest.split_at_checked(count.to_str()?.parse().ok()?)
}

fn fails(text: &str) -> ExitCode {
    say(&format!("error: {text}"));
    ExitCode::from(INTERNAL)
}

fn say(text: &str) {
    let _ = writeln!(io::stderr(), "{text}");
}
