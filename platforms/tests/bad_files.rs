//! Every file of `bad/` has something wrong with it, and every mistake is told as written beside it in `*.expected`.
//!
//! The first lines of a file may say how it is loaded:
//! `# load: registry` on top of a good board (every `.json` is), `# load: definition` as a machine definition, `# load: machine`
//! as one whose every role is bound, a host's in a shipped chassis,
//! `# with: FILE` together with a further registry of this folder. Everything else is a board file.
//! `BLESS=1 cargo test -p ubmc-platforms --test bad_files` writes the expectations anew: read them before you commit them.

#![allow(clippy::unwrap_used)] // a test that fails should say where

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use ubmc_platforms::board::{LoadOptions, NameOrFile, load};

const GOOD_BOARD: &str = "[board]\nname = \"good\"\n";

/// A board whose only machine has that definition.
fn board_around(definition: &Path) -> String {
    format!("{GOOD_BOARD}\n[machines.m]\ndefinition = \"{}\"\n", definition.display())
}

/// A real board with a machine of that definition, every role bound to a line of its own, and what belongs around it.
fn board_with(definition: &Path, text: &str) -> String {
    use std::fmt::Write as _;
    let table: toml::Table = text.parse().unwrap();
    let mut board = GOOD_BOARD.to_owned();
    let line = |board: &mut String, prefix: &str, role: &str, direction: &str| {
        let name = format!("{prefix}{role}");
        writeln!(board, "[signals.{name}]\ndirection = \"{direction}\"\nsource = {{ gpio = \"{name}\" }}\n").unwrap();
    };
    let mut bound = Vec::new();
    for (key, direction) in [("inputs", "input"), ("outputs", "output")] {
        for role in table.get(key).and_then(toml::Value::as_array).into_iter().flatten() {
            let role = role.as_str().unwrap();
            line(&mut board, "", role, direction);
            bound.push(format!("{role} = \"{role}\""));
        }
    }
    let is_host = table["kind"].as_str() == Some("host");
    if is_host {
        line(&mut board, "c-", "power-good", "input");
        line(&mut board, "c-", "power-control", "output");
        let signals = "signals = { power-control = \"c-power-control\", power-good = \"c-power-good\" }";
        writeln!(board, "[machines.chassis]\ndefinition = \"chassis\"\n{signals}\n").unwrap();
    }
    let parent = if is_host { "parent = \"chassis\"\n" } else { "" };
    let (file, bound) = (definition.display(), bound.join(", "));
    writeln!(board, "[machines.m]\ndefinition = \"{file}\"\n{parent}signals = {{ {bound} }}\n").unwrap();
    writeln!(board, "[machines.bmc]\ndefinition = \"bmc\"").unwrap();
    board
}

fn problems(file: &Path) -> String {
    let text = fs::read_to_string(file).unwrap();
    let folder = file.parent().unwrap();
    let directive = |name: &str| {
        let prefix = format!("# {name}: ");
        text.lines()
            .take_while(|line| line.starts_with('#'))
            .find_map(|line| line.strip_prefix(&prefix))
            .map(str::to_owned)
    };
    let temp = tempfile::tempdir().unwrap();
    let board = temp.path().join("board.toml");
    let how = directive("load").unwrap_or_else(|| {
        if file.extension().is_some_and(|extension| extension == "json") { "registry" } else { "board" }.to_owned()
    });
    let mut registries = Vec::new();
    let board = match how.as_str() {
        "board" => file.to_owned(),
        "registry" => {
            fs::write(&board, GOOD_BOARD).unwrap();
            registries.push(file.to_owned());
            board
        }
        "definition" => {
            fs::write(&board, board_around(file)).unwrap();
            board
        }
        "machine" => {
            // Beside the board, so that nobody's path is in the picture.
            let name = Path::new(file.file_name().unwrap());
            fs::write(temp.path().join(name), &text).unwrap();
            fs::write(&board, board_with(name, &text)).unwrap();
            board
        }
        other => panic!("{}: cannot be loaded as {other}", file.display()),
    };
    registries.extend(directive("with").map(|name| folder.join(name)));
    let vars = BTreeMap::from([("HOME".to_owned(), "/root".to_owned())]);
    let options = LoadOptions { board: NameOrFile::File(board), registries, services_dir: None, vars };
    let found = match load(&options) {
        Ok(loaded) => loaded.warnings,
        Err(problems) => problems,
    };
    assert!(!found.is_empty(), "{}: nothing is said against it", file.display());
    let lines = found.to_string().replace(&format!("{}/", folder.display()), "");
    let lines = lines.replace(&format!("{}/", temp.path().display()), "");
    lines.lines().flat_map(|line| [line.trim_end(), "\n"]).collect()
}

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bad");
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn every_mistake_is_told_as_expected() {
    let (expected, files): (Vec<_>, Vec<_>) =
        corpus().into_iter().partition(|path| path.extension().is_some_and(|extension| extension == "expected"));
    let bless = std::env::var_os("BLESS").is_some();
    let mut wrong = Vec::new();
    for file in &files {
        let found = problems(file);
        let beside = file.with_added_extension("expected");
        if bless {
            fs::write(&beside, &found).unwrap();
        }
        let wanted = fs::read_to_string(&beside).unwrap_or_default();
        if found != wanted {
            wrong.push(format!("━━ {}\n── expected\n{wanted}── found\n{found}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
    let named: BTreeSet<_> = files.iter().map(|file| file.with_added_extension("expected")).collect();
    let orphans: Vec<_> = expected.iter().filter(|path| !named.contains(*path)).collect();
    assert!(orphans.is_empty(), "expectations without a file: {orphans:?}");
    assert!(files.len() >= 45, "the corpus shrank to {}", files.len());
}
