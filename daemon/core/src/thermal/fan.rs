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
/// … or faster than this …
const FAST_SHARE: f64 = 1.4;
/// … for this long does not do what it is told.
const WRONG_FOR: Duration = Duration::from_secs(5);
/// It does again when it has for this long. More than the time after a change of duty in which next to any speed is right:
/// else the others would go up for it, it would look well for a moment, and all would go down again, for ever.
const WELL_FOR: Duration = Duration::from_secs(10);
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
    pub(super) fast_since: Option<Mono>,
    well_since: Option<Mono>,
    /// What it was told lately, oldest first: it is judged by the least and the most of it.
    lately: VecDeque<(Mono, Duty)>,
    /// Too slow for too long: the others go up for it.
    pub(super) failed: bool,
    /// It has failed, and that was measured: its tachometer has told so for long enough, not only been silent.
    pub(super) stands: bool,
    /// Its tachometer tells that it is too slow, since then.
    measured_slow_since: Option<Mono>,
    /// Too fast for too long: it does not listen. It cools all the same.
    pub(super) runaway: bool,
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
            fast_since: None,
            well_since: None,
            lately: VecDeque::new(),
            failed: false,
            stands: false,
            measured_slow_since: None,
            runaway: false,
            write_failing: false,
            refused: Mono::ZERO,
        }
    }

    fn judge(&mut self, id: FanId, sensors: &Sensors, driven: bool, out: &mut Outbox) {
        let Some(tachometer) = self.spec.tachometer else { return };
        let now = out.now();
        // Fans take a while to follow: only what has been asked for all along counts.
        self.lately.push_back((now, self.duty));
        while self.lately.len() > 1 && self.lately.get(1).is_some_and(|(at, _)| now.since(*at) >= WRONG_FOR) {
            self.lately.pop_front();
        }
        let told = || self.lately.iter().map(|(_, duty)| *duty);
        let slowest = self.spec.expected_rpm(told().fold(self.duty, Duty::min));
        let fastest = self.spec.expected_rpm(told().fold(self.duty, Duty::max));
        let rpm = sensors.good(tachometer);
        let quality = sensors.quality(tachometer);
        let (slow, fast) = match (quality, rpm) {
            (Quality::Good, Some(rpm)) => (rpm < slowest * SLOW_SHARE, driven && rpm > fastest * FAST_SHARE),
            (Quality::NotYetRead | Quality::Unpowered, _) => (false, false),
            // A fan whose speed nobody knows is taken as standing still.
            _ => (true, false),
        };
        let since = |was: Option<Mono>, is: bool| is.then(|| was.unwrap_or(now));
        self.slow_since = since(self.slow_since, slow);
        self.fast_since = since(self.fast_since, fast);
        self.well_since = since(self.well_since, !slow && !fast);
        let for_long = |since: Option<Mono>, long| since.is_some_and(|since| now.since(since) >= long);
        let unseen = matches!(quality, Quality::NotYetRead | Quality::Unpowered);
        let well = unseen || for_long(self.well_since, WELL_FOR);
        let failed = for_long(self.slow_since, WRONG_FOR) || self.failed && !well;
        let runaway = !failed && (for_long(self.fast_since, WRONG_FOR) || self.runaway && !well);
        self.measured_slow_since = since(self.measured_slow_since, slow && quality == Quality::Good);
        self.stands = failed && for_long(self.measured_slow_since, WRONG_FOR);
        if (failed, runaway) == (self.failed, self.runaway) {
            return;
        }
        (self.failed, self.runaway) = (failed, runaway);
        out.changed().fans.insert(id);
        let name = &self.spec.name;
        let turns = rpm.map_or_else(|| "an unknown speed".to_owned(), |rpm| format!("{rpm:.0} RPM"));
        let (severity, text) = if failed {
            let text = format!("{name} has failed: {turns} where {slowest:.0} RPM are expected; the others go up");
            (Severity::Error, text)
        } else if runaway {
            let text = format!("{name} does not slow down: {turns} where {fastest:.0} RPM are expected");
            (Severity::Warning, text)
        } else if quality == Quality::Good {
            (Severity::Notice, format!("{name} turns as it should again"))
        } else {
            (Severity::Info, format!("whether {name} turns is seen when it has power again"))
        };
        let expected = if runaway { fastest } else { slowest };
        let fields = vec![
            ("fan", name.as_str().into()),
            ("expected_rpm", expected.into()),
            ("failed", failed.into()),
            ("runaway", runaway.into()),
        ];
        out.event(format!("fan.{name}.health"), "thermalmgr", severity, text, fields);
    }
}

impl Thermal {
    /// Does every fan turn as it should? Those that nobody drives turn as fast as their chip likes.
    pub(super) fn judge_fans(&mut self, sensors: &Sensors, driven: bool, out: &mut Outbox) {
        for (index, fan) in self.fans.iter_mut().enumerate() {
            fan.judge(FanId::new(index), sensors, driven, out);
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
