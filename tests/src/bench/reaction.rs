//! The guardian: how long the fans wait for their fail-safe when ubmcd dies or hangs.

use std::time::Duration;

use nix::sys::signal::Signal;
use ubmc_platforms::sim::client::SimClient;

use super::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    figure::{Figure, Number},
    foreign::Watch,
    plan::{Plan, Shape},
    ring::Ring,
    spread::Spread,
    ubmcd::Ubmcd,
};

/// Of both zones of the shipped board, in percent.
const FAILSAFE: f64 = 100.0;
/// For what does not come.
const PATIENCE: Duration = Duration::from_secs(30);
/// Deaths and hangs for each run asked for.
const EACH: usize = 4;

/// How long from a SIGKILL and from a SIGSTOP to the fail-safe duty on every fan.
pub fn reactions(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let ring = Ring::create(&bench.rings)?;
    let mut ubmcd = Ubmcd::launch(bench, Board::Quick, &Plan::steady(0, Shape::Independent), &ring)?;
    let mut board = SimClient::new(ubmcd.hardware());
    let mut figures = Vec::new();
    for (case, signal) in [("SIGKILL", Signal::SIGKILL), ("SIGSTOP", Signal::SIGSTOP)] {
        let watch = Watch::begin();
        let (mut took, mut look) = (Vec::new(), 0.0_f64);
        for round in 0..bench.runs * EACH {
            await_watched(&mut ubmcd, &mut board)?;
            // A hang counts from the last beat: not always at the same distance from it.
            pause(Duration::from_millis(37 * (round as u64 % 7)));
            let at = ubmcd.signal(signal)?;
            let (safe, longest) = until(&mut board, "fail-safe", |duty| duty >= FAILSAFE)?;
            took.push(safe.ms_since(at));
            look = look.max(longest);
            match signal {
                Signal::SIGSTOP => drop(ubmcd.signal(Signal::SIGCONT)?),
                _ => ubmcd.relaunch()?,
            }
        }
        let foreign = watch.end();
        let spread = Spread::of(took);
        figures.push(Figure {
            name: "guardian",
            case: case.to_owned(),
            measured: "From a signal to ubmcd until every one of six fans is at its fail-safe duty, as a client of the \
                       simulated board sees it who asks without a pause; what one look took at worst says how exact that is. \
                       A silence of 700 ms counts as hanging, and a beat comes every 250 ms.",
            numbers: vec![
                Number::one("p50", spread.percentile(50), "ms"),
                Number::one("max", spread.max(), "ms"),
                Number::one("least", spread.min(), "ms"),
                Number::one("rounds", spread.count() as f64, ""),
                Number::one("longest look", look, "ms"),
            ],
            foreign,
        });
    }
    Ok(figures)
}

/// Until the fans are under control, and guarded.
fn await_watched(ubmcd: &mut Ubmcd, board: &mut SimClient) -> Result<(), Failure> {
    until(board, "under control", |duty| duty < FAILSAFE - 20.0)?;
    let end = Moment::now().after(PATIENCE);
    while ubmcd.status()?.guardian.is_none_or(|guardian| guardian.state != "watching") {
        if Moment::now() > end {
            return Err(Failure::Never("the guardian watches".to_owned()));
        }
        pause(Duration::from_millis(20));
    }
    Ok(())
}

/// Looks until all duties are so: the end of that look, and what the longest look took in milliseconds.
fn until(board: &mut SimClient, what: &str, so: impl Fn(f64) -> bool) -> Result<(Moment, f64), Failure> {
    let end = Moment::now().after(PATIENCE);
    let mut longest = 0.0_f64;
    loop {
        let begun = Moment::now();
        let state = board.state().map_err(|error| Failure::Never(format!("the board answers: {error}")))?;
        let now = Moment::now();
        longest = longest.max(now.ms_since(begun));
        let mut duties =
            state.values.iter().filter(|value| value.name.strip_suffix(".duty").is_some()).map(|value| value.value);
        if duties.all(&so) {
            return Ok((now, longest));
        }
        if now > end {
            return Err(Failure::Never(format!("all fans are {what}")));
        }
    }
}
