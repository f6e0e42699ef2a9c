//! The one place where processes are made, for services and for commands alike.

use std::{
    collections::{BTreeSet, HashMap},
    io,
    os::fd::OwnedFd,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use rustix::pipe::{PipeFlags, pipe_with};
use tokio::sync::oneshot;
use ubmc_core::{
    input::{Exit, SpawnError},
    services::Binary,
};

use super::{
    failure,
    launch::{Failure, Launched, Launcher, Wiring},
    mark::{Marker, Serial},
    recipe::{Recipe, Surroundings},
};

/// Shared between [`super::Processes`] and [`super::Commands`].
///
/// Whoever reaps holds the lock from before the wait to after the table is right, and whoever starts or kills a command
/// holds it too: so a pid found in a table is that of a process that has not been reaped.
#[derive(Clone, Debug)]
pub(super) struct SharedSpawner(Arc<Mutex<Spawner>>);

#[derive(Debug)]
pub(super) struct Spawner {
    pub(super) launcher: Launcher,
    pub(super) marker: Marker,
    pub(super) surroundings: Surroundings,
    /// Serials that something may still carry.
    serials: BTreeSet<Serial>,
    /// Commands that run, by pid.
    pub(super) commands: HashMap<u32, RunningCommand>,
}

/// A command that runs.
#[derive(Debug)]
pub(super) struct RunningCommand {
    pub(super) serial: Serial,
    /// Who waits for it.
    pub(super) ended: oneshot::Sender<Exit>,
}

/// How a process's two streams reach us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Streams {
    /// Each by a pipe of its own, so that lines are known apart.
    Apart,
    /// By one pipe, so that their order is kept.
    Together,
}

/// The daemon's ends of a process's pipes.
#[derive(Debug)]
pub(super) struct Ends {
    pub(super) stdout: OwnedFd,
    /// Absent: both come by the other.
    pub(super) stderr: Option<OwnedFd>,
    pub(super) ready: Option<OwnedFd>,
}

impl SharedSpawner {
    pub(super) fn new(surroundings: Surroundings) -> io::Result<Self> {
        let spawner = Spawner {
            launcher: Launcher::new()?,
            marker: Marker::new(),
            surroundings,
            serials: BTreeSet::new(),
            commands: HashMap::new(),
        };
        Ok(Self(Arc::new(Mutex::new(spawner))))
    }

    /// A poisoned lock is as good as any: the tables are changed in single steps.
    pub(super) fn lock(&self) -> MutexGuard<'_, Spawner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Spawner {
    pub(super) fn new_serial(&mut self) -> Serial {
        let serial = self.marker.next(|serial| self.serials.contains(&serial));
        self.serials.insert(serial);
        serial
    }

    /// Nothing carries it any more.
    pub(super) fn free_serial(&mut self, serial: Serial) {
        self.serials.remove(&serial);
    }

    /// Makes pipes and starts the process.
    pub(super) fn start(
        &mut self,
        recipe: &Recipe,
        binary: &Binary,
        serial: Serial,
        streams: Streams,
        cgroup: Option<&OwnedFd>,
    ) -> Result<(Launched, Ends), SpawnError> {
        let mark = self.marker.mark(serial);
        let started = wires(streams, recipe.ready_fd.is_some())
            .map_err(|error| Failure::prepare(&error))
            .and_then(|(wiring, ends)| Ok((self.launcher.launch(recipe, mark, wiring, cgroup)?, ends)));
        started.map_err(|failure| failure::describe(failure, recipe, binary))
    }
}

fn wires(streams: Streams, ready: bool) -> io::Result<(Wiring, Ends)> {
    let (stdout, stdout_end) = pipe()?;
    let (stderr, stderr_end) = match streams {
        Streams::Apart => pipe().map(|(reader, writer)| (Some(reader), writer))?,
        Streams::Together => (None, stdout_end.try_clone()?),
    };
    let (ready_end, ready) = if ready {
        let (reader, writer) = pipe()?;
        (Some(writer), Some(reader))
    } else {
        (None, None)
    };
    let wiring = Wiring { stdout: stdout_end, stderr: stderr_end, ready: ready_end };
    Ok((wiring, Ends { stdout, stderr, ready }))
}

/// Only the daemon's end does not block: the other belongs to a program that may not expect it.
fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&reader, true)?;
    Ok((reader, writer))
}
