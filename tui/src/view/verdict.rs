//! How good or bad a thing is: one place, so that the same state has the same sign everywhere.

use crate::{
    model::{
        Fan, FanMode, Health, Machine, Mono, OperationState, Outcome, Quality, Sensor, SensorStatus, Service,
        ServiceState, Severity, StepState, ZoneState,
    },
    style::Mark,
};

/// Of a service.
pub fn service(service: &Service) -> Mark {
    match service.state {
        ServiceState::Unknown => Mark::Unknown,
        ServiceState::Stopped if service.wanted == Some(true) => Mark::Warning,
        ServiceState::Stopped => Mark::Off,
        ServiceState::Waiting | ServiceState::Starting | ServiceState::Stopping => Mark::Busy,
        ServiceState::Running if service.is_unready() => Mark::Warning,
        ServiceState::Running => match service.health {
            Health::Unknown | Health::Healthy => Mark::Good,
            Health::Degraded => Mark::Warning,
            Health::Unhealthy => Mark::Critical,
        },
        ServiceState::Backoff => Mark::Warning,
        ServiceState::Failed => Mark::Critical,
        ServiceState::Completed => Mark::Done,
    }
}

/// Of a service at this moment: one that runs again after a crash is not fine until that counts as over.
pub fn service_now(one: &Service, now: Mono) -> Mark {
    match service(one) {
        Mark::Good if one.unsettled(now).is_some() => Mark::Warning,
        mark => mark,
    }
}

/// Of a service's first start.
pub fn outcome(outcome: Outcome) -> Mark {
    match outcome {
        Outcome::Pending => Mark::Busy,
        Outcome::Ready => Mark::Good,
        Outcome::Completed => Mark::Done,
        Outcome::Failed => Mark::Critical,
        Outcome::Abandoned => Mark::Off,
    }
}

/// Of a health verdict.
pub fn health(health: Health) -> Mark {
    match health {
        Health::Unknown => Mark::Off,
        Health::Healthy => Mark::Good,
        Health::Degraded => Mark::Warning,
        Health::Unhealthy => Mark::Critical,
    }
}

/// Of something that is not as it should be.
pub fn problem(severity: Severity) -> Mark {
    match severity {
        Severity::Error | Severity::Critical => Mark::Critical,
        Severity::Debug | Severity::Info | Severity::Notice | Severity::Warning => Mark::Warning,
    }
}

/// Of a sensor.
pub fn sensor(sensor: &Sensor) -> Mark {
    match (sensor.quality, sensor.status) {
        (Quality::NotYetRead, _) => Mark::Busy,
        (Quality::Unpowered, _) => Mark::Off,
        (Quality::Good, SensorStatus::Ok) => Mark::Good,
        (Quality::Stale | Quality::Absent, _) | (Quality::Good, SensorStatus::Warning) => Mark::Warning,
        (Quality::Failed, _) | (Quality::Good, SensorStatus::Critical | SensorStatus::Fatal) => Mark::Critical,
        (Quality::Good, SensorStatus::Unknown) => Mark::Unknown,
    }
}

/// Of a machine.
pub fn machine(machine: &Machine) -> Mark {
    match machine.state.as_str() {
        "error" | "fault" | "quiesced" => Mark::Critical,
        "diagnostic" | "maintenance" => Mark::Warning,
        _ if machine.transitional || !machine.operation.is_empty() => Mark::Busy,
        _ if !machine.reason.is_empty() => Mark::Warning,
        "off" => Mark::Off,
        _ => Mark::Good,
    }
}

/// Of a zone.
pub fn zone(state: ZoneState) -> Mark {
    match state {
        ZoneState::Unknown => Mark::Unknown,
        ZoneState::Starting => Mark::Busy,
        ZoneState::Controlled => Mark::Good,
        ZoneState::Failsafe | ZoneState::CoolDown => Mark::Warning,
        ZoneState::Critical | ZoneState::Tripped => Mark::Critical,
    }
}

/// Of a fan.
pub fn fan(fan: &Fan) -> Mark {
    match (fan.health, fan.mode) {
        (Health::Unhealthy, _) => Mark::Critical,
        (Health::Degraded, _) | (Health::Healthy, FanMode::Manual | FanMode::Failsafe) => Mark::Warning,
        // It has no power, or has not been read yet: nothing is known to be wrong.
        (Health::Unknown, _) if fan.rpm.is_none() => Mark::Off,
        (Health::Unknown, _) => Mark::Unknown,
        (Health::Healthy, FanMode::Auto | FanMode::Unknown) => Mark::Good,
    }
}

/// Of an operation.
pub fn operation(state: OperationState) -> Mark {
    match state {
        OperationState::Unknown => Mark::Unknown,
        OperationState::Running => Mark::Busy,
        OperationState::Succeeded => Mark::Done,
        OperationState::Planned | OperationState::Cancelled => Mark::Off,
        OperationState::Failed => Mark::Critical,
        OperationState::RolledBack | OperationState::Refused => Mark::Warning,
    }
}

/// Of a step.
pub fn step(state: StepState) -> Mark {
    match state {
        StepState::Pending | StepState::Skipped => Mark::Off,
        StepState::Running => Mark::Busy,
        StepState::Succeeded => Mark::Done,
        StepState::Failed => Mark::Critical,
    }
}

/// Of an event. None: nothing special.
pub fn severity(severity: Severity) -> Option<Mark> {
    match severity {
        Severity::Debug | Severity::Info => None,
        Severity::Notice => Some(Mark::Busy),
        Severity::Warning => Some(Mark::Warning),
        Severity::Error | Severity::Critical => Some(Mark::Critical),
    }
}
