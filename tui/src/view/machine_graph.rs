//! A machine drawn: its states below each other, and beside them a lane for each state that leads to others.
//!
//! ```text
//!   off            <--+--.      lanes: o where one leaves, < where it arrives
//!   powering-on    <o-+--|
//! > running         '-o--'      what leads on from here is said at where it leads to
//! ```
//!
//! The lane of the present state is drawn heavily; what would take the machine on from there stands at the state that it
//! leads to.

use std::collections::BTreeSet;

use ratatui::layout::Rect;

use super::{
    canvas::{Canvas, columns},
    format,
};
use crate::{
    app::State,
    model::{Graph, Machine},
    style::{Glyphs, Role},
};

pub(super) fn draw(canvas: &mut Canvas<'_>, area: Rect, state: &State, machine: &Machine) {
    if area.height < 3 {
        return;
    }
    let timeout = machine.timeout_at.map(|at| format!("times out in {:.0} s", at.since(state.now).ceil()));
    canvas.heading(area, &format!("{} drawn", machine.name), &timeout.unwrap_or_default());
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    let Some(graph) = state.model.graphs.get(&machine.name) else {
        canvas.paragraph(body, "its definition is not known yet", Role::Dim);
        return;
    };
    let lanes = lanes(graph);
    let names = graph.states.iter().map(|one| columns(&one.name)).max().unwrap_or(0);
    let goal = goal(graph, machine);
    let here = graph.states.iter().position(|one| one.name == machine.state);
    let lanes_x = body.x + 2 + names + 1;
    let lanes_width = u16::try_from(lanes.len()).unwrap_or(0) * 2 + 1;
    // Too low for all: the part around the present state.
    let height = usize::from(body.height);
    let first = here.unwrap_or(0).saturating_sub(height / 2).min(graph.states.len().saturating_sub(height));
    for (row, (index, one)) in body.rows().zip(graph.states.iter().enumerate().skip(first)) {
        let present = here == Some(index);
        let (sign, role) = match (present, goal == Some(index)) {
            (true, _) => (canvas.glyphs().here(), Role::Tab),
            (false, true) => (canvas.glyphs().goal(), Role::Busy),
            (false, false) => (" ", if one.transitional { Role::Dim } else { Role::Text }),
        };
        canvas.put(row.x, row.y, 1, sign, if present { Role::Title } else { Role::Busy });
        canvas.put(row.x + 2, row.y, names, &one.name, role);
        for (lane, cell) in strip(&lanes, index, canvas.glyphs()).into_iter().enumerate() {
            let x = lanes_x + u16::try_from(lane).unwrap_or(0);
            let role = if cell.from.is_some() && cell.from == here { Role::Title } else { Role::Dim };
            if x < row.right() {
                canvas.dot(x, row.y, cell.symbol, role);
            }
        }
        let x = lanes_x + lanes_width + 1;
        let room = row.right().saturating_sub(x);
        let leading = leading(graph, &machine.state, &one.name);
        let text = match (present, leading.is_empty()) {
            (true, _) => {
                let bound = one.timeout_s.map(|s| format!(", at most {}", format::duration(s))).unwrap_or_default();
                format!("{}{bound}", format::duration(state.now.since(machine.since)))
            }
            (false, true) => String::new(),
            (false, false) => format!("{} {}", canvas.glyphs().arrow(), leading.join(", ")),
        };
        canvas.put(x, row.y, room, &text, if present { Role::Title } else { Role::Text });
    }
}

/// What takes the machine from `here` to `there`.
fn leading(graph: &Graph, here: &str, there: &str) -> Vec<String> {
    graph
        .transitions
        .iter()
        .filter(|one| one.from == here && one.to == there)
        .map(|one| one.on.strip_prefix("request ").map_or_else(|| one.on.clone(), |name| format!("`{name}`")))
        .collect()
}

/// The state that was asked for: of that name, or what its running request is called after.
fn goal(graph: &Graph, machine: &Machine) -> Option<usize> {
    let named = |name: &str| graph.states.iter().position(|one| one.name == name);
    match machine.requested.as_str() {
        "" => None,
        "on" => named("running").or_else(|| named("on")),
        "force-off" | "emergency-off" => named("off"),
        other => named(other),
    }
}

/// A state that leads on, and where to.
struct Lane {
    from: usize,
    to: BTreeSet<usize>,
}

impl Lane {
    fn ends(&self) -> (usize, usize) {
        let reached = || self.to.iter().copied().chain([self.from]);
        (reached().min().unwrap_or(self.from), reached().max().unwrap_or(self.from))
    }
}

/// Short ones first, so that few lines cross.
fn lanes(graph: &Graph) -> Vec<Lane> {
    let place = |name: &str| graph.states.iter().position(|one| one.name == name);
    let lane = |(from, state): (usize, &crate::model::GraphState)| {
        let leaving = graph.transitions.iter().filter(|one| one.from == state.name);
        let to: BTreeSet<usize> = leaving.filter_map(|one| place(&one.to)).filter(|to| *to != from).collect();
        (!to.is_empty()).then_some(Lane { from, to })
    };
    let mut lanes: Vec<Lane> = graph.states.iter().enumerate().filter_map(lane).collect();
    lanes.sort_by_key(|lane| (lane.ends().1 - lane.ends().0, lane.from));
    lanes
}

#[derive(Clone, Copy)]
struct Drawn {
    symbol: &'static str,
    /// Whose lane it is part of; None: a line across.
    from: Option<usize>,
}

/// The cells beside one state: an arrow head if anything arrives, then each lane with a line between.
fn strip(lanes: &[Lane], row: usize, glyphs: Glyphs) -> Vec<Drawn> {
    let [level, upright, cross, above, below, both, leaves, arrives] = glyphs.lanes();
    let [rises, falls] = glyphs.forks();
    let touches = |lane: &Lane| lane.from == row || lane.to.contains(&row);
    let last = lanes.iter().rposition(touches);
    let head = lanes.iter().any(|lane| lane.to.contains(&row));
    let line = |reaches: bool| Drawn { symbol: if reaches { level } else { " " }, from: None };
    let mut cells = vec![match (head, last) {
        (true, _) => Drawn { symbol: arrives, from: None },
        (false, reached) => line(reached.is_some()),
    }];
    for (index, lane) in lanes.iter().enumerate() {
        let (top, bottom) = lane.ends();
        let across = last.is_some_and(|last| index < last);
        let symbol = if lane.from == row {
            leaves
        } else if lane.to.contains(&row) {
            match (row == top, row == bottom) {
                (true, _) => {
                    if across {
                        falls
                    } else {
                        below
                    }
                }
                (false, true) => {
                    if across {
                        rises
                    } else {
                        above
                    }
                }
                (false, false) => {
                    if across {
                        cross
                    } else {
                        both
                    }
                }
            }
        } else if (top..=bottom).contains(&row) {
            if across { cross } else { upright }
        } else if across {
            level
        } else {
            " "
        };
        let own = (top..=bottom).contains(&row).then_some(lane.from);
        cells.push(Drawn { symbol, from: own });
        cells.push(line(across));
    }
    cells
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{GraphState, Transition};

    fn graph(text: &str) -> Graph {
        let mut graph = Graph::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (from, to) = line.split_once(':').expect("a state and where it leads");
            graph.states.push(GraphState { name: from.to_owned(), ..GraphState::default() });
            for to in to.split_whitespace() {
                graph.transitions.push(Transition { from: from.to_owned(), to: to.to_owned(), on: "x".to_owned() });
            }
        }
        graph
    }

    fn drawn(text: &str) -> String {
        let graph = graph(text);
        let lanes = lanes(&graph);
        let row = |(index, state): (usize, &GraphState)| {
            let cells: String = strip(&lanes, index, Glyphs::Ascii).iter().map(|cell| cell.symbol).collect();
            format!("{:4}{cells}", state.name).trim_end().to_owned()
        };
        graph.states.iter().enumerate().map(row).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn each_state_that_leads_on_has_a_lane_from_itself_to_where_it_leads() {
        assert_eq!(drawn("off: on\non: off err\nerr:"), "off <o-,\non  <'-o\nerr <--'");
        assert_eq!(drawn("a:"), "a");
        assert_eq!(drawn("a: a nowhere\nb: a"), "a   <,\nb   -o");
    }
}
