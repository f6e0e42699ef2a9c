//! One connection to a board, greeted.

use std::{
    io::{self, Read, Write},
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with},
};

use super::{
    super::{
        process::{BoardError, socket_path},
        protocol::{self, Answer, Ask, VERSION, Why},
    },
    ClientError, Identity,
};

/// One connection to a board.
#[derive(Debug)]
pub(super) struct Connection {
    stream: UnixStream,
    dir: PathBuf,
    pub(super) identity: Identity,
    heard: Instant,
}

impl Connection {
    pub(super) fn open(dir: &Path, deadline: Instant, timeout: Duration) -> Result<Self, ClientError> {
        let path = socket_path(dir)?;
        let failed = |error: rustix::io::Errno| match error {
            rustix::io::Errno::NOENT | rustix::io::Errno::CONNREFUSED => ClientError::NotRunning(dir.to_owned()),
            // Its queue is full: it does not accept any more, so it hangs.
            rustix::io::Errno::AGAIN => ClientError::Timeout(timeout),
            other => ClientError::Board(BoardError::Io { what: "connect to", path: path.clone(), error: other.into() }),
        };
        // Non-blocking, because connecting waits without bound for a process that does not accept.
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None).map_err(failed)?;
        connect(&socket, &SocketAddrUnix::new(&path).map_err(failed)?).map_err(failed)?;
        let identity = Identity { pid: 0, config: super::SimConfig::default() };
        let mut connection =
            Self { stream: UnixStream::from(socket), dir: dir.to_owned(), identity, heard: Instant::now() };
        match connection.ask(&Ask::Hello { version: VERSION }, deadline, timeout)? {
            Answer::Welcome { version: VERSION, pid, config } => {
                connection.identity = Identity { pid, config: *config };
                Ok(connection)
            }
            Answer::Refused { why, text } => Err(ClientError::Refused { why, text }),
            other => Err(ClientError::Refused {
                why: Why::Protocol,
                text: format!("what listens on {} is no simulated board of this version: {other:.60?}", path.display()),
            }),
        }
    }

    pub(super) fn ask(&mut self, ask: &Ask, deadline: Instant, timeout: Duration) -> Result<Answer, ClientError> {
        let dir = self.dir.clone();
        let failed = |error: io::Error| match error.kind() {
            io::ErrorKind::TimedOut => ClientError::Timeout(timeout),
            io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset | io::ErrorKind::UnexpectedEof => {
                ClientError::NotRunning(dir.clone())
            }
            _ => ClientError::Broken(error.to_string()),
        };
        let mut bounded = Bounded { stream: &mut self.stream, deadline };
        match protocol::send(&mut bounded, ask) {
            // It may have said why before it hung up.
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => return Err(failed(error)),
            Ok(()) | Err(_) => {}
        }
        let answer = protocol::receive(&mut bounded).map_err(failed)?;
        self.heard = Instant::now();
        answer.ok_or_else(|| ClientError::NotRunning(dir.clone()))
    }

    /// What came unasked. None: nothing until the deadline.
    pub(super) fn pushed(&mut self, deadline: Instant) -> Result<Option<Answer>, ClientError> {
        if !wait(&self.stream, PollFlags::IN, deadline).map_err(|error| ClientError::Broken(error.to_string()))? {
            return Ok(None);
        }
        // The rest of a frame that has begun is on its way.
        let mut bounded = Bounded { stream: &mut self.stream, deadline: Instant::now() + super::CALL_TIMEOUT };
        let answer = protocol::receive(&mut bounded).map_err(|error| ClientError::Broken(error.to_string()))?;
        self.heard = Instant::now();
        answer.map(Some).ok_or_else(|| ClientError::NotRunning(self.dir.clone()))
    }

    /// Since the board was last heard.
    pub(super) fn silent_for(&self) -> Duration {
        self.heard.elapsed()
    }
}

/// A stream whose reads and writes fail with `TimedOut` after a deadline.
struct Bounded<'a> {
    stream: &'a mut UnixStream,
    deadline: Instant,
}

impl Bounded<'_> {
    fn until<R>(&mut self, flags: PollFlags, mut act: impl FnMut(&mut UnixStream) -> io::Result<R>) -> io::Result<R> {
        loop {
            match act(self.stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if !wait(self.stream, flags, self.deadline)? {
                        return Err(io::ErrorKind::TimedOut.into());
                    }
                }
                other => return other,
            }
        }
    }
}

impl Read for Bounded<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.until(PollFlags::IN, |stream| stream.read(into))
    }
}

impl Write for Bounded<'_> {
    fn write(&mut self, from: &[u8]) -> io::Result<usize> {
        self.until(PollFlags::OUT, |stream| stream.write(from))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Waits until the stream is ready. False: the deadline has passed.
fn wait(stream: &UnixStream, flags: PollFlags, deadline: Instant) -> io::Result<bool> {
    loop {
        let left = deadline.saturating_duration_since(Instant::now());
        let left =
            Timespec { tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut [PollFd::new(stream, flags)], Some(&left)) {
            Ok(ready) => return Ok(ready > 0),
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}
