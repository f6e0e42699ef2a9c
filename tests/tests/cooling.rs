//! The cooling loop of the shipped simulated board, closed: load steps, warm and cold rooms, dead fans, a clogged filter,
//! lost sensors. All in simulated time; `UBMC_SHOW=1` shows the course of each.

use ubmc_core::view::ZoneState;
use ubmc_tests::world::cooling::{Course, Loop};

/// In steady state a zone's duty stays within ±3 %.
const STEADY: f64 = 6.0;

fn show(name: &str, course: &Course) {
    if std::env::var_os("UBMC_SHOW").is_some() {
        eprintln!("{name}: {course}");
    }
}

/// Whatever happened: no trip, fans never below fail-safe when something was unknown or too hot, and calm in the end.
#[track_caller]
fn check(name: &str, course: &Course, seconds_above_target: u64) {
    show(name, course);
    assert_eq!(course.trip, None, "{name}: {course}");
    assert!(course.unsafe_seconds.is_empty(), "{name}: {:?}", course.unsafe_seconds);
    for (zone, (low, high)) in &course.steady {
        assert!(high - low <= STEADY, "{name}: zone {zone} swings: {course}");
    }
    assert!(course.above_target <= seconds_above_target, "{name}: too long above its target: {course}");
}

/// Idle for ten minutes, then everything at once, then idle again: for every room that the board is made for.
#[test]
fn load_steps_are_followed_without_swinging_in_every_room() {
    for ambient in [15.0, 20.0, 25.0, 30.0, 35.0] {
        for load in [0.3, 0.6, 1.0] {
            let mut all = Loop::new(ambient);
            all.run(600);
            for host in ["host.0.load", "host.1.load"] {
                all.set(host, load);
            }
            all.run(1800);
            check(&format!("up to {load} at {ambient} °C"), &all.course(), 60);
            for host in ["host.0.load", "host.1.load"] {
                all.set(host, 0.1);
            }
            all.run(1800);
            check(&format!("down from {load} at {ambient} °C"), &all.course(), 60);
        }
    }
}

#[test]
fn one_busy_host_is_cooled_whichever_it_is() {
    for busy in ["host.0.load", "host.1.load"] {
        let mut all = Loop::new(25.0);
        all.run(300).set(busy, 1.0);
        all.run(1800);
        check(busy, &all.course(), 60);
    }
}

/// At 45 °C full load is more than all the air there is can keep below the target; nothing trips all the same.
#[test]
fn the_hottest_room_is_loud_but_holds() {
    for load in [0.1, 0.5, 1.0] {
        let mut all = Loop::new(45.0);
        for host in ["host.0.load", "host.1.load"] {
            all.set(host, load);
        }
        all.run(3600);
        let bound = if load > 0.9 { 3600 } else { 60 };
        check(&format!("45 °C at {load}"), &all.course(), bound);
    }
}

#[test]
fn a_dead_fan_is_made_up_for_by_the_others() {
    for fan in ["fan.0", "fan.2", "fan.3", "fan.5"] {
        for (ambient, load) in [(15.0, 1.0), (25.0, 1.0), (35.0, 0.8), (45.0, 0.3)] {
            let mut all = Loop::new(ambient);
            for host in ["host.0.load", "host.1.load"] {
                all.set(host, load);
            }
            all.run(900).inject("fan-fail", fan, None);
            all.run(1800);
            check(&format!("{fan} dead at {ambient} °C"), &all.course(), 60);
        }
    }
}

#[test]
fn a_fan_that_is_slow_is_found_out_and_made_up_for() {
    let mut all = Loop::new(25.0);
    all.run(300).inject("fan-slow", "fan.1", Some(0.4));
    all.run(1200);
    check("fan.1 slow", &all.course(), 60);
    // All the time, not in turns.
    assert!(all.course().states["failsafe"] > 1180, "{}", all.course());
    assert_eq!(all.state("cpu"), ZoneState::Failsafe);
    all.clear();
    all.run(60);
    assert_eq!(all.state("cpu"), ZoneState::Controlled);
}

#[test]
fn a_filter_that_clogs_costs_duty_and_nothing_else() {
    for ambient in [15.0, 25.0, 30.0] {
        let mut all = Loop::new(ambient);
        for host in ["host.0.load", "host.1.load"] {
            all.set(host, 0.7);
        }
        all.run(900);
        let clean = all.course().steady["cpu"].1;
        // As dust does, but in an hour instead of a year.
        for tenth in 1..=5 {
            all.set("filter_clogging", f64::from(tenth) / 10.0);
            all.run(720);
        }
        let course = all.course();
        check(&format!("clogged at {ambient} °C"), &course, 60);
        assert!(course.steady["cpu"].0 > clean, "{course}");
    }
}

#[test]
fn a_sensor_that_is_lost_for_a_while_trips_nothing() {
    for sensor in ["host0_cpu_temp", "host1_dimm_temp", "host0_vrm_temp", "inlet_temp", "outlet_temp", "psu0_temp"] {
        for kind in ["sensor-missing", "sensor-nan"] {
            let mut all = Loop::new(30.0);
            all.set("host.0.load", 0.8);
            all.run(900).inject(kind, sensor, None);
            all.run(20).clear();
            all.run(1500);
            check(&format!("{kind} {sensor} for 20 s"), &all.course(), 60);
        }
    }
}

/// Air that nobody measures is no reason to power off: what it could harm has sensors of its own.
#[test]
fn an_air_sensor_or_a_supply_that_is_lost_for_good_trips_nothing() {
    for (kind, target) in [("sensor-missing", "inlet_temp"), ("sensor-missing", "outlet_temp"), ("psu-absent", "psu.1")]
    {
        let mut all = Loop::new(30.0);
        all.set("host.0.load", 0.8);
        all.run(600).inject(kind, target, None);
        all.run(3600);
        check(&format!("{kind} {target}"), &all.course(), 60);
        let expected = if kind == "psu-absent" { ZoneState::Controlled } else { ZoneState::Failsafe };
        assert_eq!(all.state("system"), expected, "{kind} {target}");
    }
}

/// A CPU that is not heard any more may be anywhere that physics allows: in the end it is powered off, but not before.
#[test]
fn a_cpu_that_nobody_hears_any_more_is_powered_off_when_it_may_be_too_hot() {
    let mut all = Loop::new(25.0);
    all.set("host.0.load", 0.5);
    all.run(900).inject("sensor-missing", "host0_cpu_temp", None);
    let lost = all.second();
    all.run(120);
    let course = all.course();
    show("host0_cpu_temp lost", &course);
    assert!(course.unsafe_seconds.is_empty(), "{:?}", course.unsafe_seconds);
    let (tripped, why) = course.trip.clone().expect("it never tripped");
    // Some 70 °C at half load, 105 °C are fatal, 0.5 °C a second.
    assert!((40..=100).contains(&(tripped - lost)), "{course}");
    assert!(why.contains("host0_cpu_temp has been silent for"), "{why}");
    all.run(30);
    assert!(all.is_off("host.0") && all.is_off("host.1") && all.state("cpu") == ZoneState::Tripped, "{course}");
}
