//! What protection says of a zone.

use super::zone::Zone;
use crate::{
    event::Severity,
    ids::{Name, SensorId},
    outbox::Outbox,
    sensors::bank::Sensors,
    units::Duty,
    view::{Quality, ZoneState},
};

/// What protection says of a zone: its state, the duty it must not go below, and why.
pub(super) fn judge_zone(
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

/// Tells that a zone has gone from one state to another.
pub(super) fn announce(name: &Name, was: ZoneState, state: ZoneState, why: &str, leaving: bool, out: &mut Outbox) {
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
