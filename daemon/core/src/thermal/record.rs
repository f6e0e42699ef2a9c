//! What everything was at when a zone tripped: a trip powers off, and then there is nothing left to look at.

use super::{ZoneSpec, fan::Fan};
use crate::{ids::Name, sensors::bank::Sensors, time::Mono, units::Duty, view::Quality};

/// Why a zone tripped, and every part at that moment.
#[derive(Clone, Debug, PartialEq)]
pub struct TripRecord {
    /// One sentence.
    pub why: String,
    /// When.
    pub at: Mono,
    /// Every sensor that the zone needs.
    pub parts: Vec<TripPart>,
    /// Every fan that it drives.
    pub fans: Vec<TripFan>,
}

/// A part that a zone cools, at the moment of a trip.
#[derive(Clone, Debug, PartialEq)]
pub struct TripPart {
    /// Its sensor.
    pub sensor: Name,
    /// Of the value.
    pub unit: &'static str,
    /// The last good reading. Absent: there was none.
    pub value: Option<f64>,
    /// What it was worth.
    pub quality: Quality,
    /// What it may have been at, if it was silent.
    pub worst_case: Option<f64>,
    /// Beyond this its zone trips. Absent: never for this one.
    pub limit: Option<f64>,
}

/// A fan at the moment of a trip.
#[derive(Clone, Debug, PartialEq)]
pub struct TripFan {
    /// Its name.
    pub name: Name,
    /// Absent: not readable.
    pub rpm: Option<f64>,
    /// What it was told.
    pub duty: Duty,
}

impl TripRecord {
    pub(super) fn take(why: &str, zone: &ZoneSpec, fans: &[Fan], sensors: &Sensors, now: Mono) -> Self {
        let part = |sensor| {
            let view = sensors.view(sensor);
            TripPart {
                sensor: view.spec.name.clone(),
                unit: view.spec.kind.unit(),
                value: view.value,
                quality: view.quality,
                worst_case: view.worst_case(now),
                limit: view.spec.thresholds.fatal_high,
            }
        };
        let fan = |fan: &Fan| TripFan {
            name: fan.spec.name.clone(),
            rpm: fan.spec.tachometer.and_then(|tachometer| sensors.good(tachometer)),
            duty: fan.duty,
        };
        Self {
            why: why.to_owned(),
            at: now,
            parts: zone.sensors().into_iter().map(part).collect(),
            fans: zone.fans.iter().filter_map(|id| fans.get(id.index())).map(fan).collect(),
        }
    }

    /// Everything in one line, for the journal.
    pub fn line(&self) -> String {
        let part = |part: &TripPart| {
            let value = match (part.value, part.worst_case) {
                (Some(value), None) => format!("{value:.1} {}", part.unit),
                (Some(value), Some(worst)) => format!("{value:.1} {}, at worst {worst:.1}", part.unit),
                (None, _) => "no value".to_owned(),
            };
            let quality = if part.quality == Quality::Good { "" } else { part.quality.as_str() };
            format!("{} {value}{}{quality}", part.sensor, if quality.is_empty() { "" } else { " " })
        };
        let fan = |fan: &TripFan| {
            let rpm = fan.rpm.map_or_else(|| "? RPM".to_owned(), |rpm| format!("{rpm:.0} RPM"));
            format!("{} {rpm} at {}", fan.name, fan.duty)
        };
        let all: Vec<_> = self.parts.iter().map(part).chain(self.fans.iter().map(fan)).collect();
        all.join("; ")
    }
}
