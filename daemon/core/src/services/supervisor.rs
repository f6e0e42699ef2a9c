//! The supervisor: all services, and how a change of one reaches the others.
//!
//! Propagation is in two phases. First wants: who is wanted up follows from goals along the dependencies. Then steps:
//! every service that a change may concern is looked at once, takes its next step, and marks those that its own change
//! concerns, until nothing moves. Deadlines are in [`Timers`](crate::timers::Timers), one for each service's state.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Group, ServiceSpec,
    graph::{Graph, GraphError},
    unit::{FailReason, Goal, State, Step, Unit, next_step},
};
use crate::{
    event::{Field, Severity},
    ids::{Generation, Name, ServiceId},
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

/// All services.
#[derive(Debug)]
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
    dirty: BTreeSet<usize>,
    /// Services whose failure has put the platform into failsafe mode.
    pub(super) failsafe: BTreeSet<ServiceId>,
    next_generation: u64,
}

impl Supervisor {
    /// All stopped, none wanted.
    pub fn new(specs: Vec<ServiceSpec>, rng: Rng) -> Result<Self, Vec<GraphError>> {
        let graph = Graph::build(&specs)?;
        let names = specs.iter().enumerate().map(|(index, spec)| (spec.name.clone(), ServiceId::new(index))).collect();
        let zero = || Group::ALL.into_iter().map(|group| (group, 0)).collect();
        Ok(Self {
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
            failsafe: BTreeSet::new(),
            next_generation: 1,
        })
    }

    /// The service of that name.
    pub fn find(&self, name: &str) -> Option<ServiceId> {
        self.names.get(name).copied()
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

    /// Every id, in order of the registry.
    pub fn ids(&self) -> impl Iterator<Item = ServiceId> + use<> {
        (0..self.units.len()).map(ServiceId::new)
    }

    /// The service whose failure holds the platform in failsafe mode. None: it is not in it.
    pub fn failsafe(&self) -> Option<&Name> {
        self.failsafe.first().map(|id| &self.unit(*id).spec.name)
    }

    /// A built-in service is up. A board that does not declare it never loses it.
    pub fn is_up(&self, builtin: super::Builtin) -> bool {
        self.find(builtin.as_str()).is_none_or(|id| matches!(self.unit(id).state, State::Running))
    }

    /// Begins: every service with auto-start is wanted up.
    pub fn boot(&mut self, start_timeout: std::time::Duration, out: &mut Outbox) {
        out.arm(Timer::Boot, out.now() + start_timeout);
        for index in 0..self.units.len() {
            if self.units[index].spec.auto_start {
                self.units[index].goal = Goal::Up;
            }
        }
        for id in self.graph.order().to_vec().into_iter().rev() {
            self.refresh_desired(id, out);
        }
        // Before the first step: what later groups wait for must be known.
        for id in self.ids() {
            self.count_unsettled(id);
        }
        self.settle(out);
    }

    /// The groups had their time: what is left no longer holds up the others.
    pub fn boot_timed_out(&mut self, out: &mut Outbox) {
        if self.phase != Phase::Booting {
            return;
        }
        let late: Vec<_> =
            self.units.iter().filter(|unit| unit.unsettled).map(|unit| unit.spec.name.to_string()).collect();
        out.event(
            "platform.start-timeout".to_owned(),
            "operator",
            Severity::Error,
            format!("not everything came up in time; still waiting for {}", late.join(", ")),
            vec![("waiting_for", late.join(" ").into())],
        );
        self.finish_boot(out);
        self.settle(out);
    }

    fn finish_boot(&mut self, out: &mut Outbox) {
        self.phase = Phase::Up;
        out.cancel(Timer::Boot);
        let failed: Vec<_> = self
            .units
            .iter()
            .filter(|unit| unit.desired == Desired::Up && !unit.is_ready())
            .map(|unit| unit.spec.name.to_string())
            .collect();
        let took = out.now().since_origin().as_secs_f64();
        let (severity, text) = if failed.is_empty() {
            (Severity::Info, "every service that is wanted up is up".to_owned())
        } else {
            (Severity::Warning, format!("started without {}", failed.join(", ")))
        };
        out.event("platform.started".to_owned(), "operator", severity, text, vec![("mono_s", took.into())]);
        out.changed().system = true;
        self.dirty.extend(0..self.units.len());
    }

    /// Everything is to go down. The second call may make it an emergency.
    pub fn shut_down(&mut self, emergency: bool, stop_timeout: std::time::Duration, out: &mut Outbox) {
        let since = match self.phase {
            Phase::Stopping { since, emergency: false } if emergency => since,
            Phase::Stopping { .. } | Phase::Ended => return,
            Phase::Booting | Phase::Up => out.now(),
        };
        self.phase = Phase::Stopping { since, emergency };
        out.cancel(Timer::Boot);
        out.arm(Timer::Shutdown, out.now() + if emergency { stop_timeout / 4 } else { stop_timeout });
        let text = if emergency { "emergency stop: no graceful time-outs" } else { "ordered shutdown begins" };
        let severity = if emergency { Severity::Warning } else { Severity::Notice };
        out.event("platform.stopping".to_owned(), "operator", severity, text.to_owned(), Vec::new());
        out.changed().system = true;
        for id in self.graph.order().to_vec().into_iter().rev() {
            self.refresh_desired(id, out);
        }
        if emergency {
            for id in self.ids() {
                if self.unit(id).state.is_alive() && !self.graph.of(id).protects {
                    self.kill(id, out);
                }
            }
        }
        self.dirty.extend(0..self.units.len());
        self.settle(out);
    }

    /// The shutdown had its time: whatever is left is killed, protectors last of all.
    pub fn shutdown_timed_out(&mut self, out: &mut Outbox) {
        let left: Vec<_> = self.ids().filter(|id| self.unit(*id).state.is_alive()).collect();
        let names: Vec<_> = left.iter().map(|id| self.unit(*id).spec.name.to_string()).collect();
        out.event(
            "platform.stop-timeout".to_owned(),
            "operator",
            Severity::Error,
            format!("the shutdown took too long; ending without waiting for {}", names.join(", ")),
            vec![("waiting_for", names.join(" ").into())],
        );
        for id in left {
            self.kill(id, out);
        }
        self.phase = Phase::Ended;
        out.deed(crate::effect::Effect::Exit);
    }

    fn end(&mut self, out: &mut Outbox) {
        if self.phase != Phase::Ended {
            self.phase = Phase::Ended;
            out.cancel(Timer::Shutdown);
            out.event(
                "platform.stopped".to_owned(),
                "operator",
                Severity::Notice,
                "every service is down".to_owned(),
                Vec::new(),
            );
            out.deed(crate::effect::Effect::Exit);
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
            self.dirty.insert(self.graph.rank(id));
            let relations = self.graph.of(id);
            stack.extend(relations.hard.iter().chain(&relations.wants));
        }
    }

    fn derive_desired(&self, id: ServiceId) -> Desired {
        if matches!(self.phase, Phase::Stopping { .. } | Phase::Ended) {
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
        self.dirty.insert(self.graph.rank(id));
        let relations = self.graph.of(id);
        let concerned =
            [&relations.required_by, &relations.followed_by, &relations.hard, &relations.after, &relations.conflicts];
        self.dirty.extend(concerned.into_iter().flatten().map(|other| self.graph.rank(*other)));
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
        let lost = self.lost_dependency(id);
        let unit = self.unit(id);
        let step = next_step(&unit.state, unit.desired, &gate, lost);
        match step {
            Step::Stay => {
                self.release_hold(id, out);
                self.count_unsettled(id);
            }
            Step::Wait => self.enter(id, State::Waiting, out),
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
        if !matches!(unit.state, State::Running) {
            out.cancel(Timer::Health(id));
            out.cancel(Timer::Ready(id));
        }
        if !becomes_alive {
            unit.pid = None;
            unit.ready = None;
            unit.record.usage = None;
        }
        // Whoever enters a state with a deadline arms it afterwards.
        out.cancel(Timer::Service(id));
        let (group, name) = (unit.spec.group, unit.spec.name.clone());
        if was_alive != becomes_alive {
            let (protects, lifeline) = (self.graph.of(id).protects, self.graph.of(id).lifeline);
            let step = |count: &mut usize| *count = if becomes_alive { *count + 1 } else { count.saturating_sub(1) };
            if lifeline {
                step(&mut self.lifelines_alive);
            } else if let Some(count) = self.alive.get_mut(&group) {
                step(count);
            }
            if protects {
                step(&mut self.protectors_alive);
            }
            let group_down = self.alive.get(&group).is_none_or(|count| *count == 0);
            let only_protectors = self.alive.values().sum::<usize>() == self.protectors_alive;
            if !becomes_alive && matches!(self.phase, Phase::Stopping { .. }) {
                // Those that hold for this group, or for everything else, may go on now; lifelines hold for each.
                let all = group_down || only_protectors || lifeline;
                let may_go = |other: &ServiceId| {
                    self.units[other.index()].state.is_alive() && (all || self.graph.of(*other).lifeline)
                };
                let left: Vec<_> = if all { self.ids().collect() } else { self.graph.lifelines().to_vec() };
                self.dirty.extend(left.into_iter().filter(may_go).map(|other| self.graph.rank(other)));
            }
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

    /// Keeps the count of those that a group waits for; a group that becomes complete releases the next.
    fn count_unsettled(&mut self, id: ServiceId) {
        let unsettled = self.is_unsettled(id);
        let unit = &mut self.units[id.index()];
        if unit.unsettled == unsettled {
            return;
        }
        unit.unsettled = unsettled;
        let group = unit.spec.group;
        let Some(count) = self.unsettled.get_mut(&group) else { return };
        *count = if unsettled { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 && self.phase == Phase::Booting {
            let waiting = |other: &ServiceId| {
                let unit = self.unit(*other);
                unit.spec.group > group && matches!(unit.state, State::Waiting | State::Stopped)
            };
            let next: Vec<_> = self.ids().filter(waiting).map(|other| self.graph.rank(other)).collect();
            self.dirty.extend(next);
        }
    }

    fn is_unsettled(&self, id: ServiceId) -> bool {
        let unit = self.unit(id);
        if unit.desired == Desired::Down {
            return false;
        }
        match unit.state {
            State::Stopped | State::Delaying | State::Starting { .. } | State::Stopping { .. } => true,
            // What waits for something that is being retried may wait long: the group does not wait with it.
            State::Waiting => !self.graph.of(id).hard.iter().any(|dependency| {
                matches!(self.unit(*dependency).state, State::Backoff) && !self.unit(*dependency).spec.critical
            }),
            State::Backoff => unit.spec.critical,
            State::Running | State::Failed(_) | State::Completed => false,
        }
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
