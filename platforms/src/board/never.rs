//! `[[never]]`: what the machines of a board must never be at the same time.

use ubmc_core::{
    ids::{MachineId, Name},
    machines::{MachineSpec, verify::NeverSpec},
};

use super::{
    names::Section,
    schema,
    source::{At, Span},
    table::{Context, Table, nearest, text, wrong_type},
    tree::Value,
};

/// More properties than this are no board.
const MOST: usize = 64;

/// Properties, and where each stands.
pub(super) fn read(
    root: &Table<'_>,
    section: &Section<'_>,
    machines: &[MachineSpec],
    cx: &mut Context<'_>,
) -> (Vec<NeverSpec>, Vec<Span>) {
    let (mut specs, mut places) = (Vec::new(), Vec::new());
    for item in root.list("never", cx).iter().take(MOST) {
        let Some(table) = Table::open(item, item.at, "an item of `never`", schema::NEVER, cx) else { continue };
        let mut when = Vec::new();
        for entry in table.free_table("when", cx) {
            let name = At::new(entry.key.clone(), entry.key_at);
            let Some(place) = section.find(&name, "`when` names", cx) else { continue };
            let Value::List(items) = &entry.node.value else {
                wrong_type(&entry.node, &format!("`{}`", entry.key), "an array of states", cx);
                continue;
            };
            let Some(spec) = machines.get(place).filter(|spec| !spec.definition.states.is_empty()) else { continue };
            let mut states = Vec::new();
            for item in items {
                let Some(state) = text(item, &format!("a state of `{}`", entry.key), cx) else { continue };
                if spec.definition.states.contains_key(state.value.as_str()) {
                    states.push(Name::from(state.value));
                } else {
                    let known = spec.definition.states.keys().map(Name::as_str);
                    cx.out
                        .error(state.at, format!("machine `{}` has no state `{}`", entry.key, state.value))
                        .meant(nearest(&state.value, known));
                }
            }
            when.push((MachineId::new(place), states));
        }
        if when.is_empty() {
            table.missing("when", "{ chassis = [\"off\"], \"host.0\" = [\"running\"] }", cx);
            continue;
        }
        let described = || {
            let one = |(machine, states): &(MachineId, Vec<Name>)| {
                let states: Vec<_> = states.iter().map(Name::as_str).collect();
                format!("{} {}", section.name(machine.index()), states.join(" or "))
            };
            when.iter().map(one).collect::<Vec<_>>().join(" and ")
        };
        let because = table.text("because", cx).map(|text| text.value);
        specs.push(NeverSpec {
            text: because.map_or_else(described, |because| format!("{} ({because})", described())),
            briefly: table.bool("briefly", cx).unwrap_or(false),
            when,
        });
        places.push(item.at);
    }
    (specs, places)
}
