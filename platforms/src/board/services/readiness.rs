//! `[services.NAME.readiness]`: when a service counts as ready.

use ubmc_core::{
    services::{Deployment, HealthCheck, Readiness, Run, ServiceSpec},
    time::human,
};

use crate::board::{
    names::raw_texts,
    schema,
    source::At,
    table::{Context, Table},
};

#[derive(Clone, Copy)]
enum When {
    Exec,
    Notify,
    Fd,
    Check,
    Delay,
}

const WHEN: [(&str, When); 5] =
    [("exec", When::Exec), ("notify", When::Notify), ("fd", When::Fd), ("check", When::Check), ("delay", When::Delay)];

/// When the service counts as ready; its checks, deployment, run and time-outs have been read.
pub(super) fn read(service: &Table<'_>, spec: &ServiceSpec, cx: &mut Context<'_>) -> Readiness {
    if let Run::Oneshot { .. } = spec.run {
        for key in ["readiness", "readiness_check"].into_iter().filter(|key| service.has(key)) {
            cx.out
                .warning(service.key_at(key), format!("`{key}` of {} has no effect", service.who))
                .label("a oneshot is ready when it has done its work");
        }
    }
    // A task inside ubmcd says itself when it has begun; what it is asked comes after that.
    let is_task = matches!(spec.deployment, Deployment::Builtin(_));
    if is_task && service.has("readiness") {
        cx.out
            .warning(service.key_at("readiness"), format!("`readiness` of {} has no effect", service.who))
            .label("a task inside ubmcd says itself when it is ready");
        return Readiness::default();
    }
    let by_check = if spec.readiness_check.is_some() && !is_task { Readiness::Check } else { Readiness::default() };
    let Some(table) = service.table("readiness", schema::READINESS, cx) else { return by_check };
    let when = table.required_word("type", &WHEN, cx);
    when.and_then(|when| by_type(service, &table, &when, spec, cx)).unwrap_or(by_check)
}

fn by_type(
    service: &Table<'_>,
    table: &Table<'_>,
    when: &At<When>,
    spec: &ServiceSpec,
    cx: &mut Context<'_>,
) -> Option<Readiness> {
    for (key, belongs) in [("fd", matches!(when.value, When::Fd)), ("delay", matches!(when.value, When::Delay))] {
        if table.has(key) && !belongs {
            cx.out
                .error(table.key_at(key), format!("`{key}` of {} belongs to the readiness type `{key}`", service.who))
                .related(when.at, "the type");
        }
    }
    Some(match when.value {
        When::Exec => Readiness::Exec,
        When::Notify => Readiness::Notify,
        When::Fd => {
            if !table.has("fd") {
                table.missing("fd", "3", cx);
            }
            // 0 to 2 are the standard streams, which the supervisor captures.
            Readiness::Fd(table.integer("fd", 3..=1023, cx)?.value)
        }
        When::Check => {
            check_can_be_asked(service, when, spec, cx);
            Readiness::Check
        }
        When::Delay => {
            if !table.has("delay") {
                table.missing("delay", "2", cx);
            }
            let delay = table.positive_time("delay", cx)?;
            if delay.value >= spec.start_timeout {
                cx.out
                    .error(delay.at, format!("{} would never be ready in time", service.who))
                    .label(format!("its `start_timeout` is {}", human(spec.start_timeout)));
            }
            Readiness::Delay(delay.value)
        }
    })
}

/// Ready by check needs something to ask, and an answer that comes before the start has timed out.
fn check_can_be_asked(service: &Table<'_>, when: &At<When>, spec: &ServiceSpec, cx: &mut Context<'_>) {
    // One that is there and could not be read has been told.
    let told = service.has("readiness_check") && spec.readiness_check.is_none();
    let Some(asked) = spec.readiness_check.as_ref().or(spec.health.as_ref()) else {
        if !told && (!service.has("health_check") || health_is_none(service)) {
            cx.out
                .error(when.at, format!("{} is ready when a check passes, but it has none", service.who))
                .help("add a `[services.NAME.readiness_check]`, or a `[services.NAME.health_check]` that is asked");
        }
        return;
    };
    if *asked.check == HealthCheck::Heartbeat {
        if !told {
            cx.out
                .error(when.at, format!("{} cannot be ready by check: heartbeats are not asked for", service.who))
                .help("use the readiness type `notify`, or add a `[services.NAME.readiness_check]`");
        }
    } else if asked.timeout >= spec.start_timeout {
        cx.out
            .warning(when.at, format!("a start of {} may time out during its first check", service.who))
            .label(format!("the check may take {}, the start {}", human(asked.timeout), human(spec.start_timeout)));
    }
}

fn health_is_none(service: &Table<'_>) -> bool {
    service.entry("health_check").is_some_and(|entry| raw_texts(&entry.node, &["type"]) == ["none"])
}
