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
mod elsewhere;
mod graph;
mod health;
mod operations;
mod readiness;
mod restart;
mod robot;
mod times;
mod trip;

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
    pub(super) required_for: Vec<At<String>>,
    pub(super) places: Places,
    restart: restart::Places,
}

/// Where single keys were written; absent: nowhere.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    pub(super) critical: Option<Span>,
    pub(super) port: Option<Span>,
    pub(super) once_per: Option<Span>,
    pub(super) health: Option<Span>,
    pub(super) start_timeout: Option<Span>,
    pub(super) stop_timeout: Option<Span>,
    pub(super) start_delay: Option<Span>,
    /// Keys that are there and could not be read.
    lost: Vec<&'static str>,
}

impl Places {
    /// Whether a key is there that could not be read: nothing follows from the default that stands in for it.
    pub(super) fn has_lost(&self, key: &str) -> bool {
        self.lost.contains(&key)
    }
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
            required_for: Vec::new(),
            places: Places::default(),
            restart: restart::Places::default(),
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
    let is_lost = deployment.is_none();
    let mut spec = ServiceSpec::new(
        entry.key.as_str(),
        deployment.unwrap_or_else(|| Deployment::Binary(Binary::default().into())),
    );
    describe(&table, &mut spec, cx);
    let mut places = Places::default();
    match table.word("group", &GROUPS, cx) {
        Some(group) => spec.group = group.value,
        None => places.lost.extend(table.has("group").then_some("group")),
    }
    places.lost.extend(is_lost.then_some("deployment"));
    match table.bool("critical", cx) {
        Some(critical) => spec.critical = critical,
        None => places.lost.extend(table.has("critical").then_some("critical")),
    }
    spec.protects_hardware = table.bool("protects_hardware", cx).unwrap_or(false);
    spec.run = run(&table, &spec.deployment, cx);
    spec.health = health::read(&table, cx);
    spec.readiness_check = health::read_readiness(&table, cx);
    spec.port = table.integer("port", 1..=u16::MAX, cx).map(|port| port.value);
    let startup = table.table("startup", schema::STARTUP, cx);
    match &startup {
        Some(startup) => read_startup(startup, &mut spec, &mut places, cx),
        None => places.lost.extend(table.has("startup").then_some("auto_start")),
    }
    spec.readiness = readiness::read(&table, &spec, cx);
    let restart = restart::read(&table, startup.as_ref(), &mut spec.restart, cx);
    if restart.window.is_none() && trip::is_limited(&spec.restart) {
        spec.restart.window = trip::fitting_window(&spec);
    }

    let place = |table: Option<&Table<'_>>, key: &str| table.filter(|table| table.has(key)).map(|t| t.value_at(key));
    places.critical = table.has("critical").then(|| table.key_at("critical"));
    places.port = place(Some(&table), "port");
    places.once_per = place(Some(&table), "once_per");
    places.health = table.has("health_check").then(|| table.key_at("health_check"));
    places.start_timeout = place(startup.as_ref(), "start_timeout");
    places.stop_timeout = place(startup.as_ref(), "stop_timeout");
    places.start_delay = place(startup.as_ref(), "start_delay");

    let mut declared = Declared { places, restart, ..Declared::new(spec, entry.key_at) };
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
    declared.required_for = links("required_for", "is required for");
    let names = |links: &[At<String>]| links.iter().map(|link| Name::from(link.value.as_str())).collect();
    declared.spec.dependencies = names(&declared.dependencies);
    declared.spec.wants = names(&declared.wants);
    declared.spec.after = names(&declared.after);
    declared.spec.before = names(&declared.before);
    declared.spec.conflicts = names(&declared.conflicts);
    declared.spec.required_for = declared.required_for.iter().map(|operation| operation.value.clone()).collect();
    Some(declared)
}

/// What is for people only.
fn describe(table: &Table<'_>, spec: &mut ServiceSpec, cx: &mut Context<'_>) {
    let mut text = |key: &str| table.text(key, cx).map(|text| text.value);
    if let Some(display_name) = text("display_name") {
        spec.display_name = display_name;
    }
    spec.description = text("description").unwrap_or_default();
    spec.kind = text("type").unwrap_or_default();
    spec.category = text("category").unwrap_or_default();
}

fn run(table: &Table<'_>, deployment: &Deployment, cx: &mut Context<'_>) -> Run {
    let once_per = table.word("once_per", &EPOCHS, cx).map(|epoch| epoch.value);
    let run = match (table.bool("oneshot", cx), once_per) {
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
    };
    if let (Deployment::Builtin(_), Run::Oneshot { .. }) = (deployment, run) {
        let key = if table.has("once_per") { "once_per" } else { "oneshot" };
        cx.out
            .error(table.key_at(key), format!("{} is a task inside ubmcd, which never ends by itself", table.who))
            .label("cannot be a oneshot");
    }
    run
}

fn read_startup(startup: &Table<'_>, spec: &mut ServiceSpec, places: &mut Places, cx: &mut Context<'_>) {
    match startup.bool("auto_start", cx) {
        Some(auto_start) => spec.auto_start = auto_start,
        None => places.lost.extend(startup.has("auto_start").then_some("auto_start")),
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
