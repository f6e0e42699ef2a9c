//! Services that are declared by nothing but their executable: `DIR/NAME/NAME`.

use std::{os::unix::fs::PermissionsExt as _, path::Path, sync::Arc};

use ubmc_core::services::{Binary, Deployment, ServiceSpec};

use super::{Declared, MAX_SERVICES};
use crate::board::{names::check_name, source::Span, table::Context};

/// A folder with more in it is not the one that was meant.
const MOST_ENTRIES: usize = 2 * MAX_SERVICES;

/// The services of a folder, by name. One whose name `is_declared` is known already: its registry says how it runs.
pub(in crate::board) fn discover(
    folder: &Path,
    is_declared: impl Fn(&str) -> bool,
    cx: &mut Context<'_>,
) -> Vec<Declared> {
    let label = folder.display().to_string();
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            cx.out.error_about(label, format!("cannot be searched for services: {error}")).done();
            return Vec::new();
        }
    };
    let all: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).take(MOST_ENTRIES).collect();
    cx.files.push(folder.to_owned());
    // Folders in which there is nothing to run yet, too: that is where it will appear.
    cx.files.extend(all.iter().map(|name| folder.join(name)).filter(|path| path.is_dir()));
    let mut names: Vec<String> =
        all.into_iter().filter(|name| is_executable(&folder.join(name).join(name))).take(MAX_SERVICES).collect();
    names.sort();
    // A place for messages: the folder, listed as a file that names what was found in it.
    let file = cx.out.add_source(label, names.join("\n"));
    let mut start = 0;
    let mut found = Vec::new();
    for name in names {
        let at = Span { file, start, end: start + name.len() };
        start = at.end + 1;
        if is_declared(&name) {
            continue;
        }
        check_name(&name, at, "service", &mut cx.out);
        let path = folder.join(&name).join(&name).to_string_lossy().into_owned();
        let working_dir = folder.join(&name).to_string_lossy().into_owned();
        let binary = Binary { path, working_dir, ..Binary::default() };
        found.push(Declared::new(ServiceSpec::new(name, Deployment::Binary(Arc::new(binary))), at));
    }
    found
}

fn is_executable(path: &Path) -> bool {
    path.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}
