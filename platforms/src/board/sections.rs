//! The sections of a board file, in the order in which they refer to each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    time::Duration,
};

use ubmc_core::{
    board::{Board, Policy, Reboot},
    emergency::{Reaction, Response},
    machines::MachineKind,
    services::{Builtin, Deployment},
};

use super::{
    bindings::Bindings,
    lines,
    machines::{self, Around},
    names::{Section, bounded, check_name, raw_texts},
    never, power, schema, sensors,
    services::{self, Declared, MAX_SERVICES},
    source::{At, Span},
    sources::Hardware,
    table::{Context, Table},
    thermal::{self, Sensors},
    tree::{Node, Value},
    verification::Written,
};
use crate::sim::SimConfig;

/// What a board file gives.
pub(super) struct Read {
    pub(super) board: Board,
    pub(super) bindings: Bindings,
    pub(super) house: House,
    /// Where machines were written, and what must never be.
    pub(super) written: (Vec<Written>, Vec<Span>),
}

/// What services are judged against, whichever file they stand in.
pub(super) struct House {
    /// Kinds of the board's machines. Absent: some could not be read.
    pub(super) kinds: Option<BTreeSet<MachineKind>>,
    /// From the start of the daemon until every group is complete; the place where the board says so.
    pub(super) start_timeout: (Duration, Option<Span>),
    /// From the request to stop until what is left is ended; the place where the board says so.
    pub(super) stop_timeout: (Duration, Option<Span>),
    /// Machines by name, and where they are declared.
    pub(super) machines: BTreeMap<String, Span>,
    /// The file's sections, and where they stand.
    sections: Vec<(String, Span)>,
}

impl House {
    /// Of a board that could not be read.
    pub(super) fn unknown() -> Self {
        let policy = Policy::default();
        Self {
            kinds: None,
            start_timeout: (policy.start_timeout, None),
            stop_timeout: (policy.stop_timeout, None),
            machines: BTreeMap::new(),
            sections: Vec::new(),
        }
    }
}

const RESPONSES: [(&str, Response); 4] = [
    ("alert", Response::Alert),
    ("shut-down", Response::ShutDown),
    ("force-off", Response::ForceOff),
    ("isolate", Response::Isolate),
];

/// Reads a board file. Its services are added to those that are there.
pub(super) fn read(
    root: &Node,
    folder: &Path,
    sim: Option<&SimConfig>,
    services: &mut Vec<Declared>,
    cx: &mut Context<'_>,
) -> Option<Read> {
    let head = Span { end: 0, start: 0, ..root.at };
    let sections = places(root);
    let root = Table::open(root, head, "the board file", schema::ROOT, cx)?;
    let mut house = House { sections, ..House::unknown() };
    let mut board = Board { policy: policy(&root, &mut house, cx), ..Board::default() };
    if sim.is_some() && board.policy.reboot == Reboot::Unknown {
        board.policy.reboot = Reboot::Anew;
    }
    if !root.has("board") {
        root.missing("board", "{ name = \"…\" }", cx);
    }
    if let Some(table) = root.table("board", schema::BOARD, cx) {
        if let Some(name) = table.required_text("name", "\"…\"", cx) {
            check_name(&name.value, name.at, "board", &mut cx.out);
            board.name = name.value;
        }
        board.description = table.text("description", cx).map(|text| text.value).unwrap_or_default();
    }

    let signals = Section::collect(&root, "signals", "signal", 4096, cx);
    let mut sensors = Section::collect(&root, "sensors", "sensor", 4096, cx);
    let fans = Section::collect(&root, "fans", "fan", 256, cx);
    let zones = Section::collect(&root, "zones", "zone", 64, cx);
    let supplies = Section::collect(&root, "supplies", "supply", 64, cx);
    let mut rails = Section::collect(&root, "rails", "rail", 256, cx);
    let sequences = Section::collect(&root, "sequences", "sequence", 64, cx);
    let mut machines = Section::collect(&root, "machines", "machine", 64, cx);
    let leds = Section::collect(&root, "leds", "LED", 1024, cx);
    let inputs = |node| ["sum", "maximum", "of"].iter().flat_map(|key| raw_texts(node, &["derived", key])).collect();
    sensors.order_by(inputs, "are derived from", cx);
    rails.order_by(|node| raw_texts(node, &["requires"]), "require", cx);
    machines.order_by(|node| raw_texts(node, &["parent"]), "stand in", cx);

    let mut hardware = Hardware::new(sim.map(crate::sim::catalog), root.has("sim"));
    let mut bindings = Bindings::default();
    let kinds = sensors::kinds(&sensors);
    let directions = lines::directions(&signals);
    (board.signals, bindings.signals) = lines::signals(&signals, &mut hardware, cx);
    (board.sensors, bindings.sensors) = sensors::read(&sensors, &machines, &mut hardware, cx);
    (board.fans, bindings.fans) = thermal::fans(&fans, (&sensors, &kinds), &mut hardware, cx);
    let known = Sensors { section: &sensors, kinds: &kinds, specs: &board.sensors };
    board.zones = thermal::zones(&zones, &fans, &known, cx);
    (board.supplies, bindings.supplies) =
        lines::supplies(&supplies, (&signals, &directions), (&sensors, &kinds), &mut hardware, cx);
    (board.leds, bindings.leds) = lines::leds(&leds, &mut hardware, cx);
    bindings.watchdog = hardware.watchdog(&root, cx);
    let sources = power::Around { signals: (&signals, &directions), sensors: (&sensors, &kinds) };
    (board.rails, bindings.rails) = power::rails(&rails, sources, &mut hardware, cx);
    board.sequences = power::sequences(&sequences, (&rails, &board.rails), sources, cx);
    let around = Around {
        signals: (&signals, &directions),
        zones: &zones,
        supplies: &supplies,
        sequences: (&sequences, &board.sequences),
        rails: &board.rails,
        sensors: &board.sensors,
        parts: (&sensors, &fans),
        folder,
    };
    let met = cx.out.met();
    let (specs, written) = machines::read(&machines, &around, cx);
    board.machines = specs;
    if machines.is_whole(cx) && cx.out.met() == met {
        house.kinds = Some(board.machines.iter().map(|machine| machine.definition.kind).collect());
    }
    let (never, places) = never::read(&root, &machines, &board.machines, cx);
    board.never = never;
    read_services(&root, services, cx);
    house.machines = machines.entries.iter().map(|entry| (entry.key.clone(), entry.key_at)).collect();
    Some(Read { board, bindings, house, written: (written, places) })
}

/// The services of a board file or a registry.
pub(super) fn read_services(root: &Table<'_>, services: &mut Vec<Declared>, cx: &mut Context<'_>) {
    let met = cx.out.met();
    let entries = root.free_table("services", cx);
    cx.unseen |= cx.out.met() != met;
    bounded(entries, root.key_at("services"), "services", MAX_SERVICES, cx);
    for entry in entries.iter().take(MAX_SERVICES) {
        match services::read(entry, cx) {
            Some(service) => services.push(service),
            None => drop(cx.lost.insert(entry.key.clone())),
        }
    }
}

fn policy(root: &Table<'_>, house: &mut House, cx: &mut Context<'_>) -> Policy {
    let mut policy = Policy::default();
    let Some(table) = root.table("policy", schema::POLICY, cx) else { return policy };
    let set = |time: Option<At<Duration>>, place: &mut (Duration, Option<Span>)| {
        if let Some(time) = time {
            *place = (time.value, Some(time.at));
        }
    };
    set(table.positive_time("start_timeout", cx), &mut house.start_timeout);
    set(table.positive_time("stop_timeout", cx), &mut house.stop_timeout);
    (policy.start_timeout, policy.stop_timeout) = (house.start_timeout.0, house.stop_timeout.0);
    if let Some(most) = table.integer("max_concurrent_power_on", 1..=1024_i64, cx) {
        policy.max_concurrent_power_on = usize::try_from(most.value).unwrap_or(1);
    }
    if let Some(tries) = table.integer("power_on_tries", 1..=10_u32, cx) {
        policy.power_on_tries = tries.value;
    }
    let reboot: Vec<_> = table.texts("reboot_command", cx).into_iter().map(|text| text.value).collect();
    match reboot.first() {
        Some(program) if !program.trim().is_empty() => policy.reboot = Reboot::Command(reboot),
        None if !table.has("reboot_command") => {}
        Some(_) | None => {
            cx.out
                .error(table.key_at("reboot_command"), "`reboot_command` names no program")
                .help("write a program and its arguments, e.g. [\"reboot\"]");
        }
    }
    reaction(&table, "supplies", &mut policy.emergency.supplies, cx);
    reaction(&table, "parts", &mut policy.emergency.parts, cx);
    policy
}

fn reaction(policy: &Table<'_>, key: &str, reaction: &mut Reaction, cx: &mut Context<'_>) {
    let Some(table) = policy.table(key, schema::REACTION, cx) else { return };
    if let Some(response) = table.word("response", &RESPONSES, cx) {
        reaction.response = response.value;
        if key == "supplies" && response.value == Response::Isolate {
            cx.out
                .error(response.at, "nothing is isolated for want of supplies")
                .help("write \"alert\", \"shut-down\" or \"force-off\"");
        }
    }
    if let Some(after) = table.time("after", cx) {
        reaction.after = after.value;
    }
}

/// Keys of the file's root, and where they stand.
fn places(root: &Node) -> Vec<(String, Span)> {
    match &root.value {
        Value::Table(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.key_at)).collect(),
        _ => Vec::new(),
    }
}

/// A board that runs built-in tasks at all, but not the one that serves what it declares, has probably forgotten it.
pub(super) fn check_tasks(house: &House, services: &[Declared], cx: &mut Context<'_>) {
    // Any service that could not be read may be the one.
    if cx.unseen || !cx.lost.is_empty() || services.iter().any(|service| service.places.has_lost("deployment")) {
        return;
    }
    let tasks: Vec<_> = services
        .iter()
        .filter_map(|service| match service.spec.deployment {
            Deployment::Builtin(task) => Some(task),
            Deployment::Binary(_) | Deployment::Unsupported { .. } => None,
        })
        .collect();
    let served = [
        ("sensors", Builtin::Sensormon, "never read"),
        ("zones", Builtin::Thermalmgr, "never cooled"),
        ("leds", Builtin::Ledmgr, "never lit"),
    ];
    for (section, task, fate) in served {
        if let Some((_, at)) = house.sections.iter().find(|(key, _)| key == section)
            && !tasks.is_empty()
            && !tasks.contains(&task)
        {
            cx.out
                .warning(*at, format!("the board has {section}, but no service is the task `{}`", task.as_str()))
                .label(fate)
                .help(format!("add `[services.{}]` with `deployment = {{ mode = \"builtin\" }}`", task.as_str()));
        }
    }
}
