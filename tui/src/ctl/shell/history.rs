//! Where typed lines are kept: in the state directory of the user, for that user's eyes only.

use std::{
    fs::DirBuilder,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use rustyline::{Editor, error::ReadlineError, history::FileHistory};

use super::editor::Assistant;

/// The file that keeps lines beyond this shell. None: there is none.
pub(super) struct Kept {
    file: Option<PathBuf>,
}

impl Kept {
    /// Reads what is there. Told: why lines are not kept.
    pub(super) fn open(editor: &mut Editor<Assistant, FileHistory>) -> (Self, Option<String>) {
        let Some(file) = place(|name| std::env::var_os(name).map(PathBuf::from)) else {
            let why = "lines are not kept after this shell: this user has neither XDG_STATE_HOME nor HOME";
            return (Self { file: None }, Some(why.to_owned()));
        };
        match load(editor, &file) {
            Ok(()) => (Self { file: Some(file) }, None),
            Err(error) => {
                let why = format!("lines are not kept after this shell: {}: {error}", file.display());
                (Self { file: None }, Some(why))
            }
        }
    }

    /// Adds the newest line. When that fails it is not tried again: the next shell will say so.
    pub(super) fn append(&mut self, editor: &mut Editor<Assistant, FileHistory>) {
        if let Some(file) = &self.file
            && editor.append_history(file).is_err()
        {
            self.file = None;
        }
    }
}

fn load(editor: &mut Editor<Assistant, FileHistory>, file: &Path) -> Result<(), ReadlineError> {
    if let Some(directory) = file.parent() {
        DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    }
    match editor.load_history(file) {
        Err(ReadlineError::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => {}
        loaded => loaded?,
    }
    // Also shows whether it can be written.
    editor.save_history(file)
}

/// `$XDG_STATE_HOME/ubmc/shell-history`, whose directory is `~/.local/state` when nothing else is said.
fn place(var: impl Fn(&str) -> Option<PathBuf>) -> Option<PathBuf> {
    let absolute = |name: &str| var(name).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("ubmc").join("shell-history"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_kept_in_the_state_directory_of_the_user() {
        for (state, home, expected) in [
            (Some("/state"), Some("/home/op"), Some("/state/ubmc/shell-history")),
            (None, Some("/home/op"), Some("/home/op/.local/state/ubmc/shell-history")),
            (Some("relative"), Some("/home/op"), Some("/home/op/.local/state/ubmc/shell-history")),
            (None, None, None),
        ] {
            let var = |name: &str| if name == "HOME" { home } else { state }.map(PathBuf::from);
            assert_eq!(place(var), expected.map(PathBuf::from), "{state:?} {home:?}");
        }
    }
}
