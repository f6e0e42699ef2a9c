//! What a supervisor costs by being there: memory, and work while nothing happens.

use std::time::Duration;

use super::{
    Bench, Failure,
    clock::{Moment, pause},
    contender::Begin,
    field::{Entrant, Field, Lives},
    foreign::Watch,
    plan::{Plan, Shape},
    table::{Row, Table},
    usage::{Process, Used},
};

/// Until what a start needed has been given back, and every sensor has been read.
const SETTLE: Duration = Duration::from_secs(5);
const IDLE: Duration = Duration::from_secs(20);
/// Memory hardly differs between runs; so many are enough.
const RUNS: usize = 3;
const COUNTS: [(u32, &str); 3] = [(0, "0"), (FEW, "100"), (MANY, "1000")];
const FEW: u32 = 100;
const MANY: u32 = 1000;

fn managers(entrant: &Entrant, lives: &Lives) -> Vec<Process> {
    let services: Vec<u32> = lives.values().map(|life| life.pid.cast_unsigned()).collect();
    entrant.contender().managers(&services)
}

/// Memory of all managers with 0, 100 and 1,000 services, and what a service costs.
pub fn memory(bench: &Bench) -> Result<Vec<Table>, Failure> {
    let mut tables = Vec::new();
    for (count, kind) in COUNTS {
        let plan = Plan::steady(count, Shape::Independent);
        let watch = Watch::begin();
        let field = Field::alone(bench, &plan, bench.runs.min(RUNS), |entrant, notes| {
            let (_, lives) = entrant.start()?;
            pause(SETTLE);
            let managers = managers(entrant, &lives);
            if managers.is_empty() {
                notes.say("no manager".to_owned());
            } else {
                let pss = managers.iter().map(|process| process.pss()).sum::<Result<u64, _>>()?;
                notes.sample(kind, pss as f64 / 1024.0);
                notes.say(format!("{} processes", managers.len()));
            }
            entrant.stop(&lives).map(drop)
        })?;
        tables.push(Table {
            name: "memory",
            case: format!("{kind} services"),
            unit: "KiB",
            measured: "PSS (smaps_rollup) of all managing processes together with so many silent services running, 5 s after \
                       the last start, no other contender being there; ubmcd with its gRPC server. The simulated board is \
                       hardware, and not counted. Each service: the difference of the last two, by 900.",
            rows: field.rows(kind),
            foreign: watch.end(),
        });
    }
    if let [_, few, many] = tables.as_slice() {
        tables.push(each(few, many));
    }
    Ok(tables)
}

/// What a service costs: the difference between few and many.
fn each(few: &Table, many: &Table) -> Table {
    let difference = |few: &Row, many: &Row| {
        let pairs = few.samples.iter().zip(&many.samples);
        let samples = pairs.map(|(few, many)| (many - few) / f64::from(MANY - FEW)).collect();
        Row { samples, ..many.clone() }
    };
    Table {
        case: "each service".to_owned(),
        rows: few.rows.iter().zip(&many.rows).map(|(few, many)| difference(few, many)).collect(),
        ..many.clone()
    }
}

/// Work of all managers with 100 services that do nothing.
pub fn idle(bench: &Bench) -> Result<Vec<Table>, Failure> {
    let plan = Plan::steady(100, Shape::Independent);
    let mut field = Field::assemble(bench, &plan, Begin::Asked)?;
    let mut lives = vec![Lives::new(); field.places()];
    let mut before = vec![(Moment::now(), Used::default()); field.places()];
    field.turn(|place, entrant, _| {
        lives[place] = entrant.start()?.1;
        Ok(())
    })?;
    pause(SETTLE);
    let watch = Watch::begin();
    field.turn(|place, entrant, _| {
        before[place] = (Moment::now(), used(&managers(entrant, &lives[place]))?);
        Ok(())
    })?;
    pause(IDLE);
    field.turn(|place, entrant, notes| {
        let managers = managers(entrant, &lives[place]);
        if managers.is_empty() {
            notes.say("no manager".to_owned());
            return Ok(());
        }
        let (since, before) = before[place];
        let (seconds, after) = (Moment::now().ms_since(since) / 1000.0, used(&managers)?);
        notes.sample("cpu", after.cpu_ns.saturating_sub(before.cpu_ns) as f64 / 1000.0 / seconds);
        notes.sample("wake-ups", after.wakeups.saturating_sub(before.wakeups) as f64 / seconds);
        notes.say(format!("{} threads", after.threads));
        Ok(())
    })?;
    let foreign = watch.end();
    field.turn(|place, entrant, _| entrant.stop(&lives[place]).map(drop))?;
    let table = |kind: &'static str, unit: &'static str| Table {
        name: "idle",
        case: format!("{kind}, 100 services"),
        unit,
        measured: "CPU time (schedstat) and wake-ups (voluntary context switches) of all threads of all managing processes \
                   over the same 20 s, with 100 services that do nothing and nobody asking.",
        rows: field.rows(kind),
        foreign,
    };
    Ok(vec![table("cpu", "µs/s"), table("wake-ups", "/s")])
}

fn used(managers: &[Process]) -> Result<Used, Failure> {
    let mut sum = Used::default();
    for process in managers {
        let used = process.used()?;
        sum.cpu_ns += used.cpu_ns;
        sum.wakeups += used.wakeups;
        sum.threads += used.threads;
    }
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::{foreign::Foreign, table::Rank};

    #[test]
    fn a_service_costs_what_nine_hundred_more_cost() {
        let table = |kib: f64| Table {
            name: "memory",
            case: String::new(),
            unit: "KiB",
            measured: "",
            rows: vec![Row { contender: "x".to_owned(), rank: Rank::Ours, samples: vec![kib], notes: Vec::new() }],
            foreign: Foreign { cpus: 0.0, of: 1 },
        };
        assert_eq!(each(&table(1000.0), &table(4600.0)).rows[0].samples, [4.0]);
    }
}
