//! The threads behind the built-in services that touch hardware. Each *part* can be started and stopped by itself.
//!
//! ```text
//!   part      service      threads                      in                    out
//!   Sampler   sensormon    one per bus                  –                     Samples
//!   Fans      thermalmgr   one, one that reports        SetDuty, pulses       CommandFailed
//!   Lines     powermgr     lines, devices on a bus      SetSignal, SetRail    CommandFailed, FaultRegisters
//!   Watcher   statemgr     one                          –                     Signal
//!   Leds      ledmgr       one                          SetLed                CommandFailed
//! ```
//!
//! Invariants: no method here waits for hardware, but for the end of the [`Runner`], which waits a second at most for the
//! fans; hardware is touched by the parts' threads alone. What waits for a part is bounded: the newest duty per fan and
//! pattern per LED, and 256 line commands. A part's thread that hangs in the kernel hangs alone: a new life of the part
//! has threads of its own. Once that has begun, an older one begins no write any more, neither commands nor fail-safe.

mod control;
mod life;
mod sampler;
#[cfg(test)]
mod tests;
mod watcher;
mod writers;

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, mpsc},
    thread,
    time::{Duration, Instant},
};

use ubmc_core::{
    board::Board,
    input::{Exit, HardwareCommand, Input},
    services::Builtin,
    units::Duty,
};

pub use self::writers::failsafe;
use self::{
    control::Control,
    life::{Life, Work},
};
use super::{Backend, HardwareError, SensorBus};

/// What can be started and stopped by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// Reads sensors.
    Sampler,
    /// Drives fans.
    Fans,
    /// Drives lines.
    Lines,
    /// Watches lines.
    Watcher,
    /// Drives LEDs.
    Leds,
}

impl Part {
    /// The part that a built-in service stands for. None: that one does not touch hardware.
    pub const fn of(builtin: Builtin) -> Option<Self> {
        match builtin {
            Builtin::Sensormon => Some(Self::Sampler),
            Builtin::Thermalmgr => Some(Self::Fans),
            Builtin::Powermgr => Some(Self::Lines),
            Builtin::Statemgr => Some(Self::Watcher),
            Builtin::Ledmgr => Some(Self::Leds),
            Builtin::Journal | Builtin::Inventory | Builtin::Api => None,
        }
    }

    /// The part that executes a command.
    pub const fn for_command(command: &HardwareCommand) -> Self {
        match command {
            HardwareCommand::SetDuty(..) => Self::Fans,
            HardwareCommand::SetSignal(..) | HardwareCommand::SetRail(..) | HardwareCommand::CaptureFault(_) => {
                Self::Lines
            }
            HardwareCommand::SetLed(..) => Self::Leds,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Sampler => "sensormon",
            Self::Fans => "thermalmgr",
            Self::Lines => "powermgr",
            Self::Watcher => "statemgr",
            Self::Leds => "ledmgr",
        }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What the fans' writer is at when the loop shows that it turns.
#[derive(Clone, Debug, PartialEq)]
pub enum Pulse {
    /// It drives every fan; the duties it was told, by fan.
    Driven(Vec<Option<Duty>>),
    /// It drives none, or has not been told every fan's duty yet.
    Undriven,
    /// A write has not returned for too long.
    Hangs,
}

/// How a part ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// It finishes what it does. The fans' last duty is their zones' fail-safe, full speed without a zone.
    Orderly,
    /// It counts as ended at once: its end is reported without waiting for its threads. Commands that wait are dropped,
    /// each reported as one that failed. The fans still get their fail-safe, unless the part is started anew before.
    Now,
    /// It leaves everything as it is, because somebody else takes over; the end is reported like that of `Orderly`.
    HandOver,
}

/// A command that no part takes.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct NotTaken {
    /// Which.
    pub command: HardwareCommand,
    /// Why, one sentence without a full stop.
    pub reason: String,
}

impl From<NotTaken> for Input {
    fn from(refused: NotTaken) -> Self {
        Self::CommandFailed { command: refused.command, reason: refused.reason }
    }
}

/// Where inputs go.
type Sink = Arc<dyn Fn(Input) + Send + Sync>;

/// Commands to regulators and supplies that may wait for a bus.
const DEVICE_COMMANDS: usize = 16;

/// How long the end of the [`Runner`] waits for the fans' fail-safe: one that works needs milliseconds, and a daemon that
/// ends has no more time to give to one that hangs.
const LAST_WORD: Duration = Duration::from_secs(1);

/// A fan writer that has been busy for so long hangs: all fans together take milliseconds.
const HANGS: Duration = Duration::from_secs(1);

/// Runs the parts. When it is dropped, in whatever way the daemon ends, the fans are left at their fail-safe, which it
/// waits for, a second at most; not after [`Stop::HandOver`].
pub struct Runner {
    board: Arc<Board>,
    hardware: Arc<dyn Backend>,
    sink: Sink,
    /// The newest of each part, also when it is over: it may still owe its last word.
    lives: BTreeMap<Part, Life>,
    last_word: Duration,
    /// The fans are made safe when no pulse came for so long. Absent: none need come.
    silence: Option<Duration>,
}

impl fmt::Debug for Runner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Runner").field("lives", &self.lives).finish_non_exhaustive()
    }
}

impl Runner {
    /// Runs nothing yet. `sink` is called by the parts' threads and may make them wait, never by a method of this.
    pub fn new(board: Arc<Board>, hardware: Arc<dyn Backend>, sink: impl Fn(Input) + Send + Sync + 'static) -> Self {
        Self { board, hardware, sink: Arc::new(sink), lives: BTreeMap::new(), last_word: LAST_WORD, silence: None }
    }

    /// From now on whoever tells duties must show by [`Runner::pulse`] that it turns, more often than this: else the fans
    /// are made safe until it does.
    #[must_use]
    pub fn pulsed(mut self, silence: Duration) -> Self {
        self.silence = Some(silence);
        self
    }

    /// Whoever tells duties turns. Never waits.
    pub fn pulse(&self) -> Pulse {
        let fans = self.board.fans.len();
        match self.lives.get(&Part::Fans) {
            Some(life) => life.control().pulse(fans, HANGS),
            None if fans == 0 => Pulse::Driven(Vec::new()),
            None => Pulse::Undriven,
        }
    }

    /// Starts a part; when this returns it takes commands. A life it still has ends as with [`Stop::Now`].
    ///
    /// `ended` is called once, when all its threads have ended: [`Exit::Panic`] when one panicked (the others are then
    /// told to end), else [`Exit::Code`] 0. It is called by one of them, or by [`Runner::stop`] with [`Stop::Now`], so
    /// it must not wait.
    ///
    /// # Errors
    /// A thread could not be made; the text is for people.
    pub fn start(&mut self, part: Part, ended: impl FnOnce(Exit) + Send + 'static) -> Result<(), String> {
        self.stop(part, Stop::Now);
        let control = Arc::new(Control::default());
        let work = self.work(part, &control);
        let life = Life::begin(part.as_str(), control, work, Box::new(ended))
            .map_err(|error| format!("no thread for {part}: {error}"))?;
        if let Some(old) = self.lives.insert(part, life) {
            // Only now: had there been no new life, the fans' old one would still have had to write their fail-safe.
            // The new one has written nothing yet, because until we return nobody can tell it to.
            old.control().supersede();
        }
        Ok(())
    }

    /// Tells a part to end and does not wait for it. Nothing happens when it does not run.
    pub fn stop(&mut self, part: Part, how: Stop) {
        let Some(life) = self.lives.get(&part) else { return };
        life.end(how);
        if life.control().has_dropped() {
            let (control, sink) = (Arc::clone(life.control()), Arc::clone(&self.sink));
            let reporter = thread::Builder::new().name(format!("{part}/dropped")).stack_size(256 * 1024);
            // Without a thread for it, the writer itself reports what was dropped, as soon as its call returns.
            let _ = reporter.spawn(move || writers::report_dropped(&control, &*sink));
        }
    }

    /// Whether a part has a life that was neither told to end nor has ended.
    pub fn is_running(&self, part: Part) -> bool {
        self.lives.get(&part).is_some_and(Life::is_running)
    }

    /// Hands a command to its part. That it was not taken *by the hardware* comes back through the sink.
    ///
    /// # Errors
    /// The part does not run, or too much waits for it; make an [`Input`] of it.
    pub fn command(&self, command: HardwareCommand) -> Result<(), NotTaken> {
        let part = Part::for_command(&command);
        match self.lives.get(&part).filter(|life| life.is_running()) {
            Some(life) => life.control().push(command),
            None => Err(NotTaken { reason: format!("{part} does not run"), command }),
        }
    }

    fn work(&self, part: Part, control: &Arc<Control>) -> Vec<Work> {
        let sink = Arc::clone(&self.sink);
        match part {
            Part::Sampler => {
                let buses = self.hardware.sensor_buses();
                if buses.is_empty() {
                    let control = Arc::clone(control);
                    return vec![Work::new("none", move || sampler::idle(&control))];
                }
                let work = |bus: Box<dyn SensorBus>| {
                    let name = bus.name().to_owned();
                    let (board, sink, control) = (Arc::clone(&self.board), Arc::clone(&sink), Arc::clone(control));
                    let hardware = Arc::clone(&self.hardware);
                    let limits = move |sensor| hardware.limits(sensor).map(|limits| limits.map(Into::into));
                    Work::new(name, move || sampler::run(bus, &board, &control, limits, &*sink))
                };
                buses.into_iter().map(work).collect()
            }
            Part::Fans => {
                let (fans, board, silence) = (self.hardware.fans(), Arc::clone(&self.board), self.silence);
                let (driving, reporting) = (Arc::clone(control), Arc::clone(control));
                if silence.is_some() {
                    control.expect_pulses();
                }
                vec![
                    Work::new("fans", move || writers::drive_fans(fans, &board, &driving, silence)),
                    Work::new("refusals", move || writers::report_refusals(&reporting, &*sink)),
                ]
            }
            Part::Lines => {
                let (mut lines, control) = (self.hardware.line_driver(), Arc::clone(control));
                let (devices, waiting) = mpsc::sync_channel(DEVICE_COMMANDS);
                let (power, told) = (self.hardware.power_devices(), Arc::clone(&sink));
                vec![
                    Work::new("lines", move || {
                        writers::drive(&control, &*sink, |command| match command {
                            HardwareCommand::SetSignal(line, level) => lines.set(*line, *level),
                            // Over a bus that may hang: the lines do not wait for it.
                            HardwareCommand::SetRail(..) | HardwareCommand::CaptureFault(_) => {
                                devices.try_send(command.clone()).map_err(|_| HardwareError::Busy)
                            }
                            HardwareCommand::SetDuty(..) | HardwareCommand::SetLed(..) => Ok(()),
                        });
                    }),
                    // Ends when the thread of the lines has dropped its end.
                    Work::new("devices", move || writers::drive_devices(power, &waiting, &*told)),
                ]
            }
            Part::Leds => {
                let (mut leds, control) = (self.hardware.leds(), Arc::clone(control));
                vec![Work::new("leds", move || {
                    writers::drive(&control, &*sink, |command| match command {
                        HardwareCommand::SetLed(led, pattern) => leds.set(*led, *pattern),
                        HardwareCommand::SetDuty(..)
                        | HardwareCommand::SetSignal(..)
                        | HardwareCommand::SetRail(..)
                        | HardwareCommand::CaptureFault(_) => Ok(()),
                    });
                })]
            }
            Part::Watcher => {
                let (watcher, board, control) =
                    (self.hardware.line_watcher(), Arc::clone(&self.board), Arc::clone(control));
                vec![Work::new("lines", move || watcher::run(watcher, board.signals.len(), &control, &*sink))]
            }
        }
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        for life in self.lives.values() {
            life.end(Stop::Orderly);
        }
        // The process may be gone a moment later, and with it the thread that writes.
        if let Some(fans) = self.lives.get(&Part::Fans) {
            fans.control().await_settled(Instant::now() + self.last_word);
        }
    }
}
