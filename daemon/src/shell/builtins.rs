//! The built-in services as units of execution: tasks of the runtime, and the threads that drive hardware.

use std::{collections::BTreeMap, path::PathBuf, sync::Arc};

use tokio::{
    sync::{mpsc, watch},
    task::AbortHandle,
};
use ubmc_core::{
    ids::{Generation, ServiceId},
    input::{Exit, HardwareCommand, Input},
    services::Builtin,
};

use super::{Handle, Items, deeds, inventory};
use crate::{
    api::{self, Serving, simulation::Simulation, socket::Socket},
    journal::{
        Journal,
        keeper::{self, Bookmark},
    },
};

/// What the built-in services work with.
#[derive(Debug)]
pub struct Tools {
    /// Every event.
    pub journal: Journal,
    /// How far the journal task has come.
    pub bookmark: Arc<Bookmark>,
    /// Where the API listens.
    pub sockets: Vec<PathBuf>,
    /// Those that are claimed already, for the first start of the API.
    pub claimed: Vec<Socket>,
    /// The simulated board, where there is one.
    pub simulation: Option<Simulation>,
}

/// Starts and stops built-in services.
#[derive(Debug)]
pub struct Builtins {
    tools: Tools,
    items: Items,
    handle: Handle,
    inlet: mpsc::Sender<Input>,
    tasks: BTreeMap<ServiceId, Task>,
}

/// One life of a task.
#[derive(Debug)]
struct Task {
    generation: Generation,
    /// Becomes true when it should end.
    stop: watch::Sender<bool>,
    abort: AbortHandle,
}

impl Builtins {
    pub(super) fn new(tools: Tools, handle: Handle, inlet: mpsc::Sender<Input>) -> Self {
        Self { tools, items: Items::default(), handle, inlet, tasks: BTreeMap::new() }
    }

    /// Starts one. When this returns it can be relied on. The error is a sentence.
    pub(super) fn start(&mut self, service: ServiceId, generation: Generation, builtin: Builtin) -> Result<(), String> {
        let (stop, stopping) = watch::channel(false);
        let task = match builtin {
            Builtin::Journal => {
                let (journal, bookmark) = (self.tools.journal.clone(), Arc::clone(&self.tools.bookmark));
                tokio::spawn(until(stopping, async move { keeper::keep(journal, &bookmark).await }))
            }
            Builtin::Inventory => {
                tokio::spawn(until(stopping, inventory::keep(self.handle.clone(), self.items.clone())))
            }
            Builtin::Api => self.serve(stopping)?,
            Builtin::Sensormon | Builtin::Thermalmgr | Builtin::Powermgr | Builtin::Statemgr | Builtin::Ledmgr => {
                tokio::spawn(until(stopping, std::future::pending()))
            }
        };
        self.tasks.insert(service, Task { generation, stop, abort: task.abort_handle() });
        let inlet = self.inlet.clone();
        tokio::spawn(async move {
            let exit = match task.await {
                Err(error) if error.is_panic() => Exit::Panic,
                // Cancelled means that we were told not to wait for its end.
                Ok(()) | Err(_) => Exit::Code(0),
            };
            for input in deeds::ended(service, generation, exit) {
                // A loop that has ended does not want to know.
                let _ = inlet.send(input).await;
            }
        });
        Ok(())
    }

    fn serve(&mut self, stopping: watch::Receiver<bool>) -> Result<tokio::task::JoinHandle<()>, String> {
        let mut sockets = std::mem::take(&mut self.tools.claimed);
        if sockets.is_empty() {
            let claims = self.tools.sockets.iter().map(|path| Socket::claim(path));
            sockets = claims.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        }
        let listeners = sockets.iter().map(Socket::listener).collect::<Result<_, _>>();
        let serving = Serving {
            handle: self.handle.clone(),
            items: self.items.clone(),
            simulation: self.tools.simulation.clone(),
            listeners: listeners.map_err(|error| format!("the sockets cannot be used: {error}"))?,
            stopping,
        };
        Ok(tokio::spawn(async move {
            // Held until serving ends, however it ends: without their files nobody tries to connect.
            let _sockets = sockets;
            api::serve(serving).await;
        }))
    }

    /// Tells one to end, or ends it (`now`).
    pub(super) fn stop(&mut self, service: ServiceId, generation: Generation, now: bool) {
        let Some(task) = self.tasks.get(&service).filter(|task| task.generation == generation) else { return };
        if now {
            task.abort.abort();
        } else {
            // One that has ended already has said so.
            let _ = task.stop.send(true);
        }
    }

    /// Hands a command to the task that drives this hardware.
    pub(super) fn command(&mut self, command: HardwareCommand) {
        let _ = command;
    }
}

/// Runs `task` until it ends or is told to.
async fn until(mut stopping: watch::Receiver<bool>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        // A shell that has gone wants the end as well.
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}
