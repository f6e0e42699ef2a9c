//! `[services.NAME.health_check]` and `[services.NAME.readiness]`

use std::{sync::Arc, time::Duration};

use ubmc_core::services::{Deployment, HealthCheck, HealthSpec, Readiness, ServiceSpec};

use crate::board::{
    schema::{self, Keys},
    source::At,
    table::{Context, Table},
};

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Http,
    Tcp,
    Command,
    File,
    Grpc,
    Heartbeat,
    None,
}

const KINDS: [(&str, Kind); 7] = [
    ("http", Kind::Http),
    ("tcp", Kind::Tcp),
    ("command", Kind::Command),
    ("file", Kind::File),
    ("grpc", Kind::Grpc),
    ("heartbeat", Kind::Heartbeat),
    ("none", Kind::None),
];

const METHODS: [(&str, ()); 7] =
    [("GET", ()), ("HEAD", ()), ("POST", ()), ("PUT", ()), ("DELETE", ()), ("OPTIONS", ()), ("PATCH", ())];

/// How health is asked; nothing when it is not.
pub(super) fn read(service: &Table<'_>, cx: &mut Context<'_>) -> Option<HealthSpec> {
    let table = service.table("health_check", schema::HEALTH, cx)?;
    let kind = table.required_word("type", &KINDS, cx)?;
    for (word, other) in KINDS {
        let has_table = !matches!(other, Kind::Heartbeat | Kind::None);
        if has_table && other != kind.value && table.has(word) {
            cx.out
                .warning(table.key_at(word), format!("{} has no effect: the type says otherwise", table.named(word)))
                .related(kind.at, "the type");
        }
    }
    let check = match kind.value {
        Kind::None => None,
        Kind::Heartbeat => Some(HealthCheck::Heartbeat),
        Kind::Http => details(&table, "http", schema::HTTP, cx).and_then(|details| http(&details, cx)),
        Kind::Tcp => details(&table, "tcp", schema::TCP, cx).and_then(|details| {
            if !details.has("port") {
                details.missing("port", "8080", cx);
            }
            let host = details.text("host", cx);
            if let Some(host) = &host {
                not_empty(host, "host", &details, cx);
            }
            Some(HealthCheck::Tcp {
                host: host.map_or_else(|| "localhost".to_owned(), |host| host.value),
                port: details.integer("port", 1..=u16::MAX, cx)?.value,
            })
        }),
        Kind::Command => details(&table, "command", schema::COMMAND, cx).and_then(|details| {
            let command = details.required_text("command", "\"…\"", cx)?;
            not_empty(&command, "command", &details, cx);
            Some(HealthCheck::Command {
                command: command.value,
                expected_exit_code: details.integer("expected_exit_code", 0..=255, cx).map_or(0, |code| code.value),
            })
        }),
        Kind::File => details(&table, "file", schema::FILE, cx).and_then(|details| {
            let path = details.required_text("path", "\"/run/…\"", cx)?;
            not_empty(&path, "path", &details, cx);
            Some(HealthCheck::File { path: path.value, must_exist: details.bool("must_exist", cx).unwrap_or(true) })
        }),
        Kind::Grpc => details(&table, "grpc", schema::GRPC, cx).and_then(|details| {
            let endpoint = details.required_text("endpoint", "\"localhost:50051\"", cx)?;
            not_empty(&endpoint, "endpoint", &details, cx);
            Some(HealthCheck::Grpc {
                endpoint: endpoint.value,
                service: details.text("service", cx).map(|service| service.value).unwrap_or_default(),
            })
        }),
    };
    let interval = table.positive_time("interval", cx);
    let timeout = table.positive_time("timeout", cx);
    let default_interval = Duration::from_secs(10);
    if let (Some(interval), Some(timeout)) = (&interval, &timeout)
        && timeout.value > interval.value
    {
        cx.out
            .warning(timeout.at, format!("a check of {} may still run when the next one is due", service.who))
            .label("longer than `interval`")
            .related(interval.at, "the interval");
    }
    let interval = interval.map_or(default_interval, |interval| interval.value);
    Some(HealthSpec {
        check: Arc::new(check?),
        interval,
        retries: table.integer("retries", 1..=1000, cx).map_or(3, |retries| retries.value),
        // The default never outlasts a short interval.
        timeout: timeout.map_or(Duration::from_secs(5).min(interval), |timeout| timeout.value),
    })
}

fn details<'t>(table: &Table<'t>, key: &str, keys: &'static Keys, cx: &mut Context<'_>) -> Option<Table<'t>> {
    if !table.has(key) {
        let needed = keys.names.first().copied().unwrap_or_default();
        table.missing(key, &format!("{{ {needed} = … }}"), cx);
    }
    table.table(key, keys, cx)
}

fn not_empty(text: &At<String>, key: &str, table: &Table<'_>, cx: &mut Context<'_>) {
    if text.value.trim().is_empty() {
        cx.out.error(text.at, format!("{} is empty", table.named(key)));
    }
}

/// `HOST` or `HOST:PORT`, where an IPv6 address is in brackets.
fn is_authority(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let good_port = port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port != 0));
    good_port && !host.is_empty() && !host.contains(char::is_whitespace)
}

fn http(details: &Table<'_>, cx: &mut Context<'_>) -> Option<HealthCheck> {
    let endpoint = details.required_text("endpoint", "\"http://localhost:8080/health\"", cx)?;
    match endpoint.value.split_once("://") {
        Some(("http", rest)) if is_authority(rest.split('/').next().unwrap_or_default()) => {}
        Some(("https", _)) => cx
            .out
            .error(endpoint.at, format!("{} asks over https", details.named("endpoint")))
            .label("health checks speak plain http, to services of this BMC")
            .done(),
        _ => cx
            .out
            .error(endpoint.at, format!("{} is no usable address", details.named("endpoint")))
            .label("http://HOST[:PORT]/PATH")
            .done(),
    }
    let method = details.text("method", cx);
    if let Some(method) = &method {
        crate::board::table::choose(method, &details.named("method"), &METHODS, cx);
    }
    Some(HealthCheck::Http {
        endpoint: endpoint.value,
        expected_status: details.integer("expected_status", 100..=599, cx).map_or(200, |status| status.value),
        method: method.map_or_else(|| "GET".to_owned(), |method| method.value),
    })
}

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

/// When the service counts as ready, if it says so; its health, deployment and time-outs have been read.
pub(super) fn readiness(service: &Table<'_>, spec: &ServiceSpec, cx: &mut Context<'_>) -> Option<Readiness> {
    let table = service.table("readiness", schema::READINESS, cx)?;
    let when = table.required_word("type", &WHEN, cx)?;
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
            if matches!(spec.deployment, Deployment::Builtin(_)) {
                cx.out
                    .error(when.at, format!("{} is a task inside ubmcd and has no descriptor of its own", service.who));
            }
            if !table.has("fd") {
                table.missing("fd", "3", cx);
            }
            // 0 to 2 are the standard streams, which the supervisor captures.
            Readiness::Fd(table.integer("fd", 3..=1023, cx)?.value)
        }
        When::Check => {
            if !service.has("health_check") {
                cx.out
                    .error(when.at, format!("{} is ready when its health check passes, but it has none", service.who))
                    .help("add a `[services.NAME.health_check]`");
            } else if let Some(health) = &spec.health
                && *health.check == HealthCheck::Heartbeat
            {
                cx.out
                    .error(when.at, format!("{} cannot be ready by check: heartbeats are not asked for", service.who))
                    .help("use the readiness type `notify`");
            }
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
                    .label(format!("its `start_timeout` is {} s", spec.start_timeout.as_secs_f64()));
            }
            Readiness::Delay(delay.value)
        }
    })
}
