//! `[services.NAME.restart]` and its short form in `[services.NAME.startup]`

use std::time::Duration;

use ubmc_core::services::{RestartPolicy, RestartSpec, Rung};

use crate::board::{
    schema,
    source::{At, Span},
    table::{Context, Table, choose},
};

const POLICIES: [(&str, RestartPolicy); 3] =
    [("never", RestartPolicy::Never), ("on-failure", RestartPolicy::OnFailure), ("always", RestartPolicy::Always)];

const RUNGS: [(&str, Rung); 4] =
    [("dependents", Rung::Dependents), ("group", Rung::Group), ("failsafe", Rung::Failsafe), ("reboot", Rung::Reboot)];

/// Fills in what the registry says; the answer is where the burst limit stands, for the check that it can trip.
pub(super) fn read(
    service: &Table<'_>,
    short: Option<&Table<'_>>,
    spec: &mut RestartSpec,
    cx: &mut Context<'_>,
) -> Option<Span> {
    let mut limit = None;
    if let Some(short) = short {
        if let Some(restart) = short.bool("restart_on_failure", cx) {
            spec.policy = if restart { RestartPolicy::OnFailure } else { RestartPolicy::Never };
        }
        if let Some(most) = short.integer("max_restarts", 0..=1_000_000, cx) {
            spec.burst = most.value;
            limit = Some(most.at);
        }
    }
    let Some(table) = service.table("restart", schema::RESTART, cx) else { return limit };
    if let Some(short) = short {
        for (key, brief) in [("policy", "restart_on_failure"), ("burst", "max_restarts")] {
            if table.has(key) && short.has(brief) {
                cx.out
                    .error(table.key_at(key), format!("{} says twice how it restarts", service.who))
                    .label(format!("`{brief}` is the short form of this"))
                    .related(short.key_at(brief), "said here already");
            }
        }
    }
    if let Some(policy) = table.word("policy", &POLICIES, cx) {
        spec.policy = policy.value;
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
    set(table.positive_time("window", cx), &mut spec.window);
    set(table.positive_time("reset_after", cx), &mut spec.reset_after);
    if let Some(factor) = table.number("factor", 1.0..=100.0, cx) {
        spec.factor = factor.value;
    }
    if let Some(jitter) = table.number("jitter", 0.0..=1.0, cx) {
        spec.jitter = jitter.value;
    }
    if let Some(burst) = table.integer("burst", 0..=1_000_000, cx) {
        spec.burst = burst.value;
    }
    spec.smooth_recovery = table.bool("smooth_recovery", cx).unwrap_or(false);
    spec.escalate = ladder(service, &table, cx);
    ["burst", "window"].into_iter().find(|key| table.has(key)).map(|key| table.key_at(key)).or(limit)
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

/// Whether the burst limit can never trip: with this policy the delays alone outlast the window.
pub(super) fn never_trips(spec: &RestartSpec) -> bool {
    if spec.policy == RestartPolicy::Never || spec.burst == 0 {
        return false;
    }
    let shortest = 1.0 - spec.jitter.clamp(0.0, 1.0);
    let (mut delay, mut sum) = (spec.delay.as_secs_f64(), 0.0);
    for _ in 0..spec.burst {
        sum += delay * shortest;
        if sum > spec.window.as_secs_f64() {
            return true;
        }
        delay = (delay * spec.factor).min(spec.max_delay.as_secs_f64());
    }
    false
}
