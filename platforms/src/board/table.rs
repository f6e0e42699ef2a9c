//! Walks a file's tables: takes typed values out and notes every problem on the way instead of stopping at the first.
//!
//! A getter answers `None` both when the key is absent and when its value is unusable; in the second case the problem
//! has been noted, and the caller goes on with a default that nobody will see, because a load with errors gives no board.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
    path::PathBuf,
    time::Duration,
};

use super::{
    diagnostic::Diagnostics,
    quantity::{self, Unset},
    schema::Keys,
    source::{At, Span},
    tree::{Entry, Node, Value},
};

/// What every reader of a load shares.
pub(super) struct Context<'v> {
    pub(super) out: Diagnostics,
    pub(super) vars: &'v BTreeMap<String, String>,
    /// What was opened, in that order.
    pub(super) files: Vec<PathBuf>,
    /// Part of what was to be read could not be, and may declare anything: of names nobody declares nothing is said.
    pub(super) unseen: bool,
    /// Services whose declarations could not be read.
    pub(super) lost: BTreeSet<String>,
}

impl<'v> Context<'v> {
    pub(super) fn new(vars: &'v BTreeMap<String, String>) -> Self {
        Self { out: Diagnostics::default(), vars, files: Vec::new(), unseen: false, lost: BTreeSet::new() }
    }
}

/// The candidate that `wanted` was probably meant to be: a third of its letters may differ, or letters may have been
/// left out of one of the two (`cmd` for `command`).
pub(super) fn nearest<'a>(wanted: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let candidates = known.into_iter().filter(|name| *name != wanted).filter_map(|name| {
        let (short, long) = if name.len() < wanted.len() { (name, wanted) } else { (wanted, name) };
        let distance = strsim::damerau_levenshtein(wanted, name);
        let close = distance <= (long.len() / 3).max(1) && distance < short.len();
        (close || is_shortened(short, long)).then_some((!close, distance, name))
    });
    candidates.min().map(|(_, _, name)| name)
}

fn is_shortened(short: &str, long: &str) -> bool {
    let mut rest = long.chars();
    let contained = short.chars().all(|wanted| rest.any(|letter| letter == wanted));
    short.len() >= 2 && contained && short.chars().next() == long.chars().next()
}

/// One table, whose keys are known.
#[derive(Clone)]
pub(super) struct Table<'t> {
    /// For sentences, e.g. ``sensor `inlet_temp` ``.
    pub(super) who: String,
    /// Path from there to this table, e.g. `thresholds.`; empty for the declaration itself.
    prefix: String,
    /// Where it is declared: its key, or itself when it has none.
    pub(super) at: Span,
    entries: &'t [Entry],
    keys: &'static Keys,
}

impl<'t> Table<'t> {
    /// Opens a node that should be a table; notes unknown keys at once.
    pub(super) fn open(
        node: &'t Node,
        at: Span,
        who: impl Into<String>,
        keys: &'static Keys,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        Self::open_within(node, at, who.into(), String::new(), keys, cx)
    }

    fn open_within(
        node: &'t Node,
        at: Span,
        who: String,
        prefix: String,
        keys: &'static Keys,
        cx: &mut Context<'_>,
    ) -> Option<Self> {
        let what = if prefix.is_empty() { who.clone() } else { format!("`{}` of {who}", prefix.trim_end_matches('.')) };
        let entries = entries(node, &what, cx)?;
        for entry in entries.iter().filter(|entry| !keys.names.contains(&entry.key.as_str())) {
            let key = &entry.key;
            let noted = cx.out.error(entry.key_at, format!("{who} has no key `{prefix}{key}`"));
            if let Some((known, None)) = keys.translated(key) {
                noted.meant(Some(known)).done();
            } else if let Some((known, Some(table))) = keys.translated(key) {
                noted.label(format!("here that is `{known}` of `{table}`")).done();
            } else if let Some((known, table)) = keys.elsewhere(key) {
                noted.label(format!("`{known}` belongs to `{table}`")).done();
            } else if let Some(candidate) = nearest(key, keys.names.iter().copied()) {
                noted.meant(Some(candidate)).done();
            } else {
                noted.label("unknown key").help(format!("known here: {}", keys.names.join(", "))).done();
            }
        }
        Some(Self { who, prefix, at, entries, keys })
    }

    /// A key and whose it is, for sentences: `` `thresholds.hysteresis` of sensor `inlet_temp` ``.
    pub(super) fn named(&self, key: &str) -> String {
        format!("`{}{key}` of {}", self.prefix, self.who)
    }

    /// Place of a key's value that is there, else of the table.
    pub(super) fn value_at(&self, key: &str) -> Span {
        self.entry(key).map_or(self.at, |entry| entry.node.at)
    }

    /// The entry of a key that is there.
    pub(super) fn entry(&self, key: &str) -> Option<&'t Entry> {
        debug_assert!(self.keys.names.contains(&key), "`{key}` is read but not in the schema of {}", self.keys.path);
        self.entries.iter().find(|entry| entry.key == key && !matches!(entry.node.value, Value::Null))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.entry(key).is_some()
    }

    /// Place of a key that is there, else of the table.
    pub(super) fn key_at(&self, key: &str) -> Span {
        self.entry(key).map_or(self.at, |entry| entry.key_at)
    }

    /// Notes that a key must be there and is not.
    pub(super) fn missing(&self, key: &str, example: &str, cx: &mut Context<'_>) {
        cx.out
            .error(self.at, format!("{} has no `{}{key}`", self.who, self.prefix))
            .label("missing here")
            .help(format!("add `{key} = {example}`"));
    }

    /// A table inside this one.
    pub(super) fn table(&self, key: &str, keys: &'static Keys, cx: &mut Context<'_>) -> Option<Table<'t>> {
        let entry = self.entry(key)?;
        Table::open_within(&entry.node, entry.key_at, self.who.clone(), format!("{}{key}.", self.prefix), keys, cx)
    }

    /// The entries of a table inside this one whose keys are free names.
    pub(super) fn free_table(&self, key: &str, cx: &mut Context<'_>) -> &'t [Entry] {
        self.entry(key).and_then(|entry| entries(&entry.node, &self.named(key), cx)).unwrap_or_default()
    }

    /// A text, variables expanded.
    pub(super) fn text(&self, key: &str, cx: &mut Context<'_>) -> Option<At<String>> {
        let node = &self.entry(key)?.node;
        text(node, &self.named(key), cx)
    }

    /// A text that must be there.
    pub(super) fn required_text(&self, key: &str, example: &str, cx: &mut Context<'_>) -> Option<At<String>> {
        if !self.has(key) {
            self.missing(key, example, cx);
        }
        self.text(key, cx)
    }

    /// A list of texts; empty when absent.
    pub(super) fn texts(&self, key: &str, cx: &mut Context<'_>) -> Vec<At<String>> {
        let what = self.named(key);
        self.list(key, cx).iter().filter_map(|node| text(node, &format!("an item of {what}"), cx)).collect()
    }

    /// A list; empty when absent.
    pub(super) fn list(&self, key: &str, cx: &mut Context<'_>) -> &'t [Node] {
        match self.entry(key).map(|entry| &entry.node) {
            None => &[],
            Some(At { value: Value::List(items), .. }) => items,
            Some(node) => {
                match &node.value {
                    Value::Text(text) => {
                        let what = format!("{} must be an array, not a string", self.named(key));
                        cx.out.error(node.at, what).label(format!("write [{text:?}]")).done();
                    }
                    _ => wrong_type(node, &self.named(key), "an array", cx),
                }
                &[]
            }
        }
    }

    pub(super) fn bool(&self, key: &str, cx: &mut Context<'_>) -> Option<bool> {
        let node = &self.entry(key)?.node;
        if let Value::Bool(value) = node.value {
            return Some(value);
        }
        wrong_type(node, &self.named(key), "true or false", cx);
        None
    }

    /// A whole number within bounds.
    pub(super) fn integer<T>(&self, key: &str, bounds: RangeInclusive<T>, cx: &mut Context<'_>) -> Option<At<T>>
    where
        T: Copy + PartialOrd + std::fmt::Display + TryFrom<i64>,
    {
        let node = &self.entry(key)?.node;
        let Value::Integer(value) = node.value else {
            wrong_type(node, &self.named(key), "an integer", cx);
            return None;
        };
        match T::try_from(value) {
            Ok(value) if bounds.contains(&value) => Some(At::new(value, node.at)),
            _ => {
                self.out_of_range(key, node.at, bounds.start(), bounds.end(), cx);
                None
            }
        }
    }

    /// A finite number within bounds.
    pub(super) fn number(&self, key: &str, bounds: RangeInclusive<f64>, cx: &mut Context<'_>) -> Option<At<f64>> {
        let node = &self.entry(key)?.node;
        let value = number(node, &self.named(key), cx)?;
        if bounds.contains(&value) {
            return Some(At::new(value, node.at));
        }
        self.out_of_range(key, node.at, bounds.start(), bounds.end(), cx);
        None
    }

    fn out_of_range(
        &self,
        key: &str,
        at: Span,
        low: &dyn std::fmt::Display,
        high: &dyn std::fmt::Display,
        cx: &mut Context<'_>,
    ) {
        cx.out.error(at, format!("{} is out of range", self.named(key))).label(format!("must be {low} to {high}"));
    }

    /// A time, zero included.
    pub(super) fn time(&self, key: &str, cx: &mut Context<'_>) -> Option<At<Duration>> {
        let node = &self.entry(key)?.node;
        let parsed = match &node.value {
            #[expect(clippy::cast_precision_loss, reason = "beyond 2^52 seconds it is refused anyhow")]
            Value::Integer(seconds) => quantity::duration(*seconds as f64),
            Value::Number(seconds) => quantity::duration(*seconds),
            Value::Text(text) => quantity::parse_duration(text),
            _ => {
                wrong_type(node, &self.named(key), "a time in seconds or like \"250ms\"", cx);
                return None;
            }
        };
        match parsed {
            Ok(duration) => Some(At::new(duration, node.at)),
            Err(reason) => {
                cx.out.error(node.at, format!("{} is no usable time", self.named(key))).label(reason);
                None
            }
        }
    }

    /// A time longer than zero.
    pub(super) fn positive_time(&self, key: &str, cx: &mut Context<'_>) -> Option<At<Duration>> {
        let time = self.time(key, cx)?;
        if !time.value.is_zero() {
            return Some(time);
        }
        cx.out.error(time.at, format!("{} is zero", self.named(key))).label("must be longer than zero");
        None
    }

    /// A size in bytes: a number, or a number with a unit.
    pub(super) fn bytes(&self, key: &str, cx: &mut Context<'_>) -> Option<At<u64>> {
        let node = &self.entry(key)?.node;
        let parsed = match &node.value {
            Value::Integer(bytes) => u64::try_from(*bytes).map_err(|_| "a size cannot be negative".to_owned()),
            Value::Text(text) => quantity::parse_bytes(text),
            _ => {
                wrong_type(node, &self.named(key), "a size in bytes or like \"64M\"", cx);
                return None;
            }
        };
        match parsed {
            Ok(bytes) => Some(At::new(bytes, node.at)),
            Err(reason) => {
                cx.out.error(node.at, format!("{} is no usable size", self.named(key))).label(reason);
                None
            }
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, key: &str, words: &[(&str, T)], cx: &mut Context<'_>) -> Option<At<T>> {
        let text = self.text(key, cx)?;
        choose(&text, &self.named(key), words, cx).map(|value| At::new(value, text.at))
    }

    /// One of a few words that must be there.
    pub(super) fn required_word<T: Copy>(&self, key: &str, words: &[(&str, T)], cx: &mut Context<'_>) -> Option<At<T>> {
        if !self.has(key) {
            let known: Vec<_> = words.iter().map(|(word, _)| format!("\"{word}\"")).collect();
            self.missing(key, &known.join(" | "), cx);
        }
        self.word(key, words, cx)
    }
}

/// The value that a word stands for.
pub(super) fn choose<T: Copy>(text: &At<String>, what: &str, words: &[(&str, T)], cx: &mut Context<'_>) -> Option<T> {
    let found = words.iter().find(|(word, _)| *word == text.value).map(|(_, value)| *value);
    if found.is_none() {
        let known: Vec<_> = words.iter().map(|(word, _)| *word).collect();
        cx.out
            .error(text.at, format!("{what} cannot be `{}`", text.value))
            .meant(nearest(&text.value, known.iter().copied()))
            .help(format!("one of: {}", known.join(", ")));
    }
    found
}

/// The node's text, variables expanded.
pub(super) fn text(node: &Node, what: &str, cx: &mut Context<'_>) -> Option<At<String>> {
    let Value::Text(raw) = &node.value else {
        wrong_type(node, what, "a string", cx);
        return None;
    };
    match quantity::expand(raw, cx.vars) {
        Ok(expanded) => {
            if expanded.contains('\0') {
                cx.out.error(node.at, format!("{what} contains a NUL byte, which no path or argument can"));
                return None;
            }
            Some(At::new(expanded, node.at))
        }
        Err(Unset::Variable(name)) => {
            cx.out
                .error(node.at, format!("{what} uses the variable `{name}`, which is not set"))
                .meant(nearest(&name, cx.vars.keys().map(String::as_str)))
                .help("set it in ubmcd's environment; `$${` writes a `${` that is meant literally");
            None
        }
        Err(Unset::Unclosed) => {
            cx.out
                .error(node.at, format!("{what} has a `${{` without its `}}`"))
                .help("`$${` writes a `${` that is meant literally");
            None
        }
    }
}

/// The node's number, finite.
pub(super) fn number(node: &Node, what: &str, cx: &mut Context<'_>) -> Option<f64> {
    match node.value {
        #[expect(clippy::cast_precision_loss, reason = "physical values are far below 2^52")]
        Value::Integer(value) => Some(value as f64),
        Value::Number(value) if value.is_finite() => Some(value),
        Value::Number(_) => {
            cx.out.error(node.at, format!("{what} must be a finite number"));
            None
        }
        _ => {
            wrong_type(node, what, "a number", cx);
            None
        }
    }
}

fn entries<'t>(node: &'t Node, who: &str, cx: &mut Context<'_>) -> Option<&'t [Entry]> {
    if let Value::Table(entries) = &node.value {
        return Some(entries);
    }
    wrong_type(node, who, "a table", cx);
    None
}

/// Notes that a value has another type than it should.
pub(super) fn wrong_type(node: &Node, what: &str, wanted: &str, cx: &mut Context<'_>) {
    if matches!(node.value, Value::Broken) {
        return cx.out.met_again();
    }
    cx.out
        .error(node.at, format!("{what} must be {wanted}, not {}", node.value.kind()))
        .label(format!("expected {wanted}"));
}
