//! The names that a board declares, collected before anything is read, so that every reference resolves in one pass.

use std::collections::BTreeMap;

use super::{
    diagnostic::Diagnostics,
    source::{At, Span},
    table::{Context, Table, nearest},
    tree::{Entry, Node, Value},
};

/// The declarations of one section, in the order of their ids.
#[derive(Default)]
pub(super) struct Section<'t> {
    /// For sentences: `sensor`.
    kind: &'static str,
    pub(super) entries: Vec<&'t Entry>,
}

impl<'t> Section<'t> {
    /// Collects the section and checks its names.
    pub(super) fn collect(
        root: &Table<'t>,
        key: &'static str,
        kind: &'static str,
        most: usize,
        cx: &mut Context<'_>,
    ) -> Self {
        let entries: Vec<_> = root.free_table(key, cx).iter().collect();
        bounded(&entries, root.key_at(key), &format!("{kind}s"), most, cx);
        let entries: Vec<_> = entries.into_iter().take(most).collect();
        for entry in &entries {
            check_name(&entry.key, entry.key_at, kind, &mut cx.out);
        }
        Self { kind, entries }
    }

    /// Id of a name that a declaration refers to; noted when there is none. `who` ends in a verb: ``zone `cpu` drives``.
    pub(super) fn find(&self, wanted: &At<String>, who: &str, cx: &mut Context<'_>) -> Option<usize> {
        let found = self.position(&wanted.value);
        if found.is_none() {
            let kind = self.kind;
            cx.out
                .error(wanted.at, format!("{who} {kind} `{}`, which no {kind} declares", wanted.value))
                .meant(nearest(&wanted.value, self.entries.iter().map(|entry| entry.key.as_str())));
        }
        found
    }

    pub(super) fn position(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.key == name)
    }

    /// As [`Section::find`] for a list; a name that stands twice is noted.
    pub(super) fn find_all(&self, wanted: &[At<String>], who: &str, cx: &mut Context<'_>) -> Vec<usize> {
        note_repeats(wanted, who, cx);
        let mut found: Vec<usize> = Vec::new();
        for name in wanted {
            if let Some(index) = self.find(name, who, cx)
                && !found.contains(&index)
            {
                found.push(index);
            }
        }
        found
    }

    /// The key's place of an id.
    pub(super) fn at(&self, index: usize) -> Span {
        self.entries.get(index).map_or_else(Span::default, |entry| entry.key_at)
    }

    pub(super) fn name(&self, index: usize) -> &'t str {
        self.entries.get(index).map_or("", |entry| entry.key.as_str())
    }

    /// Moves every declaration behind those it is built from, and otherwise keeps the file's order. Where they go
    /// round in a circle, notes it with every member.
    pub(super) fn order_by(&mut self, needs: impl Fn(&'t Node) -> Vec<&'t str>, relation: &str, cx: &mut Context<'_>) {
        let mut waiting = std::mem::take(&mut self.entries);
        loop {
            let mut blocked: Vec<&'t Entry> = Vec::new();
            let count = waiting.len();
            for (index, entry) in waiting.iter().enumerate() {
                let after = waiting.get(index + 1..).unwrap_or_default();
                let is_pending = |need: &&str| blocked.iter().chain(after).any(|other| other.key == **need);
                if needs(&entry.node).iter().any(|need| *need != entry.key && is_pending(need)) {
                    blocked.push(entry);
                } else {
                    self.entries.push(entry);
                }
            }
            let stuck = blocked.len() == count;
            waiting = blocked;
            if stuck || waiting.is_empty() {
                break;
            }
        }
        // Whatever merely hangs on a circle is dropped from its description by following needs until a name repeats.
        if let Some(first) = waiting.first() {
            let mut path = vec![first.key.as_str()];
            let circle = loop {
                let last = path.last().copied().unwrap_or_default();
                let next = waiting.iter().find(|entry| entry.key == last).and_then(|entry| {
                    needs(&entry.node)
                        .into_iter()
                        .find(|need| *need != entry.key && waiting.iter().any(|other| other.key == *need))
                });
                let Some(next) = next else { break path.as_slice() };
                if let Some(start) = path.iter().position(|name| *name == next) {
                    break path.get(start..).unwrap_or_default();
                }
                path.push(next);
            };
            let at = waiting
                .iter()
                .find(|entry| Some(&entry.key.as_str()) == circle.first())
                .map_or(first.key_at, |e| e.key_at);
            let shown: Vec<_> = circle.iter().chain(circle.first()).map(|name| format!("`{name}`")).collect();
            cx.out.error(at, format!("{}s {relation} each other in a circle: {}", self.kind, shown.join(" → ")));
        }
        self.entries.extend(waiting);
    }
}

/// Notes every name that a list has twice.
pub(super) fn note_repeats(names: &[At<String>], who: &str, cx: &mut Context<'_>) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for name in names {
        match seen.get(name.value.as_str()) {
            Some(first) => {
                cx.out.warning(name.at, format!("{who} `{}` twice", name.value)).related(*first, "here already").done();
            }
            None => drop(seen.insert(&name.value, name.at)),
        }
    }
}

/// Notes a table that is longer than anything real.
pub(super) fn bounded<T>(items: &[T], at: Span, what: &str, most: usize, cx: &mut Context<'_>) {
    if items.len() > most {
        cx.out.error(at, format!("{} {what} are more than the {most} that a board may have", items.len()));
    }
}

/// Names become parts of event subjects, file names and command lines.
pub(super) fn check_name(name: &str, at: Span, kind: &str, out: &mut Diagnostics) {
    const LONGEST: usize = 64;
    let good = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if name.is_empty() {
        out.error(at, format!("a {kind} without a name"));
    } else if name.len() > LONGEST {
        out.error(at, format!("the name of a {kind} is longer than {LONGEST} characters"));
    } else if !name.chars().all(good) || !name.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        out.error(at, format!("`{name}` cannot be the name of a {kind}"))
            .help("names have letters, digits and - _ . @, and start with a letter or digit");
    }
}

/// The texts of a list, whatever else is wrong with it.
pub(super) fn raw_texts<'t>(node: &'t Node, path: &[&str]) -> Vec<&'t str> {
    match (&node.value, path.split_first()) {
        (Value::Table(entries), Some((key, rest))) => {
            entries.iter().find(|entry| entry.key == *key).map(|entry| raw_texts(&entry.node, rest)).unwrap_or_default()
        }
        (Value::List(items), None) => items.iter().flat_map(|item| raw_texts(item, &[])).collect(),
        (Value::Text(text), None) => vec![text.as_str()],
        _ => Vec::new(),
    }
}
