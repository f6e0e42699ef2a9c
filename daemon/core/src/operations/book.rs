//! All operations: the running ones and the last of the past ones.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    time::Duration,
};

use super::{
    drive::{Drive, left_off},
    learned::Learned,
    plan::{Deed, House, Plan, PlanStep},
    services::Moving,
};
use crate::{
    event::Severity,
    ids::{MachineId, Name, OperationId},
    input::Verb,
    machines::{
        Demand, MachineKind,
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
    Machines(Drive),
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
    pub(crate) learned: Learned,
    pub(super) next: u64,
}

impl Default for Operations {
    fn default() -> Self {
        Self { all: BTreeMap::new(), running: BTreeSet::new(), learned: Learned::default(), next: 1 }
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

    /// Hosts that running operations are powering on, beside one.
    pub fn hosts_powering_on(&self, beside: MachineId, bank: &Machines) -> usize {
        let is_host = |id: MachineId| id != beside && bank.get(id).spec.definition.kind == MachineKind::Host;
        let steps =
            self.running.iter().filter_map(|id| self.all.get(id)).filter_map(|operation| match &operation.work {
                Work::Machines(drive) => Some(drive.steps.iter().zip(&operation.view.steps)),
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
            recalled: false,
            obstacles: Vec::new(),
            revision: String::new(),
            affects: Vec::new(),
            expected: None,
            bound: None,
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
            recalled: false,
            affects: affected(&plan, bank),
            expected: plan.expected,
            bound: Some(plan.bound),
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
            // What takes everything off that this would, and more, goes on beside it.
            // What has nothing to do ends only what would undo it.
            let idle = plan.bound.is_zero();
            for other in others {
                if self.takes_along(other, &plan.machines, bank) || idle && !self.drives_any(other, &plan.machines) {
                    continue;
                }
                self.leave_off(other, bank, out);
                let text = format!("superseded by {} {}", order.kind, order.target);
                self.close(other, OperationState::Cancelled, text, bank, out);
            }
        }
        let (steps, affects) = (step_views(&plan, bank), affected(&plan, bank));
        let were_off = plan.machines.iter().copied().filter(|id| bank.get(*id).fulfils(Demand::Off)).collect();
        let work = Work::Machines(Drive::new(&plan, were_off));
        let id = self.open(order, steps, work, out);
        for machine in &plan.machines {
            bank.set_operation(*machine, Some(id), out);
        }
        if let Some(operation) = self.all.get_mut(&id) {
            operation.view.affects = affects;
            operation.view.expected = plan.expected;
            operation.view.bound = Some(plan.bound);
            operation.view.revision = plan.revision;
            operation.view.obstacles = plan.obstacles;
            operation.machines = plan.machines;
        }
        self.advance(id, house, bank, out);
        id
    }

    /// Whether a running operation drives one of these machines itself.
    fn drives_any(&self, id: OperationId, machines: &BTreeSet<MachineId>) -> bool {
        let Some(Operation { work: Work::Machines(drive), .. }) = self.all.get(&id) else { return false };
        drive.steps.iter().any(|step| matches!(step.deed, Deed::Drive(machine, _) if machines.contains(&machine)))
    }

    /// What an operation would have brought back, and does not any more, is left off.
    fn leave_off(&self, id: OperationId, bank: &mut Machines, out: &mut Outbox) {
        let Some(Operation { view, work: Work::Machines(drive), .. }) = self.all.get(&id) else { return };
        for machine in left_off(&drive.steps, &view.steps, bank) {
            bank.set_requested(machine, "off", out);
        }
    }

    /// Whether a running operation is on the way to take off what all of these machines stand in.
    fn takes_along(&self, id: OperationId, machines: &BTreeSet<MachineId>, bank: &Machines) -> bool {
        let Some(Operation { work: Work::Machines(drive), .. }) = self.all.get(&id) else { return false };
        machines
            .iter()
            .all(|machine| bank.get(*machine).spec.parent.is_some_and(|parent| drive.leaves(parent) == Some("off")))
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
            self.judge(id, moved, house, bank, out);
            self.advance(id, house, bank, out);
        }
    }

    /// It has taken too long.
    pub fn deadline(&mut self, id: OperationId, house: &House<'_>, bank: &mut Machines, out: &mut Outbox) {
        let Some(operation) = self.all.get(&id) else { return };
        out.because(operation.cause.clone());
        let took = human(out.now().since(operation.view.created));
        let text = format!("its deadline of {took} has passed");
        if self.can_stop(id) {
            self.wind_up(id, (OperationState::Failed, text), house, bank, out);
        } else {
            self.close(id, OperationState::Failed, format!("{text}; what is under way ends by itself"), bank, out);
        }
    }

    /// Begins nothing more of it, and takes back what can be. False: all that is left must go to its end.
    pub fn cancel(&mut self, id: OperationId, house: &House<'_>, bank: &mut Machines, out: &mut Outbox) -> bool {
        if !self.can_stop(id) {
            return false;
        }
        let text = format!("cancelled by {}", out.cause().actor);
        self.wind_up(id, (OperationState::Cancelled, text), house, bank, out);
        true
    }

    /// Running operations on machines, whichever.
    pub fn on_machines(&self) -> impl Iterator<Item = &OperationView> {
        let drives = |id: &&OperationId| self.drives_machines(**id);
        self.running.iter().filter(drives).filter_map(|id| self.get(*id))
    }

    /// Whether an operation is one of machines.
    pub fn drives_machines(&self, id: OperationId) -> bool {
        self.all.get(&id).is_some_and(|operation| matches!(operation.work, Work::Machines(_)))
    }

    pub(super) fn close(
        &mut self,
        id: OperationId,
        state: OperationState,
        reason: String,
        bank: &mut Machines,
        out: &mut Outbox,
    ) {
        let now = out.now();
        if let Some(operation) = self.all.get_mut(&id) {
            for step in &mut operation.view.steps {
                match step.state {
                    StepState::Pending => step.state = StepState::Skipped,
                    StepState::Running => {
                        let given_up = state == OperationState::Cancelled;
                        step.state = if given_up { StepState::Skipped } else { StepState::Failed };
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
        for step in 0..self.all.get(&id).map_or(0, |operation| operation.view.steps.len()) {
            out.cancel(Timer::Retry(id, step));
        }
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

/// Where a machine is by the time of a step: the state of now, or what a step before it leaves it in.
fn step_views(plan: &Plan, bank: &Machines) -> Vec<StepView> {
    let mut driven = BTreeSet::new();
    let mut from = |machine: MachineId, states: &[Name]| {
        let when = if driven.insert(machine) { "now" } else { "then" };
        format!("{when} {}", states.iter().map(Name::as_str).collect::<Vec<_>>().join(" or "))
    };
    let view = |(step, states): (&PlanStep, &Vec<Name>)| StepView {
        name: match &step.deed {
            Deed::Drive(machine, demand) => format!("{} {}", bank.get(*machine).spec.name, demand.as_str()),
            Deed::Dwell(pause) => format!("wait {}", human(*pause)),
        },
        state: StepState::Pending,
        started: None,
        ended: None,
        detail: match &step.deed {
            Deed::Drive(machine, Demand::Reboot) => {
                format!("{}; every service stops, hosts go on as they are", from(*machine, states))
            }
            Deed::Drive(machine, _) => from(*machine, states),
            Deed::Dwell(_) => String::new(),
        },
    };
    plan.steps.iter().zip(&plan.from).map(view).collect()
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
