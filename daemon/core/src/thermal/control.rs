//! All zones and fans: what each zone asks for, and what each fan is told.
//!
//! ```text
//!  sensors ─► controllers ─ max ─► ceiling ─► floor ─► zone state ─► fan: max over zones ─► override ─► PWM
//!                                                      (fail-safe, critical, tripped: only ever up)
//! ```
//!
//! A zone starts in fail-safe until every needed sensor has been read. Missing, stale or failed inputs drive fans up.

use std::collections::BTreeMap;

use super::{fan::Fan, heritage::Heritage, judge::is_hot, record::TripRecord, zone::Zone};
use crate::{
    board::Board,
    event::Severity,
    ids::{FanId, Name, ZoneId},
    outbox::Outbox,
    sensors::bank::Sensors,
    time::Mono,
    units::Duty,
};

/// All zones and fans of a board.
#[derive(Clone, Debug)]
pub struct Thermal {
    pub(super) zones: Vec<Zone>,
    pub(super) fans: Vec<Fan>,
    /// Somebody has driven fans: from then on, that nobody does is worth a warning.
    pub(super) was_driven: bool,
    /// The daemon is shutting down: that nobody drives fans is as it should be.
    pub(super) leaving: bool,
}

impl Thermal {
    /// Every zone starts in fail-safe.
    pub fn new(board: &Board) -> Self {
        let zones_of = |fan| {
            let drives = |zone: &ZoneId| board.zone(*zone).fans.contains(&fan);
            (0..board.zones.len()).map(ZoneId::new).filter(drives).collect()
        };
        let fan = |(index, spec)| Fan::new(spec, zones_of(FanId::new(index)));
        Self {
            zones: board.zones.iter().map(Zone::new).collect(),
            fans: board.fans.iter().enumerate().map(fan).collect(),
            was_driven: false,
            leaving: false,
        }
    }

    /// Looks at everything anew. `driven` tells whether anybody writes duties at all; `failsafe` names the
    /// service whose failure holds everything at fail-safe.
    pub fn evaluate(&mut self, sensors: &Sensors, driven: bool, failsafe: Option<&Name>, out: &mut Outbox) {
        self.was_driven |= driven;
        self.judge_fans(sensors, driven, out);
        for index in 0..self.zones.len() {
            self.evaluate_zone(ZoneId::new(index), sensors, driven, failsafe, out);
        }
        for index in 0..self.fans.len() {
            self.drive(FanId::new(index), driven, out);
        }
    }

    /// Before the start: the last daemon left fans at these duties, and nobody has touched them since.
    pub fn inherit(&mut self, held: &BTreeMap<FanId, Duty>) {
        for (id, duty) in held {
            if let Some(fan) = self.fans.get_mut(id.index()) {
                fan.duty = *duty;
            }
        }
        for zone in &mut self.zones {
            // A fan of two zones has the duty of the one that asked for more: the least is this one's own.
            let duties = zone.spec.fans.iter().map(|fan| held.get(fan).copied()).collect::<Option<Vec<_>>>();
            let least = duties.and_then(|duties| duties.into_iter().reduce(Duty::min));
            zone.heritage = least.map(|duty| Heritage::new(duty.max(zone.spec.floor), Mono::ZERO));
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
        self.zones
            .iter()
            .enumerate()
            .filter_map(|(index, zone)| Some((ZoneId::new(index), zone.tripped.as_ref()?.why.as_str())))
    }

    /// The trip of a zone was latched when the last daemon ended, and nobody has released it since.
    pub fn latch_again(&mut self, id: ZoneId, why: &str, out: &mut Outbox) {
        let zone = &mut self.zones[id.index()];
        if zone.tripped.is_some() {
            return;
        }
        zone.tripped = Some(TripRecord { why: why.to_owned(), at: out.now(), parts: Vec::new(), fans: Vec::new() });
        let name = &zone.spec.name;
        out.event(
            format!("zone.{name}.trip-remembered"),
            "thermalmgr",
            Severity::Warning,
            format!("the trip of zone {name} is not released yet: {why}"),
            Vec::new(),
        );
        out.changed().zones.insert(id);
    }

    /// Fan writing has just begun: whatever was told before may not hold any more.
    pub fn forget_told(&mut self) {
        for fan in &mut self.fans {
            fan.told = None;
        }
    }

    /// An operator has switched off what a tripped zone cools: the latch opens if it is cool enough.
    pub fn release_trip(&mut self, id: ZoneId, sensors: &Sensors, out: &mut Outbox) {
        let zone = &mut self.zones[id.index()];
        if zone.tripped.is_some() && !is_hot(&zone.spec, sensors, out.now()) {
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
}
