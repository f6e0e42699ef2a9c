//! How a simulated board and whoever uses it speak: frames of a length and a JSON text, over a unix socket.
//!
//! ```text
//! frame     u32, little endian: bytes of text, 1–262144 · text: one JSON value
//! dialogue  Ask::Hello → Answer::Welcome, then any number of Ask → Answer, one at a time;
//!           after Ask::Subscribe only answers, unasked: Lines once, then Edges, and Alive every second
//! ```
//!
//! What breaks these rules is answered with `Refused` where that is still possible, and the connection ends.

use std::io::{self, Read, Write};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use ubmc_core::input::Sample;

use super::{SimConfig, SimRefusal};

/// Version of everything on this page. Both sides must have the same.
pub const VERSION: u32 = 1;
/// Longest text of a frame, in bytes.
pub const MAX_FRAME: usize = 256 * 1024;

/// What is asked of the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// First on every connection.
    Hello {
        /// The asker's [`VERSION`].
        version: u32,
    },
    /// Read sensors; the answer is in the same order. Takes as long as the slowest of their buses.
    Read(Vec<String>),
    /// Read all lines.
    Lines,
    /// Drive a line.
    SetLine {
        /// Name.
        line: String,
        /// Level.
        high: bool,
    },
    /// Tell the fan chip a duty.
    SetDuty {
        /// Name.
        fan: String,
        /// 0–100.
        percent: f64,
    },
    /// Tell the status registers of a supply.
    FaultRegisters {
        /// Name.
        supply: String,
    },
    /// Let an LED show something.
    SetLed {
        /// Name.
        led: String,
        /// What.
        pattern: LedPattern,
    },
    /// Change the surroundings.
    Set {
        /// Name.
        name: String,
        /// Value.
        value: f64,
    },
    /// Let something go wrong.
    Inject(FaultText),
    /// Let faults end; an empty kind: all, an empty target: every target.
    Clear {
        /// Kind.
        kind: String,
        /// Target.
        target: String,
    },
    /// Tell the active faults.
    Faults,
    /// Tell everything.
    State,
    /// The controller is reset: what hangs on it counts one boot more.
    ResetController,
    /// Tell every change of a line from now on.
    Subscribe,
    /// End, as unplugging would.
    Stop,
}

/// What the board answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// To `Hello`.
    Welcome {
        /// The board's [`VERSION`].
        version: u32,
        /// Its process.
        pid: u32,
        /// What it was made of.
        config: Box<SimConfig>,
    },
    /// To `Read`.
    Readings(Vec<Reading>),
    /// To `Lines`, and first to `Subscribe`.
    Lines(Vec<LineLevel>),
    /// Unasked: lines that changed, in order.
    Edges(Vec<LineLevel>),
    /// Unasked: nothing changed, but the board is there.
    Alive,
    /// To everything that only does something.
    Done,
    /// To `Faults`, `Inject` and `Clear`.
    Faults(Vec<FaultText>),
    /// To `FaultRegisters`, by name.
    Registers(Vec<(String, u16)>),
    /// To `State`.
    State {
        /// Every value.
        values: Vec<ValueText>,
        /// Seconds of simulated time since it was plugged in.
        time_s: f64,
        /// Its process.
        pid: u32,
    },
    /// Not done.
    Refused {
        /// Why, for programs.
        why: Why,
        /// Why, for people.
        text: String,
    },
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// Nothing has that name.
    NotFound,
    /// The value is not possible.
    OutOfRange,
    /// There is nothing to clear.
    NotActive,
    /// The hardware does not do it, because of a fault.
    Hardware,
    /// The other side broke the rules of this page.
    Protocol,
    /// There are too many connections.
    Busy,
}

/// A line with its level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LineLevel {
    /// Name.
    pub line: String,
    /// Level.
    pub high: bool,
}

/// A fault, as people write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FaultText {
    /// e.g. `fan-fail`.
    pub kind: String,
    /// e.g. `fan.0`.
    pub target: String,
    /// Its meaning depends on the kind. Absent: the kind's default.
    pub value: Option<f64>,
}

/// One value of the board.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueText {
    /// Name.
    pub name: String,
    /// As it really is.
    pub value: f64,
    /// Empty for states and parts.
    pub unit: String,
    /// `Set` takes it.
    pub settable: bool,
}

/// What a sensor shows. JSON has no word for what is not a number, so it has a case of its own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reading {
    /// A number.
    Value(f64),
    /// Something that is none.
    Nan,
    /// There is no such device.
    Absent,
    /// It did not answer.
    Error(String),
}

/// What an LED shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LedPattern {
    /// Dark.
    Off,
    /// Lit.
    On,
    /// 1 Hz.
    Blink,
    /// 4 Hz.
    FastBlink,
}

impl From<Sample> for Reading {
    fn from(sample: Sample) -> Self {
        match sample {
            Sample::Value(value) if value.is_finite() => Self::Value(value),
            Sample::Value(_) => Self::Nan,
            Sample::Error(text) => Self::Error(text),
            Sample::Absent => Self::Absent,
        }
    }
}

impl From<Reading> for Sample {
    fn from(reading: Reading) -> Self {
        match reading {
            Reading::Value(value) => Self::Value(value),
            Reading::Nan => Self::Value(f64::NAN),
            Reading::Absent => Self::Absent,
            Reading::Error(text) => Self::Error(text),
        }
    }
}

impl From<ubmc_core::leds::Pattern> for LedPattern {
    fn from(pattern: ubmc_core::leds::Pattern) -> Self {
        use ubmc_core::leds::Pattern;
        match pattern {
            Pattern::Off => Self::Off,
            Pattern::On => Self::On,
            Pattern::Blink => Self::Blink,
            Pattern::FastBlink => Self::FastBlink,
        }
    }
}

impl From<LedPattern> for ubmc_core::leds::Pattern {
    fn from(pattern: LedPattern) -> Self {
        match pattern {
            LedPattern::Off => Self::Off,
            LedPattern::On => Self::On,
            LedPattern::Blink => Self::Blink,
            LedPattern::FastBlink => Self::FastBlink,
        }
    }
}

impl From<SimRefusal> for Answer {
    fn from(refusal: SimRefusal) -> Self {
        let why = match &refusal {
            SimRefusal::UnknownKind { .. }
            | SimRefusal::UnknownTarget { .. }
            | SimRefusal::UnknownSetting { .. }
            | SimRefusal::NoSuch { .. } => Why::NotFound,
            SimRefusal::OutOfRange { .. } | SimRefusal::NotAnOutput { .. } => Why::OutOfRange,
            SimRefusal::NotActive { .. } => Why::NotActive,
            SimRefusal::WriteFailed { .. } | SimRefusal::BusHangs { .. } => Why::Hardware,
        };
        Self::Refused { why, text: refusal.to_string() }
    }
}

/// Sends one frame.
///
/// # Errors
/// The other side is gone or does not take it, or the value is longer than [`MAX_FRAME`].
pub fn send(to: &mut impl Write, value: &impl Serialize) -> io::Result<()> {
    // One write for both parts: a reader is woken once.
    let mut frame = vec![0; 4];
    serde_json::to_writer(&mut frame, value)?;
    let length = frame.len() - 4;
    let (true, Ok(prefix)) = (length <= MAX_FRAME, u32::try_from(length)) else {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("a message of {length} bytes is too long")));
    };
    frame[..4].copy_from_slice(&prefix.to_le_bytes());
    to.write_all(&frame)
}

/// Receives one frame. None: the other side has ended in good order, between two frames.
///
/// # Errors
/// The connection broke, nothing came in time, or what came is no such frame (`InvalidData`).
pub fn receive<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut prefix = [0; 4];
    let mut have = 0;
    while have < prefix.len() {
        match from.read(&mut prefix[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(more) => have += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    let invalid = |text: String| io::Error::new(io::ErrorKind::InvalidData, text);
    let length = usize::try_from(u32::from_le_bytes(prefix)).unwrap_or(usize::MAX);
    if !(1..=MAX_FRAME).contains(&length) {
        return Err(invalid(format!("a frame of {length} bytes: 1–{MAX_FRAME} are allowed")));
    }
    let mut text = vec![0; length];
    from.read_exact(&mut text)?;
    serde_json::from_slice(&text).map(Some).map_err(|error| invalid(format!("not a message: {error}")))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check<T: Serialize + DeserializeOwned + PartialEq + std::fmt::Debug>(value: &T) {
        let mut wire = Vec::new();
        send(&mut wire, value).unwrap();
        let mut wire = wire.as_slice();
        assert_eq!(receive::<T>(&mut wire).unwrap().as_ref(), Some(value));
        assert!(receive::<T>(&mut wire).unwrap().is_none());
    }

    #[test]
    fn every_message_comes_out_as_it_went_in() {
        let line = || LineLevel { line: "chassis.power_good".into(), high: true };
        let fault = || FaultText { kind: "fan-slow".into(), target: "fan.0".into(), value: Some(0.3) };
        for ask in [
            Ask::Hello { version: VERSION },
            Ask::Read(vec!["inlet_temp".into()]),
            Ask::Lines,
            Ask::SetLine { line: "host.0.reset".into(), high: true },
            Ask::SetDuty { fan: "fan.0".into(), percent: 33.3 },
            Ask::SetLed { led: "identify".into(), pattern: LedPattern::FastBlink },
            Ask::Set { name: "ambient".into(), value: -3.5 },
            Ask::Inject(fault()),
            Ask::Clear { kind: String::new(), target: String::new() },
            Ask::Faults,
            Ask::State,
            Ask::Subscribe,
            Ask::Stop,
        ] {
            check(&ask);
        }
        for answer in [
            Answer::Welcome { version: VERSION, pid: 7, config: Box::default() },
            Answer::Readings(vec![
                Reading::Value(1.5),
                Reading::Nan,
                Reading::Absent,
                Reading::Error("host.0 is off".into()),
            ]),
            Answer::Lines(vec![line()]),
            Answer::Edges(vec![line()]),
            Answer::Alive,
            Answer::Done,
            Answer::Faults(vec![fault()]),
            Answer::State {
                values: vec![ValueText { name: "ambient".into(), value: 25.0, unit: "°C".into(), settable: true }],
                time_s: 0.1,
                pid: 1,
            },
            Answer::Refused { why: Why::NotFound, text: "no".into() },
        ] {
            check(&answer);
        }
    }

    #[test]
    fn a_reading_that_is_no_number_stays_one() {
        assert!(matches!(Sample::from(Reading::from(Sample::Value(f64::NAN))), Sample::Value(v) if v.is_nan()));
        assert!(matches!(Reading::from(Sample::Value(f64::INFINITY)), Reading::Nan));
    }

    #[test]
    fn frames_out_of_bounds_are_refused_unread() {
        for (wire, expected) in [
            (&[0, 0, 0, 0][..], "a frame of 0 bytes: 1–262144 are allowed"),
            (&[255, 255, 255, 255], "a frame of 4294967295 bytes: 1–262144 are allowed"),
            (b"\x02\0\0\0{}", "not a message: expected value at line 1 column 2"),
            (b"\x06\0\0\0\"lins\"", "not a message: unknown variant `lins`"),
        ] {
            let error = receive::<Ask>(&mut &*wire).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(send(&mut Vec::new(), &"x".repeat(MAX_FRAME)).is_err());
    }

    proptest! {
        #[test]
        fn garbage_never_does_more_than_fail(wire in proptest::collection::vec(any::<u8>(), 0..200)) {
            let mut rest = wire.as_slice();
            while let Ok(Some(_)) = receive::<Ask>(&mut rest) {}
        }
    }
}
