//! Duties that an operator sets by hand: for a time, and never below what protection demands.

use std::time::Duration;

use super::control::Thermal;
use crate::{
    event::Severity,
    ids::{FanId, Name, ZoneId},
    outbox::Outbox,
    refusal::Refusal,
    time::human,
    timers::Timer,
    units::Duty,
};

/// Part of its interval after which a zone that nothing has happened to is looked at.
const LATE: f64 = 1.1;

impl Thermal {
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
        self.check_floor(target, &fans, percent)?;
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

    /// A duty that would not be kept is refused, not bent.
    fn check_floor(&self, target: &Name, fans: &[FanId], percent: f64) -> Result<(), Refusal> {
        let zones =
            fans.iter().flat_map(|fan| &self.fans[fan.index()].zones).map(|zone| &self.zones[zone.index()].spec);
        match zones.max_by(|one, other| one.floor.percent().total_cmp(&other.floor.percent())) {
            Some(zone) if percent < zone.floor.percent() => Err(Refusal::invalid(
                "BELOW_FLOOR",
                format!(
                    "{target} cannot be held at {percent:.0} %: zone {} lets no fan go below {}; give that or more",
                    zone.name, zone.floor
                ),
            )),
            Some(_) | None => Ok(()),
        }
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

    fn arm_overrides(&self, out: &mut Outbox) {
        for index in 0..self.zones.len() {
            self.arm_zone(ZoneId::new(index), out);
        }
    }

    /// One deadline per zone: the first override of its fans that ends, or the time to look at it even if nothing
    /// happens. Readings that come at the same pace, but not on the dot, are to come first.
    pub(super) fn arm_zone(&self, id: ZoneId, out: &mut Outbox) {
        let zone = &self.zones[id.index()];
        let look = zone.looked_at.max(out.now()) + zone.spec.interval.mul_f64(LATE);
        let ends = self.fans.iter().filter(|fan| fan.zones.contains(&id)).filter_map(|fan| fan.manual);
        out.arm(Timer::Zone(id), ends.map(|(_, until)| until).min().map_or(look, |first| first.min(look)));
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
}
