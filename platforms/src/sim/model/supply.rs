//! One supply: mains in, 12 V out, the difference becomes heat.

use super::{active::ActiveFaults, heat::Lump};
use crate::sim::{FaultKind, Target};

/// One supply.
#[derive(Clone, Debug)]
pub(super) struct Supply {
    pub(super) present: bool,
    mains: bool,
    broken: bool,
    pub(super) inside: Lump,
    /// W into its load.
    given: f64,
}

impl Supply {
    pub(super) const fn new(ambient: f64) -> Self {
        Self { present: true, mains: true, broken: false, inside: Lump::new(ambient, 300.0), given: 0.0 }
    }

    /// Takes over the faults that concern it.
    pub(super) fn settle(&mut self, index: usize, faults: &ActiveFaults) {
        self.present = !faults.is_active(FaultKind::PsuAbsent, Target::Psu(index));
        self.mains = !faults.is_active(FaultKind::AcLoss, Target::Psu(index))
            && !faults.is_active(FaultKind::AcLoss, Target::AllSupplies);
        self.broken = faults.is_active(FaultKind::PsuFail, Target::Psu(index));
    }

    /// It can give power.
    pub(super) const fn is_good(&self) -> bool {
        self.present && self.mains && !self.broken
    }

    /// Its status registers, as the PMBus specification (part II, 17) lays out their bits.
    pub(super) fn registers(&self) -> Vec<(String, u16)> {
        // STATUS_WORD: 15 VOUT, 13 INPUT, 11 POWER_GOOD#, 6 OFF, 3 VIN_UV.
        let (word, vout, input) = match (self.mains, self.broken) {
            (true, false) => (0, 0, 0),
            (true, true) => (0x8840, 0x10, 0),
            (false, _) => (0x2848, 0, 0x10),
        };
        [("STATUS_WORD", word), ("STATUS_VOUT", vout), ("STATUS_INPUT", input)]
            .map(|(name, value)| (name.to_owned(), value))
            .into()
    }

    /// It has mains.
    pub(super) const fn has_mains(&self) -> bool {
        self.present && self.mains
    }

    /// Gives `watts`; nothing when it cannot.
    pub(super) const fn give(&mut self, watts: f64) {
        self.given = if self.is_good() { watts } else { 0.0 };
    }

    /// What becomes heat in it: an idle part, one in proportion, one with the square of the current, together some
    /// 95 % efficiency at half load.
    fn loss(&self, rated: f64) -> f64 {
        if self.is_good() { 6.0 + 0.02 * self.given + 0.03 * self.given * self.given / rated } else { 0.0 }
    }

    /// What it gives, in watts.
    pub(super) const fn given(&self) -> f64 {
        self.given
    }

    /// What it draws from the mains, in watts.
    pub(super) fn drawn(&self, rated: f64) -> f64 {
        self.given + self.loss(rated)
    }

    /// Lets heat flow for `dt` s in air of `air` °C.
    pub(super) fn step(&mut self, dt: f64, rated: f64, flow: f64, air: f64) {
        self.inside.step(dt, self.loss(rated), 0.8 + 1.2 * flow, air);
    }
}
