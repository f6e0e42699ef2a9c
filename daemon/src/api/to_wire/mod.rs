//! From the core's words to those of the API: the only place where wire messages are made of domain values.
//!
//! One file per area. Nothing here decides: a field that cannot be copied is computed where it is known.

mod answers;
mod events;
mod hardware;
mod machines;
mod refusals;
mod services;
mod simulation;
mod system;

use std::time::{Duration, SystemTime};

pub use answers::{boot, reload, report, required, what_if, why};
pub use events::{event, gap, list_events, position};
pub use hardware::{
    fan, history, inventory, led, rail, resource, sensor, sensor_changes, sensors_snapshot, supply, zone,
    zones_snapshot,
};
pub use machines::{
    graph, machine, nothing_to_do, operation, plan, schedule, transition, transition_count, verification,
};
pub use refusals::{gone, not_reloaded, status_of, with_reason};
pub use services::{dependency, log_item, service, service_health};
pub use simulation::{faults, simulation_state};
pub use system::{Counts, Daemon, system_status};
use ubmc_core::{
    event::Severity,
    refusal::Obstacle,
    time::Mono,
    view::{Health, Problem},
};
use ubmc_proto::v1;

use crate::shell::unix_seconds;

/// The moment for which a message is made, on both clocks.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For ages and remaining times.
    pub mono: Mono,
    /// For labels.
    pub wall: SystemTime,
}

impl Moment {
    /// Seconds since `earlier`.
    fn age(self, earlier: Mono) -> f64 {
        self.mono.since(earlier).as_secs_f64()
    }

    /// Seconds until `later`; 0 when it has passed.
    fn left(self, later: Mono) -> f64 {
        self.mono.until(later).as_secs_f64()
    }

    /// Wall time of `earlier`, in seconds since 1970.
    fn wall_of(self, earlier: Mono) -> f64 {
        let ago = self.mono.since(earlier);
        unix_seconds(self.wall.checked_sub(ago).unwrap_or(SystemTime::UNIX_EPOCH))
    }
}

fn seconds(duration: Option<Duration>) -> Option<f64> {
    duration.map(|duration| duration.as_secs_f64())
}

fn condition(obstacle: &Obstacle) -> v1::Condition {
    v1::Condition {
        kind: obstacle.kind.to_owned(),
        subject: obstacle.subject.clone(),
        text: obstacle.text.clone(),
        remedy: obstacle.remedy.clone(),
        since_s: obstacle.since.map(Mono::as_secs_f64),
        severity: v1::Severity::Unspecified.into(),
    }
}

fn problem(problem: &Problem) -> v1::Condition {
    v1::Condition { severity: severity(problem.severity), ..condition(&problem.obstacle) }
}

fn conditions(obstacles: &[Obstacle]) -> Vec<v1::Condition> {
    obstacles.iter().map(condition).collect()
}

fn names<'a>(names: impl IntoIterator<Item = &'a ubmc_core::ids::Name>) -> Vec<String> {
    names.into_iter().map(ToString::to_string).collect()
}

fn health(health: Health) -> i32 {
    let health = match health {
        Health::Unknown => v1::Health::Unknown,
        Health::Healthy => v1::Health::Healthy,
        Health::Degraded => v1::Health::Degraded,
        Health::Unhealthy => v1::Health::Unhealthy,
    };
    health.into()
}

fn severity(severity: Severity) -> i32 {
    let severity = match severity {
        Severity::Debug => v1::Severity::Debug,
        Severity::Info => v1::Severity::Info,
        Severity::Notice => v1::Severity::Notice,
        Severity::Warning => v1::Severity::Warning,
        Severity::Error => v1::Severity::Error,
        Severity::Critical => v1::Severity::Critical,
    };
    severity.into()
}
