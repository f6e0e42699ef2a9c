//! Services and their output.

use ubmc_core::{
    input::Exit,
    services::{Deployment, Run},
    view::{Desired, Health, ServiceState, ServiceView},
};
use ubmc_proto::v1;

use super::{Moment, health, names, seconds};
use crate::{
    process::{LogItem, LogLine, Stream},
    shell::unix_seconds,
};

/// A service; `dropped_lines` is what its log could not take.
pub fn service(view: &ServiceView<'_>, dropped_lines: u64, moment: Moment) -> v1::Service {
    let spec = view.spec;
    v1::Service {
        name: spec.name.to_string(),
        display_name: spec.display_name.clone(),
        description: spec.description.clone(),
        group: spec.group.as_str().to_owned(),
        category: spec.category.clone(),
        kind: kind(&spec.deployment),
        state: state(view.state),
        desired: desired(view.desired),
        health: health(view.health),
        health_text: view.health_text.to_owned(),
        pid: view.pid.and_then(|pid| pid.try_into().ok()),
        uptime_s: view.ready_since.map(|since| moment.age(since)),
        restarts: view.restarts,
        manual_starts: view.manual_starts,
        crashes: view.crashes,
        last_exit: view.last_exit.map(|(how, at)| exit(how, at.as_secs_f64())),
        last_error: view.last_error.to_owned(),
        critical: spec.critical,
        auto_start: spec.auto_start,
        oneshot: matches!(spec.run, Run::Oneshot { .. }),
        dependencies: names(&spec.dependencies),
        wants: names(&spec.wants),
        dependents: names(view.dependents.iter().copied()),
        cpu_percent: view.usage.map(|usage| usage.cpu_percent),
        rss_bytes: view.usage.map(|usage| usage.rss_bytes),
        fds: view.usage.and_then(|usage| usage.fds),
        start_duration_s: seconds(view.start_duration),
        health_success_rate: view.health_success_rate,
        reason: view.reason.clone(),
        state_age_s: moment.age(view.since),
        retry_in_s: view.retry_at.map(|at| moment.left(at)),
        settles_in_s: view.settles_at.map(|at| moment.left(at)).filter(|left| *left > 0.0),
        generation: view.generation.0,
        dropped_lines,
        status_text: view.status_text.to_owned(),
        health_check: spec.health.as_ref().map_or_else(String::new, |health| health.check.as_str().to_owned()),
        health_latency_s: seconds(view.health_latency),
        ready: view.ready,
        readiness_text: view.readiness_text.to_owned(),
        required_for: spec.required_for.clone(),
        r#type: spec.kind.clone(),
    }
}

/// Whether a service does its work, as `grpc.health.v1` asks.
pub fn service_health(view: &ServiceView<'_>) -> bool {
    view.ready && view.health != Health::Unhealthy
}

/// What a service needs and who needs it.
pub fn dependency(view: &ServiceView<'_>) -> v1::DependencyNode {
    let spec = view.spec;
    v1::DependencyNode {
        name: spec.name.to_string(),
        group: spec.group.as_str().to_owned(),
        state: state(view.state),
        dependencies: names(&spec.dependencies),
        wants: names(&spec.wants),
        after: names(&spec.after),
        conflicts: names(&spec.conflicts),
        required_by: names(view.dependents.iter().copied()),
        wanted_by: names(view.wanted_by.iter().copied()),
        before: names(&spec.before),
    }
}

/// A line of output, or how many were missed.
pub fn log_item(item: LogItem) -> v1::TailLogsResponse {
    use v1::tail_logs_response::Item;
    let item = match item {
        LogItem::Line(line) => Item::Line(log_line(line)),
        LogItem::CaughtUp => Item::CaughtUp(v1::LogCaughtUp {}),
        LogItem::Gap { service, lost } => Item::Gap(v1::LogGap { service: service.to_string(), lost }),
    };
    v1::TailLogsResponse { item: Some(item) }
}

fn log_line(line: LogLine) -> v1::LogLine {
    let stream = match line.stream {
        Stream::Stdout => v1::LogStream::Stdout,
        Stream::Stderr => v1::LogStream::Stderr,
    };
    v1::LogLine {
        service: line.service.to_string(),
        number: line.number,
        stream: stream.into(),
        time_s: unix_seconds(line.time),
        generation: line.generation.0,
        text: line.text,
        truncated: line.truncated,
    }
}

fn exit(exit: Exit, at_s: f64) -> v1::Exit {
    use v1::exit::How;
    let how = match exit {
        Exit::Code(code) => Some(How::Code(code)),
        Exit::Signal(number) => Some(How::Signal(number)),
        Exit::Panic => None,
    };
    v1::Exit { at_s, text: exit.to_string(), how }
}

fn kind(deployment: &Deployment) -> i32 {
    let kind = match deployment {
        Deployment::Builtin(_) => v1::ServiceKind::Builtin,
        Deployment::Binary(_) => v1::ServiceKind::Binary,
        Deployment::Unsupported { mode } => match mode.as_str() {
            "docker" => v1::ServiceKind::Docker,
            "docker-compose" => v1::ServiceKind::DockerCompose,
            "kubernetes" => v1::ServiceKind::Kubernetes,
            "remote" => v1::ServiceKind::Remote,
            // A mode that the API has no word for; `reason` names it.
            _ => v1::ServiceKind::Unspecified,
        },
    };
    kind.into()
}

pub(super) fn state(state: ServiceState) -> i32 {
    let state = match state {
        ServiceState::Stopped => v1::ServiceState::Stopped,
        ServiceState::Waiting => v1::ServiceState::Waiting,
        ServiceState::Starting => v1::ServiceState::Starting,
        ServiceState::Running => v1::ServiceState::Running,
        ServiceState::Stopping => v1::ServiceState::Stopping,
        ServiceState::Backoff => v1::ServiceState::Backoff,
        ServiceState::Failed => v1::ServiceState::Failed,
        ServiceState::Completed => v1::ServiceState::Completed,
    };
    state.into()
}

fn desired(desired: Desired) -> i32 {
    let desired = match desired {
        Desired::Up => v1::DesiredState::Up,
        Desired::Down => v1::DesiredState::Down,
    };
    desired.into()
}
