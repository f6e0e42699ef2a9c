//! `docs/board-schema.md` describes every key that the loader knows, and no other.

#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use ubmc_platforms::board::schema;

/// Keys by heading: the first column of the tables below it.
fn described() -> BTreeMap<String, BTreeSet<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/board-schema.md");
    let mut tables: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut heading = String::new();
    for line in fs::read_to_string(path).unwrap().lines() {
        if line.starts_with('#') {
            line.split('`').nth(1).unwrap_or_default().clone_into(&mut heading);
        } else if let Some(rest) = line.strip_prefix("| `") {
            let key = rest.split('`').next().unwrap().to_owned();
            assert_eq!(rest.matches(" |").count(), 3, "three columns: {line}");
            assert!(tables.entry(heading.clone()).or_default().insert(key), "described twice: {line}");
        }
    }
    tables
}

#[test]
fn every_key_is_described_and_nothing_else_is() {
    let known: BTreeMap<_, _> = schema::TABLES
        .iter()
        .map(|table| {
            (table.path.to_owned(), table.names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>())
        })
        .collect();
    assert_eq!(known.len(), schema::TABLES.len(), "two tables have one path");
    let described = described();
    let headings: Vec<_> = described.keys().collect();
    assert_eq!(headings, known.keys().collect::<Vec<_>>());
    for (path, keys) in &known {
        assert_eq!(&described[path], keys, "{path}");
    }
}
