//! Sensors that are computed from others: their value, and what they are worth.

use super::{Formula, SensorSource, bank::Sensors};
use crate::{ids::SensorId, view::Quality};

/// What a derived sensor comes to.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Derived {
    /// Every input that counts is good.
    Value(f64),
    /// It is worth what the worst of its inputs is worth.
    Quality(Quality, String),
}

/// From worst to best: what one input is, the sum, the maximum and the margin are too.
const WORST_FIRST: [Quality; 5] =
    [Quality::Failed, Quality::Stale, Quality::Absent, Quality::NotYetRead, Quality::Unpowered];

impl Sensors {
    /// Computes a derived sensor. None: it is read from hardware.
    ///
    /// Inputs whose part is switched off are left out, and those that may be missing while they are.
    pub(super) fn derive(&self, id: SensorId) -> Option<Derived> {
        let SensorSource::Derived { formula, inputs } = &self.spec(id).source else { return None };
        let counts = |input: &&SensorId| {
            !matches!(self.quality(**input), Quality::Good | Quality::Unpowered)
                && !self.spec(**input).protection.missing_ok
        };
        for quality in WORST_FIRST {
            if let Some(input) = inputs.iter().filter(counts).find(|input| self.quality(**input) == quality) {
                let why = format!("its input {} is {}", self.spec(*input).name, quality.as_str());
                return Some(Derived::Quality(quality, why));
            }
        }
        let good: Vec<_> = inputs.iter().filter_map(|input| self.good(*input)).collect();
        let Some(highest) = good.iter().copied().reduce(f64::max) else {
            // Nothing is left but what is off or may be missing.
            let off = inputs.iter().any(|input| self.quality(*input) == Quality::Unpowered);
            let quality = if off { Quality::Unpowered } else { Quality::Absent };
            return Some(Derived::Quality(quality, "none of its inputs is there".to_owned()));
        };
        Some(Derived::Value(match formula {
            Formula::Sum => good.iter().sum(),
            Formula::Maximum => highest,
            Formula::MarginTo(limit) => limit - highest,
        }))
    }

    /// Whether one of its inputs is among `touched`, by place.
    pub(super) fn depends_on(&self, id: SensorId, touched: &[bool]) -> bool {
        match &self.spec(id).source {
            SensorSource::Hardware => false,
            SensorSource::Derived { inputs, .. } => {
                inputs.iter().any(|input| touched.get(input.index()).copied().unwrap_or(false))
            }
        }
    }
}
