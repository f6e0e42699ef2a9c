//! `[services.NAME…]` of boards and of registries of their own.

use std::time::Duration;

use ubmc_core::{
    ids::Name,
    services::{Binary, Deployment, Epoch, Group, Run, ServiceSpec},
};

use super::{
    names::{check_name, note_repeats},
    schema,
    source::{At, Span},
    table::{Context, Table},
    tree::Entry,
};

mod deployment;
mod discover;
mod graph;
mod health;
mod restart;
mod robot;

pub(super) use discover::discover;
pub(super) use graph::check;
pub(super) use robot::read as read_robot;

const GROUPS: [(&str, Group); 4] = [
    ("foundation", Group::Foundation),
    ("core", Group::Core),
    ("management", Group::Management),
    ("interface", Group::Interface),
];

const EPOCHS: [(&str, Epoch); 3] =
    [("bmc-boot", Epoch::BmcBoot), ("chassis-power", Epoch::ChassisPower), ("host-boot", Epoch::HostBoot)];

/// Most services that all registries together may declare.
pub(super) const MAX_SERVICES: usize = 4096;

/// A service and the places that later checks point at.
pub(super) struct Declared {
    pub(super) spec: ServiceSpec,
    pub(super) at: Span,
    pub(super) dependencies: Vec<At<String>>,
    pub(super) wants: Vec<At<String>>,
    pub(super) after: Vec<At<String>>,
    pub(super) before: Vec<At<String>>,
    pub(super) conflicts: Vec<At<String>>,
    pub(super) critical: Option<Span>,
    pub(super) port: Option<Span>,
    pub(super) burst: Option<Span>,
}

impl Declared {
    fn new(spec: ServiceSpec, at: Span) -> Self {
        Self {
            spec,
            at,
            dependencies: Vec::new(),
            wants: Vec::new(),
            after: Vec::new(),
            before: Vec::new(),
            conflicts: Vec::new(),
            critical: None,
            port: None,
            burst: None,
        }
    }
}

/// One service. With errors the result is incomplete, and used only to find further errors.
pub(super) fn read(entry: &Entry, cx: &mut Context<'_>) -> Option<Declared> {
    let who = format!("service `{}`", entry.key);
    check_name(&entry.key, entry.key_at, "service", &mut cx.out);
    let table = Table::open(&entry.node, entry.key_at, who, schema::SERVICE, cx)?;
    if let Some(name) = table.text("name", cx)
        && name.value != entry.key
    {
        cx.out
            .error(name.at, format!("{} calls itself `{}`", table.who, name.value))
            .label(format!("must be `{}`, or absent", entry.key));
    }
    let limits = deployment::limits(&table, cx);
    let deployment = deployment::read(&table, &entry.key, limits, cx);
    let mut spec = ServiceSpec::new(
        entry.key.as_str(),
        deployment.unwrap_or_else(|| Deployment::Binary(Binary::default().into())),
    );
    let mut text = |key: &str| table.text(key, cx).map(|text| text.value);
    if let Some(display_name) = text("display_name") {
        spec.display_name = display_name;
    }
    spec.description = text("description").unwrap_or_default();
    spec.kind = text("type").unwrap_or_default();
    spec.category = text("category").unwrap_or_default();
    if let Some(group) = table.word("group", &GROUPS, cx) {
        spec.group = group.value;
    }
    spec.critical = table.bool("critical", cx).unwrap_or(false);
    spec.protects_hardware = table.bool("protects_hardware", cx).unwrap_or(false);
    spec.required_for = table.texts("required_for", cx).into_iter().map(|text| text.value).collect();
    spec.run = run(&table, cx);
    if let (Deployment::Builtin(_), Run::Oneshot { .. }) = (&spec.deployment, spec.run) {
        let key = if table.has("once_per") { "once_per" } else { "oneshot" };
        cx.out
            .error(table.key_at(key), format!("{} is a task inside ubmcd, which never ends by itself", table.who))
            .label("cannot be a oneshot");
    }
    spec.health = health::read(&table, cx);
    let port = table.integer("port", 1..=u16::MAX, cx);
    spec.port = port.as_ref().map(|port| port.value);
    let startup = table.table("startup", schema::STARTUP, cx);
    if let Some(startup) = &startup {
        read_startup(startup, &mut spec, cx);
    }
    spec.readiness = health::readiness(&table, &spec, cx).unwrap_or_default();
    let burst = restart::read(&table, startup.as_ref(), &mut spec.restart, cx);

    let mut declared = Declared::new(spec, entry.key_at);
    let mut links = |key: &str, verb: &str| {
        let names = table.texts(key, cx);
        note_repeats(&names, &format!("{} {verb}", table.who), cx);
        names
    };
    declared.dependencies = links("dependencies", "depends on");
    declared.wants = links("wants", "wants");
    declared.after = links("after", "comes after");
    declared.before = links("before", "comes before");
    declared.conflicts = links("conflicts", "conflicts with");
    let names = |links: &[At<String>]| links.iter().map(|link| Name::from(link.value.as_str())).collect();
    declared.spec.dependencies = names(&declared.dependencies);
    declared.spec.wants = names(&declared.wants);
    declared.spec.after = names(&declared.after);
    declared.spec.before = names(&declared.before);
    declared.spec.conflicts = names(&declared.conflicts);
    declared.critical = table.has("critical").then(|| table.key_at("critical"));
    declared.port = port.map(|port| port.at);
    declared.burst = burst;
    Some(declared)
}

fn run(table: &Table<'_>, cx: &mut Context<'_>) -> Run {
    let once_per = table.word("once_per", &EPOCHS, cx).map(|epoch| epoch.value);
    match (table.bool("oneshot", cx), once_per) {
        (Some(false), Some(_)) => {
            cx.out
                .error(table.key_at("oneshot"), format!("{} has `once_per`, which makes it a oneshot", table.who))
                .label("remove it")
                .related(table.key_at("once_per"), "said here");
            Run::LongRunning
        }
        (Some(true), once_per) => Run::Oneshot { once_per },
        (None, Some(epoch)) => Run::Oneshot { once_per: Some(epoch) },
        (Some(false) | None, None) => Run::LongRunning,
    }
}

fn read_startup(startup: &Table<'_>, spec: &mut ServiceSpec, cx: &mut Context<'_>) {
    if let Some(auto_start) = startup.bool("auto_start", cx) {
        spec.auto_start = auto_start;
    }
    let set = |time: Option<At<Duration>>, place: &mut Duration| {
        if let Some(time) = time {
            *place = time.value;
        }
    };
    set(startup.positive_time("start_timeout", cx), &mut spec.start_timeout);
    set(startup.positive_time("stop_timeout", cx), &mut spec.stop_timeout);
    set(startup.time("start_delay", cx), &mut spec.start_delay);
    if let Some(order) = startup.integer("start_order", -1_000_000..=1_000_000, cx) {
        spec.start_order = order.value;
    }
}
