//! What a sensor that has fallen silent may have come to in the meantime.

use std::time::Duration;

use super::{Formula, SensorSource, SensorSpec, bank::Sensors};
use crate::{ids::SensorId, time::Mono, view::Quality};

/// `last`, read so long ago, with the fastest change that physics allows in the direction that is dangerous: up, and down
/// for a margin.
pub fn worst_case(spec: &SensorSpec, last: f64, age: Duration) -> f64 {
    let change = age.as_secs_f64() * spec.max_slew;
    match &spec.source {
        SensorSource::Derived { formula: Formula::MarginTo(_), .. } => last - change,
        SensorSource::Derived { formula: Formula::Sum | Formula::Maximum, .. } | SensorSource::Hardware => {
            last + change
        }
    }
}

/// What control may make of a sensor now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Belief {
    /// It was read.
    Read(f64),
    /// It is silent, and may be there by now at the worst.
    Feared(f64),
    /// It does not count: switched off, or missing where that is acceptable.
    Left,
    /// Nobody knows anything of it.
    Unknown,
}

impl Belief {
    /// A number to reckon with, if there is one.
    pub const fn value(self) -> Option<f64> {
        match self {
            Self::Read(value) | Self::Feared(value) => Some(value),
            Self::Left | Self::Unknown => None,
        }
    }
}

impl Sensors {
    /// What control may make of it.
    pub fn belief(&self, id: SensorId, now: Mono) -> Belief {
        let view = self.view(id);
        match (view.quality, view.value) {
            (Quality::Good, Some(value)) => Belief::Read(value),
            (Quality::Unpowered, _) => Belief::Left,
            _ if view.spec.protection.missing_ok => Belief::Left,
            (Quality::Good | Quality::NotYetRead | Quality::Stale | Quality::Failed | Quality::Absent, _) => {
                self.feared(id, now).map_or(Belief::Unknown, Belief::Feared)
            }
        }
    }

    /// What a silent sensor may have come to at the worst. None: it is not silent, it was never read, or its board says
    /// nothing of how fast it can change.
    pub fn feared(&self, id: SensorId, now: Mono) -> Option<f64> {
        self.view(id).worst_case(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sensors::{Protection, SensorKind, Thresholds};

    fn check(source: SensorSource, expected: f64) {
        let spec = SensorSpec {
            name: "cpu".into(),
            description: String::new(),
            kind: SensorKind::Temperature,
            source,
            scale: 1.0,
            offset: 0.0,
            thresholds: Thresholds::default(),
            interval: Duration::from_secs(1),
            stale_after: Duration::from_secs(3),
            powered_by: None,
            max_slew: 0.5,
            history: 1,
            protection: Protection::default(),
        };
        assert!((worst_case(&spec, 70.0, Duration::from_secs(12)) - expected).abs() < 1e-9);
    }

    /// reference/thermal.md: 70 °C, 0.5 °C/s, 12 s → 76.
    #[test]
    fn silence_heats_up_and_eats_margins() {
        check(SensorSource::Hardware, 76.0);
        check(SensorSource::Derived { formula: Formula::MarginTo(100.0), inputs: Vec::new() }, 64.0);
    }
}
