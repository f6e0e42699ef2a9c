//! One fan: what it is told, whether it takes that, and whether it turns as it should.

use std::{collections::VecDeque, time::Duration};

use super::{FanSpec, control::Thermal};
use crate::{
    effect::Effect,
    event::Severity,
    ids::{FanId, ZoneId},
    input::HardwareCommand,
    outbox::Outbox,
    sensors::bank::Sensors,
    time::Mono,
    units::Duty,
    view::{FanMode, Quality, ZoneState},
};

/// A fan that turns slower than this share of what it should …
const SLOW_SHARE: f64 = 0.6;
/// … for this long has failed.
const SLOW_FOR: Duration = Duration::from_secs(5);
/// How long nothing may be refused before a fan counts as taking its duty again; longer than two refreshes.
const ACCEPTED_AFTER: Duration = Duration::from_secs(5);
/// A duty that differs by less is not written anew, in percent.
const SAME_DUTY: f64 = 0.2;

/// A fan, what it was told, and how it answers.
#[derive(Clone, Debug)]
pub(super) struct Fan {
    pub(super) spec: FanSpec,
    pub(super) zones: Vec<ZoneId>,
    /// What it was told last and took. Absent: nothing, or it did not take it.
    pub(super) told: Option<Duty>,
    pub(super) duty: Duty,
    pub(super) mode: FanMode,
    pub(super) manual: Option<(Duty, Mono)>,
    pub(super) slow_since: Option<Mono>,
    /// What it was told lately, oldest first: it is judged by the least of it.
    lately: VecDeque<(Mono, Duty)>,
    pub(super) failed: bool,
    pub(super) write_failing: bool,
    /// When a duty was refused last.
    refused: Mono,
}

impl Fan {
    /// Told nothing yet.
    pub(super) fn new(spec: &FanSpec, zones: Vec<ZoneId>) -> Self {
        Self {
            spec: spec.clone(),
            zones,
            told: None,
            duty: Duty::FULL,
            mode: FanMode::Failsafe,
            manual: None,
            slow_since: None,
            lately: VecDeque::new(),
            failed: false,
            write_failing: false,
            refused: Mono::ZERO,
        }
    }
}

impl Thermal {
    /// Does every fan turn as it should?
    pub(super) fn judge_fans(&mut self, sensors: &Sensors, out: &mut Outbox) {
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

    /// Tells a fan what its zones ask for, an operator holds it at, or protection demands.
    pub(super) fn drive(&mut self, id: FanId, driven: bool, out: &mut Outbox) {
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
}
