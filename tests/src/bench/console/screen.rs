//! One program on one screen.

use std::{path::Path, time::Duration};

use super::{
    super::{
        Failure,
        clock::{Moment, pause},
        figure::{Figure, Number},
        foreign::Watch,
        spread::Spread,
        usage::Process,
    },
    PATIENCE,
};
use crate::terminal::Terminal;

/// So long without a byte, and the first paint is complete.
const SILENCE: Duration = Duration::from_millis(150);
/// From the start of a program to where its steady state begins.
const STEADY: Duration = Duration::from_secs(3);
const SECONDS: u64 = 20;
/// Keys pressed after that, and how long each is given.
const KEYS: usize = 12;
const FOR_A_KEY: Duration = Duration::from_millis(250);

/// A program and how it is called.
pub(super) struct Screen<'a> {
    program: &'a Path,
    arguments: Vec<&'a str>,
}

impl<'a> Screen<'a> {
    pub(super) fn of(program: &'a Path, arguments: &[&'a str]) -> Self {
        Self { program, arguments: arguments.to_vec() }
    }

    /// On a terminal of that size that takes everything at once.
    pub(super) fn measure(&self, size: (u16, u16), case: &str) -> Result<Figure, Failure> {
        let watch = Watch::begin();
        let begun = Moment::now();
        let program = self.program.to_string_lossy();
        let mut terminal = Terminal::start(&program, &self.arguments, size, "xterm-256color");
        let process = process(&terminal)?;
        let first = painted(&terminal, begun)?;
        pause(STEADY.saturating_sub(Duration::from_nanos(Moment::now().0 - begun.0)));
        let before = process.used()?;
        let (mut seen, mut each) = (terminal.bytes(), Vec::new());
        for _ in 0..SECONDS {
            pause(Duration::from_secs(1));
            each.push((terminal.bytes() - seen) as f64);
            seen = terminal.bytes();
        }
        let used = process.used()?;
        let memory = process.pss()?;
        let each = Spread::of(each);
        let mut keys = Vec::new();
        for _ in 0..KEYS {
            let before = terminal.bytes();
            terminal.keys("\x1b[B");
            pause(FOR_A_KEY);
            keys.push((terminal.bytes() - before) as f64);
        }
        let cpu_ms = (used.cpu_ns - before.cpu_ns) as f64 / 1e6 / SECONDS as f64;
        Ok(Figure {
            name: "console",
            case: format!("{case}, {}x{}", size.0, size.1),
            measured: "Bytes that a full-screen program writes: until 150 ms of silence with something on the screen, in each of the 20 s from \
                       the third on (mean, median, most), and in the 250 ms after each Down key (median). CPU time in \
                       those 20 s, and memory (PSS) after them. TERM=xterm-256color. ubmc-tui shows its overview of sim-2u \
                       with all its processes and both hosts on; plain: --ascii --palette mono. \
                       systemctl-tui shows a systemd of its own (a user's manager on a message bus) with 15 services that \
                       sleep, the others this machine.",
            numbers: vec![
                Number::one("first paint", first as f64, "B"),
                Number::one("steady", each.mean(), "B/s"),
                Number::one("median", each.median(), "B/s"),
                Number::one("most", each.max(), "B/s"),
                Number::one("key", Spread::of(keys).median(), "B"),
                Number::one("CPU", cpu_ms, "ms/s"),
                Number::one("memory", memory as f64 / 1024.0, "KiB"),
            ],
            foreign: watch.end(),
        })
    }
}

pub(super) fn process(terminal: &Terminal) -> Result<Process, Failure> {
    let pid = u32::try_from(terminal.pid().as_raw());
    pid.map(Process).map_err(|_| Failure::Never("the console has a process".to_owned()))
}

/// Bytes until the first silence in which something is on the screen: some look around first.
fn painted(terminal: &Terminal, begun: Moment) -> Result<usize, Failure> {
    let (mut seen, mut since) = (0, begun);
    while terminal.text().trim().is_empty() || Moment::now() < since.after(SILENCE) {
        let bytes = terminal.bytes();
        if bytes != seen {
            (seen, since) = (bytes, Moment::now());
        }
        if Moment::now() > begun.after(PATIENCE) {
            return Err(Failure::Never("the console paints, and rests".to_owned()));
        }
        pause(Duration::from_millis(5));
    }
    Ok(seen)
}
