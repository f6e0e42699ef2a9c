//! Every kind of fault that can be injected, followed from its event over what protects the machine to its clearing.
//! In simulated time; the last tests drive a few of them through the real programs.

use std::collections::BTreeSet;

use ubmc_platforms::sim::FaultKind;
use ubmc_tests::{
    daemon::{Ubmcd, eventually},
    plant::script::injected,
};

macro_rules! faults {
    ($($(#[$doc:meta])* $name:ident: $text:expr;)*) => {
        ubmc_tests::scenarios! { $($(#[$doc])* $name: $text;)* }

        #[test]
        fn every_kind_of_fault_is_followed_by_some_scenario() {
            let played: Vec<_> = [$($text),*].into_iter().flat_map(injected).collect();
            let missing: Vec<_> = FaultKind::ALL.into_iter().filter(|kind| !played.contains(&kind.as_str())).collect();
            assert!(missing.is_empty(), "nobody plays {missing:?}");
        }
    };
}

faults! {
    a_sensor_that_is_gone_drives_its_zone_to_failsafe_until_it_is_back: "
        given running
        inject sensor-missing inlet_temp
        within 5s: event sensor.inlet_temp.quality warning absent
        within 5s: event zone.system.state warning
        within 5s: zone system failsafe
        within 5s: fan fan.4 at least 100
        within 1s: problem sensor-unreadable inlet_temp
        within 1s: led fault blink
        for 60s: zone system failsafe
        for 1s: zone cpu controlled
        clear sensor-missing inlet_temp
        within 5s: event sensor.inlet_temp.quality notice good readings again
        within 30s: event zone.system.state info
        within 60s: no problem
        within 1s: led fault off
    ";

    a_sensor_of_nonsense_fails_and_nothing_takes_it_for_a_number: "
        given running
        inject sensor-nan host0_cpu_temp
        within 10s: event sensor.host0_cpu_temp.quality warning no finite number
        within 10s: zone cpu failsafe
        within 1s: fan fan.0 at least 100
        within 1s: problem sensor-unreadable host0_cpu_temp
        clear
        within 5s: event sensor.host0_cpu_temp.quality notice
        within 60s: zone cpu controlled
        within 60s: no problem
    ";

    a_sensor_stuck_hot_is_believed: "
        given running
        inject sensor-stuck host0_cpu_temp 97
        within 10s: event sensor.host0_cpu_temp.threshold error
        within 10s: event zone.cpu.state error
        within 1s: zone cpu critical
        within 1s: fan fan.0 at least 100
        clear
        within 30s: event sensor.host0_cpu_temp.threshold info
        within 90s: no problem
    ";

    a_sensor_stuck_beyond_its_fatal_limit_powers_off_and_stays_latched: "
        given running
        inject sensor-stuck host0_cpu_temp 110
        within 10s: event zone.cpu.state critical
        within 30s: machine host.0 off
        within 30s: machine host.1 off
        within 1s: led fault fast-blink
        clear
        for 120s: zone cpu tripped
        for 1s: machine host.0 off
        ask host.0 off
        within 5s: event zone.cpu.trip-released notice
        within 60s: no problem
    ";

    a_sensor_stuck_cool_is_not_noticed_and_the_others_of_its_zone_protect: "
        given running
        set host.0.load 0.2
        within 300s: zone cpu controlled
        inject sensor-stuck host0_cpu_temp 45
        set host.0.load 1
        set ambient 35
        for 900s: real host.0.cpu_temp below 105
        for 1s: zone cpu controlled
        within 1s: fan fan.0 at least 45
        set ambient 25
        clear
        within 300s: no problem
    ";

    a_fan_that_stands_is_told_and_the_others_go_up: "
        given running
        inject fan-fail fan.2
        within 15s: event fan.fan.2.health error
        within 1s: zone cpu failsafe
        within 1s: fan fan.0 at least 100
        within 1s: problem fan-failed fan.2
        within 1s: led fault on
        for 300s: real host.0.cpu_temp below 95
        clear
        within 30s: event fan.fan.2.health notice
        within 60s: zone cpu controlled
        within 120s: no problem
    ";

    a_fan_that_turns_too_slowly_has_failed: "
        given running
        inject fan-slow fan.5 0.3
        within 20s: event fan.fan.5.health error
        within 1s: zone system failsafe
        within 1s: fan fan.4 at least 100
        clear
        within 30s: event fan.fan.5.health notice
        within 120s: no problem
    ";

    a_duty_that_is_refused_is_told_once_and_the_others_go_up: "
        given running
        inject pwm-write-fails fan.1
        within 15s: event fan.fan.1.write-failed error
        within 1s: zone cpu failsafe
        within 1s: fan fan.0 at least 100
        within 1s: problem fan-failed fan.1
        for 60s: one event fan.fan.1.write-failed
        clear
        within 30s: event fan.fan.1.write-restored notice
        within 120s: no problem
    ";

    a_supply_that_fails_leaves_its_load_to_the_other: "
        given running
        inject psu-fail psu.0
        within 2s: event supply.psu.0.failed error
        within 2s: event supply.redundancy warning
        within 1s: supply psu.0 unhealthy
        within 1s: problem supply-failed psu.0
        for 60s: machine host.0 running
        within 1s: one event supply.psu.0.failed
        clear
        within 2s: event supply.psu.0.restored notice
        within 2s: event supply.redundancy notice
        within 60s: no problem
        for 1s: machine host.0 running
    ";

    a_supply_that_is_pulled_is_absent_with_its_sensors: "
        given running
        inject psu-absent psu.1
        within 2s: event supply.psu.1.absent error
        within 2s: event supply.redundancy warning
        within 5s: sensor psu1_temp absent
        within 1s: problem supply-absent psu.1
        for 60s: machine host.0 running
        clear
        within 2s: event supply.psu.1.restored notice
        within 60s: sensor psu1_temp good
        within 60s: no problem
    ";

    mains_lost_at_one_supply_costs_the_redundancy_only: "
        given running
        inject ac-loss psu.0
        within 2s: event supply.psu.0.failed error
        within 10s: event sensor.psu0_vin.threshold error
        for 60s: machine host.1 running
        clear
        within 2s: event supply.redundancy notice
        within 60s: no problem
    ";

    mains_lost_altogether_takes_the_machine_down_and_it_can_be_switched_on_again: "
        given running
        inject ac-loss all
        within 5s: event state.chassis.transition critical lost power
        within 5s: event state.host.0.transition critical lost power
        within 5s: event state.host.1.transition critical lost power
        within 5s: machine chassis off
        within 5s: led power off
        within 1s: problem supply-failed psu.0
        clear
        within 2s: event supply.psu.0.restored notice
        within 60s: no problem supply-failed
        ask chassis on
        within 30s: operation succeeded
        ask host.0 on
        within 60s: operation succeeded
        within 60s: machine host.0 running
    ";

    power_that_drops_out_takes_the_host_and_says_so: "
        given running
        inject power-good-lost host.0
        within 2s: event state.host.0.transition critical lost power
        within 1s: machine host.0 off
        for 30s: machine host.1 running
        ask host.0 on
        within 30s: operation rolled-back
        within 1s: real host.0.power_control below 0.5
        clear
        ask host.0 on
        within 60s: operation succeeded
        within 60s: no problem
    ";

    power_that_does_not_come_is_given_up_and_left_as_after_an_ordinary_off: "
        given chassis
        inject power-good-never host.1
        ask host.1 on
        within 15s: event state.host.1.transition error
        within 30s: operation rolled-back
        within 1s: machine host.1 off
        within 1s: real host.1.power_control below 0.5
        within 1s: problem not-as-requested host.1
        clear
        ask host.1 on
        within 60s: operation succeeded
        within 60s: no problem
    ";

    power_that_does_not_go_is_an_error_and_the_control_line_stays_low: "
        given running
        inject power-good-stuck host.0 1
        ask host.0 force-off
        within 30s: event state.host.0.transition error
        within 1s: machine host.0 error
        within 1s: operation failed
        within 1s: real host.0.power_control below 0.5
        within 1s: problem machine-fault host.0
        clear
        within 5s: machine host.0 off
        within 60s: no problem
    ";

    power_good_that_is_stuck_low_is_taken_as_lost_power: "
        given running
        inject power-good-stuck chassis 0
        within 2s: event state.chassis.transition critical lost power
        within 5s: machine chassis off
        clear
        within 60s: no problem
        ask chassis on
        within 30s: operation succeeded
    ";

    a_host_that_hangs_is_switched_off_by_force: "
        given running
        inject host-hang host.0
        ask host.0 off
        within 70s: event state.host.0.transition error
        within 80s: operation succeeded
        within 1s: machine host.0 off
        clear
        within 60s: no problem
    ";

    a_host_that_hangs_while_it_starts_is_started_anew_some_times_and_then_quiesced_until_it_answers: "
        given chassis
        inject host-hang host.0
        ask host.0 on
        within 150s: event state.host.0.transition error
        within 1s: operation failed
        within 5s: event operation.*.accepted notice policy boot
        within 600s: event state.host.0.boots-used-up critical
        within 1s: machine host.0 quiesced
        within 1s: problem machine-fault host.0
        clear
        within 60s: machine host.0 running
        within 60s: no problem
    ";

    a_bus_that_hangs_takes_its_own_sensors_and_no_others: "
        given running
        inject bus-hang i2c-host0
        within 10s: event sensor.host0_cpu_temp.quality warning
        within 1s: zone cpu failsafe
        within 1s: fan fan.0 at least 100
        for 20s: sensor host1_cpu_temp good
        for 1s: machine host.0 running
        clear
        within 5s: event sensor.host0_cpu_temp.quality notice
        within 60s: no problem
    ";

    a_bus_that_stays_silent_powers_off_what_may_have_become_too_hot: "
        given running
        inject bus-hang i2c-host0
        within 200s: event zone.cpu.state critical may have reached
        within 30s: machine host.0 off
        within 1s: zone cpu tripped
        clear
        for 60s: machine host.0 off
        ask host.0 off
        within 5s: event zone.cpu.trip-released notice
        within 60s: no problem
    ";

    a_rail_that_does_not_come_up_leaves_the_chassis_as_an_ordinary_off_does: "
        given off
        inject power-good-never rail.p5v
        ask chassis on
        within 30s: operation rolled-back
        within 10s: machine chassis off
        within 1s: real rail.p12v below 0.5
        within 1s: real rail.p5v below 0.5
        within 1s: problem not-as-requested chassis
        clear
        ask chassis on
        within 30s: operation succeeded
        within 60s: no problem
    ";

    a_rail_that_drops_out_takes_the_chassis_and_says_so: "
        given running
        inject power-good-lost rail.p3v3
        within 5s: event state.chassis.transition critical lost power
        within 5s: machine host.0 off
        within 10s: machine chassis off
        clear
        ask chassis on
        within 30s: operation succeeded
        within 60s: no problem
    ";

    a_fan_chip_that_hangs_takes_duties_no_more_and_goes_to_full_speed_by_itself: "
        given running
        inject bus-hang fan-chip
        within 10s: event fan.fan.0.write-failed error
        within 10s: zone cpu failsafe
        within 10s: zone system failsafe
        within 30s: real fan.0.duty above 99
        clear
        within 30s: event fan.fan.0.write-restored notice
        within 120s: no problem
    ";

    a_bus_whose_driver_never_returns_from_the_first_call_is_told: "
        given chassis blocked i2c-board
        within 30s: event sensor.inlet_temp.quality warning
        within 1s: zone system failsafe
        within 1s: problem sensor-unreadable inlet_temp
    ";

    a_control_line_that_is_stuck_keeps_the_host_on_and_that_is_an_error: "
        given running
        inject gpio-stuck host0-power-control 1
        ask host.0 force-off
        within 30s: machine host.0 error
        within 1s: event state.host.0.transition error
        within 1s: operation failed
        clear
        within 5s: machine host.0 off
        within 60s: no problem
    ";

    a_line_that_is_stuck_low_keeps_the_host_from_being_up: "
        given chassis
        inject gpio-stuck host0-post-complete 0
        ask host.0 on
        within 150s: event state.host.0.transition error
        within 600s: event state.host.0.boots-used-up critical
        within 1s: machine host.0 quiesced
        clear
        within 5s: machine host.0 running
        within 60s: no problem
    ";

    a_board_that_is_gone_is_told_in_one_event_and_so_is_its_return: "
        given running
        unplug
        within 15s: event hardware.lost critical
        within 15s: zone cpu failsafe
        within 1s: problem hardware-lost sim-2u
        for 25s: one event hardware.lost
        for 1s: no event hardware.restored
        plug-in
        within 15s: event hardware.restored notice
        within 60s: no problem
    ";

    a_board_that_stays_away_trips_what_it_may_have_let_become_too_hot: "
        given running
        unplug
        for 240s: no event hardware.restored
        within 1s: one event hardware.lost
        within 1s: zone cpu tripped
        plug-in
        within 15s: one event hardware.restored
        within 60s: machine host.0 off
        within 60s: machine host.1 off
        within 60s: machine chassis off
        ask host.0 off
        within 60s: no problem
    ";
}

/// Waits for an event after `since`.
fn await_event(ubmcd: &Ubmcd, since: u64, subject: &str, severity: &str) {
    eventually(subject, || {
        let events = ubmcd.json(&["events", "list", "--since", &since.to_string(), "--subject", subject]);
        events.as_array()?.iter().any(|event| event["severity"] == severity).then_some(())
    });
}

fn last_event(ubmcd: &Ubmcd) -> u64 {
    let events = ubmcd.json(&["events", "list"]);
    let last = events.as_array().and_then(|events| events.last()?["seq"].as_u64());
    last.unwrap_or_else(|| panic!("a daemon that has begun has events"))
}

fn await_calm(ubmcd: &Ubmcd) {
    eventually("nothing is wrong", || {
        let zones = ubmcd.json(&["zones", "list"]);
        let controlled = zones.as_array()?.iter().all(|zone| zone["state"] == "controlled");
        (controlled && ubmcd.json(&["leds", "list"])[2]["pattern"] == "off").then_some(())
    });
}

#[test]
fn faults_are_injected_listed_and_cleared_from_the_command_line() {
    let ubmcd = Ubmcd::with_services("");
    await_calm(&ubmcd);
    let listed = ubmcd.json(&["sim", "fault", "list"]);
    let kinds: Vec<_> = listed["kinds"].as_array().expect("kinds").iter().map(|kind| kind["kind"].clone()).collect();
    assert_eq!(kinds, FaultKind::ALL.map(FaultKind::as_str));
    assert!(listed["active"].as_array().is_some_and(Vec::is_empty), "{listed}");

    for (kind, target, value, subject, severity, over) in [
        ("psu-fail", "psu.0", None, "supply.psu.0.failed", "error", "supply.psu.0.restored"),
        ("sensor-missing", "inlet_temp", None, "sensor.inlet_temp.quality", "warning", "sensor.inlet_temp.quality"),
        ("pwm-write-fails", "fan.1", None, "fan.fan.1.write-failed", "error", "fan.fan.1.write-restored"),
        ("bus-hang", "i2c-psu", None, "sensor.psu0_temp.quality", "warning", "sensor.psu0_temp.quality"),
        ("sensor-stuck", "outlet_temp", Some("70.5"), "sensor.outlet_temp.threshold", "warning", ""),
    ] {
        let since = last_event(&ubmcd);
        let mut words = vec!["sim", "fault", "inject", kind, target];
        words.extend(value);
        assert_eq!(ubmcd.code(&words), 0, "{kind}");
        let active = ubmcd.json(&["sim", "fault", "list"])["active"].clone();
        assert_eq!(active.as_array().map(Vec::len), Some(1), "{active}");
        assert_eq!(active[0]["kind"], kind);
        assert_eq!(active[0]["value"].as_f64(), value.and_then(|value| value.parse().ok()));
        await_event(&ubmcd, since, subject, severity);
        let since = last_event(&ubmcd);
        assert_eq!(ubmcd.code(&["sim", "fault", "clear", kind, target]), 0, "{kind}");
        if !over.is_empty() {
            await_event(&ubmcd, since, over, "notice");
        }
        await_calm(&ubmcd);
    }
    // What is not possible says why, by exit code as well.
    for (words, code, hint) in [
        (["inject", "fan-fial", "fan.0"], 5, "fan-fail"),
        (["inject", "fan-fail", "fan.9"], 5, "fan.0"),
        (["clear", "fan-fail", "fan.0"], 4, "fan-fail"),
    ] {
        let output = ubmcd.ctl(&[&["sim", "fault"], &words[..]].concat());
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(code), "{words:?}: {text}");
        assert!(text.contains(hint), "{words:?}: {text}");
    }
}

#[test]
fn a_board_that_is_unplugged_is_one_event_and_can_be_plugged_in_again() {
    let ubmcd = Ubmcd::with_services("");
    await_calm(&ubmcd);
    let resources = ubmcd.json(&["resources", "list"]);
    let resources = resources.as_array().expect("a list");
    let names: BTreeSet<_> =
        resources.iter().map(|resource| (resource["owner"].as_str(), resource["name"].as_str())).collect();
    assert_eq!(names.len(), resources.len(), "every piece once");
    for (kind, count) in [("sensor ", 29), ("fan ", 6), ("led ", 4)] {
        let owned = names.iter().filter(|(owner, _)| owner.is_some_and(|owner| owner.starts_with(kind))).count();
        assert_eq!(owned, count, "{kind}");
    }
    for key in ["kind", "name", "owner", "used_by", "reachable", "error"] {
        assert!(resources.iter().all(|resource| resource.get(key).is_some()), "no key {key}");
    }
    let of = |owner: &str| {
        let resources = ubmcd.json(&["resources", "list"]);
        let found = resources.as_array()?.iter().find(|resource| resource["owner"] == owner).cloned();
        Some(found.unwrap_or_else(|| panic!("nobody is {owner}")))
    };
    let good = of("signal chassis-power-good").expect("a line");
    assert_eq!(good["used_by"][0], "machine chassis (power-good)");
    assert_eq!(good["reachable"], true, "{good}");
    assert!(of("sensor host0_cpu_temp").expect("a sensor")["reachable"].is_null(), "its host is off");

    let since = last_event(&ubmcd);
    assert_eq!(ubmcd.code(&["--yes", "sim", "stop"]), 0);
    await_event(&ubmcd, since, "hardware.lost", "critical");
    eventually("the sensor has failed", || (of("sensor inlet_temp")?["reachable"] == false).then_some(()));
    assert_eq!(ubmcd.code(&["sim", "start"]), 0);
    await_event(&ubmcd, since, "hardware.restored", "notice");
    await_calm(&ubmcd);
    let events = ubmcd.json(&["events", "list", "--since", &since.to_string(), "--subject", "hardware.*"]);
    assert_eq!(events.as_array().map(Vec::len), Some(2), "{events}");
    assert_eq!(ubmcd.code(&["sim", "start"]), 0, "one that runs is left alone");
}
