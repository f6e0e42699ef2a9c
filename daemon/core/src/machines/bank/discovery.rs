//! What machines are found in at start, and what is set right after nobody has followed the lines for a while.

use super::{Action, BTreeSet, Level, Machines, Moved, Outbox, Severity, SignalId, Timer, Tone, Trigger};
use crate::ids::MachineId;

impl Machines {
    /// Machines that read no line know their state at once.
    pub fn boot(&mut self, out: &mut Outbox) {
        for id in self.ids() {
            self.try_discover(id, false, out);
        }
    }

    /// Lines have had their time: what nobody has read counts as unreadable.
    pub fn discovery_due(&mut self, out: &mut Outbox) {
        for id in self.ids() {
            self.try_discover(id, true, out);
            self.settle_found(id, true, out);
        }
    }

    pub(super) fn try_discover(&mut self, id: MachineId, anyway: bool, out: &mut Outbox) {
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
        self.tell_contradiction(id, out);
        self.all[id.index()].unsettled = true;
        self.settle_found(id, anyway, out);
    }

    /// Nobody follows the lines any more: what they carry is not known until they are read again.
    pub fn forget_lines(&mut self) {
        self.lines.forget();
        self.drive_due = true;
    }

    /// Outputs that do not carry what they are meant to, because nobody drove them for a while, are driven again. Only
    /// after all lines have been read: a machine may have moved meanwhile, and then means something else.
    pub(super) fn drive_again(&mut self, out: &mut Outbox) {
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
    pub(super) fn end_stray_pulses(&mut self, id: MachineId, out: &mut Outbox) {
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

    /// A machine was found: once its outputs have been read as well, what a daemon before left switched on is switched
    /// off where there is no power.
    pub(super) fn settle_found(&mut self, id: MachineId, anyway: bool, out: &mut Outbox) {
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

    /// A machine with power in one without: one of their lines does not tell the truth. Nothing is touched for that, as
    /// what is found may be running well.
    fn tell_contradiction(&self, id: MachineId, out: &mut Outbox) {
        let machine = self.get(id);
        let Some(parent) = machine.spec.parent.map(|parent| self.get(parent)) else { return };
        if parent.discovered && !parent.state_def().powered && machine.state_def().powered {
            let (name, outer) = (&machine.spec.name, &parent.spec.name);
            let (state, outer_state) = (machine.state_name(), parent.state_name());
            out.event(
                format!("state.{name}.contradiction"),
                "statemgr",
                Severity::Warning,
                format!(
                    "{name} is {state} by its lines, but {outer} is {outer_state} by its own: one of them is wrong. \
                     Nothing is touched; compare their power-good lines with the hardware"
                ),
                vec![("machine", name.as_str().into()), ("state", state.as_str().into())],
            );
        }
    }
}
