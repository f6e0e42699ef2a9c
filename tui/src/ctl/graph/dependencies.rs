//! What depends on what, drawn. In all drawings the arrow goes from a service to what it needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use super::{Drawing, identifier, label, quoted};
use crate::ctl::{object::Dependency, output::plain_text};

/// The drawing of all services, or of what `name` needs and what needs it, ended by a newline.
pub(crate) fn draw(nodes: &[Dependency], name: Option<&str>, drawing: Drawing) -> String {
    let graph = Graph(nodes.iter().map(|node| (node.name.as_str(), node)).collect());
    let shown: Vec<_> = match name {
        None => nodes.iter().collect(),
        Some(name) => {
            let around = graph.around(name);
            nodes.iter().filter(|node| around.contains(node.name.as_str())).collect()
        }
    };
    match (drawing, name) {
        (Drawing::Text, Some(name)) => graph.one(name),
        (Drawing::Text, None) => graph.all(nodes),
        (Drawing::Dot, _) => dot(&shown),
        (Drawing::Mermaid, _) => mermaid(&shown),
    }
}

struct Graph<'a>(BTreeMap<&'a str, &'a Dependency>);

/// One way through the graph.
#[derive(Clone, Copy)]
enum Way {
    Needs,
    NeededBy,
}

impl<'a> Graph<'a> {
    /// Neighbours with the word for a relation that is not hard.
    fn next(&self, name: &str, way: Way) -> Vec<(&'a str, &'static str)> {
        let Some(node) = self.0.get(name).copied() else { return Vec::new() };
        let (hard, soft, word) = match way {
            Way::Needs => (&node.dependencies, &node.wants, " (wanted)"),
            Way::NeededBy => (&node.required_by, &node.wanted_by, " (wants it)"),
        };
        let hard = hard.iter().map(|name| (name.as_str(), ""));
        hard.chain(soft.iter().map(|name| (name.as_str(), word))).collect()
    }

    /// The service, all it needs and all that needs it, near and far.
    fn around(&self, name: &'a str) -> BTreeSet<&'a str> {
        let mut around = BTreeSet::from([name]);
        for way in [Way::Needs, Way::NeededBy] {
            let mut reached = vec![name];
            let mut seen = BTreeSet::new();
            while let Some(here) = reached.pop() {
                if seen.insert(here) {
                    reached.extend(self.next(here, way).into_iter().map(|(name, _)| name));
                }
            }
            around.extend(seen);
        }
        around
    }

    fn one(&self, name: &str) -> String {
        let mut text = format!("{}\n", self.described(name));
        if let Some(node) = self.0.get(name) {
            for (word, names) in
                [("starts after", &node.after), ("starts before", &node.before), ("never runs with", &node.conflicts)]
            {
                if !names.is_empty() {
                    let _ = writeln!(text, "  {word} {}", names.join(", "));
                }
            }
        }
        for (heading, way) in [("NEEDS", Way::Needs), ("NEEDED BY", Way::NeededBy)] {
            let _ = writeln!(text, "\n{heading}");
            if self.next(name, way).is_empty() {
                text.push_str("  nothing\n");
            }
            self.branch(name, way, 1, &mut BTreeSet::from([name.to_owned()]), &mut text);
        }
        text
    }

    /// Each service by group with what it needs directly.
    fn all(&self, nodes: &[Dependency]) -> String {
        let mut text = String::new();
        let mut group = None;
        let width = nodes.iter().map(|node| node.name.chars().count()).max().unwrap_or(0);
        for node in nodes {
            if group.replace(&node.group) != Some(&node.group) {
                let _ = writeln!(text, "{}", plain_text(&node.group));
            }
            let needs: Vec<_> =
                self.next(&node.name, Way::Needs).into_iter().map(|(name, word)| format!("{name}{word}")).collect();
            let arrow = if needs.is_empty() { String::new() } else { format!("  -> {}", needs.join(", ")) };
            let line = format!("  {:width$}  {:9}{arrow}", node.name, node.state);
            let _ = writeln!(text, "{}", plain_text(line.trim_end()));
        }
        if text.is_empty() { "no services\n".to_owned() } else { text }
    }

    /// The tree below `name`; what stands above already is not drawn again.
    fn branch(&self, name: &str, way: Way, depth: usize, drawn: &mut BTreeSet<String>, text: &mut String) {
        for (next, word) in self.next(name, way) {
            let first = drawn.insert(next.to_owned());
            let again = if first || self.next(next, way).is_empty() { "" } else { " (see above)" };
            let _ = writeln!(text, "{:indent$}{}{word}{again}", "", self.described(next), indent = depth * 2);
            if first {
                self.branch(next, way, depth + 1, drawn, text);
            }
        }
    }

    fn described(&self, name: &str) -> String {
        let state = self.0.get(name).map_or("unknown", |node| node.state.as_str());
        format!("{}  {state}", plain_text(name))
    }
}

/// Groups in the order of their first service, with their services.
fn by_group<'a>(nodes: &[&'a Dependency]) -> Vec<(&'a str, Vec<&'a Dependency>)> {
    let mut groups: Vec<(&str, Vec<_>)> = Vec::new();
    for node in nodes {
        match groups.iter_mut().find(|(group, _)| *group == node.group) {
            Some((_, members)) => members.push(*node),
            None => groups.push((&node.group, vec![*node])),
        }
    }
    groups
}

/// Every arrow with its kind: hard, wanted, or order only.
fn arrows<'a>(nodes: &[&'a Dependency]) -> Vec<(&'a str, &'a str, Arrow)> {
    let shown: BTreeSet<_> = nodes.iter().map(|node| node.name.as_str()).collect();
    nodes
        .iter()
        .flat_map(|node| {
            let own = [(&node.dependencies, Arrow::Hard), (&node.wants, Arrow::Wanted), (&node.after, Arrow::After)]
                .into_iter()
                .flat_map(move |(names, arrow)| names.iter().map(move |to| (node.name.as_str(), to.as_str(), arrow)));
            // `before` is the same order said from the other end.
            let said_there =
                move |other: &&String| nodes.iter().any(|one| one.name == **other && one.after.contains(&node.name));
            let before = node.before.iter().filter(move |other| !said_there(other));
            own.chain(before.map(|other| (other.as_str(), node.name.as_str(), Arrow::After)))
        })
        .filter(|(from, to, _)| shown.contains(from) && shown.contains(to))
        .collect()
}

#[derive(Clone, Copy)]
enum Arrow {
    Hard,
    Wanted,
    After,
}

fn dot(nodes: &[&Dependency]) -> String {
    let mut text = String::from("digraph services {\n  rankdir=LR;\n  node [shape=box];\n");
    for (index, (group, members)) in by_group(nodes).into_iter().enumerate() {
        let _ = writeln!(text, "  subgraph cluster_{index} {{\n    label={};", quoted(group));
        for node in members {
            let _ = writeln!(text, "    {};", quoted(&node.name));
        }
        text.push_str("  }\n");
    }
    for (from, to, arrow) in arrows(nodes) {
        let style = match arrow {
            Arrow::Hard => "",
            Arrow::Wanted => " [style=dashed]",
            Arrow::After => " [style=dotted]",
        };
        let _ = writeln!(text, "  {} -> {}{style};", quoted(from), quoted(to));
    }
    text + "}\n"
}

fn mermaid(nodes: &[&Dependency]) -> String {
    let mut text = String::from("flowchart LR\n");
    for (group, members) in by_group(nodes) {
        let _ = writeln!(text, "  subgraph {}[\"{}\"]", identifier(group).replacen("n_", "g_", 1), label(group));
        for node in members {
            let _ = writeln!(text, "    {}[\"{}\"]", identifier(&node.name), label(&node.name));
        }
        text.push_str("  end\n");
    }
    for (from, to, arrow) in arrows(nodes) {
        let arrow = match arrow {
            Arrow::Hard => "-->",
            Arrow::Wanted => "-.->",
            Arrow::After => "-. after .->",
        };
        let _ = writeln!(text, "  {} {arrow} {}", identifier(from), identifier(to));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn nodes() -> Vec<Dependency> {
        let node = |name: &str, group: &str, needs: &[&str], wants: &[&str], by: &[&str], wanted: &[&str]| {
            let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            Dependency {
                name: name.into(),
                group: group.into(),
                state: "running".into(),
                dependencies: list(needs),
                wants: list(wants),
                required_by: list(by),
                wanted_by: list(wanted),
                ..Dependency::default()
            }
        };
        vec![
            node("journal", "foundation", &[], &[], &["db", "log-ship"], &[]),
            node("db", "core", &["journal"], &[], &["web"], &[]),
            node("log-ship", "core", &["journal"], &[], &[], &["web"]),
            node("web", "interface", &["db"], &["log-ship"], &[], &[]),
        ]
    }

    #[test]
    fn one_service_shows_all_that_it_needs_and_that_needs_it() {
        assert_eq!(
            draw(&nodes(), Some("web"), Drawing::Text),
            "\
web  running

NEEDS
  db  running
    journal  running
  log-ship  running (wanted)
    journal  running

NEEDED BY
  nothing
"
        );
        let journal = draw(&nodes(), Some("journal"), Drawing::Text);
        assert!(journal.contains("NEEDED BY\n  db  running\n    web  running\n  log-ship  running\n"), "{journal}");
    }

    #[test]
    fn all_services_are_listed_by_group() {
        assert_eq!(
            draw(&nodes(), None, Drawing::Text),
            "\
foundation
  journal   running
core
  db        running    -> journal
  log-ship  running    -> journal
interface
  web       running    -> db, log-ship (wanted)
"
        );
        assert_eq!(draw(&[], None, Drawing::Text), "no services\n");
    }

    #[test]
    fn dot_groups_services_and_dashes_what_is_only_wanted() {
        assert_eq!(
            draw(&nodes(), Some("db"), Drawing::Dot),
            "\
digraph services {
  rankdir=LR;
  node [shape=box];
  subgraph cluster_0 {
    label=\"foundation\";
    \"journal\";
  }
  subgraph cluster_1 {
    label=\"core\";
    \"db\";
  }
  subgraph cluster_2 {
    label=\"interface\";
    \"web\";
  }
  \"db\" -> \"journal\";
  \"web\" -> \"db\";
}
"
        );
    }

    #[test]
    fn mermaid_draws_the_same_with_identifiers() {
        let text = draw(&nodes(), None, Drawing::Mermaid);
        assert!(
            text.starts_with("flowchart LR\n  subgraph g_foundation[\"foundation\"]\n    n_journal[\"journal\"]\n")
        );
        assert!(text.contains("  n_web --> n_db\n  n_web -.-> n_log_2d_ship\n"), "{text}");
    }

    #[test]
    fn order_only_is_told_from_either_end_and_drawn_once() {
        let mut nodes = nodes();
        nodes[1].before.push("log-ship".to_owned());
        assert!(draw(&nodes, Some("db"), Drawing::Text).contains("db  running\n  starts before log-ship\n"));
        assert!(draw(&nodes, None, Drawing::Dot).contains("  \"log-ship\" -> \"db\" [style=dotted];\n"));
        nodes[2].after.push("db".to_owned());
        assert_eq!(draw(&nodes, None, Drawing::Dot).matches("style=dotted").count(), 1);
    }

    #[test]
    fn a_cycle_in_the_answer_does_not_hang_the_drawing() {
        let mut nodes = nodes();
        nodes[0].dependencies.push("web".to_owned());
        assert!(draw(&nodes, Some("web"), Drawing::Text).contains("(see above)"));
    }
}
