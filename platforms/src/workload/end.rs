//! Workloads that end: in time, at random, or not when they are told.

use std::{
    hash::{BuildHasher, RandomState},
    process::ExitCode,
    thread,
    time::Duration,
};

use nix::sys::signal::{SigSet, Signal};

use super::{Options, complain, say};

pub(super) fn set_up(options: &Options) -> Result<ExitCode, String> {
    let time = options.seconds("--for")?.unwrap_or(Duration::from_secs(1));
    let code = options.number("--code", 0)?;
    let steps = ["host keys", "default users", "network"];
    for (number, step) in (1..).zip(steps) {
        tell(&format!("step {number} of {}: {step}", steps.len()))?;
        thread::sleep(time / 3);
    }
    tell("done")?;
    Ok(ExitCode::from(code))
}

pub(super) fn crash(options: &Options) -> Result<ExitCode, String> {
    let mean = options.seconds("--mean")?.unwrap_or(Duration::from_secs(30));
    let code = options.number("--code", 1)?;
    // Exponential: the past says nothing about when the next crash comes, as with most real ones.
    let random = RandomState::new().hash_one(std::process::id()) >> 11;
    let uniform = (random as f64 + 1.0) / (1_u64 << 53) as f64;
    let time = mean.mul_f64(-uniform.ln());
    tell(&format!("serving, mean time between failures {} s", mean.as_secs_f64()))?;
    thread::sleep(time);
    complain(&format!("fatal: session table corrupted after {:.1} s", time.as_secs_f64()));
    Ok(ExitCode::from(code))
}

pub(super) fn exit(options: &Options) -> Result<ExitCode, String> {
    let code = options.number("--code", 0)?;
    thread::sleep(options.seconds("--after")?.unwrap_or_default());
    Ok(ExitCode::from(code))
}

pub(super) fn sleep(options: &Options) -> Result<ExitCode, String> {
    match options.seconds("--for")? {
        Some(time) => thread::sleep(time),
        None => for_ever(),
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn resist(_: &Options) -> Result<ExitCode, String> {
    let mut polite = SigSet::empty();
    polite.add(Signal::SIGTERM);
    polite.add(Signal::SIGINT);
    polite.add(Signal::SIGHUP);
    polite.thread_block().map_err(|error| format!("cannot block signals: {error}"))?;
    tell("up, and here to stay")?;
    loop {
        let signal = polite.wait().map_err(|error| format!("cannot wait for signals: {error}"))?;
        tell(&format!("{signal}: sessions are open, not now"))?;
    }
}

pub(super) fn for_ever() {
    loop {
        thread::sleep(Duration::from_secs(3600));
    }
}

/// A workload whose output nobody takes any more ends.
fn tell(line: &str) -> Result<(), String> {
    say(line).map_err(|error| format!("nobody listens: {error}"))
}
