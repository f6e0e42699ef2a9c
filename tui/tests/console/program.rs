//! The real binary on a pty, against the canned daemon: that it starts, listens to keys, and leaves the terminal usable
//! on every way out.

use std::{
    fs::File,
    io::{Read, Write},
    os::fd::{AsFd, OwnedFd},
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Child, Command, ExitStatus, Stdio},
    sync::mpsc,
    time::{Duration, Instant},
};

use nix::{
    pty::{Winsize, openpty},
    sys::{
        signal::{Signal, kill},
        termios::{LocalFlags, tcgetattr},
    },
    unistd::Pid,
};

use crate::{bytes, server::Daemon};

/// However slow the machine: what has not come by then never will.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program, and the terminal it runs on.
struct Console {
    child: Child,
    keyboard: File,
    slave: OwnedFd,
    output: mpsc::Receiver<Vec<u8>>,
    parser: vt100::Parser,
    sent: Vec<u8>,
}

impl Console {
    fn start(socket: &Path, size: (u16, u16), arguments: &[&str]) -> Self {
        Self::start_on("xterm-256color", socket, size, arguments)
    }

    fn start_on(term: &str, socket: &Path, size: (u16, u16), arguments: &[&str]) -> Self {
        let (columns, rows) = size;
        let winsize = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(Some(&winsize), None).expect("there is a pty");
        let end = || Stdio::from(pty.slave.try_clone().expect("a descriptor can be doubled"));
        let child = Command::new(env!("CARGO_BIN_EXE_ubmc-tui"))
            .arg("--connect")
            .arg(socket)
            .args(arguments)
            .env_clear()
            .env("TERM", term)
            .env("LANG", "C.UTF-8")
            .stdin(end())
            .stdout(end())
            .stderr(end())
            .spawn()
            .expect("the binary starts");
        let keyboard = File::from(pty.master.try_clone().expect("a descriptor can be doubled"));
        let mut screen = File::from(pty.master);
        let (sender, output) = mpsc::channel();
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            while let Ok(length @ 1..) = screen.read(&mut buffer) {
                if sender.send(buffer[..length].to_vec()).is_err() {
                    return;
                }
            }
        });
        let shown = if columns == 0 { (80, 24) } else { size };
        Self { child, keyboard, slave: pty.slave, output, parser: bytes::terminal(shown.0, shown.1), sent: Vec::new() }
    }

    /// Reads until the screen is as wanted.
    fn until(&mut self, what: &str, wanted: impl Fn(&str) -> bool) -> String {
        let end = Instant::now() + PATIENCE;
        let mut shown = String::new();
        loop {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(output) = self.output.recv_timeout(left) else { panic!("waited in vain for {what}:\n{shown}") };
            self.sent.extend_from_slice(&output);
            shown = bytes::emulated(&mut self.parser, &output);
            if wanted(&shown) {
                return shown;
            }
        }
    }

    fn shows(&mut self, text: &str) -> String {
        self.until(text, |shown| shown.contains(text))
    }

    fn keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    fn signal(&self, signal: Signal) {
        let pid = i32::try_from(self.child.id()).expect("a pid");
        kill(Pid::from_raw(pid), signal).expect("it is our child");
    }

    /// Waits for the end; the terminal must then be as it was.
    fn ends(mut self) -> ExitStatus {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                break status;
            }
            assert!(Instant::now() < end, "the program does not end");
            std::thread::yield_now();
        };
        while let Ok(output) = self.output.recv_timeout(Duration::from_millis(200)) {
            self.sent.extend_from_slice(&output);
            self.parser.process(&output);
        }
        assert!(!self.parser.screen().alternate_screen(), "still on the alternate screen");
        assert!(!self.parser.screen().hide_cursor(), "the cursor is hidden");
        assert!(!self.parser.screen().bracketed_paste(), "pastes are still bracketed");
        assert_eq!(self.mouse(), vt100::MouseProtocolMode::None, "the mouse is still taken");
        self.is_cooked();
        status
    }

    fn mouse(&self) -> vt100::MouseProtocolMode {
        self.parser.screen().mouse_protocol_mode()
    }

    /// Waits until it has stopped.
    fn stops(&self) {
        let stopped = format!("/proc/{}/stat", self.child.id());
        let end = Instant::now() + PATIENCE;
        while !std::fs::read_to_string(&stopped).expect("it lives").contains(") T ") {
            assert!(Instant::now() < end, "it does not stop");
            std::thread::yield_now();
        }
    }

    fn is_cooked(&self) {
        let modes = tcgetattr(self.slave.as_fd()).expect("it is a terminal").local_flags;
        assert!(modes.contains(LocalFlags::ICANON | LocalFlags::ECHO | LocalFlags::ISIG), "still raw: {modes:?}");
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // After a failed test.
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

fn daemon() -> (tempfile::TempDir, std::path::PathBuf, Daemon) {
    let dir = tempfile::tempdir().expect("there is a temporary directory");
    let socket = dir.path().join("s");
    let daemon = Daemon::start(&socket, "boot-a", 40);
    (dir, socket, daemon)
}

#[test]
fn on_a_terminal_that_cannot_place_the_cursor_it_speaks_in_lines() {
    let (_dir, socket, _daemon) = daemon();
    let mut console = Console::start_on("dumb", &socket, (80, 24), &[]);
    console.shows("3 problems");
    console.keys("power\r");
    console.shows("host.1 powering-on");
    console.keys("quit\r");
    let sent = console.sent.clone();
    assert!(console.ends().success());
    assert!(!sent.contains(&0x1b), "an escape sequence reached a dumb terminal");
}

#[test]
fn it_starts_goes_through_the_views_and_quits() {
    let (_dir, socket, _daemon) = daemon();
    let mut console = Console::start(&socket, (80, 24), &[]);
    console.shows("3 problems");
    for (keys, text) in [
        ("2", "13 of 15 running"),
        ("3", "host0_cpu_temp"),
        ("4", "cpu-curve (linear)"),
        ("5", "Requests to chassis"),
        ("6", "op-17"),
        ("7", "following"),
        ("8", "started in 3.20 s"),
        ("9", "SIM-2U-01"),
        ("?", "command palette"),
        // A lone ESC is a key of its own, once it was held.
        ("\x1b", "1 overview"),
        ("\x1b[Z", "started in 3.20 s"),
    ] {
        console.keys(keys);
        console.shows(text);
    }
    console.keys("q");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn every_signal_leaves_the_terminal_usable() {
    let (_dir, socket, _daemon) = daemon();
    for signal in [Signal::SIGTERM, Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGUSR1, Signal::SIGALRM] {
        let mut console = Console::start(&socket, (80, 24), &[]);
        console.shows("3 problems");
        console.signal(signal);
        let status = console.ends();
        assert_eq!((status.code(), status.signal()), (Some(0), None), "{signal}");
    }
}

#[test]
fn a_stop_gives_the_terminal_back_and_a_continue_takes_it_again() {
    let (_dir, socket, _daemon) = daemon();
    let mut console = Console::start(&socket, (80, 24), &[]);
    console.shows("3 problems");
    console.signal(Signal::SIGTSTP);
    console.stops();
    console.is_cooked();
    console.signal(Signal::SIGCONT);
    console.until("the screen again", |shown| shown.contains("3 problems") && shown.contains("Machines"));
    console.keys("q");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn the_mouse_is_taken_only_when_that_was_asked_for_and_given_back_on_every_way_out() {
    use vt100::MouseProtocolMode::{None as Free, PressRelease};
    let (_dir, socket, _daemon) = daemon();
    let mut console = Console::start(&socket, (80, 24), &[]);
    console.shows("3 problems");
    // Not listened to either: the second tab, as a terminal that reports by itself would say it.
    console.keys("\x1b[<0;14;2M\x1b[<0;14;2m?");
    console.shows("command palette");
    console.keys("qq");
    let spoken = |sent: &[u8]| String::from_utf8_lossy(sent).contains("\x1b[?100");
    assert!(!spoken(&console.sent), "the mouse was spoken of");
    assert!(console.ends().success());

    for signal in [None, Some(Signal::SIGTERM), Some(Signal::SIGHUP), Some(Signal::SIGINT)] {
        let mut console = Console::start(&socket, (80, 24), &["--mouse"]);
        console.shows("3 problems");
        assert_eq!(console.mouse(), PressRelease);
        console.keys("\x1b[<0;14;2M\x1b[<0;14;2m");
        console.shows("13 of 15 running");
        match signal {
            Some(signal) => console.signal(signal),
            None => console.keys("q"),
        }
        assert!(console.ends().success());
    }

    let mut console = Console::start(&socket, (80, 24), &["--mouse"]);
    console.shows("3 problems");
    console.signal(Signal::SIGTSTP);
    console.stops();
    console.until("the shell's screen", |shown| !shown.contains("3 problems"));
    assert_eq!(console.mouse(), Free);
    console.signal(Signal::SIGCONT);
    console.until("the screen again", |shown| shown.contains("3 problems") && shown.contains("Machines"));
    assert_eq!(console.mouse(), PressRelease);
    console.keys("q");
    assert!(console.ends().success());
}

#[test]
fn a_daemon_that_dies_is_waited_for() {
    let (_dir, socket, daemon) = daemon();
    let mut console = Console::start(&socket, (80, 24), &[]);
    console.until("the overview", |shown| shown.contains("3 problems") && shown.contains("powering-on"));
    daemon.stop();
    let shown = console.shows("reconnecting in");
    assert!(shown.contains("old") && shown.contains("Machines"), "{shown}");
    // A new one, with few events: so the tail shows where they begin.
    let _daemon = Daemon::start(&socket, "boot-b", 5);
    console.shows("3 problems");
    console.keys("7");
    console.shows("ubmcd was started anew");
    console.keys("q");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn a_terminal_without_a_size_gets_one() {
    let (_dir, socket, _daemon) = daemon();
    let mut console = Console::start(&socket, (0, 0), &[]);
    console.shows("Enter open");
    console.keys("q");
    assert_eq!(console.ends().code(), Some(0));
    let mut console = Console::start(&socket, (0, 0), &["--size", "60x20"]);
    console.shows("made for 80x24");
    console.keys("q");
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn a_slow_line_shows_what_matters_and_nothing_that_is_not_ascii() {
    let (_dir, socket, _daemon) = daemon();
    let mut console =
        Console::start(&socket, (80, 24), &["--baud", "9600", "--ascii", "--palette", "mono", "--read-only"]);
    console.until("the overview", |shown| shown.contains("3 problems") && shown.contains("Closest to a limit"));
    console.keys("5j\r\r");
    console.shows("read-only: only looked at");
    console.keys("qq");
    // The sequences are ASCII as they are.
    assert!(console.sent.is_ascii());
    assert_eq!(console.ends().code(), Some(0));
}

#[test]
fn completions_and_the_man_page_need_no_terminal_and_stand_in_the_help() {
    for (arguments, expected) in [
        (&["completions", "bash"][..], "-o default ubmc-tui\n"),
        (&["completions", "fish"], "complete -c ubmc-tui"),
        (&["man"], ".TH ubmc-tui 1"),
        (&["--help"], "completions  Print a completion script\n  man          Print the man page\n"),
        (&["--version"], "ubmc-tui 0."),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_ubmc-tui")).args(arguments).output().expect("the binary starts");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(0), "{arguments:?}");
        assert!(text.contains(expected), "{arguments:?}: {text}");
    }
}

#[test]
fn what_cannot_work_is_said_before_the_screen_is_touched() {
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_ubmc-tui"))
            .args(arguments)
            .env_clear()
            .env("TERM", "xterm")
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned(), output.stdout)
    };
    for (arguments, expected) in [
        (&["--connect", "/x"][..], "this is not a terminal"),
        (&["--connect", "/x", "--config", "keys.toml"], "it cannot be read"),
        (&["--palette", "pastel"], "no palette"),
        (&["--frobnicate"], "unexpected argument"),
    ] {
        let (code, errors, output) = run(arguments);
        assert_eq!((code, output.as_slice()), (Some(2), &b""[..]), "{arguments:?}");
        assert!(errors.contains(expected), "{arguments:?}: {errors}");
    }
}

#[test]
fn an_endless_line_ends_the_line_mode_with_what_is_wrong() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_ubmc-tui"))
        .args(["--connect", "/nowhere", "--announce"])
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut keyboard = child.stdin.take().expect("it is piped");
    let mut errors = child.stderr.take().expect("it is piped");
    // It may end before all of it is written.
    let _unread = keyboard.write_all(&vec![b'x'; 100 * 1024]);
    let (sender, said) = mpsc::channel();
    std::thread::spawn(move || {
        let mut text = String::new();
        let _gone = errors.read_to_string(&mut text).map(|_| sender.send(text));
    });
    let said = said.recv_timeout(PATIENCE);
    let _ended = child.kill();
    assert!(!child.wait().expect("it was started").success());
    assert!(
        said.as_ref()
            .is_ok_and(|text| text.contains("standard input cannot be read: a line of standard input is longer")),
        "{said:?}"
    );
}
