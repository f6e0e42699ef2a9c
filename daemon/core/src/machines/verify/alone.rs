//! Each machine by itself: whatever its lines do, it must get on.

use std::collections::BTreeMap;

use super::{
    model::{Breach, Environment, Model, Move, Why},
    report::{Explored, Finding, FindingKind},
    search::{Id, Search},
    sheet::{Deed, LOW, Meaning, Sheet, UNKNOWN, level_of},
    world::{Course, Rails},
};
use crate::machines::{Demand, Tone, Trigger};

/// What was seen of a machine's states while everything was explored.
#[derive(Default)]
struct Seen {
    /// By state: the first time.
    first: BTreeMap<usize, Id>,
    /// By state and levels: the first time.
    at_levels: BTreeMap<(usize, usize), Id>,
    /// By state: the first time that what is wrong there was seen, with what it is.
    wrong: BTreeMap<(FindingKind, usize), (Id, String)>,
    /// By state: something leads out of it.
    leaves: BTreeMap<usize, bool>,
}

/// Explores one machine with any fault of its lines, and says what is wrong with its definition.
pub(super) fn verify(sheet: &Sheet, bound: usize) -> (Explored, Vec<Finding>) {
    let mut sheets = [sheet.clone()];
    sheets[0].parent = None;
    let sheet = &sheets[0];
    let model = Model { sheets: &sheets, together: usize::MAX };
    let mut seen = Seen::default();
    let search = Search::run(&model, Environment::AnyFault, bound, true, |id, world, _| {
        let part = world[0];
        seen.first.entry(part.state).or_insert(id);
        seen.at_levels.entry((part.state, part.levels)).or_insert(id);
        let held = sheet.held_power().find(|place| part.held >> place & 1 == 1);
        let rails = part.rails != Rails::None && part.course == Course::Idle;
        let name = sheet.state_name(part.state);
        if !sheet.is_powered(part.state) && sheet.tone(part.state) != Tone::Transitional {
            let text = held.map(|place| {
                format!("`{name}` has no power, and `{}` may still be high in it", sheet.held[place].role)
            });
            let text = text.or_else(|| {
                (rails && sheet.tone(part.state) == Tone::Normal)
                    .then(|| format!("`{name}` has no power, and a rail may still be told to be on in it"))
            });
            if let Some(text) = text {
                seen.wrong.entry((FindingKind::LeftOn, part.state)).or_insert((id, text));
            }
        }
        if let Some(text) = contradicts(sheet, part.state, part.levels) {
            seen.wrong.entry((FindingKind::UnhandledEvent, part.state)).or_insert((id, text));
        }
    });
    let mut found = Vec::new();
    for (from, to, why) in &search.edges {
        let (from, to) = (search.world(*from)[0].state, search.world(*to)[0].state);
        *seen.leaves.entry(from).or_default() |= from != to && *why != Why::Death;
    }
    let finding = |kind, state: Option<usize>, text: String, trace: Vec<String>| Finding {
        kind,
        machine: sheet.name.clone(),
        state: state.map(|state| sheet.state_name(state).clone()),
        text,
        trace,
    };
    for ((kind, state), (id, text)) in &seen.wrong {
        found.push(finding(*kind, Some(*state), text.clone(), search.trace(*id, None)));
    }
    if search.complete {
        for state in (0..sheet.states()).filter(|state| !seen.first.contains_key(state)) {
            let text = format!("whatever happens, `{}` is never reached", sheet.state_name(state));
            found.push(finding(FindingKind::UnreachableState, Some(state), text, Vec::new()));
        }
        dead_ends(sheet, &search, &seen, &finding, &mut found);
    }
    waits(sheet, &search, &seen, &finding, &mut found);
    restarts(sheet, &finding, &mut found);
    for (breach, id, what) in &search.breaches {
        let state = search.world(*id)[0].state;
        let name = sheet.state_name(state);
        let (kind, text) = match breach {
            Breach::DrivenByRestart(_) => (
                FindingKind::RestartDrives,
                "the daemon's restart alone changes an output of a machine that is on".to_owned(),
            ),
            Breach::FaultDrivesUp(_) => {
                (FindingKind::FaultDrivesUp, format!("a fault switches power on that nobody asked for, from `{name}`"))
            }
            Breach::Endless(_) => {
                (FindingKind::NeverRests, format!("from `{name}` states send each other on without end"))
            }
            // There is no parent here.
            Breach::OnWithoutParent(_) => continue,
        };
        found.push(finding(kind, Some(state), text, search.trace(*id, Some(*what))));
    }
    let explored = Explored { states: search.len(), transitions: search.transitions, complete: search.complete };
    (explored, found)
}

/// What is wrong with resting in a state at these levels. Absent: nothing.
fn contradicts(sheet: &Sheet, state: usize, levels: usize) -> Option<String> {
    let name = sheet.state_name(state);
    let good = sheet.input(Meaning::PowerGood);
    if sheet.is_powered(state) && good.is_some_and(|input| level_of(levels, input) == LOW) {
        return Some(format!("`{name}` is powered and stays although power-good has fallen"));
    }
    let readable = (0..sheet.inputs.len()).all(|input| level_of(levels, input) != UNKNOWN);
    if sheet.tone(state) != Tone::Normal || !readable || !sheet.is_known(levels) {
        return None;
    }
    let meant = sheet.settled(sheet.found(levels), levels)?;
    let differs = meant != state && sheet.is_discoverable(state) && sheet.is_discoverable(meant);
    (differs || sheet.is_powered(meant) != sheet.is_powered(state)).then(|| {
        let levels = sheet.levels_text(levels);
        format!("`{name}` stays although its lines mean `{}` ({levels})", sheet.state_name(meant))
    })
}

type Make<'a> = &'a dyn Fn(FindingKind, Option<usize>, String, Vec<String>) -> Finding;

/// States from which nothing leads on, or from which something that can be asked can never be had again.
fn dead_ends(sheet: &Sheet, search: &Search<'_>, seen: &Seen, finding: Make<'_>, found: &mut Vec<Finding>) {
    let mut stuck: Vec<usize> = Vec::new();
    for (state, id) in &seen.first {
        if !seen.leaves.get(state).copied().unwrap_or(false) {
            stuck.push(*state);
            let text = format!("nothing leads out of `{}`", sheet.state_name(*state));
            found.push(finding(FindingKind::DeadEnd, Some(*state), text, search.trace(*id, None)));
        }
    }
    let back = search.backwards();
    let states: Vec<usize> = search.ids().map(|id| search.world(id)[0].state).collect();
    for demand in Demand::ALL.into_iter().filter(|demand| sheet.definition.goals.contains_key(demand)) {
        let goals = search.ids().filter(|id| sheet.fulfils(demand, states[*id as usize]));
        let leads = search.leads_to(&back, goals, |why| why != Why::Death);
        let lost = seen.first.keys().filter(|state| !stuck.contains(state));
        let lost: Vec<_> =
            lost.filter(|state| !(0..states.len()).any(|id| states[id] == **state && leads[id])).collect();
        let word = demand.as_str();
        if lost.len() + stuck.len() == seen.first.len() {
            let text = format!("the request `{word}` can never be fulfilled");
            found.push(finding(FindingKind::DeadEnd, None, text, Vec::new()));
            continue;
        }
        for state in lost {
            let text = format!("from `{}` the request `{word}` can never be fulfilled again", sheet.state_name(*state));
            found.push(finding(FindingKind::DeadEnd, Some(*state), text, search.trace(seen.first[state], None)));
        }
    }
}

/// Transitional states that may last for ever, alone or in a circle.
fn waits(sheet: &Sheet, search: &Search<'_>, seen: &Seen, finding: Make<'_>, found: &mut Vec<Finding>) {
    let mut told = Vec::new();
    for (&(state, levels), id) in &seen.at_levels {
        if sheet.tone(state) != Tone::Transitional || told.contains(&state) {
            continue;
        }
        let name = sheet.state_name(state);
        if !sheet.is_timed(state) {
            told.push(state);
            let text = format!("`{name}` is transitional and may last for ever");
            found.push(finding(FindingKind::UnboundedWait, Some(state), text, search.trace(*id, None)));
        } else if sheet.arrow_on(&Trigger::Timeout, state, levels).is_none() {
            told.push(state);
            let text = format!("the time-out of `{name}` leads nowhere with {}", sheet.levels_text(levels));
            let then = Some(Move::Timeout { machine: 0 });
            found.push(finding(FindingKind::UnboundedWait, Some(state), text, search.trace(*id, then)));
        }
    }
    let mut told: Vec<Vec<usize>> = Vec::new();
    for levels in sheet.possible() {
        for (&(state, at), id) in &seen.at_levels {
            if at != levels {
                continue;
            }
            let Some(mut circle) = circle(sheet, state, levels) else { continue };
            let text = names(sheet, &circle);
            circle.sort_unstable();
            if !told.contains(&circle) {
                told.push(circle);
                let text = format!("{text} send each other on without end");
                found.push(finding(FindingKind::NeverRests, Some(state), text, search.trace(*id, None)));
            }
        }
    }
}

fn names(sheet: &Sheet, states: &[usize]) -> String {
    let names: Vec<_> = states.iter().map(|state| format!("`{}`", sheet.state_name(*state))).collect();
    names.join(" → ")
}

/// A circle of transitional states through `start` at levels that do not change.
fn circle(sheet: &Sheet, start: usize, levels: usize) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut stack = vec![start];
    while let Some(state) = stack.pop() {
        if sheet.tone(state) != Tone::Transitional {
            continue;
        }
        let sequence = [Trigger::SequenceDone, Trigger::SequenceFailed];
        let triggers = [Trigger::Timeout].into_iter().chain(sequence.into_iter().filter(|_| sheet.runs));
        for trigger in triggers {
            let Some(to) = sheet.arrow_on(&trigger, state, levels).and_then(|to| sheet.settled(to, levels)) else {
                continue;
            };
            if to == start {
                let mut circle = vec![state];
                let mut at = state;
                while at != start {
                    at = before[&at];
                    circle.push(at);
                }
                circle.reverse();
                return Some(circle);
            }
            if let std::collections::btree_map::Entry::Vacant(entry) = before.entry(to) {
                entry.insert(state);
                stack.push(to);
            }
        }
    }
    None
}

/// A machine that is found on must not be switched by the mere passing of time: nobody but the restart is the reason.
fn restarts(sheet: &Sheet, finding: Make<'_>, found: &mut Vec<Finding>) {
    let mut told = Vec::new();
    for levels in sheet.possible() {
        let first = sheet.found(levels);
        let Some(mut state) = sheet.settled(first, levels) else { continue };
        if !sheet.is_powered(first) || !sheet.is_powered(state) {
            continue;
        }
        for _ in 0..sheet.states() {
            let next = sheet.arrow_on(&Trigger::Timeout, state, levels).filter(|_| sheet.is_timed(state));
            let Some(next) = next else { break };
            let drives = sheet.deeds[next].iter().any(|deed| match deed {
                Deed::Set(place, _) => sheet.held[*place].power,
                Deed::PressPower | Deed::AskToShutDown | Deed::Reset | Deed::Run | Deed::Undo => true,
            });
            if drives {
                if !told.contains(&first) {
                    told.push(first);
                    let text = format!(
                        "found `{}` after the daemon's restart ({}), it goes to `{}` by time alone, which drives an output",
                        sheet.state_name(first),
                        sheet.levels_text(levels),
                        sheet.state_name(next)
                    );
                    found.push(finding(FindingKind::RestartDrives, Some(first), text, Vec::new()));
                }
                break;
            }
            let Some(settled) = sheet.settled(next, levels) else { break };
            state = settled;
        }
    }
}
