//! A person's terminal on one of the board's serial lines, as a terminal program would be.

use std::{
    io::{self, IsTerminal, Read, Write, stdin, stdout},
    os::{
        fd::{AsFd, BorrowedFd},
        unix::net::UnixStream,
    },
    path::Path,
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr},
};
use rustix::termios::tcgetwinsize;

use super::{agent::Agent, emulator::Run};

/// Ctrl-], as telnet and its kin have it: no program on a BMC's console needs it.
const LEAVE: u8 = 0x1d;
/// How often the terminal's size is looked at.
const SIZE_LOOK: Duration = Duration::from_secs(1);

/// Joins the terminal and a serial line until the person leaves or the board is gone.
pub fn attach(run: &Run, line: &Path, tty: &str) -> io::Result<()> {
    let mut line = UnixStream::connect(line)?;
    let (input, output) = (stdin(), stdout());
    let raw = Raw::on(input.as_fd())?;
    let mut size = Size { run, tty, told: None, looked: None };
    let mut buffer = [0; 4096];
    let mut output = output.lock();
    loop {
        if raw.is_some() {
            size.tell(input.as_fd());
        }
        let mut watched = [PollFd::new(input.as_fd(), PollFlags::POLLIN), PollFd::new(line.as_fd(), PollFlags::POLLIN)];
        poll(&mut watched, PollTimeout::from(500_u16))?;
        let ready = watched.map(|one| one.any().unwrap_or(true));
        if ready[0] {
            // By the descriptor itself: nothing of ours may buffer what a person types.
            let count = nix::unistd::read(input.as_fd(), &mut buffer)?;
            if count == 0 || buffer[..count].contains(&LEAVE) {
                return Ok(());
            }
            line.write_all(&buffer[..count])?;
        }
        if ready[1] {
            let count = line.read(&mut buffer)?;
            if count == 0 {
                return Ok(());
            }
            output.write_all(&buffer[..count])?;
            output.flush()?;
        }
    }
}

/// The terminal without its line discipline, for as long as this lives.
struct Raw<'a> {
    terminal: BorrowedFd<'a>,
    before: Termios,
}

impl<'a> Raw<'a> {
    /// Absent when it is no terminal.
    fn on(terminal: BorrowedFd<'a>) -> io::Result<Option<Self>> {
        if !terminal.is_terminal() {
            return Ok(None);
        }
        let before = tcgetattr(terminal)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        tcsetattr(terminal, SetArg::TCSANOW, &raw)?;
        Ok(Some(Self { terminal, before }))
    }
}

impl Drop for Raw<'_> {
    fn drop(&mut self) {
        // Whatever was drawn there: the cursor is visible, the colours are plain, the main screen is back.
        let _ = stdout().write_all(b"\x1b[?1049l\x1b[?25h\x1b[0m\r\n");
        let _ = tcsetattr(self.terminal, SetArg::TCSANOW, &self.before);
    }
}

/// A serial line does not know how large the screen at its other end is: the board is told, over the other line.
struct Size<'a> {
    run: &'a Run,
    tty: &'a str,
    told: Option<(u16, u16)>,
    looked: Option<Instant>,
}

impl Size<'_> {
    fn tell(&mut self, terminal: BorrowedFd<'_>) {
        if self.looked.is_some_and(|at| at.elapsed() < SIZE_LOOK) {
            return;
        }
        self.looked = Some(Instant::now());
        let Ok(size) = tcgetwinsize(terminal) else { return };
        let size = (size.ws_col, size.ws_row);
        if size.0 == 0 || size.1 == 0 || self.told == Some(size) {
            return;
        }
        self.told = Some(size);
        let (socket, tty) = (self.run.agent(), self.tty.to_owned());
        // Beside the keys: a board that is still starting answers late, and a missed size is no misfortune.
        std::thread::spawn(move || {
            let told = Agent::connect(&socket).map(|mut agent| {
                agent.run(&format!("stty -F /dev/{tty} cols {} rows {}", size.0, size.1), Duration::from_secs(2))
            });
            drop(told);
        });
    }
}
