//! The bench for other processes: a request of one line, an answer of some.

use std::{
    fmt::Write as _,
    fs,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::{UnixListener, UnixStream},
    path::Path,
    time::Duration,
};

use super::{
    bench::{Bench, BenchError},
    emulator::Run,
    places::{Chip, ChipError, Line},
    supply::ModeError,
};

/// What is asked in words that somebody typed.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// The bench cannot.
    #[error(transparent)]
    Bench(#[from] BenchError),
    /// Not a chip.
    #[error(transparent)]
    Chip(#[from] ChipError),
    /// Not a kind of supply.
    #[error(transparent)]
    Mode(#[from] ModeError),
    /// Not a number.
    #[error("`{0}` is no temperature: write degrees Celsius, for example 43.5")]
    Celsius(String),
    /// Neither on nor off.
    #[error("`{0}` is neither on nor off")]
    Switch(String),
    /// Nothing that can be asked.
    #[error("`{0}` is nothing that the bench can do; `scripts/board --help` tells what it can")]
    Unknown(String),
    /// Nobody listens, or answers.
    #[error("no board answers in {folder} ({source}): `scripts/board start` starts one")]
    NoBoard {
        /// Where its sockets would be.
        folder: String,
        /// What the system said.
        source: io::Error,
    },
    /// The board's own refusal, come over the socket.
    #[error("{0}")]
    Told(String),
}

/// Answers requests until `ended` says so.
pub fn serve(bench: &Bench, run: &Run, mut ended: impl FnMut() -> Option<String>) -> io::Result<String> {
    let socket = run.requests();
    let _ = fs::remove_file(&socket);
    let listener = UnixListener::bind(&socket)?;
    listener.set_nonblocking(true)?;
    let why = loop {
        match listener.accept() {
            // One at a time: requests are short, and whoever says nothing is dropped.
            Ok((stream, _)) => {
                if let Err(error) = answer(bench, stream) {
                    eprintln!("a request was lost: {error}");
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                if let Some(why) = ended() {
                    break why;
                }
                std::thread::park_timeout(Duration::from_millis(50));
            }
            Err(error) => return Err(error),
        }
    };
    let _ = fs::remove_file(&socket);
    Ok(why)
}

fn answer(bench: &Bench, stream: UnixStream) -> io::Result<()> {
    stream.set_nonblocking(false)?;
    stream.set_read_timeout(Some(Duration::from_secs(2)))?;
    stream.set_write_timeout(Some(Duration::from_secs(2)))?;
    let mut line = String::new();
    BufReader::new(stream.try_clone()?.take(1024)).read_line(&mut line)?;
    let words: Vec<&str> = line.split_whitespace().collect();
    let mut writer = stream;
    match act(bench, &words) {
        Ok(text) => write!(writer, "ok\n{text}"),
        Err(error) => write!(writer, "error\n{error}"),
    }
}

/// Does what the words say, and tells what there is to tell.
pub fn act(bench: &Bench, words: &[&str]) -> Result<String, RequestError> {
    match *words {
        ["temp"] => temperatures(bench),
        ["temp", place] => {
            let (chip, number) = channel(place)?;
            Ok(format!("{:.3}\n", bench.temperature(chip, number)?))
        }
        ["temp", place, celsius] => {
            let (chip, number) = channel(place)?;
            let celsius = celsius.parse().map_err(|_| RequestError::Celsius(celsius.to_owned()))?;
            bench.set_temperature(chip, number, celsius)?;
            Ok(String::new())
        }
        ["presence", name, word] => {
            bench.presence(name, switch(word)?)?;
            Ok(String::new())
        }
        ["line"] => {
            let mut text = String::new();
            for name in Line::names() {
                let _ = writeln!(text, "{:28} {}", name, u8::from(bench.level(name)?));
            }
            Ok(text)
        }
        ["line", name] => Ok(format!("{}\n", u8::from(bench.level(name)?))),
        ["line", name, word] => {
            bench.set_line(name, switch(word)?)?;
            Ok(String::new())
        }
        ["supply"] => Ok(match bench.supply_status() {
            Ok((mode, good)) => format!("{}, power {}\n", mode.word(), if good { "good" } else { "not good" }),
            Err(why) => format!("not played any more: {why}\n"),
        }),
        ["supply", mode] => {
            bench.supply(mode.parse()?);
            Ok(String::new())
        }
        ["reset"] => {
            bench.reset()?;
            Ok(String::new())
        }
        _ => Err(RequestError::Unknown(words.join(" "))),
    }
}

/// Asks the bench of another process.
pub fn ask(run: &Run, words: &[String]) -> Result<String, RequestError> {
    let no_board = |source| RequestError::NoBoard { folder: run.folder().display().to_string(), source };
    let answer = exchange(&run.requests(), &words.join(" ")).map_err(no_board)?;
    match answer.split_once('\n') {
        Some(("ok", text)) => Ok(text.to_owned()),
        Some((_, text)) => Err(RequestError::Told(text.to_owned())),
        None => Err(no_board(io::ErrorKind::UnexpectedEof.into())),
    }
}

fn exchange(socket: &Path, line: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    writeln!(stream, "{line}")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn temperatures(bench: &Bench) -> Result<String, RequestError> {
    let mut text = String::new();
    for (chip, thermometer) in bench.thermometers() {
        let _ = write!(text, "{:8} {}", chip.to_string(), thermometer.driver());
        for number in 1..=thermometer.properties.len() {
            let _ = write!(text, " {:8.3}", bench.temperature(chip, number)?);
        }
        text.push('\n');
    }
    Ok(text)
}

/// `9-004c/3` is the third temperature of a chip, `9-004c` its first.
fn channel(text: &str) -> Result<(Chip, usize), RequestError> {
    let (chip, number) = text.split_once('/').unwrap_or((text, "1"));
    let number = number.parse().map_err(|_| RequestError::Unknown(format!("temp {text}")))?;
    Ok((chip.parse()?, number))
}

fn switch(word: &str) -> Result<bool, RequestError> {
    match word {
        "on" | "1" => Ok(true),
        "off" | "0" => Ok(false),
        _ => Err(RequestError::Switch(word.to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn channels_are_counted_from_one_and_the_first_is_understood() {
        let chip = Chip { bus: 9, address: 0x4c };
        for (text, number) in [("9-004c", 1), ("9-004c/1", 1), ("9-004c/4", 4)] {
            assert_eq!(channel(text).unwrap(), (chip, number));
        }
        for text in ["", "9-004c/", "9-004c/x", "9/1"] {
            assert!(channel(text).is_err(), "{text}");
        }
    }
}
