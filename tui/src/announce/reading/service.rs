//! Services, their groups, and how they came up.

use crate::{
    announce::say,
    app::State,
    model::{Boot, BootService, Health, Outcome, Service, ServiceState},
    style::Mark,
    view::{format, verdict},
};

/// A group: how many of it are up, and who is not as it should be.
pub(super) fn group(state: &State, name: &str) -> String {
    let members = || state.model.services.iter().filter(|one| one.group == name);
    let up = members().filter(|one| matches!(one.state, ServiceState::Running | ServiceState::Completed)).count();
    let fine = |one: &&Service| !matches!(verdict::service_now(one, state.now), Mark::Good | Mark::Done | Mark::Off);
    let named: Vec<String> = members().filter(fine).map(|one| format!("{} {}", one.name, how(state, one))).collect();
    let named: Vec<String> = named.into_iter().map(|one| format!("; {one}")).collect();
    format!("group {name}: {up} of {} up{}", members().count(), named.concat())
}

/// Its state in a word or two.
pub(super) fn how(state: &State, one: &Service) -> String {
    match one.state {
        ServiceState::Running if one.unsettled(state.now).is_some() => "has crashed and runs again".to_owned(),
        ServiceState::Running if one.is_unready() => "runs and is not ready".to_owned(),
        ServiceState::Running if one.health != Health::Unknown => format!("is running and {}", one.health.word()),
        ServiceState::Backoff => "is waiting for its next start".to_owned(),
        ServiceState::Failed => "has failed".to_owned(),
        ServiceState::Completed => "has done its work".to_owned(),
        other => format!("is {}", other.word()),
    }
}

/// What it does, for how long, what it takes; and why, where it is not as it should be.
pub(super) fn sentence(state: &State, one: &Service) -> String {
    let age = |since| format!(" for {}", say::time(state.now.since(since)));
    let age = match one.state {
        ServiceState::Running => one.up_since.map(age).unwrap_or_default(),
        ServiceState::Waiting | ServiceState::Starting | ServiceState::Stopping => age(one.since),
        ServiceState::Backoff => {
            one.retry_at.map(|at| format!(" in {}", say::time(at.since(state.now)))).unwrap_or_default()
        }
        _ => String::new(),
    };
    let parts = say::parts([
        format!("{} {}{age}", one.name, how(state, one)),
        one.cpu_percent.map(|share| format!("{share:.1} % of a core")).unwrap_or_default(),
        one.rss_bytes.map(|bytes| format!("{} of memory", say::bytes(bytes))).unwrap_or_default(),
        if one.restarts > 0 { format::count(one.restarts as usize, "restart") } else { String::new() },
    ]);
    let why = if matches!(verdict::service(one), Mark::Good | Mark::Done) { "" } else { one.reason.as_str() };
    format!("{parts}{}", say::behind(": ", why))
}

/// What its sentence leaves out.
pub(super) fn particulars(one: &Service) -> Vec<String> {
    let list = |what: &str, names: &[String]| {
        if names.is_empty() { String::new() } else { format!("{what} {}", say::list(names)) }
    };
    let yes = |yes: bool, text: &str| if yes { text.to_owned() } else { String::new() };
    let kind = say::parts([
        format!("{}, group {}", one.kind.word(), one.group),
        yes(one.critical, "the platform cannot do without it"),
        yes(one.oneshot, "runs once and ends"),
        yes(one.auto_start, "starts with the platform"),
        one.pid.map(|pid| format!("process {pid}")).unwrap_or_default(),
        one.fds.map(|count| format::count(count as usize, "open descriptor")).unwrap_or_default(),
    ]);
    let health = say::parts([
        if one.health == Health::Unknown { String::new() } else { format!("health {}", one.health.word()) },
        one.health_text.clone(),
        say::behind("asked by ", &one.health_check),
        one.health_success_rate.map(|rate| format!("{:.0} % of its checks passed", rate * 100.0)).unwrap_or_default(),
    ]);
    let past = say::parts([
        if one.crashes > 0 {
            format!("crashed {}", format::count(one.crashes as usize, "time"))
        } else {
            String::new()
        },
        one.last_exit.as_ref().map(|exit| format!("last ended with {exit}")).unwrap_or_default(),
        // Often the same in other words.
        if one.last_exit.is_none() { say::behind("last error ", &one.last_error) } else { String::new() },
        one.start_duration_s.map(|took| format!("its last start took {}", say::time(took))).unwrap_or_default(),
        if one.dropped_lines > 0 {
            format!("{} lines of output were dropped", one.dropped_lines)
        } else {
            String::new()
        },
    ]);
    let lines = [
        one.description.clone(),
        kind,
        health,
        say::behind("it says of itself: ", &one.status_text),
        say::behind("readiness: ", &one.readiness_text),
        past,
        list("needs", &one.dependencies),
        list("would like", &one.wants),
        list("is needed by", &one.dependents),
        list("is required for", &one.required_for),
    ];
    lines.into_iter().filter(|line| !line.is_empty()).collect()
}

/// The first start of a service.
pub(super) fn started(one: &BootService, boot: &Boot, now_s: f64) -> String {
    let name = &one.name;
    let waited = (one.released_s.or(one.settled_s).unwrap_or(now_s) - boot.started_s).max(0.0);
    let own = one.released_s.map_or(0.0, |released| (one.settled_s.unwrap_or(now_s) - released).max(0.0));
    // A hundredth of a second is nothing that anybody waited.
    let held = match (waited >= 0.1, one.waited_for.as_str()) {
        (false, _) => String::new(),
        (true, "") => format!("after {}, ", say::time(waited)),
        (true, other) => format!("after {} of waiting for {other}, ", say::time(waited)),
    };
    let own = if own < 0.001 { "a millisecond".to_owned() } else { say::time(own) };
    match (one.outcome, one.released_s) {
        (Outcome::Pending, None) => {
            format!("{name} waits{} since {}", say::behind(" for ", &one.waited_for), say::time(waited))
        }
        (Outcome::Pending, Some(_)) => format!("{name}: {held}starting for {own}"),
        (Outcome::Ready, None) => format!("{name} was ready at once"),
        (Outcome::Ready, Some(_)) => format!("{name}: {held}ready within {own}"),
        (Outcome::Completed, None) => format!("{name} had done its work before"),
        (Outcome::Completed, Some(_)) => format!("{name}: {held}done within {own}"),
        (Outcome::Failed, None) => format!("{name} never started: {} failed", one.waited_for),
        (Outcome::Failed, Some(_)) => format!("{name}: {held}failed after {own}"),
        (Outcome::Abandoned, _) => format!("{name} was not wanted any more after {}", say::time(waited)),
    }
}
