//! A file that must be there, or must not.

use std::{fs, io};

use super::Finding;

/// On a thread of its own: the file may lie on something that does not answer.
pub(super) async fn ask(path: &str, must_exist: bool) -> Finding {
    let asked = path.to_owned();
    let found = tokio::task::spawn_blocking(move || fs::metadata(asked).map(|_| ())).await;
    match (found.unwrap_or_else(|error| Err(io::Error::other(error))), must_exist) {
        (Ok(()), true) => Ok(format!("{path} is there")),
        (Ok(()), false) => Err(format!("{path} is there, but must not be")),
        (Err(error), true) if error.kind() == io::ErrorKind::NotFound => Err(format!("{path} is not there")),
        (Err(error), false) if error.kind() == io::ErrorKind::NotFound => Ok(format!("{path} is not there")),
        (Err(error), _) => Err(format!("{path}: {error}")),
    }
}
