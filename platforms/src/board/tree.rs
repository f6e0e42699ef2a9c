//! What TOML and JSON files have in common: values that know where they were written.

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    diagnostic::Diagnostics,
    mend::{self, DUPLICATE, Hole},
    source::{At, Span},
};

/// A value and its place.
pub(super) type Node = At<Value>;

/// A key, its place, and what it stands for.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_at: Span,
    pub(super) node: Node,
}

/// One value of a file.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    Bool(bool),
    List(Vec<Node>),
    /// In file order.
    Table(Vec<Entry>),
    /// JSON's `null`: as if the key were not there.
    Null,
    /// Dates, and numbers that no machine holds: nothing here takes them.
    Other(&'static str),
    /// It was there, but not TOML: that has been told, and nothing more needs to be said of it.
    Broken,
}

impl Value {
    /// With its article, for sentences.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) => "an integer",
            Self::Number(_) => "a number",
            Self::Bool(_) => "a boolean",
            Self::List(_) => "an array",
            Self::Table(_) => "a table",
            Self::Null => "null",
            Self::Other(kind) => kind,
            Self::Broken => "something that cannot be read",
        }
    }
}

/// Deeper nesting than any schema here has is not followed.
const MAX_DEPTH: usize = 32;

/// What could be read of a TOML file.
pub(super) struct Document {
    pub(super) root: Node,
    /// As long as the file, without what is not TOML.
    pub(super) text: String,
    /// Whether it may declare things whose names could not be read.
    pub(super) unseen: bool,
    /// Whether all of it is TOML.
    pub(super) sound: bool,
}

/// Reads a TOML file; nothing when its syntax is beyond reading. All problems are noted: neither a syntax error nor a
/// name declared twice hides the file's other problems.
pub(super) fn parse_toml(text: &str, file: usize, out: &mut Diagnostics) -> Option<Document> {
    let mended = mend::mend(text, file, out)?;
    let (parsed, errors) = DeTable::parse_recoverable(&mended.text);
    for error in errors.iter().filter(|error| error.message() == DUPLICATE) {
        let range = error.span().unwrap_or(0..0);
        let at = Span { file, start: range.start, end: range.end };
        let noted = out.error(at, format!("{} is declared twice in this file", quoted(text, at)));
        match first_declaration(text, at) {
            Some(first) => noted.label("second declaration").related(first, "first declaration").done(),
            None => noted.label("second declaration").done(),
        }
    }
    let range = parsed.span();
    let at = Span { file, start: range.start, end: range.end };
    let mut root = At::new(toml_table(parsed.get_ref(), file, 0), at);
    let placed: Vec<_> = mended.holes.iter().map(|hole| place(&mut root, hole)).collect();
    Some(Document { root, unseen: placed.contains(&false), sound: placed.is_empty(), text: mended.text.into_owned() })
}

/// Puts a hole where its value would stand, in place of whatever could be read of it; whether it has such a place.
fn place(root: &mut Node, hole: &Hole) -> bool {
    let Some((last, path)) = hole.path.as_deref().and_then(<[String]>::split_last) else { return false };
    let mut at = &mut root.value;
    for key in path {
        let Some(Value::Table(entries)) = innermost(at, hole.at.start) else { return true };
        match entries.iter().position(|entry| entry.key == *key) {
            Some(index) => at = &mut entries[index].node.value,
            None => return insert(entries, key, hole),
        }
    }
    match innermost(at, hole.at.start) {
        Some(Value::Table(entries)) => insert(entries, last, hole),
        // It was a key of something that is broken itself, or is no table, which is told where that is read.
        _ => true,
    }
}

/// Of an array of tables the table that a key at that place belongs to.
fn innermost(value: &mut Value, start: usize) -> Option<&mut Value> {
    match value {
        Value::List(items) => items.iter_mut().rfind(|item| item.at.start <= start).map(|item| &mut item.value),
        value => Some(value),
    }
}

fn insert(entries: &mut Vec<Entry>, key: &str, hole: &Hole) -> bool {
    entries.retain(|entry| entry.key != key);
    let node = At::new(Value::Broken, hole.at);
    let after = entries.partition_point(|entry| entry.key_at.start <= hole.at.start);
    entries.insert(after, Entry { key: key.to_owned(), key_at: hole.at, node });
    true
}

fn quoted(text: &str, at: Span) -> String {
    text.get(at.start..at.end).map_or_else(|| "a key".to_owned(), |key| format!("`{}`", key.trim_matches(['"', '\''])))
}

/// Where the same table header, or the same key below the same header, stands before. The parser does not say, so the
/// lines are compared; what is written differently both times is not found.
fn first_declaration(text: &str, second: Span) -> Option<Span> {
    let line_start = text.get(..second.start)?.rfind('\n').map_or(0, |newline| newline + 1);
    let offset = second.start - line_start;
    let line = text.get(line_start..)?.lines().next()?;
    let is_header = line.starts_with('[');
    let head = if is_header { line.split(']').next()? } else { text.get(line_start..second.end)? };
    let mut end = line_start;
    while let Some(above) = text.get(..end.checked_sub(1)?) {
        let start = above.rfind('\n').map_or(0, |newline| newline + 1);
        let candidate = above.get(start..)?;
        let rest = candidate.strip_prefix(head).map(str::trim_start);
        if rest.is_some_and(|rest| rest.starts_with(if is_header { ']' } else { '=' })) {
            let start = start + offset;
            return Some(Span { file: second.file, start, end: start + (second.end - second.start) });
        }
        if !is_header && candidate.starts_with('[') {
            return None;
        }
        end = start;
    }
    None
}

fn toml_table(table: &DeTable<'_>, file: usize, depth: usize) -> Value {
    let mut entries: Vec<_> = table
        .iter()
        .map(|(key, value)| {
            let range = key.span();
            Entry {
                key: key.get_ref().to_string(),
                key_at: Span { file, start: range.start, end: range.end },
                node: toml_node(value, file, depth + 1),
            }
        })
        .collect();
    // The parser's table is sorted by key; ids and messages follow the file.
    entries.sort_by_key(|entry| entry.key_at.start);
    Value::Table(entries)
}

fn toml_node(value: &Spanned<DeValue<'_>>, file: usize, depth: usize) -> Node {
    let range = value.span();
    let at = Span { file, start: range.start, end: range.end };
    if depth > MAX_DEPTH {
        return At::new(Value::Other("a value nested too deeply"), at);
    }
    let node = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => match i64::from_str_radix(integer.as_str(), integer.radix()) {
            Ok(integer) => Value::Integer(integer),
            Err(_) => Value::Other("an integer beyond 64 bits"),
        },
        DeValue::Float(float) => match float.as_str().parse() {
            Ok(number) => Value::Number(number),
            Err(_) => Value::Other("a number that cannot be read"),
        },
        DeValue::Boolean(boolean) => Value::Bool(*boolean),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(list) => Value::List(list.iter().map(|item| toml_node(item, file, depth + 1)).collect()),
        DeValue::Table(table) => toml_table(table, file, depth),
    };
    At::new(node, at)
}

/// As [`parse_toml`], for JSON.
pub(super) fn parse_json(text: &str, file: usize, out: &mut Diagnostics) -> Option<Node> {
    match serde_json::from_str::<&RawValue>(text) {
        Ok(raw) => Some(json_node(raw, text, file, 0, out)),
        Err(error) => {
            let start = offset(text, error.line(), error.column());
            let at = Span { file, start, end: (start + 1).min(text.len()) };
            let message = error.to_string();
            let message = message.split(" at line ").next().unwrap_or(&message);
            out.error(at, format!("this is not JSON: {message}"));
            None
        }
    }
}

fn json_node(raw: &RawValue, text: &str, file: usize, depth: usize, out: &mut Diagnostics) -> Node {
    let json = raw.get();
    // A borrowed raw value is a piece of the text it was read from.
    let start = (json.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    let at = Span { file, start, end: start + json.len() };
    if depth > MAX_DEPTH {
        return At::new(Value::Other("a value nested too deeply"), at);
    }
    let value = match json.as_bytes().first() {
        Some(b'"') => serde_json::from_str(json).map_or(Value::Other("a string that cannot be read"), Value::Text),
        Some(b't' | b'f') => Value::Bool(json == "true"),
        Some(b'n') => Value::Null,
        Some(b'[') => match serde_json::from_str::<Vec<&RawValue>>(json) {
            Ok(items) => {
                Value::List(items.into_iter().map(|item| json_node(item, text, file, depth + 1, out)).collect())
            }
            Err(_) => Value::Other("an array that cannot be read"),
        },
        Some(b'{') => match serde_json::from_str::<Pairs<'_>>(json) {
            Ok(Pairs(pairs)) => {
                let mut entries: Vec<Entry> = Vec::new();
                for (key, value) in pairs {
                    let node = json_node(value, text, file, depth + 1, out);
                    let key_at = json_key_at(text, &key, node.at);
                    if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                        out.error(key_at, format!("`{key}` is declared twice"))
                            .related(first.key_at, "first declaration");
                    } else {
                        entries.push(Entry { key, key_at, node });
                    }
                }
                Value::Table(entries)
            }
            Err(_) => Value::Other("an object that cannot be read"),
        },
        _ => match (json.parse(), json.parse()) {
            (Ok(integer), _) => Value::Integer(integer),
            (_, Ok(number)) => Value::Number(number),
            _ => Value::Other("a number that cannot be read"),
        },
    };
    At::new(value, at)
}

/// The key stands just before its value; where it is far off, or written with escapes, the value's place serves.
fn json_key_at(text: &str, key: &str, value: Span) -> Span {
    const FAR: usize = 64;
    let quoted = format!("\"{key}\"");
    let from = value.start.saturating_sub(quoted.len() + FAR);
    let near = text.as_bytes().get(from..value.start).unwrap_or_default();
    match near.windows(quoted.len()).rposition(|window| window == quoted.as_bytes()) {
        Some(offset) => Span { file: value.file, start: from + offset, end: from + offset + quoted.len() },
        None => value,
    }
}

/// Byte of a line and column, both from 1, as serde_json counts them.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let before: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

/// An object's members in file order, doubles included.
struct Pairs<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Pairs<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;

        impl<'de> Visitor<'de> for Members {
            type Value = Pairs<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = map.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Pairs(pairs))
            }
        }

        deserializer.deserialize_map(Members)
    }
}
