//! What a client sees while half of everything crashes.

use std::time::Duration;

use super::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    contender::Contender,
    field::PATIENCE,
    figure::{Figure, Number},
    foreign::Watch,
    plan::{Character, Plan, Shape},
    ring::Ring,
    spread::Spread,
    ubmcd::Ubmcd,
};

const LISTS: usize = 200;

/// How long a client waits for the list while half of the services crash again and again.
pub fn lists(bench: &Bench) -> Result<Figure, Failure> {
    let plan = Plan { count: 1000, shape: Shape::Independent, character: Character::HalfCrash };
    let ring = Ring::create(&bench.rings)?;
    let mut ubmcd = Ubmcd::launch(bench, Board::Quiet, &plan, &ring)?;
    ubmcd.start()?;
    ring.await_lives(0, plan.count as usize, PATIENCE)?;
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
