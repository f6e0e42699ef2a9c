//! The simulated board without the daemon: for trying out consoles, and for tests of boards that outlive their starter.

use std::{env, ffi::OsString, path::PathBuf, process::ExitCode, time::Duration};

use ubmc_platforms::sim::{SimConfig, client, process};

const USAGE: &str = "usage: ubmc-sim-board run --dir DIR [--config JSON]   in the foreground, until TERM
       ubmc-sim-board start DIR [JSON]               in the background; prints its process id
       ubmc-sim-board stop DIR";

fn main() -> ExitCode {
    let mut args = env::args_os().skip(1);
    let verb = args.next().unwrap_or_default();
    let rest: Vec<OsString> = args.collect();
    match (verb.to_str(), rest.as_slice()) {
        (Some("run"), _) => process::main(rest),
        (Some("start"), [dir]) => start(dir.into(), SimConfig::default()),
        (Some("start"), [dir, json]) => match serde_json::from_slice(json.as_encoded_bytes()) {
            Ok(config) => start(dir.into(), config),
            Err(error) => fail(78, &error),
        },
        (Some("stop"), [dir]) => match client::unplug(dir.as_ref()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => fail(1, &error),
        },
        (Some("--help"), _) => {
            println!("{USAGE}");
            ExitCode::SUCCESS
        }
        _ => fail(64, &USAGE),
    }
}

fn start(dir: PathBuf, config: SimConfig) -> ExitCode {
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return fail(70, &error),
    };
    let command = vec![program.into(), "run".into()];
    match client::ensure(&client::Launch { dir, config, command, timeout: Duration::from_secs(10) }) {
        Ok(launched) => {
            println!("{}", launched.pid());
            ExitCode::SUCCESS
        }
        Err(error) => fail(1, &error),
    }
}

fn fail(code: u8, text: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("{text}");
    ExitCode::from(code)
}
