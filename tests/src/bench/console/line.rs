//! How long a key waits at the end of a serial line.

use std::{path::Path, time::Duration};

use super::{
    super::{
        Failure,
        clock::{Moment, pause},
        figure::{Figure, Number},
        foreign::Watch,
        spread::Spread,
    },
    PATIENCE,
};
use crate::terminal::Terminal;

const BAUD: u32 = 9600;
/// Letters typed: a hundred are needed for a hundredth.
const LETTERS: usize = 200;
/// Of one filter, before it is given up and begun anew.
const OF_ONE: usize = 20;

/// Types filters into the list of sensors, whose values change all the time, and waits for each letter on the screen.
pub(super) fn keys(program: &Path, address: &str) -> Result<Figure, Failure> {
    let watch = Watch::begin();
    let arguments = ["--connect", address, "--baud", "9600", "--ascii", "--no-color", "--view", "sensors"];
    let mut terminal = Terminal::over(Some(BAUD), &program.to_string_lossy(), &arguments, (80, 24), "vt100");
    shows(&terminal, "inlet_temp")?;
    pause(Duration::from_secs(5));
    let (mut took, mut behind) = (Vec::new(), Vec::new());
    let mut typed = String::new();
    for (place, letter) in ('a'..='z').cycle().take(LETTERS).enumerate() {
        if place % OF_ONE == 0 {
            terminal.keys("\x1b");
            pause(Duration::from_millis(1500));
            terminal.keys("/");
            typed.clear();
            typed.push('/');
            shows(&terminal, &typed)?;
        }
        typed.push(letter);
        let before = terminal.bytes();
        let at = Moment::now();
        terminal.keys(letter.encode_utf8(&mut [0; 4]));
        shows(&terminal, &typed)?;
        took.push(Moment::now().ms_since(at));
        behind.push((terminal.bytes() - before) as f64);
        // As fast as a person types, and never at the same distance from a redraw.
        pause(Duration::from_millis(90 + 37 * (place as u64 % 7)));
    }
    let (took, behind) = (Spread::of(took), Spread::of(behind));
    Ok(Figure {
        name: "console",
        case: "ubmc-tui, keys at 9600 baud, 80x24 plain".to_owned(),
        measured: "From a letter typed into the filter of the sensors to that letter on the screen, over a line that carries \
                   960 bytes a second, and the bytes that it carried meanwhile.",
        numbers: vec![
            Number::one("p50", took.percentile(50), "ms"),
            Number::one("p99", took.percentile(99), "ms"),
            Number::one("max", took.max(), "ms"),
            Number::one("behind p50", behind.percentile(50), "B"),
            Number::one("behind p99", behind.percentile(99), "B"),
            Number::one("keys", took.count() as f64, ""),
        ],
        foreign: watch.end(),
    })
}

fn shows(terminal: &Terminal, wanted: &str) -> Result<(), Failure> {
    let end = Moment::now().after(PATIENCE);
    while !terminal.text().contains(wanted) {
        if Moment::now() > end {
            return Err(Failure::Never(format!("the screen shows {wanted:?}")));
        }
        pause(Duration::from_millis(1));
    }
    Ok(())
}
