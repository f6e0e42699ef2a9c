//! What the console writes to its terminal, and what it takes to do so: on a slow line, and beside others.
//!
//! - [`screen`]: one program on one screen, whoever wrote it; [`other`]: whoever else; [`line`]: how long a key waits at the end of a slow line;
//!   [`busy`]: what fifty updates a second cost.

mod busy;
mod line;
mod other;
mod screen;

use std::{net::TcpListener, process::Command, time::Duration};

use super::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    figure::Figure,
    plan::{Plan, Shape},
    ring::Ring,
    ubmcd::Ubmcd,
};
use other::Other;
use screen::Screen;

/// For what does not come.
const PATIENCE: Duration = Duration::from_secs(20);
/// Sizes that programs are compared at.
const SIZES: [(u16, u16); 2] = [(80, 24), (120, 40)];
/// Others that people keep open to look at a machine, by the names of their programs.
pub const OTHERS: [&str; 4] = ["htop", "btop", "btm", "systemctl-tui"];

/// Ours at two sizes, in colour and on a dumb line; whoever of the others is there, at the same sizes.
pub fn consoles(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    // Free a moment ago; taken again it would show in the list as a service that cannot start.
    let free = TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr());
    let port = free.map_err(Failure::io("no free port"))?.port();
    let ubmcd =
        Ubmcd::launch(bench, Board::Full { port }, &Plan::steady(0, Shape::Independent), &Ring::create(&bench.rings)?)?;
    for words in [&["chassis", "on"][..], &["host", "on", "host.0"], &["host", "on", "host.1"]] {
        power_on(bench, &ubmcd, words)?;
    }
    let (program, address) = (bench.binary("ubmc-tui"), ubmcd.address());
    let plain = ["--connect", &address, "--ascii", "--palette", "mono"];
    let mut figures = Vec::new();
    let mut others: Vec<Other> = Vec::new();
    for (name, program) in OTHERS.into_iter().filter_map(|name| Some((name, bench.find(name)?))) {
        if bench.peers.wants(name) {
            others.extend(Other::new(bench, name, &program)?);
        }
    }
    for size in SIZES {
        figures.push(Screen::of(&program, &plain[..2]).measure(size, "ubmc-tui, colour")?);
        figures.push(Screen::of(&program, &plain).measure(size, "ubmc-tui, plain")?);
        for other in &others {
            figures.push(other.measure(size)?);
        }
    }
    figures.push(line::keys(&program, &address)?);
    for view in ["overview", "events"] {
        figures.push(busy::updates(&program, &ubmcd, view)?);
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
