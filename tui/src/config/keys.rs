//! The section `[keys]`: which keys mean an action.

use std::ops::Range;

use toml::{Spanned, de::DeValue};

use super::{Config, Reader};
use crate::app::{Key, keymap::Action};

/// One line: an action's name, and its keys.
pub(super) fn read(
    reader: &mut Reader<'_>,
    config: &mut Config,
    name: &str,
    span: Range<usize>,
    value: &Spanned<DeValue<'_>>,
) {
    let Some(action) = Action::named(name) else {
        let mut actions: Vec<&str> =
            Action::NAMES.into_iter().filter(|(_, action)| !action.is_fixed()).map(|(name, _)| name).collect();
        actions.sort_unstable();
        return reader.unknown(span, "action", name, &actions);
    };
    if action.is_fixed() {
        return reader.at(Some(span), format!("the keys of `{name}` never change; leave it away"));
    }
    let Some(keys) = keys(reader, name, value) else { return };
    let meant: Vec<Key> = keys.iter().map(|(key, _)| *key).collect();
    config.keymap.rebind(action, &meant);
    reader.bound.extend(keys.into_iter().map(|(key, place)| (action, key, place)));
}

/// Whether each key that the file binds means one thing only: asked of the whole, so that two actions can swap keys.
pub(super) fn check(reader: &mut Reader<'_>, config: &Config) {
    for (action, key, place) in std::mem::take(&mut reader.bound) {
        let name = action.name();
        let text = match config.keymap.taken(key, action) {
            Some(other) if other.is_fixed() => {
                let other = other.name();
                format!("`{key}` never changes: it is `{other}` everywhere; choose another key for `{name}`")
            }
            Some(other) => {
                let other = other.name();
                format!("`{key}` is `{other}` in the same view; choose another key for one of them")
            }
            None => continue,
        };
        reader.at(Some(place), text);
    }
}

/// The keys of a line; None when that was told already.
fn keys(reader: &mut Reader<'_>, name: &str, value: &Spanned<DeValue<'_>>) -> Option<Vec<(Key, Range<usize>)>> {
    let wrong = || format!("`{name}` takes a key in quotes, or a list of them");
    let one = |reader: &mut Reader<'_>, value: &Spanned<DeValue<'_>>| {
        let DeValue::String(text) = value.get_ref() else {
            reader.at(Some(value.span()), wrong());
            return None;
        };
        let key = text.parse::<Key>();
        if let Err(error) = &key {
            reader.at(Some(value.span()), error.to_string());
        }
        Some((key.ok()?, value.span()))
    };
    match value.get_ref() {
        DeValue::String(_) => one(reader, value).map(|key| vec![key]),
        DeValue::Array(list) if list.is_empty() => {
            let text = format!("`{name}` has no key then; leave it away to keep the usual one");
            reader.at(Some(value.span()), text);
            None
        }
        DeValue::Array(list) => {
            // Those that are keys are checked on, so that all is told at once.
            Some(list.iter().filter_map(|value| one(reader, value)).collect())
        }
        _ => {
            reader.at(Some(value.span()), wrong());
            None
        }
    }
}
