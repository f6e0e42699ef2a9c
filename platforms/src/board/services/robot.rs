//! The JSON registry of the robot orchestrator: `{"services": [{"name": …, "cmd": …}]}`.

use std::{path::Path, sync::Arc, time::Duration};

use ubmc_core::{
    ids::Name,
    services::{Binary, Deployment, HealthCheck, HealthSpec, RestartPolicy, ServiceSpec},
};

use super::{
    Declared, MAX_SERVICES,
    elsewhere::{self, Elsewhere},
    trip,
};
use crate::board::{
    names::{bounded, check_name, raw_texts},
    schema,
    source::Span,
    table::{Context, Table, nearest},
    tree::Node,
};

const POLICIES: [(&str, RestartPolicy); 3] =
    [("never", RestartPolicy::Never), ("on-failure", RestartPolicy::OnFailure), ("always", RestartPolicy::Always)];

/// The orchestrator restarts so often before it gives up, unless the policy is `always`.
const MOST_RESTARTS: u32 = 3;

/// The orchestrator's own check functions that connect to the port of their service.
const PORT_CHECKS: [&str; 6] =
    ["movement_check", "video_check", "api_check", "ultrasonic_check", "line_tracker_check", "gateway_check"];

/// The one that asks whether ROS 2 can be used.
const ROS_CHECK: &str = "ros_core_check";

/// All its services. Relative working directories are below `folder`, where the registry is.
pub(in crate::board) fn read(root: &Node, folder: &Path, cx: &mut Context<'_>) -> Vec<Declared> {
    let file = Span { end: root.at.start, ..root.at };
    let Some(table) = Table::open(root, file, "the registry", schema::ROBOT, cx) else { return Vec::new() };
    if !table.has("services") {
        table.missing("services", "[]", cx);
    }
    let items = table.list("services", cx);
    bounded(items, table.key_at("services"), "services", MAX_SERVICES, cx);
    let items = items.iter().take(MAX_SERVICES).enumerate();
    items.filter_map(|(index, item)| service(item, index, folder, cx)).collect()
}

fn service(item: &Node, index: usize, folder: &Path, cx: &mut Context<'_>) -> Option<Declared> {
    let head = Span { end: item.at.start + 1, ..item.at };
    let who = match raw_texts(item, &["name"]).first() {
        Some(name) => format!("service `{name}`"),
        None => format!("service {} of the list", index + 1),
    };
    let table = Table::open(item, head, who, schema::ROBOT_SERVICE, cx)?;
    let name = table.required_text("name", "\"…\"", cx)?;
    check_name(&name.value, name.at, "service", &mut cx.out);

    let command = table.required_text("cmd", "\"/usr/bin/…\"", cx);
    if let Some(command) = &command
        && command.value.trim().is_empty()
    {
        cx.out.error(command.at, format!("`cmd` of {} is empty", table.who)).label("which program?");
    }
    let binary = Binary {
        path: command.map(|command| command.value).unwrap_or_default(),
        args: table.texts("args", cx).into_iter().map(|arg| arg.value).collect(),
        working_dir: working_dir(&table, folder, cx),
        ..Binary::default()
    };
    let kind = table.text("type", cx);
    let deployment = match &kind {
        Some(kind) if kind.value == Elsewhere::Docker.mode() => {
            elsewhere::note(&table, kind.at, Elsewhere::Docker, cx);
            Deployment::Unsupported { mode: Name::from(Elsewhere::Docker.mode()) }
        }
        Some(_) | None => Deployment::Binary(Arc::new(binary)),
    };
    let mut spec = ServiceSpec::new(name.value.as_str(), deployment);
    spec.kind = kind.map(|kind| kind.value).unwrap_or_default();
    let mut text = |key: &str| table.text(key, cx).map(|text| text.value);
    if let Some(display_name) = text("display_name") {
        spec.display_name = display_name;
    }
    spec.description = text("description").unwrap_or_default();
    spec.auto_start = table.bool("autostart", cx).unwrap_or(false);
    if let Some(policy) = table.word("restart_policy", &POLICIES, cx) {
        spec.restart.policy = policy.value;
        match policy.value {
            RestartPolicy::OnFailure => spec.restart.burst = MOST_RESTARTS,
            RestartPolicy::Always => {
                spec.restart.burst = trip::UNLIMITED;
                spec.restart.window = trip::NO_WINDOW;
            }
            RestartPolicy::Never => {}
        }
    }
    let port = table.integer("port", 1..=u16::MAX, cx);
    spec.port = port.as_ref().map(|port| port.value);
    spec.health = health(&table, spec.port, cx);
    if trip::is_limited(&spec.restart) {
        spec.restart.window = trip::fitting_window(&spec);
    }
    let mut declared = Declared::new(spec, name.at);
    declared.places.port = port.map(|port| port.at);
    Some(declared)
}

/// Absolute: the orchestrator starts everything relative to where its registry is.
fn working_dir(table: &Table<'_>, folder: &Path, cx: &mut Context<'_>) -> String {
    let dir = table.text("working_dir", cx).map(|dir| dir.value).unwrap_or_default();
    let dir = folder.join(dir);
    // Fails only where the current directory is gone; then the relative path is as good as any.
    std::path::absolute(&dir).unwrap_or(dir).to_string_lossy().into_owned()
}

/// Check functions are Python; what all of them but one do is to connect to their service's port.
fn health(table: &Table<'_>, port: Option<u16>, cx: &mut Context<'_>) -> Option<HealthSpec> {
    let function = table.text("health_check", cx)?;
    let name = &function.value;
    if name == ROS_CHECK {
        let command = "ros2 topic list > /dev/null".to_owned();
        return Some(every_ten_seconds(HealthCheck::Command { command, expected_exit_code: 0 }));
    }
    let Some(port) = port else {
        cx.out
            .warning(function.at, format!("health check `{name}` of {} has no port to connect to", table.who))
            .label("its health is not checked")
            .help("add `\"port\": …`");
        return None;
    };
    if !PORT_CHECKS.contains(&name.as_str()) {
        cx.out
            .warning(function.at, format!("{} has the health check `{name}`, which is not known here", table.who))
            .meant(nearest(name, PORT_CHECKS.into_iter().chain([ROS_CHECK])))
            .help(format!("in its place a connection to port {port} is tried"));
    }
    Some(every_ten_seconds(HealthCheck::Tcp { host: "localhost".to_owned(), port }))
}

fn every_ten_seconds(check: HealthCheck) -> HealthSpec {
    let (interval, timeout) = (Duration::from_secs(10), Duration::from_secs(5));
    HealthSpec { check: Arc::new(check), interval, retries: 3, timeout }
}
