//! Going over to another registry while everything runs.
//!
//! First all of it is judged: a registry that is no graph, or that takes away what protects the hardware, is refused as a
//! whole and changes nothing. Then what differs is told apart by what it reaches: a life is ended only for what a running
//! process cannot be given (its program, arguments, surroundings, limits); everything else holds at once, or from the
//! next start on. What depends on a service that is restarted goes down and comes back with it, and nothing else moves.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Builtin, Deployment, Run, ServiceSpec,
    difference::Difference,
    graph::{Graph, Slot},
    supervisor::Supervisor,
    unit::{FailReason, Goal, State, StopWhy, Unit},
};
use crate::{
    event::Severity,
    ids::{Name, ServiceId},
    input::Probe,
    outbox::Outbox,
    refusal::{Obstacle, Refusal},
    time::Mono,
    timers::Timer,
    view::{ChangeEffect, ChangeKind, Desired, ReloadView, ServiceChange},
};

/// What has to move so that a new registry holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Moves {
    /// Services that come up, in start order.
    pub starts: Vec<ServiceId>,
    /// Services that go down for good, in start order.
    pub stops: Vec<ServiceId>,
    /// Services that go down and come back, in start order.
    pub restarts: Vec<ServiceId>,
}

impl Supervisor {
    /// What another registry would change: found out by going over to it with a copy. Refuses one that cannot be run.
    pub fn compare(&self, specs: Vec<ServiceSpec>, now: Mono) -> Result<(ReloadView, Moves), Refusal> {
        self.refuse_while_stopping()?;
        let obstacles = self.reload_obstacles(&specs);
        if !obstacles.is_empty() {
            let text = match obstacles.as_slice() {
                [only] => format!("the new configuration is refused: {}; nothing was changed", only.text),
                all => format!("the new configuration is refused for {} reasons; nothing was changed", all.len()),
            };
            return Err(Refusal::precondition("CONFIGURATION", text, obstacles));
        }
        let mut copy = self.clone();
        let mut scratch = Outbox::default();
        scratch.begin(now);
        let moves = copy.go_over(specs, &mut scratch);
        Ok((self.describe(&copy, &moves), moves))
    }

    /// Goes over to another registry. The caller has compared it, and it was not refused.
    pub fn go_over(&mut self, specs: Vec<ServiceSpec>, out: &mut Outbox) -> Moves {
        let before: BTreeMap<_, _> =
            self.ids().map(|id| (id, (self.unit(id).state.clone(), self.unit(id).desired))).collect();
        let declared: BTreeMap<_, _> = specs.iter().map(|spec| (&spec.name, spec)).collect();
        let ending: Vec<_> = self.ids().filter(|id| self.ends_life(*id, &declared)).collect();
        for id in self.ids() {
            if !declared.contains_key(&self.unit(id).spec.name) && !self.unit(id).retired {
                self.retire(id, out);
            }
        }
        for spec in specs {
            let known = self.names.get(&spec.name).copied();
            match known.filter(|id| self.is_listed(*id) && !self.unit(*id).retired) {
                Some(id) => self.exchange(id, spec, out),
                None => self.add(known, spec, out),
            }
        }
        self.put_in_order();
        for id in self.ids().rev() {
            self.refresh_desired(id, out);
        }
        for id in ending {
            if matches!(self.unit(id).state, State::Starting { .. } | State::Running) {
                self.units[id.index()].cause = out.cause();
                self.begin_stop(id, StopWhy::Asked, out);
            }
        }
        self.look_at_all();
        self.settle(out);
        self.moved_since(&before)
    }

    /// What has begun to move.
    fn moved_since(&self, before: &BTreeMap<ServiceId, (State, Desired)>) -> Moves {
        let mut moves = Moves::default();
        for id in self.ids() {
            let unit = self.unit(id);
            let (was, wanted) = before.get(&id).cloned().unwrap_or((State::Stopped, Desired::Down));
            let ends = was.is_alive()
                && !matches!(was, State::Stopping { .. })
                && matches!(unit.state, State::Stopping { .. });
            let tried_again = matches!(was, State::Failed(_) | State::Backoff | State::Completed) && unit.state != was;
            match unit.desired {
                Desired::Up if ends => moves.restarts.push(id),
                Desired::Down if ends => moves.stops.push(id),
                Desired::Up if !was.is_alive() && (wanted == Desired::Down || tried_again) => moves.starts.push(id),
                // It was on its way down, and is wanted again.
                Desired::Up if wanted == Desired::Down && was.is_alive() => moves.starts.push(id),
                Desired::Up | Desired::Down => {}
            }
        }
        moves
    }

    /// How the services of `after`, a copy that has gone over, differ from these.
    fn describe(&self, after: &Self, moves: &Moves) -> ReloadView {
        let mut view = ReloadView::default();
        let mut explained = BTreeSet::new();
        for id in after.ids() {
            let new = &after.unit(id).spec;
            let was = self.units.get(id.index()).filter(|unit| self.is_listed(id) && !unit.retired);
            let (kind, fields) = match was {
                _ if after.unit(id).retired => continue,
                None => (ChangeKind::Added, Vec::new()),
                Some(unit) => {
                    let mut declared = new.clone();
                    if let Some(deployment) = &after.unit(id).renewal {
                        declared.deployment = deployment.clone();
                    }
                    (ChangeKind::Changed, Difference::between(unit, &declared).fields)
                }
            };
            if kind == ChangeKind::Changed && fields.is_empty() {
                continue;
            }
            explained.insert(id);
            let name = &new.name;
            let alive = after.unit(id).state.is_alive();
            let (effect, text) = match kind {
                _ if moves.restarts.contains(&id) => (ChangeEffect::Restart, format!("{name} is restarted")),
                ChangeKind::Added if moves.starts.contains(&id) => {
                    (ChangeEffect::Start, format!("{name} is new and is started"))
                }
                ChangeKind::Added => {
                    let text = format!("{name} is new and is started when it is asked for or needed");
                    (ChangeEffect::NextStart, text)
                }
                _ if moves.starts.contains(&id) => (ChangeEffect::Start, format!("{name} is started")),
                _ if moves.stops.contains(&id) => {
                    (ChangeEffect::Stop, format!("{name} is stopped: nothing needs it any more"))
                }
                _ if matches!(after.unit(id).state, State::Stopping { .. })
                    && after.unit(id).desired == Desired::Up =>
                {
                    (ChangeEffect::Restart, format!("{name} is on its way down already and comes back with it"))
                }
                _ if alive => (ChangeEffect::InPlace, format!("{name} runs on")),
                _ => (ChangeEffect::NextStart, format!("holds when {name} is started next")),
            };
            view.changes.push(ServiceChange { name: name.clone(), kind, fields, effect, text });
        }
        for id in self.ids().filter(|id| !self.unit(*id).retired && after.unit(*id).retired) {
            explained.insert(id);
            view.changes.push(removal(self.unit(id)));
        }
        let name = |id: &ServiceId| after.unit(*id).spec.name.clone();
        view.restarts = moves.restarts.iter().map(name).collect();
        let unexplained =
            |ids: &[ServiceId]| ids.iter().copied().filter(|id| !explained.contains(id)).collect::<Vec<_>>();
        for id in unexplained(&moves.stops) {
            view.notes.push(format!("{} is stopped: nothing needs it any more", name(&id)));
        }
        for id in unexplained(&moves.starts) {
            view.notes
                .push(format!("{} is started: something needs it now, or what it needs has come back", name(&id)));
        }
        view
    }

    fn reload_obstacles(&self, specs: &[ServiceSpec]) -> Vec<Obstacle> {
        let mut found: Vec<_> = Graph::build(specs)
            .err()
            .into_iter()
            .flatten()
            .map(|error| Obstacle {
                kind: "configuration",
                subject: "registry".to_owned(),
                text: error.to_string(),
                remedy: "correct the registry and reload again".to_owned(),
                since: None,
            })
            .collect();
        for spec in specs {
            let up = |name: &Name| {
                let id = self.find(name.as_str())?;
                (self.unit(id).state.is_alive() && self.unit(id).desired == Desired::Up).then_some(id)
            };
            let others = spec.conflicts.iter().filter(|other| up(&spec.name).is_some() && up(other).is_some());
            found.extend(others.filter(|other| specs.iter().any(|spec| spec.name == **other)).map(|other| Obstacle {
                kind: "conflict",
                subject: format!("service {}", spec.name),
                text: format!("{} is to conflict with {other}, and both run", spec.name),
                remedy: format!("stop one of them first: `ubmcctl services stop {other}`"),
                since: None,
            }));
        }
        let declared: BTreeSet<_> = specs.iter().map(|spec| &spec.name).collect();
        for unit in self.listed().filter(|unit| !unit.retired && !declared.contains(&unit.spec.name)) {
            let name = &unit.spec.name;
            let lifeline = matches!(unit.spec.deployment, Deployment::Builtin(Builtin::Api | Builtin::Journal));
            let (kind, text) = match () {
                () if lifeline => {
                    ("lifeline", format!("{name} carries this very request, and the registry has it no more"))
                }
                () if unit.spec.protects_hardware && unit.desired == Desired::Up => {
                    ("protects-hardware", format!("{name} protects the hardware, and the registry has it no more"))
                }
                () => continue,
            };
            found.push(Obstacle {
                kind,
                subject: format!("service {name}"),
                text,
                remedy: if lifeline {
                    "declare it again; a daemon without it has to be started anew".to_owned()
                } else {
                    format!("declare it again, or first `ubmcctl services stop {name} --force`")
                },
                since: None,
            });
        }
        found
    }

    /// Whether the declared service differs in something that its life cannot be given.
    fn ends_life(&self, id: ServiceId, declared: &BTreeMap<&Name, &ServiceSpec>) -> bool {
        let unit = self.unit(id);
        unit.state.is_alive()
            && declared.get(&unit.spec.name).is_some_and(|spec| Difference::between(unit, spec).needs_new_life)
    }

    fn retire(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        unit.retired = true;
        unit.goal = Goal::HeldDown;
        unit.desired = Desired::Down;
        unit.cause = out.cause();
        out.changed().services.insert(id);
        let name = unit.spec.name.clone();
        self.stand_down(id, out);
        let text = format!("{name} is not declared any more");
        out.event(format!("service.{name}.removed"), "operator", Severity::Notice, text, Vec::new());
        if !self.unit(id).state.is_alive() {
            self.enter(id, State::Stopped, out);
            self.unswept = true;
        }
    }

    /// A new service, or one that comes back. One that still runs to its end keeps its place.
    fn add(&mut self, known: Option<ServiceId>, spec: ServiceSpec, out: &mut Outbox) {
        let name = spec.name.clone();
        let goal = if spec.auto_start { Goal::Up } else { Goal::Unasked };
        let id = known.unwrap_or_else(|| ServiceId::new(self.units.len()));
        match self.units.get_mut(id.index()) {
            None => {
                self.units.push(Unit { since: out.now(), ..Unit::new(spec) });
                self.names.insert(name.clone(), id);
            }
            Some(place) if place.state.is_alive() => {
                place.retired = false;
                place.renewal = Some(spec.deployment.clone());
                let running = std::mem::replace(&mut place.spec, spec).deployment;
                place.spec.deployment = running;
            }
            Some(place) => {
                // Lives are told apart by their numbers, also across a time in which it was not declared.
                let (generation, haunted) = (place.generation, place.haunted);
                *place = Unit { generation, haunted, since: out.now(), ..Unit::new(spec) };
            }
        }
        let unit = &mut self.units[id.index()];
        unit.goal = goal;
        unit.cause = out.cause();
        out.changed().services.insert(id);
        let text = format!("{name} is declared");
        out.event(format!("service.{name}.added"), "operator", Severity::Notice, text, Vec::new());
    }

    fn exchange(&mut self, id: ServiceId, spec: ServiceSpec, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        let difference = Difference::between(unit, &spec);
        if difference.fields.is_empty() {
            return;
        }
        let alive = unit.state.is_alive();
        let begins = unit.goal == Goal::Unasked && spec.auto_start && !unit.spec.auto_start;
        let asked_otherwise = [
            (Probe::Liveness, unit.spec.health != spec.health),
            (Probe::Readiness, unit.spec.readiness_check != spec.readiness_check),
        ];
        let was_oneshot = unit.spec.run != spec.run;
        let running = std::mem::replace(&mut unit.spec, spec).deployment;
        if alive && (difference.needs_new_life || unit.renewal.is_some()) {
            // Its life ends as it was begun: with the stop command of then.
            unit.renewal = Some(std::mem::replace(&mut unit.spec.deployment, running));
        }
        if begins {
            unit.goal = Goal::Up;
        }
        let name = unit.spec.name.clone();
        out.changed().services.insert(id);
        out.event(
            format!("service.{name}.changed"),
            "operator",
            Severity::Notice,
            format!("{name} is declared otherwise: {}", difference.fields.join(", ")),
            vec![("fields", difference.fields.join(" ").into())],
        );
        let running = self.unit(id).state == State::Running;
        for (probe, _) in asked_otherwise.into_iter().filter(|(_, differs)| *differs && running) {
            self.ask_otherwise(id, probe, out);
        }
        // What failed as it was declared before is tried as it is declared now. A oneshot that is done stays done.
        let unit = self.unit(id);
        let over = matches!(unit.state, State::Failed(FailReason::Own(_)) | State::Backoff);
        let runs_now = unit.state == State::Completed && was_oneshot && unit.spec.run == Run::LongRunning;
        if (over && difference.needs_new_life) || runs_now {
            let unit = &mut self.units[id.index()];
            unit.restart.forgive();
            unit.rung = 0;
            out.cancel(Timer::Service(id));
            self.enter(id, State::Stopped, out);
        }
    }

    /// The table after services have come or gone: relations, places and counts.
    fn put_in_order(&mut self) {
        let slots: Vec<_> = self
            .units
            .iter()
            .map(|unit| match (unit.retired, unit.state.is_alive()) {
                (false, _) => Slot::Declared(&unit.spec),
                (true, true) => Slot::Leaving(&unit.spec),
                (true, false) => Slot::Empty,
            })
            .collect();
        // A registry that was compared is a graph, and what only runs to its end adds no cycle.
        if let Ok(graph) = Graph::over(&slots) {
            self.graph = graph;
        }
        self.note_tasks();
        self.recount();
    }

    /// Services that nobody declares and whose life is over leave the table.
    /// True: there were some, and who waited for them is to be looked at again.
    pub(super) fn sweep(&mut self) -> bool {
        if !std::mem::take(&mut self.unswept) {
            return false;
        }
        for unit in self.units.iter_mut().filter(|unit| unit.retired && !unit.state.is_alive()) {
            // Only its name and its numbers are kept, so that a later namesake goes on counting.
            let spec = ServiceSpec::new(unit.spec.name.clone(), Deployment::Unsupported { mode: "".into() });
            let (generation, haunted) = (unit.generation, unit.haunted);
            *unit = Unit { generation, haunted, retired: true, ..Unit::new(spec) };
        }
        self.put_in_order();
        self.look_at_all();
        true
    }
}

fn removal(unit: &Unit) -> ServiceChange {
    let name = unit.spec.name.clone();
    let (effect, text) = if unit.state.is_alive() {
        (ChangeEffect::Stop, format!("{name} is not declared any more and is stopped"))
    } else {
        (ChangeEffect::InPlace, format!("{name} is not declared any more; it is not running"))
    };
    ServiceChange { name, kind: ChangeKind::Removed, fields: Vec::new(), effect, text }
}
