//! The bench around the board: it plays the power supply, sets temperatures, and pulls things out.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use serde_json::json;
use ubmc_core::time::Mono;

use super::{
    emulator::{Control, Run},
    places::{Chip, GPIO, Line, Thermometer, thermometers},
    qmp::{Qmp, QmpError, strange},
    supply::{Mode, Supply},
};

/// How often the supply looks at its control line. Edges in between are in the emulator's record (`edges`).
const LOOK: Duration = Duration::from_millis(4);

/// Why the bench did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The emulator does not let us.
    #[error(transparent)]
    Qmp(#[from] QmpError),
    /// There is no such thermometer.
    #[error("there is no thermometer at {chip}; there are: {known}")]
    NoChip {
        /// What was asked for.
        chip: Chip,
        /// All there are.
        known: String,
    },
    /// The chip has fewer temperatures.
    #[error("{chip} has {count} temperature(s), counted from 1; there is no number {number}")]
    NoChannel {
        /// Which chip.
        chip: Chip,
        /// How many it has.
        count: usize,
        /// Which was asked for.
        number: usize,
    },
    /// There is no such line.
    #[error("the board has no line `{name}` here; there are: {known}")]
    NoLine {
        /// What was asked for.
        name: String,
        /// All there are.
        known: String,
    },
}

/// A running bench. Dropping it leaves every line and temperature as it is.
#[derive(Debug)]
pub struct Bench {
    shared: Arc<Shared>,
    player: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    inner: Mutex<Inner>,
    stop: AtomicBool,
}

#[derive(Debug)]
struct Inner {
    qmp: Qmp,
    supply: Supply,
    /// What power-good was set to last.
    good: bool,
    begun: Instant,
    thermometers: BTreeMap<Chip, Thermometer>,
    /// Why the supply is played no more.
    failed: Option<String>,
}

impl Inner {
    fn line(&mut self, line: Line) -> Result<bool, QmpError> {
        let answer = self.qmp.get(GPIO, &line.property())?;
        answer.as_bool().ok_or_else(|| strange("qom-get", &answer))
    }

    fn set(&mut self, line: Line, level: bool) -> Result<(), QmpError> {
        self.qmp.set(GPIO, &line.property(), &json!(level))
    }

    fn now(&self) -> Mono {
        Mono::default() + self.begun.elapsed()
    }

    fn play(&mut self, control: Line, good: Line) -> Result<(), QmpError> {
        let asked = self.line(control)?;
        let level = self.supply.step(self.now(), asked);
        if level != self.good {
            self.set(good, level)?;
            self.good = level;
        }
        Ok(())
    }
}

impl Bench {
    /// Finds the board's chips and begins to play the supply.
    pub fn start(run: &Run) -> Result<Self, BenchError> {
        let mut qmp = Qmp::connect(&run.control(Control::Bench))?;
        let thermometers = thermometers(&mut qmp)?;
        let (control, good) = (line("power-chassis-control")?, line("power-chassis-good")?);
        let begun = Instant::now();
        let supply = Supply::new(Mono::default());
        let inner = Inner { qmp, supply, good: false, begun, thermometers, failed: None };
        let shared = Arc::new(Shared { inner: Mutex::new(inner), stop: AtomicBool::new(false) });
        let theirs = Arc::clone(&shared);
        let player = std::thread::spawn(move || {
            while !theirs.stop.load(Ordering::Relaxed) {
                let mut inner = theirs.lock();
                if let Err(error) = inner.play(control, good) {
                    inner.failed = Some(error.to_string());
                    break;
                }
                drop(inner);
                std::thread::park_timeout(LOOK);
            }
        });
        Ok(Self { shared, player: Some(player) })
    }

    /// The thermometers of the board.
    pub fn thermometers(&self) -> BTreeMap<Chip, Thermometer> {
        self.shared.lock().thermometers.clone()
    }

    /// Sets a temperature; `number` counts a chip's temperatures from 1, as its driver does. Kept to a thousandth.
    pub fn set_temperature(&self, chip: Chip, number: usize, celsius: f64) -> Result<(), BenchError> {
        let mut inner = self.shared.lock();
        let (path, property) = inner.temperature(chip, number)?;
        #[expect(clippy::cast_possible_truncation, reason = "the emulator refuses what no chip can measure")]
        let thousandths = (celsius * 1000.0).round() as i64;
        Ok(inner.qmp.set(&path, property, &json!(thousandths))?)
    }

    /// What a chip measures now, in °C.
    pub fn temperature(&self, chip: Chip, number: usize) -> Result<f64, BenchError> {
        let mut inner = self.shared.lock();
        let (path, property) = inner.temperature(chip, number)?;
        let answer = inner.qmp.get(&path, property)?;
        let thousandths = answer.as_f64().ok_or_else(|| strange("qom-get", &answer))?;
        Ok(thousandths / 1000.0)
    }

    /// Makes the supply another kind, at once.
    pub fn supply(&self, mode: Mode) {
        self.shared.lock().supply.become_mode(mode);
    }

    /// What kind of supply there is, and whether its power is good; or why nobody plays it any more.
    pub fn supply_status(&self) -> Result<(Mode, bool), String> {
        let inner = self.shared.lock();
        inner.failed.clone().map_or(Ok((inner.supply.mode(), inner.good)), Err)
    }

    /// Plugs a supply in, or pulls it out. The lines are active low: a pulled plug lets them rise.
    pub fn presence(&self, name: &str, present: bool) -> Result<(), BenchError> {
        self.set_line(&format!("presence-{name}"), !present)
    }

    /// The level of a line, whoever drives it.
    pub fn level(&self, name: &str) -> Result<bool, BenchError> {
        let line = line(name)?;
        Ok(self.shared.lock().line(line)?)
    }

    /// Drives a line from outside.
    pub fn set_line(&self, name: &str, level: bool) -> Result<(), BenchError> {
        let line = line(name)?;
        Ok(self.shared.lock().set(line, level)?)
    }

    /// Presses the machine's reset button.
    pub fn reset(&self) -> Result<(), BenchError> {
        Ok(self.shared.lock().qmp.execute("system_reset", &json!({})).map(drop)?)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(player) = self.player.take() {
            let _ = player.join();
        }
    }
}

impl Shared {
    /// A panic of another thread left nothing half done: every request is one command to the emulator.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn temperature(&self, chip: Chip, number: usize) -> Result<(String, &'static str), BenchError> {
        let found = self.thermometers.get(&chip).ok_or_else(|| {
            let known: Vec<String> = self.thermometers.keys().map(ToString::to_string).collect();
            BenchError::NoChip { chip, known: known.join(" ") }
        })?;
        let count = found.properties.len();
        let property = number.checked_sub(1).and_then(|index| found.properties.get(index));
        let property = property.ok_or(BenchError::NoChannel { chip, count, number })?;
        Ok((found.path.clone(), property))
    }
}

fn line(name: &str) -> Result<Line, BenchError> {
    Line::named(name)
        .ok_or_else(|| BenchError::NoLine { name: name.to_owned(), known: Line::names().collect::<Vec<_>>().join(" ") })
}
