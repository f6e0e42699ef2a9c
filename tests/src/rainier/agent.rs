//! Commands on the board, over a serial line of its own. `scripts/image/agent` is the other end.
//!
//! ```text
//!   host:   ID SECONDS COMMAND-IN-BASE64 ⏎
//!   board:  ⏎ = ID EXIT-CODE BYTES-OF-STDOUT BYTES-OF-STDERR ⏎ stdout stderr
//! ```
//!
//! Sizes instead of end marks: what a command prints is nobody's business here. An answer that nobody waits for any more
//! is known by its ID.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::{Duration, Instant},
};

use serde_json::Value;

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The line is dead.
    #[error("the board's command line does not answer within {seconds} s ({source}) to: {command}")]
    Silent {
        /// How long it had.
        seconds: u64,
        /// What was asked.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// The answer is cut.
    #[error("the board's answer to `{command}` makes no sense: {answer}")]
    Strange {
        /// What was asked.
        command: String,
        /// Its head.
        answer: String,
    },
}

/// What a command did.
#[derive(Clone, Debug)]
pub struct Done {
    /// Its exit code; 128 and a signal's number when it was killed.
    pub code: i32,
    /// What it printed.
    pub out: String,
    /// What it complained of.
    pub err: String,
    /// From the request to the answer, as the host measures it.
    pub took: Duration,
}

impl Done {
    /// What it printed as JSON; null when it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or(Value::Null)
    }
}

/// The host's end of the line.
#[derive(Debug)]
pub struct Agent {
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    next: u64,
}

impl Agent {
    /// Takes the line. It serves one at a time: whoever comes second waits until `patience` is over.
    pub fn connect(socket: &Path) -> io::Result<Self> {
        let writer = UnixStream::connect(socket)?;
        let reader = BufReader::new(writer.try_clone()?);
        Ok(Self { reader, writer, next: 0 })
    }

    /// Takes the line as soon as the board answers on it. A board that is starting loses what it is told too early.
    pub fn await_board(socket: &Path, limit: Duration) -> Result<Self, AgentError> {
        let begun = Instant::now();
        loop {
            let tried = Self::connect(socket).map_err(|source| silent("true", limit, source));
            let error = match tried.and_then(|mut agent| {
                agent.run_within("true", Duration::from_secs(1), Duration::from_secs(1)).map(|_| agent)
            }) {
                Ok(agent) => return Ok(agent),
                Err(error) => error,
            };
            if begun.elapsed() > limit {
                return Err(error);
            }
            std::thread::park_timeout(Duration::from_millis(100));
        }
    }

    /// Runs a shell command on the board. It is killed when it takes longer than `limit`.
    pub fn run(&mut self, command: &str, limit: Duration) -> Result<Done, AgentError> {
        // The board gets its own limit first; the rest is for the line.
        self.run_within(command, limit, limit + Duration::from_secs(15))
    }

    fn run_within(&mut self, command: &str, limit: Duration, patience: Duration) -> Result<Done, AgentError> {
        self.next += 1;
        let id = format!("{}.{}", std::process::id(), self.next);
        let seconds = limit.as_secs().max(1);
        let silent = |source| silent(command, patience, source);
        let begun = Instant::now();
        self.writer.set_read_timeout(Some(patience)).map_err(silent)?;
        self.writer.set_write_timeout(Some(patience)).map_err(silent)?;
        // The line break before it ends whatever an earlier client left half said.
        let request = format!("\n{id} {seconds} {}\n", base64(command.as_bytes()));
        self.writer.write_all(request.as_bytes()).map_err(silent)?;
        let head = self.head(&id, begun + patience).map_err(silent)?;
        let numbers: Vec<usize> = head.split(' ').filter_map(|word| word.parse().ok()).collect();
        let [code, out, err] = numbers[..] else {
            return Err(AgentError::Strange { command: command.to_owned(), answer: head });
        };
        let mut text = |bytes: usize| {
            let mut buffer = vec![0; bytes];
            self.reader.read_exact(&mut buffer).map_err(silent)?;
            Ok(String::from_utf8_lossy(&buffer).into_owned())
        };
        let (out, err) = (text(out)?, text(err)?);
        Ok(Done { code: i32::try_from(code).unwrap_or(-1), out, err, took: begun.elapsed() })
    }

    /// The head of the answer, without its ID.
    fn head(&mut self, id: &str, until: Instant) -> io::Result<String> {
        let mark = format!("={id} ");
        loop {
            let mut line = Vec::new();
            if self.reader.read_until(b'\n', &mut line)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(head) = String::from_utf8_lossy(&line).trim_end().strip_prefix(&mark) {
                return Ok(head.to_owned());
            }
            if Instant::now() > until {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
    }
}

fn silent(command: &str, patience: Duration, source: io::Error) -> AgentError {
    AgentError::Silent { seconds: patience.as_secs(), command: command.to_owned(), source }
}

/// RFC 4648, with padding: commands hold line breaks, which the line's framing cannot.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().chain([&0, &0]).take(3).fold(0_usize, |bits, byte| bits << 8 | usize::from(*byte));
        for place in 0..4 {
            let letter = LETTERS[bits >> (18 - 6 * place) & 63];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_as_the_rfc_has_it() {
        for (bytes, text) in [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foobar", "Zm9vYmFy"),
            ("\u{fb}\u{ff}", "w7vDvw=="),
        ] {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn an_answer_is_found_behind_noise_and_older_answers() {
        let (host, mut board) = UnixStream::pair().unwrap();
        let reader = BufReader::new(host.try_clone().unwrap());
        let mut agent = Agent { reader, writer: host, next: 6 };
        let pid = std::process::id();
        write!(board, "half a li\n={pid}.6 0 3 0\nold\n={pid}.7 3 4 5\nout\n=err\n").unwrap();
        let done = agent.run("anything", Duration::from_secs(1)).unwrap();
        assert_eq!((done.code, done.out.as_str(), done.err.as_str()), (3, "out\n", "=err\n"));
        let mut request = [0; 64];
        let length = board.read(&mut request).unwrap();
        assert_eq!(String::from_utf8_lossy(&request[..length]), format!("\n{pid}.7 1 YW55dGhpbmc=\n"));
    }
}
