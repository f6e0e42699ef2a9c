//! Temperatures settle where they should, and everything that should warm or cool does.

use proptest::prelude::*;

use super::*;

/// Everything on, with this load and duty, until nothing moves any more.
fn settled(ambient: f64, load: f64, duty: f64) -> Rig {
    settled_with(ambient, load, duty, |_| {})
}

fn settled_with(ambient: f64, load: f64, duty: f64, prepare: impl FnOnce(&mut Rig)) -> Rig {
    let mut rig = Rig::of(&SimConfig { ambient, power: InitialPower::On, ..SimConfig::default() });
    for host in 0..rig.model.config().hosts.count {
        rig.model.set(&format!("host.{host}.load"), load).unwrap();
    }
    rig.duty(duty);
    prepare(&mut rig);
    rig.run(900);
    rig
}

#[track_caller]
fn check_settles(load: f64, duty: f64, expected: &[(&str, f64, f64)]) {
    let rig = settled(25.0, load, duty);
    for (name, low, high) in expected {
        let value = rig.truth(name);
        assert!((low..=high).contains(&&value), "{name} at load {load} and {duty} %: {value}, not {low}–{high}");
    }
}

#[test]
fn temperatures_settle_at_believable_values() {
    check_settles(
        0.0,
        22.0,
        &[
            ("host.0.cpu_temp", 42.0, 48.0),
            ("host.0.dimm_temp", 34.0, 46.0),
            ("host.0.vrm_temp", 36.0, 52.0),
            ("host.0.power", 85.0, 120.0),
            ("host.0.vcore", 0.98, 1.01),
            ("inlet_temp", 25.0, 27.5),
            ("outlet_temp", 28.0, 36.0),
            ("bmc_temp", 30.0, 42.0),
            ("psu.0.temp", 27.0, 40.0),
            ("psu.0.power", 100.0, 180.0),
            ("psu.0.vin", 227.0, 233.0),
            ("rail.p12v", 11.9, 12.2),
            ("rail.p5v", 4.95, 5.1),
            ("rail.p3v3", 3.27, 3.35),
            ("rail.p3v3_stby", 3.3, 3.35),
        ],
    );
    check_settles(
        1.0,
        65.0,
        &[
            ("host.0.cpu_temp", 70.0, 80.0),
            ("host.0.dimm_temp", 42.0, 62.0),
            ("host.0.vrm_temp", 60.0, 88.0),
            ("host.0.power", 285.0, 330.0),
            ("inlet_temp", 25.0, 27.0),
            ("outlet_temp", 31.0, 42.0),
            ("psu.0.temp", 34.0, 55.0),
            ("psu.0.power", 310.0, 400.0),
            ("rail.p12v", 11.9, 12.15),
        ],
    );
}

#[test]
fn without_fans_a_busy_host_overheats_within_two_minutes_and_saves_itself() {
    let mut rig = settled(25.0, 1.0, 65.0);
    for fan in 0..6 {
        rig.inject("fan-fail", &format!("fan.{fan}"), None);
    }
    let overheated = (0..120).find(|_| {
        rig.run(1);
        rig.truth("host.0.cpu_temp") >= 100.0
    });
    assert!(overheated.is_some_and(|second| second > 10), "{overheated:?}");
    rig.run(240);
    assert!(!rig.high("host.0.power_good"), "the CPU's own thermal trip");
    assert!(rig.truth("host.0.cpu_temp") < 125.0);
}

#[test]
fn a_dead_fan_and_a_clogged_filter_raise_temperatures_most_where_the_air_is_missing() {
    let healthy = settled(25.0, 0.6, 50.0);
    let dead = settled_with(25.0, 0.6, 50.0, |rig| rig.inject("fan-fail", "fan.0", None));
    let rise = |name| dead.truth(name) - healthy.truth(name);
    assert!(rise("host.0.cpu_temp") > rise("host.1.cpu_temp") && rise("host.1.cpu_temp") > 0.2);
    let clogged = settled_with(25.0, 0.6, 50.0, |rig| rig.model.set("filter_clogging", 0.8).unwrap());
    assert!(clogged.truth("host.1.cpu_temp") > healthy.truth("host.1.cpu_temp") + 5.0);
}

#[test]
fn what_is_drawn_from_the_mains_leaves_with_the_air() {
    for (load, duty) in [(0.0, 20.0), (0.5, 50.0), (1.0, 100.0)] {
        let rig = settled(25.0, load, duty);
        let mains = rig.truth("psu.0.power") + rig.truth("psu.1.power");
        let flows = rig.model.fans.flows(0.0);
        let carried: f64 = flows.into_iter().map(super::super::air::carried).sum();
        let air = (rig.truth("outlet_temp") - rig.truth("inlet_temp")) * carried;
        assert!((mains - air).abs() < mains * 0.01, "load {load}: {mains} W in, {air} W out");
        let inside = rig.truth("host.0.power") + rig.truth("host.1.power");
        assert!(mains > inside && mains < inside * 1.5 + 120.0, "load {load}: {mains} W for {inside} W of hosts");
    }
}

#[test]
fn the_same_calls_give_the_same_machine_and_another_seed_another() {
    let story = |seed| {
        let mut rig = Rig::of(&SimConfig { seed, power: InitialPower::On, ..SimConfig::default() });
        rig.duty(40.0);
        rig.run(30);
        Quantity::all(rig.model.config())
            .map(|quantity| format!("{:?}", rig.model.sample(quantity)))
            .collect::<Vec<_>>()
    };
    assert_eq!(story(1), story(1));
    assert_ne!(story(1), story(2));
}

#[test]
fn a_host_left_alone_has_a_load_that_wanders() {
    let mut rig = Rig::new(InitialPower::On);
    let loads: Vec<_> = (0..60)
        .map(|_| {
            rig.run(10);
            rig.truth("host.0.load")
        })
        .collect();
    let (low, high) = loads.iter().fold((1.0_f64, 0.0_f64), |(low, high), load| (low.min(*load), high.max(*load)));
    assert!(low >= 0.0 && high <= 0.5 && high - low > 0.1, "{low}–{high}");
    rig.model.set("host.0.load", 0.9).unwrap();
    rig.wait(100);
    assert!((rig.truth("host.0.load") - 0.9).abs() < 1e-9);
    rig.model.set("host.0.load", -1.0).unwrap();
    rig.wait(100);
    assert!(rig.truth("host.0.load") <= 0.5);
}

#[test]
fn long_steps_and_short_ones_lead_to_the_same_place() {
    let story = |step: u64| {
        let mut rig = Rig::new(InitialPower::On);
        rig.model.set("host.0.load", 1.0).unwrap();
        for _ in 0..120_000 / step {
            rig.wait(step);
        }
        rig.truth("host.0.cpu_temp")
    };
    assert!((story(50) - story(5000)).abs() < 0.5, "{} and {}", story(50), story(5000));
}

fn fans() -> Vec<String> {
    (0..6).map(|fan| format!("fan.{fan}")).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, ..ProptestConfig::default() })]

    #[test]
    fn more_air_cools_more_load_and_warmer_air_heat(
        ambient in 5.0..40.0_f64, load in 0.0..0.8_f64, duty in 30.0..80.0_f64,
    ) {
        let here = settled(ambient, load, duty);
        let faster = settled(ambient, load, duty + 15.0);
        let busier = settled(ambient, load + 0.15, duty);
        let warmer = settled(ambient + 4.0, load, duty);
        for name in ["host.0.cpu_temp", "host.1.dimm_temp", "host.0.vrm_temp"] {
            let temp = here.truth(name);
            prop_assert!(faster.truth(name) < temp, "{name} with more air");
            prop_assert!(busier.truth(name) > temp, "{name} with more load");
            prop_assert!(warmer.truth(name) > temp + 2.0, "{name} in warmer air");
        }
    }

    #[test]
    fn no_sensor_ever_shows_nonsense_and_no_fan_is_useless(
        acts in proptest::collection::vec((0..8_usize, 0..6_usize, 0.0..100.0_f64, 1..40_000_u64), 1..40),
    ) {
        let mut rig = Rig::new(InitialPower::Chassis);
        for (act, which, number, ms) in acts {
            let host = which % 2;
            match act {
                0 => rig.duty(number),
                1 => rig.drive(&format!("host.{host}.power_control"), number > 30.0),
                2 => rig.drive("chassis.power_control", number > 20.0),
                3 => rig.model.set("ambient", number - 30.0).unwrap(),
                4 => rig.model.set(&format!("host.{host}.load"), number / 100.0).unwrap(),
                5 => rig.inject(if number > 50.0 { "fan-fail" } else { "fan-slow" }, &fans()[which], None),
                6 => rig.inject("ac-loss", ["all", "psu.0", "psu.1"][which % 3], None),
                _ => { rig.model.clear(None, None); }
            }
            rig.wait(ms);
            for value in rig.model.values() {
                prop_assert!(value.value.is_finite(), "{value:?}");
                if value.unit == "°C" {
                    prop_assert!((-50.0..=400.0).contains(&value.value), "{value:?}");
                }
            }
            for quantity in Quantity::all(rig.model.config()) {
                if let Sample::Value(value) = rig.model.sample(quantity) {
                    prop_assert!(value.is_finite(), "{quantity}");
                }
            }
        }
    }

    #[test]
    fn every_fan_helps_every_host(duties in proptest::collection::vec(0.0..90.0_f64, 6), fan in 0..6_usize) {
        let flows = |more: f64| {
            let mut rig = Rig::new(InitialPower::On);
            for (index, duty) in duties.iter().enumerate() {
                let duty = if index == fan { duty + more } else { *duty };
                rig.model.set_duty(index, Duty::new(duty)).unwrap();
            }
            rig.wait(9000);
            rig.model.fans.flows(0.0)
        };
        let (before, after) = (flows(0.0), flows(10.0));
        prop_assert!(before.iter().zip(&after).all(|(before, after)| before < after), "{before:?} {after:?}");
    }
}
