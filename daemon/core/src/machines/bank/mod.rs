//! All machines and the lines they follow and drive.
//!
//! A machine's state follows the hardware: it is *discovered* from the lines at start, and after that it moves on
//! demands, on line levels, and on time-outs. A rise or fall is taken as soon as the level is there, also right on
//! entering a state, so an edge can be neither missed nor counted twice.
//!
//! - `discovery`: what machines are found in; `rails`: machines and their sequences.

mod discovery;
mod rails;

use std::{collections::BTreeSet, mem};

use super::{Action, Demand, History, Machine, Tone, Transition, TransitionRecord, Trigger};
use crate::{
    board::Board,
    event::Severity,
    ids::{MachineId, Name, OperationId, SignalId},
    outbox::{Cause, Outbox},
    power::{
        SupplySpec,
        lines::Lines,
        sequencer::{Driven, Sequencer},
        supplies::Standing,
    },
    time::human,
    timers::Timer,
    units::Level,
};

/// A definition that moves on without end is cut off; the next input goes on from there.
const MOVES_AT_ONCE: usize = 16;

/// What a machine has just done; operations and sensors want to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    /// Which machine.
    pub machine: MachineId,
    /// By what.
    pub trigger: Trigger,
    /// Whether power came or went.
    pub power_changed: bool,
}

/// All machines and lines.
#[derive(Clone, Debug)]
pub struct Machines {
    all: Vec<Machine>,
    lines: Lines,
    sequencer: Sequencer,
    /// Outputs are to be looked at once all lines have been read.
    drive_due: bool,
    history: History,
    moved: Vec<Moved>,
}

impl Machines {
    /// None is discovered.
    pub fn new(board: &Board) -> Self {
        let all = board.machines.iter().map(Machine::new).collect();
        Self {
            all,
            lines: Lines::new(board),
            sequencer: Sequencer::new(board),
            drive_due: false,
            history: History::default(),
            moved: Vec::new(),
        }
    }

    /// The machine.
    pub fn get(&self, id: MachineId) -> &Machine {
        &self.all[id.index()]
    }

    /// Every id; parents come before their children.
    pub fn ids(&self) -> impl Iterator<Item = MachineId> + use<> {
        (0..self.all.len()).map(MachineId::new)
    }

    /// Machines whose parent is `id`.
    pub fn children(&self, id: MachineId) -> impl Iterator<Item = MachineId> + '_ {
        self.ids().filter(move |child| self.get(*child).spec.parent == Some(id))
    }

    /// What they did.
    pub const fn history(&self) -> &History {
        &self.history
    }

    /// Level of a line. Absent: unknown or unreadable.
    pub fn level(&self, id: SignalId) -> Option<Level> {
        self.lines.level(id)
    }

    /// Where a supply stands by its lines.
    pub fn standing(&self, supply: &SupplySpec) -> Standing {
        Standing::of(supply, |line| self.level(line))
    }

    /// Somebody has looked at the line.
    pub fn is_seen(&self, id: SignalId) -> bool {
        self.lines.is_seen(id)
    }

    /// What machines have done since this was called last.
    pub fn take_moved(&mut self) -> Vec<Moved> {
        mem::take(&mut self.moved)
    }

    /// All lines.
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Nothing has moved since [`Machines::take_moved`].
    pub fn is_settled(&self) -> bool {
        self.moved.is_empty()
    }

    /// Gives back what [`Machines::take_moved`] took, for the next who asks.
    pub fn put_back(&mut self, mut moved: Vec<Moved>) {
        moved.append(&mut self.moved);
        self.moved = moved;
    }

    /// An operation takes or releases a machine.
    pub fn set_operation(&mut self, id: MachineId, operation: Option<OperationId>, out: &mut Outbox) {
        let machine = &mut self.all[id.index()];
        if machine.operation != operation {
            machine.operation = operation;
            out.changed().machines.insert(id);
        }
    }

    /// Somebody asked for a power state.
    pub fn set_requested(&mut self, id: MachineId, requested: &'static str, out: &mut Outbox) {
        self.all[id.index()].requested = requested;
        out.changed().machines.insert(id);
    }

    /// A line was read.
    pub fn line(&mut self, id: SignalId, level: Option<Level>, out: &mut Outbox) {
        if let Some(asked) = self.asked_by(id) {
            out.because(asked);
        }
        if !self.lines.observe(id, level, out) {
            return;
        }
        if level == Some(Level::High) && self.lines.intent(id) == Some(Level::Low) {
            // Told to be low when nobody could drive it, and it shows only now: whatever it feeds must not come up.
            self.lines.set(id, Level::Low, out);
        }
        self.sequencer.observed(&mut self.lines, out);
        self.follow_sequences(out);
        self.tell_lost_rail(id, out);
        for machine in self.ids() {
            if self.get(machine).spec.signals.values().any(|bound| *bound == id) {
                out.changed().machines.insert(machine);
                if self.get(machine).discovered {
                    self.follow(machine, out);
                } else {
                    self.try_discover(machine, false, out);
                }
            }
        }
        for machine in self.ids() {
            self.settle_found(machine, false, out);
        }
        if self.drive_due && self.lines.all_seen() {
            self.drive_again(out);
        }
    }

    /// What the hardware does under an operation is what somebody asked for: the cause of what this line does now.
    fn asked_by(&self, line: SignalId) -> Option<Cause> {
        let listens = |machine: &&Machine| {
            let Machine { spec, operation, .. } = machine;
            operation.is_some()
                && (spec.signals.values().any(|bound| *bound == line)
                    || spec.sequences.values().any(|sequence| self.sequencer.inputs(*sequence).contains(&line)))
        };
        self.all.iter().find(listens).map(|machine| machine.cause.clone())
    }

    fn role_level(&self, id: MachineId, role: &Name) -> Option<Level> {
        self.get(id).spec.signals.get(role).and_then(|line| self.level(*line))
    }

    /// Takes every arrow whose level is there already.
    fn follow(&mut self, id: MachineId, out: &mut Outbox) {
        for _ in 0..MOVES_AT_ONCE {
            let machine = self.get(id);
            let next = machine.state_def().drift(machine.unfed, |role| self.role_level(id, role));
            let Some(next) = next.cloned() else { return };
            // As in `asked_by`.
            let outer = out.cause();
            match self.get(id).operation {
                Some(_) => out.because(self.get(id).cause.clone()),
                None => self.all[id.index()].cause = outer.clone(),
            }
            self.take(id, &next, out);
            out.because(outer);
        }
    }

    /// A demand. False: it means nothing in this state.
    pub fn demand(&mut self, id: MachineId, demand: Demand, out: &mut Outbox) -> bool {
        let machine = &mut self.all[id.index()];
        machine.last_failure.clear();
        machine.root.clear();
        machine.cause = out.cause();
        self.trigger(id, &Trigger::Demand(demand), out)
    }

    /// Something that is neither a line nor a demand. False: it means nothing in this state.
    pub fn trigger(&mut self, id: MachineId, trigger: &Trigger, out: &mut Outbox) -> bool {
        let next = self.get(id).state_def().arrow(trigger, |role| self.role_level(id, role));
        let Some(next) = next.cloned() else { return false };
        self.take(id, &next, out);
        self.follow(id, out);
        self.follow_sequences(out);
        true
    }

    /// A state has lasted as long as it may.
    pub fn timed_out(&mut self, id: MachineId, out: &mut Outbox) {
        out.because(self.get(id).cause.clone());
        self.trigger(id, &Trigger::Timeout, out);
    }

    /// The only place where a machine's state changes once it is known.
    fn take(&mut self, id: MachineId, transition: &Transition, out: &mut Outbox) {
        let now = out.now();
        let parent = self.get(id).spec.parent.map(|parent| self.get(parent).spec.name.clone());
        let machine = &mut self.all[id.index()];
        let Some(place) = machine.definition().states.get_index_of(&transition.to) else { return };
        let from = machine.state_name().clone();
        let from_def = machine.state_def().clone();
        let duration = now.since(machine.since);
        machine.state = place;
        machine.since = now;
        // What it drives is decided by where it goes.
        machine.unsettled = false;
        let to = machine.state_def().clone();
        let name = machine.spec.name.clone();
        let trigger = match (&transition.on, from_def.timeout) {
            (Trigger::Timeout, Some(limit)) => format!("timeout after {}", human(limit)),
            (Trigger::SequenceFailed | Trigger::RailLost, _) if !machine.last_failure.is_empty() => {
                machine.last_failure.clone()
            }
            (Trigger::ParentOff, _) => format!("{} has no power", parent.as_ref().map_or("its chassis", Name::as_str)),
            (trigger, _) => trigger.to_string(),
        };
        let lost = machine.note_why(&transition.on, &from, &from_def, &to, &trigger);
        match to.timeout {
            Some(timeout) => out.arm(Timer::Machine(id), now + timeout),
            None => out.cancel(Timer::Machine(id)),
        }
        let severity = match (&transition.on, to.tone) {
            _ if lost => Severity::Critical,
            (_, Tone::Fault) | (Trigger::Timeout | Trigger::SequenceFailed, _) => Severity::Error,
            (_, Tone::Normal | Tone::Transitional) => Severity::Info,
        };
        let text = if lost {
            format!("{name} lost power: {trigger} while {from}")
        } else {
            format!("{name}: {from} → {} ({trigger})", transition.to)
        };
        self.history.push(TransitionRecord {
            seq: out.last_seq() + 1,
            machine: name.clone(),
            from: from.clone(),
            to: transition.to.clone(),
            trigger: trigger.clone(),
            duration,
            mono: now,
            cause: out.cause().id,
            actor: out.cause().actor,
        });
        out.event(
            format!("state.{name}.transition"),
            "statemgr",
            severity,
            text,
            vec![
                ("machine", name.as_str().into()),
                ("from", from.as_str().into()),
                ("to", transition.to.as_str().into()),
                ("trigger", trigger.into()),
                ("duration_s", duration.as_secs_f64().into()),
            ],
        );
        out.changed().machines.insert(id);
        let power_changed = from_def.powered != to.powered;
        self.moved.push(Moved { machine: id, trigger: transition.on.clone(), power_changed });
        for action in &to.entry {
            self.act(id, action, out);
        }
        if power_changed {
            self.tell_children(id, to.powered, out);
        }
    }

    /// What stands in a machine has lost what feeds it, whatever its own lines say; or has it again.
    fn tell_children(&mut self, id: MachineId, powered: bool, out: &mut Outbox) {
        for child in self.children(id).collect::<Vec<_>>() {
            self.all[child.index()].unfed = !powered;
            if self.get(child).discovered {
                self.follow(child, out);
            }
        }
    }

    fn act(&mut self, id: MachineId, action: &Action, out: &mut Outbox) {
        let bound = |role: &Name| self.get(id).spec.signals.get(role).copied();
        let sequence = |role: &Name| self.get(id).spec.sequences.get(role).copied();
        match action {
            Action::Set { role, level } => {
                let Some(line) = bound(role) else { return };
                out.cancel(Timer::Pulse(line));
                self.lines.set(line, *level, out);
            }
            Action::Pulse { role, duration } => {
                let Some(line) = bound(role) else { return };
                self.lines.set(line, Level::High, out);
                out.arm(Timer::Pulse(line), out.now() + *duration);
            }
            Action::Run { role } => {
                let Some(sequence) = sequence(role) else { return };
                self.all[id.index()].last_failure.clear();
                self.sequencer.run(id, sequence, &mut self.lines, out);
            }
            Action::Undo { role } => {
                let Some(sequence) = sequence(role) else { return };
                self.sequencer.undo(id, sequence, &mut self.lines, out);
            }
        }
    }

    /// A pulse has lasted long enough.
    pub fn pulse_over(&mut self, line: SignalId, out: &mut Outbox) {
        self.lines.set(line, Level::Low, out);
    }

    /// A line was not driven as told.
    pub fn drive_failed(&mut self, line: SignalId, why: &str, out: &mut Outbox) {
        self.lines.drive_failed(line, why, out);
        self.sequencer.not_driven(Driven::Line(line), &self.lines, out);
        self.follow_sequences(out);
    }
}
