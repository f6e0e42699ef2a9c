//! A relay on the way between ubmcd and its simulated board: it sees when a reading leaves for ubmcd and when the fan chip has
//! taken what comes of it, by one clock and without ubmcd's knowledge.
//!
//! ```text
//!   ubmcd ── DIR/board.sock: relay ── the board's own folder
//!         ◀── reading of one sensor, with a value of ours: the clock starts
//!         ──▶ duty of the first fan … of the last fan: it stops when the last one is taken
//! ```
//!
//! The value is another one each time, and its duty says which reading a write comes from.

use std::{
    collections::{BTreeSet, VecDeque},
    fs, io,
    os::unix::net::{UnixListener, UnixStream},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread,
};

use ubmc_platforms::sim::protocol::{self, Answer, Ask, Reading};

use super::{Failure, clock::Moment};

/// Readings that differ: a write that is late by fewer is still known.
const LEVELS: usize = 16;

/// One reading, and what became of it.
#[derive(Clone, Debug)]
pub struct Turn {
    level: usize,
    read: Moment,
    /// The first fan's duty came.
    begun: Option<Moment>,
    /// The last fan had taken its duty.
    done: Option<Moment>,
    fans: BTreeSet<String>,
}

impl Turn {
    /// Milliseconds until the first fan was told.
    pub fn begun_ms(&self) -> Option<f64> {
        Some(self.begun?.ms_since(self.read))
    }

    /// Milliseconds until the last fan had taken its duty.
    pub fn done_ms(&self) -> Option<f64> {
        Some(self.done?.ms_since(self.read))
    }
}

/// What is put into readings, and looked for in duties.
#[derive(Clone, Copy, Debug)]
pub struct Probe {
    /// The sensor whose value is replaced.
    pub sensor: &'static str,
    /// Its curve: a value, and the duty in percent.
    pub curve: [(f64, f64); 2],
    /// Fans that follow it.
    pub fans: usize,
}

impl Probe {
    /// The value of a level, inside of the curve.
    fn value(&self, level: usize) -> f64 {
        let [(from, _), (to, _)] = self.curve;
        from + (to - from) * (level as f64 + 1.0) / (LEVELS as f64 + 1.0)
    }

    fn duty(&self, level: usize) -> f64 {
        let [(_, from), (_, to)] = self.curve;
        from + (to - from) * (level as f64 + 1.0) / (LEVELS as f64 + 1.0)
    }

    /// Which level a duty comes from; none of them for a duty that is on no level, as a fail-safe.
    fn level(&self, percent: f64) -> Option<usize> {
        (0..LEVELS).find(|level| (self.duty(*level) - percent).abs() < 0.1)
    }
}

/// A relay that runs, until its board ends.
#[derive(Debug)]
pub struct Relay(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    probe: Probe,
    board: PathBuf,
    turns: Mutex<VecDeque<Turn>>,
}

impl Relay {
    /// Listens in `folder`, as the board in the folder `board` would.
    pub fn start(folder: &Path, board: &Path, probe: Probe) -> Result<Self, Failure> {
        fs::create_dir_all(folder).map_err(Failure::io("no folder for a relay"))?;
        let listener = UnixListener::bind(folder.join("board.sock")).map_err(Failure::io("no socket for a relay"))?;
        let shared = Arc::new(Shared { probe, board: board.join("board.sock"), turns: Mutex::default() });
        let ours = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let ours = Arc::clone(&ours);
                // An end of either side ends it, and is told to the other by that.
                thread::spawn(move || ours.pass(stream));
            }
        });
        Ok(Self(shared))
    }

    /// All turns since the last call, but the last: that one may not be over.
    pub fn take(&self) -> Vec<Turn> {
        let mut turns = self.0.lock();
        let over = turns.len().saturating_sub(1);
        turns.drain(..over).collect()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, VecDeque<Turn>> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, mut ubmcd: UnixStream) -> io::Result<()> {
        let mut board = UnixStream::connect(&self.board)?;
        while let Some(ask) = protocol::receive::<Ask>(&mut ubmcd)? {
            if let Ask::SetDuty { percent, .. } = &ask {
                self.told(*percent);
            }
            protocol::send(&mut board, &ask)?;
            let Some(mut answer) = protocol::receive::<Answer>(&mut board)? else { break };
            match (&ask, &mut answer) {
                (Ask::Read(names), Answer::Readings(readings)) => {
                    if let Some(index) = names.iter().position(|name| name == self.probe.sensor) {
                        readings[index] = Reading::Value(self.next());
                    }
                }
                (Ask::SetDuty { fan, percent }, Answer::Done) => self.taken(fan, *percent),
                _ => {}
            }
            protocol::send(&mut ubmcd, &answer)?;
            if matches!(ask, Ask::Subscribe) {
                // From here on only the board speaks.
                while let Some(answer) = protocol::receive::<Answer>(&mut board)? {
                    protocol::send(&mut ubmcd, &answer)?;
                }
                break;
            }
        }
        Ok(())
    }

    /// A reading is about to leave: its value.
    fn next(&self) -> f64 {
        let mut turns = self.lock();
        let level = turns.back().map_or(0, |turn| (turn.level + 1) % LEVELS);
        turns.push_back(Turn { level, read: Moment::now(), begun: None, done: None, fans: BTreeSet::new() });
        self.probe.value(level)
    }

    /// The newest turn that a duty can come from.
    fn change(&self, percent: f64, change: impl FnOnce(&mut Turn)) {
        let Some(level) = self.probe.level(percent) else { return };
        if let Some(turn) = self.lock().iter_mut().rev().take(LEVELS).find(|turn| turn.level == level) {
            change(turn);
        }
    }

    fn told(&self, percent: f64) {
        let now = Moment::now();
        self.change(percent, |turn| turn.begun = turn.begun.or(Some(now)));
    }

    fn taken(&self, fan: &str, percent: f64) {
        let now = Moment::now();
        let fans = self.probe.fans;
        self.change(percent, |turn| {
            turn.fans.insert(fan.to_owned());
            if turn.fans.len() == fans && turn.done.is_none() {
                turn.done = Some(now);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PROBE: Probe = Probe { sensor: "inlet", curve: [(20.0, 25.0), (40.0, 65.0)], fans: 2 };

    #[test]
    fn a_duty_says_which_reading_it_comes_from() {
        for level in 0..LEVELS {
            // As the daemon's curve has it.
            let duty = 25.0 + (PROBE.value(level) - 20.0) * 2.0;
            assert_eq!(PROBE.level(duty), Some(level));
        }
        assert_eq!(PROBE.level(100.0), None);
        assert_eq!(PROBE.level(25.0), None);
    }

    #[test]
    fn a_turn_is_over_when_the_last_fan_has_taken_its_duty() {
        let shared = Shared { probe: PROBE, board: PathBuf::new(), turns: Mutex::default() };
        let duties: Vec<f64> = (0..3).map(|_| 25.0 + (shared.next() - 20.0) * 2.0).collect();
        for (fan, duty) in [("a", duties[1]), ("b", duties[1]), ("a", duties[2]), ("a", 100.0)] {
            shared.told(duty);
            shared.taken(fan, duty);
        }
        let turns = Relay(Arc::new(shared)).take();
        let told: Vec<_> = turns.iter().map(|turn| (turn.begun_ms().is_some(), turn.done_ms().is_some())).collect();
        assert_eq!(told, [(false, false), (true, true)], "{turns:?}");
    }
}
