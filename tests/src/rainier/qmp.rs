//! QEMU's control protocol: one JSON object a line, answers in order, events in between.

use std::{
    io::{self, BufRead, BufReader, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

/// How long QEMU may take to answer: its main loop is never busy for long, only its processors are.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why QEMU did not do as asked.
#[derive(Debug, thiserror::Error)]
pub enum QmpError {
    /// The emulator is gone, or hangs.
    #[error("the emulator does not answer on {socket}: {source}; is the board still running?", socket = socket.display())]
    Gone {
        /// Its control socket.
        socket: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It answered with an error of its own.
    #[error("the emulator refuses `{command}` {arguments}: {reason}")]
    Refused {
        /// What it was asked.
        command: String,
        /// With what.
        arguments: String,
        /// In its words.
        reason: String,
    },
    /// Its answer is not what this command answers.
    #[error("the emulator's answer to `{command}` makes no sense here: {answer}")]
    Strange {
        /// What it was asked.
        command: String,
        /// What it said.
        answer: String,
    },
}

/// A connection to QEMU's control socket. Each socket serves one at a time.
#[derive(Debug)]
pub struct Qmp {
    socket: PathBuf,
    reader: BufReader<UnixStream>,
    writer: UnixStream,
    next: u64,
}

impl Qmp {
    /// Connects, and agrees on the commands' names. Waits until the emulator has made its socket.
    pub fn connect(socket: &Path) -> Result<Self, QmpError> {
        let begun = Instant::now();
        let gone = |source| QmpError::Gone { socket: socket.to_owned(), source };
        let writer = loop {
            match UnixStream::connect(socket) {
                Ok(stream) => break stream,
                Err(error) if begun.elapsed() > PATIENCE => return Err(gone(error)),
                // Between two looks at the world outside.
                Err(_) => std::thread::park_timeout(Duration::from_millis(20)),
            }
        };
        writer.set_read_timeout(Some(PATIENCE)).map_err(gone)?;
        let reader = BufReader::new(writer.try_clone().map_err(gone)?);
        let mut qmp = Self { socket: socket.to_owned(), reader, writer, next: 0 };
        qmp.line()?;
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs a command and gives what it returns.
    pub fn execute(&mut self, command: &str, arguments: &Value) -> Result<Value, QmpError> {
        self.next += 1;
        let id = self.next;
        let mut request = json!({ "execute": command, "arguments": arguments, "id": id }).to_string();
        request.push('\n');
        self.writer.write_all(request.as_bytes()).map_err(|source| self.gone(source))?;
        loop {
            let answer = self.line()?;
            if answer["id"] != id {
                continue; // An event, or the end of a command that somebody gave up on.
            }
            if let Some(value) = answer.get("return") {
                return Ok(value.clone());
            }
            return Err(QmpError::Refused {
                command: command.to_owned(),
                arguments: arguments.to_string(),
                reason: answer["error"]["desc"].as_str().unwrap_or("no reason given").to_owned(),
            });
        }
    }

    /// The properties and children of an object: name and type.
    pub fn list(&mut self, path: &str) -> Result<Vec<(String, String)>, QmpError> {
        let answer = self.execute("qom-list", &json!({ "path": path }))?;
        let text = |entry: &Value, key: &str| entry[key].as_str().unwrap_or_default().to_owned();
        let entries = answer.as_array().ok_or_else(|| strange("qom-list", &answer))?;
        Ok(entries.iter().map(|entry| (text(entry, "name"), text(entry, "type"))).collect())
    }

    /// A property of an object.
    pub fn get(&mut self, path: &str, property: &str) -> Result<Value, QmpError> {
        self.execute("qom-get", &json!({ "path": path, "property": property }))
    }

    /// Sets a property of an object.
    pub fn set(&mut self, path: &str, property: &str, value: &Value) -> Result<(), QmpError> {
        self.execute("qom-set", &json!({ "path": path, "property": property, "value": value })).map(drop)
    }

    fn line(&mut self) -> Result<Value, QmpError> {
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => Err(self.gone(io::ErrorKind::UnexpectedEof.into())),
            Ok(_) => serde_json::from_str(&line).map_err(|_| strange("anything", &Value::String(line))),
            Err(source) => Err(self.gone(source)),
        }
    }

    fn gone(&self, source: io::Error) -> QmpError {
        QmpError::Gone { socket: self.socket.clone(), source }
    }
}

/// An answer of the wrong shape.
pub fn strange(command: &str, answer: &Value) -> QmpError {
    QmpError::Strange { command: command.to_owned(), answer: answer.to_string() }
}
