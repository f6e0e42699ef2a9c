//! The built-in services as units of execution: tasks of the runtime, and the threads that drive hardware.

use std::{any::Any, collections::BTreeMap, path::PathBuf, sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, oneshot, watch},
    task::{AbortHandle, JoinError, JoinHandle},
};
use ubmc_core::{
    board::Board,
    ids::{Generation, ServiceId},
    input::{Exit, HardwareCommand, Input},
    services::Builtin,
    units::Duty,
};
use ubmc_platforms::{
    board::Resource,
    hardware::{
        Backend,
        runner::{NotTaken, Part, Pulse, Runner, Stop},
    },
};

use super::{Handle, Items, deeds, inventory};
use crate::{
    api::{self, Serving, simulation::Simulation, socket::Socket},
    configuration::Configuration,
    guardian::{self, Guard},
    journal::{
        Journal,
        keeper::{self, Bookmark},
    },
    memory::Keeper,
    process::Stream,
};

/// How long a task may take when it is not waited for: enough to answer the request that ends it.
const LAST_WORD: Duration = Duration::from_millis(100);

/// What the built-in services work with.
pub struct Tools {
    /// Every event.
    pub journal: Journal,
    /// How far the journal task has come.
    pub bookmark: Arc<Bookmark>,
    /// Keeps what outlives the daemon.
    pub memory: Arc<Keeper>,
    /// The files that a reload reads.
    pub configuration: Arc<Configuration>,
    /// Where the API listens.
    pub sockets: Vec<PathBuf>,
    /// Those that are claimed already, for the first start of the API.
    pub claimed: Vec<Socket>,
    /// Who owns which piece of hardware.
    pub resources: Arc<[Resource]>,
    /// The simulated board, where there is one.
    pub simulation: Option<Simulation>,
    /// The board and the way to its hardware. Absent: no service touches any.
    pub hardware: Option<(Arc<Board>, Arc<dyn Backend>)>,
    /// What guards the fans; beside it why there is no guardian yet. Absent: there is nothing to guard.
    pub guard: Option<(Arc<Guard>, Option<String>)>,
}

/// Starts and stops built-in services.
pub struct Builtins {
    tools: Tools,
    items: Items,
    handle: Handle,
    inlet: mpsc::Sender<Input>,
    parts: Option<Runner>,
    guard: Option<Arc<Guard>>,
    /// The fans keep their duties for so long when their driver ends. Absent: they are left at their fail-safe.
    hold: Option<Duration>,
    running: BTreeMap<ServiceId, (Generation, Unit)>,
}

/// What one life of a built-in service is.
enum Unit {
    /// A task of the runtime.
    Task {
        /// Becomes true when it should end.
        stop: watch::Sender<bool>,
        abort: AbortHandle,
    },
    /// Threads of the hardware runner.
    Part(Part),
}

impl Builtins {
    pub(super) fn new(mut tools: Tools, handle: Handle, inlet: mpsc::Sender<Input>) -> Self {
        let parts = tools.hardware.take().map(|(board, hardware)| {
            let inlet = inlet.clone();
            // Called by threads, which may wait for the loop. One that has ended does not want to know.
            let sink = move |input| drop(inlet.blocking_send(input));
            Runner::new(board, hardware, sink).pulsed(guardian::SILENCE)
        });
        let guard = tools.guard.take().map(|(guard, absent)| {
            let sink = inlet.clone();
            // Called by a thread, which may wait for the loop. One that has ended does not want to know.
            if let Err(error) = guard.keep(absent, move |news| drop(sink.blocking_send(Input::Guardian(news)))) {
                tracing::error!("no thread that looks after the guardian: {error}");
            }
            guard
        });
        Self { tools, items: Items::default(), handle, inlet, parts, guard, hold: None, running: BTreeMap::new() }
    }

    /// Whether there are fans, or a watchdog, that depend on the loop's turning.
    pub(super) fn must_pulse(&self) -> bool {
        self.guard.is_some()
    }

    /// The loop turns: the fans' driver and the guardian hear it.
    pub(super) fn pulse(&self) {
        let Some(parts) = &self.parts else { return };
        let percent = |duty: Option<Duty>| duty.map(Duty::percent);
        let driven = parts.pulse();
        let Some(guard) = &self.guard else { return };
        match driven {
            Pulse::Driven(duties) => guard.beat(Some(duties.into_iter().map(percent).collect())),
            Pulse::Undriven => guard.beat(None),
            // The guardian is to think that we hang: in what matters to it, we do.
            Pulse::Hangs => {}
        }
    }

    /// What becomes of the fans when their driver ends.
    pub(super) fn hold_fans(&mut self, hold: Option<Duration>) {
        let held = std::mem::replace(&mut self.hold, hold);
        if let (Some(_), None, Some(parts)) = (held, hold, &mut self.parts)
            && !parts.is_running(Part::Fans)
        {
            // They were left as they are, for nobody now: a new life of their driver ends as one should.
            if parts.start(Part::Fans, |_| {}).is_ok() {
                parts.stop(Part::Fans, Stop::Orderly);
            }
        }
    }

    /// The daemon leaves.
    pub(super) fn leave(&self) {
        if let Some(guard) = &self.guard {
            guard.release(self.hold.unwrap_or_default());
        }
    }

    /// Starts one. When this returns it can be relied on. The error is a sentence.
    pub(super) fn start(&mut self, service: ServiceId, generation: Generation, builtin: Builtin) -> Result<(), String> {
        let (stop, stopping) = watch::channel(false);
        let told = stopping.clone();
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
                return self.start_part(service, generation, builtin);
            }
        };
        self.running.insert(service, (generation, Unit::Task { stop, abort: task.abort_handle() }));
        let logs = self.handle.shared().logs.clone();
        self.report(service, generation, async move {
            let ended = task.await;
            let (exit, remark) = judge(ended, *told.borrow());
            if let Some(remark) = remark {
                logs.append(&builtin.as_str().into(), generation, Stream::Stderr, &remark);
            }
            exit
        });
        Ok(())
    }

    fn start_part(&mut self, service: ServiceId, generation: Generation, builtin: Builtin) -> Result<(), String> {
        let part = Part::of(builtin).ok_or_else(|| format!("nothing stands behind `{}`", builtin.as_str()))?;
        let parts = self.parts.as_mut().ok_or("this version cannot drive the hardware of a real board yet")?;
        let (ended, end) = oneshot::channel();
        parts.start(part, |exit| {
            // A shell that has gone does not want to know.
            let _ = ended.send(exit);
        })?;
        self.running.insert(service, (generation, Unit::Part(part)));
        // Threads that vanish without a word have been torn down by a panic.
        self.report(service, generation, async { end.await.unwrap_or(Exit::Panic) });
        Ok(())
    }

    /// Tells the core of a life's end when it comes.
    fn report(&self, service: ServiceId, generation: Generation, end: impl Future<Output = Exit> + Send + 'static) {
        let inlet = self.inlet.clone();
        tokio::spawn(async move {
            for input in deeds::ended(service, generation, end.await) {
                // A loop that has ended does not want to know.
                let _ = inlet.send(input).await;
            }
        });
    }

    fn serve(&mut self, stopping: watch::Receiver<bool>) -> Result<JoinHandle<()>, String> {
        let mut sockets = std::mem::take(&mut self.tools.claimed);
        if sockets.is_empty() {
            let claims = self.tools.sockets.iter().map(|path| Socket::claim(path));
            sockets = claims.collect::<Result<_, _>>().map_err(|error| error.to_string())?;
        }
        let listeners = sockets.iter().map(Socket::listener).collect::<Result<_, _>>();
        let serving = Serving {
            handle: self.handle.clone(),
            items: self.items.clone(),
            resources: Arc::clone(&self.tools.resources),
            simulation: self.tools.simulation.clone(),
            configuration: Arc::clone(&self.tools.configuration),
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
        // A life that is over already, or not the newest, has said so or will.
        let Some((_, unit)) = self.running.get(&service).filter(|(newest, _)| *newest == generation) else { return };
        match unit {
            Unit::Task { stop, abort } => {
                // One that has ended already does not hear it.
                let _ = stop.send(true);
                if now {
                    let abort = abort.clone();
                    tokio::spawn(async move {
                        tokio::time::sleep(LAST_WORD).await;
                        abort.abort();
                    });
                }
            }
            Unit::Part(part) => {
                let how = match (part, self.hold) {
                    _ if now => Stop::Now,
                    (Part::Fans, Some(hold)) => {
                        // The guardian must know before it misses them.
                        if let Some(guard) = &self.guard {
                            guard.release(hold);
                        }
                        Stop::HandOver
                    }
                    (Part::Fans | Part::Sampler | Part::Lines | Part::Watcher | Part::Leds, _) => Stop::Orderly,
                };
                if let Some(parts) = &mut self.parts {
                    parts.stop(*part, how);
                }
            }
        }
    }

    /// Hands a command to the part that drives this hardware. One that it does not take is given back.
    pub(super) fn command(&self, command: HardwareCommand) -> Result<(), NotTaken> {
        match &self.parts {
            Some(parts) => parts.command(command),
            None => Err(NotTaken {
                command,
                reason: "this version cannot drive the hardware of a real board yet".to_owned(),
            }),
        }
    }
}

/// What the end of a task means, and what to remark in its log. `told`: it was told to end.
fn judge(ended: Result<(), JoinError>, told: bool) -> (Exit, Option<String>) {
    match ended.map_err(JoinError::try_into_panic) {
        Ok(()) if told => (Exit::Code(0), None),
        // Nobody asked for it, so it is no success, whatever the reason was.
        Ok(()) => (Exit::Panic, Some("ended though nobody told it to".to_owned())),
        Err(Ok(panic)) => (Exit::Panic, Some(format!("panicked: {}", panic_text(&*panic)))),
        // Cancelled: we were told not to wait for its end.
        Err(Err(_)) => (Exit::Code(0), None),
    }
}

/// What a panic said.
fn panic_text(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("without a word")
}

/// Runs `task` until it ends or is told to.
async fn until(mut stopping: watch::Receiver<bool>, task: impl Future<Output = ()>) {
    tokio::select! {
        () = task => {}
        // A shell that has gone wants the end as well.
        _ = stopping.wait_for(|stopping| *stopping) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_an_end_that_was_asked_for_is_a_success() {
        let panicking: JoinHandle<()> = tokio::spawn(async { panic!("out of {}", "luck") });
        let aborted: JoinHandle<()> = tokio::spawn(std::future::pending());
        aborted.abort();
        let quiet = || tokio::spawn(async {});
        for (task, told, exit, remark) in [
            (quiet(), true, Exit::Code(0), None),
            (quiet(), false, Exit::Panic, Some("ended though nobody told it to")),
            (panicking, false, Exit::Panic, Some("panicked: out of luck")),
            (aborted, true, Exit::Code(0), None),
        ] {
            assert_eq!(judge(task.await, told), (exit, remark.map(str::to_owned)));
        }
    }
}
