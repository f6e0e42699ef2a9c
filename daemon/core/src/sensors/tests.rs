//! The bank as scenarios: readings in, quality, alarms and derived values out.

use std::time::Duration;

use super::{Formula, Protection, SensorKind, SensorSource, SensorSpec, Thresholds, bank::Sensors};
use crate::{
    ids::SensorId,
    input::{Limits, Sample},
    outbox::Outbox,
    time::Mono,
    view::{Quality, Status},
};

pub(crate) fn temperature(name: &str) -> SensorSpec {
    SensorSpec {
        name: name.into(),
        description: String::new(),
        kind: SensorKind::Temperature,
        source: SensorSource::Hardware,
        scale: 1.0,
        offset: 0.0,
        thresholds: Thresholds::default(),
        interval: Duration::from_secs(1),
        stale_after: Duration::from_secs(60),
        powered_by: None,
        max_slew: 0.0,
        history: 16,
        protection: Protection::default(),
    }
}

fn derived(name: &str, formula: Formula, inputs: &[usize]) -> SensorSpec {
    let inputs = inputs.iter().copied().map(SensorId::new).collect();
    SensorSpec { source: SensorSource::Derived { formula, inputs }, ..temperature(name) }
}

struct Bench {
    bank: Sensors,
    out: Outbox,
    second: u64,
}

impl Bench {
    fn new(specs: &[SensorSpec]) -> Self {
        Self { bank: Sensors::new(specs), out: Outbox::default(), second: 0 }
    }

    /// One second later these arrive; what is due before comes first.
    fn read(&mut self, samples: Vec<(usize, Sample)>) -> &mut Self {
        self.second += 1;
        self.out.begin(Mono::from_millis(self.second * 1000));
        let samples = samples.into_iter().map(|(place, sample)| (SensorId::new(place), sample)).collect();
        self.bank.sampled(samples, |_| true, &mut self.out);
        self
    }

    fn quality(&self, place: usize) -> &'static str {
        self.bank.quality(SensorId::new(place)).as_str()
    }

    fn value(&self, place: usize) -> Option<f64> {
        self.bank.good(SensorId::new(place))
    }
}

const GOOD: fn() -> Sample = || Sample::Value(20.0);
const ERROR: fn() -> Sample = || Sample::Error("no answer".to_owned());
const NAN: fn() -> Sample = || Sample::Value(f64::NAN);

/// reference/thermal.md: five read errors in a row → failed; one good read restores.
#[test]
fn five_errors_in_a_row_fail_a_sensor_and_one_good_read_restores_it() {
    let e = || ERROR();
    for (readings, expected) in [
        (vec![GOOD(), e(), e(), e(), e()], "good"),
        (vec![GOOD(), e(), e(), e(), e(), e()], "failed"),
        (vec![GOOD(), e(), e(), e(), e(), GOOD(), e(), e(), e(), e()], "good"),
        (vec![GOOD(), e(), e(), e(), e(), e(), GOOD()], "good"),
        (vec![GOOD(), NAN(), e(), NAN(), e(), Sample::Value(f64::INFINITY)], "failed"),
        (vec![e(), e(), e(), e()], "not-yet-read"),
        (vec![e(), e(), e(), e(), e()], "failed"),
        (vec![GOOD(), e(), e(), Sample::Absent, e(), e(), e(), e()], "not-yet-read"),
        (vec![GOOD(), Sample::Absent], "absent"),
    ] {
        let mut bench = Bench::new(&[temperature("inlet")]);
        let told = format!("{readings:?}");
        for reading in readings {
            bench.read(vec![(0, reading)]);
        }
        assert_eq!(bench.quality(0), expected, "{told}");
    }
}

#[test]
fn statistics_are_of_good_readings_alone() {
    let mut bench = Bench::new(&[temperature("inlet")]);
    for reading in [Sample::Value(20.0), ERROR(), Sample::Value(30.0), NAN(), Sample::Value(25.0)] {
        bench.read(vec![(0, reading)]);
    }
    let statistics = bench.bank.view(SensorId::new(0)).statistics;
    assert_eq!((statistics.minimum, statistics.maximum, statistics.mean), (Some(20.0), Some(30.0), Some(25.0)));
    assert_eq!((statistics.readings, statistics.errors), (3, 2));
}

#[test]
fn a_derived_sensor_is_worth_what_its_worst_input_is_worth() {
    let optional =
        SensorSpec { protection: Protection { missing_ok: true, ..Protection::default() }, ..temperature("b") };
    let absent = || Sample::Absent;
    // Inputs a and b, of which b may be missing if so said; then quality and value of their maximum.
    for (may_miss, a, b, quality, value) in [
        (false, GOOD(), Sample::Value(30.0), "good", Some(30.0)),
        (false, GOOD(), absent(), "absent", None),
        (true, GOOD(), absent(), "good", Some(20.0)),
        (true, absent(), absent(), "absent", None),
        (false, GOOD(), NAN(), "not-yet-read", None),
    ] {
        let b_spec = if may_miss { optional.clone() } else { temperature("b") };
        let mut bench = Bench::new(&[temperature("a"), b_spec, derived("max", Formula::Maximum, &[0, 1])]);
        let told = format!("{a:?} {b:?} {may_miss}");
        bench.read(vec![(0, a), (1, b)]);
        assert_eq!((bench.quality(2), bench.value(2)), (quality, value), "{told}");
    }
}

#[test]
fn a_derived_sensor_falls_with_its_input_and_comes_back_with_it() {
    let specs =
        [temperature("a"), derived("margin", Formula::MarginTo(85.0), &[0]), derived("deep", Formula::Sum, &[1])];
    let mut bench = Bench::new(&specs);
    bench.read(vec![(0, Sample::Value(82.0))]);
    assert_eq!((bench.value(1), bench.value(2)), (Some(3.0), Some(3.0)));
    bench.bank.stale(SensorId::new(0), &mut bench.out);
    assert_eq!((bench.quality(1), bench.quality(2)), ("stale", "stale"));
    bench.read(vec![(0, Sample::Value(80.0))]);
    assert_eq!((bench.value(1), bench.value(2)), (Some(5.0), Some(5.0)));
}

#[test]
fn a_derived_sensor_is_computed_when_an_input_was_read_and_only_then() {
    let specs = [temperature("a"), temperature("other"), derived("max", Formula::Maximum, &[0])];
    let mut bench = Bench::new(&specs);
    bench.read(vec![(0, GOOD())]).read(vec![(1, GOOD())]).read(vec![(1, GOOD())]);
    let view = bench.bank.view(SensorId::new(2));
    assert_eq!((view.statistics.readings, view.read_at), (1, Some(Mono::from_millis(1000))));
    assert_eq!(view.quality, Quality::Good, "it is as old as its input, and that is not too old");
}

#[test]
fn limits_of_the_device_count_where_the_board_asks_for_them() {
    let asks = |from_hardware| SensorSpec {
        thresholds: Thresholds { critical_high: Some(90.0), from_hardware, ..Thresholds::default() },
        ..temperature("cpu")
    };
    let mut bench = Bench::new(&[asks(true), asks(false)]);
    bench.read(vec![(0, Sample::Value(85.0)), (1, Sample::Value(85.0))]);
    let brought = Limits { warning_high: Some(80.0), critical_high: Some(70.0), ..Limits::default() };
    for place in [0, 1, 0] {
        bench.bank.limits_brought(SensorId::new(place), &brought, &mut bench.out);
    }
    let view = bench.bank.view(SensorId::new(0));
    assert_eq!((view.status, view.limits_taken), (Status::Warning, ["warning_high"].as_slice()));
    assert_eq!(bench.bank.view(SensorId::new(1)).status, Status::Ok);
    // The device is set to something else: what it brought before is forgotten.
    let other = Limits { warning_high: Some(88.0), ..Limits::default() };
    bench.bank.limits_brought(SensorId::new(0), &other, &mut bench.out);
    assert_eq!(bench.bank.view(SensorId::new(0)).status, Status::Ok);
    let events: Vec<_> = bench.out.finish().events.into_iter().map(|event| event.subject).collect();
    assert_eq!(events.iter().filter(|subject| *subject == "sensor.cpu.limits").count(), 2, "{events:?}");
}

#[test]
fn the_worst_case_is_that_of_a_silent_sensor_alone() {
    let spec = SensorSpec { max_slew: 0.5, ..temperature("cpu") };
    let mut bench = Bench::new(&[spec, temperature("no-slew")]);
    bench.read(vec![(0, Sample::Value(70.0)), (1, Sample::Value(70.0))]);
    let after = Mono::from_millis(13_000);
    let worst = |bench: &Bench, place| bench.bank.view(SensorId::new(place)).worst_case(after);
    assert_eq!(worst(&bench, 0), None);
    for place in [0, 1] {
        bench.bank.stale(SensorId::new(place), &mut bench.out);
    }
    assert_eq!((worst(&bench, 0), worst(&bench, 1)), (Some(76.0), None));
}
