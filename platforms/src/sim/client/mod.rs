//! The other end of a board's socket. Every call is bounded in time; a connection that broke is made anew by the next.
//!
//! Invariants: no thread of its own. A call that failed leaves no answer behind that a later call could take for its
//! own: the connection is dropped.

mod connection;
mod start;

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use ubmc_core::{
    input::Sample,
    leds::Pattern,
    units::{Duty, Level},
};

use self::connection::Connection;
pub use self::start::{Launch, Launched, ensure, unplug};
use super::{
    SimConfig,
    process::BoardError,
    protocol::{Answer, Ask, FaultText, LineLevel, ValueText, Why},
};

/// How long a call may take, unless told otherwise.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(2);

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody listens.
    #[error("no simulated board runs in {}", .0.display())]
    NotRunning(PathBuf),
    /// No answer in time.
    #[error("the simulated board did not answer within {} ms", .0.as_millis())]
    Timeout(Duration),
    /// The board says no.
    #[error("{text}")]
    Refused {
        /// Why, for programs.
        why: Why,
        /// Why, for people.
        text: String,
    },
    /// The connection broke, or the other side is something else.
    #[error("the connection to the simulated board broke: {0}")]
    Broken(String),
    /// The directory cannot be used.
    #[error(transparent)]
    Board(#[from] BoardError),
    /// The board's process could not be started.
    #[error("cannot start the simulated board: {0}")]
    Start(String),
    /// The board's process does not end.
    #[error("the simulated board (process {0}) does not end")]
    Stubborn(u32),
}

/// A board, reached by its directory. Connects when it is first used.
#[derive(Debug)]
pub struct SimClient {
    dir: PathBuf,
    timeout: Duration,
    connection: Option<Connection>,
}

/// Who the board is.
#[derive(Clone, Debug, PartialEq)]
pub struct Identity {
    /// Its process.
    pub pid: u32,
    /// What it was made of.
    pub config: SimConfig,
}

/// Everything of a board.
#[derive(Clone, Debug, PartialEq)]
pub struct BoardState {
    /// Every value, as it really is.
    pub values: Vec<ValueText>,
    /// Seconds of simulated time since it was plugged in.
    pub time_s: f64,
    /// Its process.
    pub pid: u32,
}

impl SimClient {
    /// For the board in that directory; nothing is done yet.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into(), timeout: CALL_TIMEOUT, connection: None }
    }

    /// Every call may take so long.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout.max(Duration::from_millis(1));
        self
    }

    /// Where the board's files are.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Connects anew, and tells who is there.
    ///
    /// # Errors
    /// Nobody is there, or something else.
    pub fn identify(&mut self) -> Result<Identity, ClientError> {
        self.connection = None;
        let connection = self.connect(Instant::now() + self.timeout)?;
        Ok(connection.identity.clone())
    }

    /// Reads sensors by name, in that order, in one round trip. They should share a bus: one that hangs holds all.
    ///
    /// # Errors
    /// Any; a sensor that cannot be read is a [`Sample`], no error.
    pub fn read(&mut self, quantities: &[&str]) -> Result<Vec<Sample>, ClientError> {
        let names = quantities.iter().map(|&name| name.to_owned()).collect();
        match self.call(&Ask::Read(names))? {
            Answer::Readings(readings) if readings.len() == quantities.len() => {
                Ok(readings.into_iter().map(Sample::from).collect())
            }
            other => Err(self.unexpected(&other)),
        }
    }

    /// Every line with its level.
    ///
    /// # Errors
    /// Any.
    pub fn lines(&mut self) -> Result<Vec<(String, Level)>, ClientError> {
        match self.call(&Ask::Lines)? {
            Answer::Lines(lines) => Ok(levels(lines)),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Drives a line.
    ///
    /// # Errors
    /// Any.
    pub fn set_line(&mut self, line: &str, level: Level) -> Result<(), ClientError> {
        self.act(&Ask::SetLine { line: line.to_owned(), high: level.is_high() })
    }

    /// Tells the fan chip a duty.
    ///
    /// # Errors
    /// Any.
    pub fn set_duty(&mut self, fan: &str, duty: Duty) -> Result<(), ClientError> {
        self.act(&Ask::SetDuty { fan: fan.to_owned(), percent: duty.percent() })
    }

    /// The status registers of a supply, by name.
    ///
    /// # Errors
    /// Any.
    pub fn fault_registers(&mut self, supply: &str) -> Result<Vec<(String, u16)>, ClientError> {
        match self.call(&Ask::FaultRegisters { supply: supply.to_owned() })? {
            Answer::Registers(registers) => Ok(registers),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Lets an LED show a pattern.
    ///
    /// # Errors
    /// Any.
    pub fn set_led(&mut self, led: &str, pattern: Pattern) -> Result<(), ClientError> {
        self.act(&Ask::SetLed { led: led.to_owned(), pattern: pattern.into() })
    }

    /// Changes the surroundings, see [`super::Model::set`].
    ///
    /// # Errors
    /// Any.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), ClientError> {
        finite(name, Some(value))?;
        self.act(&Ask::Set { name: name.to_owned(), value })
    }

    /// Lets something go wrong. All faults that are active then.
    ///
    /// # Errors
    /// Any.
    pub fn inject(&mut self, kind: &str, target: &str, value: Option<f64>) -> Result<Vec<FaultText>, ClientError> {
        finite(kind, value)?;
        self.faults_after(&Ask::Inject(FaultText { kind: kind.to_owned(), target: target.to_owned(), value }))
    }

    /// Lets faults end; an empty kind: all, an empty target: every target. All faults that are active then.
    ///
    /// # Errors
    /// Any.
    pub fn clear(&mut self, kind: &str, target: &str) -> Result<Vec<FaultText>, ClientError> {
        self.faults_after(&Ask::Clear { kind: kind.to_owned(), target: target.to_owned() })
    }

    /// The faults that are active.
    ///
    /// # Errors
    /// Any.
    pub fn faults(&mut self) -> Result<Vec<FaultText>, ClientError> {
        self.faults_after(&Ask::Faults)
    }

    /// Everything of the board.
    ///
    /// # Errors
    /// Any.
    pub fn state(&mut self) -> Result<BoardState, ClientError> {
        match self.call(&Ask::State)? {
            Answer::State { values, time_s, pid } => Ok(BoardState { values, time_s, pid }),
            other => Err(self.unexpected(&other)),
        }
    }

    /// The controller is reset, and the board goes on as it is.
    ///
    /// # Errors
    /// Any.
    pub fn reset_controller(&mut self) -> Result<(), ClientError> {
        self.act(&Ask::ResetController)
    }

    /// Unplugs the board, without waiting until it is gone: see [`unplug`] for that.
    ///
    /// # Errors
    /// Any.
    pub fn stop(&mut self) -> Result<(), ClientError> {
        self.act(&Ask::Stop)?;
        self.connection = None;
        Ok(())
    }

    /// From now on hears of lines: first all of them, then each change.
    ///
    /// # Errors
    /// Any.
    pub fn subscribe(mut self) -> Result<Subscription, ClientError> {
        let deadline = Instant::now() + self.timeout;
        self.connect(deadline)?;
        match self.call(&Ask::Subscribe)? {
            Answer::Lines(lines) => match self.connection.take() {
                Some(connection) => Ok(Subscription { connection, first: Some(levels(lines)) }),
                None => Err(ClientError::NotRunning(self.dir)),
            },
            other => Err(self.unexpected(&other)),
        }
    }

    fn act(&mut self, ask: &Ask) -> Result<(), ClientError> {
        match self.call(ask)? {
            Answer::Done => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    fn faults_after(&mut self, ask: &Ask) -> Result<Vec<FaultText>, ClientError> {
        match self.call(ask)? {
            Answer::Faults(faults) => Ok(faults),
            other => Err(self.unexpected(&other)),
        }
    }

    fn call(&mut self, ask: &Ask) -> Result<Answer, ClientError> {
        let deadline = Instant::now() + self.timeout;
        // A connection from before the board was plugged out and in again is found out by using it.
        let kept = self.connection.is_some();
        let timeout = self.timeout;
        let mut answer = self.connect(deadline)?.ask(ask, deadline, timeout);
        if kept && matches!(answer, Err(ClientError::NotRunning(_))) {
            self.connection = None;
            answer = self.connect(deadline)?.ask(ask, deadline, timeout);
        }
        match answer {
            Ok(Answer::Refused { why, text }) => Err(ClientError::Refused { why, text }),
            Ok(answer) => Ok(answer),
            Err(error) => {
                self.connection = None;
                Err(error)
            }
        }
    }

    fn connect(&mut self, deadline: Instant) -> Result<&mut Connection, ClientError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => Connection::open(&self.dir, deadline, self.timeout)?,
        };
        Ok(self.connection.insert(connection))
    }

    fn unexpected(&mut self, answer: &Answer) -> ClientError {
        self.connection = None;
        ClientError::Broken(format!("it answered something else: {answer:.100?}"))
    }
}

/// Lines of a board, as they change.
#[derive(Debug)]
pub struct Subscription {
    connection: Connection,
    first: Option<Vec<(String, Level)>>,
}

/// The board tells every second that it is there; so long nothing means that it is not.
const SILENCE: Duration = Duration::from_secs(3);

impl Subscription {
    /// What is new: at first all lines, then those that changed, in order; nothing when `timeout` has passed without.
    ///
    /// # Errors
    /// The board is gone, or has been silent for three seconds. Subscribe anew.
    pub fn next(&mut self, timeout: Duration) -> Result<Vec<(String, Level)>, ClientError> {
        if let Some(first) = self.first.take() {
            return Ok(first);
        }
        let deadline = Instant::now() + timeout;
        loop {
            let Some(answer) = self.connection.pushed(deadline)? else {
                let silent = self.connection.silent_for();
                return if silent > SILENCE { Err(ClientError::Timeout(silent)) } else { Ok(Vec::new()) };
            };
            match answer {
                Answer::Edges(edges) => return Ok(levels(edges)),
                Answer::Alive => {}
                other => return Err(ClientError::Broken(format!("it told something else: {other:.100?}"))),
            }
        }
    }
}

fn levels(lines: Vec<LineLevel>) -> Vec<(String, Level)> {
    lines.into_iter().map(|line| (line.line, Level::from_bool(line.high))).collect()
}

/// JSON has no word for what is not a number.
fn finite(name: &str, value: Option<f64>) -> Result<(), ClientError> {
    match value {
        Some(value) if !value.is_finite() => Err(ClientError::Refused {
            why: Why::OutOfRange,
            text: format!("{value} is not possible for `{name}`: it is not a number"),
        }),
        Some(_) | None => Ok(()),
    }
}
