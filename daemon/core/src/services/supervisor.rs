//! The supervisor: all services, and how a change of one reaches the others.
//!
//! Propagation is in two phases. First wants: who is wanted up follows from goals along the dependencies. Then steps:
//! every service that a change may concern is looked at once, takes its next step, and marks those that its own change
//! concerns, until nothing moves. Deadlines are in [`Timers`](crate::timers::Timers), one for each service's state.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Builtin, Deployment, Group, ServiceSpec,
    boot::BootBook,
    epochs::Epochs,
    graph::{Graph, GraphError},
    unit::{FailReason, Gate, Goal, State, Step, StopPhase, Unit, next_step},
};
use crate::{
    board::Ending,
    event::{Field, Severity},
    ids::{Generation, Name, ServiceId},
    memory::EpochMemory,
    outbox::Outbox,
    rng::Rng,
    time::Mono,
    timers::Timer,
    view::Desired,
};

/// What the platform as a whole is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Groups come up one after the other.
    Booting,
    /// Groups are complete, or their time was up.
    Up,
    /// Everything goes down.
    Stopping {
        /// Since when.
        since: Mono,
        /// Without graceful time-outs.
        emergency: bool,
    },
    /// Everything is down.
    Ended,
}

impl Phase {
    /// Nothing is begun any more.
    pub const fn is_stopping(self) -> bool {
        matches!(self, Self::Stopping { .. } | Self::Ended)
    }
}

/// All services.
#[derive(Clone, Debug)]
pub struct Supervisor {
    pub(super) units: Vec<Unit>,
    pub(super) names: BTreeMap<Name, ServiceId>,
    pub(super) graph: Graph,
    pub(super) rng: Rng,
    pub(super) phase: Phase,
    /// Members of each group that keep it from being complete.
    pub(super) unsettled: BTreeMap<Group, usize>,
    /// Living members of each group without lifelines: what stopping waits for.
    pub(super) alive: BTreeMap<Group, usize>,
    /// Those of them that protect hardware.
    pub(super) protectors_alive: usize,
    /// Living lifelines.
    pub(super) lifelines_alive: usize,
    /// Services to look at again, by rank: what comes first in start order is looked at first.
    pub(super) dirty: BTreeSet<usize>,
    /// Services whose failure has put the platform into failsafe mode, and since when.
    pub(super) failsafe: BTreeMap<ServiceId, Mono>,
    /// Services for whose failure a reboot of the BMC is asked, and since when.
    pub(super) reboot_asked: BTreeMap<ServiceId, Mono>,
    /// What comes after the shutdown that is under way.
    pub(super) then: Ending,
    next_generation: u64,
    /// The service of each built-in task that was ever declared.
    tasks: BTreeMap<Builtin, ServiceId>,
    pub(super) epochs: Epochs,
    pub(super) boot_book: BootBook,
    /// A service that nobody declares any more has ended: the table is to be put in order.
    pub(super) unswept: bool,
}

impl Supervisor {
    /// All stopped, none wanted. `before`: the boot id of the BMC, and what is remembered.
    pub fn new(specs: Vec<ServiceSpec>, before: (String, EpochMemory), rng: Rng) -> Result<Self, Vec<GraphError>> {
        let (bmc_boot, memory) = before;
        let graph = Graph::build(&specs)?;
        let names = specs.iter().enumerate().map(|(index, spec)| (spec.name.clone(), ServiceId::new(index))).collect();
        let zero = || Group::ALL.into_iter().map(|group| (group, 0)).collect();
        let mut supervisor = Self {
            units: specs.into_iter().map(Unit::new).collect(),
            names,
            graph,
            rng,
            phase: Phase::Booting,
            unsettled: zero(),
            alive: zero(),
            protectors_alive: 0,
            lifelines_alive: 0,
            dirty: BTreeSet::new(),
            failsafe: BTreeMap::new(),
            reboot_asked: BTreeMap::new(),
            then: Ending::Over,
            next_generation: 1,
            tasks: BTreeMap::new(),
            epochs: Epochs::after(bmc_boot, memory),
            boot_book: BootBook::default(),
            unswept: false,
        };
        supervisor.note_tasks();
        Ok(supervisor)
    }

    /// The service of that name.
    pub fn find(&self, name: &str) -> Option<ServiceId> {
        self.names.get(name).copied().filter(|id| self.is_listed(*id))
    }

    /// It is declared, or runs to its end. What is not is kept for its name only, so that numbers stay unique.
    pub fn is_listed(&self, id: ServiceId) -> bool {
        self.graph.rank(id).is_some()
    }

    pub(super) fn known_names(&self) -> impl Iterator<Item = &Name> {
        self.names.iter().filter(|(_, id)| self.is_listed(**id)).map(|(name, _)| name)
    }

    /// The service.
    pub fn unit(&self, id: ServiceId) -> &Unit {
        &self.units[id.index()]
    }

    /// Who needs whom.
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What the platform is doing.
    pub const fn phase(&self) -> Phase {
        self.phase
    }

    /// Every id, in start order.
    pub fn ids(&self) -> impl DoubleEndedIterator<Item = ServiceId> + use<> {
        self.graph.order().to_vec().into_iter()
    }

    /// Every service that is listed.
    pub(super) fn listed(&self) -> impl Iterator<Item = &Unit> {
        self.graph.order().iter().map(|id| self.unit(*id))
    }

    /// The service whose failure holds the platform in failsafe mode. None: it is not in it.
    pub fn failsafe(&self) -> Option<&Name> {
        self.failsafe.keys().next().map(|id| &self.unit(*id).spec.name)
    }

    /// A built-in task is up, whatever its service is called. A board that never declared it never loses it; one that
    /// is not declared any more is down.
    pub fn is_up(&self, builtin: Builtin) -> bool {
        self.tasks.get(&builtin).is_none_or(|id| {
            let unit = self.unit(*id);
            // One that waits for others before it stops works on until then.
            let works =
                matches!(unit.state, State::Running | State::Stopping { phase: StopPhase::Holding, exited: false, .. });
            works && unit.spec.deployment == Deployment::Builtin(builtin)
        })
    }

    /// What the service of a built-in task is called, or was last.
    pub fn name_of(&self, builtin: Builtin) -> &str {
        self.tasks.get(&builtin).map_or(builtin.as_str(), |id| self.unit(*id).spec.name.as_str())
    }

    /// Which service is which task; what was one is remembered.
    pub(super) fn note_tasks(&mut self) {
        for id in self.ids() {
            if let Deployment::Builtin(builtin) = self.unit(id).spec.deployment {
                self.tasks.insert(builtin, id);
            }
        }
    }

    /// Recomputes who is wanted up, from `id` down its dependencies.
    pub(super) fn refresh_desired(&mut self, id: ServiceId, out: &mut Outbox) {
        let mut stack = vec![id];
        while let Some(id) = stack.pop() {
            let desired = self.derive_desired(id);
            let unit = &mut self.units[id.index()];
            if unit.desired == desired {
                continue;
            }
            unit.desired = desired;
            unit.cause = out.cause();
            out.changed().services.insert(id);
            self.dirty.extend(self.graph.rank(id));
            let relations = self.graph.of(id);
            stack.extend(relations.hard.iter().chain(&relations.wants));
        }
    }

    fn derive_desired(&self, id: ServiceId) -> Desired {
        if self.phase.is_stopping() {
            return Desired::Down;
        }
        match self.unit(id).goal {
            Goal::Up => Desired::Up,
            Goal::HeldDown => Desired::Down,
            Goal::Unasked => {
                let relations = self.graph.of(id);
                let needed = relations
                    .required_by
                    .iter()
                    .chain(&relations.wanted_by)
                    .any(|other| self.unit(*other).desired == Desired::Up);
                if needed { Desired::Up } else { Desired::Down }
            }
        }
    }

    /// Looks at a service again, and at those that its state concerns.
    pub(super) fn touch(&mut self, id: ServiceId) {
        self.dirty.extend(self.graph.rank(id));
        let relations = self.graph.of(id);
        let concerned =
            [&relations.required_by, &relations.followed_by, &relations.hard, &relations.after, &relations.conflicts];
        self.dirty.extend(concerned.into_iter().flatten().filter_map(|other| self.graph.rank(*other)));
    }

    /// Takes steps until nothing moves.
    pub fn settle(&mut self, out: &mut Outbox) {
        let outer = out.cause();
        loop {
            while let Some(rank) = self.dirty.pop_first() {
                self.step(self.graph.order()[rank], out);
            }
            if self.phase == Phase::Booting && self.unsettled.values().all(|count| *count == 0) {
                self.finish_boot(out);
                continue;
            }
            if self.sweep() {
                continue;
            }
            break;
        }
        let none_alive = self.lifelines_alive == 0 && self.alive.values().all(|count| *count == 0);
        if matches!(self.phase, Phase::Stopping { .. }) && none_alive {
            self.end(out);
        }
        out.because(outer);
    }

    fn step(&mut self, id: ServiceId, out: &mut Outbox) {
        let gate = self.gate(id);
        if let Gate::Wait(blocker) = &gate {
            self.units[id.index()].boot.held_up_by(*blocker);
        }
        let lost = self.lost_dependency(id);
        if matches!(
            self.unit(id).state,
            State::Waiting
                | State::Delaying
                | State::Failed(FailReason::Dependency(_))
                | State::Stopping { phase: StopPhase::Holding, .. }
        ) {
            // Its reason speaks of others, and one of them has moved.
            out.changed().services.insert(id);
        }
        let unit = self.unit(id);
        let step = next_step(&unit.state, unit.desired, &gate, lost);
        match step {
            Step::Stay => {
                self.release_hold(id, out);
                self.count_unsettled(id);
            }
            Step::Wait => {
                self.enter(id, State::Waiting, out);
                self.count_unsettled(id);
            }
            Step::Start => self.begin_start(id, out),
            Step::BreakFor(dependency) => {
                let root = self.root_failure(dependency);
                let text = format!("{} {}", self.unit(root).spec.name, self.end_of(root));
                self.enter(id, State::Failed(FailReason::Dependency(dependency)), out);
                self.announce_failed(id, &text, out);
            }
            Step::Stop(why) => self.begin_stop(id, why, out),
            Step::Settle => self.enter(id, State::Stopped, out),
        }
    }

    /// The only place where a service's state changes.
    pub(super) fn enter(&mut self, id: ServiceId, state: State, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        if unit.state == state {
            return;
        }
        let was = unit.state.public();
        let was_alive = unit.state.is_alive();
        let becomes_alive = state.is_alive();
        unit.state = state;
        unit.since = out.now();
        let is = unit.state.public();
        unit.boot.entered(&unit.state, unit.desired, out.now());
        unit.announced = None;
        out.cancel(Timer::Announced(id));
        if !matches!(unit.state, State::Running) {
            out.cancel(Timer::Health(id));
            out.cancel(Timer::Readiness(id));
            out.cancel(Timer::Ready(id));
            out.cancel(Timer::Recovered(id));
            unit.unready = None;
        }
        if !becomes_alive {
            unit.pid = None;
            unit.ready = None;
            unit.record.usage = None;
            if let Some(deployment) = unit.renewal.take() {
                unit.spec.deployment = deployment;
            }
            self.unswept |= unit.retired;
        }
        // Whoever enters a state with a deadline arms it afterwards.
        out.cancel(Timer::Service(id));
        let name = unit.spec.name.clone();
        if was_alive != becomes_alive {
            self.count_alive(id, becomes_alive);
        }
        out.changed().services.insert(id);
        self.touch(id);
        self.count_unsettled(id);
        if was != is {
            out.event(
                format!("service.{name}.state"),
                "operator",
                Severity::Debug,
                format!("{name} is {}", is.as_str()),
                vec![("from", was.as_str().into()), ("to", is.as_str().into())],
            );
        }
    }

    /// The number that the next life will have: whatever lives then is newer than what lives now.
    pub const fn next_generation(&self) -> Generation {
        Generation(self.next_generation)
    }

    pub(super) fn take_generation(&mut self) -> Generation {
        let generation = Generation(self.next_generation);
        self.next_generation += 1;
        generation
    }

    pub(super) fn announce_failed(&self, id: ServiceId, why: &str, out: &mut Outbox) {
        let unit = self.unit(id);
        let name = &unit.spec.name;
        let severity = if unit.spec.critical { Severity::Critical } else { Severity::Error };
        let text = format!("{name} is given up: {why}");
        out.event(
            format!("service.{name}.failed"),
            "operator",
            severity,
            text,
            vec![("service", Field::from(name.as_str())), ("reason", why.into())],
        );
    }
}
