//! Machines: where they are, what was asked, what can be asked, and what forbids the rest.

use ratatui::layout::Rect;

mod rails;
mod standing;

use super::{
    canvas::{Canvas, Piece, mark_piece, role_of},
    events, format, machine_graph, operations, plan,
    table::{self, Column, Table},
    verdict,
};
use crate::{
    app::{Area, Deed, Item, Place, PowerPane, State, menu, power_beside, rows, serves},
    model::{Event, Leads, Machine, Operation, OperationState},
    style::{Mark, Role},
};
pub(super) use rails::{rail_particulars, rail_state, supplies, supply_state};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State) {
    let items = rows::items(state);
    let selected = rows::selected(state);
    let place = selected.as_ref().and_then(|item| items.iter().position(|other| other == item));
    let top_height = u16::try_from(items.len().max(1)).unwrap_or(u16::MAX).saturating_add(2).min(area.height / 2);
    machines(canvas, Rect { height: top_height, ..area }, state, &items, place);
    let rest = Rect { y: area.y + top_height, height: area.height - top_height, ..area };
    let Some(Item::Machine(name)) = &selected else { return };
    let Some(machine) = state.model.machine(name) else { return };
    let beside = power_beside(state.size);
    if beside && area.width >= 180 {
        let [one, two, three] = columns(rest);
        let below = asked(canvas, one, state, machine);
        let below = drawn(canvas, below, state, machine);
        let beside = last(canvas, two, state, machine);
        let beside = standing::draw(canvas, beside, state, machine);
        let last = rails::all(canvas, three, state, machine);
        lately(canvas, under(rest, &[below, beside, last]), state, machine);
    } else if beside {
        let [one, two] = columns(rest);
        let below = asked(canvas, one, state, machine);
        let below = drawn(canvas, below, state, machine);
        let (below, shown) = rails::what_fits(canvas, below, state, machine);
        let beside = last(canvas, two, state, machine);
        let beside = standing::draw(canvas, beside, state, machine);
        let beside = if shown { beside } else { rails::rails(canvas, beside, state, machine) };
        lately(canvas, under(rest, &[below, beside]), state, machine);
    } else {
        match state.power_pane {
            PowerPane::Requests => {
                let below = asked(canvas, rest, state, machine);
                let below = last(canvas, below, state, machine);
                rails::what_fits(canvas, below, state, machine);
            }
            PowerPane::Drawn => machine_graph::draw(canvas, rest, state, machine),
            PowerPane::Rails => {
                rails::all(canvas, rest, state, machine);
            }
            PowerPane::Standing => {
                standing::draw(canvas, rest, state, machine);
            }
        }
    }
}

/// Columns of equal width with a gap between.
fn columns<const COUNT: usize>(area: Rect) -> [Rect; COUNT] {
    let count = u16::try_from(COUNT).unwrap_or(1).max(1);
    let width = (area.width + 3) / count - 3;
    std::array::from_fn(|index| {
        let x = area.x + (width + 3) * u16::try_from(index).unwrap_or(0);
        let width = if index + 1 == COUNT { area.right().saturating_sub(x) } else { width };
        Rect { x, width, ..area }
    })
}

/// What is left of `area` below all columns, of each of which this is left.
fn under(area: Rect, left: &[Rect]) -> Rect {
    let y = left.iter().map(|one| one.y).max().unwrap_or(area.y).min(area.bottom());
    Rect { y, height: area.bottom() - y, ..area }
}

/// What is left of `area` below `used` rows.
fn lower(area: Rect, used: u16) -> Rect {
    Rect { y: area.y + used.min(area.height), height: area.height.saturating_sub(used), ..area }
}

/// What can be asked of the machine; the answer is what is left.
fn asked(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> Rect {
    let used = requests(canvas, area, state, machine);
    lower(area, used)
}

/// The machine drawn; the answer is what is left.
fn drawn(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> Rect {
    let states = state.model.graphs.get(&machine.name).map_or(1, |graph| graph.states.len());
    let height = u16::try_from(states).unwrap_or(u16::MAX).saturating_add(1).min(area.height);
    machine_graph::draw(canvas, Rect { height, ..area }, state, machine);
    lower(area, height)
}

/// What happened to the machine lately, where there is room for it.
fn lately(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) {
    if area.height < 4 {
        return;
    }
    let subject = format!(".{}.", machine.name);
    let of = |event: &&Event| event.subject.contains(&subject);
    let own: Vec<&Event> = state.model.tail.since_restart().filter(of).collect();
    events::some(canvas, area, &format!("Lately of {}", machine.name), &own);
}

/// The last operation with its steps; the answer is what is left.
fn last(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> Rect {
    let Some(operation) = latest(state, &machine.name) else { return area };
    let used = operations::steps(canvas, area, state, operation, "Last operation");
    lower(area, used)
}

/// The operation that drives the machine, else the last that did.
fn latest<'a>(state: &'a State, machine: &str) -> Option<&'a Operation> {
    let driving = state.model.machine(machine).map_or("", |machine| machine.operation.as_str());
    let done = |one: &&Operation| one.target == machine && one.state != OperationState::Planned;
    state.model.operation(driving).or_else(|| state.model.operations.iter().rev().find(done))
}

fn machines(canvas: &mut Canvas<'_>, area: Rect, state: &State, items: &[Item], selected: Option<usize>) {
    let narrow = area.width < 60;
    let width = |wide: u16, tight: u16| if narrow { tight } else { wide };
    let columns = [
        Column::new("", 1),
        Column::new("machine", width(9, 8)),
        Column::new("state", width(14, 13)),
        Column::new(if narrow { "asked" } else { "requested" }, width(9, 8)),
        Column::new("for", width(7, 6)).right(),
        Column::new("because", 24).grows().rank(1),
    ];
    let table = Table {
        title: "Machines",
        remark: String::new(),
        columns: &columns,
        count: items.len(),
        // While the requests have the keys, the machine is shown by its name below.
        selected: selected.filter(|_| state.request.is_none()),
        empty: if !state.filter().is_empty() {
            "no machine fits the filter"
        } else if serves(state, Area::Machines) {
            "no machines yet"
        } else {
            "this daemon does not tell of its machines"
        },
    };
    let (glyphs, now) = (canvas.glyphs(), state.now);
    let rows = table::draw(canvas, area, &table, |index| {
        let Some(Item::Machine(name)) = items.get(index) else { return Vec::new() };
        let Some(machine) = state.model.machine(name) else { return Vec::new() };
        let mark = verdict::machine(machine);
        let because = if machine.reason.is_empty() {
            Piece::dim(&machine.cause)
        } else {
            // On its way it is waited for; otherwise somebody should look.
            Piece::new(if mark == Mark::Busy { Role::Text } else { Role::Warning }, &machine.reason)
        };
        vec![
            mark_piece(glyphs, mark),
            Piece::text(&machine.name),
            Piece::new(if matches!(mark, Mark::Good | Mark::Off) { Role::Text } else { role_of(mark) }, &machine.state),
            Piece::dim(if machine.requested.is_empty() { "-" } else { &machine.requested }),
            Piece::dim(format::duration(now.since(machine.since))),
            because,
        ]
    });
    canvas.places(rows, |index| items.get(index).cloned().map(Place::Row));
}

/// Whether a request has nothing to do: it is so already, or on its way.
fn leads_nowhere(state: &State, machine: &Machine, request: &str) -> bool {
    plan::leads(state, machine, request) == Leads::Nowhere
}

/// What comes of a deed that nothing stands against, in a few words.
pub(super) fn about(state: &State, machine: &Machine, deed: &Deed) -> String {
    match deed {
        Deed::CancelSchedule { id } => standing::scheduled(state, id),
        Deed::RestoreInterlock { condition, .. } => standing::overridden(state, machine, condition),
        Deed::Transition { request, .. } if leads_nowhere(state, machine, request) => {
            format!("nothing to do: it is {}", machine.state)
        }
        // Of what is off there is nothing to be interrupted.
        deed if deed.is_destructive() && !is_off(state, machine) => "allowed; interrupts what runs".to_owned(),
        _ => "allowed".to_owned(),
    }
}

/// Whether it is off for good: off could be asked of it, and there is nothing to do.
fn is_off(state: &State, machine: &Machine) -> bool {
    let off = machine.requests.iter().find(|one| one.name == "off");
    let possible = off.is_some_and(|off| off.blocked_by.is_empty());
    possible && !machine.transitional && leads_nowhere(state, machine, "off")
}

/// What can be asked of a machine. The answer is the rows used.
fn requests(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) -> u16 {
    let choices = menu::choices(&state.model, &Item::Machine(machine.name.clone()));
    let columns = [Column::new("", 1), Column::new("", 16), Column::new("", 24).grows()];
    let height = u16::try_from(choices.len().max(1)).unwrap_or(u16::MAX).saturating_add(1).min(area.height);
    let timeout =
        machine.timeout_at.map(|at| format!("{} times out in {:.0} s", machine.state, at.since(state.now).ceil()));
    let table = Table {
        title: &format!("Requests to {}", machine.name),
        remark: timeout.unwrap_or_default(),
        columns: &columns,
        count: choices.len(),
        selected: state.request.map(|request| request.min(choices.len().saturating_sub(1))),
        empty: "this machine takes no requests",
    };
    let glyphs = canvas.glyphs();
    let rows = table::draw(canvas, Rect { height, ..area }, &table, |index| {
        let Some(choice) = choices.get(index) else { return Vec::new() };
        let word = match &choice.deed {
            Deed::Transition { request, .. } => request.clone(),
            Deed::CancelSchedule { id } => format!("cancel {id}"),
            Deed::RestoreInterlock { .. } => "restore".to_owned(),
            other => other.title(),
        };
        let (mark, name, why) = if let Some(first) = choice.blocked_by.first() {
            let more = choice.blocked_by.len() - 1;
            let more = if more == 0 { String::new() } else { format!(" (and {more} more)") };
            let remedy =
                if first.remedy.is_empty() { String::new() } else { format!(" {} {}", glyphs.arrow(), first.remedy) };
            (Mark::Off, Role::Dim, format!("{}{remedy}{more}", first.text))
        } else {
            let about = about(state, machine, &choice.deed);
            (Mark::Good, Role::Text, about)
        };
        vec![mark_piece(glyphs, mark), Piece::new(name, word), Piece::dim(why)]
    });
    canvas.places(rows, |index| Some(Place::Request(index)));
    height
}
