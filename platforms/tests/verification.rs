//! The shipped boards' machines are explored exhaustively, and nothing is wrong with them.

#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::collections::BTreeMap;

use ubmc_core::machines::verify::{self, Report};
use ubmc_platforms::board::{LoadOptions, NameOrFile, load};

fn shipped(name: &str) -> Report {
    let vars = BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/bin".to_owned())]);
    let board = NameOrFile::Name(name.to_owned());
    let options = LoadOptions { board, registries: Vec::new(), services_dir: None, vars };
    verify::verify(&load(&options).unwrap().board, verify::BOUND)
}

fn check(name: &str) {
    let began = std::time::Instant::now();
    let report = shipped(name);
    println!(
        "{name}: {:?} alone, {:?} product, {:?} faulty, {:?}",
        report.alone,
        report.product,
        report.faulty,
        began.elapsed()
    );
    let told: Vec<_> = report
        .findings
        .iter()
        .map(|finding| {
            format!("{} {}: {}\n    {}\n", finding.kind, finding.machine, finding.text, finding.trace.join("\n    "))
        })
        .collect();
    assert!(told.is_empty(), "{name}:\n{}", told.concat());
    assert!(report.left_out.is_empty(), "{:?}", report.left_out);
}

#[test]
fn nothing_is_wrong_with_the_simulated_board() {
    check("sim-2u");
}

#[test]
fn nothing_is_wrong_with_the_rainier() {
    check("rainier");
}
