//! `ubmc-bench`: takes figures and prints them. `scripts/bench` builds what it needs.

use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use ubmc_tests::bench::{
    Bench, Failure,
    board::Board,
    console,
    figure::Figure,
    foreign::adopt_orphans,
    plan::{Plan, Shape},
    product, standing, supervision,
};

/// Takes figures of ubmc. One line each; times and counts of what else the machine did are in every line.
#[derive(Debug, Parser)]
struct CommandLine {
    /// What to measure
    #[arg(value_enum, required = true, value_name = "FIGURE")]
    figures: Vec<What>,
    /// One JSON object a figure on stdout; the readable lines go to stderr
    #[arg(long)]
    json: bool,
    /// How often what is run several times is run
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u8).range(1..), value_name = "N")]
    runs: u8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Everything below
    All,
    /// start, restart, stop, list, memory, idle
    Supervision,
    /// Start of 100 and 1,000 services and of a chain of 100, beside a bare spawn loop
    Start,
    /// From a SIGKILL to the next life
    Restart,
    /// Ordered stop of 500 services
    Stop,
    /// ListServices while half of 1,000 services crash
    List,
    /// PSS with 0, 100 and 1,000 services
    Memory,
    /// CPU and context switches while nothing happens
    Idle,
    /// Bytes that the console writes
    Console,
    /// Sizes of the binaries
    Sizes,
    /// Simulated worlds per second
    Worlds,
}

const SUPERVISION: [What; 6] = [What::Start, What::Restart, What::Stop, What::List, What::Memory, What::Idle];
const REST: [What; 3] = [What::Console, What::Sizes, What::Worlds];

/// Shows a figure as soon as it is there.
struct Show {
    json: bool,
    measured: &'static str,
}

impl Show {
    fn figure(&mut self, figure: &Figure) {
        let mut text = figure.to_string();
        if figure.measured != self.measured {
            // What several lines have in common is said before the first of them.
            self.measured = figure.measured;
            text = format!("\n{}: {}\n{text}", figure.name, figure.measured);
        }
        if self.json {
            eprintln!("{text}");
            println!("{}", figure.json());
        } else {
            println!("{text}");
        }
    }
}

fn measure(what: What, bench: &Bench, show: &mut Show) -> Result<(), Failure> {
    let figures = match what {
        What::All => return SUPERVISION.into_iter().chain(REST).try_for_each(|what| measure(what, bench, show)),
        What::Supervision => return SUPERVISION.into_iter().try_for_each(|what| measure(what, bench, show)),
        What::Start => {
            for (count, shape) in [(100, Shape::Independent), (1000, Shape::Independent), (100, Shape::Chain)] {
                show.figure(&supervision::starts(bench, Plan::steady(count, shape))?);
            }
            return Ok(());
        }
        What::Stop => {
            for shape in [Shape::Independent, Shape::Layers(10)] {
                show.figure(&supervision::stops(bench, Plan::steady(500, shape))?);
            }
            return Ok(());
        }
        What::Idle => {
            for board in [Board::Quiet, Board::WithoutHardware] {
                show.figure(&standing::idle(bench, board)?);
            }
            return Ok(());
        }
        What::Restart => vec![supervision::restarts(bench)?],
        What::List => vec![supervision::lists(bench)?],
        What::Memory => vec![standing::memory(bench)?],
        What::Console => console::consoles(bench)?,
        What::Sizes => vec![product::sizes(bench)?],
        What::Worlds => product::worlds()?,
    };
    for figure in &figures {
        show.figure(figure);
    }
    Ok(())
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    if cfg!(debug_assertions) {
        eprintln!("this is a debug build: its figures say nothing about the product");
    }
    adopt_orphans();
    let mut show = Show { json: line.json, measured: "" };
    let done = Bench::of_this_build(line.runs.into())
        .and_then(|bench| line.figures.iter().try_for_each(|what| measure(*what, &bench, &mut show)));
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
