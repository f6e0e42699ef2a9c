//! One machine: where it is, and what follows from its definition alone.

use std::{collections::BTreeSet, time::Duration};

use super::{Definition, Demand, MachineSpec, StateDef, Tone, Transition, Trigger};
use crate::{
    ids::{Name, OperationId},
    outbox::Cause,
    time::Mono,
};

/// One machine.
#[derive(Clone, Debug)]
pub struct Machine {
    /// As declared.
    pub spec: MachineSpec,
    /// Where it is: a place in its definition's states.
    pub(super) state: usize,
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
    pub(super) lost: bool,
    /// It was found by its lines, and what a daemon before left switched on has not been looked for: not all of its
    /// outputs have been read.
    pub(super) unsettled: bool,
    /// What sent it on its way, when that was a failure or a loss: it is the reason for where it comes to rest. Empty: nothing
    /// of that kind.
    pub(super) root: String,
    /// What it stands in went without power while we looked on, and has none since.
    pub(super) unfed: bool,
    /// What its present activity is due to.
    pub cause: Cause,
}

impl Machine {
    /// Its state is not known yet.
    pub(super) fn new(spec: &MachineSpec) -> Self {
        Self {
            state: spec.definition.states.get_index_of(&spec.definition.undiscovered).unwrap_or(0),
            spec: spec.clone(),
            since: Mono::ZERO,
            discovered: false,
            requested: "",
            operation: None,
            brought_by: "its state is not known yet".to_owned(),
            last_failure: String::new(),
            lost: false,
            unsettled: false,
            root: String::new(),
            unfed: false,
            cause: Cause::default(),
        }
    }

    pub(super) fn definition(&self) -> &Definition {
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

    /// It has lost its power unasked, and is still on its way to rest or has just come there.
    pub const fn lost(&self) -> bool {
        self.lost
    }

    /// Whether a demand is fulfilled.
    pub fn fulfils(&self, demand: Demand) -> bool {
        self.discovered && self.definition().goals.get(&demand).is_some_and(|goal| goal.contains(self.state_name()))
    }

    /// It is on, or has power and comes there by itself: nothing is powered on by asking for it.
    pub fn has_come_on(&self) -> bool {
        self.fulfils(Demand::On) || self.is_powered() && self.is_on_its_way_to(Demand::On)
    }

    /// The arrow that a demand takes from here. Absent: it means nothing in this state.
    pub fn arrow(&self, demand: Demand) -> Option<&Transition> {
        self.state_def().demanded(demand)
    }

    /// The states in which a demand is fulfilled.
    pub fn goal(&self, demand: Demand) -> impl Iterator<Item = &Name> {
        self.definition().goals.get(&demand).into_iter().flatten()
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

    /// Longest time from a state to where a demand is fulfilled, or to where it has failed: all transitional states that lie on
    /// the ways there, one after the other.
    pub fn bound_from(&self, from: &Name, demand: Demand) -> Duration {
        let goal = self.definition().goals.get(&demand);
        let is_so = self.discovered && goal.is_some_and(|goal| goal.contains(from));
        if is_so && !demand.is_felt_each_time() {
            return Duration::ZERO;
        }
        let arrow = self.definition().states.get(from).and_then(|state| state.demanded(demand));
        let mut seen = BTreeSet::new();
        let mut stack = vec![arrow.map_or(from, |arrow| &arrow.to)];
        let mut sum = Duration::ZERO;
        while let Some(name) = stack.pop() {
            let arrived = goal.is_some_and(|goal| goal.contains(name));
            let Some(state) = self.definition().states.get(name).filter(|state| state.tone == Tone::Transitional)
            else {
                continue;
            };
            if !arrived && seen.insert(name) {
                sum += state.timeout.unwrap_or_default();
                let unasked =
                    state.transitions.iter().filter(|transition| !matches!(transition.on, Trigger::Demand(_)));
                stack.extend(unasked.map(|transition| &transition.to));
            }
        }
        sum
    }

    /// It is on its way to rest after a loss: what was lost has come out only now.
    pub(super) fn blame(&mut self, why: String) {
        if self.lost {
            self.brought_by.clone_from(&why);
            self.root = why;
        }
    }

    /// Remembers why it goes where it goes; `trigger` in words. Whether it has just lost its power, unasked.
    ///
    /// What failed or was lost on its way to where it rests. Empty: nothing.
    pub fn failed_on_the_way(&self) -> &str {
        &self.root
    }

    /// What sends a machine on its way is the reason for where it comes to rest, not the last thing that it waited for: a
    /// chassis that lost a rail is off because of the rail, and not because everything was undone.
    pub(super) fn note_why(
        &mut self,
        on: &Trigger,
        from: &Name,
        from_def: &StateDef,
        to: &StateDef,
        trigger: &str,
    ) -> bool {
        let unasked = self.operation.is_none() && self.requested != "off";
        let told_before = self.lost && from_def.tone == Tone::Transitional;
        let lost = unasked
            && match on {
                // Told once: what follows on the way down is no further loss.
                Trigger::Falls(role) if role.as_str() == "power-good" => from_def.powered && !told_before,
                Trigger::Falls(_) => from_def.powered && !to.powered,
                Trigger::ParentOff => from_def.powered && !told_before,
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
        self.lost = lost || told_before;
        let why = format!("{trigger} in {from}");
        let failed = lost || matches!(on, Trigger::Timeout | Trigger::SequenceFailed | Trigger::ParentOff);
        if from_def.tone != Tone::Transitional {
            self.root.clear();
        }
        if failed && self.root.is_empty() {
            self.root.clone_from(&why);
        }
        self.brought_by = if self.root.is_empty() { why } else { self.root.clone() };
        lost
    }
}
