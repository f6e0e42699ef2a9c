//! `ubmc-bench`: takes figures and prints them. `scripts/bench` builds what it needs.

use std::{path::PathBuf, process::ExitCode};

use clap::{Parser, ValueEnum};
use ubmc_tests::bench::{
    Bench, Failure, Wanted, console,
    figure::Figure,
    foreign::adopt_orphans,
    keeper, latency, list, machines, peers,
    plan::{Plan, Shape},
    product, reaction, standing, supervision,
    table::Table,
};

/// Takes figures of ubmc, beside a bare spawn loop and other supervisors. What else the machine did is in every figure.
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
    /// Which other supervisors take part: all, none, or names between commas
    #[arg(long, default_value = "all", value_parser = Wanted::parse, value_name = "NAMES")]
    peers: Wanted,
    /// Where other supervisors lie, beside PATH: programs are in its folder bin
    #[arg(long, env = "UBMC_PEERS", value_name = "DIR")]
    peers_folder: Option<PathBuf>,
    /// Set by the process that cleans up after this one
    #[arg(long, hide = true)]
    kept: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Everything below
    All,
    /// start, boot, restart, memory, idle, stop, list
    Supervision,
    /// Start of 100 and 1,000 services, of a chain of 100 and of ten layers of 50
    Start,
    /// From the launch of a supervisor to 100 and 1,000 services
    Boot,
    /// From a SIGKILL to the next life
    Restart,
    /// Stop of 500 services, independent and in ten layers
    Stop,
    /// ListServices while half of 1,000 services crash
    List,
    /// PSS with 0, 100 and 1,000 services
    Memory,
    /// CPU and wake-ups with 100 services while nothing happens
    Idle,
    /// From a reading to the fans, idle and under 200 calls a second
    Loop,
    /// From the death or hang of ubmcd to the fans' fail-safe
    Guardian,
    /// Operations through the core, verification, from an edge to a watcher
    Machines,
    /// Bytes that the console writes
    Console,
    /// Sizes of the binaries
    Sizes,
    /// Simulated worlds per second
    Worlds,
}

const SUPERVISION: [What; 7] =
    [What::Start, What::Boot, What::Restart, What::Memory, What::Idle, What::Stop, What::List];
const REST: [What; 6] = [What::Loop, What::Guardian, What::Machines, What::Console, What::Sizes, What::Worlds];

/// Shows a figure as soon as it is there.
struct Show {
    json: bool,
    measured: &'static str,
}

impl Show {
    fn figures(&mut self, figures: &[Figure]) {
        for figure in figures {
            self.show(figure.name, figure.measured, "", &figure.to_string(), &figure.json());
        }
    }

    fn tables(&mut self, tables: &[Table]) {
        for table in tables {
            self.show(table.name, table.measured, "\n", &table.to_string(), &table.json());
        }
    }

    fn show(&mut self, name: &str, measured: &'static str, gap: &str, text: &str, json: &serde_json::Value) {
        let mut text = format!("{gap}{text}");
        if measured != self.measured {
            // What several have in common is said before the first of them.
            self.measured = measured;
            text = format!("\n{name}: {measured}\n{text}");
        }
        if self.json {
            eprintln!("{text}");
            println!("{json}");
        } else {
            println!("{text}");
        }
    }
}

fn measure(what: What, bench: &Bench, show: &mut Show) -> Result<(), Failure> {
    match what {
        What::All => SUPERVISION.into_iter().chain(REST).try_for_each(|what| measure(what, bench, show))?,
        What::Supervision => SUPERVISION.into_iter().try_for_each(|what| measure(what, bench, show))?,
        What::Start => {
            let shapes =
                [(100, Shape::Independent), (1000, Shape::Independent), (100, Shape::Chain), (500, Shape::Layers(10))];
            for (count, shape) in shapes {
                show.tables(&[supervision::starts(bench, Plan::steady(count, shape))?]);
            }
        }
        What::Boot => {
            for count in [100, 1000] {
                show.tables(&[supervision::boots(bench, Plan::steady(count, Shape::Independent))?]);
            }
        }
        What::Stop => {
            for shape in [Shape::Independent, Shape::Layers(10)] {
                show.tables(&[supervision::stops(bench, Plan::steady(500, shape))?]);
            }
        }
        What::Restart => show.tables(&supervision::restarts(bench)?),
        What::Memory => show.tables(&standing::memory(bench)?),
        What::Idle => show.tables(&standing::idle(bench)?),
        What::List => show.figures(&[list::lists(bench)?]),
        What::Loop => show.figures(&latency::latencies(bench)?),
        What::Guardian => show.figures(&reaction::reactions(bench)?),
        What::Machines => show.figures(&machines::machines(bench)?),
        What::Console => show.figures(&console::consoles(bench)?),
        What::Sizes => show.figures(&[product::sizes(bench)?]),
        What::Worlds => show.figures(&product::worlds()?),
    }
    Ok(())
}

/// Who is there: a missing peer is said to be missing, before anything is measured.
fn introduce(bench: &Bench) {
    eprintln!("other supervisors:");
    for kind in peers::ALL {
        let state = match peers::missing(bench, kind) {
            _ if !bench.peers.wants(kind.name()) => "left out, as asked for".to_owned(),
            Some(reason) => reason,
            None => peers::version(bench, kind),
        };
        eprintln!("  {:12} {state}", kind.name());
    }
}

fn run(line: &CommandLine, rings: PathBuf) -> Result<(), Failure> {
    let bench = Bench {
        binaries: Bench::binaries()?,
        rings,
        peers_folder: line.peers_folder.clone(),
        peers: line.peers.clone(),
        runs: line.runs.into(),
    };
    let bench = bench.check()?;
    introduce(&bench);
    let mut show = Show { json: line.json, measured: "" };
    line.figures.iter().try_for_each(|what| measure(*what, &bench, &mut show))
}

fn main() -> ExitCode {
    let line = CommandLine::parse();
    let done = match line.kept.clone() {
        None => keeper::keep(),
        Some(rings) => {
            if cfg!(debug_assertions) {
                eprintln!("this is a debug build: its figures say nothing about the product");
            }
            adopt_orphans();
            keeper::unblock().and_then(|()| run(&line, rings)).map(|()| ExitCode::SUCCESS)
        }
    };
    done.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        ExitCode::FAILURE
    })
}
