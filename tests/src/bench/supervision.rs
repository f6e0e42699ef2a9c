//! Start, restart and stop: everybody's, in one run, turn by turn.

use std::time::Duration;

use super::{
    Bench, Failure,
    clock::pause,
    contender::Begin,
    field::{Field, Lives},
    foreign::Watch,
    plan::{Plan, Shape},
    spread::Spread,
    table::Table,
};

/// Kills per run asked for, and at most.
const KILLS: (usize, usize) = (40, 200);
/// Whoever has waited so long, ms, is killed no more: some take a second over every restart.
const ENOUGH: f64 = 12_000.0;

/// From the request to the last service's first instruction.
pub fn starts(bench: &Bench, plan: Plan) -> Result<Table, Failure> {
    let measured = "Time until the first instruction of the last service, since just before the first call of a \
                    posix_spawn loop (bare), one StartServices for all of them over gRPC (ubmcd), or the request to a \
                    running supervisor that has read its configuration (others); circus and horust are launched. A \
                    service is ready once its image runs; overtaken: those, of all runs, that then got a CPU after one \
                    that needs them. Contenders take turns, after one that does not count; ratios are of runs side by side.";
    timed_starts(bench, plan, Begin::Asked, "start", measured)
}

/// From the launch of a supervisor to the last service's first instruction.
pub fn boots(bench: &Bench, plan: Plan) -> Result<Table, Failure> {
    let measured = "Time until the first instruction of the last service, since just before the launch of a supervisor \
                    that starts all of them by itself: its own start and the reading of its configuration are part of it. \
                    Contenders take turns, after one that does not count; ratios are of runs side by side.";
    timed_starts(bench, plan, Begin::Launched, "boot", measured)
}

fn timed_starts(
    bench: &Bench,
    plan: Plan,
    begin: Begin,
    name: &'static str,
    measured: &'static str,
) -> Result<Table, Failure> {
    let mut field = Field::assemble(bench, &plan, begin)?;
    let mut early = vec![0; field.places()];
    let mut watch = Watch::begin();
    for run in 0..=bench.runs {
        if run == 1 {
            watch = Watch::begin();
        }
        field.turn(|place, entrant, notes| {
            let (took, lives) = entrant.start()?;
            // The first one reads files and fills caches.
            if run > 0 {
                notes.sample(name, took);
                early[place] += plan.early(&lives);
            }
            entrant.rest();
            entrant.stop(&lives)?;
            entrant.rest();
            Ok(())
        })?;
    }
    let foreign = watch.end();
    if plan.shape != Shape::Independent {
        field.turn(|place, _, notes| {
            notes.say(format!("{} overtaken", early[place]));
            Ok(())
        })?;
    }
    Ok(Table { name, case: plan.to_string(), unit: "ms", measured, rows: field.rows(name), foreign })
}

/// From the request to the last service's end.
pub fn stops(bench: &Bench, plan: Plan) -> Result<Table, Failure> {
    let mut field = Field::assemble(bench, &plan, Begin::Asked)?;
    let watch = Watch::begin();
    for _ in 0..bench.runs {
        field.turn(|_, entrant, notes| {
            let (_, lives) = entrant.start()?;
            entrant.rest();
            notes.sample("stop", entrant.stop(&lives)?);
            entrant.rest();
            Ok(())
        })?;
    }
    Ok(Table {
        name: "stop",
        case: plan.to_string(),
        unit: "ms",
        measured: "Time until the last service has ended, since just before the first call of a loop that sends SIGTERM in \
                   reverse order and waits for nobody (bare), one StopServices for all of them over gRPC (ubmcd; \
                   dependents end before what they need), or the request to the supervisor (others); circus and horust \
                   themselves end with their services.",
        rows: field.rows("stop"),
        foreign: watch.end(),
    })
}

/// From a SIGKILL to the first instruction of the next life: half of them, and nearly all.
pub fn restarts(bench: &Bench) -> Result<Vec<Table>, Failure> {
    let plan = Plan::steady(100, Shape::Independent);
    let kills = (KILLS.0 * bench.runs).min(KILLS.1);
    let mut field = Field::assemble(bench, &plan, Begin::Asked)?;
    let mut lives = vec![Lives::new(); field.places()];
    let mut took = vec![Vec::new(); field.places()];
    field.turn(|place, entrant, _| {
        lives[place] = entrant.start()?.1;
        Ok(())
    })?;
    field.turn(|_, entrant, _| {
        entrant.rest();
        Ok(())
    })?;
    let watch = Watch::begin();
    for kill in 0..kills {
        field.turn(|place, entrant, _| {
            let waited = took[place].iter().sum::<f64>();
            let victim = u32::try_from(kill % plan.count as usize).unwrap_or_default();
            let Some(life) = lives[place].get_mut(&victim).filter(|_| waited < ENOUGH) else { return Ok(()) };
            let (ms, next) = entrant.crash(life)?;
            *life = next;
            took[place].push(ms);
            // Not in step with any timer.
            pause(Duration::from_micros(20_000 + kill as u64 * 7919 % 20_000));
            Ok(())
        })?;
    }
    let foreign = watch.end();
    field.turn(|place, entrant, notes| {
        let spread = Spread::of(std::mem::take(&mut took[place]));
        notes.sample("p50", spread.percentile(50));
        notes.sample("p99", spread.percentile(99));
        if spread.count() < kills {
            notes.say(format!("{} kills", spread.count()));
        }
        entrant.stop(&lives[place]).map(drop)
    })?;
    let table = |percentile: &'static str| Table {
        name: "restart",
        case: format!("{percentile} of {kills} kills, 100 services"),
        unit: "ms",
        measured: "Time from just before a SIGKILL to the first instruction of the service's next life, at the smallest \
                   restart delay that everybody allows; bare: kill, waitpid and posix_spawn in one thread. One service \
                   after the other, 20–40 ms between; whoever has taken 12 s together is killed no more.",
        rows: field.rows(percentile),
        foreign,
    };
    Ok(vec![table("p50"), table("p99")])
}
