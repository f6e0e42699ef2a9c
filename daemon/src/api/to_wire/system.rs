//! The whole in one answer.

use ubmc_core::{
    core::Core,
    ids::SensorId,
    view::{GroupView, GuardianView, Quality, ServiceState, Status},
};
use ubmc_proto::v1;

use super::{Moment, conditions, health, problem};

/// What does not change while the daemon lives.
#[derive(Clone, Debug)]
pub struct Daemon {
    /// Changes with each start.
    pub boot_id: String,
    /// Whether the board is simulated.
    pub simulated: bool,
    /// Name of the machine it runs on.
    pub hostname: String,
    /// What this machine cannot give, one sentence each.
    pub limitations: Vec<String>,
}

/// Numbers that the core does not know.
#[derive(Clone, Copy, Debug)]
pub struct Counts {
    /// Subscribers of all kinds.
    pub watchers: u32,
    /// Events that subscribers were too slow for.
    pub dropped_events: u64,
}

/// Is anything wrong, and what.
pub fn system_status(core: &Core, daemon: &Daemon, counts: Counts, moment: Moment) -> v1::SystemStatus {
    let view = core.system(moment.mono);
    let board = core.board();
    let states: Vec<_> = core.service_ids().into_iter().map(|id| core.service(id).state).collect();
    let sensors_not_ok = (0..board.sensors.len())
        .filter(|place| {
            let sensor = core.sensor(SensorId::new(*place));
            match (sensor.status, sensor.quality) {
                (Status::Warning | Status::Critical | Status::Fatal, _) => true,
                // Unknown alone is no fault: what is switched off, or not read yet, has no status either.
                (_, quality) => matches!(quality, Quality::Stale | Quality::Failed | Quality::Absent),
            }
        })
        .count();
    v1::SystemStatus {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        board: board.name.clone(),
        boot_id: daemon.boot_id.clone(),
        uptime_s: moment.mono.as_secs_f64(),
        state: view.state.as_str().to_owned(),
        health: health(view.health),
        problems: view.problems.iter().map(problem).collect(),
        services_total: count(states.len()),
        services_running: count(states.iter().filter(|state| **state == ServiceState::Running).count()),
        services_failed: count(states.iter().filter(|state| **state == ServiceState::Failed).count()),
        sensors_total: count(board.sensors.len()),
        sensors_not_ok: count(sensors_not_ok),
        last_seq: core.last_seq(),
        watchers: counts.watchers,
        dropped_events: counts.dropped_events,
        simulated: daemon.simulated,
        pid: std::process::id().try_into().unwrap_or_default(),
        groups: view.groups.iter().map(group).collect(),
        hostname: daemon.hostname.clone(),
        holding_up: conditions(&view.holding_up),
        limitations: daemon.limitations.clone(),
        guardian: core.guardian().map(guardian),
    }
}

fn guardian(view: GuardianView<'_>) -> v1::Guardian {
    v1::Guardian {
        state: view.state.as_str().to_owned(),
        pid: view.pid.and_then(|pid| pid.try_into().ok()),
        since_s: view.since.as_secs_f64(),
        reason: view.why.to_owned(),
    }
}

fn group(view: &GroupView) -> v1::GroupStatus {
    v1::GroupStatus {
        name: view.group.as_str().to_owned(),
        total: count(view.total),
        up: count(view.up),
        failed: count(view.failed),
        complete: view.complete,
    }
}

fn count(number: usize) -> u32 {
    number.try_into().unwrap_or(u32::MAX)
}
