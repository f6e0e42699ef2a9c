//! The simulated board as a process of its own: hardware does not die with its controller.
//!
//! ```text
//!            ┌ stepper: 20 steps a second ┐
//!  board.sock├ acceptor ── one thread per connection (asks, or pushed edges)
//!            └ shared: the model, subscribers, whether it is over
//! ```
//!
//! Its directory holds `board.sock` (the socket), `board.pid` (the lock, with the process id) and `board.log`. What it
//! knows is gone when it ends, as with a board that is unplugged.

pub(super) mod lock;
mod serve;
mod shared;
#[cfg(test)]
mod tests;

use std::{
    ffi::OsString,
    fs,
    io::{self, Write},
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use nix::sys::signal::{SigSet, Signal};

use self::{lock::Lock, shared::Shared};
use super::{
    ConfigProblem, Model, SimConfig,
    protocol::{self, Answer, Why},
};

/// Between two steps of the model, in real time.
const STEP: Duration = Duration::from_millis(50);
/// Steps made up for at once after the process was held; what is older is lost, as time is in a paused machine.
const MAX_CATCH_UP: u32 = 20;
/// Between two looks whether anybody can still come.
const LOOK: Duration = Duration::from_secs(1);
/// Connections at a time.
const MAX_CONNECTIONS: usize = 32;
/// Longest path a unix socket may have on Linux, in bytes.
const MAX_SOCKET_PATH: usize = 107;

/// Why a board could not be plugged in.
#[derive(Debug, thiserror::Error)]
pub enum BoardError {
    /// Its configuration is impossible.
    #[error("the simulated board cannot be made: {0}")]
    Config(#[from] ConfigProblem),
    /// Another process has the directory.
    #[error("another simulated board runs in {}", .0.display())]
    Taken(PathBuf),
    /// The socket's path does not fit the kernel's limit.
    #[error("{} is too long for a socket ({} bytes, at most {MAX_SOCKET_PATH}): choose a shorter state directory", .0.display(), .0.as_os_str().len())]
    PathTooLong(PathBuf),
    /// A system call failed.
    #[error("cannot {what} {}: {error}", .path.display())]
    Io {
        /// What was being done.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
}

/// Where the socket of a board's directory is.
///
/// # Errors
/// The path is too long for a socket.
pub fn socket_path(dir: &Path) -> Result<PathBuf, BoardError> {
    let path = dir.join("board.sock");
    if path.as_os_str().len() > MAX_SOCKET_PATH { Err(BoardError::PathTooLong(path)) } else { Ok(path) }
}

/// A board that is plugged in and reachable, but whose time does not pass yet.
#[derive(Debug)]
pub struct Running {
    shared: Arc<Shared>,
    listener: UnixListener,
    socket: PathBuf,
    // Held to the end: the directory is free when this is dropped.
    _lock: Lock,
}

/// Ends a running board from another thread.
#[derive(Clone, Debug)]
pub struct Stopper {
    shared: Arc<Shared>,
}

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        self.shared.stop();
    }
}

/// Plugs a board in: takes the directory (making it when needed) and its socket.
///
/// # Errors
/// The configuration is impossible, the directory is taken or cannot be used.
pub fn plug_in(dir: &Path, config: &SimConfig) -> Result<Running, BoardError> {
    let model = Model::new(config)?;
    let socket = socket_path(dir)?;
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |error| BoardError::Io { what, path, error }
    };
    fs::create_dir_all(dir).map_err(failed("make", dir))?;
    let lock =
        Lock::take(dir).map_err(failed("lock", &lock::path(dir)))?.ok_or_else(|| BoardError::Taken(dir.to_owned()))?;
    match fs::remove_file(&socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("remove the old", &socket)(error)),
        Ok(()) | Err(_) => Ok(()),
    }?;
    let listener = UnixListener::bind(&socket).map_err(failed("listen on", &socket))?;
    Ok(Running { shared: Arc::new(Shared::new(model)), listener, socket, _lock: lock })
}

impl Running {
    /// Something to end it with.
    pub fn stopper(&self) -> Stopper {
        Stopper { shared: Arc::clone(&self.shared) }
    }

    /// Lets time pass and clients in, until it is stopped.
    ///
    /// # Errors
    /// A thread could not be started.
    pub fn run(self) -> Result<(), BoardError> {
        let failed = |error| BoardError::Io { what: "serve", path: self.socket.clone(), error };
        let door = self.listener.try_clone().map_err(failed)?;
        let acceptor = {
            let (shared, listener) = (Arc::clone(&self.shared), self.listener);
            thread::Builder::new()
                .name("sim-accept".into())
                .spawn(move || accept(&shared, &listener))
                .map_err(failed)?
        };
        step(&self.shared, &self.socket);
        // The acceptor looks up, also when nothing leads to its socket any more.
        let _ = rustix::net::shutdown(&door, rustix::net::Shutdown::Both);
        let _ = acceptor.join();
        let _ = fs::remove_file(&self.socket);
        Ok(())
    }
}

/// Plugs a board in and runs it until it is stopped by a message.
///
/// # Errors
/// See [`plug_in`].
pub fn run(dir: &Path, config: &SimConfig) -> Result<(), BoardError> {
    plug_in(dir, config)?.run()
}

/// Lets time pass until it is over: somebody said so, or nobody is connected and nobody can be, because the directory is
/// gone. A board that is only lost would stay for ever.
fn step(shared: &Shared, socket: &Path) {
    let mut next = Instant::now() + STEP;
    let mut look = next;
    loop {
        let mut inner = shared.lock();
        while !inner.stopped && Instant::now() < next {
            inner = shared.wait(inner, next);
        }
        if inner.stopped {
            return;
        }
        drop(inner);
        for _ in 0..MAX_CATCH_UP {
            if Instant::now() < next {
                break;
            }
            shared.advance(STEP);
            next += STEP;
        }
        next = next.max(Instant::now());
        if next > look {
            look = next + LOOK;
            if !socket.exists() && shared.is_alone() {
                shared.stop();
            }
        }
    }
}

fn accept(shared: &Arc<Shared>, listener: &UnixListener) {
    for stream in listener.incoming() {
        if shared.lock().stopped {
            return;
        }
        let Ok(mut stream) = stream else {
            // Out of descriptors, most likely: let some connections end.
            thread::sleep(STEP);
            continue;
        };
        let Some(id) = shared.enter(&stream, MAX_CONNECTIONS) else {
            let text = format!("{MAX_CONNECTIONS} connections are open already");
            // It fits the socket's buffer; whoever is gone does not need it.
            let _ = protocol::send(&mut stream, &Answer::Refused { why: Why::Busy, text });
            continue;
        };
        let served = Arc::clone(shared);
        let spawned = thread::Builder::new().name(format!("sim-conn-{id}")).stack_size(256 * 1024).spawn(move || {
            serve::serve(&served, stream);
            served.leave(id);
        });
        if spawned.is_err() {
            shared.leave(id);
        }
    }
}

/// The whole life of a board's process: `--dir DIR` and `--config JSON` (a [`SimConfig`]; without it the defaults).
/// Leaves its starter's session, ends on TERM, INT or a message.
///
/// Exit: 0 ended as told · 64 usage · 69 the directory is taken · 70 something failed · 78 configuration.
pub fn main(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let (dir, config) = match parse(args) {
        Ok(parsed) => parsed,
        Err((code, text)) => return fail(code, &text),
    };
    // Fails only for a session leader, which is what is wanted.
    let _ = rustix::process::setsid();
    let mut ends = SigSet::empty();
    ends.add(Signal::SIGTERM);
    ends.add(Signal::SIGINT);
    if let Err(error) = ends.thread_block() {
        return fail(70, &format!("cannot block signals: {error}"));
    }
    let running = match plug_in(&dir, &config) {
        Ok(running) => running,
        Err(error @ BoardError::Taken(_)) => return fail(69, &error.to_string()),
        Err(error @ BoardError::Config(_)) => return fail(78, &error.to_string()),
        Err(error @ (BoardError::PathTooLong(_) | BoardError::Io { .. })) => return fail(70, &error.to_string()),
    };
    let stopper = running.stopper();
    let watcher = thread::Builder::new().name("sim-signals".into()).spawn(move || {
        // An error means that the set is invalid; then only a message ends the board.
        if ends.wait().is_ok() {
            stopper.stop();
        }
    });
    if let Err(error) = watcher {
        return fail(70, &format!("cannot watch signals: {error}"));
    }
    match running.run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(70, &error.to_string()),
    }
}

fn parse(args: impl IntoIterator<Item = OsString>) -> Result<(PathBuf, SimConfig), (u8, String)> {
    let (mut dir, mut config) = (None, SimConfig::default());
    let mut args = args.into_iter();
    while let Some(arg) = args.next() {
        let value = args.next().ok_or_else(|| (64, format!("{} needs a value", arg.display())))?;
        match arg.to_str() {
            Some("--dir") => dir = Some(PathBuf::from(value)),
            Some("--config") => {
                config = serde_json::from_slice(value.as_encoded_bytes())
                    .map_err(|error| (78, format!("--config is no configuration of a simulated board: {error}")))?;
            }
            _ => return Err((64, format!("unknown argument {}", arg.display()))),
        }
    }
    dir.map(|dir| (dir, config)).ok_or_else(|| (64, "--dir is missing".to_owned()))
}

fn fail(code: u8, text: &str) -> ExitCode {
    // The log of a process that nobody watches; when it is gone too, the exit code remains.
    let _ = writeln!(io::stderr().lock(), "simulated board: {text}");
    ExitCode::from(code)
}
