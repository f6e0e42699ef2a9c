//! From `ubmc.v1` to the console's own types: the only file that knows both.
//!
//! Ages become instants on the console's clock as they arrive: `now` is the moment of arrival.

use tonic::{Code, Status as RpcStatus};
use tonic_types::StatusExt;
use ubmc_proto::v1;

use super::{
    Condition, Controller, Entry, Event, Fan, FanMode, Group, Health, Item, Led, LedPattern, LogEntry, Machine,
    MachineKind, Mono, Operation, OperationState, Point, Quality, Rail, Refusal, Request, Sensor, SensorKind,
    SensorStatus, Service, ServiceKind, ServiceState, Severity, Status, Step, StepState, Supply, Term, Thresholds,
    Update, Zone, ZoneState,
};

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
    Condition { kind: wire.kind, subject: wire.subject, text: wire.text, remedy: wire.remedy }
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
    }
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
    }
}

/// A message of the service stream. None when it carries nothing this console knows.
pub fn services(now: Mono, wire: v1::WatchServicesResponse) -> Option<Update> {
    use v1::watch_services_response::Update as Wire;
    Some(match wire.update? {
        Wire::Snapshot(all) => Update::Services(all.services.into_iter().map(|one| service(now, one)).collect()),
        Wire::Changed(one) => Update::Service(service(now, one)),
        Wire::Removed(name) => Update::ServiceRemoved(name),
    })
}

/// One machine.
pub fn machine(now: Mono, wire: v1::Machine) -> Machine {
    let kind = match wire.kind() {
        v1::MachineKind::Host => MachineKind::Host,
        v1::MachineKind::Chassis => MachineKind::Chassis,
        v1::MachineKind::Bmc => MachineKind::Bmc,
        v1::MachineKind::Unspecified => MachineKind::Unknown,
    };
    Machine {
        kind,
        name: wire.name,
        state: wire.state,
        requested: wire.requested,
        since: now.ago(wire.state_age_s),
        operation: wire.operation,
        transitional: wire.transitional,
        timeout_at: wire.timeout_in_s.map(|left| now.after(left)),
        cause: wire.cause,
        requests: wire.requests.into_iter().map(request).collect(),
        parent: wire.parent,
        reason: wire.reason,
    }
}

fn request(wire: v1::AllowedRequest) -> Request {
    Request { name: wire.request, blocked_by: conditions(wire.blocked_by), destructive: wire.destructive }
}

/// A message of the machine stream. None when it carries nothing this console knows.
pub fn machines(now: Mono, wire: v1::WatchMachinesResponse) -> Option<Update> {
    use v1::watch_machines_response::Update as Wire;
    Some(match wire.update? {
        Wire::Snapshot(all) => Update::Machines(all.machines.into_iter().map(|one| machine(now, one)).collect()),
        Wire::Changed(one) => Update::Machine(machine(now, one)),
    })
}

/// One operation, or a plan.
pub fn operation(now: Mono, wire: v1::Operation) -> Operation {
    let state = match wire.state() {
        v1::OperationState::Planned => OperationState::Planned,
        v1::OperationState::Running => OperationState::Running,
        v1::OperationState::Succeeded => OperationState::Succeeded,
        v1::OperationState::Failed => OperationState::Failed,
        v1::OperationState::RolledBack => OperationState::RolledBack,
        v1::OperationState::Cancelled => OperationState::Cancelled,
        v1::OperationState::Refused => OperationState::Refused,
        v1::OperationState::Unspecified => OperationState::Unknown,
    };
    Operation {
        state,
        id: wire.id,
        kind: wire.kind,
        target: wire.target,
        steps: wire.steps.into_iter().map(|one| step(now, one)).collect(),
        reason: wire.reason,
        requested_by: wire.requested_by,
        request_reason: wire.request_reason,
        accepted: now.ago(wire.age_s),
        duration_s: wire.duration_s,
        conditions: conditions(wire.conditions),
        revision: wire.revision,
        affects: wire.affects,
        expected_s: wire.expected_s,
        cause: wire.cause,
        progress: wire.progress,
    }
}

fn step(now: Mono, wire: v1::Step) -> Step {
    let state = match wire.state() {
        v1::StepState::Running => StepState::Running,
        v1::StepState::Succeeded => StepState::Succeeded,
        v1::StepState::Failed => StepState::Failed,
        v1::StepState::Skipped => StepState::Skipped,
        v1::StepState::Pending | v1::StepState::Unspecified => StepState::Pending,
    };
    let running = state == StepState::Running;
    Step {
        state,
        name: wire.name,
        took_s: wire.duration_s.filter(|_| !running),
        running_since: wire.duration_s.filter(|_| running).map(|age| now.ago(age)),
        detail: wire.detail,
    }
}

/// A message of the operation stream. None when it carries nothing this console knows.
pub fn operations(now: Mono, wire: v1::WatchOperationsResponse) -> Option<Update> {
    use v1::watch_operations_response::Update as Wire;
    Some(match wire.update? {
        Wire::Snapshot(all) => Update::Operations(all.operations.into_iter().map(|one| operation(now, one)).collect()),
        Wire::Changed(one) => Update::Operation(operation(now, one)),
    })
}

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

/// One event.
pub fn event(wire: v1::Event) -> Event {
    let payload = wire.payload.map(|payload| payload.fields).unwrap_or_default();
    Event {
        seq: wire.seq,
        time_s: wire.time_s,
        subject: wire.subject,
        source: wire.source,
        severity: severity(wire.severity),
        cause: wire.cause,
        actor: wire.actor,
        text: wire.text,
        payload: payload.into_iter().map(|(name, value)| (name, plain(value))).collect(),
    }
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
    };
    Some(Update::Log { service: service.to_owned(), entry })
}

/// The LEDs.
pub fn leds(now: Mono, wire: v1::ListLedsResponse) -> Update {
    let convert = |led: v1::Led| Led {
        pattern: match led.pattern() {
            v1::LedPattern::Off => LedPattern::Off,
            v1::LedPattern::On => LedPattern::On,
            v1::LedPattern::Blink => LedPattern::Blink,
            v1::LedPattern::FastBlink => LedPattern::FastBlink,
            v1::LedPattern::Unspecified => LedPattern::Unknown,
        },
        name: led.name,
        role: led.role,
        reason: led.reason,
        ends: led.left_s.map(|left| now.after(left)),
    };
    Update::Leds(wire.leds.into_iter().map(convert).collect())
}

/// What is built in.
pub fn items(wire: v1::ListItemsResponse) -> Update {
    let convert = |item: v1::InventoryItem| Item {
        name: item.name,
        kind: item.kind,
        present: item.present,
        manufacturer: item.manufacturer,
        product: item.product,
        part_number: item.part_number,
        serial_number: item.serial_number,
    };
    Update::Items(wire.items.into_iter().map(convert).collect())
}

/// The rails.
pub fn rails(wire: v1::ListRailsResponse) -> Update {
    let convert = |rail: v1::Rail| Rail {
        name: rail.name,
        enabled: rail.enabled,
        power_good: rail.power_good,
        control_signal: rail.control_signal,
        good_signal: rail.good_signal,
    };
    Update::Rails(wire.rails.into_iter().map(convert).collect())
}

/// The supplies.
pub fn supplies(wire: v1::ListSuppliesResponse) -> Update {
    let convert = |supply: v1::Supply| Supply {
        name: supply.name,
        present: supply.present,
        power_good: supply.power_good,
        power_w: supply.power_w,
        temperature: supply.temperature,
        health: health(supply.health),
        rated_w: supply.rated_w,
    };
    Update::Supplies(wire.supplies.into_iter().map(convert).collect(), wire.redundant)
}

/// An error answer, with each condition that the daemon named.
pub fn refusal(wire: &RpcStatus) -> Refusal {
    let conditions = wire.get_details_precondition_failure().map(|failure| {
        let convert = |violation: tonic_types::PreconditionViolation| Condition {
            kind: violation.r#type,
            subject: violation.subject,
            text: violation.description,
            remedy: String::new(),
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
