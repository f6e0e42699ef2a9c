//! The question before something is interrupted.

use std::io::{self, IsTerminal};

use super::{exit::Failure, keyboard::Keyboard, session::Session};

/// Whether there is somebody to ask: a terminal on both sides, and no `--yes`.
pub(crate) fn asks(session: &Session) -> bool {
    !session.yes && session.out.stderr_is_terminal() && io::stdin().is_terminal()
}

/// Asks where there is somebody to ask, and fails unless the answer is yes. Scripts are taken at their word.
pub(crate) async fn confirm(session: &mut Session, question: &str) -> Result<(), Failure> {
    if !asks(session) {
        return Ok(());
    }
    session.out.ask(question);
    match Keyboard::default().line().await {
        Ok(Some(line)) if agrees(&line) => Ok(()),
        _ => Err(Failure::Failed("not confirmed: nothing was done".to_owned())),
    }
}

fn agrees(line: &str) -> bool {
    matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_yes_agrees() {
        for (line, expected) in
            [("y\n", true), ("Yes\n", true), ("\n", false), ("", false), ("no\n", false), ("yo", false)]
        {
            assert_eq!(agrees(line), expected, "{line:?}");
        }
    }
}
