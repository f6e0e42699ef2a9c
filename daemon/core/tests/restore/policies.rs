//! Who is powered on again after which kind of start.

use std::time::Duration;

use ubmc_core::{
    ids::MachineId,
    input::Request,
    machines::Demand,
    memory::BootCause,
    restore::{RestorePolicy, RestoreSpec},
    view::OperationState,
};

use crate::bench::{Bench, Hardware};

const OFF: [&str; 3] = ["off", "off", "off"];

/// `host.0` is on and `host.1` is off, both because somebody asked, and that for a while.
fn lived(policy: RestorePolicy) -> Bench {
    let mut bench = Bench::new(policy);
    bench.wait(60);
    bench.asks("chassis", Demand::On);
    bench.asks("host.0", Demand::On);
    bench.asks("host.1", Demand::Off);
    bench.wait(20);
    bench
}

#[test]
fn after_ac_loss_each_policy_does_its_own() {
    for (policy, expected) in [
        (RestorePolicy::AlwaysOn, ["on", "running", "running"]),
        (RestorePolicy::AlwaysOff, OFF),
        (RestorePolicy::LastState, ["on", "running", "off"]),
        (RestorePolicy::None, OFF),
    ] {
        let mut bench = lived(policy);
        bench.loses_ac(BootCause::PowerCame);
        bench.wait(120);
        assert_eq!(bench.states(), expected, "{policy}");
        let by_policy = bench.actors().iter().all(|actor| actor.ends_with("by policy restore"));
        assert!(by_policy, "{:?}", bench.actors());
    }
}

#[test]
fn a_host_that_is_on_is_never_touched_whatever_has_booted() {
    for policy in RestorePolicy::ALL {
        for cause in [BootCause::PowerCame, BootCause::Reset, BootCause::Unknown] {
            let mut bench = lived(policy);
            bench.boots(cause);
            bench.wait(300);
            assert_eq!(bench.states(), ["on", "running", "off"], "{policy} {cause:?}");
            assert!(bench.actors().is_empty(), "{policy} {cause:?}: {:?}", bench.actors());
            bench.starts();
            bench.wait(300);
            assert!(bench.actors().is_empty(), "the daemon alone");
        }
    }
}

#[test]
fn hard_off_and_then_a_reset_of_the_bmc_powers_nothing_on() {
    for policy in RestorePolicy::ALL {
        for cause in [BootCause::Reset, BootCause::Unknown] {
            let mut bench = lived(policy);
            bench.asks("chassis", Demand::Off);
            bench.wait(30);
            bench.boots(cause);
            bench.wait(300);
            assert_eq!(bench.states(), OFF, "{policy} {cause:?}");
        }
    }
}

#[test]
fn a_drop_of_ac_is_not_kept_as_an_off() {
    let mut bench = lived(RestorePolicy::LastState);
    // The BMC sees the power go for five more seconds.
    bench.hardware.dark = true;
    bench.wait(5);
    assert_eq!(bench.states(), OFF);
    bench.hardware.dark = false;
    bench.loses_ac(BootCause::Unknown);
    bench.wait(120);
    assert_eq!(bench.states(), ["on", "running", "off"]);
}

#[test]
fn ac_that_goes_in_the_middle_of_a_request_leaves_what_was_requested() {
    for (demand, expected) in [(Demand::On, ["on", "off", "running"]), (Demand::Off, OFF)] {
        let mut bench = Bench::new(RestorePolicy::LastState);
        bench.wait(60);
        bench.asks("chassis", Demand::On);
        if demand == Demand::Off {
            bench.asks("host.1", Demand::On);
        }
        bench.wait(30);
        bench.begin("host.1", demand);
        bench.loses_ac(BootCause::Unknown);
        bench.wait(120);
        assert_eq!(bench.states(), expected, "{demand:?}");
    }
}

#[test]
fn the_delay_counts_from_the_bmc_and_a_second_loss_during_it_changes_nothing() {
    let last = |policy, delay| RestoreSpec { policy, delay: Duration::from_secs(delay), ..RestoreSpec::default() };
    let specs = vec![RestoreSpec::default(), last(RestorePolicy::LastState, 60), last(RestorePolicy::LastState, 0)];
    let mut bench = Bench::with(specs, Hardware::default());
    bench.wait(60);
    bench.asks("chassis", Demand::On);
    bench.asks("host.0", Demand::On);
    bench.wait(20);
    for cause in [BootCause::PowerCame, BootCause::Unknown] {
        bench.loses_ac(cause);
        bench.wait(50);
        assert_eq!(bench.states(), OFF, "not yet");
    }
    // Nor does a daemon that dies meanwhile.
    bench.starts();
    bench.wait(50);
    assert_eq!(bench.states(), OFF, "not yet");
    bench.wait(30);
    assert_eq!(bench.states(), ["on", "running", "off"]);
}

#[test]
fn a_choice_for_once_is_used_up() {
    let mut bench = lived(RestorePolicy::LastState);
    let once = Request::SetRestore {
        machine: "host.0".into(),
        policy: Some(RestorePolicy::AlwaysOff),
        once: true,
        boot_attempts: None,
    };
    bench.request(once).unwrap();
    bench.starts();
    let view = bench.core.restoration(MachineId::new(1)).unwrap();
    assert_eq!(view.once, Some(RestorePolicy::AlwaysOff), "the daemon alone was restarted");
    bench.loses_ac(BootCause::PowerCame);
    bench.wait(60);
    assert_eq!(bench.states(), OFF);
    let view = bench.core.restoration(MachineId::new(1)).unwrap();
    assert_eq!((view.policy, view.once), (RestorePolicy::LastState, None));
    bench.loses_ac(BootCause::PowerCame);
    bench.wait(60);
    assert_eq!(bench.states(), ["on", "running", "off"], "it was asked to be on all the time");
}

#[test]
fn what_an_operator_asks_for_outranks_what_a_policy_waits_to_do() {
    let spec =
        RestoreSpec { policy: RestorePolicy::AlwaysOn, delay: Duration::from_secs(60), ..RestoreSpec::default() };
    let mut bench = Bench::with(vec![spec; 3], Hardware::default());
    bench.wait(30);
    bench.asks("chassis", Demand::Off);
    bench.wait(300);
    assert_eq!(bench.states(), OFF);
}

#[test]
fn a_chassis_that_is_always_off_keeps_its_hosts_off() {
    let of = |policy| RestoreSpec { policy, ..RestoreSpec::default() };
    let specs = vec![of(RestorePolicy::AlwaysOff), of(RestorePolicy::AlwaysOn), of(RestorePolicy::None)];
    let mut bench = Bench::with(specs, Hardware::default());
    bench.wait(300);
    assert_eq!(bench.states(), OFF);
    assert_eq!(bench.told("restore."), ["restore.chassis.left-off", "restore.host.0.left-off"]);
}

#[test]
fn what_time_does_not_resolve_is_given_up_with_its_condition() {
    let mut bench = Bench::with(
        [RestorePolicy::None, RestorePolicy::AlwaysOn, RestorePolicy::None]
            .map(|policy| RestoreSpec { policy, ..RestoreSpec::default() })
            .into(),
        // The chassis never becomes good.
        Hardware { dark: true, ..Hardware::default() },
    );
    bench.wait(900);
    assert_eq!(bench.states(), OFF);
    let given_up = bench.events.iter().find(|event| event.subject == "restore.host.0.given-up").expect("told");
    assert!(given_up.text.contains("host.0 needs chassis, which is off"), "{}", given_up.text);
    assert!(!bench.core.restoration(MachineId::new(1)).unwrap().restoring);
}

#[test]
fn an_operation_that_was_cut_off_is_told_and_numbers_go_on() {
    let mut bench = Bench::new(RestorePolicy::None);
    bench.wait(60);
    bench.asks("chassis", Demand::On);
    bench.hardware.hung = [true, false];
    let id = bench.begin("host.0", Demand::On);
    bench.wait(3);
    bench.starts();
    let view = bench.operation(id);
    assert_eq!((view.state, view.kind.as_str(), view.target.as_str()), (OperationState::Failed, "host-on", "host.0"));
    assert!(view.reason.starts_with("interrupted: "), "{}", view.reason);
    assert_eq!(bench.told("operation."), [format!("operation.{id}.interrupted")]);
    assert_eq!(bench.states(), ["on", "booting", "off"], "what the hardware says");
    bench.hardware.hung = [true, true];
    let next = bench.begin("host.1", Demand::On);
    assert!(next > id, "{next} after {id}");
    bench.starts();
    assert_eq!(bench.told("operation."), [format!("operation.{next}.interrupted")], "told once");
}
