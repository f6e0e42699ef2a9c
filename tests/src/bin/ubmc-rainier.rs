//! `ubmc-rainier`: the emulated board and the bench around it, for people. `scripts/board` prepares what it needs.

use std::{
    error::Error,
    fs,
    path::PathBuf,
    process::ExitCode,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use clap::{Parser, Subcommand, ValueEnum};
use nix::sys::signal::{SigSet, Signal};
use ubmc_tests::rainier::{
    agent::Agent,
    attach::attach,
    bench::Bench,
    emulator::{Boot, Emulator, Image, Run},
    remote,
};

/// The emulated Rainier, and the bench around it. `scripts/board` builds what it boots.
#[derive(Debug, Parser)]
struct CommandLine {
    /// Where sockets and logs of the run lie
    #[arg(long, value_name = "DIR")]
    run: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Boot the board, and play its surroundings until it ends or somebody ends this
    Boot {
        /// What `scripts/board image` has packed
        #[arg(long, value_name = "DIR")]
        image: PathBuf,
        /// Start ubmcd for another board than rainier
        #[arg(long, value_name = "NAME")]
        board: Option<String>,
        /// A kernel module that is not loaded at the start; may be given again and again
        #[arg(long, value_name = "MODULE")]
        late: Vec<String>,
        /// The kind of terminal at the console's other end
        #[arg(long, env = "TERM", value_name = "TERM")]
        terminal: Option<String>,
    },
    /// Wait until the board answers
    Wait {
        /// For how long, in seconds
        #[arg(long, default_value_t = 180, value_name = "SECONDS")]
        limit: u64,
    },
    /// Join this terminal and a serial line of the board; Ctrl-] leaves
    Attach {
        #[arg(value_enum)]
        line: Line,
    },
    /// Run a shell command on the board
    Run {
        /// Its limit, in seconds
        #[arg(long, default_value_t = 60, value_name = "SECONDS")]
        limit: u64,
        #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "COMMAND")]
        words: Vec<String>,
    },
    /// Ask the bench for something
    #[command(external_subcommand)]
    Bench(Vec<String>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Line {
    /// The console UART, ttyS4
    Console,
    /// A shell
    Shell,
}

/// Somebody wants the board to end.
static ASKED: AtomicBool = AtomicBool::new(false);

fn main() -> ExitCode {
    let line = CommandLine::parse();
    match act(&Run::at(&line.run), line.command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn act(run: &Run, command: Command) -> Result<ExitCode, Box<dyn Error>> {
    match command {
        Command::Boot { image, board, late, terminal } => {
            let emulator = Emulator::start(&Image::at(&image)?, run, &Boot { board, late, terminal })?;
            boot(emulator, run)
        }
        Command::Wait { limit } => wait(run, Duration::from_secs(limit)),
        Command::Attach { line } => {
            let (socket, tty) = match line {
                Line::Console => (run.console(), "ttyS4"),
                Line::Shell => (run.shell(), "ttyS2"),
            };
            attach(run, &socket, tty).map_err(|error| format!("{}: {error}", socket.display()))?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Run { limit, words } => {
            let mut agent = Agent::connect(&run.agent()).map_err(|error| format!("no board answers: {error}"))?;
            let done = agent.run(&words.join(" "), Duration::from_secs(limit))?;
            print!("{}", done.out);
            eprint!("{}", done.err);
            Ok(ExitCode::from(u8::try_from(done.code).unwrap_or(1)))
        }
        Command::Bench(words) => {
            print!("{}", remote::ask(run, &words)?);
            Ok(ExitCode::SUCCESS)
        }
    }
}

fn boot(mut emulator: Emulator, run: &Run) -> Result<ExitCode, Box<dyn Error>> {
    // After the emulator was started: it must not inherit what is blocked here.
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGTERM);
    signals.add(Signal::SIGINT);
    signals.thread_block()?;
    std::thread::spawn(move || {
        let _ = signals.wait();
        ASKED.store(true, Ordering::Relaxed);
    });
    let bench = Bench::start(run)?;
    fs::write(run.bench_pid(), format!("{}\n", std::process::id()))?;
    println!("the board starts; its bench listens in {}", run.folder().display());
    let why = remote::serve(&bench, run, || {
        if ASKED.load(Ordering::Relaxed) {
            return Some("somebody asked for it".to_owned());
        }
        emulator.ended().map(|status| format!("the emulator ended by itself ({status})"))
    })?;
    let _ = fs::remove_file(run.bench_pid());
    println!("power cut: {why}");
    Ok(ExitCode::SUCCESS)
}

/// The board answers as soon as its first process has set up the line.
fn wait(run: &Run, limit: Duration) -> Result<ExitCode, Box<dyn Error>> {
    match Agent::await_board(&run.agent(), limit) {
        Ok(_) => Ok(ExitCode::SUCCESS),
        Err(error) => Err(format!("{error}; see {}", run.kernel_log().display()).into()),
    }
}
