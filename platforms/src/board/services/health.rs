//! `[services.NAME.health_check]` and `[services.NAME.readiness_check]`: what is asked again and again.

use std::{sync::Arc, time::Duration};

use ubmc_core::{
    services::{HealthCheck, HealthSpec},
    time::human,
};

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

/// Those that have a table of their own.
const ASKED: [(&str, Kind); 5] =
    [("http", Kind::Http), ("tcp", Kind::Tcp), ("command", Kind::Command), ("file", Kind::File), ("grpc", Kind::Grpc)];

const KINDS: [(&str, Kind); 7] =
    [ASKED[0], ASKED[1], ASKED[2], ASKED[3], ASKED[4], ("heartbeat", Kind::Heartbeat), ("none", Kind::None)];

const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

const METHODS: [(&str, ()); 7] =
    [("GET", ()), ("HEAD", ()), ("POST", ()), ("PUT", ()), ("DELETE", ()), ("OPTIONS", ()), ("PATCH", ())];

/// How health is asked; nothing when it is not.
pub(super) fn read(service: &Table<'_>, cx: &mut Context<'_>) -> Option<HealthSpec> {
    ask(service, "health_check", schema::HEALTH, &KINDS, cx)
}

/// How readiness is asked: as health is, but for what cannot be asked.
pub(super) fn read_readiness(service: &Table<'_>, cx: &mut Context<'_>) -> Option<HealthSpec> {
    ask(service, "readiness_check", schema::READINESS_CHECK, &ASKED, cx)
}

fn ask(
    service: &Table<'_>,
    key: &str,
    keys: &'static Keys,
    kinds: &[(&str, Kind)],
    cx: &mut Context<'_>,
) -> Option<HealthSpec> {
    let table = service.table(key, keys, cx)?;
    let kind = table.required_word("type", kinds, cx)?;
    for (word, other) in ASKED {
        if other != kind.value && table.has(word) {
            cx.out
                .warning(table.key_at(word), format!("{} has no effect: the type says otherwise", table.named(word)))
                .related(kind.at, "the type");
        }
    }
    let check = check(&table, kind.value, cx);
    let interval = table.positive_time("interval", cx);
    let timeout = table.positive_time("timeout", cx);
    let interval_at = interval.as_ref().map(|interval| interval.at);
    let interval = interval.map_or(DEFAULT_INTERVAL, |interval| interval.value);
    if let Some(timeout) = &timeout {
        if matches!(kind.value, Kind::Heartbeat | Kind::None) {
            cx.out
                .warning(timeout.at, format!("{} has no effect: nothing is asked", table.named("timeout")))
                .related(kind.at, "the type");
        } else if timeout.value > interval {
            let noted = cx
                .out
                .warning(timeout.at, format!("a check of {} may still run when the next one is due", service.who))
                .label(match interval_at {
                    Some(_) => "longer than `interval`".to_owned(),
                    None => format!("longer than the `interval` of {}", human(interval)),
                })
                .help("the next check waits for the one before it, so that failures are noticed later than they seem");
            match interval_at {
                Some(at) => noted.related(at, "the interval").done(),
                None => noted.done(),
            }
        }
    }
    Some(HealthSpec {
        check: Arc::new(check?),
        interval,
        retries: table.integer("retries", 1..=1000, cx).map_or(3, |retries| retries.value),
        // The default never outlasts a short interval.
        timeout: timeout.map_or(Duration::from_secs(5).min(interval), |timeout| timeout.value),
    })
}

fn check(table: &Table<'_>, kind: Kind, cx: &mut Context<'_>) -> Option<HealthCheck> {
    match kind {
        Kind::None => None,
        Kind::Heartbeat => Some(HealthCheck::Heartbeat),
        Kind::Http => details(table, "http", schema::HTTP, cx).and_then(|details| http(&details, cx)),
        Kind::Tcp => details(table, "tcp", schema::TCP, cx).and_then(|details| {
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
        Kind::Command => details(table, "command", schema::COMMAND, cx).and_then(|details| {
            let command = details.required_text("command", "\"…\"", cx)?;
            not_empty(&command, "command", &details, cx);
            Some(HealthCheck::Command {
                command: command.value,
                expected_exit_code: details.integer("expected_exit_code", 0..=255, cx).map_or(0, |code| code.value),
            })
        }),
        Kind::File => details(table, "file", schema::FILE, cx).and_then(|details| {
            let path = details.required_text("path", "\"/run/…\"", cx)?;
            not_empty(&path, "path", &details, cx);
            Some(HealthCheck::File { path: path.value, must_exist: details.bool("must_exist", cx).unwrap_or(true) })
        }),
        Kind::Grpc => details(table, "grpc", schema::GRPC, cx).and_then(|details| {
            let endpoint = details.required_text("endpoint", "\"localhost:50051\"", cx)?;
            not_empty(&endpoint, "endpoint", &details, cx);
            Some(HealthCheck::Grpc {
                endpoint: endpoint.value,
                service: details.text("service", cx).map(|service| service.value).unwrap_or_default(),
            })
        }),
    }
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
pub(super) fn is_authority(text: &str) -> bool {
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
