//! A state machine drawn: its states, what moves it, and where it is.

use std::fmt::Write;

use super::{Drawing, identifier, label, quoted};
use crate::ctl::{
    object::{Graph, GraphState, GraphTransition},
    output::duration,
};

/// The drawing, ended by a newline.
pub(crate) fn draw(graph: &Graph, drawing: Drawing) -> String {
    match drawing {
        Drawing::Text => text(graph),
        Drawing::Dot => dot(graph),
        Drawing::Mermaid => mermaid(graph),
    }
}

/// What moves it, and the guard in brackets.
fn trigger(transition: &GraphTransition) -> String {
    match &transition.guard {
        Some(guard) => format!("{} [{guard}]", transition.on),
        None => transition.on.clone(),
    }
}

fn bound(state: &GraphState) -> Option<String> {
    state.timeout_s.map(|timeout| format!("at most {}", duration(timeout)))
}

fn text(graph: &Graph) -> String {
    let mut text = format!("{}: now {} (marked >)\n", graph.name, graph.current);
    for state in &graph.states {
        let mark = if state.name == graph.current { '>' } else { ' ' };
        let notes: Vec<_> = bound(state).into_iter().chain(state.description.clone()).collect();
        let notes = if notes.is_empty() { String::new() } else { format!("  ({})", notes.join("; ")) };
        let _ = writeln!(text, "\n{mark} {}{notes}", state.name);
        let out: Vec<_> = graph.transitions.iter().filter(|transition| transition.from == state.name).collect();
        let width = out.iter().map(|transition| trigger(transition).chars().count()).max().unwrap_or(0);
        for transition in &out {
            let _ = writeln!(text, "      {:width$}  -> {}", trigger(transition), transition.to);
        }
        if out.is_empty() {
            text.push_str("      (nothing leads on)\n");
        }
    }
    text
}

fn dot(graph: &Graph) -> String {
    let mut text = format!("digraph {} {{\n  rankdir=LR;\n  node [shape=box, style=rounded];\n", quoted(&graph.name));
    for state in &graph.states {
        let mut attributes = Vec::new();
        if let Some(bound) = bound(state) {
            attributes.push(format!("label=\"{}\\n{bound}\"", state.name));
        }
        match (state.name == graph.current, state.transitional) {
            (true, _) => attributes.push("style=\"rounded,bold,filled\", fillcolor=lightgrey".to_owned()),
            (false, true) => attributes.push("style=\"rounded,dashed\"".to_owned()),
            (false, false) => {}
        }
        let attributes = if attributes.is_empty() { String::new() } else { format!(" [{}]", attributes.join(", ")) };
        let _ = writeln!(text, "  {}{attributes};", quoted(&state.name));
    }
    for transition in &graph.transitions {
        let _ = writeln!(
            text,
            "  {} -> {} [label={}];",
            quoted(&transition.from),
            quoted(&transition.to),
            quoted(&trigger(transition))
        );
    }
    text + "}\n"
}

fn mermaid(graph: &Graph) -> String {
    let mut text = String::from("stateDiagram-v2\n");
    for state in &graph.states {
        let _ = writeln!(text, "  state \"{}\" as {}", label(&state.name), identifier(&state.name));
    }
    for transition in &graph.transitions {
        let (from, to) = (identifier(&transition.from), identifier(&transition.to));
        let _ = writeln!(text, "  {from} --> {to}: {}", label(&trigger(transition)));
    }
    let _ =
        writeln!(text, "  classDef current fill:#ddd,stroke-width:3px\n  class {} current", identifier(&graph.current));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host() -> Graph {
        let state = |name: &str, timeout_s: Option<f64>| GraphState {
            name: name.into(),
            transitional: timeout_s.is_some(),
            timeout_s,
            description: None,
        };
        let transition = |from: &str, to: &str, on: &str, guard: Option<&str>| GraphTransition {
            from: from.into(),
            to: to.into(),
            on: on.into(),
            guard: guard.map(str::to_owned),
        };
        Graph {
            name: "host.0".into(),
            current: "powering-on".into(),
            states: vec![state("off", None), state("powering-on", Some(30.0)), state("running", None)],
            transitions: vec![
                transition("off", "powering-on", "request on", Some("chassis is on")),
                transition("powering-on", "running", "power-good-rises", None),
                transition("powering-on", "off", "timeout", None),
            ],
        }
    }

    #[test]
    fn text_marks_the_current_state_and_its_bound() {
        assert_eq!(
            draw(&host(), Drawing::Text),
            "\
host.0: now powering-on (marked >)

  off
      request on [chassis is on]  -> powering-on

> powering-on  (at most 30s)
      power-good-rises  -> running
      timeout           -> off

  running
      (nothing leads on)
"
        );
    }

    #[test]
    fn dot_fills_the_current_state() {
        assert_eq!(
            draw(&host(), Drawing::Dot),
            "\
digraph \"host.0\" {
  rankdir=LR;
  node [shape=box, style=rounded];
  \"off\";
  \"powering-on\" [label=\"powering-on\\nat most 30s\", style=\"rounded,bold,filled\", fillcolor=lightgrey];
  \"running\";
  \"off\" -> \"powering-on\" [label=\"request on [chassis is on]\"];
  \"powering-on\" -> \"running\" [label=\"power-good-rises\"];
  \"powering-on\" -> \"off\" [label=\"timeout\"];
}
"
        );
    }

    #[test]
    fn mermaid_classes_the_current_state() {
        assert_eq!(
            draw(&host(), Drawing::Mermaid),
            "\
stateDiagram-v2
  state \"off\" as n_off
  state \"powering-on\" as n_powering_2d_on
  state \"running\" as n_running
  n_off --> n_powering_2d_on: request on [chassis is on]
  n_powering_2d_on --> n_running: power-good-rises
  n_powering_2d_on --> n_off: timeout
  classDef current fill:#ddd,stroke-width:3px
  class n_powering_2d_on current
"
        );
    }
}
