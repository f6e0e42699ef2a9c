//! Raw mode in, and out again on every way that a program can end: quitting, signals, panics, suspension.

use std::{
    io,
    os::fd::AsFd,
    sync::{Mutex, PoisonError},
};

use rustix::termios::{OptionalActions, QueueSelector, Termios, tcflush, tcgetattr, tcsetattr};

/// Alternate screen, no wrapping at the right edge, no cursor, nothing on it.
const ENTER: &str = "\x1b[?1049h\x1b[?7l\x1b[?25l\x1b[0m\x1b[H\x1b[2J";
/// Pasted text in brackets.
const PASTE_ON: &str = "\x1b[?2004h";
/// Presses of a mouse's buttons and its wheel, with numbers as places.
const MOUSE_ON: &str = "\x1b[?1000h\x1b[?1006h";
const MOUSE_OFF: &str = "\x1b[?1006l\x1b[?1000l";
/// Everything back, whether it was switched or not: the last line stays free for the shell on screens that have no other.
const LEAVE: &str = "\x1b[?2004l\x1b[0m\x1b[999;1H\x1b[K\x1b[?25h\x1b[?7h\x1b[?1049l\r";

/// What the terminal was like before, and what was switched on, while it is ours. One per process: that is what a tty is.
static BEFORE: Mutex<Option<(Termios, Modes)>> = Mutex::new(None);

/// What is switched on beside the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes {
    /// Pasted text comes in brackets.
    pub brackets_paste: bool,
    /// The mouse is ours: text can be selected only with Shift.
    pub mouse: bool,
}

impl Modes {
    /// What takes the terminal over.
    fn enter(self) -> String {
        let paste = if self.brackets_paste { PASTE_ON } else { "" };
        let mouse = if self.mouse { MOUSE_ON } else { "" };
        format!("{ENTER}{paste}{mouse}")
    }

    /// What gives it back. A mouse that was never asked for is not spoken of.
    fn leave(self) -> String {
        let mouse = if self.mouse { MOUSE_OFF } else { "" };
        format!("{mouse}{LEAVE}")
    }
}

/// The terminal is ours while this lives.
#[derive(Debug)]
pub struct Guard {
    modes: Modes,
}

impl Guard {
    /// Takes the terminal over.
    pub fn enter(modes: Modes) -> io::Result<Self> {
        let guard = Self { modes };
        guard.resume()?;
        Ok(guard)
    }

    /// Takes the terminal over, again, after [`release`] or after somebody else has changed it. The screen is empty then.
    pub fn resume(&self) -> io::Result<()> {
        let stdin = io::stdin();
        {
            let mut before = BEFORE.lock().unwrap_or_else(PoisonError::into_inner);
            if before.is_none() {
                *before = Some((tcgetattr(stdin.as_fd())?, self.modes));
            }
            let mut raw = before.clone().map_or_else(|| tcgetattr(stdin.as_fd()), |(before, _)| Ok(before))?;
            raw.make_raw();
            tcsetattr(stdin.as_fd(), OptionalActions::Now, &raw)?;
        }
        put(&self.modes.enter());
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        release();
    }
}

/// Gives the terminal back as it was. Does nothing when it is not ours. Never blocks: what the line has not taken yet is
/// thrown away first.
pub fn release() {
    let Some((before, modes)) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() else { return };
    let stdin = io::stdin();
    // On the way out there is nobody to tell.
    let _ignored = tcflush(io::stdout().as_fd(), QueueSelector::OFlush);
    put(&modes.leave());
    let _ignored = tcsetattr(stdin.as_fd(), OptionalActions::Now, &before);
}

/// Writes straight to the terminal, without the lock of stdout: the writer may be stuck in it.
fn put(text: &str) {
    let stdout = io::stdout();
    let mut bytes = text.as_bytes();
    while !bytes.is_empty() {
        match rustix::io::write(stdout.as_fd(), bytes) {
            Ok(0) | Err(rustix::io::Errno::AGAIN) => return,
            Ok(written) => bytes = bytes.get(written..).unwrap_or_default(),
            Err(rustix::io::Errno::INTR) => {}
            Err(_) => return,
        }
    }
}

/// After a panic anywhere in the process: the terminal back, the message on it, and out. A console with a dead limb is
/// worse than none.
pub fn restore_on_panic() {
    let before = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        release();
        before(panic);
        std::process::exit(70);
    }));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mouse_is_spoken_of_only_where_it_was_asked_for_and_off_again_then() {
        for brackets_paste in [false, true] {
            for (mouse, on, off) in [(false, 0, 0), (true, 2, 2)] {
                let modes = Modes { brackets_paste, mouse };
                let of_mouse = |text: &str| {
                    // Every private mode that has to do with a mouse: 9, 1000 to 1007, 1015, 1016.
                    ["?9h", "?9l", "?100", "?101"].iter().map(|mode| text.matches(mode).count()).sum::<usize>()
                };
                assert_eq!(of_mouse(&modes.enter()), on, "{modes:?}");
                assert_eq!(of_mouse(&modes.leave()), off, "{modes:?}");
                assert_eq!(modes.enter().contains(PASTE_ON), brackets_paste);
            }
        }
    }
}
