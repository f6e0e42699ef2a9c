//! Tells every line once, and then whenever it changes.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use ubmc_core::{ids::SignalId, input::Input, units::Level};

use super::{
    super::LineWatcher,
    control::{Control, Wake},
};

/// How long the end may go unnoticed while nothing happens on the lines.
const LOOK: Duration = Duration::from_millis(200);
/// Between attempts to reach lines that cannot be read.
const RETRY: Duration = Duration::from_millis(500);

/// What was last told of each line.
struct Told<S> {
    lines: BTreeMap<SignalId, Option<Level>>,
    sink: S,
}

impl<S: Fn(Input)> Told<S> {
    fn tell(&mut self, line: SignalId, level: Option<Level>) {
        if self.lines.insert(line, level) != Some(level) {
            (self.sink)(Input::Signal(line, level));
        }
    }
}

pub(super) fn run(mut watcher: Box<dyn LineWatcher>, lines: usize, control: &Control, sink: impl Fn(Input)) {
    let mut told = Told { lines: BTreeMap::new(), sink };
    loop {
        if let Ok(levels) = watcher.read_all() {
            for (line, level) in levels {
                told.tell(line, level);
            }
            while let Ok(edges) = watcher.edges(LOOK) {
                for (line, level) in edges {
                    told.tell(line, level);
                }
                if control.has_ended() {
                    return;
                }
            }
        }
        // Nothing is known of the lines any more. Saying so is all that can be done: why is in the sensors' errors.
        for index in 0..lines {
            told.tell(SignalId::new(index), None);
        }
        match control.next(Instant::now() + RETRY) {
            Wake::End(_) => return,
            Wake::Time | Wake::Command(_) => {}
        }
    }
}
