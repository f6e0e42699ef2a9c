//! Puts the files of a load together.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    time::Duration,
};

use ubmc_core::{
    board::{Board, Policy},
    services::{Builtin, Deployment},
};

use super::{
    bindings::{Bindings, Hardware},
    diagnostic::Diagnostics,
    lines,
    machines::{self, Around},
    names::{Section, bounded, check_name, raw_texts},
    schema, sensors,
    services::{self, Declared, MAX_SERVICES},
    shipped, simulation,
    source::{self, NameOrFile, Span},
    table::{Context, Table, nearest},
    thermal, tree,
};
use crate::sim::SimConfig;

/// What is to be loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The board.
    pub board: NameOrFile,
    /// Further registries: TOML, or JSON when the name ends in `.json`.
    pub registries: Vec<PathBuf>,
    /// Folder to discover services in: executables `DIR/NAME/NAME`. Absent: none.
    pub services_dir: Option<PathBuf>,
    /// What `${VAR}` stands for: the environment of ubmcd, and `UBMC_BIN_DIR`.
    pub vars: BTreeMap<String, String>,
}

/// A board that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// For the core.
    pub board: Board,
    /// For whoever opens hardware.
    pub bindings: Bindings,
    /// The simulated hardware. Absent: the board is real.
    pub sim: Option<SimConfig>,
    /// What works, but probably not as meant.
    pub warnings: Diagnostics,
}

/// Loads and checks everything. All errors of all files are reported together.
pub fn load(options: &LoadOptions) -> Result<Loaded, Diagnostics> {
    let mut cx = Context { out: Diagnostics::default(), vars: &options.vars };
    let mut board = Board::default();
    let mut bindings = Bindings::default();
    let mut sim = None;
    let mut services = Vec::new();
    let mut sections = Vec::new();

    if let Some((label, text, folder)) = board_text(&options.board, &mut cx) {
        let file = cx.out.add_source(label, text.as_str());
        if let Some(root) = tree::parse_toml(&text, file, &mut cx.out) {
            sim = simulation::read(&text, &root, file, &mut cx);
            sections = places(&root);
            (board, bindings) = read_board(&root, &folder, sim.as_ref(), &mut services, &mut cx);
        }
    }
    for path in &options.registries {
        load_registry(path, &mut services, &mut cx);
    }
    if let Some(folder) = &options.services_dir {
        let found = services::discover(folder, |name| services.iter().any(|s| s.spec.name.as_str() == name), &mut cx);
        services.extend(found);
    }
    if services.len() > MAX_SERVICES {
        let at = services.get(MAX_SERVICES).map(|service| service.at).unwrap_or_default();
        bounded(&services, at, "services", MAX_SERVICES, &mut cx);
    } else {
        services::check(&mut services, &mut cx);
    }
    check_tasks(&sections, &services, &mut cx);
    board.services = services.into_iter().map(|service| service.spec).collect();

    let mut out = cx.out;
    out.sort();
    if out.errors() > 0 { Err(out) } else { Ok(Loaded { board, bindings, sim, warnings: out }) }
}

/// Keys of the file's root, and where they stand.
fn places(root: &tree::Node) -> Vec<(String, Span)> {
    match &root.value {
        tree::Value::Table(entries) => entries.iter().map(|entry| (entry.key.clone(), entry.key_at)).collect(),
        _ => Vec::new(),
    }
}

/// A board that runs built-in tasks at all, but not the one that serves what it declares, has probably forgotten it.
fn check_tasks(sections: &[(String, Span)], services: &[Declared], cx: &mut Context<'_>) {
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
        if let Some((_, at)) = sections.iter().find(|(key, _)| key == section)
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

/// Label, text, and the folder that the board's own files are relative to.
fn board_text(board: &NameOrFile, cx: &mut Context<'_>) -> Option<(String, String, PathBuf)> {
    match board {
        NameOrFile::Name(name) => {
            if let Some(text) = shipped::board(name) {
                return Some((format!("boards/{name}.toml"), text.to_owned(), PathBuf::new()));
            }
            let known: Vec<_> = shipped::boards().collect();
            let help = match nearest(name, known.iter().copied()) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!("shipped boards: {}; a file of your own ends in `.toml`", known.join(", ")),
            };
            cx.out.error_about("", format!("there is no shipped board `{name}`")).help(help);
            None
        }
        NameOrFile::File(path) => {
            let text = read_file(path, cx)?;
            Some((path.display().to_string(), text, path.parent().map(Path::to_owned).unwrap_or_default()))
        }
    }
}

fn read_file(path: &Path, cx: &mut Context<'_>) -> Option<String> {
    match source::read(path) {
        Ok(text) => Some(text),
        Err(error) => {
            cx.out.error_about(path.display().to_string(), error.to_string()).done();
            None
        }
    }
}

/// Reads one further registry.
fn load_registry(path: &Path, services: &mut Vec<Declared>, cx: &mut Context<'_>) {
    let Some(text) = read_file(path, cx) else { return };
    let file = cx.out.add_source(path.display().to_string(), text.as_str());
    if path.extension().is_some_and(|extension| extension == "json") {
        if let Some(root) = tree::parse_json(&text, file, &mut cx.out) {
            let folder = path.parent().unwrap_or(Path::new(""));
            services.extend(services::read_robot(&root, folder, cx));
        }
        return;
    }
    let Some(root) = tree::parse_toml(&text, file, &mut cx.out) else { return };
    let head = Span { file, start: 0, end: 0 };
    if let Some(table) = Table::open(&root, head, "the registry", schema::REGISTRY, cx) {
        read_services(&table, services, cx);
    }
}

fn read_services(root: &Table<'_>, services: &mut Vec<Declared>, cx: &mut Context<'_>) {
    let entries = root.free_table("services", cx);
    bounded(entries, root.key_at("services"), "services", MAX_SERVICES, cx);
    for entry in entries.iter().take(MAX_SERVICES) {
        services.extend(services::read(entry, cx));
    }
}

fn read_board(
    root: &tree::Node,
    folder: &Path,
    sim: Option<&SimConfig>,
    services: &mut Vec<Declared>,
    cx: &mut Context<'_>,
) -> (Board, Bindings) {
    let head = Span { end: 0, start: 0, ..root.at };
    let Some(root) = Table::open(root, head, "the board file", schema::ROOT, cx) else { return Default::default() };
    let mut board = Board { policy: policy(&root, cx), ..Board::default() };
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
    let mut machines = Section::collect(&root, "machines", "machine", 64, cx);
    let leds = Section::collect(&root, "leds", "LED", 1024, cx);
    let inputs = |node| ["sum", "maximum", "of"].iter().flat_map(|key| raw_texts(node, &["derived", key])).collect();
    sensors.order_by(inputs, "are derived from", cx);
    machines.order_by(|node| raw_texts(node, &["parent"]), "stand in", cx);

    let mut hardware = Hardware::new(sim.map(crate::sim::catalog), root.has("sim"));
    let mut bindings = Bindings::default();
    let kinds = sensors::kinds(&sensors);
    (board.signals, bindings.signals) = lines::signals(&signals, &mut hardware, cx);
    (board.sensors, bindings.sensors) = sensors::read(&sensors, &machines, &mut hardware, cx);
    (board.fans, bindings.fans) = thermal::fans(&fans, (&sensors, &kinds), &mut hardware, cx);
    board.zones = thermal::zones(&zones, &fans, &sensors, &board.sensors, cx);
    board.supplies = lines::supplies(&supplies, (&signals, &board.signals), (&sensors, &kinds), cx);
    (board.leds, bindings.leds) = lines::leds(&leds, &mut hardware, cx);
    let around = Around { signals: (&signals, &board.signals), zones: &zones, supplies: &supplies, folder };
    board.machines = machines::read(&machines, &around, cx);
    read_services(&root, services, cx);

    for service in services.iter() {
        if let Some(machine) = machines.position(service.spec.name.as_str()) {
            cx.out
                .error(service.at, format!("`{}` is the name of a service and of a machine", service.spec.name))
                .help("`why NAME` must know which of them is meant")
                .related(machines.at(machine), "the machine");
        }
    }
    (board, bindings)
}

fn policy(root: &Table<'_>, cx: &mut Context<'_>) -> Policy {
    let mut policy = Policy::default();
    let Some(table) = root.table("policy", schema::POLICY, cx) else { return policy };
    let set = |time: Option<source::At<Duration>>, place: &mut Duration| {
        if let Some(time) = time {
            *place = time.value;
        }
    };
    set(table.positive_time("start_timeout", cx), &mut policy.start_timeout);
    set(table.positive_time("stop_timeout", cx), &mut policy.stop_timeout);
    if let Some(most) = table.integer("max_concurrent_power_on", 1..=1024_i64, cx) {
        policy.max_concurrent_power_on = usize::try_from(most.value).unwrap_or(1);
    }
    policy
}
