//! Operations on machines: their steps are begun stage by stage, and judged by what the hardware confirms.
//!
//! ```text
//!   pending ──stage due──▶ running ──machine rests where wanted──▶ succeeded
//!                          │  ▲  └──rests elsewhere──▶ failed
//!              power-on    │  │ after a pause, as long as tries are left
//!              came to off └──┘
//! ```
//!
//! An operation that is wound up (cancelled, or past its deadline) begins nothing more. A power-on that has not brought
//! power yet is taken back; whatever else is under way goes on to its end, because half of it is worse than all of it.

use std::{collections::BTreeSet, time::Duration};

use super::{
    book::{Operation, Operations, Work},
    plan::{Deed, House, Plan, PlanStep},
};
use crate::{
    ids::{MachineId, OperationId},
    machines::{
        Demand, Tone, Trigger,
        bank::{Machines, Moved},
    },
    outbox::Outbox,
    time::human,
    timers::Timer,
    view::{OperationState, StepState, StepView},
};

/// Before a power-on is tried a second time; twice as long before each further one.
const PAUSE: Duration = Duration::from_secs(5);

/// The pause after so many tries.
pub(super) fn pause_after(tries: u32) -> Duration {
    PAUSE * 2u32.pow(tries.saturating_sub(1).min(8))
}

/// What an operation on machines goes by. The default is that of one that is over.
#[derive(Clone, Debug, Default)]
pub(super) struct Drive {
    pub(super) steps: Vec<PlanStep>,
    stage: u32,
    /// Later stages are begun although a step has failed.
    relentless: bool,
    /// How often each step was begun.
    tries: Vec<u32>,
    /// Steps that wait for their next try.
    pausing: BTreeSet<usize>,
    /// Power-ons that were taken back, and are on their way to off.
    taken_back: BTreeSet<usize>,
    /// Machines that were without power when it began: those it can take back.
    were_off: BTreeSet<MachineId>,
    /// It begins nothing more, and ends like this.
    ending: Option<(OperationState, String)>,
}

impl Drive {
    pub(super) fn new(plan: &Plan, were_off: BTreeSet<MachineId>) -> Self {
        let Plan { steps, relentless, .. } = plan;
        let tries = vec![0; steps.len()];
        Self { steps: steps.clone(), relentless: *relentless, tries, were_off, ..Self::default() }
    }

    /// What it is to leave a machine with in the end: a power cycle does not ask for off.
    pub(super) fn leaves(&self, machine: MachineId) -> Option<&'static str> {
        self.steps.iter().rev().find_map(|step| match step.deed {
            Deed::Drive(driven, demand) if driven == machine => demand.leaves(),
            Deed::Drive(..) | Deed::Dwell(_) => None,
        })
    }
}

/// The machine and the demand of a step. Absent: it drives none.
const fn driven(step: &PlanStep) -> Option<(MachineId, Demand)> {
    match step.deed {
        Deed::Drive(machine, demand) => Some((machine, demand)),
        Deed::Dwell(_) => None,
    }
}

fn end(view: &mut StepView, state: StepState, detail: String, out: &Outbox) {
    view.state = state;
    view.ended = Some(out.now());
    view.detail = detail;
}

impl Operations {
    /// Which running steps has a move ended?
    pub(super) fn judge(
        &mut self,
        id: OperationId,
        moved: &[Moved],
        house: &House<'_>,
        bank: &Machines,
        out: &mut Outbox,
    ) {
        let Some(Operation { view, work: Work::Machines(drive), .. }) = self.all.get_mut(&id) else { return };
        for (index, (step, view)) in drive.steps.iter().zip(&mut view.steps).enumerate() {
            let Some((place, demand)) = driven(step) else { continue };
            if view.state != StepState::Running || !moved.iter().any(|moved| moved.machine == place) {
                continue;
            }
            let machine = bank.get(place);
            let state = machine.state_name();
            if machine.fulfils(demand) {
                let by_lines = moved.iter().rfind(|moved| moved.machine == place).map(|moved| &moved.trigger);
                let confirmed = matches!(by_lines, Some(Trigger::Rises(_) | Trigger::Falls(_) | Trigger::SequenceDone));
                let confirmed = if confirmed { ", confirmed by the hardware" } else { "" };
                // Where it was asked to go, but not on the way that was asked for: a host whose power was cut, because its
                // software did not shut down, must not pass for one that did.
                let how = match machine.failed_on_the_way() {
                    "" => String::new(),
                    why => format!("; on the way: {why}"),
                };
                let detail = format!("{state}{confirmed}{how}");
                end(view, StepState::Succeeded, detail, out);
                if let Some(started) = view.started {
                    self.learned.note(place, demand, out.now().since(started));
                }
            } else if machine.state_def().tone == Tone::Transitional {
                view.detail = under_way(bank, place);
            } else if !drive.pausing.contains(&index) {
                // A sequence that failed was undone since: what failed is the reason, not that the undoing is done.
                let why = Some(&machine.last_failure).filter(|why| !why.is_empty()).unwrap_or(&machine.brought_by);
                let why = format!("{} is {state}: {why}", machine.spec.name);
                if drive.taken_back.contains(&index) && machine.fulfils(Demand::Off) {
                    end(view, StepState::Skipped, "taken back to off".to_owned(), out);
                    out.changed().operations.insert(id);
                    continue;
                }
                let (tries, most) = (drive.tries[index], house.board.policy.power_on_tries);
                let transient = demand == Demand::On && machine.state_def().tone == Tone::Normal && !machine.lost();
                if transient && drive.ending.is_none() && tries < most {
                    let pause = pause_after(tries);
                    drive.pausing.insert(index);
                    out.arm(Timer::Retry(id, index), out.now() + pause);
                    view.detail = format!("{why}; try {} of {most} in {}", tries + 1, human(pause));
                } else {
                    let after = if tries > 1 { format!(" (after {tries} tries)") } else { String::new() };
                    end(view, StepState::Failed, format!("{why}{after}"), out);
                }
            }
            out.changed().operations.insert(id);
        }
    }

    /// Sequences have gone on: whoever watches an operation sees their steps.
    pub fn sequences_moved(&mut self, bank: &Machines, out: &mut Outbox) {
        for id in &self.running {
            let Some(Operation { view, work: Work::Machines(drive), .. }) = self.all.get_mut(id) else { continue };
            for (step, view) in drive.steps.iter().zip(&mut view.steps) {
                if let Some((machine, _)) = driven(step)
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
    pub(super) fn advance(&mut self, id: OperationId, house: &House<'_>, bank: &mut Machines, out: &mut Outbox) {
        loop {
            let Some(operation) = self.all.get_mut(&id) else { return };
            if operation.view.state.is_final() {
                return;
            }
            let cause = operation.cause.clone();
            let Work::Machines(drive) = &mut operation.work else { return };
            let views = &operation.view.steps;
            let of_stage: Vec<usize> =
                (0..drive.steps.len()).filter(|index| drive.steps[*index].stage == drive.stage).collect();
            let any = |wanted: StepState| of_stage.iter().any(|index| views[*index].state == wanted);
            // What is at once waits for nobody longer than its pause; what still runs is waited for in the end.
            let is_pause = |index: &usize| driven(&drive.steps[*index]).is_none();
            let runs = |pause: bool| {
                of_stage.iter().any(|index| is_pause(index) == pause && views[*index].state == StepState::Running)
            };
            let bounded = drive.relentless && of_stage.iter().any(is_pause);
            let waits = if bounded { runs(true) && runs(false) } else { runs(true) || runs(false) };
            let failed = any(StepState::Failed) && !drive.relentless;
            if failed || drive.ending.is_some() {
                // What runs beside the failed step ends by its own bounds first, so that the outcome is the whole truth.
                if any(StepState::Running) {
                    return;
                }
                return self.conclude(id, bank, out);
            }
            if any(StepState::Pending) {
                for index in of_stage {
                    self.begin_step(id, index, house, bank, out);
                }
                let moved = bank.take_moved();
                out.because(cause);
                self.judge(id, &moved, house, bank, out);
                // Others may have moved along; the caller sees to sensors and children.
                bank.put_back(moved);
                continue;
            }
            if waits {
                return;
            }
            let next = drive.steps.iter().map(|step| step.stage).filter(|other| *other > drive.stage).min();
            match next {
                Some(next) => {
                    drive.stage = next;
                    for index in of_stage {
                        let view = &mut operation.view.steps[index];
                        if driven(&drive.steps[index]).is_none() && view.state == StepState::Running {
                            out.cancel(Timer::Dwell(id));
                            end(view, StepState::Succeeded, "everything is off already".to_owned(), out);
                        }
                    }
                }
                None if views.iter().any(|view| view.state == StepState::Running) => return,
                None => return self.conclude(id, bank, out),
            }
        }
    }

    /// Nothing runs and nothing more is begun: how has it ended?
    fn conclude(&mut self, id: OperationId, bank: &mut Machines, out: &mut Outbox) {
        let Some(Operation { view, work: Work::Machines(drive), .. }) = self.all.get(&id) else { return };
        let of = |state: StepState| drive.steps.iter().zip(&view.steps).filter(move |(_, view)| view.state == state);
        let failed = of(StepState::Failed).next().map(|(_, view)| format!("{}: {}", view.name, view.detail));
        // Everything that was to be brought up from off is off again: as if nobody had asked.
        let driven: Vec<_> = drive.steps.iter().filter_map(driven).collect();
        let undone = !driven.is_empty()
            && driven.iter().all(|(machine, demand)| {
                *demand == Demand::On && drive.were_off.contains(machine) && bank.get(*machine).fulfils(Demand::Off)
            });
        let (state, text) = match (&drive.ending, failed) {
            (Some((OperationState::Failed, text)), _) if undone => (OperationState::RolledBack, text.clone()),
            (Some((state, text)), _) => (*state, text.clone()),
            (None, Some(text)) if undone => (OperationState::RolledBack, text),
            (None, Some(text)) => (OperationState::Failed, text),
            (None, None) => (OperationState::Succeeded, String::new()),
        };
        self.close(id, state, text, bank, out);
    }

    fn begin_step(&mut self, id: OperationId, index: usize, house: &House<'_>, bank: &mut Machines, out: &mut Outbox) {
        let Some(Operation { work: Work::Machines(drive), .. }) = self.all.get(&id) else { return };
        let Some(deed) = drive.steps.get(index).map(|step| step.deed.clone()) else { return };
        // What was allowed when the request came may be forbidden by now: a trip, a lost supply.
        let forbidden = match deed {
            Deed::Drive(machine, Demand::On) if !bank.get(machine).has_come_on() => {
                house.scene(bank, self, out.now()).power_on_obstacles(machine).into_iter().next()
            }
            Deed::Drive(..) | Deed::Dwell(_) => None,
        };
        let Some(operation) = self.all.get_mut(&id) else { return };
        let Work::Machines(drive) = &mut operation.work else { return };
        out.because(operation.cause.clone());
        let view = &mut operation.view.steps[index];
        view.started = view.started.or(Some(out.now()));
        view.state = StepState::Running;
        drive.tries[index] += 1;
        out.changed().operations.insert(id);
        if let Some(obstacle) = forbidden {
            return end(view, StepState::Failed, obstacle.text, out);
        }
        let (machine, demand) = match deed {
            Deed::Dwell(pause) => return out.arm(Timer::Dwell(id), out.now() + pause),
            Deed::Drive(machine, demand) => (machine, demand),
        };
        if let Some(requested) = drive.leaves(machine) {
            bank.set_requested(machine, requested, out);
            // An off of what others stand in is an off of those, also of the ones that are off already.
            for child in bank.children(machine).collect::<Vec<_>>() {
                if requested == "off" && drive.leaves(child).is_none() {
                    bank.set_requested(child, requested, out);
                }
            }
        }
        let repeatable = !demand.is_felt_each_time();
        if repeatable && bank.get(machine).fulfils(demand) {
            end(view, StepState::Skipped, format!("it is {} already", bank.get(machine).state_name()), out);
        } else if bank.demand(machine, demand, out) {
            view.detail = bank.get(machine).state_name().to_string();
        } else if repeatable && bank.get(machine).is_on_its_way_to(demand) {
            view.detail = format!("it is {} already", bank.get(machine).state_name());
        } else {
            let state = bank.get(machine).state_name();
            let detail = format!("`{}` has no meaning while it is {state}", demand.as_str());
            end(view, StepState::Failed, detail, out);
        }
    }

    /// The pause before another try is over.
    pub fn retry_due(
        &mut self,
        id: OperationId,
        index: usize,
        house: &House<'_>,
        bank: &mut Machines,
        out: &mut Outbox,
    ) {
        let Some(Operation { view, work: Work::Machines(drive), .. }) = self.all.get_mut(&id) else { return };
        let waits = view.steps.get(index).is_some_and(|view| view.state == StepState::Running);
        if !drive.pausing.remove(&index) || !waits {
            return;
        }
        self.begin_step(id, index, house, bank, out);
        self.advance(id, house, bank, out);
    }

    /// A pause is over.
    pub fn dwell_over(&mut self, id: OperationId, house: &House<'_>, bank: &mut Machines, out: &mut Outbox) {
        if let Some(Operation { view, work: Work::Machines(drive), .. }) = self.all.get_mut(&id) {
            for (step, view) in drive.steps.iter().zip(&mut view.steps) {
                let pauses = step.stage == drive.stage && driven(step).is_none();
                if pauses && view.state == StepState::Running {
                    end(view, StepState::Succeeded, String::new(), out);
                }
            }
        }
        self.advance(id, house, bank, out);
    }

    /// Whether winding it up would change anything: what is left of it may have to go to its end.
    pub(super) fn can_stop(&self, id: OperationId) -> bool {
        let Some(Operation { view, work: Work::Machines(drive), .. }) = self.all.get(&id) else { return false };
        drive.ending.is_none()
            && drive.steps.iter().zip(&view.steps).any(|(step, view)| match view.state {
                StepState::Pending => true,
                StepState::Running => driven(step).is_none_or(|(_, demand)| demand == Demand::On),
                StepState::Succeeded | StepState::Failed | StepState::Skipped => false,
            })
    }

    /// Begins nothing more. It ends as soon as nothing of it runs.
    pub(super) fn wind_up(
        &mut self,
        id: OperationId,
        (state, why): (OperationState, String),
        house: &House<'_>,
        bank: &mut Machines,
        out: &mut Outbox,
    ) {
        let Some(Operation { view, work: Work::Machines(drive), cause, .. }) = self.all.get_mut(&id) else { return };
        out.changed().operations.insert(id);
        let (mut taken_back, mut going_on) = (Vec::new(), Vec::new());
        let left = left_off(&drive.steps, &view.steps, bank);
        // It was off when all this began, or has been driven there since.
        let was_off: BTreeSet<_> =
            drive.were_off.iter().copied().chain(driven_off(&drive.steps, &view.steps)).collect();
        for (index, (step, view)) in drive.steps.iter().zip(&mut view.steps).enumerate() {
            match view.state {
                StepState::Pending => end(view, StepState::Skipped, "not begun".to_owned(), out),
                StepState::Running if drive.pausing.remove(&index) => {
                    out.cancel(Timer::Retry(id, index));
                    let detail = format!("{}; not tried again", view.detail);
                    end(view, StepState::Failed, detail, out);
                }
                StepState::Running => match driven(step) {
                    None => {
                        out.cancel(Timer::Dwell(id));
                        end(view, StepState::Skipped, "cut short".to_owned(), out);
                    }
                    Some((machine, Demand::On)) if can_be_taken_back(machine, &was_off, bank) => {
                        taken_back.push((index, machine));
                    }
                    Some((machine, Demand::On)) => {
                        going_on.push(machine);
                        let detail = format!("{} goes on by itself", bank.get(machine).spec.name);
                        end(view, StepState::Skipped, detail, out);
                    }
                    Some(_) => {}
                },
                StepState::Succeeded | StepState::Failed | StepState::Skipped => {}
            }
        }
        let told = |why: String, machines: &[MachineId], what: &str| {
            let names: Vec<_> = machines.iter().map(|machine| bank.get(*machine).spec.name.as_str()).collect();
            if names.is_empty() { why } else { format!("{why}; {what}: {}", names.join(", ")) }
        };
        let back: Vec<_> = taken_back.iter().map(|(_, machine)| *machine).collect();
        let why = told(told(why, &back, "taken back to off"), &going_on, "has power and goes on by itself");
        // What was to come back and does not is left off, and says so.
        let rests = |machine: &MachineId| bank.get(*machine).fulfils(Demand::CycleOff);
        let cycled: Vec<_> = drive.steps.iter().filter_map(driven).map(|(machine, _)| machine).filter(rests).collect();
        drive.taken_back.extend(taken_back.iter().map(|(index, _)| *index));
        drive.ending = Some((state, told(why, &left, "left off")));
        let cause = cause.clone();
        for machine in left {
            bank.set_requested(machine, "off", out);
        }
        for machine in cycled {
            bank.demand(machine, Demand::Off, out);
        }
        for (index, machine) in taken_back {
            let outer = out.cause();
            out.because(cause.clone());
            bank.set_requested(machine, "off", out);
            bank.demand(machine, Demand::ForceOff, out);
            out.because(outer);
            if let Some(view) = self.all.get_mut(&id).and_then(|operation| operation.view.steps.get_mut(index)) {
                view.detail = under_way(bank, machine);
            }
        }
        let moved = bank.take_moved();
        self.judge(id, &moved, house, bank, out);
        bank.put_back(moved);
        self.advance(id, house, bank, out);
    }
}

/// Machines that an operation has brought to off so far.
fn driven_off<'a>(steps: &'a [PlanStep], views: &'a [StepView]) -> impl Iterator<Item = MachineId> + 'a {
    let done = |view: &StepView| matches!(view.state, StepState::Succeeded | StepState::Skipped);
    let off = |demand: Demand| matches!(demand, Demand::Off | Demand::ForceOff | Demand::CycleOff);
    let steps = steps.iter().zip(views).filter(move |(_, view)| done(view));
    steps.filter_map(|(step, _)| driven(step)).filter(move |(_, demand)| off(*demand)).map(|(machine, _)| machine)
}

/// Machines that stay off, or come to off, when what is not begun is left out: those that were to come back.
pub(super) fn left_off(steps: &[PlanStep], views: &[StepView], bank: &Machines) -> Vec<MachineId> {
    let all = || steps.iter().zip(views);
    let goes_off = |machine: MachineId| {
        all().any(|(step, view)| {
            view.state == StepState::Running
                && driven(step).is_some_and(|(driven, demand)| driven == machine && demand != Demand::On)
        })
    };
    let mut left = Vec::new();
    for (step, view) in all() {
        if let Some((machine, Demand::On)) = driven(step)
            && view.state == StepState::Pending
            && (!bank.get(machine).is_powered() || goes_off(machine))
            && !left.contains(&machine)
        {
            left.push(machine);
        }
    }
    left
}

/// It was off, and is on its way up without power yet.
fn can_be_taken_back(machine: MachineId, was_off: &BTreeSet<MachineId>, bank: &Machines) -> bool {
    let was_off = was_off.contains(&machine);
    let machine = bank.get(machine);
    was_off && machine.arrow(Demand::ForceOff).is_some() && !machine.state_def().powered
}

/// Where a machine stands that is on its way: the step of its sequence, else what its state means.
pub(super) fn under_way(bank: &Machines, id: MachineId) -> String {
    let machine = bank.get(id);
    let progress = bank.progress(id).map(|progress| progress.text);
    format!("{}: {}", machine.state_name(), progress.as_ref().unwrap_or(&machine.state_def().description))
}
