//! The whole in one answer.

use serde::Serialize;
use ubmc_proto::v1;

use super::{Condition, Machine, Service, ServiceHealth, health};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct PlatformStatus {
    pub state: String,
    pub health: String,
    pub version: String,
    pub board: String,
    pub simulated: bool,
    pub hostname: String,
    pub boot_id: String,
    pub pid: i32,
    pub uptime_s: f64,
    /// Worst first.
    pub problems: Vec<Condition>,
    /// What an ongoing shutdown waits for.
    pub holding_up: Vec<Condition>,
    pub groups: Vec<Group>,
    pub services_total: u32,
    pub services_running: u32,
    pub services_failed: u32,
    pub sensors_total: u32,
    pub sensors_not_ok: u32,
    pub last_seq: u64,
    pub watchers: u32,
    pub dropped_events: u64,
    pub machines: Vec<Machine>,
    pub services: Vec<Service>,
    /// What this machine cannot give, and what follows.
    pub limitations: Vec<String>,
    /// The process that makes the fans safe when ubmcd dies or hangs. Absent: there is nothing to guard.
    pub guardian: Option<Guardian>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Guardian {
    pub state: String,
    pub pid: Option<i32>,
    pub reason: Option<String>,
}

/// A phase of the start, and how far it is.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Group {
    pub name: String,
    pub total: u32,
    pub up: u32,
    pub failed: u32,
    pub complete: bool,
}

impl PlatformStatus {
    pub(crate) fn new(wire: v1::SystemStatus, machines: Vec<Machine>, services: Vec<Service>) -> Self {
        // The daemon's monotonic clock begins with it.
        let now = wire.uptime_s;
        let aged = |conditions: Vec<v1::Condition>| -> Vec<_> {
            conditions.into_iter().map(|condition| Condition::from(condition).aged(now)).collect()
        };
        Self {
            state: wire.state,
            health: health(wire.health),
            version: wire.version,
            board: wire.board,
            simulated: wire.simulated,
            hostname: wire.hostname,
            boot_id: wire.boot_id,
            pid: wire.pid,
            uptime_s: wire.uptime_s,
            problems: aged(wire.problems),
            holding_up: aged(wire.holding_up),
            groups: wire
                .groups
                .into_iter()
                .map(|group| Group {
                    name: group.name,
                    total: group.total,
                    up: group.up,
                    failed: group.failed,
                    complete: group.complete,
                })
                .collect(),
            services_total: wire.services_total,
            services_running: wire.services_running,
            services_failed: wire.services_failed,
            sensors_total: wire.sensors_total,
            sensors_not_ok: wire.sensors_not_ok,
            last_seq: wire.last_seq,
            watchers: wire.watchers,
            dropped_events: wire.dropped_events,
            machines,
            services,
            limitations: wire.limitations,
            guardian: wire.guardian.map(|guardian| Guardian {
                state: guardian.state,
                pid: guardian.pid,
                reason: Some(guardian.reason).filter(|reason| !reason.is_empty()),
            }),
        }
    }
}

/// The health of the whole and of each service.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct PlatformHealth {
    pub health: String,
    pub state: String,
    pub problems: Vec<Condition>,
    pub services: Vec<ServiceHealth>,
}
