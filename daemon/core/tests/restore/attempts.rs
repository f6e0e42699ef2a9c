//! Boots that do not finish.

use ubmc_core::{ids::MachineId, input::Request, machines::Demand, memory::BootCause, restore::RestorePolicy};

use crate::bench::Bench;

/// `host.0` was asked to be on, and its boot hangs.
fn hanging() -> Bench {
    let mut bench = Bench::new(RestorePolicy::None);
    bench.wait(60);
    bench.asks("chassis", Demand::On);
    bench.hardware.hung = [true, false];
    bench.begin("host.0", Demand::On);
    bench
}

fn left(bench: &Bench) -> (Option<(u32, u32)>, bool) {
    let view = bench.core.restoration(MachineId::new(1)).unwrap();
    (view.boots, view.given_up)
}

#[test]
fn a_boot_that_hangs_is_tried_again_as_often_as_the_board_says_and_then_left() {
    let mut bench = hanging();
    bench.wait(125);
    assert_eq!(left(&bench), (Some((2, 3)), false));
    bench.wait(900);
    assert_eq!(bench.states()[1], "quiesced");
    let resets = bench.actors().iter().filter(|actor| *actor == "host.0 host-reset by policy boot").count();
    assert_eq!(resets, 3);
    assert_eq!(bench.told("state.host.0.boots-used-up").len(), 1);
    assert_eq!(left(&bench), (Some((3, 3)), true), "the counter is as new");
    // Somebody who asks gets new attempts.
    bench.begin("host.0", Demand::Reset);
    bench.wait(125);
    assert_eq!(left(&bench), (Some((2, 3)), false));
}

#[test]
fn one_reset_that_helps_is_enough_and_the_count_is_as_new_after_a_while() {
    let mut bench = hanging();
    bench.hardware.cured_by_reset = true;
    bench.wait(140);
    assert_eq!((bench.states()[1].as_str(), left(&bench)), ("running", (Some((2, 3)), false)));
    bench.wait(320);
    assert_eq!(left(&bench), (Some((3, 3)), false));
}

#[test]
fn the_count_survives_the_daemon_and_nothing_is_begun_anew() {
    let mut bench = hanging();
    bench.wait(125);
    assert_eq!(left(&bench), (Some((2, 3)), false));
    bench.starts();
    assert_eq!(left(&bench), (Some((2, 3)), false));
    bench.wait(900);
    let resets = bench.actors().iter().filter(|actor| *actor == "host.0 host-reset by policy boot").count();
    assert_eq!((bench.states()[1].as_str(), resets), ("quiesced", 2));
}

#[test]
fn attempts_for_once_hold_for_the_next_boot_that_is_asked_for() {
    let mut bench = Bench::new(RestorePolicy::None);
    bench.wait(60);
    bench.asks("chassis", Demand::On);
    let attempts = |attempts| Request::SetRestore {
        machine: "host.0".into(),
        policy: None,
        once: false,
        boot_attempts: Some(attempts),
    };
    bench.request(attempts(0)).unwrap();
    bench.hardware.hung = [true, false];
    bench.begin("host.0", Demand::On);
    bench.wait(300);
    assert_eq!((bench.states()[1].as_str(), left(&bench)), ("quiesced", (Some((3, 3)), true)));
    assert_eq!(bench.request(attempts(101)).unwrap_err().reason, "OUT_OF_RANGE");
}

#[test]
fn a_host_that_keeps_restarting_is_told_and_not_touched() {
    let mut bench = Bench::new(RestorePolicy::None);
    bench.wait(60);
    bench.asks("chassis", Demand::On);
    bench.asks("host.0", Demand::On);
    let before = bench.actors().len();
    for _ in 0..6 {
        bench.hardware.hung = [true, false];
        bench.wait(10);
        bench.hardware.hung = [false, false];
        bench.wait(10);
    }
    assert_eq!(bench.told("state.host.0.boot-failed").len(), 3);
    assert_eq!(bench.told("state.host.0.boots-used-up").len(), 1);
    assert_eq!(bench.actors().len(), before);
    // Nor is it reset when it hangs in the end.
    bench.hardware.hung = [true, false];
    bench.wait(300);
    assert_eq!((bench.states()[1].as_str(), bench.actors().len()), ("quiesced", before));
}

#[test]
fn a_host_that_nobody_asked_for_is_not_reset() {
    let mut bench = Bench::new(RestorePolicy::None);
    bench.wait(60);
    bench.asks("chassis", Demand::On);
    bench.hardware.hung = [true, false];
    bench.hardware.held = [true, false];
    bench.boots(BootCause::Reset);
    bench.wait(600);
    assert_eq!((bench.states()[1].as_str(), bench.actors()), ("quiesced", Vec::new()));
}
