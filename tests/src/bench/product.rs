//! Figures of the product as it is built: how big it is, and how fast its core can be tried.

use std::fs;

use super::{
    Bench, Failure,
    clock::Moment,
    figure::{Figure, Number},
    foreign::Watch,
};
use crate::world::{Violation, hardware, run_all, services};

/// Sizes of the stripped binaries.
pub fn sizes(bench: &Bench) -> Result<Figure, Failure> {
    let watch = Watch::begin();
    let mut numbers = Vec::new();
    for name in ["ubmcd", "ubmc-tui", "ubmcctl"] {
        let file = fs::metadata(bench.binary(name)).map_err(Failure::io(format!("{name} cannot be looked at")))?;
        numbers.push(Number::one(name, file.len() as f64 / 1024.0, "KiB"));
    }
    Ok(Figure {
        name: "sizes",
        case: String::new(),
        measured: "Size of the files that `cargo build --release` makes, stripped.",
        numbers,
        foreign: watch.end(),
    })
}

/// Simulated worlds per second, on all CPUs.
pub fn worlds() -> Result<Vec<Figure>, Failure> {
    Ok(vec![rate("services", 5000, services::run)?, rate("hardware", 200, hardware::run)?])
}

fn rate(case: &str, worlds: u64, world: impl Fn(u64) -> Result<u64, Violation> + Sync) -> Result<Figure, Failure> {
    let (watch, begun) = (Watch::begin(), Moment::now());
    let steps = run_all(0..worlds, world).map_err(|violation| Failure::Invalid(violation.to_string()))?;
    let seconds = Moment::now().ms_since(begun) / 1000.0;
    Ok(Figure {
        name: "worlds",
        case: case.to_owned(),
        measured: "Simulated worlds per second, with all their invariants checked after every step, on as many threads as \
                   there are CPUs, built for release; a step is one input to the core.",
        numbers: vec![
            Number::one("worlds", worlds as f64 / seconds, "/s"),
            Number::one("steps", steps as f64 / seconds, "/s"),
            Number::one("steps per world", steps as f64 / worlds as f64, ""),
        ],
        foreign: watch.end(),
    })
}
