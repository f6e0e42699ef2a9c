//! From a reading to the fans: how long ubmcd's loop takes, with nobody asking and with a client that asks a lot.

use std::time::Duration;

use ubmc_platforms::sim::client::{Launch, ensure, unplug};

use super::{
    Bench, Failure,
    board::{Board, QUICK_CURVE, QUICK_SENSOR},
    clock::{Moment, pause},
    contender::Contender,
    figure::{Figure, Number},
    foreign::Watch,
    load::Load,
    plan::{Plan, Shape},
    relay::{Probe, Relay, Turn},
    ring::Ring,
    spread::Spread,
    ubmcd::Ubmcd,
};

/// Calls in a second, where somebody asks.
const CALLS: u32 = 200;
/// For each case: some 800 readings.
const MEASURED: Duration = Duration::from_secs(40);
/// Until the fail-safe of the start is over, and fans are under control.
const SETTLE: Duration = Duration::from_secs(5);
/// Of the shipped board.
const FANS: usize = 6;

/// How long from a reading to the fans' chip, idle and under load.
pub fn latencies(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let ring = Ring::create(&bench.rings)?;
    let folder = tempfile::tempdir().map_err(Failure::io("no folder for a board"))?;
    let launch = Launch {
        dir: folder.path().join("board"),
        config: Board::Quick.machine()?,
        command: vec![bench.binary("ubmc-sim-board").into(), "run".into()],
        timeout: Duration::from_secs(10),
    };
    let failed =
        |error: ubmc_platforms::sim::client::ClientError| Failure::Never(format!("a simulated board: {error}"));
    ensure(&launch).map_err(failed)?;
    let probe = Probe { sensor: QUICK_SENSOR, curve: QUICK_CURVE, fans: FANS };
    let plan = Plan::steady(0, Shape::Independent);
    let between = |hardware: &std::path::Path| Relay::start(hardware, &launch.dir, probe);
    let (ubmcd, relay) = Ubmcd::launch_after(bench, Board::Quick, &plan, &ring, between)?;
    pause(SETTLE);
    let idle = measure(&ubmcd, &relay, "idle", None)?;
    let load = Load::begin(&ubmcd.endpoint(), CALLS)?;
    pause(Duration::from_secs(1));
    let loaded = measure(&ubmcd, &relay, "200 calls/s", Some(&load))?;
    drop(load);
    drop(ubmcd);
    unplug(&launch.dir).map_err(failed)?;
    Ok(vec![idle, loaded])
}

fn measure(ubmcd: &Ubmcd, relay: &Relay, case: &str, load: Option<&Load>) -> Result<Figure, Failure> {
    let cpu = || -> Result<u64, Failure> {
        ubmcd.managers(&[]).into_iter().map(|process| Ok(process.used()?.cpu_ns)).sum::<Result<u64, _>>()
    };
    relay.take();
    let used = cpu()?;
    let (watch, begun, before) = (Watch::begin(), Moment::now(), load.map(Load::count));
    pause(MEASURED);
    let seconds = Moment::now().ms_since(begun) / 1000.0;
    let (foreign, turns) = (watch.end(), relay.take());
    let used = cpu()?.saturating_sub(used) as f64 / 1e9 / seconds * 100.0;
    let first = Spread::of(turns.iter().filter_map(Turn::begun_ms).collect());
    let last = Spread::of(turns.iter().filter_map(Turn::done_ms).collect());
    if last.count() < turns.len() / 2 || last.count() < 100 {
        let text = format!("{} of {} readings reached all fans", last.count(), turns.len());
        return Err(Failure::Invalid(text));
    }
    let mut numbers = Vec::new();
    for (what, spread) in [("first fan told", &first), ("last fan has it", &last)] {
        for (rank, value) in [("p50", spread.percentile(50)), ("p99", spread.percentile(99)), ("max", spread.max())] {
            numbers.push(Number::one(format!("{what} {rank}"), value, "ms"));
        }
    }
    numbers.push(Number::one("readings", last.count() as f64, ""));
    // A newer duty takes the place of one that still waits, so a fan may skip a reading.
    numbers.push(Number::one("overtaken", (turns.len() - last.count()) as f64, ""));
    numbers.push(Number::one("ubmcd and its guardian", used, "% of a CPU"));
    if let (Some(load), Some(before)) = (load, before) {
        let now = load.count();
        numbers.push(Number::one("calls", (now.answered - before.answered) as f64 / seconds, "/s"));
        numbers.push(Number::one("calls failed", (now.failed - before.failed) as f64, ""));
    }
    Ok(Figure {
        name: "loop",
        case: case.to_owned(),
        measured: "From the moment at which the simulated board gives a temperature away until its fan chip is told the first \
                   fan's duty that comes of it, and until it has taken the last one's of six; twenty readings a second, \
                   each asking for another duty, thirty sensors in all, over 40 s. Both ways over the board's socket and \
                   a relay that takes the times are in it. Calls: status, services, sensors, zones, machines and fans in \
                   turn, sent at their times whether or not older ones have been answered.",
        numbers,
        foreign,
    })
}
