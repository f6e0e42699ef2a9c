//! The real console on a pseudo-terminal, its screen read by a terminal emulator.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, AsRawFd, OwnedFd},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use nix::{
    poll::{PollFd, PollFlags, PollTimeout, poll},
    pty::{OpenptyResult, Winsize, openpty},
    sys::termios::{Termios, tcgetattr},
};

use crate::daemon::{PATIENCE, binary, eventually};

/// A program on a pseudo-terminal.
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<vt100::Parser>>,
    bytes: Arc<Mutex<usize>>,
    /// A text that is looked for on the screen, and after how many bytes in all it came.
    wanted: Arc<Mutex<(String, Option<usize>)>>,
    /// Kept open, to look at the line's settings after the program's end.
    line: OwnedFd,
    before: Termios,
}

/// What a slow line hands on at a time, as the chip at its end does.
const CHUNK: usize = 16;

impl Terminal {
    /// Starts a binary of the workspace.
    pub fn start(program: &str, arguments: &[&str], size: (u16, u16), term: &str) -> Self {
        Self::over(None, program, arguments, size, term)
    }

    /// The same at the end of a serial line of so many baud. What the program writes ahead waits in the terminal's buffer, as
    /// it does on a real one: nothing stops it before that is full.
    pub fn over(baud: Option<u32>, program: &str, arguments: &[&str], (columns, rows): (u16, u16), term: &str) -> Self {
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let OpenptyResult { master, slave } = openpty(Some(&size), None).expect("a pseudo-terminal");
        let before = tcgetattr(slave.as_fd()).expect("its settings");
        let end = || Stdio::from(slave.try_clone().expect("a descriptor"));
        let child = Command::new(binary(program))
            .args(arguments)
            .env("TERM", term)
            .env_remove("NO_COLOR")
            .env("LANG", "C.UTF-8")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the program starts");
        let cells = |count: u16| std::num::NonZero::new(count).expect("a terminal has cells");
        let screen = Arc::new(Mutex::new(vt100::Parser::new(cells(rows), cells(columns), 0)));
        let bytes = Arc::new(Mutex::new(0));
        let mut output = File::from(master.try_clone().expect("a descriptor"));
        let wanted = Arc::new(Mutex::new((String::new(), None)));
        let (seen, counted, looked_for) = (Arc::clone(&screen), Arc::clone(&bytes), Arc::clone(&wanted));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            let at_once = if baud.is_some() { CHUNK } else { buffer.len() };
            // A byte is ten bits: a start bit, eight of data, a stop bit.
            let per_byte = baud.map(|baud| Duration::from_secs_f64(10.0 / f64::from(baud)));
            let mut free = Instant::now();
            loop {
                // A line goes on carrying what waits for it, also while this thread has no turn on a busy machine.
                let mut waiting = [PollFd::new(output.as_fd(), PollFlags::POLLIN)];
                let waits = poll(&mut waiting, PollTimeout::ZERO).is_ok_and(|ready| ready > 0);
                let count = output.read(&mut buffer[..at_once]).unwrap_or(0);
                if count == 0 {
                    break;
                }
                if let Some(per_byte) = per_byte {
                    let begun = if waits { free } else { free.max(Instant::now()) };
                    free = begun + per_byte * u32::try_from(count).unwrap_or(u32::MAX);
                    std::thread::sleep(free.saturating_duration_since(Instant::now()));
                }
                let mut screen = seen.lock().expect("the screen");
                screen.process(&buffer[..count]);
                let mut counted = counted.lock().expect("the count");
                *counted += count;
                let mut looked_for = looked_for.lock().expect("the text");
                let (text, came) = &mut *looked_for;
                if came.is_none() && !text.is_empty() && screen.screen().contents().contains(text.as_str()) {
                    *came = Some(*counted);
                }
            }
        });
        Self { child, keyboard: File::from(master), screen, bytes, wanted, line: slave, before }
    }

    /// What stands on the screen.
    pub fn text(&self) -> String {
        self.screen.lock().expect("the screen").screen().contents()
    }

    /// Bytes written so far.
    pub fn bytes(&self) -> usize {
        *self.bytes.lock().expect("the count")
    }

    /// Types.
    pub fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the keyboard works");
    }

    /// Waits until the screen shows all of these.
    pub fn await_all(&self, wanted: &[&str]) -> String {
        let begun = Instant::now();
        loop {
            let text = self.text();
            if wanted.iter().all(|wanted| text.contains(wanted)) {
                return text;
            }
            assert!(begun.elapsed() < PATIENCE, "the screen never shows {wanted:?}:\n{text}");
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Types, and waits until the screen shows what it did not show before: how many bytes came until then.
    pub fn bytes_until(&mut self, keys: &str, wanted: &str) -> usize {
        let before = self.bytes();
        *self.wanted.lock().expect("the text") = (wanted.to_owned(), None);
        self.keys(keys);
        let came = eventually(&format!("the screen shows {wanted:?}"), || self.wanted.lock().expect("the text").1);
        came - before
    }

    /// Waits until the screen does not show this any more.
    pub fn await_gone(&self, unwanted: &str) {
        let begun = Instant::now();
        while self.text().contains(unwanted) {
            assert!(begun.elapsed() < PATIENCE, "the screen goes on showing {unwanted:?}:\n{}", self.text());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Waits until the program ends; its exit code.
    pub fn await_end(&mut self) -> Option<i32> {
        let begun = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return status.code();
            }
            assert!(begun.elapsed() < PATIENCE, "the program does not end:\n{}", self.text());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Its process.
    pub fn pid(&self) -> nix::unistd::Pid {
        nix::unistd::Pid::from_raw(i32::try_from(self.child.id()).expect("a pid"))
    }

    /// The line is as it was before, the main screen is shown, the cursor is visible.
    pub fn assert_usable(&self) {
        let after = tcgetattr(self.line.as_fd()).expect("its settings");
        assert_eq!(after.local_flags, self.before.local_flags, "the line's local modes differ");
        assert_eq!(after.input_flags, self.before.input_flags, "the line's input modes differ");
        // What was written last may still be on its way.
        eventually("the main screen and the cursor are shown again", || {
            let screen = self.screen.lock().expect("the screen");
            (!screen.screen().alternate_screen() && !screen.screen().hide_cursor()).then_some(())
        });
        assert!(self.line.as_raw_fd() >= 0);
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
