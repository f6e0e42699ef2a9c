//! Workloads that leave something behind: a grandchild in a session of its own, whose parent ends at once. Neither a
//! signal to the process group nor the end of its parents reaches it, and it holds the output pipe open.

use std::{
    env,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use super::{Options, complain, end, say};

/// First argument of the processes in between; not for people.
pub(super) const GRANDCHILD: &str = "grandchild";

pub(super) fn leave_one(options: &Options) -> Result<ExitCode, String> {
    leave(options.seconds("--for")?)?;
    if options.number("--leave", 0_u8)? == 0 {
        end::for_ever();
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn leave_many(options: &Options) -> Result<ExitCode, String> {
    let children: u32 = options.number("--children", 5)?;
    let time = options.seconds("--for")?;
    for _ in 0..children.min(64) {
        leave(time)?;
    }
    end::for_ever();
    Ok(ExitCode::SUCCESS)
}

fn leave(time: Option<Duration>) -> Result<(), String> {
    let between = spawn("between", time)?.wait().map_err(|error| format!("cannot wait for a child: {error}"))?;
    if between.success() { Ok(()) } else { Err(format!("the child in between ended with {between}")) }
}

fn spawn(stage: &str, time: Option<Duration>) -> Result<std::process::Child, String> {
    let program = env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let mut command = Command::new(program);
    command.args([GRANDCHILD, stage]).stdin(Stdio::null());
    if let Some(time) = time {
        command.arg(time.as_secs_f64().to_string());
    }
    command.spawn().map_err(|error| format!("cannot start a child: {error}"))
}

/// The child in between, which only starts the grandchild; or the grandchild.
pub(super) fn be_grandchild(mut args: impl Iterator<Item = String>) -> ExitCode {
    let stage = args.next();
    let time = args.next().and_then(|text| text.parse().ok()).map(Duration::from_secs_f64);
    match (stage.as_deref(), time) {
        (Some("between"), time) => match spawn("last", time) {
            Ok(_) => ExitCode::SUCCESS,
            Err(text) => {
                complain(&text);
                ExitCode::FAILURE
            }
        },
        (Some("last"), time) => {
            // Fails only for a session leader, which is what is wanted.
            let _ = rustix::process::setsid();
            if say(&format!("orphan {}", std::process::id())).is_err() {
                return ExitCode::FAILURE;
            }
            match time {
                Some(time) => std::thread::sleep(time),
                None => end::for_ever(),
            }
            ExitCode::SUCCESS
        }
        (_, _) => ExitCode::from(64),
    }
}
