//! `ubmcd`: wires the command line to the daemon.

use std::{
    io::{self, Write},
    panic,
    process::ExitCode,
};

use clap::{CommandFactory, Parser};
use ubmc_platforms::linux::probe::Machine;
use ubmcd::{
    args::{Command, CommandLine},
    guardian, launch, reboot,
};

/// CONTRACT: usage.
const USAGE: u8 = 64;
/// CONTRACT: internal.
const INTERNAL: u8 = 70;

fn main() -> ExitCode {
    let line = match CommandLine::try_parse() {
        Ok(line) => line,
        Err(answer) => {
            // Help and version come this way as well; nobody to read them is no failure.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match line.command {
        Some(Command::Guardian { args }) => guardian::main(args),
        Some(Command::Reboot { args }) => reboot::main(&args),
        Some(Command::SimBoard { args }) => ubmc_platforms::sim::process::main(args),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut CommandLine::command(), "ubmcd", &mut script);
            print(&script)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            match clap_mangen::Man::new(CommandLine::command()).render(&mut page) {
                Ok(()) => print(&page),
                Err(_) => ExitCode::from(INTERNAL),
            }
        }
        None if line.run.probe => print(Machine::survey(&line.run.sysfs).to_string().as_bytes()),
        None if line.run.probe_board => print(Machine::survey(&line.run.sysfs).draft().as_bytes()),
        // The panic has said what is wrong; what is left is the code that scripts expect.
        None => panic::catch_unwind(|| launch::main(&line.run)).unwrap_or(ExitCode::from(INTERNAL)),
    }
}

/// A reader that has seen enough (`| head`) is no failure.
fn print(bytes: &[u8]) -> ExitCode {
    match io::stdout().write_all(bytes) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => ExitCode::from(INTERNAL),
        Ok(()) | Err(_) => ExitCode::SUCCESS,
    }
}
