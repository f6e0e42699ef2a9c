//! From `ubmc.v1` to the console's own types: the only place that knows both.
//!
//! Ages become instants on the console's clock as they arrive: `now` is the moment of arrival.

mod hardware;
mod machines;
mod readings;

use tonic::{Code, Status as RpcStatus};
use tonic_types::StatusExt;
use ubmc_proto::v1;

use super::{
    Boot, BootPhase, BootService, Condition, Entry, Event, Group, Guardian, Health, LogEntry, Mono, Outcome, Refusal,
    Service, ServiceKind, ServiceState, Severity, Status, Update,
};
pub use hardware::{faults, items, leds, rails, resources, supplies};
pub use machines::{graph, machine, machines, operation, operations, reload, schedules, verification, what_if, why};
pub use readings::{history, sensor, sensors, zone, zones};

/// A health verdict.
fn health(wire: i32) -> Health {
    match v1::Health::try_from(wire) {
        Ok(v1::Health::Healthy) => Health::Healthy,
        Ok(v1::Health::Degraded) => Health::Degraded,
        Ok(v1::Health::Unhealthy) => Health::Unhealthy,
        Ok(v1::Health::Unknown | v1::Health::Unspecified) | Err(_) => Health::Unknown,
    }
}

fn severity(wire: i32) -> Severity {
    match v1::Severity::try_from(wire) {
        Ok(v1::Severity::Debug) => Severity::Debug,
        Ok(v1::Severity::Notice) => Severity::Notice,
        Ok(v1::Severity::Warning) => Severity::Warning,
        Ok(v1::Severity::Error) => Severity::Error,
        Ok(v1::Severity::Critical) => Severity::Critical,
        Ok(v1::Severity::Info | v1::Severity::Unspecified) | Err(_) => Severity::Info,
    }
}

fn condition(wire: v1::Condition) -> Condition {
    Condition {
        severity: (wire.severity != 0).then(|| severity(wire.severity)),
        kind: wire.kind,
        subject: wire.subject,
        text: wire.text,
        remedy: wire.remedy,
        since_s: wire.since_s,
    }
}

fn conditions(wire: Vec<v1::Condition>) -> Vec<Condition> {
    wire.into_iter().map(condition).collect()
}

/// The whole.
pub fn status(now: Mono, wire: v1::SystemStatus) -> Status {
    Status {
        version: wire.version,
        board: wire.board,
        hostname: wire.hostname,
        boot_id: wire.boot_id,
        started: now.ago(wire.uptime_s),
        state: wire.state,
        health: health(wire.health),
        problems: conditions(wire.problems),
        holding_up: conditions(wire.holding_up),
        groups: wire.groups.into_iter().map(group).collect(),
        simulated: wire.simulated,
        pid: wire.pid,
        watchers: wire.watchers,
        dropped_events: wire.dropped_events,
        limitations: wire.limitations,
        guardian: wire.guardian.map(|guardian| Guardian {
            state: guardian.state,
            // Said on the daemon's clock, which began `uptime_s` ago.
            since: now.ago(wire.uptime_s - guardian.since_s),
            reason: guardian.reason,
        }),
    }
}

/// The platform's start.
pub fn boot(wire: v1::BootTimeline) -> Update {
    let service = |wire: v1::BootService| BootService {
        outcome: match wire.outcome.as_str() {
            "ready" => Outcome::Ready,
            "completed" => Outcome::Completed,
            "failed" => Outcome::Failed,
            "abandoned" => Outcome::Abandoned,
            _ => Outcome::Pending,
        },
        name: wire.name,
        group: wire.group,
        waited_for: wire.waited_for,
        released_s: wire.released_s,
        settled_s: wire.settled_s,
        critical: wire.critical,
    };
    let phase = |wire: v1::BootPhase| BootPhase { group: wire.group, began_s: wire.began_s, ended_s: wire.ended_s };
    Update::Boot(Boot {
        started_s: wire.started_s,
        ended_s: wire.ended_s,
        timed_out: wire.timed_out,
        phases: wire.phases.into_iter().map(phase).collect(),
        services: wire.services.into_iter().map(service).collect(),
        critical_path: wire.critical_path,
    })
}

fn group(wire: v1::GroupStatus) -> Group {
    Group { name: wire.name, total: wire.total, up: wire.up, failed: wire.failed, complete: wire.complete }
}

/// One service.
pub fn service(now: Mono, wire: v1::Service) -> Service {
    let state = match wire.state() {
        v1::ServiceState::Stopped => ServiceState::Stopped,
        v1::ServiceState::Waiting => ServiceState::Waiting,
        v1::ServiceState::Starting => ServiceState::Starting,
        v1::ServiceState::Running => ServiceState::Running,
        v1::ServiceState::Stopping => ServiceState::Stopping,
        v1::ServiceState::Backoff => ServiceState::Backoff,
        v1::ServiceState::Failed => ServiceState::Failed,
        v1::ServiceState::Completed => ServiceState::Completed,
        v1::ServiceState::Unspecified => ServiceState::Unknown,
    };
    let kind = match wire.kind() {
        v1::ServiceKind::Builtin => ServiceKind::Builtin,
        v1::ServiceKind::Binary => ServiceKind::Binary,
        v1::ServiceKind::Docker => ServiceKind::Docker,
        v1::ServiceKind::DockerCompose => ServiceKind::DockerCompose,
        v1::ServiceKind::Kubernetes => ServiceKind::Kubernetes,
        v1::ServiceKind::Remote => ServiceKind::Remote,
        v1::ServiceKind::Unspecified => ServiceKind::Unknown,
    };
    let wanted = match wire.desired() {
        v1::DesiredState::Up => Some(true),
        v1::DesiredState::Down => Some(false),
        v1::DesiredState::Unspecified => None,
    };
    Service {
        state,
        kind,
        wanted,
        health: health(wire.health),
        health_text: wire.health_text,
        name: wire.name,
        description: wire.description,
        group: wire.group,
        category: wire.category,
        pid: wire.pid,
        up_since: wire.uptime_s.map(|uptime| now.ago(uptime)),
        restarts: wire.restarts,
        manual_starts: wire.manual_starts,
        crashes: wire.crashes,
        last_exit: wire.last_exit.map(|exit| exit.text),
        last_error: wire.last_error,
        critical: wire.critical,
        auto_start: wire.auto_start,
        oneshot: wire.oneshot,
        dependencies: wire.dependencies,
        wants: wire.wants,
        dependents: wire.dependents,
        cpu_percent: wire.cpu_percent,
        rss_bytes: wire.rss_bytes,
        fds: wire.fds,
        start_duration_s: wire.start_duration_s,
        health_success_rate: wire.health_success_rate,
        reason: wire.reason,
        since: now.ago(wire.state_age_s),
        retry_at: wire.retry_in_s.map(|left| now.after(left)),
        dropped_lines: wire.dropped_lines,
        status_text: wire.status_text,
        ready: wire.ready,
        readiness_text: wire.readiness_text,
        health_check: wire.health_check,
        health_latency_s: wire.health_latency_s,
        required_for: wire.required_for,
        settles_at: wire.settles_in_s.map(|left| now.after(left)),
    }
}

/// A message of the service stream. None when it carries nothing this console knows.
pub fn services(now: Mono, wire: v1::WatchServicesResponse) -> Option<Update> {
    use v1::watch_services_response::Update as Wire;
    Some(match wire.update? {
        Wire::Snapshot(all) => Update::Services(all.services.into_iter().map(|one| service(now, one)).collect()),
        Wire::Changed(one) => Update::Service(Box::new(service(now, one))),
        Wire::Removed(name) => Update::ServiceRemoved(name),
    })
}

/// One event.
pub fn event(wire: v1::Event) -> Event {
    let payload = wire.payload.map(|payload| payload.fields).unwrap_or_default();
    Event {
        seq: wire.seq,
        time_s: wire.time_s,
        mono_s: wire.mono_s,
        subject: wire.subject,
        source: wire.source,
        severity: severity(wire.severity),
        cause: wire.cause,
        actor: wire.actor,
        text: wire.text,
        payload: payload.into_iter().map(|(name, value)| (name, plain(value))).collect(),
    }
}

/// Everything that a cause brought about.
pub fn chain(cause: u64, wire: v1::ListEventsResponse) -> Update {
    Update::Chain { cause, events: wire.events.into_iter().map(event).collect() }
}

/// What can not be had any more.
pub fn lost(wire: v1::Lost) -> Entry {
    Entry::Lost { first: wire.first, last: wire.last, reason: wire.reason }
}

/// A value in one line.
fn plain(value: prost_types::Value) -> String {
    use prost_types::value::Kind;
    match value.kind {
        None | Some(Kind::NullValue(_)) => "null".to_owned(),
        Some(Kind::NumberValue(number)) => number.to_string(),
        Some(Kind::StringValue(text)) => text,
        Some(Kind::BoolValue(value)) => value.to_string(),
        Some(Kind::ListValue(list)) => list.values.into_iter().map(plain).collect::<Vec<_>>().join(", "),
        Some(Kind::StructValue(fields)) => fields
            .fields
            .into_iter()
            .map(|(name, value)| format!("{name}={}", plain(value)))
            .collect::<Vec<_>>()
            .join(", "),
    }
}

/// A message of the log stream of `service`. None when it carries nothing this console knows.
pub fn log(service: &str, wire: v1::TailLogsResponse) -> Option<Update> {
    use v1::tail_logs_response::Item as Wire;
    let entry = match wire.item? {
        Wire::Line(line) => {
            LogEntry::Line { stderr: line.stream() == v1::LogStream::Stderr, time_s: line.time_s, text: line.text }
        }
        Wire::Gap(gap) => LogEntry::Gap(gap.lost),
        Wire::CaughtUp(_) => return Some(Update::LogCaughtUp(service.to_owned())),
    };
    Some(Update::Log { service: service.to_owned(), entry })
}

/// An error answer, with each condition that the daemon named.
pub fn refusal(wire: &RpcStatus) -> Refusal {
    let conditions = wire.get_details_precondition_failure().map(|failure| {
        // As the daemon writes it: the sentence, and behind the mark the way out.
        let convert = |violation: tonic_types::PreconditionViolation| {
            let (text, remedy) =
                violation.description.split_once(" — resolve: ").unwrap_or((&violation.description, ""));
            Condition {
                kind: violation.r#type,
                subject: violation.subject,
                text: text.to_owned(),
                remedy: remedy.to_owned(),
                ..Condition::default()
            }
        };
        failure.violations.into_iter().map(convert).collect::<Vec<_>>()
    });
    Refusal {
        code: code(wire.code()).to_owned(),
        message: wire.message().to_owned(),
        conditions: conditions.unwrap_or_default(),
    }
}

/// A gRPC code in words for people.
fn code(code: Code) -> &'static str {
    match code {
        Code::FailedPrecondition => "refused",
        Code::Aborted => "conflict",
        Code::PermissionDenied | Code::Unauthenticated => "not permitted",
        Code::NotFound => "no such name",
        Code::InvalidArgument | Code::OutOfRange => "not understood",
        Code::Unimplemented => "not in this daemon",
        Code::DeadlineExceeded => "timed out",
        Code::Unavailable => "no connection",
        Code::ResourceExhausted => "too much at once",
        Code::Cancelled => "cancelled",
        Code::AlreadyExists => "there is one already",
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => "failed",
    }
}
