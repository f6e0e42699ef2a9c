//! What a start waits for, and what a stop waits for.

use super::{
    Deployment, Group,
    supervisor::{Phase, Supervisor},
    unit::{Blocker, FailReason, Gate, State},
};
use crate::{ids::ServiceId, view::Desired};

impl Supervisor {
    /// Whether everything is there that `id` needs to start.
    pub(super) fn gate(&self, id: ServiceId) -> Gate {
        let relations = self.graph.of(id);
        if self.unit(id).haunted {
            return Gate::Wait(Blocker::Survivors);
        }
        if let Some(epoch) = self.waits_for_epoch(id) {
            return Gate::Wait(Blocker::Epoch(epoch));
        }
        for dependency in &relations.hard {
            let unit = self.unit(*dependency);
            match unit.state {
                // What ended by itself and is not to be restarted will not come back by waiting either.
                State::Failed(_) | State::Completed if !unit.is_ready() => return Gate::Broken(*dependency),
                _ if !unit.is_ready() => return Gate::Wait(Blocker::Dependency(*dependency)),
                _ => {}
            }
        }
        if let Some(other) = relations.conflicts.iter().find(|other| self.unit(**other).state.is_alive()) {
            return Gate::Wait(Blocker::Conflict(*other));
        }
        if let Some(other) = relations.after.iter().find(|other| self.is_on_its_way(**other)) {
            return Gate::Wait(Blocker::Order(*other));
        }
        // Tasks of our own do not wait: from the first moment on the API answers, and what protects the hardware works.
        let waits = !matches!(self.unit(id).spec.deployment, Deployment::Builtin(_));
        if self.phase == Phase::Booting && waits {
            let group = self.unit(id).spec.group;
            let earlier = Group::ALL
                .into_iter()
                .take_while(|earlier| *earlier < group)
                .find(|earlier| self.unsettled.get(earlier).is_some_and(|count| *count > 0));
            if let Some(earlier) = earlier {
                return Gate::Wait(Blocker::Group(earlier));
            }
        }
        Gate::Open
    }

    /// Wanted up and not there yet, with a prospect of getting there soon. Soft relations wait for such.
    fn is_on_its_way(&self, id: ServiceId) -> bool {
        let unit = self.unit(id);
        if unit.desired == Desired::Down {
            return false;
        }
        match unit.state {
            State::Stopped | State::Waiting | State::Delaying | State::Starting { .. } | State::Stopping { .. } => true,
            State::Running | State::Backoff | State::Failed(_) | State::Completed => false,
        }
    }

    /// A hard dependency that is not there any more and whose loss `id` does not ride out.
    pub(super) fn lost_dependency(&self, id: ServiceId) -> Option<ServiceId> {
        self.graph.of(id).hard.iter().copied().find(|dependency| {
            let unit = self.unit(*dependency);
            // One that runs and is not ready for a while is no reason to give up what runs on it.
            let recovering = unit.spec.restart.smooth_recovery
                && unit.desired == Desired::Up
                && !matches!(unit.state, State::Failed(_) | State::Stopped);
            !unit.is_up() && !recovering
        })
    }

    /// The first service that must be down before `id` may be asked to stop.
    pub(super) fn holds_for(&self, id: ServiceId) -> Option<ServiceId> {
        let relations = self.graph.of(id);
        let unit = self.unit(id);
        let restarting_smoothly = unit.desired == Desired::Up && unit.spec.restart.smooth_recovery;
        if !restarting_smoothly
            && let Some(dependent) = relations.required_by.iter().find(|other| self.unit(**other).state.is_alive())
        {
            return Some(*dependent);
        }
        if unit.desired == Desired::Up {
            return None;
        }
        // Order alone does not hold up what has to be down before lifelines and protectors may stop.
        let later_anyway = |other: &ServiceId| {
            let other = self.graph.of(*other);
            let stopping = matches!(self.phase, Phase::Stopping { .. });
            stopping && ((other.protects && !relations.protects) || (other.lifeline && !relations.lifeline))
        };
        let leaving = |other: &ServiceId| {
            let unit = self.unit(*other);
            unit.desired == Desired::Down && unit.state.is_alive() && !later_anyway(other)
        };
        if let Some(follower) = relations.followed_by.iter().copied().find(leaving) {
            return Some(follower);
        }
        let Phase::Stopping { .. } = self.phase else { return None };
        self.holds_in_shutdown(id)
    }

    /// In a shutdown groups go down in reverse, lifelines when there is nothing left to watch, and what protects
    /// hardware after all of them.
    fn holds_in_shutdown(&self, id: ServiceId) -> Option<ServiceId> {
        let relations = self.graph.of(id);
        let group = self.unit(id).spec.group;
        // A count first: looking for a name costs a walk over all.
        let others_alive: usize = self.alive.values().sum();
        if relations.protects {
            if others_alive == self.protectors_alive && self.lifelines_alive == 0 {
                return None;
            }
            return self.ids().find(|other| self.unit(*other).state.is_alive() && !self.graph.of(*other).protects);
        }
        if relations.lifeline {
            // What it needs itself cannot be waited for: that waits for it.
            let needs = self.graph.needs(id);
            let is_process = |other: &ServiceId| !matches!(self.unit(*other).spec.deployment, Deployment::Builtin(_));
            let watched = |other: &ServiceId| self.unit(*other).state.is_alive() && !needs.contains(other);
            return self.ids().find(|other| is_process(other) && watched(other));
        }
        if self.alive.range(group..).skip(1).all(|(_, count)| *count == 0) {
            return None;
        }
        self.ids().find(|other| {
            let relations = self.graph.of(*other);
            let unit = self.unit(*other);
            unit.state.is_alive() && !relations.protects && !relations.lifeline && unit.spec.group > group
        })
    }

    /// Why a service that is wanted up is not, in a few words.
    pub(super) fn waiting_reason(&self, id: ServiceId) -> String {
        let name = |id: ServiceId| self.unit(id).spec.name.clone();
        match self.gate(id) {
            Gate::Open => String::new(),
            Gate::Broken(dependency) => format!("needs {}, which {}", name(dependency), self.end_of(dependency)),
            Gate::Wait(Blocker::Dependency(other)) if self.unit(other).unready.is_some() => {
                format!("needs {}, which runs and is not ready: {}", name(other), self.unit(other).readiness.text())
            }
            Gate::Wait(Blocker::Dependency(other)) => {
                format!("needs {}, which is {}", name(other), self.unit(other).state.public().as_str())
            }
            Gate::Wait(Blocker::Order(other)) => {
                format!("comes after {}, which is {}", name(other), self.unit(other).state.public().as_str())
            }
            Gate::Wait(Blocker::Conflict(other)) => {
                format!("conflicts with {}, which is {}", name(other), self.unit(other).state.public().as_str())
            }
            Gate::Wait(Blocker::Epoch(epoch)) => format!("runs once per {}, and there was none yet", epoch.describe()),
            Gate::Wait(Blocker::Survivors) => "what is left of its last life survives even KILL".to_owned(),
            Gate::Wait(Blocker::Group(group)) => format!("waits until group {group} is complete"),
        }
    }

    /// How a service that is not coming back came to its end.
    pub(super) fn end_of(&self, id: ServiceId) -> String {
        match self.unit(id).state {
            State::Completed => "ended by itself".to_owned(),
            _ => format!("has failed: {}", self.unit(id).record.last_error),
        }
    }

    /// Follows failed dependencies to the one that failed by itself.
    pub(super) fn root_failure(&self, id: ServiceId) -> ServiceId {
        let mut at = id;
        // The graph has no cycles, so this ends.
        while let State::Failed(FailReason::Dependency(next)) = self.unit(at).state {
            at = next;
        }
        at
    }
}
