//! The names that a board declares, collected before anything is read, so that every reference resolves in one pass.

use std::collections::BTreeMap;

use super::{
    diagnostic::Diagnostics,
    order::{Order, order},
    source::{At, Span},
    table::{Context, Table, nearest, wrong_type},
    tree::{Entry, Node, Value},
};

/// The declarations of one section, in the order of their ids.
#[derive(Default)]
pub(super) struct Section<'t> {
    /// For sentences: `sensor`.
    kind: &'static str,
    pub(super) entries: Vec<&'t Entry>,
    /// Names of declarations that are no tables, and so are not among the entries.
    lost: Vec<&'t str>,
    /// Whether the section itself could be read.
    sound: bool,
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
        let met = cx.out.met();
        let all: Vec<_> = root.free_table(key, cx).iter().collect();
        let sound = cx.out.met() == met;
        bounded(&all, root.key_at(key), &format!("{kind}s"), most, cx);
        let (mut entries, mut lost) = (Vec::new(), Vec::new());
        for entry in all.into_iter().take(most) {
            check_name(&entry.key, entry.key_at, kind, &mut cx.out);
            if matches!(entry.node.value, Value::Table(_)) {
                entries.push(entry);
            } else {
                wrong_type(&entry.node, &format!("{kind} `{}`", entry.key), "a table", cx);
                lost.push(entry.key.as_str());
            }
        }
        Self { kind, entries, lost, sound }
    }

    /// Whether every declaration that there is could be read: only then what is not here is not there.
    pub(super) fn is_whole(&self, cx: &Context<'_>) -> bool {
        self.sound && self.lost.is_empty() && !cx.unseen
    }

    /// Id of a name that a declaration refers to; noted when there is none. `who` ends in a verb: ``zone `cpu` drives``.
    pub(super) fn find(&self, wanted: &At<String>, who: &str, cx: &mut Context<'_>) -> Option<usize> {
        let found = self.position(&wanted.value);
        if found.is_none() && !self.may_have(&wanted.value, cx) {
            let kind = self.kind;
            cx.out
                .error(wanted.at, format!("{who} {kind} `{}`, which no {kind} declares", wanted.value))
                .meant(nearest(&wanted.value, self.entries.iter().map(|entry| entry.key.as_str())));
        }
        found
    }

    /// Whether it may be declared in what could not be read.
    fn may_have(&self, name: &str, cx: &Context<'_>) -> bool {
        !self.sound || cx.unseen || self.lost.contains(&name)
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

    /// Puts every declaration behind those it is built from, and otherwise keeps the file's order. Where they go round
    /// in a circle, notes it with every member.
    pub(super) fn order_by(&mut self, needs: impl Fn(&'t Node) -> Vec<&'t str>, relation: &str, cx: &mut Context<'_>) {
        let places: BTreeMap<_, _> =
            self.entries.iter().enumerate().map(|(at, entry)| (entry.key.as_str(), at)).collect();
        let edges: Vec<Vec<usize>> = self
            .entries
            .iter()
            .enumerate()
            .map(|(own, entry)| {
                // One that needs itself is told so where it is read.
                let needs = needs(&entry.node).into_iter().filter_map(|name| places.get(name).copied());
                needs.filter(|need| *need != own).collect()
            })
            .collect();
        let Order { places, circles } = order(&edges);
        for circle in circles {
            let names: Vec<_> = circle.iter().map(|index| format!("`{}`", self.name(*index))).collect();
            let at = circle.first().map(|index| self.at(*index)).unwrap_or_default();
            let shown = names.iter().chain(names.first()).map(String::as_str).collect::<Vec<_>>().join(" → ");
            let mut noted = cx.out.error(at, format!("{}s {relation} each other in a circle: {shown}", self.kind));
            for index in circle.iter().skip(1) {
                noted = noted.related(self.at(*index), "and this one");
            }
        }
        self.entries = places.into_iter().filter_map(|index| self.entries.get(index).copied()).collect();
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

/// Whether a key is there, or stands in something that could not be read.
pub(super) fn has_key(node: &Node, path: &[&str]) -> bool {
    match (&node.value, path.split_first()) {
        (Value::Broken, _) | (_, None) => true,
        (Value::Table(entries), Some((key, rest))) => {
            entries.iter().any(|entry| entry.key == *key && has_key(&entry.node, rest))
        }
        _ => false,
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
