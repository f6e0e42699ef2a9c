//! What the console writes to its terminal: on a slow line that is what matters.

use std::{net::TcpListener, process::Command, time::Duration};

use super::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    figure::{Figure, Number},
    foreign::Watch,
    plan::{Plan, Shape},
    ring::Ring,
    spread::Spread,
    ubmcd::Ubmcd,
};
use crate::terminal::Terminal;

/// So long without a byte, and the first paint is complete.
const SILENCE: Duration = Duration::from_millis(150);
/// From the start of the console to where its steady state begins.
const STEADY: Duration = Duration::from_secs(3);
const SECONDS: u64 = 20;
/// Longest wait for the first byte.
const PATIENCE: Duration = Duration::from_secs(20);

/// At two sizes, in colour and on a dumb line.
pub fn consoles(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    // Free a moment ago; taken again it would show in the list as a service that cannot start.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.map_err(Failure::io("no free port"))?.port();
    let ubmcd =
        Ubmcd::launch(bench, Board::Full { port }, &Plan::steady(0, Shape::Independent), &Ring::create(&bench.rings)?)?;
    for words in [&["chassis", "on"][..], &["host", "on", "host.0"], &["host", "on", "host.1"]] {
        power_on(bench, &ubmcd, words)?;
    }
    let plain: &[&str] = &["--ascii", "--palette", "mono"];
    let mut figures = Vec::new();
    for (size, options, case) in [
        ((80, 24), &[][..], "80x24 colour"),
        ((120, 40), &[], "120x40 colour"),
        ((80, 24), plain, "80x24 plain"),
        ((120, 40), plain, "120x40 plain"),
    ] {
        figures.push(console(bench, &ubmcd, size, options, case)?);
    }
    Ok(figures)
}

fn power_on(bench: &Bench, ubmcd: &Ubmcd, words: &[&str]) -> Result<(), Failure> {
    let end = Moment::now().after(PATIENCE);
    loop {
        let mut command = Command::new(bench.binary("ubmcctl"));
        command.args(["--connect", &ubmcd.address(), "--no-color"]).args(words).args(["--wait", "--timeout", "60"]);
        let output = command.output().map_err(Failure::io("ubmcctl cannot be run"))?;
        if output.status.success() {
            return Ok(());
        }
        // Refused until the BMC is ready.
        if Moment::now() > end {
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Failure::Never(format!("{}: {said}", words.join(" "))));
        }
        pause(Duration::from_millis(200));
    }
}

fn console(bench: &Bench, ubmcd: &Ubmcd, size: (u16, u16), options: &[&str], case: &str) -> Result<Figure, Failure> {
    let (program, address) = (bench.binary("ubmc-tui").display().to_string(), ubmcd.address());
    let arguments = [&["--connect", &address][..], options].concat();
    let watch = Watch::begin();
    let begun = Moment::now();
    let console = Terminal::start(&program, &arguments, size, "xterm-256color");
    let (mut seen, mut since) = (0, begun);
    while seen == 0 || Moment::now() < since.after(SILENCE) {
        let bytes = console.bytes();
        if bytes != seen {
            (seen, since) = (bytes, Moment::now());
        }
        if Moment::now() > begun.after(PATIENCE) {
            return Err(Failure::Never("the console paints, and rests".to_owned()));
        }
        pause(Duration::from_millis(5));
    }
    let first = seen;
    pause(STEADY.saturating_sub(Duration::from_nanos(Moment::now().0 - begun.0)));
    let (mut seen, mut each) = (console.bytes(), Vec::new());
    for _ in 0..SECONDS {
        pause(Duration::from_secs(1));
        each.push((console.bytes() - seen) as f64);
        seen = console.bytes();
    }
    let each = Spread::of(each);
    Ok(Figure {
        name: "console",
        case: case.to_owned(),
        measured: "Bytes that ubmc-tui writes in its first view against ubmcd on sim-2u with all its processes and both \
                   hosts on: until the first 150 ms of silence, and in each of the 20 s from the third on (mean, median, \
                   most). TERM=xterm-256color; plain: --ascii --palette mono.",
        numbers: vec![
            Number::one("first paint", first as f64, "B"),
            Number::one("steady", each.mean(), "B/s"),
            Number::one("median", each.median(), "B/s"),
            Number::one("most", each.max(), "B/s"),
        ],
        foreign: watch.end(),
    })
}
