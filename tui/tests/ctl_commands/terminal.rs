//! On a terminal: the question before something is interrupted, and progress.

use std::{
    fs::File,
    io::{Read, Write},
    process::Stdio,
    sync::mpsc,
    thread,
};

use nix::pty::{Winsize, openpty};

use crate::{
    BOUND, Running,
    fake::{Asked, Fake},
    ubmcctl,
};

/// A command on a terminal of its own, 80 columns wide.
pub(crate) struct OnTerminal {
    pub(crate) running: Running,
    keyboard: File,
    screen: mpsc::Receiver<String>,
    pub(crate) seen: String,
}

impl OnTerminal {
    fn start(socket: &std::path::Path, line: &str) -> Self {
        Self::start_in(socket, line, &[("TERM", "xterm")])
    }

    /// With these variables in its environment.
    pub(crate) fn start_in(socket: &std::path::Path, line: &str, env: &[(&str, &str)]) -> Self {
        let size = Winsize { ws_row: 24, ws_col: 80, ws_xpixel: 0, ws_ypixel: 0 };
        let pty = openpty(&size, None).expect("a terminal");
        // Commands of other tests that start now would keep it open.
        for end in [&pty.master, &pty.slave] {
            rustix::io::fcntl_setfd(end, rustix::io::FdFlags::CLOEXEC).expect("the terminal is open");
        }
        let stream = || Stdio::from(pty.slave.try_clone().expect("the terminal can be shared"));
        let mut command = ubmcctl(socket);
        command.envs(env.iter().copied()).args(line.split_whitespace());
        command.stdin(stream()).stdout(stream()).stderr(stream());
        let child = command.spawn().expect("ubmcctl starts");
        // Only the command may hold the terminal's far end, or its end would never be seen.
        drop((command, pty.slave));
        let keyboard = File::from(pty.master);
        let mut reader = keyboard.try_clone().expect("the terminal can be read");
        let (shown, screen) = mpsc::channel();
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                let text = String::from_utf8_lossy(bytes.get(..count).unwrap_or_default()).into_owned();
                if shown.send(text).is_err() {
                    return;
                }
            }
        });
        Self { running: Running::new(child), keyboard, screen, seen: String::new() }
    }

    pub(crate) fn wait_for(&mut self, text: &str) {
        while !self.seen.contains(text) {
            match self.screen.recv_timeout(BOUND) {
                Ok(more) => self.seen.push_str(&more),
                Err(error) => panic!("{text:?} does not come ({error}):\n{}", self.seen),
            }
        }
    }

    /// What was shown so far is not looked at again: what is waited for from here on is new.
    pub(crate) fn forget(&mut self) {
        self.seen.clear();
    }

    pub(crate) fn resize(&self, ws_row: u16, ws_col: u16) {
        let size = rustix::termios::Winsize { ws_row, ws_col, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&self.keyboard, size).expect("the terminal has a size");
    }

    pub(crate) fn type_keys(&mut self, keys: &str) {
        self.keyboard.write_all(keys.as_bytes()).expect("the terminal takes keys");
    }

    /// Everything shown, and the exit code.
    pub(crate) fn end(mut self) -> (String, Option<i32>) {
        loop {
            match self.screen.recv_timeout(BOUND) {
                Ok(more) => self.seen.push_str(&more),
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
                Err(mpsc::RecvTimeoutError::Timeout) => panic!("it does not end:\n{}", self.seen),
            }
        }
        (self.seen, self.running.child.wait().expect("it can be waited for").code())
    }
}

fn transitions(fake: &Fake) -> Vec<(bool, String)> {
    fake.asked
        .try_iter()
        .filter_map(|asked| match asked {
            Asked::Transition(request) => Some((request.plan_only, request.plan_revision)),
            _ => None,
        })
        .collect()
}

#[test]
fn what_interrupts_shows_its_plan_and_does_nothing_without_a_yes() {
    let (fake, _directory, socket) = Fake::new();
    let mut command = OnTerminal::start(&socket, "host cycle host.0");
    command.wait_for("host.0: cycle, now? [y/N] ");
    command.wait_for("wait for power-good");
    command.type_keys("\n");
    let (seen, code) = command.end();
    assert!(seen.contains("not confirmed: nothing was done"), "{seen}");
    assert_eq!(code, Some(1));
    assert_eq!(transitions(&fake), [(true, String::new())], "only the plan was asked for");
}

#[test]
fn a_yes_binds_the_request_to_the_plan_that_was_shown() {
    let (fake, _directory, socket) = Fake::new();
    let mut command = OnTerminal::start(&socket, "host off host.0");
    command.wait_for("[y/N] ");
    command.type_keys("y\n");
    let (seen, code) = command.end();
    assert!(seen.contains("accepted as op-never-ends"), "{seen}");
    assert_eq!(code, Some(0));
    assert_eq!(transitions(&fake), [(true, String::new()), (false, "r1".to_owned())]);
}

#[test]
fn ctrl_c_at_the_question_does_nothing() {
    let (fake, _directory, socket) = Fake::new();
    let mut command = OnTerminal::start(&socket, "host off host.0");
    command.wait_for("[y/N] ");
    command.running.interrupt();
    assert_eq!(command.end().1, Some(130));
    assert_eq!(transitions(&fake), [(true, String::new())]);
}

#[test]
fn a_wait_shows_its_steps_and_yes_is_not_asked_again() {
    let (fake, _directory, socket) = Fake::new();
    let (seen, code) = OnTerminal::start(&socket, "host cycle host.0 --yes --wait").end();
    assert!(seen.contains("...      wait for power-good  500ms"), "{seen:?}");
    assert!(seen.contains("\u{1b}[1;31mfailed\u{1b}[0m   wait for power-good  500ms"), "{seen:?}");
    assert_eq!(code, Some(1));
    assert_eq!(transitions(&fake), [(false, String::new())]);
}

#[test]
fn a_shutdown_shows_who_holds_it_up_and_since_when() {
    let (fake, _directory, socket) = Fake::new();
    let mut command = OnTerminal::start(&socket, "platform shutdown --wait --yes");
    command.wait_for("  ...      web ignores TERM (for 3m 12s)\r\n  stopping: 1 services are not down yet, ");
    // Time goes on also when the daemon says nothing new.
    command.wait_for("web ignores TERM (for 3m 13s)");
    drop(fake);
    let (seen, code) = command.end();
    assert!(seen.contains("ubmcd has ended after "), "{seen}");
    assert_eq!(code, Some(0));
}

#[test]
fn a_reload_that_interrupts_shows_what_would_change_and_asks() {
    let (fake, _directory, socket) = Fake::new();
    let mut command = OnTerminal::start(&socket, "services reload");
    command.wait_for("Go over to it? [y/N] ");
    assert!(command.seen.contains("web is restarted"), "{}", command.seen);
    command.type_keys("\n");
    let (seen, code) = command.end();
    assert!(seen.contains("not confirmed: nothing was done"), "{seen}");
    assert_eq!((code, fake.asked.try_iter().collect::<Vec<_>>()), (Some(1), vec![Asked::Reload { dry_run: true }]));
    let (seen, code) = OnTerminal::start(&socket, "services reload --yes").end();
    assert!(seen.contains("accepted as op-succeeds"), "{seen}");
    assert_eq!((code, fake.asked.try_iter().collect::<Vec<_>>()), (Some(0), vec![Asked::Reload { dry_run: false }]));
}

#[test]
fn no_colour_is_honoured() {
    let (_fake, _directory, socket) = Fake::new();
    let (plain, _) = OnTerminal::start(&socket, "services list --no-color").end();
    assert!(plain.contains("running") && !plain.contains('\u{1b}'), "{plain:?}");
    let (colored, _) = OnTerminal::start(&socket, "services list").end();
    assert!(colored.contains("\u{1b}[32mrunning"), "{colored:?}");
}
