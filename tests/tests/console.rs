//! The real console on a pseudo-terminal, against the real daemon.

use nix::sys::signal::{Signal, kill};
use ubmc_tests::{
    daemon::{Ubmcd, eventually},
    terminal::Terminal,
};

const SMALL: (u16, u16) = (80, 24);

/// The views after the overview, and what only each of them shows.
const VIEWS: [(&str, &str); 8] = [
    ("2", "thermalmgr"),
    ("3", "inlet_temp"),
    ("4", "fan.0"),
    ("5", "Requests to"),
    ("6", "Operations"),
    ("7", "following"),
    ("8", "foundation"),
    ("9", "not sensed"),
];

/// Presses key after key, and waits for what each is to show.
fn tour(console: &mut Terminal, stops: &[(&str, &str)]) {
    for (key, shows) in stops {
        console.keys(key);
        console.await_all(&[shows]);
    }
}

#[test]
fn an_operator_looks_around_powers_on_and_quits() {
    let ubmcd = Ubmcd::with_services("");
    eventually("the bmc is ready", || (ubmcd.json(&["bmc", "status"])["state"] == "ready").then_some(()));
    let mut console = Terminal::start("ubmc-tui", &["--connect", &ubmcd.address()], SMALL, "xterm-256color");
    console.await_all(&["chassis", "host.0"]);
    tour(&mut console, &VIEWS);
    tour(&mut console, &[("?", "Up, Down, Esc")]);
    console.keys("\x1b");
    console.await_gone("Up, Down, Esc");
    console.keys("q");
    assert_eq!(console.await_end(), Some(0));
    console.assert_usable();
}

#[test]
fn losing_the_daemon_neither_ends_nor_freezes_the_console() {
    let mut ubmcd = Ubmcd::with_services("");
    let board = ubmcd.quiet_board();
    let mut console = Terminal::start("ubmc-tui", &["--connect", &ubmcd.address()], SMALL, "vt100");
    console.await_all(&["chassis"]);
    ubmcd.sigkill();
    console.await_all(&["reconnect"]);
    console.keys("2");
    console.await_all(&["thermalmgr"]);
    ubmcd.launch(&["--board", &board]);
    console.await_gone("reconnect");
    console.keys("q");
    assert_eq!(console.await_end(), Some(0));
    console.assert_usable();
}

#[test]
fn a_signal_leaves_the_terminal_usable() {
    let ubmcd = Ubmcd::with_services("");
    for signal in [Signal::SIGTERM, Signal::SIGHUP] {
        let mut console = Terminal::start("ubmc-tui", &["--connect", &ubmcd.address()], (120, 40), "xterm");
        console.await_all(&["chassis"]);
        kill(console.pid(), signal).expect("signalled");
        console.await_end();
        console.assert_usable();
    }
}

#[test]
fn at_9600_baud_every_view_is_there_and_no_key_waits_behind_a_redraw() {
    let ubmcd = Ubmcd::with_services("");
    eventually("the bmc is ready", || (ubmcd.json(&["bmc", "status"])["state"] == "ready").then_some(()));
    let address = ubmcd.address();
    let arguments = ["--connect", &address, "--baud", "9600", "--ascii", "--no-color"];
    let mut console = Terminal::over(Some(9600), "ubmc-tui", &arguments, SMALL, "vt100");
    console.await_all(&["chassis", "host.0"]);
    tour(&mut console, &VIEWS);
    tour(&mut console, &[("3", "inlet_temp")]);
    // The sensors change all the time. Each letter is on the screen before the line has carried a third of a second's worth
    // of anything else; counted in bytes, because a busy machine is not what is looked at.
    let mut typed = String::from("/");
    console.keys("/");
    for letter in "fan1_speedxfan1_speed".chars() {
        typed.push(letter);
        let behind = console.bytes_until(&letter.to_string(), &typed);
        assert!(behind <= 320, "{letter:?} came after {behind} bytes:\n{}", console.text());
    }
    console.keys("\x1b");
    console.await_gone(&typed);
    console.keys("q");
    assert_eq!(console.await_end(), Some(0));
    console.assert_usable();
}
