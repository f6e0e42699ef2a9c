//! The command line of ubmc.

use std::process::ExitCode;

fn main() -> ExitCode {
    ubmc_tui::ctl::run(std::env::args_os()).into()
}
