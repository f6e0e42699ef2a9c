//! Start, restart, stop: every contender's, in one run. And what a client sees while half of everything crashes.

use std::{collections::BTreeMap, os::fd::OwnedFd, time::Duration};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    process::{Pid, PidfdFlags, pidfd_open},
};

use super::{
    Bench, Failure,
    bare::Bare,
    board::Board,
    clock::{Moment, pause},
    contender::Contender,
    figure::{Figure, Number},
    foreign::Watch,
    plan::{Character, Plan, Shape},
    ring::{Mark, Ring},
    spread::Spread,
    ubmcd::Ubmcd,
};

/// How long a contender may take for a start or a stop.
const PATIENCE: Duration = Duration::from_secs(120);
/// Lets what one run left behind come to rest before the next.
const REST: Duration = Duration::from_millis(300);
const KILLS: u32 = 200;
const LISTS: usize = 200;

type Lives = BTreeMap<u32, Mark>;

/// Everybody who takes part; who joins here takes part in every figure.
fn contenders(bench: &Bench, plan: &Plan, ring: &Ring) -> Result<Vec<Box<dyn Contender>>, Failure> {
    Ok(vec![Box::new(Bare::new(bench, plan, ring)?), Box::new(Ubmcd::launch(bench, Board::Quiet, plan, ring)?)])
}

/// Starts everything and waits for the last first instruction.
fn start(contender: &mut dyn Contender, plan: &Plan, ring: &Ring) -> Result<(f64, Lives), Failure> {
    let first = ring.count()?;
    let begun = contender.start()?;
    let lives = ring.await_lives(first, plan.count as usize, PATIENCE)?;
    let last = lives.values().map(|life| life.at).max().unwrap_or(begun);
    Ok((last.ms_since(begun), lives))
}

/// Stops everything and waits for the last end.
fn stop(contender: &mut dyn Contender, lives: &Lives) -> Result<f64, Failure> {
    let failed = || Failure::os("a service cannot be watched");
    let watched: Vec<OwnedFd> = lives
        .values()
        .filter_map(|life| Pid::from_raw(life.pid))
        .map(|pid| pidfd_open(pid, PidfdFlags::empty()).map_err(failed()))
        .collect::<Result<_, _>>()?;
    let begun = contender.stop()?;
    let patience = Timespec { tv_sec: PATIENCE.as_secs().cast_signed(), tv_nsec: 0 };
    for pidfd in &watched {
        // Readable once the process has ended; whoever ended before does not make us wait.
        if poll(&mut [PollFd::new(pidfd, PollFlags::IN)], Some(&patience)).map_err(failed())? == 0 {
            return Err(Failure::Never("all services end".to_owned()));
        }
    }
    let ended = Moment::now();
    contender.settle()?;
    Ok(ended.ms_since(begun))
}

/// Runs of each contender, and of each pair the ratio to the first contender.
struct Table {
    runs: Vec<(&'static str, Vec<f64>)>,
}

impl Table {
    fn new(contenders: &[Box<dyn Contender>]) -> Self {
        Self { runs: contenders.iter().map(|contender| (contender.name(), Vec::new())).collect() }
    }

    fn numbers(&self) -> Vec<Number> {
        let mut numbers: Vec<_> =
            self.runs.iter().map(|(name, runs)| Number::runs(*name, &Spread::of(runs.clone()), "ms")).collect();
        let mut runs = self.runs.iter();
        if let (Some((_, floor)), Some((_, ours))) = (runs.next(), runs.next()) {
            // Of neighbours in time: what the machine did meanwhile hit both alike.
            let ratios = ours.iter().zip(floor).map(|(ours, floor)| ours / floor).collect();
            numbers.push(Number::runs("ratio", &Spread::of(ratios), ""));
        }
        numbers
    }
}

/// From the request to the last service's first instruction.
pub fn starts(bench: &Bench, plan: Plan) -> Result<Figure, Failure> {
    let ring = Ring::create()?;
    let mut contenders = contenders(bench, &plan, &ring)?;
    let mut table = Table::new(&contenders);
    let mut early = vec![0; contenders.len()];
    let watch = Watch::begin();
    for _ in 0..bench.runs {
        for ((contender, (_, runs)), early) in contenders.iter_mut().zip(&mut table.runs).zip(&mut early) {
            let (took, lives) = start(contender.as_mut(), &plan, &ring)?;
            runs.push(took);
            *early += plan.early(&lives);
            stop(contender.as_mut(), &lives)?;
            pause(REST);
        }
    }
    let mut numbers = table.numbers();
    if plan.shape != Shape::Independent {
        for (contender, early) in contenders.iter().zip(early) {
            numbers.push(Number::one(format!("{} overtaken", contender.name()), early as f64, ""));
        }
    }
    Ok(Figure {
        name: "start",
        case: plan.to_string(),
        measured: "Time until the first instruction of the last service, since just before one StartServices for all of \
                   them over gRPC (ubmcd, on sim-2u without its own processes) or the first call of a posix_spawn loop \
                   (bare). Contenders take turns; median (least–most); ratio: of the runs side by side. A service is \
                   ready once its image runs; overtaken: those, of all runs, that then got a CPU after one that needs them.",
        numbers,
        foreign: watch.end(),
    })
}

/// From the request to the last service's end.
pub fn stops(bench: &Bench, plan: Plan) -> Result<Figure, Failure> {
    let ring = Ring::create()?;
    let mut contenders = contenders(bench, &plan, &ring)?;
    let mut table = Table::new(&contenders);
    let watch = Watch::begin();
    for _ in 0..bench.runs {
        for (contender, (_, runs)) in contenders.iter_mut().zip(&mut table.runs) {
            let (_, lives) = start(contender.as_mut(), &plan, &ring)?;
            pause(REST);
            runs.push(stop(contender.as_mut(), &lives)?);
            pause(REST);
        }
    }
    Ok(Figure {
        name: "stop",
        case: plan.to_string(),
        measured: "Time until the last service has ended, since just before one StopServices for all of them over gRPC \
                   (ubmcd; dependents end before what they need) or the first call of a loop that sends SIGTERM in \
                   reverse order and waits for nobody (bare).",
        numbers: table.numbers(),
        foreign: watch.end(),
    })
}

/// From a SIGKILL to the first instruction of the next life.
pub fn restarts(bench: &Bench) -> Result<Figure, Failure> {
    let plan = Plan::steady(100, Shape::Independent);
    let ring = Ring::create()?;
    let mut contenders = contenders(bench, &plan, &ring)?;
    let mut lives = Vec::new();
    for contender in &mut contenders {
        lives.push(start(contender.as_mut(), &plan, &ring)?.1);
    }
    pause(REST);
    let mut took = vec![Vec::new(); contenders.len()];
    let watch = Watch::begin();
    for kill in 0..KILLS {
        for ((contender, lives), took) in contenders.iter_mut().zip(&mut lives).zip(&mut took) {
            let first = ring.count()?;
            let Some(life) = lives.get_mut(&(kill % plan.count)) else { continue };
            let at = contender.crash(life)?;
            *life = ring.await_life(first, life.index, PATIENCE)?;
            took.push(life.at.ms_since(at));
            // Not in step with any timer.
            pause(Duration::from_micros(u64::from(20_000 + kill * 7919 % 20_000)));
        }
    }
    let foreign = watch.end();
    let mut numbers = Vec::new();
    for (contender, took) in contenders.iter().zip(took) {
        let spread = Spread::of(took);
        for (what, value) in [("p50", spread.percentile(50)), ("p99", spread.percentile(99)), ("max", spread.max())] {
            numbers.push(Number::one(format!("{} {what}", contender.name()), value, "ms"));
        }
    }
    for (contender, lives) in contenders.iter_mut().zip(&lives) {
        stop(contender.as_mut(), lives)?;
    }
    Ok(Figure {
        name: "restart",
        case: format!("{KILLS} kills of {}", plan.count),
        measured: "Time from just before a SIGKILL to the first instruction of the service's next life, at a restart \
                   delay of 0 (ubmcd), or by kill, waitpid and posix_spawn in one thread (bare). One service after the \
                   other, each twice, 20–40 ms between.",
        numbers,
        foreign,
    })
}

/// How long a client waits for the list while half of the services crash again and again.
pub fn lists(bench: &Bench) -> Result<Figure, Failure> {
    let plan = Plan { count: 1000, shape: Shape::Independent, character: Character::HalfCrash };
    let ring = Ring::create()?;
    let mut ubmcd = Ubmcd::launch(bench, Board::Quiet, &plan, &ring)?;
    start(&mut ubmcd, &plan, &ring)?;
    pause(Duration::from_secs(2));
    let (first, begun) = (ring.count()?, Moment::now());
    let watch = Watch::begin();
    let mut took = Vec::new();
    for _ in 0..LISTS {
        let asked = Moment::now();
        ubmcd.list()?;
        took.push(Moment::now().ms_since(asked));
        pause(Duration::from_millis(50));
    }
    let foreign = watch.end();
    let crashes = (ring.count()? - first) as f64 / (Moment::now().ms_since(begun) / 1000.0);
    let spread = Spread::of(took);
    ubmcd.stop()?;
    ubmcd.settle()?;
    Ok(Figure {
        name: "list",
        case: plan.count.to_string(),
        measured: "How long ListServices takes, over one gRPC connection, with 1,000 services of which every other one \
                   ends at once and is started again after a second; 200 calls, 50 ms between.",
        numbers: vec![
            Number::one("p50", spread.percentile(50), "ms"),
            Number::one("p99", spread.percentile(99), "ms"),
            Number::one("max", spread.max(), "ms"),
            Number::one("restarts", crashes, "/s"),
        ],
        foreign,
    })
}
