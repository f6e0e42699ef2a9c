//! `[services.NAME.restart]` and its short form in `[services.NAME.startup]`

use std::time::Duration;

use ubmc_core::{
    services::{RestartPolicy, RestartSpec, Run, Rung, ServiceSpec},
    time::human,
};

use super::trip::{self, Failing};
use crate::board::{
    schema,
    source::{At, Span},
    table::{Context, Table, choose},
    tree::Value,
};

const POLICIES: [(&str, RestartPolicy); 3] =
    [("never", RestartPolicy::Never), ("on-failure", RestartPolicy::OnFailure), ("always", RestartPolicy::Always)];

const RUNGS: [(&str, Rung); 4] =
    [("dependents", Rung::Dependents), ("group", Rung::Group), ("failsafe", Rung::Failsafe), ("reboot", Rung::Reboot)];

/// Where what the checks of the whole point at was written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Places {
    pub(super) policy: Option<Span>,
    /// Absent: nobody named a window, and one that fits will be made.
    pub(super) window: Option<Span>,
    pub(super) escalate: Option<Span>,
    /// Whether everything could be read.
    pub(super) sound: bool,
}

/// Fills in what the registry says, but for a window that it does not name.
pub(super) fn read(
    service: &Table<'_>,
    short: Option<&Table<'_>>,
    spec: &mut RestartSpec,
    cx: &mut Context<'_>,
) -> Places {
    let met = cx.out.met();
    let mut places = Places::default();
    if let Some(short) = short {
        if let Some(restart) = short.bool("restart_on_failure", cx) {
            spec.policy = if restart { RestartPolicy::OnFailure } else { RestartPolicy::Never };
            places.policy = Some(short.value_at("restart_on_failure"));
        }
        if let Some(most) = burst(short, "max_restarts", cx) {
            spec.burst = most;
        }
    }
    if let Some(table) = service.table("restart", schema::RESTART, cx) {
        read_table(service, &table, short, spec, &mut places, cx);
    }
    if spec.burst == trip::UNLIMITED {
        spec.window = trip::NO_WINDOW;
    }
    places.sound = cx.out.met() == met;
    places
}

fn read_table(
    service: &Table<'_>,
    table: &Table<'_>,
    short: Option<&Table<'_>>,
    spec: &mut RestartSpec,
    places: &mut Places,
    cx: &mut Context<'_>,
) {
    for (key, brief) in [("policy", "restart_on_failure"), ("burst", "max_restarts")] {
        if let Some(short) = short.filter(|short| table.has(key) && short.has(brief)) {
            cx.out
                .error(table.key_at(key), format!("{} says twice how it restarts", service.who))
                .label(format!("`{brief}` is the short form of this"))
                .related(short.key_at(brief), "said here already");
        }
    }
    if let Some(policy) = table.word("policy", &POLICIES, cx) {
        spec.policy = policy.value;
        places.policy = Some(policy.at);
    }
    let set = |time: Option<At<Duration>>, place: &mut Duration| {
        if let Some(time) = time {
            *place = time.value;
        }
    };
    let delay = table.time("delay", cx);
    let max_delay = table.time("max_delay", cx);
    if let Some(max_delay) = &max_delay {
        let delay = delay.as_ref().map_or(spec.delay, |delay| delay.value);
        if max_delay.value < delay {
            cx.out
                .error(max_delay.at, format!("`max_delay` of {} is below its `delay`", service.who))
                .label(format!("must be at least {} s", delay.as_secs_f64()));
        }
    } else if let Some(delay) = &delay {
        // Who asks for a day between restarts need not also say that this is the longest.
        spec.max_delay = spec.max_delay.max(delay.value);
    }
    set(delay, &mut spec.delay);
    set(max_delay, &mut spec.max_delay);
    if let Some(window) = table.positive_time("window", cx) {
        spec.window = window.value;
        places.window = Some(window.at);
    }
    set(table.positive_time("reset_after", cx), &mut spec.reset_after);
    if let Some(factor) = table.number("factor", 1.0..=100.0, cx) {
        spec.factor = factor.value;
    }
    if let Some(jitter) = table.number("jitter", 0.0..=1.0, cx) {
        spec.jitter = jitter.value;
    }
    if let Some(burst) = burst(table, "burst", cx) {
        spec.burst = burst;
    }
    spec.smooth_recovery = table.bool("smooth_recovery", cx).unwrap_or(false);
    spec.escalate = ladder(service, table, cx);
    places.escalate = table.has("escalate").then(|| table.key_at("escalate"));
}

/// A number of restarts, or `"unlimited"`.
fn burst(table: &Table<'_>, key: &str, cx: &mut Context<'_>) -> Option<u32> {
    if matches!(table.entry(key)?.node.value, Value::Text(_)) {
        return table.word(key, &[("unlimited", trip::UNLIMITED)], cx).map(|word| word.value);
    }
    table.integer(key, 0..=1_000_000, cx).map(|burst| burst.value)
}

fn ladder(service: &Table<'_>, table: &Table<'_>, cx: &mut Context<'_>) -> Vec<Rung> {
    let mut rungs: Vec<(Rung, Span)> = Vec::new();
    for word in table.texts("escalate", cx) {
        let Some(rung) = choose(&word, &format!("a rung of `escalate` of {}", service.who), &RUNGS, cx) else {
            continue;
        };
        if let Some((last, at)) = rungs.last()
            && rung <= *last
        {
            cx.out
                .error(word.at, format!("`escalate` of {} must climb", service.who))
                .label("not above the rung before")
                .related(*at, "the rung before");
        }
        rungs.push((rung, word.at));
    }
    rungs.into_iter().map(|(rung, _)| rung).collect()
}

/// Notes limits that do not limit, and rungs that are never reached.
pub(super) fn check(spec: &ServiceSpec, places: &Places, cx: &mut Context<'_>) {
    let (name, restart) = (&spec.name, &spec.restart);
    if !places.sound {
        return;
    }
    if let (Run::Oneshot { .. }, RestartPolicy::Always, Some(at)) = (spec.run, restart.policy, places.policy) {
        cx.out
            .error(at, format!("service `{name}` is a oneshot that is always restarted"))
            .label("it would run without end")
            .help("use the policy \"on-failure\" or \"never\"");
    }
    if let Some(at) = places.escalate.filter(|_| !restart.escalate.is_empty() && !trip::is_limited(restart)) {
        let why = match (restart.policy, restart.burst) {
            (RestartPolicy::Never, _) => Some("it is never restarted: one failure and it is given up"),
            (_, trip::UNLIMITED) => Some("its restarts are unlimited: it is never given up"),
            _ => None,
        };
        if let Some(why) = why {
            cx.out.warning(at, format!("the rungs of service `{name}` are never climbed")).label(why);
        }
    }
    let Some(at) = places.window else { return };
    if restart.burst == trip::UNLIMITED {
        cx.out.warning(at, format!("`window` of service `{name}` has no effect: its restarts are unlimited"));
        return;
    }
    let burst = restart.burst;
    for (way, least) in trip::never_trips(spec) {
        let (when, how) = match way {
            Failing::AtOnce => ("can never trip".to_owned(), format!("{burst} delays")),
            Failing::AtStart => (
                "never trips while its starts time out".to_owned(),
                format!("{burst} starts of {} and the delays between them", human(spec.start_timeout)),
            ),
            Failing::InHealth => (
                "never trips while it gets unhealthy again and again".to_owned(),
                format!("getting unhealthy {burst} times and the delays between"),
            ),
        };
        let least = human(Duration::from_secs_f64(least));
        cx.out
            .warning(at, format!("the restart limit of service `{name}` {when}"))
            .label(format!("{how} take {least} at least"))
            .help("lengthen `window`, leave it out for one that fits, or lower the number of restarts");
        // Where nothing trips at all the ways to get there are no news.
        if way == Failing::AtOnce {
            return;
        }
    }
}
