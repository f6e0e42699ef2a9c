//! Reads the keyboard on a thread of its own: the only way to wait for a tty without changing it for its other users.

use std::{
    io,
    os::fd::{AsFd, BorrowedFd},
    thread,
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::Errno,
};
use tokio::sync::mpsc;

use super::keys::{Parser, Typed};
use crate::link::Clock;

/// Keys that may wait to be taken: a person types fewer, a paste has brackets.
const KEYS: usize = 256;

/// What the keyboard gives; None ends the stream: the terminal has gone.
pub fn start(clock: Clock) -> io::Result<mpsc::Receiver<Typed>> {
    let (sender, receiver) = mpsc::channel(KEYS);
    thread::Builder::new().name("keyboard".to_owned()).spawn(move || {
        let stdin = io::stdin();
        read(stdin.as_fd(), clock, &sender);
    })?;
    Ok(receiver)
}

fn read(tty: BorrowedFd<'_>, clock: Clock, keys: &mpsc::Sender<Typed>) {
    let mut parser = Parser::default();
    let mut typed = Vec::new();
    let mut bytes = [0_u8; 512];
    loop {
        let wait = parser.deadline().map(|deadline| timespec(deadline.since(clock.now())));
        let mut fds = [PollFd::new(&tty, PollFlags::IN)];
        match poll(&mut fds, wait.as_ref()) {
            Ok(0) => parser.expire(clock.now(), &mut typed),
            Ok(_) => match rustix::io::read(tty, &mut bytes) {
                Ok(0) => return,
                Ok(length) => parser.feed(clock.now(), bytes.get(..length).unwrap_or_default(), &mut typed),
                // Another process may have made the tty non-blocking.
                Err(Errno::INTR | Errno::AGAIN) => {}
                Err(_) => return,
            },
            Err(Errno::INTR) => {}
            Err(_) => return,
        }
        for one in typed.drain(..) {
            if keys.blocking_send(one).is_err() {
                return;
            }
        }
    }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // a fraction of a second
fn timespec(seconds: f64) -> Timespec {
    // A little late rather than a little early: an early wake-up would only go round again.
    let nanoseconds = (seconds * 1e9) as i64 + 1_000_000;
    Timespec { tv_sec: nanoseconds / 1_000_000_000, tv_nsec: (nanoseconds % 1_000_000_000) as _ }
}
