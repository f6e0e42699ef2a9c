//! How the platform came up: what each service waited for, how long its own start took, and which chain of them decided
//! how long all of it took.

use super::{
    Group,
    supervisor::{Phase, Supervisor},
    unit::{Blocker, State, Unit},
};
use crate::{
    ids::ServiceId,
    time::Mono,
    view::{BootView, Bootstrap, Desired, Outcome, PhaseSpan},
};

/// The first start of a service, as far as it has come.
#[derive(Clone, Copy, Debug, Default)]
pub struct BootMark {
    /// It was wanted up when the platform started.
    wanted: bool,
    /// When nothing held it up any more.
    released: Option<Mono>,
    /// When its life was asked for.
    spawned: Option<Mono>,
    /// When it was ready, or had come to another end.
    settled: Option<Mono>,
    outcome: Outcome,
    /// What it waited for when it was last looked at.
    waits_for: Option<Blocker>,
}

impl BootMark {
    /// The platform starts, and it is to come up with it.
    pub(super) fn want(&mut self) {
        self.wanted = true;
    }

    /// It is still waiting.
    pub(super) fn held_up_by(&mut self, blocker: Blocker) {
        if self.released.is_none() {
            self.waits_for = Some(blocker);
        }
    }

    /// Nothing holds it up any more.
    pub(super) fn released(&mut self, now: Mono) {
        self.released.get_or_insert(now);
    }

    /// Its first life is asked for.
    pub(super) fn spawned(&mut self, now: Mono) {
        self.spawned.get_or_insert(now);
    }

    /// What its first start has come to. Later lives change nothing.
    pub(super) fn entered(&mut self, state: &State, desired: Desired, now: Mono) {
        if !self.wanted || self.settled.is_some() {
            return;
        }
        self.outcome = match state {
            State::Running => Outcome::Ready,
            State::Completed => Outcome::Completed,
            State::Backoff | State::Failed(_) => Outcome::Failed,
            State::Stopped if desired == Desired::Down => Outcome::Abandoned,
            State::Stopped | State::Waiting | State::Delaying | State::Starting { .. } | State::Stopping { .. } => {
                return;
            }
        };
        self.settled = Some(now);
    }
}

/// The platform's start as a whole.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BootBook {
    pub(super) started: Mono,
    pub(super) ended: Option<Mono>,
    pub(super) timed_out: bool,
}

impl Supervisor {
    /// How the start went, or how far it is.
    pub fn boot_view(&self) -> BootView {
        let path = self.critical_path();
        let order = self.graph().order();
        let members = || order.iter().map(|id| (*id, self.unit(*id))).filter(|(_, unit)| unit.boot.wanted);
        let services = members()
            .map(|(id, unit)| Bootstrap {
                name: unit.spec.name.clone(),
                group: unit.spec.group,
                released: unit.boot.released,
                spawned: unit.boot.spawned,
                settled: unit.boot.settled,
                outcome: unit.boot.outcome,
                waited_for: unit.boot.waits_for.map_or_else(String::new, |blocker| self.blocker_text(blocker)),
                critical: path.contains(&id),
            })
            .collect();
        let phases = Group::ALL
            .into_iter()
            .filter_map(|group| {
                let of_group: Vec<_> =
                    members().filter(|(_, unit)| unit.spec.group == group).map(|(_, unit)| unit.boot).collect();
                let all_settled = of_group.iter().all(|mark| mark.settled.is_some());
                (!of_group.is_empty()).then(|| PhaseSpan {
                    group,
                    began: of_group.iter().filter_map(|mark| mark.released).min(),
                    ended: of_group.iter().filter_map(|mark| mark.settled).max().filter(|_| all_settled),
                })
            })
            .collect();
        BootView {
            started: self.boot_book.started,
            ended: self.boot_book.ended.filter(|_| self.phase() != Phase::Booting),
            timed_out: self.boot_book.timed_out,
            phases,
            services,
            critical_path: path.into_iter().map(|id| self.unit(id).spec.name.clone()).collect(),
        }
    }

    fn blocker_text(&self, blocker: Blocker) -> String {
        match blocker {
            Blocker::Dependency(id) | Blocker::Order(id) | Blocker::Conflict(id) => {
                format!("service {}", self.unit(id).spec.name)
            }
            Blocker::Group(group) => format!("group {group}"),
            Blocker::Epoch(epoch) => epoch.as_str().to_owned(),
            Blocker::Survivors => "its last life".to_owned(),
        }
    }

    /// From the service that settled last back along what each waited for; first to last.
    fn critical_path(&self) -> Vec<ServiceId> {
        let settled = |id: &ServiceId| self.unit(*id).boot.settled;
        let last_of = |wanted: &dyn Fn(&Unit) -> bool| {
            let of = |id: &ServiceId| {
                let unit = self.unit(*id);
                unit.boot.wanted && unit.boot.spawned.is_some() && settled(id).is_some() && wanted(unit)
            };
            // The first of those that settled at the same moment: the order is the graph's own.
            self.graph().order().iter().copied().filter(of).rev().max_by_key(settled)
        };
        let mut path = Vec::new();
        let within = |settled| self.boot_book.ended.is_none_or(|ended| settled <= ended);
        let mut at = last_of(&|unit: &Unit| unit.boot.settled.is_some_and(within));
        while let Some(id) = at.filter(|id| !path.contains(id)) {
            path.push(id);
            at = match self.unit(id).boot.waits_for {
                Some(Blocker::Dependency(other) | Blocker::Order(other) | Blocker::Conflict(other)) => Some(other),
                Some(Blocker::Group(group)) => last_of(&|unit: &Unit| unit.spec.group == group),
                Some(Blocker::Epoch(_) | Blocker::Survivors) | None => None,
            };
        }
        path.reverse();
        path
    }
}
