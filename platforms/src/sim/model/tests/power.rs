//! Power sequencing, line by line.

use super::*;

/// A story of lines: `at ms: deed` and `at ms: name=level`, one a row. A deed is `set`, `clear`, `pulse NAME` or
/// `fault KIND TARGET` or `end` (all faults).
#[track_caller]
fn check(power: InitialPower, story: &str) {
    let mut rig = Rig::new(power);
    let mut now = 0;
    for row in story.lines().map(str::trim).filter(|row| !row.is_empty()) {
        let (at, what) = row.split_once(':').unwrap();
        let at: u64 = at.parse().unwrap();
        rig.wait(at - now);
        now = at;
        let words: Vec<_> = what.split_whitespace().collect();
        match words[..] {
            ["set", line] => rig.drive(line, true),
            ["clear", line] => rig.drive(line, false),
            ["pulse", line] => rig.pulse(line),
            ["fault", kind, target] => rig.inject(kind, target, None),
            ["end"] => drop(rig.model.clear(None, None)),
            _ => {
                for expected in words {
                    let (line, level) = expected.split_once('=').unwrap();
                    assert_eq!(rig.high(line), level == "1", "{line} at {now} ms (row `{row}`)");
                }
            }
        }
    }
}

#[test]
fn power_on_is_chassis_then_host_then_boot() {
    check(
        InitialPower::Off,
        "
        0:    psu.0.present=1 psu.1.good=1 chassis.power_good=0 host.0.power_good=0
        0:    set host.0.power_control
        1000: host.0.power_good=0
        1000: set chassis.power_control
        1299: chassis.power_good=0
        1300: chassis.power_good=1 host.0.power_good=0
        1501: host.0.power_good=1 host.0.post_complete=0 host.1.power_good=0
        7400: host.0.post_complete=0
        7600: host.0.post_complete=1
        8000: clear chassis.power_control
        8000: chassis.power_good=0 host.0.power_good=0 host.0.post_complete=0
        ",
    );
}

#[test]
fn a_host_that_is_asked_shuts_down_and_stays_off_until_asked_to_start() {
    check(
        InitialPower::On,
        "
        0:    host.1.post_complete=1
        0:    pulse host.1.shutdown_request
        2900: host.1.power_good=1 host.1.post_complete=1
        3100: host.1.power_good=0 host.1.post_complete=0 host.0.power_good=1 host.1.power_control=1
        9000: host.1.power_good=0
        9000: clear host.1.power_control
        9100: set host.1.power_control
        9301: host.1.power_good=1
        15400: host.1.post_complete=1 host.1.power_good=1
        ",
    );
}

#[test]
fn a_request_during_boot_is_served_when_the_system_is_up() {
    check(
        InitialPower::Chassis,
        "
        0:    set host.0.power_control
        1000: pulse host.0.shutdown_request
        6100: host.0.power_good=1 host.0.post_complete=0
        6300: host.0.post_complete=1
        9300: host.0.power_good=0
        ",
    );
}

#[test]
fn a_reset_boots_again_without_losing_power() {
    check(
        InitialPower::On,
        "
        0:    pulse host.0.reset
        0:    host.0.post_complete=0 host.0.power_good=1
        5900: host.0.post_complete=0
        6100: host.0.post_complete=1
        7000: set host.0.reset
        20000: host.0.post_complete=0 host.0.power_good=1
        20000: clear host.0.reset
        26100: host.0.post_complete=1
        ",
    );
}

#[test]
fn power_comes_back_with_the_mains_and_not_without() {
    check(
        InitialPower::On,
        "
        0:    fault ac-loss psu.0
        0:    psu.0.good=0 psu.1.good=1 psu.0.present=1 chassis.power_good=1
        0:    fault ac-loss all
        0:    psu.1.good=0 chassis.power_good=0 host.0.power_good=0 host.0.post_complete=0
        5000: end
        5000: psu.0.good=1 psu.1.good=1 chassis.power_good=0
        5301: chassis.power_good=1
        5502: host.0.power_good=1
        11700: host.0.post_complete=1
        ",
    );
}

#[test]
fn an_interrupt_is_counted_and_keeps_the_host_busy_for_its_dump() {
    let mut rig = Rig::new(InitialPower::On);
    rig.model.set("host.0.load", 0.0).unwrap();
    rig.pulse("host.0.nmi");
    rig.wait(100);
    assert!((rig.truth("host.0.interrupts") - 1.0).abs() < f64::EPSILON);
    let busy = rig.truth("host.0.power");
    rig.wait(4000);
    assert!(busy > rig.truth("host.0.power") + 100.0 && rig.high("host.0.post_complete"));
}

#[test]
fn edges_come_in_order_at_their_exact_time() {
    let mut rig = Rig::new(InitialPower::Off);
    rig.drive("chassis.power_control", true);
    rig.drive("host.0.power_control", true);
    rig.wait(7000);
    let edges: Vec<_> = rig
        .model
        .take_edges()
        .into_iter()
        .map(|edge| format!("{} {}={}", edge.at.since_origin().as_millis(), edge.line, edge.level))
        .collect();
    assert_eq!(
        edges,
        [
            "0 chassis.power_control=high",
            "0 host.0.power_control=high",
            "300 chassis.power_good=high",
            "500 host.0.power_good=high",
            "6500 host.0.post_complete=high",
        ]
    );
    assert!(rig.model.take_edges().is_empty());
    for _ in 0..2000 {
        rig.pulse("host.0.nmi");
    }
    assert_eq!(rig.model.take_edges().len(), 1024);
}

#[test]
fn the_bmc_drives_only_its_own_lines() {
    let mut rig = Rig::new(InitialPower::Off);
    let refused = rig.model.set_line(rig.line("chassis.power_good"), Level::High).unwrap_err();
    assert_eq!(refused.to_string(), "`chassis.power_good` is driven by the hardware, not by the BMC");
    let missing = Line::HostPower(5, crate::sim::PowerLine::Control);
    assert!(rig.model.set_line(missing, Level::High).is_err());
    assert!(rig.model.set_duty(6, Duty::FULL).is_err());
}

#[test]
fn settings_out_of_range_or_unknown_are_refused() {
    let mut rig = Rig::new(InitialPower::Off);
    for (name, value, expected) in [
        ("ambient", 200.0, "200 is not possible for `ambient`: it is a temperature of −40–80 °C"),
        ("host.1.load", 1.5, "1.5 is not possible for `host.1.load`: a load is 0–1, or −1 for its own"),
        ("speed", f64::NAN, "NaN is not possible for `speed`: simulated time can go 0–1000 times as fast as real time"),
        (
            "host.1.laod",
            0.5,
            "`host.1.laod` cannot be set (did you mean `host.1.load`?); `ambient`, `speed`, `filter_clogging` and \
             `host.N.load` can",
        ),
    ] {
        assert_eq!(rig.model.set(name, value).unwrap_err().to_string(), expected);
    }
}
