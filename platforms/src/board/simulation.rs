//! `[sim]`: the simulator says which keys it has; here its complaints get their places.

use serde::Deserialize as _;
use toml::de::DeTable;

use super::{
    schema,
    source::Span,
    table::{Context, Table},
    tree::{Document, Node, Value},
};
use crate::sim::SimConfig;

/// The simulated machine, when the board has one and its table is right.
pub(super) fn read(document: &Document, cx: &mut Context<'_>) -> Option<SimConfig> {
    let Document { root, text, .. } = document;
    let file = root.at.file;
    let sim_at = place(root, "sim")?;
    if !known_keys(root, cx) || has_hole(root) {
        return None;
    }
    // Parsed once more, because the parser's own values take their places along into serde's errors.
    let mut table = DeTable::parse(text).ok()?.into_inner();
    let value = table.remove("sim")?;
    match SimConfig::deserialize(toml::de::ValueDeserializer::from(value)) {
        Ok(config) => {
            for problem in config.problems() {
                let at = place(root, &format!("sim.{}", problem.key)).unwrap_or(sim_at);
                cx.out
                    .error(at, format!("`{}` of the simulated machine is out of range", problem.key))
                    .label(problem.allowed);
            }
            Some(config)
        }
        Err(error) => {
            let at = error.span().map_or(sim_at, |range| Span { file, start: range.start, end: range.end });
            cx.out.error(at, format!("the simulated machine cannot be made: {}", error.message()));
            None
        }
    }
}

/// Whether something in the table could not be read: then what the machine has is not known.
fn has_hole(root: &Node) -> bool {
    fn broken(node: &Node) -> bool {
        match &node.value {
            Value::Broken => true,
            Value::Table(entries) => entries.iter().any(|entry| broken(&entry.node)),
            _ => false,
        }
    }
    match &root.value {
        Value::Table(entries) => entries.iter().any(|entry| entry.key == "sim" && broken(&entry.node)),
        _ => false,
    }
}

/// Notes every unknown key; whether there is none.
fn known_keys(root: &Node, cx: &mut Context<'_>) -> bool {
    let noted = cx.out.met();
    if let Value::Table(entries) = &root.value
        && let Some(entry) = entries.iter().find(|entry| entry.key == "sim")
        && let Some(sim) = Table::open(&entry.node, entry.key_at, "the simulated machine", schema::SIM, cx)
    {
        for (key, keys) in
            [("hosts", schema::SIM_HOSTS), ("supplies", schema::SIM_SUPPLIES), ("fans", schema::SIM_FANS)]
        {
            sim.table(key, keys, cx);
        }
    }
    cx.out.met() == noted
}

/// Where a dotted key's value stands; for a table, its own key.
fn place(root: &Node, path: &str) -> Option<Span> {
    let mut node = root;
    let mut at = None;
    for key in path.split('.') {
        let Value::Table(entries) = &node.value else { return None };
        let entry = entries.iter().find(|entry| entry.key == key)?;
        node = &entry.node;
        at = Some(if matches!(node.value, Value::Table(_)) { entry.key_at } else { node.at });
    }
    at
}
