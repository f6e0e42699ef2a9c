//! What must hold of a machine definition as a whole, so that no machine can get stuck in it.

use std::collections::BTreeSet;

use ubmc_core::{
    ids::Name,
    machines::{Action, Definition, MachineKind, Tone, Trigger},
};

use super::{definition::Places, names::note_repeats, table::Context};

/// Notes everything that would let a machine hang, jump for ever, or never get where it should.
pub(super) fn check(definition: &Definition, places: &Places, cx: &mut Context<'_>) {
    check_roles(places, cx);
    for (index, (name, state)) in definition.states.iter().enumerate() {
        let Some(place) = places.states.get(index).filter(|place| place.sound) else { continue };
        let on_timeout = state.transitions.iter().position(|transition| transition.on == Trigger::Timeout);
        match (state.timeout, on_timeout) {
            (Some(_), None) => cx
                .out
                .error(
                    place.timeout.unwrap_or(place.at),
                    format!("state `{name}` has a timeout and nowhere to go then"),
                )
                .help("add a transition `{ event = \"timeout\", to = STATE }`")
                .done(),
            (None, Some(transition)) => cx
                .out
                .error(
                    place.transitions.get(transition).copied().unwrap_or(place.at),
                    format!("state `{name}` waits for a timeout that it does not have"),
                )
                .help("add `timeout = SECONDS` to the state")
                .done(),
            (None, None) if state.tone == Tone::Transitional => cx
                .out
                .error(place.at, format!("state `{name}` is transitional, but may last for ever"))
                .label("needs `timeout` and a transition on it")
                .done(),
            (Some(_), Some(_)) | (None, None) => {}
        }
        if !state.transitions.iter().any(|transition| transition.to != *name) {
            cx.out.error(place.at, format!("state `{name}` has no exit")).label("a machine that gets here stays here");
        }
        for (transition, at) in state.transitions.iter().zip(&place.transitions) {
            let bmc_only =
                matches!(transition.on, Trigger::ServicesReady | Trigger::ServicesFailed | Trigger::ShuttingDown);
            if bmc_only && definition.kind != MachineKind::Bmc {
                cx.out.error(*at, format!("`{}` happens to a BMC only, not to a {}", transition.on, definition.kind));
            }
        }
        check_hidden(name, state, place, cx);
        check_power_loss(definition, name, state, place, cx);
    }
    // What the states are together can be judged only when each of them could be read.
    if places.sound {
        check_driven(definition, places, cx);
        check_sequences(definition, places, cx);
        check_levels(definition, places, cx);
        check_reachable(definition, places, cx);
        check_goals(definition, places, cx);
    }
}

fn check_roles(places: &Places, cx: &mut Context<'_>) {
    note_repeats(&places.inputs, "`inputs` names", cx);
    note_repeats(&places.outputs, "`outputs` names", cx);
    note_repeats(&places.sequences, "`sequences` names", cx);
    for role in &places.outputs {
        if let Some(input) = places.inputs.iter().find(|input| input.value == role.value) {
            cx.out
                .error(role.at, format!("role `{}` is an input and an output", role.value))
                .related(input.at, "the input");
        }
    }
}

fn check_driven(definition: &Definition, places: &Places, cx: &mut Context<'_>) {
    for role in &places.outputs {
        let driven = definition.states.values().flat_map(|state| &state.entry).any(|action| match action {
            Action::Set { role: driven, .. } | Action::Pulse { role: driven, .. } => driven.as_str() == role.value,
            Action::Run { .. } | Action::Undo { .. } => false,
        });
        if !driven {
            cx.out.warning(role.at, format!("no state drives the output `{}`", role.value));
        }
    }
}

/// A sequence that is run must be undone somewhere, and who runs or undoes one must go on when it has ended.
fn check_sequences(definition: &Definition, places: &Places, cx: &mut Context<'_>) {
    for role in &places.sequences {
        let acts = |wanted: fn(&Action) -> Option<&Name>| {
            let actions = definition.states.values().flat_map(|state| &state.entry);
            actions.filter_map(wanted).any(|name| name.as_str() == role.value)
        };
        let runs = acts(|action| match action {
            Action::Run { role } => Some(role),
            Action::Set { .. } | Action::Pulse { .. } | Action::Undo { .. } => None,
        });
        let undoes = acts(|action| match action {
            Action::Undo { role } => Some(role),
            Action::Set { .. } | Action::Pulse { .. } | Action::Run { .. } => None,
        });
        if !runs {
            cx.out.warning(role.at, format!("no state runs the sequence `{}`", role.value));
        } else if !undoes {
            cx.out
                .error(role.at, format!("the sequence `{}` is run and never undone", role.value))
                .help("add `entry = [{ undo = ROLE }]` to the states that power off");
        }
    }
    for ((name, state), place) in definition.states.iter().zip(&places.states) {
        let on = |trigger| state.transitions.iter().any(|transition| transition.on == trigger);
        let acts = state.entry.iter().any(|action| match action {
            Action::Run { .. } | Action::Undo { .. } => state.tone == Tone::Transitional,
            Action::Set { .. } | Action::Pulse { .. } => false,
        });
        for trigger in [Trigger::SequenceDone, Trigger::SequenceFailed] {
            if acts && !on(trigger.clone()) {
                cx.out.error(place.at, format!("state `{name}` does not notice `{trigger}`")).help(
                    "a transitional state that runs or undoes a sequence needs transitions on `sequence-done` and \
                     `sequence-failed`",
                );
            }
        }
    }
}

/// A transition behind an unguarded one on the same trigger can never be taken.
fn check_hidden(
    name: &Name,
    state: &ubmc_core::machines::StateDef,
    place: &super::definition::StatePlaces,
    cx: &mut Context<'_>,
) {
    for (index, (transition, at)) in state.transitions.iter().zip(&place.transitions).enumerate() {
        let earlier = state.transitions.iter().take(index).zip(&place.transitions);
        if let Some((_, first)) = earlier.into_iter().find(|(earlier, _)| {
            earlier.on == transition.on && earlier.guard.iter().all(|c| transition.guard.contains(c))
        }) {
            cx.out
                .error(*at, format!("state `{name}` can never take this transition on `{}`", transition.on))
                .related(*first, "this one is always taken before it");
        }
    }
}

/// Loss of power-good at any moment is handled in every state (SPEC ST-2).
fn check_power_loss(
    definition: &Definition,
    name: &Name,
    state: &ubmc_core::machines::StateDef,
    place: &super::definition::StatePlaces,
    cx: &mut Context<'_>,
) {
    let power_good = Name::from("power-good");
    if state.powered
        && definition.inputs.contains(&power_good)
        && !state.transitions.iter().any(|transition| transition.on == Trigger::Falls(power_good.clone()))
    {
        cx.out
            .error(place.at, format!("state `{name}` is powered, but does not notice the loss of power-good"))
            .help("add a transition `{ falls = \"power-good\", to = STATE }`");
    }
}

/// Levels are looked at on entry, so states that send each other on at the same levels would never come to rest.
fn check_levels(definition: &Definition, places: &Places, cx: &mut Context<'_>) {
    for (index, (name, state)) in definition.states.iter().enumerate() {
        for (number, transition) in state.transitions.iter().enumerate() {
            let at_level = matches!(transition.on, Trigger::Rises(_) | Trigger::Falls(_));
            let Some(target) = definition.states.get(&transition.to) else { continue };
            let back = target
                .transitions
                .iter()
                .any(|back| back.on == transition.on && back.to == *name && back.guard.is_empty());
            if at_level && transition.guard.is_empty() && (back || transition.to == *name) {
                let place = places.states.get(index);
                let at = place.and_then(|place| place.transitions.get(number)).copied().unwrap_or_default();
                cx.out
                    .error(at, format!("`{name}` and `{}` would send each other on for ever", transition.to))
                    .label(format!("both go on `{}`", transition.on));
            }
        }
    }
}

fn check_reachable(definition: &Definition, places: &Places, cx: &mut Context<'_>) {
    let mut reached: BTreeSet<&Name> = BTreeSet::new();
    let mut next: Vec<&Name> = definition.discovery.iter().map(|(_, state)| state).collect();
    next.push(&definition.undiscovered);
    while let Some(name) = next.pop() {
        if let Some(state) = definition.states.get(name)
            && reached.insert(name)
        {
            next.extend(state.transitions.iter().map(|transition| &transition.to));
        }
    }
    for (name, place) in definition.states.keys().zip(&places.states) {
        if !reached.contains(name) {
            cx.out.error(place.at, format!("state `{name}` can never be reached")).label("nothing leads here");
        }
    }
}

/// A request that some state takes must have a goal, or its operation could never end; and the other way round.
fn check_goals(definition: &Definition, places: &Places, cx: &mut Context<'_>) {
    let mut noted = BTreeSet::new();
    for (state, place) in definition.states.values().zip(&places.states) {
        for (transition, at) in state.transitions.iter().zip(&place.transitions) {
            if let Trigger::Demand(demand) = transition.on
                && !demand.outlives_us()
                && !definition.goals.contains_key(&demand)
                && noted.insert(demand)
            {
                let word = demand.as_str();
                cx.out
                    .error(*at, format!("the request `{word}` is taken, but `goals` does not say when it is fulfilled"))
                    .help(format!("add `{word} = [STATE]` to `[goals]`"));
            }
        }
    }
    for goal in &places.goals {
        let wanted = Trigger::Demand(goal.value);
        if !definition.states.values().flat_map(|state| &state.transitions).any(|transition| transition.on == wanted) {
            cx.out
                .error(goal.at, format!("no state takes the request `{}`", goal.value.as_str()))
                .label("so nothing leads there");
        }
    }
}
