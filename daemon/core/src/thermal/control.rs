//! All zones and fans: what each zone asks for, and what each fan is told.
//!
//! ```text
//!  sensors ─► controllers ─ max ─► ceiling ─► floor ─► zone state ─► fan: max over zones ─► override ─► PWM
//!                                                      (fail-safe, critical, tripped: only ever up)
//! ```
//!
//! A zone starts in fail-safe until every needed sensor has been read. Missing, stale or failed inputs drive fans up.

use std::{collections::VecDeque, time::Duration};

use super::{
    ControllerKind, FanSpec, ZoneSpec,
    curve::{Held, duty_at},
};
use crate::{
    board::Board,
    effect::Effect,
    event::Severity,
    ids::{FanId, Name, SensorId, ZoneId},
    input::HardwareCommand,
    outbox::Outbox,
    refusal::{Obstacle, Refusal},
    sensors::bank::Sensors,
    time::{Mono, human},
    timers::Timer,
    units::{Celsius, Duty},
    view::{ControllerView, FanMode, FanView, Health, Problem, Quality, Term, ZoneState, ZoneView},
};

/// A fan that turns slower than this share of what it should …
const SLOW_SHARE: f64 = 0.6;
/// … for this long has failed.
const SLOW_FOR: Duration = Duration::from_secs(5);
/// How long nothing may be refused before a fan counts as taking its duty again; longer than two refreshes.
const ACCEPTED_AFTER: Duration = Duration::from_secs(5);
/// A duty that differs by less is not written anew, in percent.
const SAME_DUTY: f64 = 0.2;

#[derive(Clone, Debug)]
struct Zone {
    spec: ZoneSpec,
    state: ZoneState,
    since: Mono,
    duty: Duty,
    driver: String,
    reason: String,
    terms: Vec<Term>,
    held: Vec<Held>,
    outputs: Vec<ControllerOutput>,
    tripped: Option<String>,
}

#[derive(Clone, Copy, Debug, Default)]
struct ControllerOutput {
    input: Option<(SensorId, f64)>,
    output: Option<Duty>,
}

#[derive(Clone, Debug)]
struct Fan {
    spec: FanSpec,
    zones: Vec<ZoneId>,
    /// What it was told last and took. Absent: nothing, or it did not take it.
    told: Option<Duty>,
    duty: Duty,
    mode: FanMode,
    manual: Option<(Duty, Mono)>,
    slow_since: Option<Mono>,
    /// What it was told lately, oldest first: it is judged by the least of it.
    lately: VecDeque<(Mono, Duty)>,
    failed: bool,
    write_failing: bool,
    /// When a duty was refused last.
    refused: Mono,
}

/// All zones and fans of a board.
#[derive(Clone, Debug)]
pub struct Thermal {
    zones: Vec<Zone>,
    fans: Vec<Fan>,
    /// Somebody has driven fans: from then on, that nobody does is worth a warning.
    was_driven: bool,
    /// The daemon is shutting down: that nobody drives fans is as it should be.
    leaving: bool,
}

impl Thermal {
    /// Every zone starts in fail-safe.
    pub fn new(board: &Board) -> Self {
        let zones: Vec<_> = board
            .zones
            .iter()
            .map(|spec| Zone {
                state: ZoneState::Starting,
                since: Mono::ZERO,
                duty: spec.failsafe,
                driver: "start".to_owned(),
                reason: "not every sensor has been read yet".to_owned(),
                terms: Vec::new(),
                held: vec![Held::default(); spec.controllers.len()],
                outputs: vec![ControllerOutput::default(); spec.controllers.len()],
                tripped: None,
                spec: spec.clone(),
            })
            .collect();
        let fans = board
            .fans
            .iter()
            .enumerate()
            .map(|(index, spec)| Fan {
                spec: spec.clone(),
                zones: (0..board.zones.len())
                    .map(ZoneId::new)
                    .filter(|zone| board.zones[zone.index()].fans.contains(&FanId::new(index)))
                    .collect(),
                told: None,
                duty: Duty::FULL,
                mode: FanMode::Failsafe,
                manual: None,
                slow_since: None,
                lately: VecDeque::new(),
                failed: false,
                write_failing: false,
                refused: Mono::ZERO,
            })
            .collect();
        Self { zones, fans, was_driven: false, leaving: false }
    }

    /// Looks at everything anew. `driven` tells whether anybody writes duties at all; `failsafe` names the
    /// service whose failure holds everything at fail-safe.
    pub fn evaluate(&mut self, sensors: &Sensors, driven: bool, failsafe: Option<&Name>, out: &mut Outbox) {
        self.was_driven |= driven;
        self.judge_fans(sensors, out);
        for index in 0..self.zones.len() {
            self.evaluate_zone(ZoneId::new(index), sensors, driven, failsafe, out);
        }
        for index in 0..self.fans.len() {
            self.drive(FanId::new(index), driven, out);
        }
    }

    /// A fan shows what its tachometer tells: it has changed when that has.
    pub fn follow_tachometers(&self, out: &mut Outbox) {
        for (index, fan) in self.fans.iter().enumerate() {
            if fan.spec.tachometer.is_some_and(|sensor| out.changed().sensors.contains(&sensor)) {
                out.changed().fans.insert(FanId::new(index));
            }
        }
    }

    /// The daemon is shutting down.
    pub fn leave(&mut self) {
        self.leaving = true;
    }

    /// Zones whose trip is latched.
    pub fn tripped(&self) -> impl Iterator<Item = (ZoneId, &str)> {
        self.zones.iter().enumerate().filter_map(|(index, zone)| Some((ZoneId::new(index), zone.tripped.as_deref()?)))
    }

    /// Fan writing has just begun: whatever was told before may not hold any more.
    pub fn forget_told(&mut self) {
        for fan in &mut self.fans {
            fan.told = None;
        }
    }

    fn evaluate_zone(
        &mut self,
        id: ZoneId,
        sensors: &Sensors,
        driven: bool,
        failsafe: Option<&Name>,
        out: &mut Outbox,
    ) {
        let now = out.now();
        let failed_fan = self.failed_fan_of(id).cloned();
        let nobody = if self.was_driven { ZoneState::Failsafe } else { ZoneState::Starting };
        let leaving = self.leaving;
        let zone = &mut self.zones[id.index()];
        let mut terms = Vec::new();
        let mut wanted = Duty::OFF;
        let mut driver = "nothing to cool".to_owned();
        for (place, controller) in zone.spec.controllers.iter().enumerate() {
            let hottest = controller
                .sensors
                .iter()
                .filter_map(|sensor| sensors.good(*sensor).map(|value| (*sensor, value)))
                .max_by(|(_, one), (_, other)| one.total_cmp(other));
            let input = hottest.and_then(|(sensor, value)| Celsius::new(value).map(|value| (sensor, value)));
            let output = input.map(|(_, value)| match &controller.kind {
                ControllerKind::Curve(curve) => duty_at(curve, zone.held[place].follow(curve, value)),
            });
            if input.is_none() {
                zone.held[place].reset();
            }
            zone.outputs[place] = ControllerOutput { input: hottest, output };
            if let (Some((sensor, _)), Some(output)) = (input, output) {
                terms.push(Term { name: controller.name.to_string(), value: output.percent(), unit: "%" });
                if output > wanted {
                    wanted = output;
                    driver = format!("{} via {}", sensors.spec(sensor).name, controller.name);
                }
            }
        }
        let mut apply = |name: &str, from: Duty, to: Duty| {
            if from != to {
                terms.push(Term { name: name.to_owned(), value: to.percent(), unit: "%" });
            }
            to
        };
        let capped = apply("ceiling", wanted, wanted.min(zone.spec.ceiling));
        let floored = apply("floor", capped, capped.max(zone.spec.floor));
        if floored > capped {
            "floor".clone_into(&mut driver);
        }
        let (state, protected, why) =
            judge_zone(zone, sensors, (!driven).then_some(nobody), failsafe, failed_fan.as_ref());
        let duty = protected.map_or(floored, |protected| apply(state.as_str(), floored, floored.max(protected)));
        let reason = if state == ZoneState::Controlled { format!("{driver} asks for {duty}") } else { why.clone() };
        if state != ZoneState::Controlled {
            driver = format!("{}: {why}", if state == ZoneState::Starting { "start" } else { state.as_str() });
        }
        if state == ZoneState::Tripped && zone.tripped.is_none() {
            zone.tripped = Some(why.clone());
        }
        let was = zone.state;
        if state != was {
            zone.state = state;
            zone.since = now;
            announce(&zone.spec.name, was, state, &why, leaving, out);
        }
        if state != was || zone.duty != duty || zone.driver != driver {
            out.changed().zones.insert(id);
        }
        zone.duty = duty;
        zone.driver = driver;
        zone.reason = reason;
        zone.terms = terms;
    }

    fn failed_fan_of(&self, id: ZoneId) -> Option<&Name> {
        self.fans
            .iter()
            .find(|fan| (fan.failed || fan.write_failing) && fan.zones.contains(&id))
            .map(|fan| &fan.spec.name)
    }

    /// Does every fan turn as it should?
    fn judge_fans(&mut self, sensors: &Sensors, out: &mut Outbox) {
        let now = out.now();
        for (index, fan) in self.fans.iter_mut().enumerate() {
            let Some(tachometer) = fan.spec.tachometer else { continue };
            // Fans take a while to speed up: only what has been asked for all along counts.
            fan.lately.push_back((now, fan.duty));
            while fan.lately.len() > 1 && fan.lately.get(1).is_some_and(|(at, _)| now.since(*at) >= SLOW_FOR) {
                fan.lately.pop_front();
            }
            let least = fan.lately.iter().map(|(_, duty)| *duty).fold(fan.duty, Duty::min);
            let expected = fan.spec.expected_rpm(least);
            let slow = match (sensors.quality(tachometer), sensors.good(tachometer)) {
                (Quality::Good, Some(rpm)) => rpm < expected * SLOW_SHARE,
                (Quality::NotYetRead | Quality::Unpowered, _) => false,
                // A fan whose speed nobody knows is taken as standing still.
                _ => true,
            };
            fan.slow_since = slow.then(|| fan.slow_since.unwrap_or(now));
            let failed = fan.slow_since.is_some_and(|since| now.since(since) >= SLOW_FOR);
            if failed == fan.failed {
                continue;
            }
            fan.failed = failed;
            out.changed().fans.insert(FanId::new(index));
            let name = &fan.spec.name;
            let (severity, text) = if failed {
                let rpm = sensors
                    .good(tachometer)
                    .map_or_else(|| "an unknown speed".to_owned(), |rpm| format!("{rpm:.0} RPM"));
                (
                    Severity::Error,
                    format!("{name} has failed: {rpm} where {expected:.0} RPM are expected; the others go up"),
                )
            } else {
                (Severity::Notice, format!("{name} turns as it should again"))
            };
            let fields =
                vec![("fan", name.as_str().into()), ("expected_rpm", expected.into()), ("failed", failed.into())];
            out.event(format!("fan.{name}.health"), "thermalmgr", severity, text, fields);
        }
    }

    fn drive(&mut self, id: FanId, driven: bool, out: &mut Outbox) {
        let now = out.now();
        let fan = &mut self.fans[id.index()];
        let mut asked = Duty::OFF;
        let mut floor = Duty::OFF;
        let mut protected = None;
        for zone in &fan.zones {
            let zone = &self.zones[zone.index()];
            asked = asked.max(zone.duty);
            floor = floor.max(zone.spec.floor);
            if zone.state != ZoneState::Controlled {
                protected = Some(protected.map_or(zone.duty, |duty: Duty| duty.max(zone.duty)));
            }
        }
        if fan.zones.is_empty() {
            asked = Duty::FULL;
        }
        if fan.manual.is_some_and(|(_, until)| until <= now) {
            fan.manual = None;
        }
        let (duty, mode) = match (fan.manual, protected) {
            (Some((manual, _)), Some(protected)) if manual < protected => (protected, FanMode::Failsafe),
            (Some((manual, _)), _) => (manual.max(floor), FanMode::Manual),
            (None, Some(_)) => (asked, FanMode::Failsafe),
            (None, None) => (asked, FanMode::Auto),
        };
        if fan.mode != mode || (fan.duty.percent() - duty.percent()).abs() >= SAME_DUTY {
            out.changed().fans.insert(id);
        }
        fan.mode = mode;
        // Protection is told to the letter; a controller's last tenth of a percent is not worth a write.
        let near = |told: Duty| (told.percent() - duty.percent()).abs() < SAME_DUTY;
        let same = fan.told.is_some_and(|told| near(told) && (mode != FanMode::Failsafe || told >= duty));
        if !same && driven {
            fan.told = Some(duty);
            fan.duty = duty;
            out.deed(Effect::Command(HardwareCommand::SetDuty(id, duty)));
        } else if !driven {
            fan.told = None;
            fan.duty = duty;
        }
    }

    /// A duty was not taken by the hardware; it is told again at the next evaluation.
    pub fn write_failed(&mut self, id: FanId, why: &str, out: &mut Outbox) {
        let fan = &mut self.fans[id.index()];
        fan.told = None;
        fan.refused = out.now();
        if !fan.write_failing {
            fan.write_failing = true;
            let name = &fan.spec.name;
            out.event(
                format!("fan.{name}.write-failed"),
                "thermalmgr",
                Severity::Error,
                format!("{name} does not take its duty: {why}"),
                vec![("fan", name.as_str().into()), ("reason", why.into())],
            );
            out.changed().fans.insert(id);
        }
    }

    /// A duty that was told and not refused for a while, although it is refreshed, was taken after all.
    pub fn writes_settled(&mut self, out: &mut Outbox) {
        for (index, fan) in self.fans.iter_mut().enumerate() {
            if fan.write_failing && fan.told.is_some() && out.now().since(fan.refused) >= ACCEPTED_AFTER {
                fan.write_failing = false;
                let name = &fan.spec.name;
                out.event(
                    format!("fan.{name}.write-restored"),
                    "thermalmgr",
                    Severity::Notice,
                    format!("{name} takes its duty again"),
                    Vec::new(),
                );
                out.changed().fans.insert(FanId::new(index));
            }
        }
    }

    /// Holds a fan, or every fan of a zone, at a duty for a time.
    pub fn set_override(
        &mut self,
        target: &Name,
        percent: f64,
        duration: Duration,
        out: &mut Outbox,
    ) -> Result<(), Refusal> {
        if !(0.0..=100.0).contains(&percent) {
            return Err(Refusal::invalid(
                "OUT_OF_RANGE",
                format!("{percent} is no duty: give a percentage from 0 to 100"),
            ));
        }
        if !(Duration::from_secs(1)..=Duration::from_secs(86_400)).contains(&duration) {
            return Err(Refusal::invalid("OUT_OF_RANGE", "an override lasts from 1 to 86400 seconds"));
        }
        let until = out.now() + duration;
        let fans = self.targets(target)?;
        for id in &fans {
            self.fans[id.index()].manual = Some((Duty::new(percent), until));
            out.changed().fans.insert(*id);
        }
        self.arm_overrides(out);
        out.event(
            format!("thermal.{target}.override"),
            "thermalmgr",
            Severity::Notice,
            format!("{target} is held at {percent:.0} % for {}; protection still raises it", human(duration)),
            vec![
                ("target", target.as_str().into()),
                ("duty", percent.into()),
                ("for_s", duration.as_secs_f64().into()),
            ],
        );
        Ok(())
    }

    /// Gives fans back to their zones.
    pub fn clear_override(&mut self, target: &Name, out: &mut Outbox) -> Result<(), Refusal> {
        for id in self.targets(target)? {
            if self.fans[id.index()].manual.take().is_some() {
                out.changed().fans.insert(id);
            }
        }
        self.arm_overrides(out);
        out.event(
            format!("thermal.{target}.auto"),
            "thermalmgr",
            Severity::Notice,
            format!("{target} is controlled automatically again"),
            Vec::new(),
        );
        Ok(())
    }

    /// One deadline per zone: the first override of its fans that ends.
    fn arm_overrides(&self, out: &mut Outbox) {
        for index in 0..self.zones.len() {
            let id = ZoneId::new(index);
            let ends = self.fans.iter().filter(|fan| fan.zones.contains(&id)).filter_map(|fan| fan.manual);
            match ends.map(|(_, until)| until).min() {
                Some(first) => out.arm(Timer::Zone(id), first),
                None => out.cancel(Timer::Zone(id)),
            }
        }
    }

    /// An override may have ended.
    pub fn override_due(&mut self, out: &mut Outbox) {
        let now = out.now();
        for (index, fan) in self.fans.iter_mut().enumerate() {
            if fan.manual.is_some_and(|(_, until)| until <= now) {
                fan.manual = None;
                let name = &fan.spec.name;
                out.event(
                    format!("fan.{name}.auto"),
                    "thermalmgr",
                    Severity::Info,
                    format!("the override of {name} has ended"),
                    Vec::new(),
                );
                out.changed().fans.insert(FanId::new(index));
            }
        }
        self.arm_overrides(out);
    }

    fn targets(&self, target: &Name) -> Result<Vec<FanId>, Refusal> {
        if let Some(index) = self.fans.iter().position(|fan| fan.spec.name == *target) {
            return Ok(vec![FanId::new(index)]);
        }
        if let Some(zone) = self.zones.iter().find(|zone| zone.spec.name == *target) {
            return Ok(zone.spec.fans.clone());
        }
        let known = self.fans.iter().map(|fan| &fan.spec.name).chain(self.zones.iter().map(|zone| &zone.spec.name));
        Err(Refusal::unknown("fan or zone", target.as_str(), known))
    }

    /// An operator has switched off what a tripped zone cools: the latch opens if it is cool enough.
    pub fn release_trip(&mut self, id: ZoneId, sensors: &Sensors, out: &mut Outbox) {
        let zone = &mut self.zones[id.index()];
        let hot = zone.spec.sensors().into_iter().any(|sensor| sensors.alarms(sensor).is_high(1));
        if zone.tripped.is_some() && !hot {
            zone.tripped = None;
            let name = &zone.spec.name;
            out.event(
                format!("zone.{name}.trip-released"),
                "thermalmgr",
                Severity::Notice,
                format!("the trip of zone {name} is released"),
                Vec::new(),
            );
        }
    }

    /// Why a machine that these zones cool must not be powered on. Empty: nothing.
    pub fn obstacles(&self, zones: &[ZoneId]) -> Vec<Obstacle> {
        zones.iter().filter_map(|id| self.obstacle(*id)).collect()
    }

    fn obstacle(&self, id: ZoneId) -> Option<Obstacle> {
        let zone = &self.zones[id.index()];
        let name = &zone.spec.name;
        let (kind, remedy) = match zone.state {
            ZoneState::Controlled => return None,
            ZoneState::Starting => ("zone-starting", "wait until its sensors have been read".to_owned()),
            ZoneState::Failsafe => {
                ("zone-failsafe", format!("look at `ubmcctl zones explain {name}` and mend what is missing"))
            }
            ZoneState::Critical => ("zone-over-limit", "wait until it has cooled down".to_owned()),
            ZoneState::Tripped => (
                "zone-tripped",
                "find out why it overheated, then ask for an explicit off to release the trip".to_owned(),
            ),
        };
        Some(Obstacle {
            kind,
            subject: format!("zone {name}"),
            text: format!("zone {name} is in {}: {}", zone.state.as_str(), zone.reason),
            remedy,
            since: Some(zone.since),
        })
    }

    /// What is not as it should be.
    pub fn problems(&self) -> Vec<Problem> {
        let zones = (0..self.zones.len()).map(ZoneId::new).filter_map(|id| {
            let severity = match self.zones[id.index()].state {
                ZoneState::Controlled => return None,
                ZoneState::Starting => Severity::Notice,
                ZoneState::Failsafe => Severity::Warning,
                ZoneState::Critical => Severity::Error,
                ZoneState::Tripped => Severity::Critical,
            };
            Some(Problem { severity, obstacle: self.obstacle(id)? })
        });
        let fans = self.fans.iter().filter(|fan| fan.failed || fan.write_failing).map(|fan| {
            let name = &fan.spec.name;
            let what = if fan.failed { "does not turn as it should" } else { "does not take its duty" };
            Problem {
                severity: Severity::Error,
                obstacle: Obstacle {
                    kind: "fan-failed",
                    subject: format!("fan {name}"),
                    text: format!("{name} {what}"),
                    remedy: "replace the fan, or look at its connection".to_owned(),
                    since: fan.slow_since,
                },
            }
        });
        zones.chain(fans).collect()
    }

    /// A zone as it is now.
    pub fn view_zone<'a>(&'a self, id: ZoneId, sensors: &'a Sensors) -> ZoneView<'a> {
        let zone = &self.zones[id.index()];
        ZoneView {
            spec: &zone.spec,
            state: zone.state,
            since: zone.since,
            duty: zone.duty,
            driver: &zone.driver,
            reason: &zone.reason,
            terms: &zone.terms,
            controllers: zone
                .spec
                .controllers
                .iter()
                .zip(&zone.outputs)
                .map(|(spec, output)| ControllerView {
                    spec,
                    input: output.input.map(|(_, value)| value),
                    input_sensor: output.input.map(|(sensor, _)| &sensors.spec(sensor).name),
                    output: output.output,
                })
                .collect(),
            sensors: zone.spec.sensors().into_iter().map(|sensor| &sensors.spec(sensor).name).collect(),
            fans: zone.spec.fans.iter().map(|fan| &self.fans[fan.index()].spec.name).collect(),
        }
    }

    /// A fan as it is now.
    pub fn view_fan<'a>(&'a self, id: FanId, sensors: &Sensors) -> FanView<'a> {
        let fan = &self.fans[id.index()];
        let zone = fan.zones.first().map(|zone| &self.zones[zone.index()]);
        let measured = fan.spec.tachometer.map(|sensor| sensors.quality(sensor));
        FanView {
            spec: &fan.spec,
            rpm: fan.spec.tachometer.and_then(|sensor| sensors.good(sensor)),
            duty: fan.duty,
            mode: fan.mode,
            zone: zone.map(|zone| &zone.spec.name),
            health: if fan.failed || fan.write_failing {
                Health::Unhealthy
            } else if measured == Some(Quality::Good) {
                Health::Healthy
            } else {
                Health::Unknown
            },
            override_until: fan.manual.map(|(_, until)| until),
            reason: match fan.mode {
                FanMode::Manual => "held by an operator".to_owned(),
                FanMode::Failsafe | FanMode::Auto => zone.map_or_else(String::new, |zone| zone.driver.clone()),
            },
            expected_rpm: fan.spec.expected_rpm(fan.duty),
        }
    }
}

/// What protection says of a zone: its state, the duty it must not go below, and why.
fn judge_zone(
    zone: &Zone,
    sensors: &Sensors,
    undriven: Option<ZoneState>,
    failed_service: Option<&Name>,
    failed_fan: Option<&Name>,
) -> (ZoneState, Option<Duty>, String) {
    let needed = zone.spec.sensors();
    let name = |sensor: &SensorId| sensors.spec(*sensor).name.clone();
    if let Some(why) = &zone.tripped {
        return (ZoneState::Tripped, Some(Duty::FULL), why.clone());
    }
    if let Some(sensor) = needed.iter().find(|sensor| sensors.alarms(**sensor).is_high(2)) {
        let value = sensors.view(*sensor).value.unwrap_or_default();
        let why = format!("{} reached {value:.1} °C, beyond its fatal limit", name(sensor));
        return (ZoneState::Tripped, Some(Duty::FULL), why);
    }
    if let Some(sensor) = needed.iter().find(|sensor| sensors.alarms(**sensor).is_high(1)) {
        return (ZoneState::Critical, Some(Duty::FULL), format!("{} is beyond its critical limit", name(sensor)));
    }
    let failsafe = Some(zone.spec.failsafe);
    if let Some(state) = undriven {
        return (state, failsafe, "thermalmgr is not running".to_owned());
    }
    let bad = |quality: Quality| needed.iter().find(|sensor| sensors.quality(**sensor) == quality);
    for quality in [Quality::Failed, Quality::Stale, Quality::Absent] {
        if let Some(sensor) = bad(quality) {
            return (ZoneState::Failsafe, failsafe, format!("{} is {}", name(sensor), quality.as_str()));
        }
    }
    if let Some(service) = failed_service {
        return (ZoneState::Failsafe, failsafe, format!("failsafe mode, because {service} fails"));
    }
    if let Some(fan) = failed_fan {
        return (ZoneState::Failsafe, failsafe, format!("{fan} has failed"));
    }
    if let Some(sensor) = bad(Quality::NotYetRead) {
        return (ZoneState::Starting, failsafe, format!("{} has not been read yet", name(sensor)));
    }
    (ZoneState::Controlled, None, String::new())
}

fn announce(name: &Name, was: ZoneState, state: ZoneState, why: &str, leaving: bool, out: &mut Outbox) {
    let (severity, text) = match state {
        ZoneState::Controlled => (Severity::Info, format!("zone {name} is under control")),
        ZoneState::Starting => (Severity::Info, format!("zone {name} runs at fail-safe: {why}")),
        ZoneState::Failsafe if leaving => (Severity::Info, format!("zone {name} goes to fail-safe: {why}")),
        ZoneState::Failsafe => (Severity::Warning, format!("zone {name} goes to fail-safe: {why}")),
        ZoneState::Critical => (Severity::Error, format!("zone {name} goes to full speed: {why}")),
        ZoneState::Tripped => (Severity::Critical, format!("zone {name} has tripped: {why}")),
    };
    out.event(
        format!("zone.{name}.state"),
        "thermalmgr",
        severity,
        text,
        vec![("zone", name.as_str().into()), ("from", was.as_str().into()), ("to", state.as_str().into())],
    );
}
