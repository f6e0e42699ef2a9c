//! The power path, exhaustively, on the real core and the simulated board.

use std::{
    collections::BTreeSet,
    sync::atomic::{AtomicUsize, Ordering},
    thread,
};

use ubmc_platforms::sim::FaultKind;
use ubmc_tests::power::{Happening, Moment, happenings, moments, requests};

/// Everything that is tried in one state; what went wrong, one a paragraph.
fn try_all(moment: &Moment, happenings: &[Happening], tried: &AtomicUsize) -> Vec<String> {
    let mut wrong = Vec::new();
    for verb in requests(moment) {
        for happening in happenings {
            // Without a request there is nothing to come after.
            let orders = if verb.is_some() && happening.matters_before() { &[false, true][..] } else { &[false] };
            for first in orders {
                tried.fetch_add(1, Ordering::Relaxed);
                if let Err(broken) = moment.try_out(verb, *happening, *first) {
                    let order = if *first { "after" } else { "then" };
                    let asked = verb.map_or("nothing", |verb| verb.as_str());
                    let (machine, state) = (moment.machine, moment.state);
                    wrong.push(format!("{machine} {state}: asked {asked} {order} {happening:?}\n    {broken}"));
                }
            }
        }
    }
    wrong
}

#[test]
fn whatever_is_asked_and_happens_in_any_state_ends_safely() {
    let (moments, happenings) = (moments(), happenings());
    let (next, tried) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let workers = thread::available_parallelism().map_or(2, usize::from);
    let work = || {
        let mut wrong = Vec::new();
        while let Some(moment) = moments.get(next.fetch_add(1, Ordering::Relaxed)) {
            wrong.extend(try_all(moment, &happenings, &tried));
        }
        wrong
    };
    let wrong: Vec<String> = thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().flat_map(|worker| worker.join().expect("a worker that panics has said why")).collect()
    });
    let tried = tried.into_inner();
    assert!(tried > 5000, "only {tried} were tried");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong[..wrong.len().min(40)].join("\n"));
}

#[test]
fn every_state_of_every_machine_and_every_kind_of_fault_is_tried() {
    let kinds: BTreeSet<FaultKind> = happenings()
        .into_iter()
        .filter_map(|happening| match happening {
            Happening::Fault(kind, ..) => Some(kind),
            _ => None,
        })
        .collect();
    assert_eq!(kinds.len(), FaultKind::ALL.len());
    let moments = moments();
    let tried: BTreeSet<_> = moments.iter().map(|moment| (moment.machine, moment.state)).collect();
    // Built-in tasks are ready at once here; a service given up for good and the daemon's end are no states of power.
    let apart =
        |machine: &str, state: &str| machine == "bmc" && ["initializing", "quiesced", "shutting-down"].contains(&state);
    let states = moments[0].states();
    let missing: Vec<_> = states
        .iter()
        .filter(|(machine, state)| !apart(machine, state) && !tried.contains(&(machine.as_str(), state.as_str())))
        .collect();
    assert!(missing.is_empty(), "nobody begins in {missing:?}");
}
