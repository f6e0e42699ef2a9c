//! Sensors, zones and fans.

use ubmc_proto::v1;

use super::health;
use crate::model::{
    Controller, Fan, FanMode, Mono, Point, Quality, Sensor, SensorKind, SensorStatus, Term, Thresholds, Trip, Update,
    Zone, ZoneState,
};

/// One sensor.
pub fn sensor(now: Mono, wire: v1::Sensor) -> Sensor {
    let kind = match wire.kind() {
        v1::SensorKind::Temperature => SensorKind::Temperature,
        v1::SensorKind::Voltage => SensorKind::Voltage,
        v1::SensorKind::Current => SensorKind::Current,
        v1::SensorKind::Power => SensorKind::Power,
        v1::SensorKind::FanSpeed => SensorKind::FanSpeed,
        v1::SensorKind::Humidity => SensorKind::Humidity,
        v1::SensorKind::State => SensorKind::State,
        v1::SensorKind::Unspecified => SensorKind::Unknown,
    };
    let quality = match wire.quality() {
        v1::Quality::Good => Quality::Good,
        v1::Quality::Unpowered => Quality::Unpowered,
        v1::Quality::Stale => Quality::Stale,
        v1::Quality::Failed => Quality::Failed,
        v1::Quality::Absent => Quality::Absent,
        v1::Quality::NotYetRead | v1::Quality::Unspecified => Quality::NotYetRead,
    };
    let status = match wire.status() {
        v1::SensorStatus::Ok => SensorStatus::Ok,
        v1::SensorStatus::Warning => SensorStatus::Warning,
        v1::SensorStatus::Critical => SensorStatus::Critical,
        v1::SensorStatus::Fatal => SensorStatus::Fatal,
        v1::SensorStatus::Unknown | v1::SensorStatus::Unspecified => SensorStatus::Unknown,
    };
    Sensor {
        kind,
        quality,
        status,
        name: wire.name,
        unit: wire.unit,
        value: wire.value,
        read_at: wire.age_s.map(|age| now.ago(age)),
        thresholds: wire.thresholds.map(thresholds).unwrap_or_default(),
        minimum: wire.minimum,
        maximum: wire.maximum,
        reason: wire.reason,
        description: wire.description,
        interval_s: wire.interval_s,
        mean: wire.mean,
        errors: wire.errors,
        worst_case: wire.worst_case,
    }
}

fn thresholds(wire: v1::Thresholds) -> Thresholds {
    Thresholds {
        warning_high: wire.warning_high,
        critical_high: wire.critical_high,
        fatal_high: wire.fatal_high,
        warning_low: wire.warning_low,
        critical_low: wire.critical_low,
        fatal_low: wire.fatal_low,
    }
}

/// A message of the sensor stream. None when it carries nothing this console knows.
pub fn sensors(now: Mono, wire: v1::WatchSensorsResponse) -> Option<Update> {
    use v1::watch_sensors_response::Update as Wire;
    let convert = |all: Vec<v1::Sensor>| all.into_iter().map(|one| sensor(now, one)).collect();
    Some(match wire.update? {
        Wire::Snapshot(all) => Update::Sensors(convert(all.sensors)),
        Wire::Changed(some) => Update::SensorsChanged(convert(some.sensors)),
    })
}

/// The past of a sensor, oldest first.
pub fn history(now: Mono, sensor: String, wire: v1::GetSensorHistoryResponse) -> Update {
    let points = wire.points.into_iter().map(|point| -> Point { (now.ago(point.age_s), point.value) }).collect();
    Update::History { sensor, points }
}

/// One zone.
pub fn zone(now: Mono, wire: v1::Zone) -> Zone {
    let state = match wire.state() {
        v1::ZoneState::Starting => ZoneState::Starting,
        v1::ZoneState::Controlled => ZoneState::Controlled,
        v1::ZoneState::Failsafe => ZoneState::Failsafe,
        v1::ZoneState::Critical => ZoneState::Critical,
        v1::ZoneState::CoolDown => ZoneState::CoolDown,
        v1::ZoneState::Tripped => ZoneState::Tripped,
        v1::ZoneState::Unspecified => ZoneState::Unknown,
    };
    Zone {
        state,
        name: wire.name,
        duty: wire.duty,
        driver: wire.driver,
        sensors: wire.sensors,
        fans: wire.fans,
        controllers: wire.controllers.into_iter().map(controller).collect(),
        floor: wire.floor,
        ceiling: wire.ceiling,
        failsafe_duty: wire.failsafe_duty,
        reason: wire.reason,
        terms: wire.terms.into_iter().map(term).collect(),
        since: now.ago(wire.state_age_s),
        trip: wire.trip.map(|one| trip(now, one)),
        fans_needed: wire.fans_needed,
    }
}

fn trip(now: Mono, wire: v1::Trip) -> Trip {
    let part = |part: v1::TripPart| {
        let reading = |value: f64| format!("{value:.1} {}", part.unit);
        let value = part.value.map_or_else(|| "no reading".to_owned(), reading);
        let worst = part.worst_case.map(|worst| format!(", by now perhaps {}", reading(worst))).unwrap_or_default();
        let limit = part.limit.map(|limit| format!(" (limit {})", reading(limit))).unwrap_or_default();
        format!("{} {value}{worst}{limit}", part.sensor)
    };
    let fan = |fan: v1::TripFan| {
        let rpm = fan.rpm.map_or_else(|| "speed not known".to_owned(), |rpm| format!("{rpm:.0} rpm"));
        format!("{} {rpm} at {:.0} %", fan.name, fan.duty)
    };
    Trip {
        why: wire.why,
        at: now.ago(wire.age_s),
        parts: wire.parts.into_iter().map(part).collect(),
        fans: wire.fans.into_iter().map(fan).collect(),
    }
}

fn controller(wire: v1::Controller) -> Controller {
    Controller {
        name: wire.name,
        kind: wire.kind,
        sensors: wire.sensors,
        curve: wire.curve.into_iter().map(|point| (point.temperature, point.duty)).collect(),
        input: wire.input,
        output: wire.output,
        set_point: wire.set_point,
        unit: wire.input_unit,
        terms: wire.terms.into_iter().map(term).collect(),
    }
}

fn term(wire: v1::Term) -> Term {
    Term { name: wire.name, value: wire.value, unit: wire.unit }
}

fn fan(now: Mono, wire: v1::Fan) -> Fan {
    let mode = match wire.mode() {
        v1::FanMode::Auto => FanMode::Auto,
        v1::FanMode::Manual => FanMode::Manual,
        v1::FanMode::Failsafe => FanMode::Failsafe,
        v1::FanMode::Unspecified => FanMode::Unknown,
    };
    Fan {
        mode,
        name: wire.name,
        rpm: wire.rpm,
        duty: wire.duty,
        zone: wire.zone,
        health: health(wire.health),
        override_ends: wire.override_left_s.map(|left| now.after(left)),
        reason: wire.reason,
        expected_rpm: wire.expected_rpm,
    }
}

/// A message of the zone stream. None when it carries nothing this console knows.
pub fn zones(now: Mono, wire: v1::WatchZonesResponse) -> Option<Update> {
    use v1::watch_zones_response::Update as Wire;
    let convert = |all: v1::ZonesSnapshot| {
        let zones = all.zones.into_iter().map(|one| zone(now, one)).collect();
        let fans = all.fans.into_iter().map(|one| fan(now, one)).collect();
        (zones, fans)
    };
    Some(match wire.update? {
        Wire::Snapshot(all) => {
            let (zones, fans) = convert(all);
            Update::Zones(zones, fans)
        }
        Wire::Changed(some) => {
            let (zones, fans) = convert(some);
            Update::ZonesChanged(zones, fans)
        }
    })
}
