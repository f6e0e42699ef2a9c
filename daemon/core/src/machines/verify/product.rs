//! All machines of a board together.

use super::{
    Never,
    model::{Breach, Environment, Model, Move, Why},
    report::{Explored, Finding, FindingKind},
    search::{Id, Search},
    sheet::Sheet,
    world::World,
};
use crate::machines::Demand;

fn explored(search: &Search<'_>) -> Explored {
    Explored { states: search.len(), transitions: search.transitions, complete: search.complete }
}

fn finding(sheet: &Sheet, kind: FindingKind, state: usize, text: String, trace: Vec<String>) -> Finding {
    Finding { kind, machine: sheet.name.clone(), state: Some(sheet.state_name(state).clone()), text, trace }
}

/// With hardware that obeys: requests are fulfilled, and nothing rests where it must not.
pub(super) fn obedient(model: &Model<'_>, never: &[Never], bound: usize) -> (Explored, Vec<Finding>) {
    let sheets = model.sheets;
    let mut rests = Vec::new();
    let mut orphans: Vec<Option<Id>> = vec![None; sheets.len()];
    let mut forbidden: Vec<Option<Id>> = vec![None; never.len()];
    let search = Search::run(model, Environment::Obedient, bound, true, |id, world, moves| {
        let at_rest = !moves.iter().any(|(_, why)| *why == Why::Due);
        rests.push(at_rest);
        for (machine, sheet) in sheets.iter().enumerate() {
            if let Some(parent) = sheet.parent
                && at_rest
                && sheet.is_powered(world[machine].state)
                && !sheets[parent].is_powered(world[parent].state)
            {
                orphans[machine].get_or_insert(id);
            }
        }
        for (property, first) in never.iter().zip(&mut forbidden) {
            if (at_rest || property.briefly) && holds(sheets, world, property) {
                first.get_or_insert(id);
            }
        }
    });
    let mut found = on_without_parent(&search, sheets);
    for (machine, id) in orphans.iter().enumerate() {
        let (Some(id), Some(parent)) = (id, sheets[machine].parent) else { continue };
        let world = search.world(*id);
        let (sheet, parent) = (&sheets[machine], (&sheets[parent], world[parent].state));
        let state = world[machine].state;
        let text = format!(
            "{} rests in `{}`, which has power, while {} is `{}`, which has none",
            sheet.name,
            sheet.state_name(state),
            parent.0.name,
            parent.0.state_name(parent.1)
        );
        found.push(finding(sheet, FindingKind::RestsWithoutParent, state, text, search.trace(*id, None)));
    }
    for (property, id) in never.iter().zip(&forbidden) {
        let (Some(id), Some((machine, _))) = (id, property.when.first()) else { continue };
        let state = search.world(*id)[*machine].state;
        let text = format!("{}: the board says that this must never be", property.text);
        found.push(finding(&sheets[*machine], FindingKind::Forbidden, state, text, search.trace(*id, None)));
    }
    if search.complete {
        fulfilment(model, &search, &rests, &mut found);
    }
    (explored(&search), found)
}

/// With any fault of any line: nothing is switched on that must not be.
pub(super) fn faulty(model: &Model<'_>, bound: usize) -> (Explored, Vec<Finding>) {
    let search = Search::run(model, Environment::AnyFault, bound, false, |_, _, _| {});
    (explored(&search), on_without_parent(&search, model.sheets))
}

fn holds(sheets: &[Sheet], world: &World, never: &Never) -> bool {
    never.when.iter().all(|(machine, states)| states.contains(sheets[*machine].state_name(world[*machine].state)))
}

fn on_without_parent(search: &Search<'_>, sheets: &[Sheet]) -> Vec<Finding> {
    let made = |(breach, id, what): &(Breach, Id, Move)| {
        let machine = match breach {
            Breach::OnWithoutParent(machine) => *machine,
            // Found with each machine by itself.
            Breach::DrivenByRestart(_) | Breach::FaultDrivesUp(_) | Breach::Endless(_) => return None,
        };
        let (sheet, world) = (&sheets[machine], search.world(*id));
        let parent = sheet.parent?;
        let text = format!(
            "{} is switched on from `{}` while {} is `{}`",
            sheet.name,
            sheet.state_name(world[machine].state),
            sheets[parent].name,
            sheets[parent].state_name(world[parent].state)
        );
        let trace = search.trace(*id, Some(*what));
        Some(finding(sheet, FindingKind::OnWithoutParent, world[machine].state, text, trace))
    };
    search.breaches.iter().filter_map(made).collect()
}

/// Whatever can be asked can be had: at once by what is due, or at least in the end by further requests.
fn fulfilment(model: &Model<'_>, search: &Search<'_>, rests: &[bool], found: &mut Vec<Finding>) {
    let back = search.backwards();
    for (machine, sheet) in model.sheets.iter().enumerate() {
        // What is lost at the same moment is one mistake.
        let mut stuck: Vec<(Id, Vec<&str>)> = Vec::new();
        let states: Vec<usize> = search.ids().map(|id| search.world(id)[machine].state).collect();
        for demand in Demand::ALL.into_iter().filter(|demand| sheet.definition.goals.contains_key(demand)) {
            let goals = || search.ids().filter(|id| sheet.fulfils(demand, states[*id as usize]));
            let word = demand.as_str();
            let in_the_end = search.leads_to(&back, goals(), |why| why != Why::Death);
            let first = search.ids().find(|id| rests[*id as usize] && !in_the_end[*id as usize]);
            if let Some(id) = first {
                match stuck.iter_mut().find(|(known, _)| *known == id) {
                    Some((_, words)) => words.push(word),
                    None => stuck.push((id, vec![word])),
                }
                continue;
            }
            let by_itself = search.leads_to(&back, goals(), |why| matches!(why, Why::Due | Why::May));
            let asked = Move::Ask { machine, demand };
            let lost = search.edges.iter().find(|(from, to, why)| {
                *why == Why::Asked
                    && rests[*from as usize]
                    && !by_itself[*to as usize]
                    && search.is_by(*from, *to, asked)
            });
            if let Some((from, ..)) = lost {
                let state = states[*from as usize];
                let text = format!(
                    "the request `{word}` is accepted in `{}` and is never fulfilled, though the hardware obeys",
                    sheet.state_name(state)
                );
                let trace = search.trace(*from, Some(asked));
                found.push(finding(sheet, FindingKind::NeverFulfilled, state, text, trace));
            }
        }
        for (id, words) in stuck {
            let state = states[id as usize];
            let text = format!(
                "{} rests in `{}`, and `{}` can never be fulfilled any more, whatever else is asked",
                sheet.name,
                sheet.state_name(state),
                words.join("`, `")
            );
            found.push(finding(sheet, FindingKind::Deadlock, state, text, search.trace(id, None)));
        }
    }
}
