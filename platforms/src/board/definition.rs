//! Machine definition files: `machines/*.toml` or a board's own.

use std::time::Duration;

use indexmap::IndexMap;
use ubmc_core::{
    ids::Name,
    machines::{Action, Condition, Definition, Demand, MachineKind, StateDef, Tone, Transition, Trigger},
    units::Level,
};

use super::{
    definition_check,
    names::check_name,
    schema,
    source::{At, Span},
    table::{Context, Table, choose, nearest, text, wrong_type},
    tree::{Entry, Node, Value},
};

const KINDS: [(&str, MachineKind); 3] =
    [("host", MachineKind::Host), ("chassis", MachineKind::Chassis), ("bmc", MachineKind::Bmc)];
const TONES: [(&str, Tone); 3] =
    [("normal", Tone::Normal), ("transitional", Tone::Transitional), ("fault", Tone::Fault)];
const LEVELS: [(&str, Level); 2] = [("high", Level::High), ("low", Level::Low)];
fn demands() -> [(&'static str, Demand); Demand::ALL.len()] {
    Demand::ALL.map(|demand| (demand.as_str(), demand))
}

#[derive(Clone, Copy)]
enum Happening {
    Timeout,
    SequenceDone,
    SequenceFailed,
    RailLost,
    ParentOff,
    ServicesReady,
    ServicesFailed,
    ShuttingDown,
}

const HAPPENINGS: [(&str, Happening); 8] = [
    ("timeout", Happening::Timeout),
    ("sequence-done", Happening::SequenceDone),
    ("sequence-failed", Happening::SequenceFailed),
    ("rail-lost", Happening::RailLost),
    ("parent-off", Happening::ParentOff),
    ("services-ready", Happening::ServicesReady),
    ("services-failed", Happening::ServicesFailed),
    ("shutting-down", Happening::ShuttingDown),
];

/// Where the parts of a definition were written, for the checks that look at the whole.
pub(super) struct Places {
    /// Whether everything could be read.
    pub(super) sound: bool,
    pub(super) inputs: Vec<At<String>>,
    pub(super) outputs: Vec<At<String>>,
    pub(super) sequences: Vec<At<String>>,
    /// Keys of `[goals]`.
    pub(super) goals: Vec<At<Demand>>,
    /// By state, in order of the states.
    pub(super) states: Vec<StatePlaces>,
}

pub(super) struct StatePlaces {
    /// Whether everything in it could be read; what follows from a state that could not be is not worth telling.
    pub(super) sound: bool,
    pub(super) at: Span,
    pub(super) timeout: Option<Span>,
    /// Parallel to the state's transitions.
    pub(super) transitions: Vec<Span>,
}

struct Reader<'r> {
    inputs: &'r [At<String>],
    outputs: &'r [At<String>],
    sequences: &'r [At<String>],
    states: Vec<&'r str>,
}

/// Reads and checks a definition; nothing when it has errors, so that no machine is blamed for them as well.
pub(super) fn read(root: &Node, cx: &mut Context<'_>) -> Option<Definition> {
    let noted = cx.out.errors();
    let definition = read_all(root, cx)?;
    (cx.out.errors() == noted).then_some(definition)
}

fn read_all(root: &Node, cx: &mut Context<'_>) -> Option<Definition> {
    let noted = cx.out.errors();
    let file = Span { end: root.at.start, ..root.at };
    let table = Table::open(root, file, "the machine definition", schema::DEFINITION, cx)?;
    let inputs = table.texts("inputs", cx);
    let outputs = table.texts("outputs", cx);
    let sequences = table.texts("sequences", cx);
    let kind = table.required_word("kind", &KINDS, cx).map_or(MachineKind::Host, |kind| kind.value);
    let states = table.free_table("states", cx);
    if !table.has("states") {
        table.missing("states", "…", cx);
    }
    for state in states {
        check_name(&state.key, state.key_at, "state", &mut cx.out);
    }
    let reader = Reader {
        inputs: &inputs,
        outputs: &outputs,
        sequences: &sequences,
        states: states.iter().map(|e| e.key.as_str()).collect(),
    };

    let mut defs = IndexMap::new();
    let mut state_places = Vec::new();
    for entry in states {
        let (def, places) = reader.state(entry, cx)?;
        defs.insert(Name::from(entry.key.as_str()), def);
        state_places.push(places);
    }
    let undiscovered = table.required_text("undiscovered", "\"off\"", cx).map(|name| {
        reader.check_state(&name, "`undiscovered` names", cx);
        Name::from(name.value)
    });
    let definition = Definition {
        kind,
        discovery: reader.discovery(&table, cx),
        goals: reader.goals(&table, cx),
        inputs: inputs.iter().map(|role| Name::from(role.value.as_str())).collect(),
        outputs: outputs.iter().map(|role| Name::from(role.value.as_str())).collect(),
        sequences: sequences.iter().map(|role| Name::from(role.value.as_str())).collect(),
        states: defs,
        undiscovered: undiscovered.unwrap_or_else(|| Name::from("")),
    };
    let goals = goal_places(&table, cx);
    let sound = cx.out.errors() == noted;
    definition_check::check(
        &definition,
        &Places { sound, goals, inputs, outputs, sequences, states: state_places },
        cx,
    );
    Some(definition)
}

fn goal_places(table: &Table<'_>, cx: &mut Context<'_>) -> Vec<At<Demand>> {
    let entries = table.free_table("goals", cx);
    let place = |(word, demand): (&str, Demand)| {
        entries.iter().find(|entry| entry.key == word).map(|entry| At::new(demand, entry.key_at))
    };
    demands().into_iter().filter_map(place).collect()
}

impl Reader<'_> {
    fn check_state(&self, name: &At<String>, who: &str, cx: &mut Context<'_>) {
        if !self.states.contains(&name.value.as_str()) {
            cx.out
                .error(name.at, format!("{who} state `{}`, which the definition does not have", name.value))
                .meant(nearest(&name.value, self.states.iter().copied()));
        }
    }

    fn check_role(role: &At<String>, known: &[At<String>], which: &str, who: &str, cx: &mut Context<'_>) {
        if !known.iter().any(|known| known.value == role.value) {
            cx.out
                .error(role.at, format!("{who} role `{}`, which is not among the {which}", role.value))
                .meant(nearest(&role.value, known.iter().map(|known| known.value.as_str())));
        }
    }

    fn state(&self, entry: &Entry, cx: &mut Context<'_>) -> Option<(StateDef, StatePlaces)> {
        let noted = cx.out.errors();
        let who = format!("state `{}`", entry.key);
        let table = Table::open(&entry.node, entry.key_at, who, schema::STATE, cx)?;
        let tone = table.word("tone", &TONES, cx).map_or(Tone::Normal, |tone| tone.value);
        if !table.has("powered") {
            table.missing("powered", "true", cx);
        }
        let timeout = table.positive_time("timeout", cx);
        let entry_actions = table.list("entry", cx).iter().filter_map(|item| self.action(&table, item, cx)).collect();
        let mut transitions = Vec::new();
        let mut places = Vec::new();
        for item in table.list("transitions", cx) {
            if let Some(transition) = self.transition(&table, item, cx) {
                transitions.push(transition);
                places.push(item.at);
            }
        }
        let def = StateDef {
            description: table.text("description", cx).map(|text| text.value).unwrap_or_default(),
            tone,
            powered: table.bool("powered", cx).unwrap_or(false),
            timeout: timeout.as_ref().map(|timeout| timeout.value),
            entry: entry_actions,
            transitions,
        };
        let sound = cx.out.errors() == noted;
        let timeout = timeout.map(|timeout| timeout.at);
        Some((def, StatePlaces { sound, at: table.at, timeout, transitions: places }))
    }

    fn action(&self, state: &Table<'_>, item: &Node, cx: &mut Context<'_>) -> Option<Action> {
        let table = Table::open(item, item.at, format!("an entry action of {}", state.who), schema::ACTION, cx)?;
        for (key, belongs) in [("level", "set"), ("duration", "pulse")] {
            if table.has(key) && !table.has(belongs) {
                cx.out.error(table.key_at(key), format!("`{key}` of {} belongs to `{belongs}`", table.who));
            }
        }
        let given = ["set", "pulse", "run", "undo"].into_iter().filter(|key| table.has(key)).count();
        if given != 1 {
            cx.out.error(item.at, format!("{} needs exactly one of `set`, `pulse`, `run` and `undo`", table.who)).help(
                "`{ set = ROLE, level = \"high\" }`, `{ pulse = ROLE, duration = \"200ms\" }`, `{ run = SEQUENCE }`",
            );
            return None;
        }
        for key in ["run", "undo"] {
            let Some(role) = table.text(key, cx) else { continue };
            Self::check_role(&role, self.sequences, "sequences", &format!("{} {key}s", state.who), cx);
            let role = Name::from(role.value);
            return Some(if key == "run" { Action::Run { role } } else { Action::Undo { role } });
        }
        match (table.text("set", cx), table.text("pulse", cx)) {
            (Some(role), None) => {
                Self::check_role(&role, self.outputs, "outputs", &format!("{} sets", state.who), cx);
                let level = table.required_word("level", &LEVELS, cx)?.value;
                Some(Action::Set { role: Name::from(role.value), level })
            }
            (None, Some(role)) => {
                Self::check_role(&role, self.outputs, "outputs", &format!("{} pulses", state.who), cx);
                if !table.has("duration") {
                    table.missing("duration", "\"200ms\"", cx);
                }
                let duration = table.positive_time("duration", cx)?.value;
                if duration > Duration::from_secs(60) {
                    cx.out.error(table.key_at("duration"), "a pulse of more than a minute is no pulse");
                }
                Some(Action::Pulse { role: Name::from(role.value), duration })
            }
            // It was no text, and that has been noted.
            (None, None) | (Some(_), Some(_)) => None,
        }
    }

    fn transition(&self, state: &Table<'_>, item: &Node, cx: &mut Context<'_>) -> Option<Transition> {
        let table = Table::open(item, item.at, format!("a transition of {}", state.who), schema::TRANSITION, cx)?;
        let to = table.required_text("to", "\"off\"", cx);
        if let Some(to) = &to {
            self.check_state(to, &format!("{} goes to", state.who), cx);
        }
        let guard = self.conditions(&table, "when", cx);
        let given = ["request", "rises", "falls", "event"].into_iter().filter(|key| table.has(key)).count();
        if given != 1 {
            cx.out
                .error(item.at, format!("{} needs exactly one trigger", table.who))
                .help("`request = \"on\"`, `rises = ROLE`, `falls = ROLE`, or `event = \"timeout\"`");
            return None;
        }
        let role = |key: &str, cx: &mut Context<'_>| {
            let role = table.text(key, cx)?;
            Self::check_role(&role, self.inputs, "inputs", &format!("{} waits for", state.who), cx);
            Some(Name::from(role.value))
        };
        let on = if let Some(demand) = table.word("request", &demands(), cx) {
            Trigger::Demand(demand.value)
        } else if let Some(role) = role("rises", cx) {
            Trigger::Rises(role)
        } else if let Some(role) = role("falls", cx) {
            Trigger::Falls(role)
        } else {
            match table.word("event", &HAPPENINGS, cx)?.value {
                Happening::Timeout => Trigger::Timeout,
                Happening::SequenceDone => Trigger::SequenceDone,
                Happening::SequenceFailed => Trigger::SequenceFailed,
                Happening::RailLost => Trigger::RailLost,
                Happening::ParentOff => Trigger::ParentOff,
                Happening::ServicesReady => Trigger::ServicesReady,
                Happening::ServicesFailed => Trigger::ServicesFailed,
                Happening::ShuttingDown => Trigger::ShuttingDown,
            }
        };
        Some(Transition { on, guard, to: Name::from(to?.value) })
    }

    /// `{ ROLE = "high", … }`
    fn conditions(&self, table: &Table<'_>, key: &str, cx: &mut Context<'_>) -> Vec<Condition> {
        let mut conditions = Vec::new();
        for entry in table.free_table(key, cx) {
            let role = At::new(entry.key.clone(), entry.key_at);
            Self::check_role(&role, self.inputs, "inputs", &format!("`{key}` of {} reads", table.who), cx);
            let what = format!("the level of `{}`", entry.key);
            if let Some(level) = text(&entry.node, &what, cx).and_then(|level| choose(&level, &what, &LEVELS, cx)) {
                conditions.push(Condition { role: Name::from(role.value), level });
            }
        }
        conditions
    }

    fn discovery(&self, table: &Table<'_>, cx: &mut Context<'_>) -> Vec<(Vec<Condition>, Name)> {
        let mut rows = Vec::new();
        for item in table.list("discovery", cx) {
            let Some(row) = Table::open(item, item.at, "a row of `discovery`", schema::DISCOVERY, cx) else { continue };
            let conditions = self.conditions(&row, "when", cx);
            if conditions.is_empty() {
                cx.out
                    .error(item.at, "a row of `discovery` without a condition would hide every row after it")
                    .help("what holds when nothing can be read is `undiscovered`");
            }
            if let Some(state) = row.required_text("state", "\"off\"", cx) {
                self.check_state(&state, "`discovery` names", cx);
                rows.push((conditions, Name::from(state.value)));
            }
        }
        rows
    }

    fn goals(&self, table: &Table<'_>, cx: &mut Context<'_>) -> IndexMap<Demand, Vec<Name>> {
        let mut goals = IndexMap::new();
        let Some(goal_table) = table.table("goals", schema::GOALS, cx) else { return goals };
        for (word, demand) in demands() {
            let Some(entry) = goal_table.entry(word) else { continue };
            let Value::List(_) = entry.node.value else {
                wrong_type(&entry.node, &format!("the goal of `{word}`"), "an array of states", cx);
                continue;
            };
            let states = goal_table.texts(word, cx);
            if states.is_empty() {
                cx.out
                    .error(entry.key_at, format!("the goal of `{word}` is no state"))
                    .label("could never be fulfilled");
            }
            for state in &states {
                self.check_state(state, &format!("the goal of `{word}` is"), cx);
            }
            goals.insert(demand, states.into_iter().map(|state| Name::from(state.value)).collect());
        }
        goals
    }
}
