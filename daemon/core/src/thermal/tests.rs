//! Thermal control as scenarios: temperatures in, states and duties out. One zone, two sensors, three fans.

use std::{collections::BTreeMap, time::Duration};

use proptest::prelude::*;

use super::{
    ControllerKind, ControllerSpec, CurveSpec, FanSpec, InputKind, Interpolation, ZoneSpec,
    control::Thermal,
    hysteresis::Hysteresis,
    pid::{FeedForward, PidSpec},
};
use crate::{
    board::Board,
    effect::{Effect, Effects},
    ids::{FanId, SensorId, ZoneId},
    input::{HardwareCommand, Sample},
    outbox::Outbox,
    sensors::{Protection, SensorKind, SensorSpec, Thresholds, bank::Sensors, tests::temperature},
    time::Mono,
    timers::Timer,
    units::Duty,
    view::FanMode,
};

const CPU: usize = 0;
const DIMM: usize = 1;
const POWER: usize = 2;
/// Tachometers of the three fans.
const TACHOS: usize = 3;
const ZONE: fn() -> ZoneId = || ZoneId::new(0);

fn hot(name: &str, slew: f64) -> SensorSpec {
    SensorSpec {
        thresholds: Thresholds {
            warning_high: Some(85.0),
            critical_high: Some(95.0),
            fatal_high: Some(105.0),
            hysteresis: 3.0,
            ..Thresholds::default()
        },
        max_slew: slew,
        ..temperature(name)
    }
}

fn of_kind(name: &str, kind: SensorKind) -> SensorSpec {
    SensorSpec { kind, ..temperature(name) }
}

fn curve(points: &[(f64, f64)]) -> ControllerKind {
    let points = points.iter().map(|(input, duty)| (*input, Duty::new(*duty))).collect();
    ControllerKind::Curve(CurveSpec { points, interpolation: Interpolation::Linear })
}

fn pid(set_point: f64, kp: f64, ki: f64) -> PidSpec {
    PidSpec {
        set_point,
        kp,
        ki,
        kd: 0.0,
        bias: 0.0,
        feed_forward: FeedForward::default(),
        integral: (-100.0, 100.0),
        output: (0.0, 100.0),
        slew: (0.0, 0.0),
    }
}

fn controller(name: &str, sensors: &[usize], kind: ControllerKind) -> ControllerSpec {
    ControllerSpec {
        name: name.into(),
        sensors: sensors.iter().copied().map(SensorId::new).collect(),
        input: InputKind::Temperature,
        hysteresis: Hysteresis::default(),
        kind,
    }
}

fn board(controllers: Vec<ControllerSpec>) -> Board {
    let mut sensors = vec![hot("cpu", 0.5), hot("dimm", 0.5), of_kind("power", SensorKind::Power)];
    sensors.extend((0..3).map(|fan| of_kind(&format!("tacho{fan}"), SensorKind::FanSpeed)));
    let fan = |fan: usize| FanSpec {
        name: format!("fan.{fan}").as_str().into(),
        tachometer: Some(SensorId::new(TACHOS + fan)),
        max_rpm: 10_000.0,
        min_rpm: 0.0,
    };
    Board {
        sensors,
        fans: (0..3).map(fan).collect(),
        zones: vec![ZoneSpec {
            name: "cpu".into(),
            controllers,
            fans: (0..3).map(FanId::new).collect(),
            floor: Duty::new(20.0),
            ceiling: Duty::new(90.0),
            failsafe: Duty::new(80.0),
            fans_needed: 0,
            interval: Duration::from_secs(1),
        }],
        ..Board::default()
    }
}

/// 40 °C → 20 %, 90 °C → 100 %.
fn plain() -> Board {
    board(vec![controller("cpu", &[CPU], curve(&[(40.0, 20.0), (90.0, 100.0)])), dimm()])
}

fn dimm() -> ControllerSpec {
    controller("dimm", &[DIMM], curve(&[(40.0, 20.0), (90.0, 100.0)]))
}

struct Rig {
    sensors: Sensors,
    thermal: Thermal,
    out: Outbox,
    now: Mono,
    /// What is read every second; absent: silence.
    readings: BTreeMap<usize, f64>,
    told: Vec<Duty>,
    texts: Vec<String>,
    driven: bool,
}

impl Rig {
    fn new(board: &Board) -> Self {
        let readings = [(CPU, 50.0), (DIMM, 45.0), (POWER, 100.0)].into_iter();
        let tachos = (0..3).map(|fan| (TACHOS + fan, 10_000.0));
        let mut rig = Self {
            sensors: Sensors::new(&board.sensors),
            thermal: Thermal::new(board),
            out: Outbox::default(),
            now: Mono::ZERO,
            readings: readings.chain(tachos).collect(),
            told: vec![Duty::FULL; board.fans.len()],
            texts: Vec::new(),
            driven: true,
        };
        rig.evaluate();
        rig
    }

    fn set(&mut self, place: usize, value: f64) -> &mut Self {
        self.readings.insert(place, value);
        self
    }

    fn silence(&mut self, place: usize) -> &mut Self {
        self.readings.remove(&place);
        let id = SensorId::new(place);
        self.sensors.stale(id, &mut self.out);
        self.out.cancel(Timer::Stale(id));
        self
    }

    fn evaluate(&mut self) {
        self.thermal.evaluate(&self.sensors, self.driven, None, &mut self.out);
        let Effects { deeds, events, .. } = self.out.finish();
        for deed in deeds {
            if let Effect::Command(HardwareCommand::SetDuty(fan, duty)) = deed {
                self.told[fan.index()] = duty;
                // The fan obeys, unless its reading is held by the test.
                let tacho = TACHOS + fan.index();
                if self.readings.get(&tacho).is_some_and(|rpm| *rpm > 1.0 && *rpm < 20_000.0) {
                    self.readings.insert(tacho, duty.percent() * 100.0);
                }
            }
        }
        self.texts.extend(events.into_iter().map(|event| event.text));
    }

    fn run(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.now = self.now + Duration::from_secs(1);
            self.out.begin(self.now);
            let due = self.out.timers.get(Timer::Zone(ZONE()));
            if due.is_some_and(|due| due <= self.now) {
                self.thermal.override_due(&mut self.out);
            }
            let samples = self.readings.iter().map(|(place, value)| (SensorId::new(*place), Sample::Value(*value)));
            self.sensors.sampled(samples.collect(), |_| true, &mut self.out);
            self.evaluate();
        }
        self
    }

    fn state(&self) -> &'static str {
        self.thermal.view_zone(ZONE(), &self.sensors).state.as_str()
    }

    fn duty(&self) -> f64 {
        self.told.iter().copied().fold(Duty::FULL, Duty::min).percent()
    }

    fn driver(&self) -> String {
        self.thermal.view_zone(ZONE(), &self.sensors).driver.to_owned()
    }

    /// `name value` of every term of a controller.
    fn terms(&self, controller: usize) -> Vec<String> {
        let view = self.thermal.view_zone(ZONE(), &self.sensors);
        view.controllers[controller].terms.iter().map(|term| format!("{} {:.1}", term.name, term.value)).collect()
    }

    #[track_caller]
    fn check(&self, state: &str, duty: f64) {
        assert_eq!(self.state(), state, "{}", self.driver());
        assert!((self.duty() - duty).abs() < 0.3, "{} instead of {duty}: {}", self.duty(), self.driver());
    }
}

#[test]
fn a_zone_starts_in_fail_safe_and_is_controlled_when_everything_was_read() {
    let mut rig = Rig::new(&plain());
    rig.check("starting", 80.0);
    rig.run(1).check("controlled", 36.0);
    assert_eq!(rig.driver(), "cpu via cpu");
    // The highest of all controllers counts, then the ceiling, then the floor.
    rig.set(DIMM, 65.0).run(1).check("controlled", 60.0);
    assert_eq!(rig.driver(), "dimm via dimm");
    rig.set(DIMM, 84.0).run(1).check("controlled", 90.0);
    rig.set(DIMM, 10.0).set(CPU, 10.0).run(1).check("controlled", 20.0);
}

#[test]
fn a_controller_without_its_input_is_fail_safe_and_nan_is_none() {
    let mut rig = Rig::new(&plain());
    rig.run(1).set(CPU, f64::NAN).run(4).check("controlled", 36.0);
    rig.run(1).check("failsafe", 80.0);
    rig.set(CPU, 50.0).run(1).check("controlled", 36.0);
}

/// reference/thermal.md: any ≥ critical: full; all < critical but not all ≤ target: cool-down; all ≤ target: running.
#[test]
fn what_was_critical_is_cooled_down_to_its_target_at_full_speed() {
    let mut rig = Rig::new(&plain());
    rig.run(1).set(CPU, 95.0).run(1).check("critical", 100.0);
    rig.set(CPU, 93.0).run(1).check("critical", 100.0);
    rig.set(CPU, 91.9).run(1).check("cool-down", 100.0);
    rig.set(DIMM, 86.0).set(CPU, 80.0).run(1).check("cool-down", 100.0);
    rig.set(DIMM, 50.0).set(CPU, 85.1).run(1).check("cool-down", 100.0);
    rig.set(CPU, 85.0).run(1).check("controlled", 90.0);
    // Once down, warm is not cool-down.
    rig.set(CPU, 90.0).run(1).check("controlled", 90.0);
}

#[test]
fn what_was_critical_and_falls_silent_is_cooled_with_all_there_is() {
    let mut board = plain();
    board.sensors[CPU].max_slew = 0.0;
    let mut rig = Rig::new(&board);
    rig.run(1).set(CPU, 96.0).run(1).set(CPU, 90.0).run(1).check("cool-down", 100.0);
    rig.silence(CPU).run(1).check("failsafe", 100.0);
    rig.set(CPU, 60.0).run(1).check("controlled", 52.0);
}

/// reference/thermal.md: worst case of a silent sensor = last + age × slew, so silence heats up until it trips.
#[test]
fn silence_heats_up_until_it_trips() {
    let mut rig = Rig::new(&plain());
    rig.run(1).set(CPU, 70.0).run(1).silence(CPU).run(1).check("failsafe", 80.0);
    // 0.5 °C a second: 85 °C at worst after half a minute is more than fail-safe has an answer for.
    rig.run(35).check("failsafe", 90.0);
    rig.run(14).check("critical", 100.0);
    rig.run(19).check("critical", 100.0);
    rig.run(1).check("tripped", 100.0);
    assert_eq!(
        rig.driver(),
        "tripped: cpu has been silent for 1 m 10 s and may have reached 105.0 °C, beyond its fatal limit"
    );
    let view = rig.thermal.view_zone(ZONE(), &rig.sensors);
    let trip = view.trip.unwrap();
    let part = &trip.parts[0];
    assert_eq!((part.value, part.worst_case, part.limit), (Some(70.0), Some(105.0), Some(105.0)));
    assert_eq!(
        trip.line(),
        "cpu 70.0 °C, at worst 105.0 stale; dimm 45.0 °C; fan.0 10000 RPM at 100 %; fan.1 10000 RPM at 100 %; fan.2 10000 RPM at 100 %"
    );
}

#[test]
fn a_trip_latches_until_it_is_released_and_what_is_still_hot_is_not_released() {
    let mut rig = Rig::new(&plain());
    rig.run(1).set(CPU, 105.0).run(1).check("tripped", 100.0);
    rig.set(CPU, 97.0).run(1);
    rig.thermal.release_trip(ZONE(), &rig.sensors, &mut rig.out);
    rig.run(1).check("tripped", 100.0);
    rig.set(CPU, 50.0).run(60).check("tripped", 100.0);
    rig.thermal.release_trip(ZONE(), &rig.sensors, &mut rig.out);
    rig.run(1).check("controlled", 36.0);
}

/// reference/thermal.md: fail-safe percent, the largest of the failing sensors' own (0 = the zone's): 60, 80, 70 → 80.
#[test]
fn the_fail_safe_duty_is_the_largest_of_the_failing_sensors_own() {
    for (own, failing, expected) in [
        (vec![Some(60.0), Some(80.0), Some(70.0)], 3, 80.0),
        (vec![Some(60.0), Some(80.0), Some(70.0)], 1, 60.0),
        (vec![None, Some(60.0), Some(60.0)], 2, 95.0),
        (vec![None, None, None], 1, 95.0),
    ] {
        let mut board = board(vec![controller("all", &[0, 1, 2], curve(&[(40.0, 20.0), (90.0, 100.0)]))]);
        board.zones[0].failsafe = Duty::new(95.0);
        board.sensors[2] = hot("third", 0.0);
        for (sensor, own) in board.sensors.iter_mut().zip(&own) {
            sensor.protection.failsafe = own.map(Duty::new);
            sensor.max_slew = 0.0;
        }
        let mut rig = Rig::new(&board);
        rig.set(2, 50.0).run(1);
        for place in 0..failing {
            rig.silence(place);
        }
        rig.run(1).check("failsafe", expected);
    }
}

#[test]
fn what_may_be_missing_is_missed_by_nobody_but_a_controller_left_with_nothing_is_fail_safe() {
    let mut board = plain();
    for place in [CPU, DIMM] {
        board.sensors[place].protection = Protection { missing_ok: true, ..Protection::default() };
    }
    board.zones[0].controllers = vec![controller("both", &[CPU, DIMM], curve(&[(40.0, 20.0), (90.0, 100.0)]))];
    let mut rig = Rig::new(&board);
    rig.run(1).silence(DIMM).run(120).check("controlled", 36.0);
    rig.silence(CPU).run(1).check("failsafe", 80.0);
}

/// reference/thermal.md: several inputs: margin → minimum (5, 10 → 10 or 5); 85 − 82 = 3 beside a margin of 5 → 3.
#[test]
fn inputs_are_combined_by_their_kind() {
    let falling = [(0.0, 100.0), (100.0, 0.0)];
    for (input, first, second, expected) in [
        (InputKind::Temperature, 5.0, 10.0, 10.0),
        (InputKind::Margin(vec![None, None]), 5.0, 10.0, 5.0),
        (InputKind::Margin(vec![None, Some(85.0)]), 5.0, 82.0, 3.0),
        (InputKind::Power, 5.0, 10.0, 15.0),
    ] {
        let combined = ControllerSpec { input, ..controller("all", &[CPU, DIMM], curve(&falling)) };
        let mut board = board(vec![combined]);
        for sensor in &mut board.sensors {
            sensor.thresholds = Thresholds::default();
        }
        let mut rig = Rig::new(&board);
        rig.set(CPU, first).set(DIMM, second).run(1);
        let view = rig.thermal.view_zone(ZONE(), &rig.sensors);
        assert_eq!(view.controllers[0].input, Some(expected), "{:?}", view.controllers[0].spec.input);
        assert_eq!(view.controllers[0].output, Some(Duty::new(100.0 - expected)));
    }
}

#[test]
fn no_margin_left_is_a_failed_sensor() {
    let margins = ControllerSpec {
        input: InputKind::Margin(vec![Some(60.0)]),
        ..controller("cpu", &[CPU], curve(&[(0.0, 50.0), (20.0, 20.0)]))
    };
    let mut rig = Rig::new(&board(vec![margins]));
    rig.run(1).check("controlled", 35.0);
    rig.set(CPU, 60.0).run(1).check("failsafe", 80.0);
    assert_eq!(rig.driver(), "fail-safe: cpu has no margin left (0.0 °C)");
}

#[test]
fn a_pid_controller_tells_every_term_and_goes_by_power_before_any_error() {
    let spec = PidSpec {
        feed_forward: FeedForward { gain: 0.2, offset: 0.0, sensors: vec![SensorId::new(POWER)] },
        bias: 10.0,
        ..pid(70.0, -1.0, -0.1)
    };
    let mut rig = Rig::new(&board(vec![controller("cpu", &[CPU], ControllerKind::Pid(spec)), dimm()]));
    rig.set(CPU, 70.0).run(1).check("controlled", 30.0);
    rig.set(POWER, 150.0).run(1).check("controlled", 40.0);
    rig.set(CPU, 75.0).run(1).check("controlled", 45.5);
    let expected =
        ["cpu 75.0", "set-point 70.0", "error -5.0", "P 5.0", "I 0.5", "D 0.0", "FF 30.0", "bias 10.0", "sum 45.5"];
    assert_eq!(rig.terms(0), expected);
    // Its power reading is needed like any other.
    rig.silence(POWER).run(1).check("failsafe", 80.0);
}

#[test]
fn a_pid_controller_that_is_called_late_reckons_with_the_time_that_passed() {
    let mut rig = Rig::new(&board(vec![controller("cpu", &[CPU], ControllerKind::Pid(pid(70.0, 0.0, -0.1))), dimm()]));
    // From the floor at 20 % on: 4 seconds of 10 K above.
    rig.set(CPU, 70.0).run(1).set(CPU, 80.0);
    rig.now = rig.now + Duration::from_secs(3);
    rig.run(1);
    assert_eq!(rig.terms(0)[3..6], ["P 0.0", "I 4.0", "D 0.0"]);
}

#[test]
fn an_integral_does_not_wind_up_while_another_controller_decides() {
    let own = controller("cpu", &[CPU], ControllerKind::Pid(pid(70.0, -1.0, -0.5)));
    let mut rig = Rig::new(&board(vec![own, dimm()]));
    rig.set(CPU, 70.0).run(5);
    // The memory heats up; for ten minutes the CPU is colder than it need be.
    rig.set(DIMM, 75.0).set(CPU, 50.0).run(600).check("controlled", 76.0);
    // Then it is over, and the CPU's demand is there at once, not after ten minutes.
    rig.set(DIMM, 45.0).set(CPU, 80.0).run(4);
    assert!(rig.duty() >= 25.0, "{} {:?}", rig.duty(), rig.terms(0));
}

#[test]
fn a_dead_fan_raises_the_others_and_too_many_trip() {
    let mut board = plain();
    board.zones[0].fans_needed = 2;
    let mut rig = Rig::new(&board);
    rig.run(10).set(TACHOS, 0.0).run(5).check("controlled", 36.0);
    rig.run(2).check("failsafe", 80.0);
    rig.set(TACHOS + 1, 0.0).run(8).check("tripped", 100.0);
    assert_eq!(rig.driver(), "tripped: only 1 of 3 fans turn, 2 are needed");
}

#[test]
fn fans_that_nobody_can_read_are_raised_and_power_nothing_off() {
    let mut board = plain();
    board.zones[0].fans_needed = 2;
    let mut rig = Rig::new(&board);
    rig.run(10);
    for fan in 0..3 {
        rig.silence(TACHOS + fan);
    }
    rig.run(60).check("failsafe", 80.0);
}

#[test]
fn a_fan_that_does_not_slow_down_is_told_and_raises_nobody() {
    let mut rig = Rig::new(&plain());
    rig.run(10).set(TACHOS, 20_000.0).run(8).check("controlled", 36.0);
    assert!(rig.texts.iter().any(|text| text.starts_with("fan.0 does not slow down")), "{:?}", rig.texts);
    assert_eq!(rig.thermal.problems().len(), 1);
    rig.set(TACHOS, 3600.0).run(12);
    assert!(rig.texts.iter().any(|text| text == "fan.0 turns as it should again"), "{:?}", rig.texts);
}

/// After the others have gone up for it, a slow fan turns as fast as would have done before: that is no recovery.
#[test]
fn a_fan_that_reaches_half_its_speed_is_failed_and_stays_so() {
    let mut rig = Rig::new(&plain());
    rig.run(10).set(TACHOS, 1500.0).run(8).check("failsafe", 80.0);
    rig.set(TACHOS, 3500.0);
    for _ in 0..60 {
        rig.readings.insert(TACHOS, 3500.0);
        rig.run(1).check("failsafe", 80.0);
    }
    rig.readings.insert(TACHOS, 8000.0);
    rig.run(12).check("controlled", 36.0);
}

#[test]
fn a_fan_that_is_told_to_slow_down_is_given_the_time_for_it() {
    let mut rig = Rig::new(&plain());
    rig.set(CPU, 84.0).run(10).set(CPU, 50.0).run(1);
    for (second, rpm) in [8000.0, 6000.0, 5000.0, 4000.0, 3700.0, 3600.0].into_iter().enumerate() {
        rig.set(TACHOS, rpm).run(1);
        assert!(!rig.texts.iter().any(|text| text.contains("slow down")), "second {second}: {:?}", rig.texts);
    }
}

#[test]
fn an_override_below_the_floor_is_refused_and_one_above_ends_and_masks_nothing() {
    let mut rig = Rig::new(&plain());
    rig.run(1);
    let hold = |rig: &mut Rig, target: &str, percent| {
        let held = rig.thermal.set_override(&target.into(), percent, Duration::from_secs(10), &mut rig.out);
        held.map_err(|refusal| refusal.to_string())
    };
    let refused = hold(&mut rig, "cpu", 19.0).unwrap_err();
    assert!(refused.contains("zone cpu lets no fan go below 20 %"), "{refused}");
    assert!(hold(&mut rig, "fan.0", 5.0).is_err());
    hold(&mut rig, "cpu", 20.0).unwrap();
    rig.run(1).check("controlled", 20.0);
    let overrides = |rig: &Rig| {
        let view = rig.thermal.view_zone(ZONE(), &rig.sensors);
        view.terms.iter().filter(|term| term.name.starts_with("override")).count()
    };
    assert_eq!(overrides(&rig), 3);
    // Protection comes through at once.
    rig.set(CPU, 96.0).run(1).check("critical", 100.0);
    assert_eq!(rig.thermal.view_fan(FanId::new(0), &rig.sensors).mode, FanMode::Failsafe);
    rig.set(CPU, 50.0).run(1).check("controlled", 20.0);
    rig.run(8).check("controlled", 36.0);
    assert_eq!(overrides(&rig), 0);
}

#[test]
fn a_zone_is_looked_at_even_when_nothing_is_read_any_more() {
    let mut rig = Rig::new(&plain());
    rig.run(1);
    for _ in 0..3 {
        let due = rig.out.timers.get(Timer::Zone(ZONE())).unwrap();
        assert_eq!(due, rig.now + Duration::from_millis(1100));
        rig.now = due;
        rig.out.begin(due);
        rig.evaluate();
    }
}

fn anything() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => 20.0..110.0_f64,
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => any::<f64>(),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_read_no_fan_is_ever_told_nonsense_and_danger_is_never_below_fail_safe(
        readings in proptest::collection::vec((anything(), anything(), anything(), 0..4_u8), 1..80),
    ) {
        let spec = PidSpec {
            kd: -2.0,
            feed_forward: FeedForward { gain: 0.1, offset: 0.0, sensors: vec![SensorId::new(POWER)] },
            slew: (5.0, 20.0),
            ..pid(70.0, -2.0, -0.2)
        };
        let mut rig = Rig::new(&board(vec![controller("cpu", &[CPU], ControllerKind::Pid(spec)), dimm()]));
        for (cpu, dimm, power, silent) in readings {
            rig.set(CPU, cpu).set(DIMM, dimm).set(POWER, power);
            if silent == 0 {
                rig.silence(CPU);
            }
            rig.run(1);
            for told in &rig.told {
                prop_assert!((20.0..=100.0).contains(&told.percent()), "{told:?}");
            }
            let needed = [CPU, DIMM, POWER].map(SensorId::new);
            let bad = needed.iter().any(|id| rig.sensors.good(*id).is_none() || rig.sensors.alarms(*id).is_high(1));
            prop_assert!(!bad || rig.duty() >= 80.0, "{} {}", rig.duty(), rig.driver());
            for term in rig.thermal.view_zone(ZONE(), &rig.sensors).controllers[0].terms {
                prop_assert!(term.value.is_finite(), "{term:?}");
            }
        }
    }
}
