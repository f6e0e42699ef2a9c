//! What the daemon costs by being there: memory, and work while nothing happens.

use std::time::Duration;

use super::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    contender::Contender,
    figure::{Figure, Number},
    foreign::Watch,
    plan::{Plan, Shape},
    ring::Ring,
    ubmcd::Ubmcd,
};

/// Until what a start needed has been given back, and every sensor has been read.
const SETTLE: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(20);
const PATIENCE: Duration = Duration::from_secs(120);

/// A daemon whose services all run, and nothing has happened for a while.
fn at_rest(bench: &Bench, board: Board, count: u32) -> Result<Ubmcd, Failure> {
    let (plan, ring) = (Plan::steady(count, Shape::Independent), Ring::create()?);
    let mut ubmcd = Ubmcd::launch(bench, board, &plan, &ring)?;
    // Without names it would start whatever starts by itself.
    if count > 0 {
        ubmcd.start()?;
        ring.await_lives(0, count as usize, PATIENCE)?;
        ubmcd.await_running()?;
    }
    pause(SETTLE);
    Ok(ubmcd)
}

/// Memory of the daemon with 0, 100 and 1,000 services.
pub fn memory(bench: &Bench) -> Result<Figure, Failure> {
    let watch = Watch::begin();
    let mut pss = Vec::new();
    for count in [0, 100, 1000] {
        let ubmcd = at_rest(bench, Board::Quiet, count)?;
        pss.push(ubmcd.process().pss()? as f64 / 1024.0);
    }
    let &[none, hundred, thousand] = pss.as_slice() else {
        return Err(Failure::Invalid("three counts give three figures".to_owned()));
    };
    Ok(Figure {
        name: "memory",
        case: String::new(),
        measured: "PSS (smaps_rollup) of ubmcd on sim-2u without its own processes, its gRPC server included, with 0, 100 \
                   and 1,000 silent services running, 5 s after the last start; a service costs the difference of the \
                   last two, by 900. The simulated board is hardware, and not counted.",
        numbers: vec![
            Number::one("none", none, "KiB"),
            Number::one("100", hundred, "KiB"),
            Number::one("1000", thousand, "KiB"),
            Number::one("each", (thousand - hundred) / 900.0, "KiB"),
        ],
        foreign: watch.end(),
    })
}

/// Work of the daemon with 100 services that do nothing.
pub fn idle(bench: &Bench, board: Board) -> Result<Figure, Failure> {
    let ubmcd = at_rest(bench, board, 100)?;
    let (watch, begun, before) = (Watch::begin(), Moment::now(), ubmcd.process().used()?);
    pause(IDLE);
    let after = ubmcd.process().used()?;
    let seconds = Moment::now().ms_since(begun) / 1000.0;
    Ok(Figure {
        name: "idle",
        case: match board {
            Board::WithoutHardware => "no hardware".to_owned(),
            Board::Quiet | Board::Full { .. } => "sim-2u".to_owned(),
        },
        measured: "CPU time (schedstat) and context switches of all threads of ubmcd over 20 s with 100 services that do \
                   nothing and no client asking; on sim-2u, whose thirty sensors are sampled and whose fans are driven, \
                   without its own processes, and on a board without hardware, where journal, inventory and api run.",
        numbers: vec![
            Number::one("cpu", (after.cpu_ns - before.cpu_ns) as f64 / 1000.0 / seconds, "µs/s"),
            Number::one("switches", (after.switches - before.switches) as f64 / seconds, "/s"),
            Number::one("threads", after.threads as f64, ""),
        ],
        foreign: watch.end(),
    })
}
