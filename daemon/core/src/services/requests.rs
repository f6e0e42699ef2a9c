//! What operators ask of services: checked as a whole first, then carried out as a whole.

use std::collections::BTreeSet;

use super::{
    Builtin, Deployment,
    supervisor::{Phase, Supervisor},
    unit::{FailReason, Goal, Held, State, StopWhy},
};
use crate::{
    ids::{Name, ServiceId},
    input::Findings,
    outbox::Outbox,
    refusal::{Obstacle, Refusal},
    timers::Timer,
    view::Desired,
};

impl Supervisor {
    /// Brings services up with all that they need. Returns every service that has to come up for that, in order.
    ///
    /// `found` is what the machine says against starts; with force nobody asks.
    pub fn request_start(
        &mut self,
        names: &[Name],
        force: bool,
        found: &Findings,
        out: &mut Outbox,
    ) -> Result<Vec<ServiceId>, Refusal> {
        self.refuse_while_stopping()?;
        let targets = if names.is_empty() {
            self.ids().filter(|id| self.unit(*id).spec.auto_start).collect()
        } else {
            self.resolve(names)?
        };
        let members = self.with_needs(&targets);
        let waking: Vec<_> = members.iter().copied().filter(|id| !self.unit(*id).is_up()).collect();
        let mut obstacles: Vec<_> = members.iter().flat_map(|id| self.start_obstacles(*id, &members)).collect();
        if names.is_empty() {
            // One that cannot be started fails by itself, and keeps nobody else down.
            obstacles.clear();
        } else if !force {
            // What is there already needs nothing more.
            let spawned = waking.iter().filter(|id| !self.unit(**id).state.is_alive());
            obstacles.extend(spawned.filter_map(|id| found.get(id)).flatten().cloned());
        }
        if !obstacles.is_empty() {
            return Err(Refusal::precondition("START_REFUSED", start_text(&obstacles), obstacles));
        }
        for id in &waking {
            self.clear_failure(*id, out);
            self.release(*id, out);
        }
        for id in &targets {
            let again = force && matches!(self.unit(*id).state, State::Running);
            // What is done stays done: a oneshot never runs again by accident.
            let redo = force && matches!(self.unit(*id).state, State::Completed);
            let unit = &mut self.units[id.index()];
            unit.goal = Goal::Up;
            unit.cause = out.cause();
            unit.unchecked = force;
            if waking.contains(id) || again || redo {
                unit.record.manual_starts += 1;
            }
            if redo {
                self.forget_done(*id);
                self.enter(*id, State::Stopped, out);
            }
            self.refresh_desired(*id, out);
            self.touch(*id);
            if again {
                self.begin_stop(*id, StopWhy::Asked, out);
            }
        }
        self.settle(out);
        Ok(members)
    }

    /// Brings services down. Returns every service that has to go down for that, dependents first.
    pub fn request_stop(
        &mut self,
        names: &[Name],
        force: bool,
        reason: &str,
        out: &mut Outbox,
    ) -> Result<Vec<ServiceId>, Refusal> {
        self.refuse_while_stopping()?;
        let targets = if names.is_empty() { self.processes() } else { self.resolve(names)? };
        let (members, obstacles) = self.judge_stop(&targets, force);
        if !obstacles.is_empty() {
            let text = match obstacles.as_slice() {
                [only] => format!("cannot stop: {}", only.text),
                all => format!("cannot stop: {} conditions stand against it", all.len()),
            };
            return Err(Refusal::precondition("STOP_REFUSED", text, obstacles));
        }
        for id in &members {
            let unit = &mut self.units[id.index()];
            unit.goal = Goal::HeldDown;
            unit.cause = out.cause();
            let actor = out.cause().actor;
            unit.record.held = Some(Held { actor, reason: reason.to_owned(), at: out.now() });
            let dead = matches!(unit.state, State::Failed(_) | State::Completed);
            self.stand_down(*id, out);
            if dead {
                self.enter(*id, State::Stopped, out);
            }
            self.refresh_desired(*id, out);
            self.touch(*id);
        }
        self.settle(out);
        Ok(members)
    }

    /// Everything that goes down with the targets, dependents first, and what stands against that.
    pub(super) fn judge_stop(&self, targets: &[ServiceId], force: bool) -> (Vec<ServiceId>, Vec<Obstacle>) {
        let mut members: BTreeSet<_> = targets.iter().copied().collect();
        for id in targets {
            // Those that are down already are left as they are: what somebody wanted of them still holds.
            members.extend(self.graph.dependents(*id).into_iter().filter(|other| self.minds_a_stop(*other)));
        }
        let mut obstacles = Vec::new();
        for id in targets {
            let unit = self.unit(*id);
            let name = &unit.spec.name;
            let dependents: Vec<_> = self
                .graph
                .dependents(*id)
                .into_iter()
                .filter(|other| self.minds_a_stop(*other) && !targets.contains(other))
                .map(|other| self.unit(other).spec.name.to_string())
                .collect();
            if !dependents.is_empty() && !force {
                obstacles.push(Obstacle {
                    kind: "dependents-running",
                    subject: format!("service {name}"),
                    text: format!("{name} is needed by {}", dependents.join(", ")),
                    remedy: "stop those first, or use --force to stop them too".to_owned(),
                    since: None,
                });
            }
            if unit.spec.protects_hardware && !force {
                obstacles.push(Obstacle {
                    kind: "protects-hardware",
                    subject: format!("service {name}"),
                    text: format!("{name} protects the hardware; without it fans run at their fail-safe speed"),
                    remedy: "use --force if that is what you want".to_owned(),
                    since: None,
                });
            }
        }
        for id in &members {
            let lifeline = [Builtin::Api, Builtin::Journal];
            if let Deployment::Builtin(builtin) = self.unit(*id).spec.deployment
                && lifeline.contains(&builtin)
            {
                obstacles.push(Obstacle {
                    kind: "lifeline",
                    subject: format!("service {}", builtin.as_str()),
                    text: format!("{} carries this very request and its answer", builtin.as_str()),
                    remedy: "use `ubmcctl platform shutdown` to stop everything".to_owned(),
                    since: None,
                });
            }
        }
        let members = self.graph.order().iter().rev().copied().filter(|id| members.contains(id)).collect();
        (members, obstacles)
    }

    /// Stops and starts services; those that are down are started. Returns what has to be up in the end, and whether that
    /// has to be in a new life.
    ///
    /// What the machine says against a start is asked before anything is stopped.
    pub fn request_restart(
        &mut self,
        names: &[Name],
        force: bool,
        found: &Findings,
        out: &mut Outbox,
    ) -> Result<Vec<(ServiceId, bool)>, Refusal> {
        self.refuse_while_stopping()?;
        let targets = if names.is_empty() {
            self.processes().into_iter().filter(|id| self.unit(*id).state.is_alive()).collect()
        } else {
            self.resolve(names)?
        };
        let members = self.with_needs(&targets);
        let mut obstacles: Vec<_> = members.iter().flat_map(|id| self.start_obstacles(*id, &members)).collect();
        if !force {
            let spawned = members.iter().filter(|id| targets.contains(id) || !self.unit(**id).state.is_alive());
            obstacles.extend(spawned.filter_map(|id| found.get(id)).flatten().cloned());
        }
        if !obstacles.is_empty() {
            return Err(Refusal::precondition("RESTART_REFUSED", start_text(&obstacles), obstacles));
        }
        for id in &members {
            if targets.contains(id) || !self.unit(*id).is_up() {
                self.clear_failure(*id, out);
                self.release(*id, out);
            }
        }
        for id in &targets {
            let unit = &mut self.units[id.index()];
            unit.goal = Goal::Up;
            unit.cause = out.cause();
            unit.record.manual_starts += 1;
            unit.unchecked = force;
            if matches!(unit.state, State::Completed) {
                self.forget_done(*id);
                self.enter(*id, State::Stopped, out);
            }
            self.refresh_desired(*id, out);
            self.touch(*id);
            if matches!(self.unit(*id).state, State::Running | State::Starting { .. }) {
                self.begin_stop(*id, StopWhy::Asked, out);
            }
        }
        self.settle(out);
        let again = members.into_iter().map(|id| (id, targets.contains(&id)));
        Ok(again.filter(|(id, again)| *again || !self.unit(*id).is_up()).collect())
    }

    /// Forgets a failure; a service that is wanted up is tried again at once.
    pub fn request_reset(&mut self, name: &Name, out: &mut Outbox) -> Result<ServiceId, Refusal> {
        let id = self.resolve(std::slice::from_ref(name))?[0];
        let unit = &mut self.units[id.index()];
        unit.cause = out.cause();
        unit.record.restarts = 0;
        unit.record.crashes = 0;
        unit.record.last_error.clear();
        out.changed().services.insert(id);
        self.stand_down(id, out);
        self.clear_failure(id, out);
        self.settle(out);
        Ok(id)
    }

    /// It is up, or on its way: taking away what it needs would undo what somebody wanted.
    fn minds_a_stop(&self, id: ServiceId) -> bool {
        let unit = self.unit(id);
        match unit.state {
            State::Starting { .. } | State::Running | State::Stopping { .. } => true,
            State::Waiting | State::Delaying | State::Backoff => unit.desired == Desired::Up,
            State::Stopped | State::Failed(_) | State::Completed => false,
        }
    }

    /// Every process, in start order.
    fn processes(&self) -> Vec<ServiceId> {
        let is_process = |id: &ServiceId| !matches!(self.unit(*id).spec.deployment, Deployment::Builtin(_));
        self.graph.order().iter().copied().filter(is_process).collect()
    }

    pub(super) fn resolve(&self, names: &[Name]) -> Result<Vec<ServiceId>, Refusal> {
        let find = |name: &Name| {
            self.find(name.as_str()).ok_or_else(|| Refusal::unknown("service", name.as_str(), self.known_names()))
        };
        names.iter().map(find).collect()
    }

    /// The services and everything they need, in start order.
    pub(super) fn with_needs(&self, targets: &[ServiceId]) -> Vec<ServiceId> {
        let mut members: BTreeSet<_> = targets.iter().copied().collect();
        for id in targets {
            members.extend(self.graph.needs(*id));
        }
        self.graph.order().iter().copied().filter(|id| members.contains(id)).collect()
    }

    pub(super) fn refuse_while_stopping(&self) -> Result<(), Refusal> {
        match self.phase {
            Phase::Booting | Phase::Up => Ok(()),
            Phase::Stopping { since, .. } => {
                let obstacle = Obstacle {
                    kind: "stopping",
                    subject: "platform".to_owned(),
                    text: "the daemon is shutting down".to_owned(),
                    remedy: "start it again when it has ended".to_owned(),
                    since: Some(since),
                };
                Err(Refusal::precondition("SHUTTING_DOWN", "the daemon is shutting down", vec![obstacle]))
            }
            Phase::Ended => Err(Refusal::invalid("SHUTTING_DOWN", "the daemon has ended")),
        }
    }

    pub(super) fn start_obstacles(&self, id: ServiceId, starting: &[ServiceId]) -> Vec<Obstacle> {
        let unit = self.unit(id);
        let name = &unit.spec.name;
        let mut obstacles = Vec::new();
        if unit.retired {
            obstacles.push(Obstacle {
                kind: "not-declared",
                subject: format!("service {name}"),
                text: format!("{name} is not declared any more and runs to its end"),
                remedy: "declare it again and reload".to_owned(),
                since: None,
            });
        }
        if let Deployment::Unsupported { mode } = &unit.spec.deployment {
            obstacles.push(Obstacle {
                kind: "unsupported-deployment",
                subject: format!("service {name}"),
                text: format!("{name} is deployed by `{mode}`, which this version cannot run"),
                remedy: "give it a `binary` deployment".to_owned(),
                since: None,
            });
        }
        if unit.haunted {
            obstacles.push(Obstacle {
                kind: "survivors",
                subject: format!("service {name}"),
                text: format!("what is left of the last life of {name} survives even KILL"),
                remedy: "find out what its processes hang on; it can start as soon as they are gone".to_owned(),
                since: Some(unit.since),
            });
        }
        for other in &self.graph.of(id).conflicts {
            let other_unit = self.unit(*other);
            if other_unit.state.is_alive() || (starting.contains(other) && *other < id) {
                obstacles.push(Obstacle {
                    kind: "conflict",
                    subject: format!("service {name}"),
                    text: format!("{name} conflicts with {}", other_unit.spec.name),
                    remedy: format!("stop {} first", other_unit.spec.name),
                    since: Some(other_unit.since),
                });
            }
        }
        obstacles
    }

    /// That an operator stopped it holds no longer: it is needed.
    fn release(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        unit.record.held = None;
        if unit.goal == Goal::HeldDown {
            unit.goal = Goal::Unasked;
            self.refresh_desired(id, out);
        }
    }

    /// What went wrong before does not count against a start by request.
    fn clear_failure(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        unit.restart.forgive();
        unit.rung = 0;
        unit.cause = out.cause();
        match unit.state {
            State::Failed(FailReason::Own(_) | FailReason::Dependency(_)) | State::Backoff => {
                out.cancel(Timer::Service(id));
                self.enter(id, State::Stopped, out);
            }
            // It is on its way down for another reason: that no longer decides what comes after.
            State::Stopping { phase, why: StopWhy::Failure(_) | StopWhy::Finished, exited } => {
                unit.state = State::Stopping { phase, why: StopWhy::Asked, exited };
                out.changed().services.insert(id);
            }
            // A oneshot that is done stays done; what should be running and ended by itself is started again.
            State::Completed if unit.spec.run == super::Run::LongRunning => self.enter(id, State::Stopped, out),
            State::Stopped
            | State::Waiting
            | State::Delaying
            | State::Starting { .. }
            | State::Running
            | State::Stopping { .. }
            | State::Completed => {}
        }
        self.touch(id);
    }
}

fn start_text(obstacles: &[Obstacle]) -> String {
    match obstacles {
        [only] => format!("cannot start {}: {}", only.subject.trim_start_matches("service "), only.text),
        all => format!("cannot start: {} conditions stand against it", all.len()),
    }
}
