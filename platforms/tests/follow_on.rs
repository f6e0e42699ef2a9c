//! One slip is one problem: what follows from a line that is no TOML is not told as well.
//!
//! Every line gets one of the slips; with `UBMC_EVERY_SLIP` in the environment every one that can happen to it.

#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{collections::BTreeMap, fs};

use ubmc_platforms::board::{Diagnostics, LoadOptions, NameOrFile, load, shipped};

/// What a slip makes of a line; nothing when it cannot happen there.
type Slip = fn(&str) -> Option<String>;

const SLIPS: [(&str, Slip); 6] = [
    ("without its sign", |line| line.contains(" = ").then(|| line.replacen(" = ", " ", 1))),
    ("without its value", |line| Some(line.split_once(" = ")?.0.to_owned() + " =")),
    ("without its last bracket", |line| line.strip_suffix([']', '}']).map(str::to_owned)),
    ("without its last quote", |line| line.strip_suffix('"').map(str::to_owned)),
    ("with a semicolon", |line| (line.contains(" = ") && !line.ends_with(['[', '{', ','])).then(|| format!("{line};"))),
    ("with a word instead of a value", |line| Some(line.split_once(" = ")?.0.to_owned() + " = yes please")),
];

fn check(what: &str, text: &str) {
    let lines: Vec<&str> = text.lines().collect();
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("board.toml");
    let vars = BTreeMap::from([
        ("UBMC_BIN_DIR".to_owned(), "/usr/libexec".to_owned()),
        ("HOME".to_owned(), "/root".to_owned()),
    ]);
    let options =
        LoadOptions { board: NameOrFile::File(file.clone()), registries: Vec::new(), services_dir: None, vars };
    fs::write(&file, text).unwrap();
    let messages = |problems: &Diagnostics| problems.iter().map(|problem| problem.message.clone()).collect::<Vec<_>>();
    let before = messages(&load(&options).unwrap_or_else(|problems| panic!("{problems}")).warnings);
    let every = std::env::var_os("UBMC_EVERY_SLIP").is_some();
    let (mut tried, mut wrong) = (0, Vec::new());
    for (number, line) in lines.iter().enumerate().filter(|(_, line)| !line.starts_with('#')) {
        for (kind, (slip, apply)) in SLIPS.into_iter().enumerate() {
            if !every && number % SLIPS.len() != kind {
                continue;
            }
            let Some(broken) = apply(line) else { continue };
            let mut lines = lines.clone();
            lines[number] = &broken;
            fs::write(&file, lines.join("\n")).unwrap();
            tried += 1;
            match load(&options) {
                Ok(_) => wrong.push(format!("{what}:{} {slip} is taken: {broken}", number + 1)),
                Err(problems) => {
                    let (told, others): (Vec<_>, Vec<_>) =
                        messages(&problems).into_iter().partition(|message| message.starts_with("this is not TOML"));
                    if told.len() != 1 || others.iter().any(|message| !before.contains(message)) {
                        wrong.push(format!("{what}:{} {slip}: {broken}\n{problems}", number + 1));
                    }
                }
            }
        }
    }
    assert!(tried > 50, "{tried}");
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n\n"));
}

#[test]
fn a_slip_in_a_board_is_one_problem() {
    check("sim-2u", shipped::board("sim-2u").unwrap());
}

#[test]
fn a_slip_in_a_registry_is_one_problem() {
    check("contract", &format!("[board]\nname = \"x\"\n{}", include_str!("good/contract.toml")));
}
