//! All operations: the running ones and the last of the past ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use super::{
    plan::{Deed, House, Plan, PlanStep},
    services::Moving,
};
use crate::{
    event::Severity,
    ids::{MachineId, Name, OperationId},
    input::Verb,
    machines::{
        Demand, MachineKind, Tone, Trigger,
        bank::{Machines, Moved},
    },
    outbox::{Cause, Outbox},
    time::{Mono, human},
    timers::Timer,
    view::{OperationState, OperationView, StepState, StepView},
};

/// Past operations kept.
const KEPT: usize = 200;
/// How long an idempotency key holds.
const KEY_HOLDS: Duration = Duration::from_secs(600);

#[derive(Clone, Debug)]
pub(super) enum Work {
    /// Services.
    Services(Moving),
    /// Machines.
    Machines { steps: Vec<PlanStep>, stage: u32, relentless: bool },
}

#[derive(Clone, Debug)]
pub(super) struct Operation {
    pub(super) view: OperationView,
    pub(super) work: Work,
    pub(super) cause: Cause,
    pub(super) key: String,
    pub(super) machines: BTreeSet<MachineId>,
}

/// Who asks for an operation, and how.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// e.g. `host-on`.
    pub kind: String,
    /// On what.
    pub target: String,
    /// Who.
    pub actor: &'a str,
    /// Why.
    pub reason: &'a str,
    /// Idempotency key; may be empty.
    pub key: &'a str,
    /// Bound; absent: the machines' own.
    pub deadline: Option<Duration>,
}

impl<'a> Order<'a> {
    /// An order on services; none by name means the platform.
    pub fn of_services(kind: &str, names: &[Name], actor: &'a str, reason: &'a str) -> Self {
        let target = match names {
            [] => "platform".to_owned(),
            names => names.iter().map(Name::as_str).collect::<Vec<_>>().join(" "),
        };
        Self { kind: kind.to_owned(), target, actor, reason, key: "", deadline: None }
    }
}

/// All operations.
#[derive(Clone, Debug)]
pub struct Operations {
    pub(super) all: BTreeMap<OperationId, Operation>,
    pub(super) running: BTreeSet<OperationId>,
    pub(super) next: u64,
}

impl Default for Operations {
    fn default() -> Self {
        Self { all: BTreeMap::new(), running: BTreeSet::new(), next: 1 }
    }
}

impl Operations {
    /// Oldest first.
    pub fn ids(&self) -> Vec<OperationId> {
        self.all.keys().copied().collect()
    }

    /// The operation.
    pub fn get(&self, id: OperationId) -> Option<&OperationView> {
        self.all.get(&id).map(|operation| &operation.view)
    }

    /// The operation that the same key began, if that was not long ago.
    pub fn by_key(&self, key: &str, now: Mono) -> Option<OperationId> {
        let same = |operation: &&Operation| operation.key == key && now.since(operation.view.created) < KEY_HOLDS;
        (!key.is_empty()).then(|| self.all.values().rev().find(same).map(|operation| operation.view.id)).flatten()
    }

    /// Running operations that drive one of these machines, or a parent or child of one.
    pub fn in_the_way<'a>(
        &'a self,
        machines: &'a BTreeSet<MachineId>,
        bank: &'a Machines,
    ) -> impl Iterator<Item = (OperationId, &'a str, String, Mono)> + 'a {
        let related = |one: MachineId, other: MachineId| {
            one == other || bank.get(one).spec.parent == Some(other) || bank.get(other).spec.parent == Some(one)
        };
        self.running.iter().filter_map(move |id| {
            let operation = self.all.get(id)?;
            let hit = operation.machines.iter().find(|own| machines.iter().any(|other| related(**own, *other)))?;
            let name = bank.get(*hit).spec.name.to_string();
            Some((*id, operation.view.kind.as_str(), name, operation.view.created))
        })
    }

    /// Hosts that running operations are powering on.
    pub fn hosts_powering_on(&self, bank: &Machines) -> usize {
        let is_host = |id: MachineId| bank.get(id).spec.definition.kind == MachineKind::Host;
        let steps =
            self.running.iter().filter_map(|id| self.all.get(id)).filter_map(|operation| match &operation.work {
                Work::Machines { steps, .. } => Some(steps.iter().zip(&operation.view.steps)),
                Work::Services(..) => None,
            });
        steps
            .flatten()
            .filter(|(step, view)| {
                matches!(step.deed, Deed::Drive(id, Demand::On) if is_host(id)) && view.state == StepState::Running
            })
            .count()
    }

    pub(super) fn open(&mut self, order: Order<'_>, steps: Vec<StepView>, work: Work, out: &mut Outbox) -> OperationId {
        let id = OperationId(self.next);
        self.next += 1;
        let view = OperationView {
            id,
            kind: order.kind,
            target: order.target,
            state: OperationState::Running,
            steps,
            reason: String::new(),
            requested_by: order.actor.to_owned(),
            request_reason: order.reason.to_owned(),
            created: out.now(),
            ended: None,
            obstacles: Vec::new(),
            revision: String::new(),
            affects: Vec::new(),
            expected: None,
            cause: out.cause().id,
        };
        self.running.insert(id);
        let mut text = format!("{id}: {} {}", view.kind, view.target);
        if !order.actor.is_empty() {
            let _ = write!(text, ", asked by {}", order.actor);
        }
        if !order.reason.is_empty() {
            let _ = write!(text, " ({})", order.reason);
        }
        out.event(
            format!("operation.{id}.accepted"),
            "operator",
            Severity::Notice,
            text,
            vec![
                ("operation", id.to_string().into()),
                ("kind", view.kind.as_str().into()),
                ("target", view.target.as_str().into()),
                ("reason", order.reason.into()),
            ],
        );
        if let Some(deadline) = order.deadline {
            out.arm(Timer::Operation(id), out.now() + deadline);
        }
        out.changed().operations.insert(id);
        let operation =
            Operation { view, work, cause: out.cause(), key: order.key.to_owned(), machines: BTreeSet::new() };
        self.all.insert(id, operation);
        while self.all.len() > KEPT {
            let Some(oldest) = self.all.keys().copied().find(|id| !self.running.contains(id)) else { break };
            self.all.remove(&oldest);
        }
        id
    }

    /// What a plan would do, for people; changes nothing.
    pub fn describe(order: &Order<'_>, plan: Plan, bank: &Machines, out: &Outbox) -> OperationView {
        OperationView {
            id: OperationId(0),
            kind: order.kind.clone(),
            target: order.target.clone(),
            state: OperationState::Planned,
            steps: step_views(&plan, bank),
            reason: String::new(),
            requested_by: order.actor.to_owned(),
            request_reason: order.reason.to_owned(),
            created: out.now(),
            ended: None,
            affects: affected(&plan, bank),
            expected: Some(plan.bound),
            revision: plan.revision,
            obstacles: plan.obstacles,
            cause: out.cause().id,
        }
    }

    /// A plan becomes an operation.
    pub fn open_machines(
        &mut self,
        order: Order<'_>,
        plan: Plan,
        house: &House<'_>,
        bank: &mut Machines,
        out: &mut Outbox,
    ) -> OperationId {
        if plan.supersedes {
            let others: Vec<_> = self.in_the_way(&plan.machines, bank).map(|(id, ..)| id).collect();
            for other in others {
                let text = format!("superseded by {} {}", order.kind, order.target);
                self.close(other, OperationState::Cancelled, text, bank, out);
            }
        }
        let (steps, affects) = (step_views(&plan, bank), affected(&plan, bank));
        let work = Work::Machines { steps: plan.steps, stage: 0, relentless: plan.relentless };
        let id = self.open(order, steps, work, out);
        if let Some(operation) = self.all.get_mut(&id) {
            operation.view.affects = affects;
            operation.view.expected = Some(plan.bound);
            operation.view.revision = plan.revision;
            operation.view.obstacles = plan.obstacles;
            operation.machines.clone_from(&plan.machines);
            for machine in &plan.machines {
                bank.set_operation(*machine, Some(id), out);
            }
        }
        self.advance(id, house, bank, out);
        id
    }

    /// Machines have moved: which operations does that bring on?
    pub fn machines_moved(&mut self, moved: &[Moved], house: &House<'_>, bank: &mut Machines, out: &mut Outbox) {
        let concerned: Vec<_> = self
            .running
            .iter()
            .copied()
            .filter(|id| {
                let machines = self.all.get(id).map(|operation| &operation.machines);
                machines.is_some_and(|machines| moved.iter().any(|moved| machines.contains(&moved.machine)))
            })
            .collect();
        for id in concerned {
            self.judge(id, moved, bank, out);
            self.advance(id, house, bank, out);
        }
    }

    /// Which running steps has a move ended?
    fn judge(&mut self, id: OperationId, moved: &[Moved], bank: &Machines, out: &mut Outbox) {
        let now = out.now();
        let Some(operation) = self.all.get_mut(&id) else { return };
        let Work::Machines { steps, .. } = &operation.work else { return };
        for (step, view) in steps.iter().zip(&mut operation.view.steps) {
            let Deed::Drive(machine, demand) = step.deed else { continue };
            if view.state != StepState::Running || !moved.iter().any(|moved| moved.machine == machine) {
                continue;
            }
            let drives = machine;
            let machine = bank.get(machine);
            let state = machine.state_name();
            if machine.fulfils(demand) {
                view.state = StepState::Succeeded;
                view.ended = Some(now);
                let by_lines = moved.iter().rfind(|moved| moved.machine == drives).map(|moved| &moved.trigger);
                let confirmed = matches!(by_lines, Some(Trigger::Rises(_) | Trigger::Falls(_) | Trigger::SequenceDone));
                view.detail = format!("{state}{}", if confirmed { ", confirmed by the hardware" } else { "" });
            } else if machine.state_def().tone == Tone::Transitional {
                view.detail = under_way(bank, drives);
            } else {
                view.state = StepState::Failed;
                view.ended = Some(now);
                // A sequence that failed was undone since: what failed is the reason, not that the undoing is done.
                let why = Some(&machine.last_failure).filter(|why| !why.is_empty()).unwrap_or(&machine.brought_by);
                view.detail = format!("{} is {state}: {why}", machine.spec.name);
            }
            out.changed().operations.insert(id);
        }
    }

    /// Sequences have gone on: whoever watches an operation sees their steps.
    pub fn sequences_moved(&mut self, bank: &Machines, out: &mut Outbox) {
        for id in &self.running {
            let Some(operation) = self.all.get_mut(id) else { continue };
            let Work::Machines { steps, .. } = &operation.work else { continue };
            for (step, view) in steps.iter().zip(&mut operation.view.steps) {
                if let Deed::Drive(machine, _) = step.deed
                    && view.state == StepState::Running
                    && bank.sequencer().is_running(machine)
                {
                    let detail = under_way(bank, machine);
                    if view.detail != detail {
                        view.detail = detail;
                        out.changed().operations.insert(*id);
                    }
                }
            }
        }
    }

    /// Begins what is due: steps of this stage, then of the next, or the end.
    fn advance(&mut self, id: OperationId, house: &House<'_>, bank: &mut Machines, out: &mut Outbox) {
        loop {
            let Some(operation) = self.all.get_mut(&id) else { return };
            if operation.view.state.is_final() {
                return;
            }
            let cause = operation.cause.clone();
            let Work::Machines { steps, stage, relentless } = &mut operation.work else { return };
            let of_stage: Vec<usize> = (0..steps.len()).filter(|index| steps[*index].stage == *stage).collect();
            let states =
                |wanted: StepState, views: &[StepView]| of_stage.iter().any(|index| views[*index].state == wanted);
            if states(StepState::Failed, &operation.view.steps) && !*relentless {
                // What runs beside the failed step ends by its own bounds first, so that the outcome is the whole truth.
                if states(StepState::Running, &operation.view.steps) {
                    return;
                }
                let text = operation.view.steps.iter().find(|step| step.state == StepState::Failed);
                let text = text.map_or_else(String::new, |step| format!("{}: {}", step.name, step.detail));
                return self.close(id, OperationState::Failed, text, bank, out);
            }
            if states(StepState::Pending, &operation.view.steps) {
                let steps = steps.clone();
                for index in of_stage {
                    self.begin_step(id, index, &steps[index], house, bank, out);
                }
                let moved = bank.take_moved();
                out.because(cause);
                self.judge(id, &moved, bank, out);
                // Others may have moved along; the caller sees to sensors and children.
                bank.put_back(moved);
                continue;
            }
            if states(StepState::Running, &operation.view.steps) {
                return;
            }
            let next = steps.iter().map(|step| step.stage).filter(|other| *other > *stage).min();
            if let Some(next) = next {
                *stage = next;
            } else {
                let failed = operation.view.steps.iter().find(|step| step.state == StepState::Failed);
                let (state, text) = match failed {
                    Some(step) => (OperationState::Failed, format!("{}: {}", step.name, step.detail)),
                    None => (OperationState::Succeeded, String::new()),
                };
                return self.close(id, state, text, bank, out);
            }
        }
    }

    fn begin_step(
        &mut self,
        id: OperationId,
        index: usize,
        step: &PlanStep,
        house: &House<'_>,
        bank: &mut Machines,
        out: &mut Outbox,
    ) {
        let now = out.now();
        // What was allowed when the request came may be forbidden by now: a trip, a lost supply.
        let forbidden = match step.deed {
            Deed::Drive(machine, Demand::On) if !bank.get(machine).fulfils(Demand::On) => {
                house.scene(bank, self, now).power_on_obstacles(machine).into_iter().next()
            }
            Deed::Drive(..) | Deed::Dwell(_) => None,
        };
        let Some(operation) = self.all.get_mut(&id) else { return };
        out.because(operation.cause.clone());
        let view = &mut operation.view.steps[index];
        view.started = Some(now);
        view.state = StepState::Running;
        out.changed().operations.insert(id);
        if let Some(obstacle) = forbidden {
            view.state = StepState::Failed;
            view.ended = Some(now);
            view.detail = obstacle.text;
            return;
        }
        match step.deed {
            Deed::Dwell(pause) => out.arm(Timer::Dwell(id), now + pause),
            Deed::Drive(machine, demand) => {
                if let Some(requested) = left_with(&operation.work, machine) {
                    bank.set_requested(machine, requested, out);
                }
                let repeatable = !demand.is_felt_each_time();
                if repeatable && bank.get(machine).fulfils(demand) {
                    view.state = StepState::Skipped;
                    view.ended = Some(now);
                    view.detail = format!("it is {} already", bank.get(machine).state_name());
                } else if bank.demand(machine, demand, out) {
                    view.detail = bank.get(machine).state_name().to_string();
                } else if repeatable && bank.get(machine).is_on_its_way_to(demand) {
                    view.detail = format!("it is {} already", bank.get(machine).state_name());
                } else {
                    view.state = StepState::Failed;
                    view.ended = Some(now);
                    let machine = bank.get(machine);
                    view.detail = format!("`{}` has no meaning while it is {}", demand.as_str(), machine.state_name());
                }
            }
        }
    }

    /// A pause is over.
    pub fn dwell_over(&mut self, id: OperationId, house: &House<'_>, bank: &mut Machines, out: &mut Outbox) {
        let now = out.now();
        if let Some(operation) = self.all.get_mut(&id)
            && let Work::Machines { steps, stage, .. } = &operation.work
        {
            for (step, view) in steps.iter().zip(&mut operation.view.steps) {
                if step.stage == *stage && matches!(step.deed, Deed::Dwell(_)) && view.state == StepState::Running {
                    view.state = StepState::Succeeded;
                    view.ended = Some(now);
                }
            }
        }
        self.advance(id, house, bank, out);
    }

    /// It has taken too long.
    pub fn deadline(&mut self, id: OperationId, bank: &mut Machines, out: &mut Outbox) {
        if let Some(operation) = self.all.get(&id) {
            out.because(operation.cause.clone());
            let took = human(out.now().since(operation.view.created));
            self.close(id, OperationState::Failed, format!("its deadline of {took} has passed"), bank, out);
        }
    }

    /// No further steps. What is under way ends by its machines' own bounds.
    pub fn cancel(&mut self, id: OperationId, bank: &mut Machines, out: &mut Outbox) {
        let text = format!("cancelled by {}; what is under way ends by itself", out.cause().actor);
        self.close(id, OperationState::Cancelled, text, bank, out);
    }

    /// Whether an operation is one of machines.
    pub fn drives_machines(&self, id: OperationId) -> bool {
        self.all.get(&id).is_some_and(|operation| matches!(operation.work, Work::Machines { .. }))
    }

    fn close(&mut self, id: OperationId, state: OperationState, reason: String, bank: &mut Machines, out: &mut Outbox) {
        let now = out.now();
        if let Some(operation) = self.all.get_mut(&id) {
            for step in &mut operation.view.steps {
                match step.state {
                    StepState::Pending => step.state = StepState::Skipped,
                    StepState::Running => {
                        step.state = StepState::Failed;
                        step.ended = Some(now);
                    }
                    StepState::Succeeded | StepState::Failed | StepState::Skipped => {}
                }
            }
            for machine in &operation.machines {
                if bank.get(*machine).operation == Some(id) {
                    bank.set_operation(*machine, None, out);
                }
            }
        }
        out.cancel(Timer::Dwell(id));
        self.finish(id, state, reason, out);
    }

    pub(super) fn finish(&mut self, id: OperationId, state: OperationState, reason: String, out: &mut Outbox) {
        if !self.running.remove(&id) {
            return;
        }
        out.cancel(Timer::Operation(id));
        let Some(operation) = self.all.get_mut(&id) else { return };
        let outer = out.cause();
        out.because(operation.cause.clone());
        let view = &mut operation.view;
        view.state = state;
        view.ended = Some(out.now());
        view.reason = reason;
        let took = out.now().since(view.created);
        let (severity, text) = match state {
            OperationState::Succeeded => {
                (Severity::Notice, format!("{id}: {} {} done in {}", view.kind, view.target, human(took)))
            }
            _ => (Severity::Error, format!("{id}: {} {} {}: {}", view.kind, view.target, state.as_str(), view.reason)),
        };
        let fields = vec![
            ("operation", id.to_string().into()),
            ("kind", view.kind.as_str().into()),
            ("target", view.target.as_str().into()),
            ("duration_s", took.as_secs_f64().into()),
        ];
        out.event(format!("operation.{id}.{}", state.as_str()), "operator", severity, text, fields);
        out.changed().operations.insert(id);
        out.because(outer);
    }
}

/// What an operation is to leave a machine with in the end: a power cycle does not ask for off.
fn left_with(work: &Work, machine: MachineId) -> Option<&'static str> {
    let Work::Machines { steps, .. } = work else { return None };
    steps.iter().rev().find_map(|step| match step.deed {
        Deed::Drive(driven, demand) if driven == machine => demand.leaves(),
        Deed::Drive(..) | Deed::Dwell(_) => None,
    })
}

fn step_views(plan: &Plan, bank: &Machines) -> Vec<StepView> {
    let view = |step: &PlanStep| StepView {
        name: match &step.deed {
            Deed::Drive(machine, demand) => format!("{} {}", bank.get(*machine).spec.name, demand.as_str()),
            Deed::Dwell(pause) => format!("wait {}", human(*pause)),
        },
        state: StepState::Pending,
        started: None,
        ended: None,
        detail: match &step.deed {
            Deed::Drive(machine, _) => format!("now {}", bank.get(*machine).state_name()),
            Deed::Dwell(_) => String::new(),
        },
    };
    plan.steps.iter().map(view).collect()
}

/// Where a machine stands that is on its way: the step of its sequence, else what its state means.
fn under_way(bank: &Machines, id: MachineId) -> String {
    let machine = bank.get(id);
    let progress = bank.progress(id).map(|progress| progress.text);
    format!("{}: {}", machine.state_name(), progress.as_ref().unwrap_or(&machine.state_def().description))
}

fn affected(plan: &Plan, bank: &Machines) -> Vec<String> {
    let machines = plan.machines.iter().map(|id| bank.get(*id).spec.name.to_string());
    let rails = plan.machines.iter().flat_map(|id| bank.rails_of(*id)).map(|rail| format!("rail {rail}"));
    machines.chain(rails).collect()
}

/// `host-on`, `chassis-cycle`.
pub fn kind_of(machine: MachineKind, verb: Verb) -> String {
    format!("{machine}-{}", verb.as_str())
}
