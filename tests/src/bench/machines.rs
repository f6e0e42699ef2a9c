//! State machines: operations through the core, everything that can happen to the machines of a board, and how long an
//! edge of the hardware takes to somebody who watches.

use std::{collections::BTreeMap, time::Duration};

use tokio::{
    runtime::Builder,
    time::{Instant, timeout_at},
};
use ubmc_core::{input::Verb, machines::verify};
use ubmc_platforms::{
    board::{LoadOptions, NameOrFile, load},
    sim::{InitialPower, client::SimClient},
};
use ubmc_proto::{
    transport::connect,
    v1::{WatchRequest, event_service_client::EventServiceClient, watch_response::Item},
};

use super::{
    Bench, Failure,
    board::Board,
    clock::Moment,
    figure::{Figure, Number},
    foreign::Watch,
    plan::{Plan, Shape},
    ring::Ring,
    spread::Spread,
    ubmcd::Ubmcd,
};
use crate::plant::{Plant, transition};

/// Operations that go through the core.
const OPERATIONS: u32 = 20_000;
/// Edges for each run asked for.
const EDGES: usize = 100;
/// For what does not come.
const PATIENCE: Duration = Duration::from_secs(10);
/// The supply whose output comes and goes.
const SUPPLY: &str = "psu.1";

/// All of them.
pub fn machines(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let mut figures = vec![operations()?];
    for board in ["sim-2u", "rainier"] {
        figures.push(verified(board)?);
    }
    figures.push(edges(bench)?);
    Ok(figures)
}

fn operations() -> Result<Figure, Failure> {
    let mut plant = Plant::new(InitialPower::Chassis, &[]);
    let ask = |plant: &mut Plant, verb: &str| {
        let verb = Verb::parse(verb).ok_or_else(|| Failure::Invalid(format!("`{verb}` is a request")))?;
        plant.ask(transition("bmc", verb)).map(drop).map_err(|refusal| Failure::Invalid(refusal.text))
    };
    let (watch, begun) = (Watch::begin(), Moment::now());
    for _ in 0..OPERATIONS / 2 {
        ask(&mut plant, "maintenance-on")?;
        ask(&mut plant, "maintenance-off")?;
    }
    let took = Moment::now().ms_since(begun) / 1000.0;
    Ok(Figure {
        name: "machines",
        case: "operations".to_owned(),
        measured: "20,000 operations on the BMC's machine, each planned, judged by every interlock, begun, confirmed and told in \
                   events, by the core alone on one CPU, with two hosts, a chassis and thirty sensors beside.",
        numbers: vec![Number::one("operations", f64::from(OPERATIONS) / took, "/s")],
        foreign: watch.end(),
    })
}

fn verified(name: &str) -> Result<Figure, Failure> {
    let options = LoadOptions {
        board: NameOrFile::Name(name.to_owned()),
        registries: Vec::new(),
        services_dir: None,
        vars: BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/bin".to_owned())]),
    };
    let board = load(&options).map_err(|problems| Failure::Invalid(problems.to_string()))?.board;
    let (watch, begun) = (Watch::begin(), Moment::now());
    let report = verify::verify(&board, verify::BOUND);
    let took = Moment::now().ms_since(begun) / 1000.0;
    let parts = [&report.alone, &report.product, &report.faulty];
    let states: usize = parts.iter().map(|part| part.states).sum();
    let transitions: usize = parts.iter().map(|part| part.transitions).sum();
    Ok(Figure {
        name: "machines",
        case: format!("verify {name}"),
        measured: "All machines of a shipped board together with hardware that obeys (the product), each by itself and with what \
                   it stands in under any fault, explored exhaustively on one CPU.",
        numbers: vec![
            Number::one("product", report.product.states as f64, "states"),
            Number::one("explored", states as f64 / took, "states/s"),
            Number::one("", transitions as f64 / took, "transitions/s"),
            Number::one("whole", took * 1000.0, "ms"),
        ],
        foreign: watch.end(),
    })
}

fn edges(bench: &Bench) -> Result<Figure, Failure> {
    let ring = Ring::create(&bench.rings)?;
    let ubmcd = Ubmcd::launch(bench, Board::Quick, &Plan::steady(0, Shape::Independent), &ring)?;
    let mut board = SimClient::new(ubmcd.hardware());
    let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::io("no runtime"))?;
    let channel = runtime.block_on(connect(&ubmcd.endpoint(), PATIENCE));
    let channel = channel.map_err(|error| Failure::Never(format!("ubmcd answers: {error}")))?;
    let request = WatchRequest { subjects: vec![format!("supply.{SUPPLY}.*")], ..WatchRequest::default() };
    let watching = runtime.block_on(async { EventServiceClient::new(channel).watch(request).await });
    let mut stream = watching.map_err(Failure::rpc("Watch"))?.into_inner();
    let mut await_event = |wanted: &str| {
        runtime.block_on(async {
            let end = Instant::now() + PATIENCE;
            loop {
                let message = timeout_at(end, stream.message()).await;
                let message = message.map_err(|_| Failure::Never(format!("the event {wanted}")))?;
                let message = message.map_err(Failure::rpc("Watch"))?;
                let response = message.ok_or_else(|| Failure::Never(format!("the event {wanted}")))?;
                if let Some(Item::Event(event)) = response.item
                    && event.subject.ends_with(wanted)
                {
                    return Ok::<_, Failure>(Moment::now());
                }
            }
        })
    };
    let board_says = |error| Failure::Never(format!("the board answers: {error}"));
    let watch = Watch::begin();
    let mut took = Vec::new();
    for _ in 0..bench.runs * EDGES / 2 {
        let at = Moment::now();
        board.inject("psu-fail", SUPPLY, None).map_err(board_says)?;
        took.push(await_event(".failed")?.ms_since(at));
        let at = Moment::now();
        board.clear("psu-fail", SUPPLY).map_err(board_says)?;
        took.push(await_event(".restored")?.ms_since(at));
    }
    let foreign = watch.end();
    let spread = Spread::of(took);
    Ok(Figure {
        name: "machines",
        case: "edge to watcher".to_owned(),
        measured: "From just before the simulated board is told that a supply's output goes or comes, over the edge of its \
                   power-good line and the core, to the event at a client that watches over gRPC.",
        numbers: vec![
            Number::one("p50", spread.percentile(50), "ms"),
            Number::one("p99", spread.percentile(99), "ms"),
            Number::one("max", spread.max(), "ms"),
            Number::one("edges", spread.count() as f64, ""),
        ],
        foreign,
    })
}
