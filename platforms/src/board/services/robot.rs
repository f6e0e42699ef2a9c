//! The JSON registry of the robot orchestrator: `{"services": [{"name": …, "cmd": …}]}`.

use std::{sync::Arc, time::Duration};

use ubmc_core::services::{Binary, Deployment, HealthCheck, HealthSpec, RestartPolicy, ServiceSpec};

use super::{Declared, MAX_SERVICES};
use crate::board::{
    names::{bounded, check_name},
    schema,
    source::Span,
    table::{Context, Table},
    tree::Node,
};

const POLICIES: [(&str, RestartPolicy); 6] = [
    ("always", RestartPolicy::Always),
    ("on-failure", RestartPolicy::OnFailure),
    ("on_failure", RestartPolicy::OnFailure),
    ("never", RestartPolicy::Never),
    ("no", RestartPolicy::Never),
    ("none", RestartPolicy::Never),
];

/// All its services.
pub(in crate::board) fn read(root: &Node, cx: &mut Context<'_>) -> Vec<Declared> {
    let file = Span { end: root.at.start, ..root.at };
    let Some(table) = Table::open(root, file, "the registry", schema::ROBOT, cx) else { return Vec::new() };
    if !table.has("services") {
        table.missing("services", "[]", cx);
    }
    let items = table.list("services", cx);
    bounded(items, table.key_at("services"), "services", MAX_SERVICES, cx);
    let items = items.iter().take(MAX_SERVICES).enumerate();
    items.filter_map(|(index, item)| service(item, index, cx)).collect()
}

fn service(item: &Node, index: usize, cx: &mut Context<'_>) -> Option<Declared> {
    let head = Span { end: item.at.start + 1, ..item.at };
    let mut table = Table::open(item, head, format!("service {}", index + 1), schema::ROBOT_SERVICE, cx)?;
    let name = table.required_text("name", "\"…\"", cx)?;
    check_name(&name.value, name.at, "service", &mut cx.out);
    table.who = format!("service `{}`", name.value);

    let command = table.required_text("cmd", "\"/usr/bin/…\"", cx);
    if let Some(command) = &command
        && command.value.trim().is_empty()
    {
        cx.out.error(command.at, format!("`cmd` of {} is empty", table.who)).label("which program?");
    }
    let working_dir = table.text("working_dir", cx).filter(|dir| !dir.value.is_empty());
    if let Some(dir) = &working_dir
        && !dir.value.starts_with('/')
    {
        cx.out.error(dir.at, format!("`working_dir` of {} is not absolute", table.who)).label("relative to what?");
    }
    let binary = Binary {
        path: command.map(|command| command.value).unwrap_or_default(),
        args: table.texts("args", cx).into_iter().map(|arg| arg.value).collect(),
        working_dir: working_dir.map_or_else(|| "/".to_owned(), |dir| dir.value),
        ..Binary::default()
    };
    let mut spec = ServiceSpec::new(name.value.as_str(), Deployment::Binary(Arc::new(binary)));
    let mut text = |key: &str| table.text(key, cx).map(|text| text.value);
    if let Some(display_name) = text("display_name") {
        spec.display_name = display_name;
    }
    spec.description = text("description").unwrap_or_default();
    spec.kind = text("type").unwrap_or_default();
    spec.auto_start = table.bool("autostart", cx).unwrap_or(false);
    if let Some(policy) = table.word("restart_policy", &POLICIES, cx) {
        spec.restart.policy = policy.value;
    }
    let port = table.integer("port", 1..=u16::MAX, cx);
    spec.port = port.as_ref().map(|port| port.value);
    spec.health = health(&table, spec.port, cx);
    let mut declared = Declared::new(spec, name.at);
    declared.port = port.map(|port| port.at);
    Some(declared)
}

/// The orchestrator's check functions (`movement_check`, `video_check`, …) each connect to their service's port.
fn health(table: &Table<'_>, port: Option<u16>, cx: &mut Context<'_>) -> Option<HealthSpec> {
    let function = table.text("health_check", cx)?;
    match port {
        Some(port) if function.value.ends_with("_check") => Some(HealthSpec {
            check: Arc::new(HealthCheck::Tcp { host: "localhost".to_owned(), port }),
            interval: Duration::from_secs(10),
            retries: 3,
            timeout: Duration::from_secs(5),
        }),
        Some(_) => {
            cx.out
                .warning(
                    function.at,
                    format!("{} has the health check `{}`, which is not known", table.who, function.value),
                )
                .label("its health is not checked")
                .help("functions named `…_check` connect to the service's `port`");
            None
        }
        None => {
            cx.out
                .warning(
                    function.at,
                    format!("health check `{}` of {} has no port to connect to", function.value, table.who),
                )
                .label("its health is not checked")
                .help("add `\"port\": …`");
            None
        }
    }
}
