//! Plugging a board in, as a process that does not depend on who started it, and out again.

use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process};

use super::{
    super::{
        SimConfig,
        process::{BoardError, lock, socket_path},
    },
    ClientError, SimClient,
};

/// Between two looks.
const LOOK: Duration = Duration::from_millis(10);
/// How long a board may take to end after each way of asking.
const PATIENCE: Duration = Duration::from_secs(1);

/// How to plug a board in.
#[derive(Clone, Debug)]
pub struct Launch {
    /// Where its files go; made when needed.
    pub dir: PathBuf,
    /// What it is made of.
    pub config: SimConfig,
    /// Program and first arguments of its process; `--dir` and `--config` are added, see [`super::super::process::main`].
    pub command: Vec<OsString>,
    /// How long until it must answer.
    pub timeout: Duration,
}

/// A board that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Launched {
    /// It was there already.
    Found {
        /// Its process.
        pid: u32,
    },
    /// It was started.
    Started {
        /// Its process, a child of this one that is reaped by a thread.
        pid: u32,
    },
    /// One with another configuration was there; it was unplugged and this one started.
    Replaced {
        /// Its process, a child of this one that is reaped by a thread.
        pid: u32,
    },
}

impl Launched {
    /// Its process.
    pub const fn pid(self) -> u32 {
        match self {
            Self::Found { pid } | Self::Started { pid } | Self::Replaced { pid } => pid,
        }
    }
}

/// Sees to it that the board runs and answers. One that runs with the same configuration is left alone.
///
/// # Errors
/// It does not come up in time, or its predecessor does not end.
pub fn ensure(launch: &Launch) -> Result<Launched, ClientError> {
    let deadline = Instant::now() + launch.timeout;
    let mut client = SimClient::new(&launch.dir);
    let replaces = match client.identify() {
        Ok(identity) if identity.config == launch.config => return Ok(Launched::Found { pid: identity.pid }),
        Err(ClientError::NotRunning(_)) => false,
        // Another configuration, another version, or one that hangs.
        Ok(_) | Err(ClientError::Refused { .. } | ClientError::Timeout(_) | ClientError::Broken(_)) => true,
        Err(error @ (ClientError::Board(_) | ClientError::Start(_) | ClientError::Stubborn(_))) => return Err(error),
    };
    if replaces {
        unplug(&launch.dir)?;
    }
    let mut child = spawn(launch)?;
    loop {
        match client.identify() {
            Ok(identity) if identity.config == launch.config => {
                let pid = identity.pid;
                reap(child)?;
                return Ok(if replaces { Launched::Replaced { pid } } else { Launched::Started { pid } });
            }
            Ok(_) => return Err(ClientError::Start("somebody else started another one at the same moment".into())),
            Err(_) => {}
        }
        let ended = child.try_wait().map_err(|error| ClientError::Start(error.to_string()))?;
        if let Some(status) = ended
            // When somebody else was faster, theirs is the one to wait for.
            && status.code() != Some(69)
        {
            let log = fs::read_to_string(launch.dir.join("board.log")).unwrap_or_default();
            let last = log.lines().last().unwrap_or("it wrote nothing").to_owned();
            return Err(ClientError::Start(format!("its process ended ({status}): {last}")));
        }
        if Instant::now() >= deadline {
            // Nobody else is going to look after it.
            let _ = child.kill();
            let _ = child.wait();
            return Err(ClientError::Start(format!("it does not answer after {} ms", launch.timeout.as_millis())));
        }
        thread::sleep(LOOK);
    }
}

fn spawn(launch: &Launch) -> Result<Child, ClientError> {
    let failed = |what, path: &Path| {
        let path = path.to_owned();
        move |error| ClientError::Board(BoardError::Io { what, path, error })
    };
    let (program, arguments) =
        launch.command.split_first().ok_or_else(|| ClientError::Start("no command was given".into()))?;
    socket_path(&launch.dir)?;
    fs::create_dir_all(&launch.dir).map_err(failed("make", &launch.dir))?;
    let dir = launch.dir.canonicalize().map_err(failed("find", &launch.dir))?;
    let config = serde_json::to_string(&launch.config).map_err(|error| ClientError::Start(error.to_string()))?;
    let log = dir.join("board.log");
    let output = OpenOptions::new().create(true).append(true).open(&log).map_err(failed("open", &log))?;
    let errors = output.try_clone().map_err(failed("open", &log))?;
    let mut command = Command::new(program);
    command.args(arguments).arg("--dir").arg(&dir).arg("--config").arg(config);
    // It must hold neither a directory nor a terminal of its starter, nor speak in its name.
    command.current_dir("/").stdin(Stdio::null()).stdout(output).stderr(errors);
    for variable in ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID"] {
        command.env_remove(variable);
    }
    command.spawn().map_err(|error| ClientError::Start(format!("{}: {error}", program.display())))
}

/// Takes note of its end, whenever that is: it may well be after ours.
fn reap(mut child: Child) -> Result<(), ClientError> {
    thread::Builder::new()
        .name("sim-reaper".into())
        .stack_size(64 * 1024)
        .spawn(move || drop(child.wait()))
        .map(drop)
        .map_err(|error| ClientError::Start(format!("no thread for it: {error}")))
}

/// Ends the board and waits until it is gone: asks, then TERM, then KILL. Nothing to do when none runs.
///
/// # Errors
/// It cannot be told who it is, or it survives even KILL.
pub fn unplug(dir: &Path) -> Result<(), ClientError> {
    let failed =
        |error: io::Error| ClientError::Board(BoardError::Io { what: "look at", path: lock::path(dir), error });
    let ways: [&dyn Fn(Pid); 3] = [
        &|_| {
            // When it does not listen, the next way is tried.
            let _ = SimClient::new(dir).with_timeout(PATIENCE).stop();
        },
        // When it is gone already, that is seen below.
        &|pid| kill_process(pid, Signal::TERM).unwrap_or_default(),
        &|pid| kill_process(pid, Signal::KILL).unwrap_or_default(),
    ];
    for way in ways {
        let Some(pid) = lock::holder(dir).map_err(failed)? else { return Ok(()) };
        if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
            way(pid);
        }
        let patience = Instant::now() + PATIENCE;
        while Instant::now() < patience {
            if lock::holder(dir).map_err(failed)?.is_none() {
                return Ok(());
            }
            thread::sleep(LOOK);
        }
    }
    match lock::holder(dir).map_err(failed)? {
        Some(pid) => Err(ClientError::Stubborn(pid)),
        None => Ok(()),
    }
}
