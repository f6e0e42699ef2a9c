//! Puts the files of a load together.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use ubmc_core::board::Board;

use super::{
    bindings::Bindings,
    diagnostic::Diagnostics,
    names::bounded,
    schema,
    sections::{self, House},
    services::{self, Declared, MAX_SERVICES},
    shipped, simulation,
    source::{self, NameOrFile, Span},
    table::{Context, Table, nearest},
    tree, verification,
};
use crate::sim::SimConfig;

/// What is to be loaded.
#[derive(Clone, Debug)]
pub struct LoadOptions {
    /// The board.
    pub board: NameOrFile,
    /// Further registries: TOML, or JSON when the name ends in `.json`.
    pub registries: Vec<PathBuf>,
    /// Folder to discover services in: executables `DIR/NAME/NAME`. Absent: none.
    pub services_dir: Option<PathBuf>,
    /// What `${VAR}` stands for: the environment of ubmcd, and `UBMC_BIN_DIR`.
    pub vars: BTreeMap<String, String>,
}

/// A board that can be run.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// For the core.
    pub board: Board,
    /// For whoever opens hardware.
    pub bindings: Bindings,
    /// The simulated hardware. Absent: the board is real.
    pub sim: Option<SimConfig>,
    /// What works, but probably not as meant.
    pub warnings: Diagnostics,
    /// What the load was made of, each once, as it was opened: the board file, machine definitions and registries; of a
    /// folder of services the folder and every folder in it. A change of what is shipped inside the program is no
    /// change of a file. Whoever watches these notices everything that another load could see.
    pub files: Vec<PathBuf>,
}

/// Loads and checks everything. All errors of all files are reported together.
pub fn load(options: &LoadOptions) -> Result<Loaded, Diagnostics> {
    let mut cx = Context::new(&options.vars);
    let mut board = Board::default();
    let mut bindings = Bindings::default();
    let mut sim = None;
    let mut services = Vec::new();
    let mut house = None;
    let mut written = Default::default();

    match board_document(&options.board, &mut cx) {
        Some((document, folder)) => {
            sim = simulation::read(&document, &mut cx);
            let read = sections::read(&document.root, &folder, sim.as_ref(), &mut services, &mut cx);
            if let Some(read) = read {
                (board, bindings, house, written) = (read.board, read.bindings, Some(read.house), read.written);
            }
        }
        None => cx.unseen = true,
    }
    for path in &options.registries {
        if load_registry(path, &mut services, &mut cx).is_none() {
            cx.unseen = true;
        }
    }
    if let Some(folder) = &options.services_dir {
        let found = services::discover(folder, |name| services.iter().any(|s| s.spec.name.as_str() == name), &mut cx);
        services.extend(found);
    }
    let house = house.unwrap_or_else(House::unknown);
    if services.len() > MAX_SERVICES {
        let at = services.get(MAX_SERVICES).map(|service| service.at).unwrap_or_default();
        bounded(&services, at, "services", MAX_SERVICES, &mut cx);
    } else {
        services::check(&mut services, &house, &mut cx);
    }
    sections::check_tasks(&house, &services, &mut cx);
    board.services = services.into_iter().map(|service| service.spec).collect();

    // What is wrong already would be found again, in other words.
    if cx.out.errors() == 0 {
        verification::check(&board, &written.0, &written.1, &mut cx.out);
    }
    let Context { mut out, mut files, .. } = cx;
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(file.clone()));
    out.sort();
    if out.errors() > 0 { Err(out) } else { Ok(Loaded { board, bindings, sim, warnings: out, files }) }
}

/// The board file, and the folder that its own files are relative to.
fn board_document(board: &NameOrFile, cx: &mut Context<'_>) -> Option<(tree::Document, PathBuf)> {
    let (label, text, folder) = board_text(board, cx)?;
    let file = cx.out.add_source(label, text.as_str());
    let document = tree::parse_toml(&text, file, &mut cx.out)?;
    cx.unseen |= document.unseen;
    Some((document, folder))
}

/// Label, text, and the folder that the board's own files are relative to.
fn board_text(board: &NameOrFile, cx: &mut Context<'_>) -> Option<(String, String, PathBuf)> {
    match board {
        NameOrFile::Name(name) => {
            if let Some(text) = shipped::board(name) {
                return Some((format!("boards/{name}.toml"), text.to_owned(), PathBuf::new()));
            }
            let known: Vec<_> = shipped::boards().collect();
            let help = match nearest(name, known.iter().copied()) {
                Some(candidate) => format!("did you mean `{candidate}`?"),
                None => format!("shipped boards: {}; a file of your own ends in `.toml`", known.join(", ")),
            };
            cx.out.error_about("", format!("there is no shipped board `{name}`")).help(help);
            None
        }
        NameOrFile::File(path) => {
            let text = read_file(path, cx)?;
            Some((path.display().to_string(), text, path.parent().map(Path::to_owned).unwrap_or_default()))
        }
    }
}

fn read_file(path: &Path, cx: &mut Context<'_>) -> Option<String> {
    match source::read(path) {
        Ok(text) => {
            cx.files.push(path.to_owned());
            Some(text)
        }
        Err(error) => {
            cx.out.error_about(path.display().to_string(), error.to_string()).done();
            None
        }
    }
}

/// Reads one further registry; nothing when what it declares is not known.
fn load_registry(path: &Path, services: &mut Vec<Declared>, cx: &mut Context<'_>) -> Option<()> {
    let text = read_file(path, cx)?;
    let file = cx.out.add_source(path.display().to_string(), text.as_str());
    if path.extension().is_some_and(|extension| extension == "json") {
        let root = tree::parse_json(&text, file, &mut cx.out)?;
        let folder = path.parent().unwrap_or(Path::new(""));
        services.extend(services::read_robot(&root, folder, cx));
        return Some(());
    }
    let document = tree::parse_toml(&text, file, &mut cx.out)?;
    cx.unseen |= document.unseen;
    let head = Span { file, start: 0, end: 0 };
    let table = Table::open(&document.root, head, "the registry", schema::REGISTRY, cx)?;
    sections::read_services(&table, services, cx);
    Some(())
}
