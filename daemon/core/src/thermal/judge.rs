//! What protection says of a zone.
//!
//! ```text
//!              every needed sensor read          any ≥ critical            none ≥ critical           all ≤ target
//!   starting ─────────────────────────▶ controlled ───────────▶ critical ──────────────▶ cool-down ─────────────▶ controlled
//!   from any state: a needed sensor unknown, a fan dead, nobody in control ─▶ failsafe, until it is known again
//!   from any state: any ≥ fatal, too few fans ─▶ tripped: latched, released by an operator's off alone
//! ```
//!
//! A silent sensor is taken at the worst that it may have come to: silence heats up until it trips.

use super::{InputKind, ZoneSpec, controller::fed, record::TripRecord, zone::Zone};
use crate::{
    event::Severity,
    ids::{Name, SensorId},
    outbox::Outbox,
    sensors::bank::Sensors,
    time::{Mono, human},
    units::Duty,
    view::{Quality, ZoneState},
};

/// What is around a zone when it is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Around<'a> {
    pub(super) sensors: &'a Sensors,
    pub(super) now: Mono,
    /// Nobody drives fans: the state that this means.
    pub(super) undriven: Option<ZoneState>,
    /// The service whose failure holds everything at fail-safe.
    pub(super) failed_service: Option<&'a Name>,
    /// A fan of the zone that does not do what it should.
    pub(super) failed_fan: Option<&'a Name>,
    /// How many fans of the zone do.
    pub(super) turning: usize,
}

/// A zone's state, the duty that it must not go below, and why.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) state: ZoneState,
    pub(super) least: Option<Duty>,
    pub(super) why: String,
    /// It was critical, and not everything has come down to its target since.
    pub(super) cooling: bool,
}

/// Levels of [`crate::sensors::thresholds::Alarms::is_high`].
const CRITICAL: usize = 1;
const FATAL: usize = 2;

pub(super) fn judge(zone: &Zone, around: &Around<'_>) -> Verdict {
    let Around { sensors, now, .. } = *around;
    let needed = &zone.needed;
    let hot = |level| needed.iter().find_map(|sensor| beyond(*sensor, level, sensors, now));
    let full = |state, why, cooling| Verdict { state, least: Some(Duty::FULL), why, cooling };
    if let Some(trip) = &zone.tripped {
        return full(ZoneState::Tripped, trip.why.clone(), true);
    }
    if let Some(why) = hot(FATAL) {
        return full(ZoneState::Tripped, format!("{why}, beyond its fatal limit"), true);
    }
    if around.turning < zone.spec.fans_needed {
        let (turning, all, needed) = (around.turning, zone.spec.fans.len(), zone.spec.fans_needed);
        let why = format!("only {turning} of {all} fans turn, {needed} are needed");
        return full(ZoneState::Tripped, why, zone.cooling);
    }
    if let Some(why) = hot(CRITICAL) {
        return full(ZoneState::Critical, format!("{why}, beyond its critical limit"), true);
    }
    let warm = needed.iter().find(|sensor| is_above_target(**sensor, sensors)).filter(|_| zone.cooling);
    let cooling = warm.is_some() || zone.cooling && !all_known(needed, sensors);
    // What was critical a moment ago and is not known now is cooled with all there is.
    let at_least = |duty: Duty| Some(if cooling { Duty::FULL } else { duty });
    let failsafe = at_least(zone.spec.failsafe);
    let (state, least, why) = if let Some(state) = around.undriven {
        (state, failsafe, "thermalmgr is not running".to_owned())
    } else if let Some((duty, why)) = unknown(zone, around) {
        (ZoneState::Failsafe, at_least(duty), why)
    } else if let Some(service) = around.failed_service {
        (ZoneState::Failsafe, failsafe, format!("fail-safe mode, because {service} fails"))
    } else if let Some(fan) = around.failed_fan {
        (ZoneState::Failsafe, failsafe, format!("{fan} has failed"))
    } else if let Some(sensor) = warm {
        let (name, target) = (&sensors.spec(*sensor).name, sensors.spec(*sensor).target().unwrap_or_default());
        (ZoneState::CoolDown, Some(Duty::FULL), format!("{name} is not down to {target:.0} °C yet"))
    } else if let Some((duty, why)) = unread(zone, sensors) {
        (ZoneState::Starting, at_least(duty), why)
    } else {
        (ZoneState::Controlled, None, String::new())
    };
    Verdict { state, least, why, cooling }
}

/// What a sensor that is at or over a limit has reached, or may have reached in silence.
fn beyond(sensor: SensorId, level: usize, sensors: &Sensors, now: Mono) -> Option<String> {
    let view = sensors.view(sensor);
    let name = &view.spec.name;
    let unit = view.spec.kind.unit();
    if sensors.alarms(sensor).is_high(level) {
        return Some(format!("{name} reached {:.1} {unit}", view.value.unwrap_or_default()));
    }
    if view.spec.protection.missing_ok {
        return None;
    }
    let limits = view.spec.thresholds;
    let limit = if level == FATAL { limits.fatal_high } else { limits.critical_high.or(limits.fatal_high) };
    let worst = view.worst_case(now)?;
    (worst >= limit?).then(|| {
        let silent = view.read_at.map_or_else(String::new, |at| format!(" for {}", human(now.since(at))));
        format!("{name} has been silent{silent} and may have reached {worst:.1} {unit}")
    })
}

/// Too hot for a trip to be released.
pub(super) fn is_hot(zone: &ZoneSpec, sensors: &Sensors, now: Mono) -> bool {
    zone.sensors().into_iter().any(|sensor| beyond(sensor, CRITICAL, sensors, now).is_some())
}

fn is_above_target(sensor: SensorId, sensors: &Sensors) -> bool {
    let target = sensors.spec(sensor).target();
    sensors.good(sensor).zip(target).is_some_and(|(value, target)| value > target)
}

fn all_known(needed: &[SensorId], sensors: &Sensors) -> bool {
    needed.iter().all(|sensor| {
        matches!(sensors.quality(*sensor), Quality::Good | Quality::Unpowered)
            || sensors.spec(*sensor).protection.missing_ok
    })
}

/// What is needed and not known, and the duty for that: the largest that any of the failing ones asks for.
fn unknown(zone: &Zone, around: &Around<'_>) -> Option<(Duty, String)> {
    let sensors = around.sensors;
    let failing = |quality: Quality| {
        let sensor = zone
            .needed
            .iter()
            .find(|sensor| sensors.quality(**sensor) == quality && !sensors.spec(**sensor).protection.missing_ok)?;
        Some(format!("{} is {}", sensors.spec(*sensor).name, quality.as_str()))
    };
    let bad = [Quality::Failed, Quality::Stale, Quality::Absent];
    if let Some(why) = bad.into_iter().find_map(failing) {
        let own = |sensor: &&SensorId| {
            bad.contains(&sensors.quality(**sensor)) && !sensors.spec(**sensor).protection.missing_ok
        };
        return Some((failsafe_of(zone.needed.iter().filter(own), zone, sensors), why));
    }
    for (controller, last) in zone.spec.controllers.iter().zip(&zone.controllers) {
        if matches!(controller.input, InputKind::Margin(_))
            && let Some(fed) = fed(controller, sensors, around.now).filter(|fed| fed.value <= 0.0)
            && let Some(sensor) = fed.sensor
        {
            let why = format!("{} has no margin left ({:.1} °C)", sensors.spec(sensor).name, fed.value);
            return Some((failsafe_of([sensor].iter(), zone, sensors), why));
        }
        // Every one of its sensors may be missing; all of them must not.
        let reads = |sensor: &&SensorId| sensors.quality(**sensor) != Quality::Unpowered;
        if fed(controller, sensors, around.now).is_none()
            && controller.sensors.iter().any(|sensor| reads(&sensor))
            && controller.sensors.iter().all(|sensor| sensors.spec(*sensor).protection.missing_ok)
        {
            return Some((zone.spec.failsafe, format!("{} has nothing to go by", controller.name)));
        }
        if last.fed.is_some() && last.output.is_none() {
            return Some((zone.spec.failsafe, format!("{} comes to no finite number", controller.name)));
        }
    }
    None
}

/// Until its first reading a sensor counts as failed.
fn unread(zone: &Zone, sensors: &Sensors) -> Option<(Duty, String)> {
    let waits = |sensor: &&SensorId| {
        sensors.quality(**sensor) == Quality::NotYetRead && !sensors.spec(**sensor).protection.missing_ok
    };
    let first = zone.needed.iter().find(waits)?;
    let duty = failsafe_of(zone.needed.iter().filter(waits), zone, sensors);
    Some((duty, format!("{} has not been read yet", sensors.spec(*first).name)))
}

fn failsafe_of<'a>(failing: impl Iterator<Item = &'a SensorId>, zone: &Zone, sensors: &Sensors) -> Duty {
    failing
        .map(|sensor| sensors.spec(*sensor).protection.failsafe.unwrap_or(zone.spec.failsafe))
        .reduce(Duty::max)
        .unwrap_or(zone.spec.failsafe)
}

/// Tells that a zone has gone from one state to another. `trip` comes with the one that trips.
pub(super) fn announce(
    name: &Name,
    (was, state): (ZoneState, ZoneState),
    why: &str,
    trip: Option<&TripRecord>,
    leaving: bool,
    out: &mut Outbox,
) {
    let (severity, text) = match state {
        ZoneState::Controlled => (Severity::Info, format!("zone {name} is under control")),
        ZoneState::Starting => (Severity::Info, format!("zone {name} runs at fail-safe: {why}")),
        ZoneState::Failsafe if leaving => (Severity::Info, format!("zone {name} goes to fail-safe: {why}")),
        ZoneState::Failsafe => (Severity::Warning, format!("zone {name} goes to fail-safe: {why}")),
        ZoneState::Critical => (Severity::Error, format!("zone {name} goes to full speed: {why}")),
        ZoneState::CoolDown => (Severity::Notice, format!("zone {name} cools down at full speed: {why}")),
        ZoneState::Tripped => (Severity::Critical, format!("zone {name} has tripped: {why}")),
    };
    let mut fields = vec![("zone", name.as_str().into()), ("from", was.as_str().into()), ("to", state.as_str().into())];
    fields.extend(trip.map(|trip| ("parts", trip.line().into())));
    out.event(format!("zone.{name}.state"), "thermalmgr", severity, text, fields);
}
