//! The faults that are active now.

use std::collections::BTreeMap;

use ubmc_core::units::Level;

use crate::sim::{Fault, FaultKind, Target};

/// The faults that are active now.
#[derive(Clone, Debug, Default)]
pub(super) struct ActiveFaults(BTreeMap<(FaultKind, Target), Active>);

/// One of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Active {
    /// As injected.
    pub(super) value: Option<f64>,
    /// What a sensor or line showed when the fault came, for kinds that keep it.
    frozen: f64,
}

impl ActiveFaults {
    pub(super) fn inject(&mut self, fault: Fault, frozen: f64) {
        self.0.insert((fault.kind, fault.target), Active { value: fault.value, frozen });
    }

    /// How many were active. None for kind or target: any.
    pub(super) fn clear(&mut self, kind: Option<FaultKind>, target: Option<Target>) -> usize {
        let before = self.0.len();
        self.0.retain(|(of, at), _| kind.is_some_and(|kind| kind != *of) || target.is_some_and(|target| target != *at));
        before - self.0.len()
    }

    pub(super) fn list(&self) -> impl Iterator<Item = Fault> {
        self.0.iter().map(|((kind, target), active)| Fault { kind: *kind, target: *target, value: active.value })
    }

    pub(super) fn is_active(&self, kind: FaultKind, target: Target) -> bool {
        !self.0.is_empty() && self.0.contains_key(&(kind, target))
    }

    /// The fault, when it is active.
    pub(super) fn get(&self, kind: FaultKind, target: Target) -> Option<Active> {
        if self.0.is_empty() { None } else { self.0.get(&(kind, target)).copied() }
    }

    /// What an active fault keeps a reading at.
    pub(super) fn kept(&self, kind: FaultKind, target: Target) -> Option<f64> {
        self.get(kind, target).map(|active| active.value.unwrap_or(active.frozen))
    }

    /// What an active fault keeps a line at.
    pub(super) fn kept_level(&self, kind: FaultKind, target: Target) -> Option<Level> {
        self.kept(kind, target).map(|value| Level::from_bool(value >= 0.5))
    }
}
