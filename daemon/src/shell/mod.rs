//! The shell around the core: it turns the world into inputs and effects into deeds, and decides nothing.
//!
//! One task owns the core and everything that deeds are done with. It takes one input at a time, does what follows from
//! it, tells whoever watches, and sleeps until the next input or the core's next deadline; with neither it does not
//! wake.
//!
//! ```text
//!  processes, hardware, checks ──inputs──▶ ┌──────────┐ ──deeds──▶ processes, hardware, built-in tasks
//!  clients, signals ──calls (Handle)─────▶ │ the loop │ ──events─▶ journal
//!  deadlines ────────────────────────────▶ └──────────┘ ──changes─▶ hub ──▶ watchers
//! ```
//!
//! - [`clock`]: the daemon's clocks;
//! - [`handle`]: how others ask and look;
//! - [`topic`], [`hub`]: who is told of what;
//! - [`deeds`]: each effect, done;
//! - [`builtins`]: the built-in tasks, started and stopped like any service;
//! - [`preflight`]: what the machine says against starting services;
//! - [`supervisor`]: signals to us, and what we tell the one that supervises us.

mod builtins;
mod clock;
mod deeds;
mod handle;
mod hub;
mod inventory;
mod preflight;
pub mod supervisor;
mod topic;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
    time::{Duration, SystemTime},
};

pub use builtins::{Builtins, Tools};
pub use clock::{Clock, unix_seconds};
pub use handle::{Gone, Handle, NotDone, Shared, Sight};
pub use hub::{Hub, ServiceNews};
pub use inventory::Items;
pub use preflight::Surveyor;
use tokio::{
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until},
};
pub use topic::{Subscription, Topic};
use ubmc_core::{
    board::Ending,
    core::Core,
    effect::{Changed, Effects, Reply},
    guarding::Guardian,
    ids::RequestId,
    input::{Asked, Input, ServiceHappening},
    refusal::Refusal,
};

use self::handle::Call;
use crate::{api::to_wire::Moment, guardian, health::Prober, memory::Keeper, process::Processes};

/// Inputs that may wait for the loop; whoever has more waits.
pub const INPUTS: usize = 1024;
/// Checks that run at the same time; more wait for their turn.
const CHECKS: usize = 32;
/// How long inputs are handled before whoever shares this thread gets a turn: clients, checks, built-in tasks.
const TURN: Duration = Duration::from_millis(2);
/// Between measurements of what services use, while somebody watches; who only asks gets no newer one either. While
/// nobody looks nothing is measured.
const MEASURE: Duration = Duration::from_secs(2);
/// What was measured longer ago says nothing about now.
const FRESH: Duration = Duration::from_secs(10);

/// The loop, with all that it owns.
pub struct Shell {
    core: Core,
    processes: Processes,
    prober: Prober,
    builtins: Builtins,
    hub: Hub,
    memory: Arc<Keeper>,
    shared: Arc<Shared>,
    /// What comes from elsewhere.
    inputs: mpsc::Receiver<Input>,
    /// For those who bring inputs.
    inlet: mpsc::Sender<Input>,
    calls: mpsc::Receiver<Call>,
    /// What deeds led to at once: handled before anything else.
    pending: VecDeque<Input>,
    replies: BTreeMap<RequestId, oneshot::Sender<Result<Reply, Refusal>>>,
    next_request: u64,
    /// When the last measurement was complete.
    measured: Option<Instant>,
    /// Who waits for the next one to be.
    awaiting_usage: Vec<oneshot::Sender<()>>,
    /// When the loop last showed that it turns. Absent: nobody needs that.
    pulsed: Option<Instant>,
    /// The core has said that the daemon may end.
    /// It ends, and how.
    over: Option<Ending>,
}

/// What wakes the loop.
enum Wake {
    Deadline,
    Input(Input),
    Call(Call),
    Measure,
    Pulse,
}

impl Shell {
    /// A loop over `core`, and the way to it. `inlet` and `inputs` are the two ends of the channel that `tools` feed.
    pub fn new(
        core: Core,
        processes: Processes,
        tools: Tools,
        shared: Arc<Shared>,
        (inlet, inputs): (mpsc::Sender<Input>, mpsc::Receiver<Input>),
    ) -> (Self, Handle) {
        let (handle, calls) = Handle::new(Arc::clone(&shared));
        let shell = Self {
            prober: Prober::new(processes.commands(), CHECKS),
            memory: Arc::clone(&tools.memory),
            builtins: Builtins::new(tools, handle.clone(), inlet.clone()),
            core,
            processes,
            hub: Hub::default(),
            shared,
            inputs,
            inlet,
            calls,
            pending: VecDeque::new(),
            replies: BTreeMap::new(),
            next_request: 0,
            measured: None,
            awaiting_usage: Vec::new(),
            pulsed: None,
            over: None,
        };
        (shell, handle)
    }

    /// Brings the services up and runs until the core says that the daemon may end, and what then.
    pub async fn run(&mut self) -> Ending {
        self.pulsed = self.builtins.must_pulse().then(Instant::now);
        tokio::spawn(clock::watch_wall(self.inlet.clone()));
        let effects = self.core.start(self.shared.clock.now());
        self.follow(effects);
        let mut busy = Duration::ZERO;
        let then = loop {
            if let Some(then) = self.over.take() {
                break then;
            }
            let wake = self.wake().await;
            let begun = Instant::now();
            match wake {
                Wake::Deadline => self.feed(Input::Tick),
                Wake::Input(input) => self.feed(input),
                Wake::Call(call) => self.answer(call),
                Wake::Measure => self.measure(),
                Wake::Pulse => self.pulse(),
            }
            busy += begun.elapsed();
            if busy >= TURN {
                // An endless supply of ready inputs must not starve the tasks that share this thread.
                busy = Duration::ZERO;
                tokio::task::yield_now().await;
            }
        };
        self.builtins.leave();
        self.processes.end_in_order();
        then
    }

    async fn wake(&mut self) -> Wake {
        let deadline = self.core.next_deadline().map(|deadline| self.shared.clock.instant(deadline));
        if deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            // Without this the timer's millisecond would be added to every delay of zero.
            return Wake::Deadline;
        }
        let measure_at = self.measure_at();
        let pulse_at = self.pulsed.map(|pulsed| pulsed + guardian::BEAT);
        tokio::select! {
            (service, generation, happening) = self.processes.next() => {
                Wake::Input(Input::Service { service, generation, happening })
            }
            // Neither channel ends: this loop holds a sender of each.
            Some(input) = self.inputs.recv() => Wake::Input(input),
            Some(call) = self.calls.recv() => Wake::Call(call),
            () = sleep_until(deadline.unwrap_or_else(Instant::now)), if deadline.is_some() => Wake::Deadline,
            () = sleep_until(measure_at.unwrap_or_else(Instant::now)), if measure_at.is_some() => Wake::Measure,
            () = sleep_until(pulse_at.unwrap_or_else(Instant::now)), if pulse_at.is_some() => Wake::Pulse,
        }
    }

    /// Handles an input with all that follows from it at once.
    fn feed(&mut self, input: Input) {
        let effects = self.core.handle(self.shared.clock.now(), input);
        self.follow(effects);
    }

    fn follow(&mut self, effects: Effects) {
        let mut changed = Changed::default();
        let mut eventful = false;
        self.carry_out(effects, &mut changed, &mut eventful);
        while let Some(input) = self.pending.pop_front() {
            let effects = self.core.handle(self.shared.clock.now(), input);
            self.carry_out(effects, &mut changed, &mut eventful);
        }
        let moment = self.moment();
        self.hub.publish(&self.core, &changed, eventful, &self.shared.logs, moment);
    }

    fn carry_out(&mut self, effects: Effects, changed: &mut Changed, eventful: &mut bool) {
        *eventful |= !effects.events.is_empty();
        self.shared.journal.append(&effects.events, SystemTime::now());
        merge(changed, effects.changed);
        for deed in effects.deeds {
            self.perform(deed);
        }
    }

    fn answer(&mut self, call: Call) {
        match call {
            Call::Ask { actor, reason, request, reply } => {
                let id = RequestId(self.next_request);
                self.next_request += 1;
                self.replies.insert(id, reply);
                self.feed(Input::Asked(Asked { id, actor, reason, request }));
                if self.replies.remove(&id).is_some() {
                    tracing::error!("the core left a request unanswered");
                }
            }
            Call::Look(look) => {
                self.forget_old_measurements();
                let moment = self.moment();
                look(&mut Sight { core: &self.core, moment, hub: &mut self.hub, shared: &self.shared });
            }
            Call::Measure { done } => {
                if self.measured.is_some_and(|measured| measured.elapsed() < MEASURE) {
                    // Who has gone does not want to know.
                    let _ = done.send(());
                } else {
                    self.awaiting_usage.push(done);
                }
            }
        }
    }

    /// None: nobody wants to know.
    fn measure_at(&self) -> Option<Instant> {
        let begin = || self.measured.map_or_else(Instant::now, |measured| measured + MEASURE);
        match (self.processes.is_measuring() || !self.awaiting_usage.is_empty(), self.hub.services.is_watched()) {
            (true, _) => Some(Instant::now()),
            (false, watched) => watched.then(begin),
        }
    }

    /// What was measured long ago is not shown, and what is measured next is told to everybody, changed or not.
    fn forget_old_measurements(&mut self) {
        let old = self.measured.is_some_and(|measured| measured.elapsed() >= FRESH);
        if old && !self.processes.is_measuring() {
            self.measured = None;
            self.feed(Input::UsageOutdated);
        }
    }

    /// A part of the services at a time; the rest follows between other inputs.
    fn measure(&mut self) {
        self.forget_old_measurements();
        for (service, generation, usage) in self.processes.measure() {
            self.pending.push_back(Input::Usage { service, generation, usage });
        }
        self.follow(Effects::default());
        if !self.processes.is_measuring() {
            self.measured = Some(Instant::now());
            for done in self.awaiting_usage.drain(..) {
                // Who has gone does not want to know.
                let _ = done.send(());
            }
        }
    }

    /// Shows that the loop turns.
    fn pulse(&mut self) {
        let now = Instant::now();
        let still = self.pulsed.replace(now).map(|before| now - before).unwrap_or_default();
        self.builtins.pulse();
        if still >= guardian::SILENCE {
            self.feed(Input::Guardian(Guardian::StoodStill(still)));
        }
    }

    fn moment(&self) -> Moment {
        Moment { mono: self.shared.clock.now(), wall: SystemTime::now() }
    }

    /// What followed from a deed at once.
    fn happened(
        &mut self,
        service: ubmc_core::ids::ServiceId,
        generation: ubmc_core::ids::Generation,
        happening: ServiceHappening,
    ) {
        self.pending.push_back(Input::Service { service, generation, happening });
    }
}

fn merge(into: &mut Changed, from: Changed) {
    let Changed { services, machines, operations, sensors, zones, fans, system } = from;
    into.services.extend(services);
    into.machines.extend(machines);
    into.operations.extend(operations);
    into.sensors.extend(sensors);
    into.zones.extend(zones);
    into.fans.extend(fans);
    into.system |= system;
}
