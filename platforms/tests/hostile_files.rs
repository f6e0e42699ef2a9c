//! Whatever stands in a file, loading it ends in a board or in diagnostics that can be shown.

#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{collections::BTreeMap, fs};

use proptest::prelude::*;
use ubmc_core::board::Board;
use ubmc_platforms::board::{Diagnostics, LoadOptions, Loaded, NameOrFile, load, shipped};

/// What a slip of the hand, or of an editor, does to a text.
#[derive(Clone, Debug)]
enum Edit {
    Delete { from: usize, length: usize },
    Insert { at: usize, text: &'static str },
    Repeat { from: usize, length: usize, to: usize },
    ReplaceWord { number: usize, with: &'static str },
    DropLine(usize),
    SwapLines(usize, usize),
}

const PIECES: &[&str] = &[
    "0",
    "-1",
    "1e308",
    "nan",
    "-inf",
    "99999999999999999999",
    "true",
    "\"\"",
    "[]",
    "{}",
    "[",
    "]",
    "\"",
    "=",
    "\n",
    "\0",
    "é",
    "\u{1F4A9}",
    "\"${NOPE}\"",
    "\"${\"",
    "[[",
    "1979-05-27",
    "[services.api]\n",
    "source = { sim = \"fan.0\" }\n",
    "derived = { sum = [\"p12v\"] }\n",
    "parent = \"host.0\"\n",
    "dependencies = [\"webui\"]\n",
    "\u{202e}",
    "\r",
    "\t\x1b[31m",
];

fn edit() -> impl Strategy<Value = Edit> {
    let place = || 0..usize::MAX;
    let piece = || prop::sample::select(PIECES);
    prop_oneof![
        (place(), 1..200usize).prop_map(|(from, length)| Edit::Delete { from, length }),
        (place(), piece()).prop_map(|(at, text)| Edit::Insert { at, text }),
        (place(), 1..400usize, place()).prop_map(|(from, length, to)| Edit::Repeat { from, length, to }),
        (place(), piece()).prop_map(|(number, with)| Edit::ReplaceWord { number, with }),
        place().prop_map(Edit::DropLine),
        (place(), place()).prop_map(|(a, b)| Edit::SwapLines(a, b)),
    ]
}

fn apply(text: &str, edit: &Edit) -> String {
    let chars: Vec<char> = text.chars().collect();
    let lines: Vec<&str> = text.split('\n').collect();
    let within = |place: usize, length: usize| if length == 0 { 0 } else { place % length };
    let join = |parts: &[&[char]]| parts.iter().flat_map(|part| part.iter()).collect::<String>();
    match edit {
        Edit::Delete { from, length } => {
            let from = within(*from, chars.len());
            let to = (from + length).min(chars.len());
            join(&[&chars[..from], &chars[to..]])
        }
        Edit::Insert { at, text } => {
            let at = within(*at, chars.len());
            join(&[&chars[..at], &text.chars().collect::<Vec<_>>(), &chars[at..]])
        }
        Edit::Repeat { from, length, to } => {
            let from = within(*from, chars.len());
            let piece = &chars[from..(from + length).min(chars.len())];
            let to = within(*to, chars.len());
            join(&[&chars[..to], piece, &chars[to..]])
        }
        Edit::ReplaceWord { number, with } => {
            let words: Vec<&str> = text.split_inclusive(' ').collect();
            let number = within(*number, words.len());
            words.iter().enumerate().map(|(index, word)| if index == number { *with } else { *word }).collect()
        }
        Edit::DropLine(number) => {
            let number = within(*number, lines.len());
            lines
                .iter()
                .enumerate()
                .filter(|(index, _)| *index != number)
                .map(|(_, line)| *line)
                .collect::<Vec<_>>()
                .join("\n")
        }
        Edit::SwapLines(a, b) => {
            let mut lines = lines.clone();
            let (a, b) = (within(*a, lines.len()), within(*b, lines.len()));
            lines.swap(a, b);
            lines.join("\n")
        }
    }
}

/// Every id points into its table, and what must come first does.
fn assert_consistent(board: &Board) {
    for (place, sensor) in board.sensors.iter().enumerate() {
        if let ubmc_core::sensors::SensorSource::Derived { inputs, .. } = &sensor.source {
            assert!(!inputs.is_empty() && inputs.iter().all(|input| input.index() < place), "{}", sensor.name);
        }
        assert!(sensor.stale_after >= sensor.interval * 2);
        assert!(sensor.powered_by.is_none_or(|machine| machine.index() < board.machines.len()));
    }
    for zone in &board.zones {
        assert!(!zone.sensors().is_empty() && !zone.fans.is_empty());
        assert!(zone.sensors().iter().all(|sensor| sensor.index() < board.sensors.len()));
        assert!(zone.fans.iter().all(|fan| fan.index() < board.fans.len()));
        assert!(zone.failsafe >= zone.floor);
    }
    for (place, machine) in board.machines.iter().enumerate() {
        assert!(machine.parent.is_none_or(|parent| parent.index() < place), "{}", machine.name);
        let definition = &machine.definition;
        for role in definition.inputs.iter().chain(&definition.outputs) {
            assert!(machine.signals[role].index() < board.signals.len());
        }
        for state in definition.states.values() {
            assert!(state.transitions.iter().all(|transition| definition.states.contains_key(&transition.to)));
        }
    }
    for service in &board.services {
        let links = service.dependencies.iter().chain(&service.wants).chain(&service.after).chain(&service.before);
        for link in links {
            assert!(board.services.iter().any(|other| other.name == *link), "{} → {link}", service.name);
        }
    }
}

fn check(result: Result<Loaded, Diagnostics>) {
    match result {
        Ok(loaded) => assert_consistent(&loaded.board),
        Err(problems) => {
            assert!(problems.errors() > 0);
            let shown = problems.to_string();
            assert!(!shown.contains(['\x1b', '\0', '\x07']), "{shown:?}");
            for problem in &problems {
                assert!(!problem.message.is_empty());
                assert!(problem.span.start <= problem.span.end);
            }
        }
    }
}

fn options(board: NameOrFile) -> LoadOptions {
    let vars = BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/usr/libexec".to_owned())]);
    LoadOptions { board, registries: Vec::new(), services_dir: None, vars }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_edit_of_a_board_makes_the_loader_panic(edits in prop::collection::vec(edit(), 1..6)) {
        let text = edits.iter().fold(shipped::board("sim-2u").unwrap().to_owned(), |text, edit| apply(&text, edit));
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("board.toml");
        fs::write(&file, &text).unwrap();
        check(load(&options(NameOrFile::File(file))));
    }

    #[test]
    fn no_edit_of_a_machine_definition_makes_the_loader_panic(edits in prop::collection::vec(edit(), 1..6)) {
        let text = edits.iter().fold(include_str!("../machines/host.toml").to_owned(), |text, edit| apply(&text, edit));
        let temp = tempfile::tempdir().unwrap();
        fs::write(temp.path().join("own.toml"), &text).unwrap();
        let board = shipped::board("sim-2u").unwrap().replace("definition = \"host\"", "definition = \"own.toml\"");
        let file = temp.path().join("board.toml");
        fs::write(&file, board).unwrap();
        check(load(&options(NameOrFile::File(file))));
    }

    #[test]
    fn no_edit_of_a_registry_makes_the_loader_panic(edits in prop::collection::vec(edit(), 1..6)) {
        let text = edits.iter().fold(include_str!("good/contract.toml").to_owned(), |text, edit| apply(&text, edit));
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("services.toml");
        fs::write(&file, &text).unwrap();
        let mut options = options(NameOrFile::from("sim-2u"));
        options.vars.insert("HOME".to_owned(), "/root".to_owned());
        check(load(&LoadOptions { registries: vec![file], ..options }));
    }

    #[test]
    fn no_edit_of_a_json_registry_makes_the_loader_panic(edits in prop::collection::vec(edit(), 1..6)) {
        let text = edits.iter().fold(include_str!("good/robot.json").to_owned(), |text, edit| apply(&text, edit));
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("robot.json");
        fs::write(&file, &text).unwrap();
        let board = temp.path().join("board.toml");
        fs::write(&board, "[board]\nname = \"empty\"\n").unwrap();
        check(load(&LoadOptions { registries: vec![file], ..options(NameOrFile::File(board)) }));
    }
}

/// Files made to cost much: deep, wide, and all in one knot.
#[test]
fn costly_files_are_loaded_or_refused_quickly() {
    let chain = |count: usize, link: &str| {
        (0..count).fold("[board]\nname = \"big\"\n".to_owned(), |text, index| {
            let next = (index + 1) % count;
            text + &format!(
                "[services.s{index}]\n{link} = [\"s{next}\"]\ndeployment = {{ mode = \"binary\", binary = {{ binary_path = \"x\" }} }}\n"
            )
        })
    };
    let derived = (0..4000).fold("[board]\nname = \"big\"\n".to_owned(), |text, index| {
        text + &format!("[sensors.s{index}]\nkind = \"power\"\nderived = {{ sum = [\"s{}\"] }}\n", index + 1)
    });
    let cases = [
        chain(4000, "dependencies"),
        chain(5000, "after"),
        derived,
        format!("[board]\nname = \"deep\"\nx = {}{}", "[".repeat(10_000), "]".repeat(10_000)),
        "[board]\n".to_owned() + &"x=1\n".repeat(20_000),
        // Syntax errors that are far from what caused them, and more of them than anybody reads.
        "[board]\nname = [\n".to_owned() + &"1,\n".repeat(150_000) + &"1 2,\n".repeat(100_000),
        "[board\n".to_owned() + &"x = [1\n".repeat(100_000),
        "[board]\nname = \"\"\"\n".to_owned() + &"x = 1\n".repeat(100_000),
        "[board]\n".to_owned() + &"[services.x\n".repeat(50_000) + &"y = nope\n".repeat(50_000),
        format!("[board]\nname = \"{}\"", "n".repeat(500_000)),
    ];
    for text in cases {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("board.toml");
        fs::write(&file, &text).unwrap();
        let before = std::time::Instant::now();
        check(load(&options(NameOrFile::File(file))));
        assert!(before.elapsed().as_secs() < 20, "{:.60}… took {:?}", text, before.elapsed());
    }
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("deep.json");
    fs::write(&file, "[".repeat(200_000)).unwrap();
    check(load(&LoadOptions { registries: vec![file.clone()], ..options(NameOrFile::from("sim-2u")) }));
    fs::write(&file, format!("{}1{}", "{\"services\":".repeat(100), "}".repeat(100))).unwrap();
    check(load(&LoadOptions { registries: vec![file], ..options(NameOrFile::from("sim-2u")) }));
}
