//! One controller: what it is fed, what it asks for, and every term on the way.

use std::time::Duration;

use super::{
    ControllerKind, ControllerSpec, InputKind,
    curve::duty_at,
    hysteresis::Held,
    pid::{Hold, Pid, PidSpec, Terms},
};
use crate::{
    ids::SensorId,
    sensors::{bank::Sensors, silence::Belief},
    time::Mono,
    units::Duty,
    view::{Quality, Term},
};

/// A PID controller is called again when this share of its interval has passed: samples do not come on the dot.
const NEARLY: f64 = 0.9;
/// However late a call is, it counts for so many intervals at most: after a pause of the whole daemon one error must not
/// fill the integral at once.
const LATEST: u32 = 10;
/// Percent by which the fans' duty must differ from what a controller asked for before that was in vain.
const IN_VAIN: f64 = 0.5;

/// A controller and what it came to last.
#[derive(Clone, Debug, Default)]
pub(super) struct Controller {
    held: Held,
    pid: Pid,
    /// When the PID was called last, and what it asked for before anything cut it.
    called: Option<(Mono, f64)>,
    /// What feed-forward went by last.
    base: Option<f64>,
    pub(super) fed: Option<Fed>,
    /// Absent: it has no input.
    pub(super) output: Option<Duty>,
    pub(super) terms: Vec<Term>,
}

/// The input of a controller.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fed {
    /// The sensor that gave it. Absent: several together.
    pub(super) sensor: Option<SensorId>,
    pub(super) value: f64,
    /// It is the worst that a silent sensor may have come to.
    pub(super) feared: bool,
}

/// What is around a controller when it is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call<'a> {
    pub(super) sensors: &'a Sensors,
    pub(super) now: Mono,
    /// The zone's.
    pub(super) interval: Duration,
    /// What the slowest fan of the zone has been told.
    pub(super) effective: Duty,
}

impl Controller {
    /// Looks at its sensors and computes.
    pub(super) fn call(&mut self, spec: &ControllerSpec, call: Call<'_>) {
        self.fed = fed(spec, call.sensors, call.now);
        let Some(fed) = self.fed else {
            *self = Self::default();
            return;
        };
        match &spec.kind {
            ControllerKind::Curve(curve) => {
                let held = self.held.follow(spec.hysteresis, fed.value);
                let output = duty_at(curve, held);
                self.output = Some(output);
                self.terms = inputs(spec, fed, held, call.sensors);
                self.terms.push(Term { name: "curve".to_owned(), value: output.percent(), unit: "%" });
            }
            ControllerKind::Pid(pid) => self.call_pid(spec, pid, fed, call),
        }
    }

    fn call_pid(&mut self, spec: &ControllerSpec, pid: &PidSpec, fed: Fed, call: Call<'_>) {
        let since = self.called.map(|(at, _)| call.now.since(at));
        if self.output.is_some() && since.is_some_and(|since| since < call.interval.mul_f64(NEARLY)) {
            return;
        }
        let dt = since.unwrap_or(call.interval).min(call.interval * LATEST);
        let held = self.held.follow(spec.hysteresis, fed.value);
        let forward: Option<f64> = match pid.feed_forward.sensors.as_slice() {
            [] => Some(pid.set_point),
            sensors => power(sensors, call.sensors),
        };
        self.base = forward.or(self.base);
        let hold = match self.called {
            Some((_, asked)) if call.effective.percent() > asked + IN_VAIN => Hold::NotDown,
            Some((_, asked)) if call.effective.percent() < asked - IN_VAIN => Hold::NotUp,
            // What the fans are told before the first call is not of this controller's making.
            None => Hold::NotDown,
            Some(_) => Hold::Free,
        };
        // Without its power readings feed-forward stays where it was, and without any it adds nothing; what protection makes
        // of that is decided elsewhere.
        let base = self.base.unwrap_or(-pid.feed_forward.offset);
        let Some(terms) = self.pid.step(pid, held, base, dt.as_secs_f64(), hold) else {
            *self = Self { fed: Some(fed), ..Self::default() };
            return;
        };
        // With slew limits the integral is calculated back already.
        let asked = if pid.slew == (0.0, 0.0) { terms.sum } else { terms.output };
        self.called = Some((call.now, asked));
        self.output = Some(Duty::new(terms.output));
        self.terms = inputs(spec, fed, held, call.sensors);
        self.terms.extend(told(pid, &terms, spec.input.unit(), hold));
    }
}

/// What a controller was fed, and what counts of it.
fn inputs(spec: &ControllerSpec, fed: Fed, held: f64, sensors: &Sensors) -> Vec<Term> {
    let unit = spec.input.unit();
    let mut name = match fed.sensor {
        Some(sensor) => sensors.spec(sensor).name.to_string(),
        None => format!("sum of {} sensors", spec.sensors.len()),
    };
    if matches!(spec.input, InputKind::Margin(_)) {
        name.push_str(" margin");
    }
    if fed.feared {
        name.push_str(" at worst");
    }
    let mut terms = vec![Term { name, value: fed.value, unit }];
    if held.to_bits() != fed.value.to_bits() {
        terms.push(Term { name: "hysteresis".to_owned(), value: held, unit });
    }
    terms
}

/// Every term of a PID controller's output, in order; limits only where they bite.
fn told(pid: &PidSpec, terms: &Terms, unit: &'static str, hold: Hold) -> Vec<Term> {
    // Nobody wants to read of a −0.
    let percent = |name: &str, value: f64| Term { name: name.to_owned(), value: value + 0.0, unit: "%" };
    let step = pid.ki * terms.error;
    let held = match hold {
        Hold::Free => false,
        Hold::NotDown => step < 0.0,
        Hold::NotUp => step > 0.0,
    };
    let mut told = vec![
        Term { name: "set-point".to_owned(), value: pid.set_point, unit },
        Term { name: "error".to_owned(), value: terms.error, unit },
        percent("P", terms.p),
        percent(if held { "I (held)" } else { "I" }, terms.i),
        percent("D", terms.d),
        percent("FF", terms.ff),
    ];
    if pid.bias != 0.0 {
        told.push(percent("bias", pid.bias));
    }
    told.push(percent("sum", terms.sum));
    if terms.clamped.to_bits() != terms.sum.to_bits() {
        told.push(percent("clamp", terms.clamped));
    }
    if terms.output.to_bits() != terms.clamped.to_bits() {
        told.push(percent("slew", terms.output));
    }
    told
}

/// The input that several sensors come to. None: none of them gives one.
pub(super) fn fed(spec: &ControllerSpec, sensors: &Sensors, now: Mono) -> Option<Fed> {
    let each = || {
        spec.sensors.iter().enumerate().filter_map(|(place, sensor)| {
            let belief = sensors.belief(*sensor, now);
            let value = belief.value().filter(|value| value.is_finite())?;
            let feared = matches!(belief, Belief::Feared(_));
            let value = match &spec.input {
                InputKind::Temperature | InputKind::Power => value,
                InputKind::Margin(limits) => match limits.get(place).copied().flatten() {
                    Some(limit) => limit - value,
                    None => value,
                },
            };
            Some(Fed { sensor: Some(*sensor), value, feared })
        })
    };
    match &spec.input {
        InputKind::Temperature => each().max_by(|one, other| one.value.total_cmp(&other.value)),
        InputKind::Margin(_) => each().min_by(|one, other| one.value.total_cmp(&other.value)),
        InputKind::Power => {
            let only = if let [only] = spec.sensors.as_slice() { Some(*only) } else { None };
            let feared = each().any(|fed| fed.feared);
            each().next()?;
            sum(&spec.sensors, sensors, now).map(|value| Fed { sensor: only, value, feared })
        }
    }
}

/// What feed-forward goes by: what is off draws nothing. None: one of them is not known.
fn power(of: &[SensorId], sensors: &Sensors) -> Option<f64> {
    of.iter().try_fold(0.0, |sum, sensor| match sensors.quality(*sensor) {
        Quality::Good => Some(sum + sensors.good(*sensor)?),
        Quality::Unpowered => Some(sum),
        Quality::NotYetRead | Quality::Stale | Quality::Failed | Quality::Absent => None,
    })
}

/// What sensors come to together; what is off adds nothing. None: one of them is not known.
fn sum(of: &[SensorId], sensors: &Sensors, now: Mono) -> Option<f64> {
    of.iter().try_fold(0.0, |sum, sensor| match sensors.belief(*sensor, now) {
        Belief::Read(value) | Belief::Feared(value) => Some(sum + value),
        Belief::Left => Some(sum),
        Belief::Unknown => None,
    })
}
