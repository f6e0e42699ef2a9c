//! Machines and their sequences of rails: what a sequence comes to takes its machine along, and so does a lost rail.

use super::{MOVES_AT_ONCE, Machines, Name, Outbox, Severity, SignalId, Tone, Transition, Trigger};
use crate::{
    ids::{MachineId, RailId, SensorId, SequenceId},
    power::sequencer::{Driven, Outcome, Progress, Sequencer},
};

impl Machines {
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
    pub(super) fn follow_sequences(&mut self, out: &mut Outbox) {
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
    pub(super) fn tell_lost_rail(&mut self, line: SignalId, out: &mut Outbox) {
        let Some(rail) = self.sequencer.lost_by(line, &self.lines) else { return };
        for id in self.ids() {
            let Some(sequence) = self.sequence_of(id, |sequence| self.sequencer.switches(sequence, rail)) else {
                continue;
            };
            self.lose(id, sequence, rail, out);
        }
    }

    pub(super) fn lose(&mut self, id: MachineId, sequence: SequenceId, rail: RailId, out: &mut Outbox) {
        let wanted = |transition: &Transition| transition.on == Trigger::RailLost;
        if let Some(progress) = self.progress(id) {
            // On the way up the sequence itself tells; on the way down a rail that has not had its turn yet was lost first.
            if !progress.up {
                self.sequencer.raise_lost(sequence, rail, &self.lines, out);
                let why = format!("rail {} lost", self.sequencer.rail_name(rail));
                self.all[id.index()].blame(why);
            }
            return;
        }
        if !self.get(id).state_def().transitions.iter().any(wanted) {
            return;
        }
        self.sequencer.raise_lost(sequence, rail, &self.lines, out);
        let lost = format!("rail {} lost", self.sequencer.rail_name(rail));
        let machine = &mut self.all[id.index()];
        machine.last_failure = lost;
        if machine.operation.is_none() {
            machine.cause = out.cause();
        }
        self.trigger(id, &Trigger::RailLost, out);
    }

    fn sequence_of(&self, id: MachineId, fits: impl Fn(SequenceId) -> bool) -> Option<SequenceId> {
        self.get(id).spec.sequences.values().copied().find(|sequence| fits(*sequence))
    }

    /// A machine was found without power, or with it: what of its sequences does not fit is set right. Without power
    /// nothing may be left half way up by a daemon that died; with power a rail may have been lost meanwhile.
    pub(super) fn settle_rails(&mut self, id: MachineId, out: &mut Outbox) {
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

    /// A rail was not switched as told.
    pub fn rail_failed(&mut self, rail: RailId, why: &str, out: &mut Outbox) {
        self.sequencer.raise_not_switched(rail, why, out);
        self.sequencer.not_driven(Driven::Rail(rail), &self.lines, out);
        self.follow_sequences(out);
    }
}
