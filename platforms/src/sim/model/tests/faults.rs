//! Each kind of fault, followed to its effect and to its clearing.

use super::*;

fn running() -> Rig {
    let mut rig = Rig::new(InitialPower::On);
    rig.duty(50.0);
    rig.run(10);
    rig
}

fn clear(rig: &mut Rig, kind: &str, target: &str) {
    rig.model.clear_named(kind, target).unwrap();
    assert_eq!(rig.model.faults(), []);
}

#[test]
fn a_missing_sensor_is_absent_until_it_is_back() {
    let mut rig = running();
    rig.inject("sensor-missing", "host.0.cpu_temp", None);
    assert_eq!(rig.sample("host.0.cpu_temp"), Sample::Absent);
    assert!(matches!(rig.sample("host.1.cpu_temp"), Sample::Value(_)));
    clear(&mut rig, "sensor-missing", "host.0.cpu_temp");
    assert!(rig.value("host.0.cpu_temp") > 20.0);
}

#[test]
fn a_stuck_sensor_shows_its_last_value_or_the_given_one() {
    let mut rig = running();
    let last = rig.value("outlet_temp");
    rig.inject("sensor-stuck", "outlet_temp", None);
    rig.model.set("ambient", 60.0).unwrap();
    rig.run(60);
    assert!((rig.value("outlet_temp") - last).abs() < 1e-9);
    rig.inject("sensor-stuck", "outlet_temp", Some(99.5));
    assert!((rig.value("outlet_temp") - 99.5).abs() < 1e-9);
    assert_eq!(rig.model.faults().len(), 1, "the second takes the place of the first");
    clear(&mut rig, "sensor-stuck", "outlet_temp");
    assert!(rig.value("outlet_temp") > 55.0 && rig.value("outlet_temp") < 90.0);
}

#[test]
fn a_sensor_of_nonsense_shows_no_number() {
    let mut rig = running();
    rig.inject("sensor-nan", "psu.1.temp", None);
    assert!(rig.value("psu.1.temp").is_nan());
    clear(&mut rig, "sensor-nan", "psu.1.temp");
    assert!(rig.value("psu.1.temp").is_finite());
}

#[test]
fn a_failed_fan_stands_and_comes_back() {
    let mut rig = running();
    assert!((rig.rpm("fan.2") - 6600.0).abs() < 100.0, "half way between 1200 and 12000: {}", rig.rpm("fan.2"));
    rig.inject("fan-fail", "fan.2", None);
    rig.run(20);
    assert!(rig.value("fan.2.speed") == 0.0 && rig.rpm("fan.1") > 6000.0);
    clear(&mut rig, "fan-fail", "fan.2");
    rig.run(20);
    assert!((rig.rpm("fan.2") - 6600.0).abs() < 100.0);
}

#[test]
fn a_slow_fan_reaches_a_part_of_its_speed() {
    let mut rig = running();
    rig.inject("fan-slow", "fan.2", Some(0.3));
    rig.run(20);
    assert!((rig.rpm("fan.2") - 1980.0).abs() < 50.0);
    rig.inject("fan-slow", "fan.2", None);
    rig.run(20);
    assert!((rig.rpm("fan.2") - 3300.0).abs() < 50.0);
    clear(&mut rig, "fan-slow", "fan.2");
}

#[test]
fn a_fan_that_refuses_duties_keeps_its_last_one() {
    let mut rig = running();
    rig.inject("pwm-write-fails", "fan.2", None);
    let refused = rig.model.set_duty(2, Duty::FULL).unwrap_err();
    assert_eq!(refused.to_string(), "the fan chip did not acknowledge the duty for `fan.2`");
    rig.model.set_duty(3, Duty::FULL).unwrap();
    rig.run(20);
    assert!((rig.rpm("fan.2") - 6600.0).abs() < 100.0 && rig.rpm("fan.3") > 11_900.0);
    clear(&mut rig, "pwm-write-fails", "fan.2");
    rig.model.set_duty(2, Duty::FULL).unwrap();
    rig.run(20);
    assert!(rig.rpm("fan.2") > 11_900.0);
}

#[test]
fn a_supply_that_fails_or_is_pulled_leaves_its_load_to_the_other() {
    for (kind, present) in [("psu-fail", true), ("psu-absent", false), ("ac-loss", true)] {
        let mut rig = running();
        let shared = rig.truth("psu.1.power");
        rig.inject(kind, "psu.0", None);
        rig.run(5);
        assert!(!rig.high("psu.0.good") && rig.high("psu.1.good") && rig.high("chassis.power_good"), "{kind}");
        assert_eq!(rig.high("psu.0.present"), present, "{kind}");
        assert_eq!(rig.sample("psu.0.temp") == Sample::Absent, !present, "{kind}");
        assert!(rig.truth("psu.1.power") > shared * 1.7, "{kind}: {} after {shared}", rig.truth("psu.1.power"));
        if present {
            assert_eq!(rig.value("psu.0.vin") > 200.0, kind == "psu-fail", "{kind}");
        }
        clear(&mut rig, kind, "psu.0");
        rig.run(5);
        assert!(rig.high("psu.0.good") && rig.truth("psu.0.power") > 100.0, "{kind}");
    }
}

#[test]
fn without_any_mains_the_rails_fall_and_standby_stays() {
    let mut rig = running();
    rig.inject("ac-loss", "all", None);
    rig.run(20);
    assert!(!rig.high("chassis.power_good") && !rig.high("host.0.power_good"));
    assert!(rig.value("rail.p12v") < 0.1 && rig.value("rail.p3v3_stby") > 3.2 && rig.value("fan.0.speed") == 0.0);
    assert!(matches!(rig.sample("host.0.cpu_temp"), Sample::Error(_)), "a CPU that is off does not answer");
    clear(&mut rig, "ac-loss", "all");
    rig.run(20);
    assert!(rig.high("host.0.post_complete") && rig.value("rail.p12v") > 11.8);
}

#[test]
fn lost_power_stays_lost_until_it_is_asked_for_again() {
    for (target, good, control) in [
        ("host.0", "host.0.power_good", "host.0.power_control"),
        ("chassis", "chassis.power_good", "chassis.power_control"),
    ] {
        let mut rig = running();
        rig.inject("power-good-lost", target, None);
        assert!(!rig.high(good), "at once");
        rig.drive(control, false);
        rig.drive(control, true);
        rig.run(5);
        assert!(!rig.high(good), "not while the fault lasts");
        rig.drive(control, false);
        clear(&mut rig, "power-good-lost", target);
        rig.drive(control, true);
        rig.run(5);
        assert!(rig.high(good));
    }
    let mut rig = running();
    rig.inject("power-good-lost", "host.0", None);
    clear(&mut rig, "power-good-lost", "host.0");
    rig.run(5);
    assert!(!rig.high("host.0.power_good"), "latched: nobody asked again");
}

#[test]
fn power_that_never_comes_comes_when_the_fault_is_gone() {
    for (target, good, control) in [
        ("host.1", "host.1.power_good", "host.1.power_control"),
        ("chassis", "chassis.power_good", "chassis.power_control"),
    ] {
        let mut rig = running();
        rig.inject("power-good-never", target, None);
        rig.run(2);
        assert!(rig.high(good), "what is up stays up");
        rig.drive(control, false);
        rig.drive(control, true);
        rig.run(10);
        assert!(!rig.high(good));
        clear(&mut rig, "power-good-never", target);
        rig.run(2);
        assert!(rig.high(good));
    }
}

#[test]
fn a_stuck_power_good_hides_what_the_power_does() {
    let mut rig = running();
    rig.inject("power-good-stuck", "host.0", None);
    rig.drive("host.0.power_control", false);
    rig.run(2);
    assert!(rig.high("host.0.power_good") && !rig.high("host.0.post_complete"));
    assert!(rig.value("host.0.vcore") < 0.01);
    clear(&mut rig, "power-good-stuck", "host.0");
    assert!(!rig.high("host.0.power_good"));
    rig.inject("power-good-stuck", "host.1", Some(0.0));
    assert!(!rig.high("host.1.power_good") && rig.high("host.1.post_complete"));
}

#[test]
fn a_hanging_host_neither_boots_nor_shuts_down() {
    let mut rig = running();
    rig.inject("host-hang", "host.0", None);
    rig.pulse("host.0.shutdown_request");
    rig.pulse("host.0.nmi");
    rig.run(30);
    assert!(rig.high("host.0.power_good") && rig.truth("host.0.interrupts") == 0.0);
    rig.pulse("host.1.reset");
    rig.inject("host-hang", "host.1", None);
    rig.run(30);
    assert!(!rig.high("host.1.post_complete"));
    rig.model.clear_named("host-hang", "").unwrap();
    rig.run(7);
    assert!(!rig.high("host.0.power_good"), "it does what it was asked");
    assert!(rig.high("host.1.post_complete"), "it goes on booting");
    let mut rig = running();
    rig.inject("host-hang", "host.0", None);
    rig.drive("host.0.power_control", false);
    assert!(!rig.high("host.0.power_good"), "power needs nobody's consent");
}

#[test]
fn a_hanging_bus_takes_its_own_sensors_along_and_no_others() {
    let mut rig = running();
    rig.inject("bus-hang", "i2c-host0", None);
    assert_eq!(rig.sample("host.0.vcore"), Sample::Error("bus i2c-host0 hangs".into()));
    assert!(matches!(rig.sample("host.1.vcore"), Sample::Value(_)));
    clear(&mut rig, "bus-hang", "i2c-host0");
    assert!(matches!(rig.sample("host.0.vcore"), Sample::Value(_)));
    rig.inject("bus-hang", "i2c-psu", Some(0.25));
    let hang = rig.model.hang(crate::sim::Bus::Psu).unwrap();
    assert_eq!(hang.delay, Some(Duration::from_millis(250)));
    assert!(matches!(rig.sample("psu.0.temp"), Sample::Value(_)), "late, but it comes");
    rig.inject("bus-hang", "fan-chip", None);
    assert!(rig.model.set_duty(0, Duty::OFF).is_err());
}

#[test]
fn a_stuck_line_neither_tells_nor_carries() {
    let mut rig = running();
    rig.inject("gpio-stuck", "host.0.power_control", None);
    rig.drive("host.0.power_control", false);
    rig.run(2);
    assert!(rig.high("host.0.power_control") && rig.high("host.0.power_good"), "it does not arrive");
    rig.model.take_edges();
    clear(&mut rig, "gpio-stuck", "host.0.power_control");
    assert!(!rig.high("host.0.power_good"), "now it has");
    assert_eq!(rig.model.take_edges().len(), 3, "control, good and post-complete fall");
    rig.inject("gpio-stuck", "psu.0.present", Some(0.0));
    assert!(!rig.high("psu.0.present") && rig.high("psu.0.good"));
    rig.inject("gpio-stuck", "host.1.shutdown_request", Some(0.0));
    rig.drive("host.1.shutdown_request", true);
    rig.run(10);
    assert!(rig.high("host.1.power_good"));
    rig.model.clear(None, None);
    rig.run(4);
    assert!(!rig.high("host.1.power_good"), "the request arrived when the line came free");
}

#[test]
fn the_fan_chip_goes_to_full_speed_when_nobody_talks_to_it() {
    let mut rig = running();
    rig.wait(8900);
    assert!(!rig.model.watchdog_bit() && rig.rpm("fan.0") < 7000.0);
    rig.wait(200);
    assert!(rig.model.watchdog_bit());
    rig.wait(8000);
    assert!(rig.rpm("fan.0") > 11_900.0 && (rig.truth("fan.0.duty") - 100.0).abs() < 1e-9);
    rig.duty(20.0);
    assert!(!rig.model.watchdog_bit());
    rig.wait(9000);
    assert!(rig.rpm("fan.0") < 4000.0);
}

#[test]
fn the_fan_chip_counts_real_time_however_fast_the_simulation_runs() {
    let mut rig = running();
    rig.model.set("speed", 100.0).unwrap();
    rig.duty(30.0);
    let before = rig.model.now();
    rig.model.advance(Duration::from_secs(9));
    assert_eq!(rig.model.now().since(before), Duration::from_secs(900));
    assert!(!rig.model.watchdog_bit());
    rig.model.advance(Duration::from_secs(1));
    assert!(rig.model.watchdog_bit());
}

#[test]
fn what_is_not_active_cannot_be_cleared() {
    let mut rig = running();
    for (kind, target, expected) in [
        ("fan-fail", "fan.1", "`fan-fail` is not active on `fan.1`"),
        ("fan-fail", "", "`fan-fail` is not active on `any target`"),
        ("fan-fall", "", "there is no fault kind `fan-fall` (did you mean `fan-fail`?)"),
    ] {
        assert_eq!(rig.model.clear_named(kind, target).unwrap_err().to_string(), expected);
    }
    rig.inject("fan-fail", "fan.1", None);
    rig.inject("fan-fail", "fan.2", None);
    rig.inject("ac-loss", "psu.0", None);
    rig.model.clear_named("fan-fail", "").unwrap();
    assert_eq!(rig.model.faults().len(), 1);
    rig.model.clear_named("", "").unwrap();
    assert_eq!(rig.model.faults(), []);
}
