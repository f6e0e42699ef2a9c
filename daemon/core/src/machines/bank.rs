//! All machines and the lines they follow and drive.
//!
//! A machine's state follows the hardware: it is *discovered* from the lines at start, and after that it moves on
//! demands, on line levels, and on time-outs. A rise or fall is taken as soon as the level is there, also right on
//! entering a state, so an edge can be neither missed nor counted twice.

use std::collections::{BTreeSet, VecDeque};

use super::{Action, Definition, Demand, MachineSpec, StateDef, Tone, Transition, Trigger};
use crate::{
    board::Board,
    event::Severity,
    ids::{CauseId, MachineId, Name, OperationId, RailId, SensorId, SequenceId, SignalId},
    outbox::{Cause, Outbox},
    power::{
        lines::Lines,
        sequencer::{Driven, Outcome, Progress, Sequencer},
    },
    time::{Mono, human},
    timers::Timer,
    units::Level,
};

/// Transitions kept for `machines history`.
const HISTORY: usize = 500;
/// A definition that moves on without end is cut off; the next input goes on from there.
const MOVES_AT_ONCE: usize = 16;

/// One past transition.
#[derive(Clone, Debug, PartialEq)]
pub struct TransitionRecord {
    /// Number of its event.
    pub seq: u64,
    /// Which machine.
    pub machine: Name,
    /// From which state.
    pub from: Name,
    /// To which state.
    pub to: Name,
    /// What triggered it.
    pub trigger: String,
    /// Time spent in `from`.
    pub duration: std::time::Duration,
    /// When.
    pub mono: Mono,
    /// Shared with everything of the same origin.
    pub cause: CauseId,
    /// Who asked; may be empty.
    pub actor: Name,
}

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// As declared.
    pub spec: MachineSpec,
    /// Where it is: a place in its definition's states.
    state: usize,
    /// Since when.
    pub since: Mono,
    /// Whether the hardware has told its state.
    pub discovered: bool,
    /// What somebody asked for last, `on` or `off`; empty when nobody did.
    pub requested: &'static str,
    /// Drives it now.
    pub operation: Option<OperationId>,
    /// What brought it to its state, in words.
    pub brought_by: String,
    /// How its sequence failed last; empty: it never did.
    pub last_failure: String,
    /// It has lost its power, and is still on its way to rest.
    lost: bool,
    /// It was found by its lines, and what a daemon before left switched on has not been looked for: not all of its
    /// outputs have been read.
    unsettled: bool,
    /// What its present activity is due to.
    pub cause: Cause,
}

impl Machine {
    fn definition(&self) -> &Definition {
        &self.spec.definition
    }

    /// State's name.
    pub fn state_name(&self) -> &Name {
        // Loaded definitions have at least one state, and `state` is only set to places in them.
        self.definition().states.get_index(self.state).map_or(&self.spec.name, |(name, _)| name)
    }

    /// State as defined.
    pub fn state_def(&self) -> &StateDef {
        &self.definition().states[self.state]
    }

    /// Whether what it stands for has power.
    pub fn is_powered(&self) -> bool {
        self.discovered && self.state_def().powered
    }

    /// Whether it may have power for all that is known: unknown is powered, because powered is where it gets hot.
    pub fn may_have_power(&self) -> bool {
        !self.discovered || self.state_def().powered
    }

    /// Whether a demand is fulfilled.
    pub fn fulfils(&self, demand: Demand) -> bool {
        self.discovered && self.definition().goals.get(&demand).is_some_and(|goal| goal.contains(self.state_name()))
    }

    /// The arrow that a demand takes from here. Absent: it means nothing in this state.
    pub fn arrow(&self, demand: Demand) -> Option<&Transition> {
        self.state_def().transitions.iter().find(|transition| transition.on == Trigger::Demand(demand))
    }

    /// Hardware and time alone may lead from here to where a demand is fulfilled.
    pub fn is_on_its_way_to(&self, demand: Demand) -> bool {
        let Some(goal) = self.definition().goals.get(&demand) else { return false };
        let mut seen = BTreeSet::new();
        let mut stack = vec![self.state_name()];
        while let Some(name) = stack.pop() {
            if goal.contains(name) {
                return true;
            }
            let Some(state) = self.definition().states.get(name).filter(|state| state.tone == Tone::Transitional)
            else {
                continue;
            };
            if seen.insert(name) {
                let by_itself = state
                    .transitions
                    .iter()
                    .filter(|transition| matches!(transition.on, Trigger::Rises(_) | Trigger::Falls(_)));
                stack.extend(by_itself.map(|transition| &transition.to));
            }
        }
        false
    }

    /// Longest time that its transitional states may take together.
    pub fn bound(&self) -> std::time::Duration {
        self.definition().states.values().filter_map(|state| state.timeout).sum()
    }
}

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
    history: VecDeque<TransitionRecord>,
    moved: Vec<Moved>,
}

impl Machines {
    /// None is discovered.
    pub fn new(board: &Board) -> Self {
        let all = board
            .machines
            .iter()
            .map(|spec| {
                let undiscovered = spec.definition.states.get_index_of(&spec.definition.undiscovered).unwrap_or(0);
                Machine {
                    spec: spec.clone(),
                    state: undiscovered,
                    since: Mono::ZERO,
                    discovered: false,
                    requested: "",
                    operation: None,
                    brought_by: "its state is not known yet".to_owned(),
                    last_failure: String::new(),
                    lost: false,
                    unsettled: false,
                    cause: Cause::default(),
                }
            })
            .collect();
        Self {
            all,
            lines: Lines::new(board),
            sequencer: Sequencer::new(board),
            drive_due: false,
            history: VecDeque::new(),
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

    /// Past transitions, oldest first.
    pub const fn history(&self) -> &VecDeque<TransitionRecord> {
        &self.history
    }

    /// Level of a line. Absent: unknown or unreadable.
    pub fn level(&self, id: SignalId) -> Option<Level> {
        self.lines.level(id)
    }

    /// Somebody has looked at the line.
    pub fn is_seen(&self, id: SignalId) -> bool {
        self.lines.is_seen(id)
    }

    /// What machines have done since this was called last.
    pub fn take_moved(&mut self) -> Vec<Moved> {
        std::mem::take(&mut self.moved)
    }

    /// Where the sequence that a machine runs stands. Absent: it runs none.
    pub fn progress(&self, id: MachineId) -> Option<Progress> {
        self.sequencer.progress(id, &self.lines)
    }

    /// Rails and sequences.
    pub const fn sequencer(&self) -> &Sequencer {
        &self.sequencer
    }

    /// Names of the rails that a machine's sequences switch, in their order.
    pub fn rails_of(&self, id: MachineId) -> impl Iterator<Item = &Name> {
        self.get(id).spec.sequences.values().flat_map(|sequence| self.sequencer.rail_names(*sequence))
    }

    /// All lines.
    pub const fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Sensors were read: sequences may wait for a voltage.
    pub fn measured(&mut self, good: impl Fn(SensorId) -> Option<f64>, out: &mut Outbox) {
        let sensors: Vec<_> = self.sequencer.sensors().collect();
        if sensors.is_empty() {
            return;
        }
        for sensor in sensors {
            self.sequencer.measured(sensor, good(sensor));
        }
        self.sequencer.observed(&mut self.lines, out);
        self.follow_sequences(out);
    }

    /// A step of a machine's sequence has lasted as long as it may.
    pub fn sequence_due(&mut self, id: MachineId, out: &mut Outbox) {
        self.sequencer.due(id, &mut self.lines, out);
        self.follow_sequences(out);
    }

    /// Sequences that have come to their end take their machines along.
    fn follow_sequences(&mut self, out: &mut Outbox) {
        for _ in 0..MOVES_AT_ONCE {
            let finished = self.sequencer.take_finished();
            if finished.is_empty() {
                return;
            }
            for (id, outcome) in finished {
                let outer = out.cause();
                out.because(self.get(id).cause.clone());
                let (trigger, why) = match outcome {
                    Outcome::Done => (Trigger::SequenceDone, String::new()),
                    Outcome::Failed(why) => (Trigger::SequenceFailed, why),
                };
                if !why.is_empty() {
                    self.all[id.index()].last_failure.clone_from(&why);
                }
                self.trigger(id, &trigger, out);
                out.because(outer);
            }
        }
    }

    /// A rail that is told to be on is not good any more: its machine must know.
    fn tell_lost_rail(&mut self, line: SignalId, out: &mut Outbox) {
        let Some(rail) = self.sequencer.lost_by(line, &self.lines) else { return };
        for id in self.ids() {
            let Some(sequence) = self.sequence_of(id, |sequence| self.sequencer.switches(sequence, rail)) else {
                continue;
            };
            self.lose(id, sequence, rail, out);
        }
    }

    fn lose(&mut self, id: MachineId, sequence: SequenceId, rail: RailId, out: &mut Outbox) {
        let wanted = |transition: &Transition| transition.on == Trigger::RailLost;
        if let Some(progress) = self.progress(id) {
            // On the way up the sequence itself tells; on the way down a rail that has not had its turn yet was lost first.
            if !progress.up {
                self.sequencer.raise_lost(sequence, rail, &self.lines, out);
            }
            return;
        }
        if !self.get(id).state_def().transitions.iter().any(wanted) {
            return;
        }
        self.sequencer.raise_lost(sequence, rail, &self.lines, out);
        if self.get(id).operation.is_none() {
            self.all[id.index()].cause = out.cause();
        }
        self.trigger(id, &Trigger::RailLost, out);
    }

    fn sequence_of(&self, id: MachineId, fits: impl Fn(SequenceId) -> bool) -> Option<SequenceId> {
        self.get(id).spec.sequences.values().copied().find(|sequence| fits(*sequence))
    }

    /// A machine was found: once its outputs have been read as well, what a daemon before left switched on is switched
    /// off where there is no power.
    fn settle_found(&mut self, id: MachineId, anyway: bool, out: &mut Outbox) {
        let unseen = |line: &SignalId| !self.is_seen(*line);
        if !self.get(id).unsettled || !anyway && self.outputs(id).iter().any(unseen) {
            return;
        }
        self.all[id.index()].unsettled = false;
        self.settle_outputs(id, out);
        self.settle_rails(id, out);
    }

    /// Every line that a machine drives, itself or by its sequences.
    fn outputs(&self, id: MachineId) -> Vec<SignalId> {
        let spec = &self.get(id).spec;
        let own = spec.definition.outputs.iter().filter_map(|role| spec.signals.get(role)).copied();
        own.chain(spec.sequences.values().flat_map(|sequence| self.sequencer.outputs(*sequence))).collect()
    }

    /// A machine was found at rest without power: an output that this state sets low, and that a daemon which died on
    /// the way up has left high, would switch on whatever comes to be fed later.
    fn settle_outputs(&mut self, id: MachineId, out: &mut Outbox) {
        let machine = self.get(id);
        let state = machine.state_def();
        if machine.is_powered() || state.tone != Tone::Normal {
            return;
        }
        let left = state.entry.iter().filter_map(|action| match action {
            Action::Set { role, level: Level::Low } => machine.spec.signals.get(role).copied(),
            Action::Set { .. } | Action::Pulse { .. } | Action::Run { .. } | Action::Undo { .. } => None,
        });
        let left: Vec<_> = left.filter(|line| self.level(*line) == Some(Level::High)).collect();
        for line in left {
            let (machine, name) = (self.get(id).spec.name.clone(), self.lines.name(line).clone());
            out.event(
                format!("signal.{name}.left-high"),
                "powermgr",
                Severity::Warning,
                format!("{machine} is off, but {name} was left high: it is driven low"),
                vec![("machine", machine.as_str().into()), ("signal", name.as_str().into())],
            );
            self.lines.set(line, Level::Low, out);
        }
    }

    /// A machine was found without power, or with it: what of its sequences does not fit is set right. Without power
    /// nothing may be left half way up by a daemon that died; with power a rail may have been lost meanwhile.
    fn settle_rails(&mut self, id: MachineId, out: &mut Outbox) {
        for sequence in self.get(id).spec.sequences.values().copied().collect::<Vec<_>>() {
            let tone = self.get(id).state_def().tone;
            if self.get(id).is_powered() {
                if let Some(rail) = self.sequencer.lost_of(sequence, &self.lines) {
                    self.lose(id, sequence, rail, out);
                }
            } else if tone == Tone::Normal && self.sequencer.is_anything_on(sequence, &self.lines) {
                let (machine, name) = (self.get(id).spec.name.clone(), self.sequencer.spec(sequence).name.clone());
                out.event(
                    format!("power.{name}.left-half-way"),
                    "powermgr",
                    Severity::Warning,
                    format!("{machine} is off, but something of {name} is on: it is taken down"),
                    vec![("machine", machine.as_str().into())],
                );
                self.sequencer.undo(id, sequence, &mut self.lines, out);
                self.follow_sequences(out);
            }
        }
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

    /// Machines that read no line know their state at once.
    pub fn boot(&mut self, out: &mut Outbox) {
        for id in self.ids() {
            self.try_discover(id, false, out);
        }
    }

    /// A line was read.
    pub fn line(&mut self, id: SignalId, level: Option<Level>, out: &mut Outbox) {
        if !self.lines.observe(id, level, out) {
            return;
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

    /// Lines have had their time: what nobody has read counts as unreadable.
    pub fn discovery_due(&mut self, out: &mut Outbox) {
        for id in self.ids() {
            self.try_discover(id, true, out);
            self.settle_found(id, true, out);
        }
    }

    fn try_discover(&mut self, id: MachineId, anyway: bool, out: &mut Outbox) {
        let machine = self.get(id);
        if machine.discovered {
            return;
        }
        let definition = machine.spec.definition.clone();
        let lines = || definition.inputs.iter().filter_map(|role| machine.spec.signals.get(role));
        if !anyway && lines().any(|line| !self.is_seen(*line)) {
            return;
        }
        let readable = lines().all(|line| self.level(*line).is_some());
        let (state, text) = match definition.found(|role| self.role_level(id, role)) {
            Some(state) => (state.clone(), format!("found {state} by its lines")),
            None if readable => (definition.undiscovered.clone(), format!("found {}", definition.undiscovered)),
            None => (
                definition.undiscovered.clone(),
                format!("its lines cannot be read; taken as {}", definition.undiscovered),
            ),
        };
        let place = definition.states.get_index_of(&state).unwrap_or(0);
        let machine = &mut self.all[id.index()];
        machine.state = place;
        machine.since = out.now();
        machine.discovered = true;
        machine.brought_by.clone_from(&text);
        let name = machine.spec.name.clone();
        if let Some(timeout) = machine.state_def().timeout {
            out.arm(Timer::Machine(id), out.now() + timeout);
        }
        out.changed().machines.insert(id);
        let severity = if readable { Severity::Info } else { Severity::Error };
        let fields = vec![("machine", name.as_str().into()), ("state", state.as_str().into())];
        out.event(format!("state.{name}.discovered"), "statemgr", severity, format!("{name}: {text}"), fields);
        self.moved.push(Moved { machine: id, trigger: Trigger::Timeout, power_changed: true });
        self.end_stray_pulses(id, out);
        self.follow(id, out);
        self.all[id.index()].unsettled = true;
        self.settle_found(id, anyway, out);
    }

    fn role_level(&self, id: MachineId, role: &Name) -> Option<Level> {
        self.get(id).spec.signals.get(role).and_then(|line| self.level(*line))
    }

    /// Takes every arrow whose level is there already.
    fn follow(&mut self, id: MachineId, out: &mut Outbox) {
        for _ in 0..MOVES_AT_ONCE {
            let next = self.get(id).state_def().drift(|role| self.role_level(id, role));
            let Some(next) = next.cloned() else { return };
            if self.get(id).operation.is_none() {
                self.all[id.index()].cause = out.cause();
            }
            self.take(id, &next, out);
        }
    }

    /// A demand. False: it means nothing in this state.
    pub fn demand(&mut self, id: MachineId, demand: Demand, out: &mut Outbox) -> bool {
        self.all[id.index()].last_failure.clear();
        self.all[id.index()].cause = out.cause();
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
            (Trigger::SequenceFailed, _) if !machine.last_failure.is_empty() => machine.last_failure.clone(),
            (trigger, _) => trigger.to_string(),
        };
        machine.brought_by = format!("{trigger} in {from}");
        match to.timeout {
            Some(timeout) => out.arm(Timer::Machine(id), now + timeout),
            None => out.cancel(Timer::Machine(id)),
        }
        let unasked = machine.operation.is_none() && machine.requested != "off";
        let told_before = machine.lost && from_def.tone == Tone::Transitional;
        let lost = unasked
            && match &transition.on {
                // Told once: what follows on the way down is no further loss.
                Trigger::Falls(role) if role.as_str() == "power-good" => from_def.powered && !told_before,
                Trigger::Falls(_) => from_def.powered && !to.powered,
                Trigger::RailLost => true,
                Trigger::Demand(_)
                | Trigger::Rises(_)
                | Trigger::Timeout
                | Trigger::SequenceDone
                | Trigger::SequenceFailed
                | Trigger::ServicesReady
                | Trigger::ServicesFailed
                | Trigger::ShuttingDown => false,
            };
        machine.lost = lost || told_before;
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
        let actor = out.cause().actor;
        self.history.push_back(TransitionRecord {
            seq: out.last_seq() + 1,
            machine: name.clone(),
            from: from.clone(),
            to: transition.to.clone(),
            trigger: trigger.clone(),
            duration,
            mono: now,
            cause: out.cause().id,
            actor,
        });
        if self.history.len() > HISTORY {
            self.history.pop_front();
        }
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
        self.moved.push(Moved {
            machine: id,
            trigger: transition.on.clone(),
            power_changed: from_def.powered != to.powered,
        });
        for action in &to.entry {
            self.act(id, action, out);
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

    /// Nobody follows the lines any more: what they carry is not known until they are read again.
    pub fn forget_lines(&mut self) {
        self.lines.forget();
        self.drive_due = true;
    }

    /// Outputs that do not carry what they are meant to, because nobody drove them for a while, are driven again. Only
    /// after all lines have been read: a machine may have moved meanwhile, and then means something else.
    fn drive_again(&mut self, out: &mut Outbox) {
        self.drive_due = false;
        for id in self.ids() {
            let machine = self.get(id);
            let fed = machine.spec.parent.is_none_or(|parent| self.get(parent).is_powered());
            for line in self.outputs(id) {
                let Some(level) = self.lines.intent(line) else { continue };
                if self.level(line) != Some(level) && (fed || level == Level::Low) {
                    self.lines.set(line, level, out);
                }
            }
        }
    }

    /// A pulse that nobody ended, because the daemon died meanwhile, is ended now.
    fn end_stray_pulses(&mut self, id: MachineId, out: &mut Outbox) {
        let definition = self.get(id).spec.definition.clone();
        let actions = definition.states.values().flat_map(|state| &state.entry);
        let roles: BTreeSet<_> = actions
            .filter_map(|action| match action {
                Action::Pulse { role, .. } => Some(role),
                Action::Set { .. } | Action::Run { .. } | Action::Undo { .. } => None,
            })
            .collect();
        for role in roles {
            let Some(line) = self.get(id).spec.signals.get(role).copied() else { continue };
            if self.level(line) == Some(Level::High) && out.timers.get(Timer::Pulse(line)).is_none() {
                self.lines.set(line, Level::Low, out);
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

    /// A rail was not switched as told.
    pub fn rail_failed(&mut self, rail: RailId, why: &str, out: &mut Outbox) {
        self.sequencer.raise_not_switched(rail, why, out);
        self.sequencer.not_driven(Driven::Rail(rail), &self.lines, out);
        self.follow_sequences(out);
    }
}
