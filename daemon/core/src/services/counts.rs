//! How many members of a group live, and how many keep it from being complete: kept while states change, so that nobody
//! has to walk over all services to know.

use super::{
    supervisor::{Phase, Supervisor},
    unit::State,
};
use crate::{ids::ServiceId, view::Desired};

impl Supervisor {
    /// A life has begun or ended. In a shutdown, those that hold for it may go on.
    pub(super) fn count_alive(&mut self, id: ServiceId, becomes_alive: bool) {
        let group = self.unit(id).spec.group;
        let (protects, lifeline) = (self.graph.of(id).protects, self.graph.of(id).lifeline);
        let step = |count: &mut usize| *count = if becomes_alive { *count + 1 } else { count.saturating_sub(1) };
        if lifeline {
            step(&mut self.lifelines_alive);
        } else if let Some(count) = self.alive.get_mut(&group) {
            step(count);
        }
        if protects {
            step(&mut self.protectors_alive);
        }
        let group_down = self.alive.get(&group).is_none_or(|count| *count == 0);
        let only_protectors = self.alive.values().sum::<usize>() == self.protectors_alive;
        if !becomes_alive && matches!(self.phase(), Phase::Stopping { .. }) {
            // Those that hold for this group, or for everything else, may go on now; lifelines hold for each.
            let all = group_down || only_protectors || lifeline;
            let may_go = |other: &ServiceId| {
                self.units[other.index()].state.is_alive() && (all || self.graph.of(*other).lifeline)
            };
            let left: Vec<_> = if all { self.ids().collect() } else { self.graph.lifelines().to_vec() };
            self.dirty.extend(left.into_iter().filter(may_go).filter_map(|other| self.graph.rank(other)));
        }
    }

    /// All counts anew, after the table has changed.
    pub(super) fn recount(&mut self) {
        self.alive.values_mut().chain(self.unsettled.values_mut()).for_each(|count| *count = 0);
        self.protectors_alive = 0;
        self.lifelines_alive = 0;
        self.dirty.clear();
        for index in 0..self.units.len() {
            self.units[index].unsettled = false;
        }
        for id in self.ids() {
            let group = self.unit(id).spec.group;
            if self.is_unsettled(id) {
                self.units[id.index()].unsettled = true;
                self.unsettled.entry(group).and_modify(|count| *count += 1);
            }
            if self.unit(id).state.is_alive() {
                let relations = self.graph.of(id);
                self.protectors_alive += usize::from(relations.protects);
                if relations.lifeline {
                    self.lifelines_alive += 1;
                } else {
                    self.alive.entry(group).and_modify(|count| *count += 1);
                }
            }
        }
    }

    /// Keeps the count of those that a group waits for; a group that becomes complete releases the next.
    pub(super) fn count_unsettled(&mut self, id: ServiceId) {
        let unsettled = self.is_unsettled(id);
        let unit = &mut self.units[id.index()];
        if unit.unsettled == unsettled {
            return;
        }
        unit.unsettled = unsettled;
        let group = unit.spec.group;
        let Some(count) = self.unsettled.get_mut(&group) else { return };
        *count = if unsettled { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 && self.phase == Phase::Booting {
            let waiting = |other: &ServiceId| {
                let unit = self.unit(*other);
                unit.spec.group > group && matches!(unit.state, State::Waiting | State::Stopped)
            };
            let next: Vec<_> = self.ids().filter(waiting).filter_map(|other| self.graph.rank(other)).collect();
            self.dirty.extend(next);
        }
    }

    fn is_unsettled(&self, id: ServiceId) -> bool {
        let unit = self.unit(id);
        if unit.desired == Desired::Down {
            return false;
        }
        match unit.state {
            State::Stopped | State::Delaying | State::Starting { .. } | State::Stopping { .. } => true,
            // What waits for something that is being retried may wait long: the group does not wait with it.
            // Nor with what waits for a power-on.
            State::Waiting if self.waits_for_epoch(id).is_some() => false,
            State::Waiting => !self.graph.of(id).hard.iter().any(|dependency| {
                matches!(self.unit(*dependency).state, State::Backoff) && !self.unit(*dependency).spec.critical
            }),
            State::Backoff => unit.spec.critical,
            State::Running | State::Failed(_) | State::Completed => false,
        }
    }
}
