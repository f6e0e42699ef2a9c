//! Processes of every character, for demos and tests: `ubmc-workload --help`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ubmc_platforms::workload::main(std::env::args_os().skip(1))
}
