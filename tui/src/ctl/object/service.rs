//! Services, their health and what depends on what.

use serde::Serialize;
use ubmc_proto::v1::{self, exit::How};

use super::{health, present, word};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Service {
    pub name: String,
    pub group: String,
    pub kind: String,
    pub state: String,
    pub desired: String,
    pub health: String,
    pub pid: Option<i32>,
    pub uptime_s: Option<f64>,
    pub restarts: u32,
    pub last_exit: Option<Exit>,
    pub critical: bool,
    pub dependencies: Vec<String>,
    pub wants: Vec<String>,
    pub dependents: Vec<String>,
    pub display_name: Option<String>,
    pub description: Option<String>,
    pub category: Option<String>,
    pub auto_start: bool,
    pub oneshot: bool,
    pub reason: Option<String>,
    pub last_error: Option<String>,
    pub health_text: Option<String>,
    pub health_success_rate: Option<f64>,
    pub status_text: Option<String>,
    pub state_age_s: f64,
    pub retry_in_s: Option<f64>,
    pub start_duration_s: Option<f64>,
    pub manual_starts: u32,
    pub crashes: u32,
    pub cpu_percent: Option<f64>,
    pub rss_bytes: Option<u64>,
    pub fds: Option<u32>,
    pub generation: u64,
    pub dropped_lines: u64,
    /// Whether others may rely on it now.
    pub ready: bool,
    /// What its readiness check said last.
    pub readiness_text: Option<String>,
    /// How its health is asked.
    pub health_check: Option<String>,
    /// What the last health check took.
    pub health_latency_s: Option<f64>,
    /// Operations that need it.
    pub required_for: Vec<String>,
    /// `platform`, `infrastructure`, …
    #[serde(rename = "type")]
    pub type_word: Option<String>,
    /// Running again after a crash: how long until that counts as over.
    pub settles_in_s: Option<f64>,
}

/// How a process or a task ended.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Exit {
    pub code: Option<i32>,
    pub signal: Option<i32>,
    pub text: String,
    /// When, in seconds of the daemon's monotonic clock.
    pub mono_s: f64,
}

impl From<v1::Exit> for Exit {
    fn from(wire: v1::Exit) -> Self {
        let (code, signal) = match wire.how {
            Some(How::Code(code)) => (Some(code), None),
            Some(How::Signal(signal)) => (None, Some(signal)),
            None => (None, None),
        };
        Self { code, signal, text: wire.text, mono_s: wire.at_s }
    }
}

impl From<v1::Service> for Service {
    fn from(wire: v1::Service) -> Self {
        Self {
            name: wire.name,
            group: wire.group,
            kind: word!(ServiceKind, "SERVICE_KIND_", wire.kind),
            state: word!(ServiceState, "SERVICE_STATE_", wire.state),
            desired: word!(DesiredState, "DESIRED_STATE_", wire.desired),
            health: health(wire.health),
            pid: wire.pid,
            uptime_s: wire.uptime_s,
            restarts: wire.restarts,
            last_exit: wire.last_exit.map(Exit::from),
            critical: wire.critical,
            dependencies: wire.dependencies,
            wants: wire.wants,
            dependents: wire.dependents,
            display_name: present(wire.display_name),
            description: present(wire.description),
            category: present(wire.category),
            auto_start: wire.auto_start,
            oneshot: wire.oneshot,
            reason: present(wire.reason),
            last_error: present(wire.last_error),
            health_text: present(wire.health_text),
            health_success_rate: wire.health_success_rate,
            status_text: present(wire.status_text),
            state_age_s: wire.state_age_s,
            retry_in_s: wire.retry_in_s,
            start_duration_s: wire.start_duration_s,
            manual_starts: wire.manual_starts,
            crashes: wire.crashes,
            cpu_percent: wire.cpu_percent,
            rss_bytes: wire.rss_bytes,
            fds: wire.fds,
            generation: wire.generation,
            dropped_lines: wire.dropped_lines,
            ready: wire.ready,
            readiness_text: present(wire.readiness_text),
            health_check: present(wire.health_check),
            health_latency_s: wire.health_latency_s,
            required_for: wire.required_for,
            type_word: present(wire.r#type),
            settles_in_s: wire.settles_in_s,
        }
    }
}

/// What is known of a service's health.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct ServiceHealth {
    pub name: String,
    pub group: String,
    pub state: String,
    pub health: String,
    pub critical: bool,
    pub success_rate: Option<f64>,
    pub text: Option<String>,
    pub restarts: u32,
    pub crashes: u32,
    pub last_error: Option<String>,
    /// How it is asked.
    pub check: Option<String>,
    /// What the last check took.
    pub latency_s: Option<f64>,
    pub ready: bool,
    pub readiness_text: Option<String>,
}

impl From<Service> for ServiceHealth {
    fn from(service: Service) -> Self {
        Self {
            // What the check said, else why the service is not running.
            text: service.health_text.or(service.reason),
            name: service.name,
            group: service.group,
            state: service.state,
            health: service.health,
            critical: service.critical,
            success_rate: service.health_success_rate,
            restarts: service.restarts,
            crashes: service.crashes,
            last_error: service.last_error,
            check: service.health_check,
            latency_s: service.health_latency_s,
            ready: service.ready,
            readiness_text: service.readiness_text,
        }
    }
}

/// One service in the dependency graph.
#[derive(Clone, Debug, Default, Serialize)]
pub(crate) struct Dependency {
    pub name: String,
    pub group: String,
    pub state: String,
    pub dependencies: Vec<String>,
    pub wants: Vec<String>,
    pub after: Vec<String>,
    pub conflicts: Vec<String>,
    pub required_by: Vec<String>,
    pub wanted_by: Vec<String>,
    pub before: Vec<String>,
}

impl From<v1::DependencyNode> for Dependency {
    fn from(wire: v1::DependencyNode) -> Self {
        Self {
            name: wire.name,
            group: wire.group,
            state: word!(ServiceState, "SERVICE_STATE_", wire.state),
            dependencies: wire.dependencies,
            wants: wire.wants,
            after: wire.after,
            conflicts: wire.conflicts,
            required_by: wire.required_by,
            wanted_by: wire.wanted_by,
            before: wire.before,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_promised_keys_come_first_in_their_order_and_absence_is_null() {
        let wire = v1::Service {
            name: "web".into(),
            group: "interface".into(),
            kind: v1::ServiceKind::Binary.into(),
            state: v1::ServiceState::Backoff.into(),
            desired: v1::DesiredState::Up.into(),
            health: v1::Health::Unhealthy.into(),
            restarts: 3,
            last_exit: Some(v1::Exit { how: Some(How::Signal(9)), at_s: 12.5, text: "killed by SIGKILL".into() }),
            dependencies: vec!["db".into()],
            ..v1::Service::default()
        };
        let json = serde_json::to_string(&Service::from(wire)).unwrap();
        assert!(
            json.starts_with(concat!(
                r#"{"name":"web","group":"interface","kind":"binary","state":"backoff","desired":"up","#,
                r#""health":"unhealthy","pid":null,"uptime_s":null,"restarts":3,"#,
                r#""last_exit":{"code":null,"signal":9,"text":"killed by SIGKILL","mono_s":12.5},"#,
                r#""critical":false,"dependencies":["db"],"#
            )),
            "{json}"
        );
    }
}
