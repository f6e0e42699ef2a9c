//! Sensors, zones, fans, and who watches over them.

use crate::{
    announce::say,
    app::State,
    model::{
        Controller, Fan, FanMode, Health, Quality, Sensor, SensorStatus, Status, Term, Thresholds, Zone, ZoneState,
    },
    view::format,
};

/// Its reading, and where it stands when that is not within its limits.
pub(super) fn sensor(state: &State, one: &Sensor) -> String {
    let name = &one.name;
    let value = one.value.map(|value| format::reading_with_unit(value, &one.unit));
    let why = say::behind(": ", &one.reason);
    match (one.quality, value) {
        (Quality::Good, Some(value)) => match one.status {
            SensorStatus::Ok => format!("{name} {value}"),
            SensorStatus::Unknown => format!("{name} {value}, not judged"),
            status => format!("{name} {value}, {}{}", status.word(), passed(one)),
        },
        (Quality::NotYetRead, _) => format!("{name} was not read yet{why}"),
        (Quality::Unpowered, _) => format!("{name} has no power{why}"),
        (Quality::Absent, _) => format!("{name} is absent{why}"),
        (quality, value) => {
            let age = one.read_at.map(|at| format!(" {} ago", say::time(state.now.since(at))));
            let last = value.map(|value| format!(", last {value}{}", age.unwrap_or_default()));
            format!("{name} is {}{}{why}", quality.word(), last.unwrap_or_default())
        }
    }
}

/// The limit that its reading has passed.
fn passed(one: &Sensor) -> String {
    let Some(value) = one.value else { return String::new() };
    let Thresholds { warning_high, critical_high, fatal_high, warning_low, critical_low, fatal_low } = one.thresholds;
    let over = [fatal_high, critical_high, warning_high].into_iter().flatten().find(|limit| value >= *limit);
    let under = [fatal_low, critical_low, warning_low].into_iter().flatten().find(|limit| value <= *limit);
    let limit = |limit: f64| format::reading_with_unit(limit, &one.unit);
    match (over, under) {
        (Some(over), _) => format!(", the limit is {}", limit(over)),
        (None, Some(under)) => format!(", the lower limit is {}", limit(under)),
        (None, None) => String::new(),
    }
}

/// Its limits and its past.
pub(super) fn sensor_particulars(state: &State, one: &Sensor) -> Vec<String> {
    let value = |value: f64| format::reading_with_unit(value, &one.unit);
    let limits = one.thresholds;
    let limit = |word: &str, high: Option<f64>, low: Option<f64>| {
        say::parts([
            high.map(|high| format!("{word} from {}", value(high))).unwrap_or_default(),
            low.map(|low| format!("{word} below {}", value(low))).unwrap_or_default(),
        ])
    };
    let limits = say::parts([
        limit("warning", limits.warning_high, limits.warning_low),
        limit("critical", limits.critical_high, limits.critical_low),
        limit("fatal", limits.fatal_high, limits.fatal_low),
    ]);
    let since = match (one.minimum, one.maximum) {
        (Some(low), Some(high)) => format!("between {} and {} since ubmcd started", value(low), value(high)),
        _ => String::new(),
    };
    let past = state.model.histories.get(&one.name).into_iter().flat_map(crate::model::History::points);
    let past: Vec<_> = past.filter_map(|(at, point)| point.map(|point| (*at, point))).collect();
    let trend = match (past.first(), past.last()) {
        (Some((from, first)), Some((to, last))) if to.since(*from) >= 30.0 => {
            format!("from {} to {} within {}", value(*first), value(*last), say::time(to.since(*from)))
        }
        _ => String::new(),
    };
    let errors = if one.errors > 0 {
        format::count(usize::try_from(one.errors).unwrap_or(usize::MAX), "failed read")
    } else {
        String::new()
    };
    let worst = one.worst_case.map(|worst| format!("it may have come to {} by now", value(worst)));
    let lines = [one.description.clone(), limits, trend, since, worst.unwrap_or_default(), errors];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// What its control does, at which duty, and why.
pub(super) fn zone(one: &Zone) -> String {
    let why = match one.state {
        ZoneState::Controlled => say::behind(", because of ", &one.driver),
        _ if one.reason.is_empty() => say::behind(": ", &one.driver),
        _ => format!(": {}", one.reason),
    };
    format!("zone {} is {} at {:.0} %{why}", one.name, one.state.word(), one.duty)
}

/// Its limits, each controller with its terms, and its last trip.
pub(super) fn zone_particulars(state: &State, one: &Zone) -> Vec<String> {
    let mut lines = vec![format!(
        "at least {:.0} %, at most {:.0} %, fail-safe {:.0} %; sensors {}; fans {}",
        one.floor,
        one.ceiling,
        one.failsafe_duty,
        say::list(&one.sensors),
        say::list(&one.fans)
    )];
    lines.extend(one.controllers.iter().map(controller));
    if !one.terms.is_empty() {
        lines.push(format!("how the duty comes about: {}", terms(&one.terms)));
    }
    if let Some(trip) = &one.trip {
        lines.push(format!("tripped {} ago: {}", say::time(state.now.since(trip.at)), trip.why));
        lines.extend(trip.parts.iter().chain(&trip.fans).map(|part| format!("then: {part}")));
    }
    lines
}

fn controller(one: &Controller) -> String {
    let unit = if one.unit.is_empty() { "°C" } else { &one.unit };
    let value = |value: f64| format::reading_with_unit(value, unit);
    let terms = if one.terms.is_empty() { String::new() } else { format!(": {}", terms(&one.terms)) };
    let what = say::parts([
        format!("controller {}, {}, reads {}", one.name, one.kind, say::list(&one.sensors)),
        one.input.map_or_else(|| "no reading".to_owned(), |input| format!("now {}", value(input))),
        one.set_point.map(|at| format!("set-point {}", value(at))).unwrap_or_default(),
        one.output.map(|duty| format!("asks for {duty:.0} %")).unwrap_or_default(),
    ]);
    format!("{what}{terms}")
}

fn terms(terms: &[Term]) -> String {
    let term = |one: &Term| format!("{} {}", one.name, format::reading_with_unit(one.value, &one.unit));
    terms.iter().map(term).collect::<Vec<_>>().join(", ")
}

/// How fast it turns, who decides that, and what is wrong with it.
pub(super) fn fan(state: &State, one: &Fan) -> String {
    let speed = match (one.rpm, one.expected_rpm) {
        (None, _) => "speed not known".to_owned(),
        (Some(rpm), Some(expected)) if one.health != Health::Healthy => {
            format!("{rpm:.0} rpm of {expected:.0}")
        }
        (Some(rpm), _) => format!("{rpm:.0} rpm"),
    };
    let mode = match (one.mode, one.override_ends) {
        (FanMode::Manual, Some(ends)) => format!("held for {} more", say::time(ends.since(state.now))),
        (FanMode::Auto, _) => "automatic".to_owned(),
        (mode, _) => mode.word().to_owned(),
    };
    let health = match one.health {
        Health::Unknown | Health::Healthy => String::new(),
        bad => bad.word().to_owned(),
    };
    let what = say::parts([format!("{} of zone {} at {:.0} %", one.name, one.zone, one.duty), speed, mode, health]);
    format!("{what}{}", say::behind(": ", &one.reason))
}

/// Who takes the fans over when ubmcd dies.
pub(super) fn guardian(status: &Status) -> Option<String> {
    let one = status.guardian.as_ref()?;
    let said = match one.state.as_str() {
        "watching" => "the guardian watches over the fans",
        "in-charge" => "the guardian has the fans at their fail-safe",
        "replacing" => "the guardian has ended, another is being made",
        "absent" => "no guardian watches over the fans",
        other => other,
    };
    Some(format!("{said}{}", say::behind(": ", &one.reason)))
}
