//! From the API's words to those of the core: every request is checked here, and nothing unchecked goes further.

use std::time::Duration;

use ubmc_core::{
    event::Severity,
    ids::{CauseId, Name, OperationId, ScheduleId},
    input::{Findings, Request, Verb},
    leds::Pattern,
    machines::MachineKind,
    refusal::Refusal,
    restore::{At, RestorePolicy},
    sensors::SensorKind,
    services::Group,
    time::Wall,
};
use ubmc_proto::v1;

use crate::{journal, process};

/// Longest text of a request that is taken, in bytes: names, reasons, keys.
const MAX_TEXT: usize = 1024;
/// Most names of one request.
const MAX_NAMES: usize = 4096;
/// Longest time that a request may name, in seconds.
const MAX_SECONDS: f64 = 366.0 * 86_400.0;

/// A request with the asker's reason.
#[derive(Debug, PartialEq)]
pub struct Wanted {
    /// What is asked of the core.
    pub request: Request,
    /// Why; may be empty.
    pub reason: String,
}

/// Which services to list.
#[derive(Debug, PartialEq)]
pub struct ServiceChoice {
    /// Only running ones.
    pub running: bool,
    /// Absent: any.
    pub category: Option<String>,
    /// Absent: any.
    pub group: Option<Group>,
}

/// What to show of services' output.
#[derive(Debug)]
pub struct LogChoice {
    /// Whose; at least one.
    pub names: Vec<Name>,
    /// Past lines of each.
    pub lines: usize,
    /// Go on with what comes.
    pub follow: bool,
    /// Which lines.
    pub filter: process::Filter,
}

/// Which past events to list.
#[derive(Debug)]
pub struct EventChoice {
    /// Only greater numbers.
    pub after: u64,
    /// Which.
    pub filter: journal::Filter,
    /// At most so many.
    pub limit: usize,
    /// Only what has the same cause as the event of this number.
    pub related_to: Option<u64>,
}

/// A name, whether or not there is such a thing.
pub fn name(text: &str) -> Result<Name, Refusal> {
    if text.is_empty() {
        return Err(Refusal::invalid("NO_NAME", "the request names nothing"));
    }
    Ok(Name::from(bounded("name", text)?))
}

fn names(texts: &[String]) -> Result<Vec<Name>, Refusal> {
    if texts.len() > MAX_NAMES {
        return Err(Refusal::invalid("TOO_MANY_NAMES", format!("a request may give at most {MAX_NAMES} names")));
    }
    texts.iter().map(|text| name(text)).collect()
}

fn bounded<'a>(what: &str, text: &'a str) -> Result<&'a str, Refusal> {
    if text.len() > MAX_TEXT {
        return Err(Refusal::invalid("TEXT_TOO_LONG", format!("the {what} is longer than {MAX_TEXT} bytes")));
    }
    Ok(text)
}

fn reason(text: String) -> Result<String, Refusal> {
    bounded("reason", &text)?;
    Ok(text)
}

/// Seconds of a request; 0 is none.
fn duration(what: &str, seconds: f64) -> Result<Option<Duration>, Refusal> {
    if !seconds.is_finite() || !(0.0..=MAX_SECONDS).contains(&seconds) {
        let text = format!("{what} is {seconds} s; give seconds from 0 to {MAX_SECONDS}");
        return Err(Refusal::invalid("BAD_DURATION", text));
    }
    Ok((seconds > 0.0).then(|| Duration::from_secs_f64(seconds)))
}

/// A value outside the enum is a client of another version; it is told, not guessed.
fn word<T: TryFrom<i32>>(what: &str, number: i32) -> Result<T, Refusal> {
    T::try_from(number)
        .map_err(|_| Refusal::invalid("UNKNOWN_VALUE", format!("{number} is no {what} that this version knows")))
}

/// Which services to list.
pub fn list_services(request: v1::ListServicesRequest) -> Result<ServiceChoice, Refusal> {
    let group = match request.group.as_str() {
        "" => None,
        text => Some(Group::ALL.into_iter().find(|group| group.as_str() == text).ok_or_else(|| {
            let known = Group::ALL.map(|group| Name::from(group.as_str()));
            Refusal::unknown("group", text, &known)
        })?),
    };
    let category = (!request.category.is_empty()).then_some(request.category);
    Ok(ServiceChoice { running: request.running, category, group })
}

/// Bring services up.
pub fn start_services(request: v1::StartServicesRequest) -> Result<Wanted, Refusal> {
    let names = names(&request.names)?;
    Ok(Wanted {
        request: Request::StartServices { names, force: request.force, found: Findings::default() },
        reason: reason(request.reason)?,
    })
}

/// Bring services down.
pub fn stop_services(request: v1::StopServicesRequest) -> Result<Wanted, Refusal> {
    let names = names(&request.names)?;
    Ok(Wanted { request: Request::StopServices { names, force: request.force }, reason: reason(request.reason)? })
}

/// Restart services.
pub fn restart_services(request: v1::RestartServicesRequest) -> Result<Wanted, Refusal> {
    let names = names(&request.names)?;
    Ok(Wanted {
        request: Request::RestartServices { names, force: request.force, found: Findings::default() },
        reason: reason(request.reason)?,
    })
}

/// Go over to what the files describe now: whether only to say what that changes, and why.
pub fn reload_services(request: v1::ReloadServicesRequest) -> Result<(bool, String), Refusal> {
    Ok((request.dry_run, reason(request.reason)?))
}

/// Forget a failure.
pub fn reset_service(request: v1::ResetServiceRequest) -> Result<Wanted, Refusal> {
    Ok(Wanted { request: Request::ResetService(name(&request.name)?), reason: reason(request.reason)? })
}

/// What to show of services' output.
pub fn tail_logs(request: v1::TailLogsRequest) -> Result<LogChoice, Refusal> {
    let names = names(&request.names)?;
    if names.is_empty() {
        return Err(Refusal::invalid("NO_NAME", "name at least one service whose output to show"));
    }
    let stream = match word::<v1::LogStream>("log stream", request.stream)? {
        v1::LogStream::Unspecified => None,
        v1::LogStream::Stdout => Some(process::Stream::Stdout),
        v1::LogStream::Stderr => Some(process::Stream::Stderr),
    };
    bounded("text to look for", &request.contains)?;
    let lines = if request.lines == 0 { 50 } else { request.lines as usize };
    let filter = process::Filter { stream, contains: request.contains };
    Ok(LogChoice { names, lines, follow: request.follow, filter })
}

/// Which machines to list; None: all.
pub fn machine_kind(request: &v1::ListMachinesRequest) -> Result<Option<MachineKind>, Refusal> {
    Ok(match word::<v1::MachineKind>("machine kind", request.kind)? {
        v1::MachineKind::Unspecified => None,
        v1::MachineKind::Host => Some(MachineKind::Host),
        v1::MachineKind::Chassis => Some(MachineKind::Chassis),
        v1::MachineKind::Bmc => Some(MachineKind::Bmc),
    })
}

/// Ask a machine for something.
pub fn transition(request: v1::RequestTransitionRequest) -> Result<Wanted, Refusal> {
    let verb = Verb::parse(&request.request).ok_or_else(|| {
        let known = Verb::ALL.map(|verb| Name::from(verb.as_str()));
        Refusal::unknown("request", &request.request, &known)
    })?;
    bounded("plan revision", &request.plan_revision)?;
    bounded("idempotency key", &request.idempotency_key)?;
    let transition = Request::Transition {
        machine: name(&request.machine)?,
        verb,
        plan_only: request.plan_only,
        revision: request.plan_revision,
        idempotency_key: request.idempotency_key,
        deadline: duration("the deadline", request.deadline_s)?,
    };
    Ok(Wanted { request: transition, reason: reason(request.reason)? })
}

/// Ask a machine for something at a time.
pub fn schedule(request: v1::ScheduleTransitionRequest) -> Result<Wanted, Refusal> {
    let verb = Verb::parse(&request.request).ok_or_else(|| {
        let known = Verb::ALL.map(|verb| Name::from(verb.as_str()));
        Refusal::unknown("request", &request.request, &known)
    })?;
    let at = match (Duration::try_from_secs_f64(request.at_s), duration("the time until then", request.after_s)?) {
        (Ok(at), _) if !at.is_zero() => At::Wall(Wall::new(at)),
        (Ok(_), Some(after)) => At::After(after),
        (Ok(_), None) => return Err(Refusal::invalid("NO_TIME", "a schedule needs a time: `at_s` or `after_s`")),
        (Err(_), _) => {
            return Err(Refusal::invalid("OUT_OF_RANGE", format!("{} is no time since 1970", request.at_s)));
        }
    };
    let schedule = Request::Schedule { machine: name(&request.machine)?, verb, at };
    Ok(Wanted { request: schedule, reason: reason(request.reason)? })
}

/// A request for later is not wanted any more.
pub fn cancel_schedule(request: v1::CancelScheduleRequest) -> Result<Wanted, Refusal> {
    let id = ScheduleId::parse(&request.id).ok_or_else(|| {
        Refusal::invalid("BAD_SCHEDULE_ID", format!("`{}` is no schedule id; they look like `at-3`", request.id))
    })?;
    Ok(Wanted { request: Request::CancelSchedule(id), reason: reason(request.reason)? })
}

/// Choose how a machine comes back.
pub fn restore_policy(request: v1::SetRestorePolicyRequest) -> Result<Wanted, Refusal> {
    let policy = match request.policy.as_str() {
        "" => None,
        word => Some(RestorePolicy::parse(word).ok_or_else(|| {
            let known = RestorePolicy::ALL.map(|policy| Name::from(policy.as_str()));
            Refusal::unknown("restore policy", word, &known)
        })?),
    };
    let chosen = Request::SetRestore {
        machine: name(&request.machine)?,
        policy,
        once: request.once,
        boot_attempts: request.boot_attempts,
    };
    Ok(Wanted { request: chosen, reason: reason(request.reason)? })
}

/// `op-17`
pub fn operation_id(text: &str) -> Result<OperationId, Refusal> {
    OperationId::parse(text).ok_or_else(|| {
        Refusal::invalid("BAD_OPERATION_ID", format!("`{text}` is no operation id; they look like `op-17`"))
    })
}

/// End an operation.
pub fn cancel_operation(request: v1::CancelOperationRequest) -> Result<Wanted, Refusal> {
    let id = operation_id(&request.id)?;
    Ok(Wanted { request: Request::CancelOperation(id), reason: reason(request.reason)? })
}

/// Override an interlock.
pub fn override_interlock(request: v1::OverrideInterlockRequest) -> Result<Wanted, Refusal> {
    let duration = duration("the override", request.duration_s)?;
    let duration = duration.ok_or_else(|| Refusal::invalid("OUT_OF_RANGE", "say for how long the override lasts"))?;
    bounded("condition", &request.condition)?;
    let wanted = Request::OverrideInterlock { machine: name(&request.machine)?, kind: request.condition, duration };
    Ok(Wanted { request: wanted, reason: reason(request.reason)? })
}

/// End such an override.
pub fn restore_interlock(request: v1::RestoreInterlockRequest) -> Result<Wanted, Refusal> {
    bounded("condition", &request.condition)?;
    let wanted = Request::RestoreInterlock { machine: name(&request.machine)?, kind: request.condition };
    Ok(Wanted { request: wanted, reason: String::new() })
}

/// Which sensors to list; None: all.
pub fn sensor_kind(request: &v1::ListSensorsRequest) -> Result<Option<SensorKind>, Refusal> {
    Ok(match word::<v1::SensorKind>("sensor kind", request.kind)? {
        v1::SensorKind::Unspecified => None,
        v1::SensorKind::Temperature => Some(SensorKind::Temperature),
        v1::SensorKind::Voltage => Some(SensorKind::Voltage),
        v1::SensorKind::Current => Some(SensorKind::Current),
        v1::SensorKind::Power => Some(SensorKind::Power),
        v1::SensorKind::FanSpeed => Some(SensorKind::FanSpeed),
        v1::SensorKind::Humidity => Some(SensorKind::Humidity),
        v1::SensorKind::State => Some(SensorKind::State),
    })
}

/// How far back to look; None: all that is kept.
pub fn since(request: &v1::GetSensorHistoryRequest) -> Result<Option<Duration>, Refusal> {
    duration("`since`", request.since_s)
}

/// Hold a fan or a zone at a duty.
pub fn set_override(request: v1::SetOverrideRequest) -> Result<Wanted, Refusal> {
    let target = name(&request.target)?;
    let duration = duration("the time of the override", request.for_s)?.ok_or_else(|| {
        Refusal::invalid("BAD_DURATION", "an override needs a time to end after, from 1 s to 86,400 s")
    })?;
    let request_ = Request::SetOverride { target, percent: request.duty, duration };
    Ok(Wanted { request: request_, reason: reason(request.reason)? })
}

/// Give a fan or a zone back.
pub fn clear_override(request: v1::ClearOverrideRequest) -> Result<Wanted, Refusal> {
    Ok(Wanted { request: Request::ClearOverride(name(&request.target)?), reason: reason(request.reason)? })
}

/// Switch the identify LED.
pub fn identify(request: v1::IdentifyRequest) -> Result<Wanted, Refusal> {
    let duration = duration("the time to identify for", request.for_s)?;
    Ok(Wanted { request: Request::Identify { on: request.on, duration }, reason: reason(request.reason)? })
}

/// Hold an LED, or give it back.
pub fn set_led(request: v1::SetLedRequest) -> Result<Wanted, Refusal> {
    let pattern = match v1::LedPattern::try_from(request.pattern) {
        Ok(v1::LedPattern::Unspecified) => None,
        Ok(v1::LedPattern::Off) => Some(Pattern::Off),
        Ok(v1::LedPattern::On) => Some(Pattern::On),
        Ok(v1::LedPattern::Blink) => Some(Pattern::Blink),
        Ok(v1::LedPattern::FastBlink) => Some(Pattern::FastBlink),
        Err(_) => return Err(Refusal::invalid("BAD_PATTERN", format!("{} is no pattern of an LED", request.pattern))),
    };
    let duration = duration("the time to hold the LED for", request.for_s)?;
    let asked = Request::SetLed { led: name(&request.name)?, pattern, duration };
    Ok(Wanted { request: asked, reason: reason(request.reason)? })
}

/// End the daemon.
pub fn shutdown(request: v1::ShutdownRequest) -> Result<Wanted, Refusal> {
    let reason = reason(request.reason)?;
    Ok(Wanted { request: Request::Shutdown { emergency: request.emergency }, reason })
}

/// Which past events to list.
pub fn list_events(request: &v1::ListEventsRequest) -> Result<EventChoice, Refusal> {
    let filter = filter(&request.subjects, request.min_severity)?;
    let filter = if request.cause == 0 { filter } else { filter.caused_by(CauseId(request.cause)) };
    let limit = if request.limit == 0 { 1_000 } else { request.limit as usize };
    let related_to = (request.related_to_seq > 0).then_some(request.related_to_seq);
    Ok(EventChoice { after: request.after_seq, filter, limit, related_to })
}

/// Which events to watch.
pub fn filter(subjects: &[String], min_severity: i32) -> Result<journal::Filter, Refusal> {
    let severity = match word::<v1::Severity>("severity", min_severity)? {
        v1::Severity::Unspecified => None,
        v1::Severity::Debug => Some(Severity::Debug),
        v1::Severity::Info => Some(Severity::Info),
        v1::Severity::Notice => Some(Severity::Notice),
        v1::Severity::Warning => Some(Severity::Warning),
        v1::Severity::Error => Some(Severity::Error),
        v1::Severity::Critical => Some(Severity::Critical),
    };
    journal::Filter::new(subjects, severity).map_err(|error| Refusal::invalid("BAD_FILTER", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason_of<T: std::fmt::Debug>(result: Result<T, Refusal>) -> &'static str {
        result.unwrap_err().reason
    }

    #[test]
    fn times_are_finite_and_within_a_year_and_zero_means_none() {
        for (seconds, expected) in [
            (0.0, Ok(None)),
            (1.5, Ok(Some(Duration::from_millis(1500)))),
            (-1.0, Err("BAD_DURATION")),
            (f64::NAN, Err("BAD_DURATION")),
            (f64::INFINITY, Err("BAD_DURATION")),
            (1e300, Err("BAD_DURATION")),
        ] {
            assert_eq!(duration("x", seconds).map_err(|refusal| refusal.reason), expected, "{seconds}");
        }
    }

    #[test]
    fn an_unknown_request_names_the_nearest_one() {
        let request =
            v1::RequestTransitionRequest { machine: "host.0".into(), request: "forceoff".into(), ..Default::default() };
        let refusal = transition(request).unwrap_err();
        assert_eq!((refusal.reason, refusal.text.contains("`force-off`")), ("UNKNOWN_NAME", true), "{refusal}");
    }

    #[test]
    fn a_transition_is_read_whole() {
        let wanted = transition(v1::RequestTransitionRequest {
            machine: "host.0".into(),
            request: "cycle".into(),
            reason: "firmware".into(),
            idempotency_key: "k".into(),
            deadline_s: 30.0,
            plan_only: true,
            plan_revision: "r1".into(),
        });
        let request = Request::Transition {
            machine: "host.0".into(),
            verb: Verb::Cycle,
            plan_only: true,
            revision: "r1".into(),
            idempotency_key: "k".into(),
            deadline: Some(Duration::from_secs(30)),
        };
        assert_eq!(wanted, Ok(Wanted { request, reason: "firmware".into() }));
    }

    #[test]
    fn what_no_version_of_ours_can_mean_is_refused() {
        assert_eq!(reason_of(machine_kind(&v1::ListMachinesRequest { kind: 77 })), "UNKNOWN_VALUE");
        assert_eq!(reason_of(filter(&[], 77)), "UNKNOWN_VALUE");
        assert_eq!(reason_of(filter(&["a..b".into()], 0)), "BAD_FILTER");
        assert_eq!(reason_of(name("")), "NO_NAME");
        assert_eq!(reason_of(name(&"x".repeat(MAX_TEXT + 1))), "TEXT_TOO_LONG");
        assert_eq!(reason_of(tail_logs(v1::TailLogsRequest::default())), "NO_NAME");
        assert_eq!(reason_of(operation_id("17")), "BAD_OPERATION_ID");
        let choice = v1::ListServicesRequest { group: "cor".into(), ..Default::default() };
        assert_eq!(reason_of(list_services(choice)), "UNKNOWN_NAME");
        let forever = v1::SetOverrideRequest { target: "fan.0".into(), duty: 50.0, ..Default::default() };
        assert_eq!(reason_of(set_override(forever)), "BAD_DURATION");
    }
}
