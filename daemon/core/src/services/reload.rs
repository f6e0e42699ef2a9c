//! Going over to another registry while everything runs.
//!
//! First all of it is judged: a registry that is no graph, or that takes away what protects the hardware, is refused as a
//! whole and changes nothing. Then what differs is told apart by what it reaches: a life is ended only for what a running
//! process cannot be given (its program, arguments, surroundings, limits); everything else holds at once, or from the
//! next start on. What depends on a service that is restarted goes down and comes back with it, and nothing else moves.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Binary, Builtin, Deployment, HealthCheck, Run, ServiceSpec,
    graph::{Graph, Slot},
    supervisor::Supervisor,
    unit::{FailReason, Goal, State, StopWhy, Unit},
};
use crate::{
    event::Severity,
    ids::{Name, ServiceId},
    outbox::Outbox,
    refusal::{Obstacle, Refusal},
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
    /// What another registry would change. Refuses one that cannot be run.
    pub fn compare(&self, specs: &[ServiceSpec]) -> Result<ReloadView, Refusal> {
        self.refuse_while_stopping()?;
        let obstacles = self.reload_obstacles(specs);
        if !obstacles.is_empty() {
            let text = match obstacles.as_slice() {
                [only] => format!("the new configuration is refused: {}; nothing was changed", only.text),
                all => format!("the new configuration is refused for {} reasons; nothing was changed", all.len()),
            };
            return Err(Refusal::precondition("CONFIGURATION", text, obstacles));
        }
        let declared: BTreeMap<_, _> = specs.iter().map(|spec| (&spec.name, spec)).collect();
        let restarting = self.restarting(&declared);
        let mut changes: Vec<_> = Graph::build(specs)
            .map(|graph| graph.order().to_vec())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|place| self.change_of(&specs[place.index()]))
            .collect();
        let removed = self.ids().map(|id| self.unit(id)).filter(|unit| !unit.retired);
        changes.extend(removed.filter(|unit| !declared.contains_key(&unit.spec.name)).map(removal));
        let restarts = restarting.iter().map(|id| self.unit(*id).spec.name.clone()).collect();
        Ok(ReloadView { changes, restarts, notes: Vec::new() })
    }

    /// Goes over to another registry. The caller has compared it, and it was not refused.
    pub fn go_over(&mut self, specs: Vec<ServiceSpec>, out: &mut Outbox) -> Moves {
        let declared: BTreeMap<_, _> = specs.iter().map(|spec| (&spec.name, spec)).collect();
        let restarting = self.restarting(&declared);
        let ending: Vec<_> = restarting.iter().copied().filter(|id| self.ends_life(*id, &declared)).collect();
        let mut moves = Moves::default();
        for id in self.ids() {
            if !declared.contains_key(&self.unit(id).spec.name) && !self.unit(id).retired {
                self.retire(id, out);
                moves.stops.extend(self.unit(id).state.is_alive().then_some(id));
            }
        }
        let mut news = Vec::new();
        for spec in specs {
            let known = self.names.get(&spec.name).copied();
            match known.filter(|id| self.is_listed(*id) && !self.unit(*id).retired) {
                Some(id) => self.exchange(id, spec, out),
                None => news.push(self.add(known, spec, out)),
            }
        }
        self.put_in_order();
        for id in self.ids().rev() {
            self.refresh_desired(id, out);
        }
        for id in ending {
            if self.unit(id).state.is_alive() {
                self.units[id.index()].cause = out.cause();
                self.begin_stop(id, StopWhy::Asked, out);
            }
        }
        self.look_at_all();
        self.settle(out);
        moves.starts = self.graph().order().iter().copied().filter(|id| news.contains(id)).collect();
        moves.starts.retain(|id| self.unit(*id).desired == Desired::Up);
        moves.restarts = self.graph().order().iter().copied().filter(|id| restarting.contains(id)).collect();
        moves
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

    /// Lives that end and begin again: those that differ, and what depends on them and does not ride it out.
    fn restarting(&self, declared: &BTreeMap<&Name, &ServiceSpec>) -> Vec<ServiceId> {
        let mut found: BTreeSet<_> = self.ids().filter(|id| self.ends_life(*id, declared)).collect();
        let mut stack: Vec<_> = found.iter().copied().collect();
        while let Some(id) = stack.pop() {
            if self.unit(id).spec.restart.smooth_recovery {
                continue;
            }
            for dependent in &self.graph.of(id).required_by {
                let unit = self.unit(*dependent);
                let stays = declared
                    .get(&unit.spec.name)
                    .is_some_and(|spec| spec.dependencies.contains(&self.unit(id).spec.name));
                if unit.state.is_alive() && unit.desired == Desired::Up && stays && found.insert(*dependent) {
                    stack.push(*dependent);
                }
            }
        }
        self.ids().filter(|id| found.contains(id)).collect()
    }

    fn change_of(&self, spec: &ServiceSpec) -> Option<ServiceChange> {
        let name = spec.name.clone();
        let Some(id) = self.find(name.as_str()).filter(|id| !self.unit(*id).retired) else {
            let (effect, text) = if spec.auto_start {
                (ChangeEffect::Start, format!("{name} is new and is started"))
            } else {
                (ChangeEffect::NextStart, format!("{name} is new and is started when it is asked for or needed"))
            };
            return Some(ServiceChange { name, kind: ChangeKind::Added, fields: Vec::new(), effect, text });
        };
        let unit = self.unit(id);
        let difference = Difference::between(unit, spec);
        if difference.fields.is_empty() {
            return None;
        }
        let tries = unit.desired == Desired::Up && matches!(unit.state, State::Failed(_) | State::Backoff);
        let begins = unit.goal == Goal::Unasked && spec.auto_start && !unit.spec.auto_start;
        let (effect, text) = if difference.needs_new_life && unit.state.is_alive() {
            (ChangeEffect::Restart, format!("{name} is restarted"))
        } else if difference.needs_new_life && tries {
            (ChangeEffect::Start, format!("{name} is tried again at once"))
        } else if begins {
            (ChangeEffect::Start, format!("{name} is started"))
        } else if difference.holds_at_once && unit.state.is_alive() {
            (ChangeEffect::InPlace, format!("holds at once; {name} runs on"))
        } else {
            (ChangeEffect::NextStart, format!("holds when {name} is started next"))
        };
        Some(ServiceChange { name, kind: ChangeKind::Changed, fields: difference.fields, effect, text })
    }

    fn retire(&mut self, id: ServiceId, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        unit.retired = true;
        unit.goal = Goal::HeldDown;
        unit.cause = out.cause();
        out.changed().services.insert(id);
        self.failsafe.remove(&id);
        let name = unit.spec.name.clone();
        let text = format!("{name} is not declared any more");
        out.event(format!("service.{name}.removed"), "operator", Severity::Notice, text, Vec::new());
        if !self.unit(id).state.is_alive() {
            self.enter(id, State::Stopped, out);
        }
    }

    /// A new service, or one that comes back. One that still runs to its end keeps its place.
    fn add(&mut self, known: Option<ServiceId>, spec: ServiceSpec, out: &mut Outbox) -> ServiceId {
        let name = spec.name.clone();
        let goal = if spec.auto_start { Goal::Up } else { Goal::Unasked };
        let id = match known {
            Some(id) => {
                let alive = self.unit(id).state.is_alive();
                let place = &mut self.units[id.index()];
                if alive {
                    place.retired = false;
                    place.renewal = Some(spec.deployment.clone());
                    let running = std::mem::replace(&mut place.spec, spec).deployment;
                    place.spec.deployment = running;
                } else {
                    // Lives are told apart by their numbers, also across a time in which it was not declared.
                    let (generation, haunted) = (place.generation, place.haunted);
                    *place = Unit { generation, haunted, ..Unit::new(spec) };
                    place.since = out.now();
                }
                id
            }
            None => {
                let id = ServiceId::new(self.units.len());
                self.units.push(Unit { since: out.now(), ..Unit::new(spec) });
                self.names.insert(name.clone(), id);
                id
            }
        };
        let unit = &mut self.units[id.index()];
        unit.goal = goal;
        unit.cause = out.cause();
        out.changed().services.insert(id);
        let text = format!("{name} is declared");
        out.event(format!("service.{name}.added"), "operator", Severity::Notice, text, Vec::new());
        id
    }

    fn exchange(&mut self, id: ServiceId, spec: ServiceSpec, out: &mut Outbox) {
        let unit = &mut self.units[id.index()];
        let difference = Difference::between(unit, &spec);
        if difference.fields.is_empty() {
            return;
        }
        let alive = unit.state.is_alive();
        let begins = unit.goal == Goal::Unasked && spec.auto_start && !unit.spec.auto_start;
        let asked_otherwise = unit.spec.health != spec.health || unit.spec.readiness_check != spec.readiness_check;
        let was_oneshot = unit.spec.run != spec.run;
        let running = std::mem::replace(&mut unit.spec, spec).deployment;
        if alive && difference.needs_new_life {
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
        if asked_otherwise && running {
            self.ask_otherwise(id, out);
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

    /// Checks begin anew, as they are declared now.
    fn ask_otherwise(&mut self, id: ServiceId, out: &mut Outbox) {
        out.cancel(Timer::Health(id));
        out.cancel(Timer::Readiness(id));
        let unit = &mut self.units[id.index()];
        unit.health.new_life();
        unit.readiness.new_life();
        unit.unready = None;
        self.begin_checks(id, out);
    }

    /// The table after services have come or gone: relations, places and counts.
    fn put_in_order(&mut self) {
        let slots = self
            .units
            .iter()
            .map(|unit| match (unit.retired, unit.state.is_alive()) {
                (false, _) => Slot::Declared(&unit.spec),
                (true, true) => Slot::Leaving(&unit.spec),
                (true, false) => Slot::Empty,
            })
            .collect();
        // A registry that was compared is a graph, and what only runs to its end adds no cycle.
        if let Ok(graph) = Graph::over(slots) {
            self.graph = graph;
        }
        self.recount();
    }

    /// Services that nobody declares and whose life is over leave the table.
    pub(super) fn sweep(&mut self) {
        if std::mem::take(&mut self.unswept) {
            self.put_in_order();
        }
    }
}

fn removal(unit: &Unit) -> ServiceChange {
    let name = unit.spec.name.clone();
    let (effect, text) = if unit.state.is_alive() {
        (ChangeEffect::Stop, format!("{name} is not declared any more and is stopped"))
    } else {
        (ChangeEffect::NextStart, format!("{name} is not declared any more; it is not running"))
    };
    ServiceChange { name, kind: ChangeKind::Removed, fields: Vec::new(), effect, text }
}

/// In what a declaration differs from the one that holds.
#[derive(Debug, Default)]
struct Difference {
    /// As registries write them.
    fields: Vec<&'static str>,
    /// A running process cannot be given it.
    needs_new_life: bool,
    /// Something of it reaches what runs.
    holds_at_once: bool,
}

/// What a difference reaches.
#[derive(Clone, Copy)]
enum Reach {
    Life,
    Now,
    NextStart,
}

impl Difference {
    fn between(unit: &Unit, new: &ServiceSpec) -> Self {
        let old = &unit.spec;
        let mut found = Self::default();
        let mut note = |field, differs: bool, reach| {
            if differs {
                found.fields.push(field);
                match reach {
                    Reach::Life => found.needs_new_life = true,
                    Reach::Now => found.holds_at_once = true,
                    Reach::NextStart => {}
                }
            }
        };
        let deployment = unit.renewal.as_ref().unwrap_or(&old.deployment);
        match (deployment, &new.deployment) {
            (Deployment::Binary(old), Deployment::Binary(new)) => {
                for (field, differs) in of_binaries(old, new) {
                    note(field, differs, Reach::Life);
                }
                let stop = old.stop_command != new.stop_command || old.stop_signal != new.stop_signal;
                note("stop", stop, Reach::Now);
            }
            (old, new) => note("deployment", old != new, Reach::Life),
        }
        let heartbeat = |spec: &ServiceSpec| {
            spec.health.as_ref().filter(|health| *health.check == HealthCheck::Heartbeat).map(|health| health.interval)
        };
        // How often it has to beat is told to the process when it is started.
        note("health_check", old.health != new.health && heartbeat(old) != heartbeat(new), Reach::Life);
        note("health_check", old.health != new.health && heartbeat(old) == heartbeat(new), Reach::Now);
        note("readiness_check", old.readiness_check != new.readiness_check, Reach::Now);
        note("readiness", old.readiness != new.readiness, Reach::NextStart);
        note("oneshot", old.run != new.run, Reach::NextStart);
        note("dependencies", old.dependencies != new.dependencies, Reach::Now);
        note("wants", old.wants != new.wants, Reach::Now);
        note("after", old.after != new.after, Reach::NextStart);
        note("before", old.before != new.before, Reach::NextStart);
        note("conflicts", old.conflicts != new.conflicts, Reach::NextStart);
        note("required_for", old.required_for != new.required_for, Reach::Now);
        note("group", old.group != new.group, Reach::Now);
        note("critical", old.critical != new.critical, Reach::Now);
        note("protects_hardware", old.protects_hardware != new.protects_hardware, Reach::Now);
        note("restart", old.restart != new.restart, Reach::Now);
        note("startup.stop_timeout", old.stop_timeout != new.stop_timeout, Reach::Now);
        note("startup.start_timeout", old.start_timeout != new.start_timeout, Reach::NextStart);
        note("startup.start_delay", old.start_delay != new.start_delay, Reach::NextStart);
        note("startup.start_order", old.start_order != new.start_order, Reach::NextStart);
        note("startup.auto_start", old.auto_start != new.auto_start, Reach::NextStart);
        note("port", old.port != new.port, Reach::NextStart);
        let words = |spec: &ServiceSpec| {
            (spec.display_name.clone(), spec.description.clone(), spec.kind.clone(), spec.category.clone())
        };
        note("description", words(old) != words(new), Reach::Now);
        found
    }
}

fn of_binaries(old: &Binary, new: &Binary) -> [(&'static str, bool); 12] {
    [
        ("binary_path", old.path != new.path),
        ("args", old.args != new.args),
        ("working_dir", old.working_dir != new.working_dir),
        ("env", old.env != new.env),
        ("user", old.user != new.user),
        ("group", old.group != new.group),
        ("umask", old.umask != new.umask),
        ("nice", old.nice != new.nice),
        ("oom_score", old.oom_score != new.oom_score),
        ("no_new_privileges", old.no_new_privileges != new.no_new_privileges),
        ("capabilities", old.capabilities != new.capabilities),
        ("limits", old.limits != new.limits),
    ]
}
