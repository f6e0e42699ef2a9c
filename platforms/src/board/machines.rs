//! `[machines.NAME]`: which definition, and which signal plays which role.

use std::{collections::BTreeMap, path::Path, rc::Rc, sync::Arc};

use indexmap::IndexMap;
use ubmc_core::{
    emergency::Need,
    ids::{FanId, MachineId, Name, SensorId, SequenceId, SignalId, SupplyId, ZoneId},
    machines::{Action, Definition, MachineKind, MachineSpec},
    power::{Direction, RailSpec, SequenceSpec},
    restore::{MOST_ATTEMPTS, RestorePolicy, RestoreSpec},
    sensors::SensorSpec,
};

use super::{
    definition,
    lines::{Signals, runs_against},
    names::{Section, note_repeats},
    power::Touches,
    schema, shipped,
    source::{self, At, NameOrFile, Span},
    table::{Context, Table, nearest, text},
    tree::{self, Value},
    verification::Written,
};

/// The other sections that machines refer to.
pub(super) struct Around<'a, 't> {
    pub(super) signals: Signals<'a, 't>,
    pub(super) zones: &'a Section<'t>,
    pub(super) supplies: &'a Section<'t>,
    pub(super) sequences: (&'a Section<'t>, &'a [SequenceSpec]),
    pub(super) rails: &'a [RailSpec],
    /// What each sensor is gated by.
    pub(super) sensors: &'a [SensorSpec],
    /// Parts that machines may need: sensors and fans.
    pub(super) parts: (&'a Section<'t>, &'a Section<'t>),
    /// Folder of the board file, where its own definitions are looked for.
    pub(super) folder: &'a Path,
}

/// Machines; parents have been ordered before their children.
pub(super) fn read(
    section: &Section<'_>,
    around: &Around<'_, '_>,
    cx: &mut Context<'_>,
) -> (Vec<MachineSpec>, Vec<Written>) {
    let mut specs: Vec<MachineSpec> = Vec::new();
    let mut written = Vec::new();
    let mut definitions = BTreeMap::new();
    let mut owners: BTreeMap<SignalId, (String, Span)> = BTreeMap::new();
    for entry in &section.entries {
        let who = format!("machine `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::MACHINE, cx) else { continue };
        let loaded = table
            .required_text("definition", "\"host\"", cx)
            .and_then(|name| load_definition(&name, &table, around.folder, &mut definitions, cx));
        let (definition, states) = loaded.map_or((None, None), |loaded| (Some(loaded.definition), loaded.states));
        let signals = match &definition {
            Some(definition) => roles(&table, definition, around.signals, &mut owners, cx),
            None => IndexMap::new(),
        };
        let sequences = match &definition {
            Some(definition) => sequence_roles(&table, definition, specs.len(), around, &mut owners, cx),
            None => IndexMap::new(),
        };
        let parent = parent(&table, section, &entry.key, cx);
        if let (Some(parent), Some(definition)) = (parent, &definition)
            && let Some(parent) = specs.get(parent.index())
        {
            let fits = matches!(
                (definition.kind, parent.definition.kind),
                (MachineKind::Host | MachineKind::Chassis, MachineKind::Chassis)
            );
            if !fits && !parent.definition.states.is_empty() {
                cx.out
                    .error(
                        table.key_at("parent"),
                        format!("{} cannot stand in a {}", table.who, parent.definition.kind),
                    )
                    .label(format!("`{}` is a {}", parent.name, parent.definition.kind));
            }
        }
        let zones = around.zones.find_all(&table.texts("zones", cx), &format!("{} is cooled by", table.who), cx);
        let supplies = around.supplies.find_all(&table.texts("supplies", cx), &format!("{} is fed by", table.who), cx);
        specs.push(MachineSpec {
            name: Name::from(entry.key.as_str()),
            definition: definition.unwrap_or_else(nothing),
            parent,
            signals,
            sequences,
            zones: zones.into_iter().map(ZoneId::new).collect(),
            supplies: supplies.into_iter().map(SupplyId::new).collect(),
            restore: restore(&table, cx),
            max_power_w: table.number("max_power", 0.0..=1e6, cx).map(|watts| watts.value),
            needs: needs(&table, around.parts, cx),
        });
        written.push(Written { at: table.value_at("definition"), states });
    }
    let bmcs: Vec<_> = section
        .entries
        .iter()
        .zip(&specs)
        .filter(|(_, spec)| spec.definition.kind == MachineKind::Bmc)
        .map(|(entry, _)| *entry)
        .collect();
    if let [first, second, ..] = bmcs.as_slice() {
        cx.out
            .error(second.key_at, format!("`{}` is a second BMC, and ubmcd is only one", second.key))
            .related(first.key_at, "the first one");
    }
    (specs, written)
}

/// Sensors and fans without which a machine is not powered on.
fn needs(table: &Table<'_>, (sensors, fans): (&Section<'_>, &Section<'_>), cx: &mut Context<'_>) -> Vec<Need> {
    let names = table.texts("needs", cx);
    note_repeats(&names, &format!("{} needs", table.who), cx);
    let mut found = Vec::new();
    for name in names {
        let place = |section: &Section<'_>| section.entries.iter().position(|entry| entry.key == name.value);
        if let Some(sensor) = place(sensors) {
            found.push(Need::Sensor(SensorId::new(sensor)));
        } else if let Some(fan) = place(fans) {
            found.push(Need::Fan(FanId::new(fan)));
        } else {
            let known = sensors.entries.iter().chain(&fans.entries).map(|entry| entry.key.as_str());
            cx.out
                .error(name.at, format!("{} needs `{}`, which is no sensor and no fan", table.who, name.value))
                .meant(nearest(&name.value, known));
        }
    }
    found
}

/// Stands in for a definition that could not be read; the load has failed.
fn nothing() -> Arc<Definition> {
    Arc::new(Definition {
        kind: MachineKind::Host,
        inputs: Vec::new(),
        outputs: Vec::new(),
        sequences: Vec::new(),
        states: IndexMap::new(),
        discovery: Vec::new(),
        undiscovered: Name::from(""),
        goals: IndexMap::new(),
    })
}

/// How it comes back after the loss of power.
fn restore(table: &Table<'_>, cx: &mut Context<'_>) -> RestoreSpec {
    let mut spec = RestoreSpec::default();
    let words = RestorePolicy::ALL.map(|policy| (policy.as_str(), policy));
    if let Some(policy) = table.word("restore", &words, cx) {
        spec.policy = policy.value;
    }
    if let Some(delay) = table.time("restore_delay", cx) {
        spec.delay = delay.value;
    }
    if let Some(attempts) = table.integer("boot_attempts", 0..=i64::from(MOST_ATTEMPTS), cx) {
        spec.boot_attempts = u32::try_from(attempts.value).unwrap_or(spec.boot_attempts);
    }
    spec
}

fn parent(table: &Table<'_>, section: &Section<'_>, own: &str, cx: &mut Context<'_>) -> Option<MachineId> {
    let name = table.text("parent", cx)?;
    if name.value == own {
        cx.out.error(name.at, format!("{} is its own parent", table.who));
        return None;
    }
    section.find(&name, &format!("{} stands in", table.who), cx).map(MachineId::new)
}

/// A definition, and where its states were written; absent: it is shipped.
#[derive(Clone)]
struct LoadedDefinition {
    definition: Arc<Definition>,
    states: Option<Rc<BTreeMap<Name, Span>>>,
}

type Definitions = BTreeMap<String, Option<LoadedDefinition>>;

fn load_definition(
    name: &At<String>,
    table: &Table<'_>,
    folder: &Path,
    loaded: &mut Definitions,
    cx: &mut Context<'_>,
) -> Option<LoadedDefinition> {
    if let Some(known) = loaded.get(&name.value) {
        return known.clone();
    }
    let is_shipped = shipped::machine(&name.value).is_some();
    let found = if let Some(text) = shipped::machine(&name.value) {
        Some((format!("machines/{}.toml", name.value), text.to_owned()))
    } else if matches!(NameOrFile::from(name.value.as_str()), NameOrFile::File(_)) {
        let path = folder.join(&name.value);
        match source::read(&path) {
            Ok(text) => {
                cx.files.push(path.clone());
                Some((path.display().to_string(), text))
            }
            Err(error) => {
                cx.out
                    .error(name.at, format!("the definition of {} {error}", table.who))
                    .label(path.display().to_string());
                None
            }
        }
    } else {
        cx.out
            .error(name.at, format!("{} has the definition `{}`, which is not shipped", table.who, name.value))
            .meant(nearest(&name.value, shipped::machines()))
            .help(format!(
                "shipped: {}; a file of your own ends in `.toml`",
                shipped::machines().collect::<Vec<_>>().join(", ")
            ));
        None
    };
    let definition = found.and_then(|(label, text)| {
        let file = cx.out.add_source(label, text.as_str());
        // What its states are together can be judged only when each of them could be read.
        let document = tree::parse_toml(&text, file, &mut cx.out).filter(|document| document.sound)?;
        let states = (!is_shipped).then(|| Rc::new(places(&document.root)));
        definition::read(&document.root, cx).map(Arc::new).map(|definition| LoadedDefinition { definition, states })
    });
    loaded.insert(name.value.clone(), definition.clone());
    definition
}

/// States by name, and where each was written.
fn places(root: &tree::Node) -> BTreeMap<Name, Span> {
    let Value::Table(entries) = &root.value else { return BTreeMap::new() };
    let states = entries.iter().find(|entry| entry.key == "states").map(|entry| &entry.node.value);
    let Some(Value::Table(states)) = states else { return BTreeMap::new() };
    states.iter().map(|entry| (Name::from(entry.key.as_str()), entry.key_at)).collect()
}

fn roles(
    table: &Table<'_>,
    definition: &Definition,
    signals: Signals<'_, '_>,
    owners: &mut BTreeMap<SignalId, (String, Span)>,
    cx: &mut Context<'_>,
) -> IndexMap<Name, SignalId> {
    let mut bound = IndexMap::new();
    let known = || definition.inputs.iter().chain(&definition.outputs);
    let met = cx.out.met();
    let entries = table.free_table("signals", cx);
    let readable = cx.out.met() == met;
    for entry in entries {
        let role = &entry.key;
        if !known().any(|known| known.as_str() == role) {
            cx.out
                .error(entry.key_at, format!("{} binds role `{role}`, which its definition does not have", table.who))
                .meant(nearest(role, known().map(Name::as_str)));
            continue;
        }
        let name = text(&entry.node, &format!("role `{role}` of {}", table.who), cx);
        let found = name.and_then(|name| {
            let index = signals.0.find(&name, &format!("{} has as `{role}` the", table.who), cx)?;
            Some((name, index))
        });
        let Some((name, index)) = found else {
            // Bound, though to nothing: that is the one problem worth telling.
            bound.insert(Name::from(role.as_str()), SignalId::new(0));
            continue;
        };
        let drives = definition.outputs.iter().any(|output| output.as_str() == role);
        if runs_against(signals, index, if drives { Direction::Output } else { Direction::Input }) {
            let (does, is) = if drives { ("drives", "an input") } else { ("reads", "an output") };
            cx.out
                .error(name.at, format!("{} {does} `{role}`, but signal `{}` is {is}", table.who, name.value))
                .related(signals.0.at(index), "declared here");
        }
        let id = SignalId::new(index);
        if drives && let Some((driver, at)) = owners.get(&id) {
            cx.out
                .error(name.at, format!("{driver} and {} both drive signal `{}`", table.who, name.value))
                .label("second owner")
                .related(*at, "first owner");
        } else if drives {
            owners.insert(id, (table.who.clone(), name.at));
        }
        bound.insert(Name::from(role.as_str()), id);
    }
    if !readable {
        return bound;
    }
    let unbound: Vec<_> = known().filter(|role| !bound.contains_key(*role)).map(|role| format!("`{role}`")).collect();
    if let [first, rest @ ..] = unbound.as_slice() {
        let roles = if rest.is_empty() { "role" } else { "roles" };
        cx.out
            .error(
                table.key_at("signals"),
                format!("{} has no signal for its {roles} {}", table.who, unbound.join(", ")),
            )
            .label(format!("needs {} = \"…\"", first.trim_matches('`')));
    }
    bound
}

/// Which sequence plays which role. Every line of one has this machine as its only owner.
fn sequence_roles(
    table: &Table<'_>,
    definition: &Definition,
    own: usize,
    around: &Around<'_, '_>,
    owners: &mut BTreeMap<SignalId, (String, Span)>,
    cx: &mut Context<'_>,
) -> IndexMap<Name, SequenceId> {
    let mut bound = IndexMap::new();
    let known = || definition.sequences.iter().map(Name::as_str);
    let met = cx.out.met();
    let entries = table.free_table("sequences", cx);
    let readable = cx.out.met() == met;
    for entry in entries {
        let role = &entry.key;
        if !known().any(|known| known == role) {
            cx.out
                .error(
                    entry.key_at,
                    format!("{} binds the sequence `{role}`, which its definition does not have", table.who),
                )
                .meant(nearest(role, known()));
            continue;
        }
        let name = text(&entry.node, &format!("sequence `{role}` of {}", table.who), cx);
        let found = name.and_then(|name| {
            let place = around.sequences.0.find(&name, &format!("{} runs as `{role}` the", table.who), cx)?;
            Some((SequenceId::new(place), name))
        });
        let (id, name) = found.unwrap_or((SequenceId::new(0), At::new(role.clone(), entry.key_at)));
        bound.insert(Name::from(role.as_str()), id);
        let touches = Touches::of(id, around.sequences.1, around.rails);
        for line in touches.lines {
            let signal = around.signals.0.name(line.index());
            match owners.get(&line) {
                Some((driver, at)) if *at != name.at => cx
                    .out
                    .error(name.at, format!("{driver} and {} both drive signal `{signal}`", table.who))
                    .label(format!("second owner, by sequence `{}`", name.value))
                    .related(*at, "first owner")
                    .done(),
                Some(_) | None => drop(owners.insert(line, (table.who.clone(), name.at))),
            }
        }
        for sensor in touches.voltages {
            if let Some(spec) = around.sensors.get(sensor.index())
                && spec.powered_by == Some(MachineId::new(own))
            {
                cx.out
                    .error(
                        name.at,
                        format!("sequence `{}` waits for `{}`, which is not read before", name.value, spec.name),
                    )
                    .help(format!("remove `powered_by` from sensor `{}`", spec.name));
            }
        }
        check_bound(table, definition, role, around.sequences.1.get(id.index()), name.at, cx);
    }
    let unbound: Vec<_> = known().filter(|role| !bound.contains_key(*role)).collect();
    if let [first, ..] = unbound.as_slice()
        && readable
    {
        cx.out
            .error(table.at, format!("{} has no sequence for `{}`", table.who, unbound.join("`, `")))
            .label(format!("needs sequences = {{ {first} = \"…\" }}"));
    }
    bound
}

/// A state that runs a sequence must last as long as that may.
fn check_bound(
    table: &Table<'_>,
    definition: &Definition,
    role: &str,
    sequence: Option<&SequenceSpec>,
    at: Span,
    cx: &mut Context<'_>,
) {
    let Some(sequence) = sequence else { return };
    for (state, def) in &definition.states {
        let runs = def.entry.iter().any(|action| match action {
            Action::Run { role: own } | Action::Undo { role: own } => own.as_str() == role,
            Action::Set { .. } | Action::Pulse { .. } => false,
        });
        if let Some(timeout) = def.timeout.filter(|timeout| runs && *timeout <= sequence.timeout) {
            cx.out
                .warning(at, format!("state `{state}` of {} ends before sequence `{}` may", table.who, sequence.name))
                .label(format!(
                    "the state lasts {} s at most, the sequence {} s",
                    timeout.as_secs_f64(),
                    sequence.timeout.as_secs_f64()
                ));
        }
    }
}
