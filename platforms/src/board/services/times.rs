//! Times of a service that do not fit each other, or those of the board.

use ubmc_core::{
    services::{Deployment, HealthCheck, Readiness, Run, ServiceSpec},
    time::human,
};

use super::Declared;
use crate::board::{sections::House, table::Context};

/// Notes what of one service cannot come out as it was meant.
pub(super) fn check(service: &Declared, house: &House, cx: &mut Context<'_>) {
    check_start(service, house, cx);
    check_health(service, cx);
    let ServiceSpec { name, stop_timeout, .. } = &service.spec;
    let (whole, place) = house.stop_timeout;
    if let Some(at) = service.places.stop_timeout.filter(|_| *stop_timeout > whole) {
        let noted = cx
            .out
            .warning(at, format!("service `{name}` may be killed before its `stop_timeout` is over"))
            .label(format!("at a shutdown everything is ended after {}", human(whole)));
        match place {
            Some(place) => noted.related(place, "the board's `stop_timeout`").done(),
            None => noted.help("set `stop_timeout` in `[policy]` of the board").done(),
        }
    }
}

/// Notes what is the board's doing rather than any one service's.
pub(super) fn check_all(services: &[Declared], house: &House, cx: &mut Context<'_>) {
    let (whole, Some(place)) = house.stop_timeout else { return };
    let short = |service: &&Declared| service.places.stop_timeout.is_none() && service.spec.stop_timeout > whole;
    let mut affected = services.iter().filter(short);
    if let Some(first) = affected.next() {
        let others = match affected.count() {
            0 => String::new(),
            1 => " and another service".to_owned(),
            more => format!(" and {more} other services"),
        };
        cx.out
            .warning(place, "the board's `stop_timeout` is shorter than that of its services".to_owned())
            .label(format!("`{}`{others} may take {}", first.spec.name, human(first.spec.stop_timeout)))
            .help("lengthen it, or give those a shorter `startup.stop_timeout`");
    }
}

/// The time-out of a start begins with the spawn, after the start delay; that of the board with the daemon.
fn check_start(service: &Declared, house: &House, cx: &mut Context<'_>) {
    let ServiceSpec { name, auto_start, start_delay, start_timeout, readiness, .. } = &service.spec;
    if !auto_start || service.places.has_lost("auto_start") {
        return;
    }
    let (whole, place) = house.start_timeout;
    let until_ready = match readiness {
        Readiness::Delay(delay) => *start_delay + *delay,
        Readiness::Exec | Readiness::Notify | Readiness::Fd(_) | Readiness::Check => *start_delay,
    };
    let (at, what) = if until_ready >= whole {
        let at = service.places.start_delay.unwrap_or(service.at);
        (at, format!("service `{name}` is never ready before the start of the board has timed out"))
    } else if let Some(at) = service.places.start_timeout.filter(|_| *start_timeout > whole) {
        (at, format!("the start of the board times out before that of service `{name}`"))
    } else {
        return;
    };
    let noted = cx.out.warning(at, what).label(format!("all groups should be complete after {}", human(whole)));
    match place {
        Some(place) => noted.related(place, "the board's `start_timeout`").done(),
        None => noted.help("set `start_timeout` in `[policy]` of the board").done(),
    }
}

/// Health that is never asked, or asked of somebody who cannot answer.
fn check_health(service: &Declared, cx: &mut Context<'_>) {
    let ServiceSpec { name, health, run, deployment, .. } = &service.spec;
    let (Some(health), Some(at)) = (health, service.places.health) else { return };
    if let Run::Oneshot { .. } = run {
        cx.out
            .warning(at, format!("the health of service `{name}` is never asked"))
            .label("a oneshot has done its work, or it has not");
    } else if let (HealthCheck::Heartbeat, Deployment::Builtin(_)) = (&*health.check, deployment) {
        cx.out
            .warning(at, format!("service `{name}` has no way to send a heartbeat"))
            .label("a task inside ubmcd sends none, and would be restarted again and again")
            .help("ubmcd watches its own tasks: leave `health_check` out");
    }
}
