//! All sensors: what was read last, whether it can be believed, and where it stands against its limits.

use super::{
    SensorSource, SensorSpec, Thresholds, derived::Derived, history::History, limits, statistics::Statistics,
    thresholds::Alarms,
};
use crate::{
    event::Severity,
    ids::{MachineId, SensorId},
    input::{Limits, Sample},
    outbox::Outbox,
    refusal::Obstacle,
    time::Mono,
    timers::Timer,
    view::{Problem, Quality, SensorView, Status},
};

/// Errors in a row that make a sensor failed.
const ERRORS_TO_FAIL: u32 = 5;

#[derive(Clone, Debug)]
struct Sensor {
    spec: SensorSpec,
    value: Option<f64>,
    quality: Quality,
    read_at: Option<Mono>,
    status: Status,
    alarms: Alarms,
    errors: u32,
    reason: String,
    statistics: Statistics,
    history: History,
    /// Limits as the board declares them.
    declared: Thresholds,
    /// Limits that its device brought and that count.
    taken: Vec<&'static str>,
    since: Mono,
}

/// All sensors of a board.
#[derive(Clone, Debug)]
pub struct Sensors {
    all: Vec<Sensor>,
    derived: Vec<SensorId>,
}

impl Sensors {
    /// None has been read; those whose machine is off are unpowered once the machine says so.
    pub fn new(specs: &[SensorSpec]) -> Self {
        let is_derived = |id: &SensorId| matches!(specs[id.index()].source, SensorSource::Derived { .. });
        Self {
            derived: (0..specs.len()).map(SensorId::new).filter(is_derived).collect(),
            all: specs
                .iter()
                .map(|spec| Sensor {
                    spec: spec.clone(),
                    value: None,
                    quality: Quality::NotYetRead,
                    read_at: None,
                    status: Status::Unknown,
                    alarms: Alarms::default(),
                    errors: 0,
                    reason: "it has not been read yet".to_owned(),
                    statistics: Statistics::default(),
                    history: History::new(spec.history),
                    declared: spec.thresholds,
                    taken: Vec::new(),
                    since: Mono::ZERO,
                })
                .collect(),
        }
    }

    /// The value, if it can be believed.
    pub fn good(&self, id: SensorId) -> Option<f64> {
        let sensor = &self.all[id.index()];
        sensor.value.filter(|_| sensor.quality == Quality::Good)
    }

    /// Whether it can be believed.
    pub fn quality(&self, id: SensorId) -> Quality {
        self.all[id.index()].quality
    }

    /// Its alarms.
    pub fn alarms(&self, id: SensorId) -> &Alarms {
        &self.all[id.index()].alarms
    }

    /// As declared.
    pub fn spec(&self, id: SensorId) -> &SensorSpec {
        &self.all[id.index()].spec
    }

    /// Readings arrived. `powered` tells whether a machine has power.
    pub fn sampled(&mut self, samples: Vec<(SensorId, Sample)>, powered: impl Fn(MachineId) -> bool, out: &mut Outbox) {
        let mut touched = vec![false; self.all.len()];
        for (id, sample) in samples {
            if let Some(touched) = touched.get_mut(id.index()) {
                *touched = true;
                self.take(id, sample, &powered, out);
            }
        }
        self.derive_from(touched, &powered, out);
    }

    /// Readings have come; what is derived from them follows.
    fn derive_from(&mut self, touched: Vec<bool>, powered: &impl Fn(MachineId) -> bool, out: &mut Outbox) {
        self.derive_all(touched, |bank, id, derived| match derived {
            Derived::Value(value) => bank.take(id, Sample::Value(value), powered, out),
            Derived::Quality(quality, why) => bank.set_quality(id, quality, why, out),
        });
    }

    /// A sensor has changed by itself; what is derived from it follows. Whether a part has power does not matter here:
    /// a value only comes with readings.
    fn derive_after(&mut self, id: SensorId, out: &mut Outbox) {
        let mut touched = vec![false; self.all.len()];
        touched[id.index()] = true;
        self.derive_all(touched, |bank, id, derived| match derived {
            Derived::Quality(quality, why) if bank.all[id.index()].quality != Quality::Unpowered => {
                bank.set_quality(id, quality, why, out);
            }
            Derived::Quality(..) | Derived::Value(_) => {}
        });
    }

    /// What depends on the sensors that were `touched` is computed anew, and nothing else.
    fn derive_all(&mut self, mut touched: Vec<bool>, mut follow: impl FnMut(&mut Self, SensorId, Derived)) {
        // Inputs come before what is derived from them: one pass is enough.
        for index in 0..self.derived.len() {
            let id = self.derived[index];
            if !self.depends_on(id, &touched) {
                continue;
            }
            touched[id.index()] = true;
            if let Some(derived) = self.derive(id) {
                follow(self, id, derived);
            }
        }
    }

    fn take(&mut self, id: SensorId, sample: Sample, powered: &impl Fn(MachineId) -> bool, out: &mut Outbox) {
        let now = out.now();
        let sensor = &mut self.all[id.index()];
        let gated = sensor.spec.powered_by.is_some_and(|machine| !powered(machine));
        if gated && !is_dangerous(&sensor.spec, &sample) {
            return self.set_quality(id, Quality::Unpowered, "what it measures is off".to_owned(), out);
        }
        let derived = matches!(sensor.spec.source, SensorSource::Derived { .. });
        match sample {
            Sample::Value(raw) => {
                let value = if derived { raw } else { raw * sensor.spec.scale + sensor.spec.offset };
                if !value.is_finite() {
                    return self.failed(id, "it gives no finite number".to_owned(), out);
                }
                sensor.errors = 0;
                sensor.read_at = Some(now);
                let moved = sensor.value != Some(value);
                sensor.value = Some(value);
                sensor.statistics.add(value);
                sensor.history.push(now, value);
                // What is derived is as old as its inputs, and they tell when they are too old.
                if !derived {
                    out.arm(Timer::Stale(id), now + sensor.spec.stale_after);
                }
                if moved {
                    out.changed().sensors.insert(id);
                }
                self.set_quality(id, Quality::Good, String::new(), out);
                self.judge(id, value, out);
            }
            Sample::Error(text) => self.failed(id, text, out),
            Sample::Absent => {
                sensor.errors = 0;
                self.set_quality(id, Quality::Absent, "the device is not there".to_owned(), out);
            }
        }
    }

    fn failed(&mut self, id: SensorId, text: String, out: &mut Outbox) {
        let sensor = &mut self.all[id.index()];
        sensor.errors = sensor.errors.saturating_add(1);
        sensor.statistics.fail();
        if sensor.errors >= ERRORS_TO_FAIL {
            self.set_quality(id, Quality::Failed, text, out);
        } else if matches!(sensor.quality, Quality::Unpowered | Quality::Absent) {
            self.set_quality(id, Quality::NotYetRead, text, out);
        }
    }

    fn set_quality(&mut self, id: SensorId, quality: Quality, reason: String, out: &mut Outbox) {
        let sensor = &mut self.all[id.index()];
        if sensor.quality == quality {
            return;
        }
        let was = sensor.quality;
        sensor.quality = quality;
        sensor.reason = reason;
        sensor.since = out.now();
        let name = sensor.spec.name.clone();
        if quality != Quality::Good {
            sensor.history.gap(out.now());
            sensor.status = Status::Unknown;
            out.cancel(Timer::Stale(id));
        }
        if quality == Quality::Unpowered {
            sensor.alarms.clear();
            sensor.value = None;
            sensor.errors = 0;
        }
        out.changed().sensors.insert(id);
        let (severity, text) = match quality {
            Quality::Good if matches!(was, Quality::NotYetRead | Quality::Unpowered) => return,
            Quality::NotYetRead | Quality::Unpowered => return,
            Quality::Good => (Severity::Notice, format!("{name} gives good readings again")),
            Quality::Stale | Quality::Failed | Quality::Absent => {
                (Severity::Warning, format!("{name} is {}: {}", quality.as_str(), sensor.reason))
            }
        };
        out.event(
            format!("sensor.{name}.quality"),
            "sensormon",
            severity,
            text,
            vec![("sensor", name.as_str().into()), ("from", was.as_str().into()), ("to", quality.as_str().into())],
        );
    }

    fn judge(&mut self, id: SensorId, value: f64, out: &mut Outbox) {
        let sensor = &mut self.all[id.index()];
        let status = sensor.alarms.judge(&sensor.spec.thresholds, value, out.now());
        let was = sensor.status;
        if status == was {
            return;
        }
        sensor.status = status;
        out.changed().sensors.insert(id);
        if was == Status::Unknown && status == Status::Ok {
            return;
        }
        let severity = match status {
            Status::Ok | Status::Unknown => Severity::Info,
            Status::Warning => Severity::Warning,
            Status::Critical => Severity::Error,
            Status::Fatal => Severity::Critical,
        };
        let (name, unit) = (&sensor.spec.name, sensor.spec.kind.unit());
        let text = if status == Status::Ok {
            format!("{name} is back within its limits: {value:.1} {unit}")
        } else {
            format!("{name} is {}: {value:.1} {unit}", status.as_str())
        };
        let subject = format!("sensor.{name}.threshold");
        let fields = vec![
            ("sensor", name.as_str().into()),
            ("value", value.into()),
            ("from", was.as_str().into()),
            ("to", status.as_str().into()),
        ];
        out.event(subject, "sensormon", severity, text, fields);
    }

    /// Somebody reads sensors from now on: one of which nothing is heard, because its bus holds the first read up for
    /// ever, is told like any other.
    pub fn begin(&mut self, out: &mut Outbox) {
        for (index, sensor) in self.all.iter().enumerate() {
            // What is derived is as old as its inputs.
            let read = !matches!(sensor.spec.source, SensorSource::Derived { .. });
            if read && sensor.quality == Quality::NotYetRead {
                out.arm(Timer::Stale(SensorId::new(index)), out.now() + sensor.spec.stale_after);
            }
        }
    }

    /// The last good reading is too old now.
    pub fn stale(&mut self, id: SensorId, out: &mut Outbox) {
        let sensor = &self.all[id.index()];
        let reason = match sensor.read_at {
            Some(at) => format!("the last good reading is {} old", crate::time::human(out.now().since(at))),
            None => "it has never been read".to_owned(),
        };
        self.set_quality(id, Quality::Stale, reason, out);
        self.derive_after(id, out);
    }

    /// A device has told its own limits, in the unit of its samples.
    pub fn limits_brought(&mut self, id: SensorId, brought: &Limits, out: &mut Outbox) {
        let Some(sensor) = self.all.get_mut(id.index()) else { return };
        if !sensor.spec.thresholds.from_hardware {
            return;
        }
        let was = std::mem::replace(&mut sensor.spec.thresholds, sensor.declared);
        let (taken, left) = limits::take_over(&mut sensor.spec, brought);
        if sensor.spec.thresholds == was {
            return;
        }
        let name = sensor.spec.name.clone();
        for why in left {
            let fields = vec![("sensor", name.as_str().into()), ("reason", why.as_str().into())];
            let text = format!("a limit that {name} brings is not taken over: {why}");
            out.event(format!("sensor.{name}.limits"), "sensormon", Severity::Notice, text, fields);
        }
        let list = if taken.is_empty() { "none that counts".to_owned() } else { taken.join(", ") };
        let text = format!("{name} brings its own limits: {list}");
        let fields = vec![("sensor", name.as_str().into()), ("limits", taken.join(" ").into())];
        out.event(format!("sensor.{name}.limits"), "sensormon", Severity::Info, text, fields);
        sensor.taken = taken;
        out.changed().sensors.insert(id);
        if let (Quality::Good, Some(value)) = (sensor.quality, sensor.value) {
            self.judge(id, value, out);
        }
    }

    /// A machine's power changed: what it powers means nothing, or is to be read anew.
    pub fn power_changed(&mut self, machine: MachineId, powered: bool, out: &mut Outbox) {
        for index in 0..self.all.len() {
            if self.all[index].spec.powered_by != Some(machine) {
                continue;
            }
            let id = SensorId::new(index);
            if !powered {
                self.set_quality(id, Quality::Unpowered, "what it measures is off".to_owned(), out);
                self.derive_after(id, out);
            } else if self.all[index].quality == Quality::Unpowered {
                self.set_quality(id, Quality::NotYetRead, "it has just been powered".to_owned(), out);
                // If no reading comes at all, silence must not look like patience.
                out.arm(Timer::Stale(id), out.now() + self.all[index].spec.stale_after);
                self.derive_after(id, out);
            }
        }
    }

    /// A sensor as it is now.
    pub fn view(&self, id: SensorId) -> SensorView<'_> {
        let sensor = &self.all[id.index()];
        SensorView {
            spec: &sensor.spec,
            value: sensor.value,
            quality: sensor.quality,
            read_at: sensor.read_at,
            status: sensor.status,
            statistics: sensor.statistics,
            limits_taken: &sensor.taken,
            reason: &sensor.reason,
        }
    }

    /// Past readings, oldest first; no value marks a gap.
    pub fn history(&self, id: SensorId) -> Vec<(Mono, Option<f64>)> {
        self.all[id.index()].history.iter().collect()
    }

    /// What is not as it should be.
    pub fn problems(&self) -> Vec<Problem> {
        self.all.iter().filter_map(problem).collect()
    }
}

/// A reading that no switched-off part could give: whatever the lines say, it is believed.
fn is_dangerous(spec: &SensorSpec, sample: &Sample) -> bool {
    let limit = spec.thresholds.critical_high.or(spec.thresholds.fatal_high);
    match (sample, limit) {
        (Sample::Value(raw), Some(limit)) => raw * spec.scale + spec.offset >= limit,
        (Sample::Value(_) | Sample::Error(_) | Sample::Absent, _) => false,
    }
}

fn problem(sensor: &Sensor) -> Option<Problem> {
    let name = &sensor.spec.name;
    let (kind, severity, text) = match (sensor.quality, sensor.status) {
        (Quality::Stale | Quality::Failed | Quality::Absent, _) => (
            "sensor-unreadable",
            Severity::Warning,
            format!("{name} is {}: {}", sensor.quality.as_str(), sensor.reason),
        ),
        (Quality::Good, Status::Warning | Status::Critical | Status::Fatal) => {
            let severity = match sensor.status {
                Status::Fatal => Severity::Critical,
                Status::Critical => Severity::Error,
                Status::Ok | Status::Unknown | Status::Warning => Severity::Warning,
            };
            let value = sensor.value.unwrap_or_default();
            let unit = sensor.spec.kind.unit();
            ("sensor-threshold", severity, format!("{name} is {}: {value:.1} {unit}", sensor.status.as_str()))
        }
        (Quality::Good, Status::Ok | Status::Unknown) | (Quality::NotYetRead | Quality::Unpowered, _) => return None,
    };
    Some(Problem {
        severity,
        obstacle: Obstacle {
            kind,
            subject: format!("sensor {name}"),
            text,
            remedy: format!("look at `ubmcctl sensors show {name}`"),
            since: Some(sensor.since),
        },
    })
}
