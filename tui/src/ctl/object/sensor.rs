//! Sensors and their past.

use serde::Serialize;
use ubmc_proto::v1;

use super::{present, word};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Sensor {
    pub name: String,
    pub kind: String,
    pub unit: String,
    /// The last good value.
    pub value: Option<f64>,
    pub quality: String,
    pub age_s: Option<f64>,
    pub status: String,
    pub thresholds: Thresholds,
    pub minimum: Option<f64>,
    pub maximum: Option<f64>,
    pub reason: Option<String>,
    pub description: Option<String>,
    pub interval_s: f64,
    pub mean: Option<f64>,
    pub readings: u64,
    pub errors: u64,
    /// What it may have come to by now; only while it is silent.
    pub worst_case: Option<f64>,
    pub target: Option<f64>,
    pub limits_from_device: Vec<String>,
    pub missing_ok: bool,
    pub failsafe_duty: Option<f64>,
}

/// Limits in the sensor's unit; absent ones are not monitored.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub(crate) struct Thresholds {
    pub warning_low: Option<f64>,
    pub critical_low: Option<f64>,
    pub fatal_low: Option<f64>,
    pub warning_high: Option<f64>,
    pub critical_high: Option<f64>,
    pub fatal_high: Option<f64>,
    pub hysteresis: f64,
}

impl From<v1::Thresholds> for Thresholds {
    fn from(wire: v1::Thresholds) -> Self {
        Self {
            warning_low: wire.warning_low,
            critical_low: wire.critical_low,
            fatal_low: wire.fatal_low,
            warning_high: wire.warning_high,
            critical_high: wire.critical_high,
            fatal_high: wire.fatal_high,
            hysteresis: wire.hysteresis,
        }
    }
}

impl From<v1::Sensor> for Sensor {
    fn from(wire: v1::Sensor) -> Self {
        Self {
            name: wire.name,
            kind: word!(SensorKind, "SENSOR_KIND_", wire.kind),
            unit: wire.unit,
            value: wire.value,
            quality: word!(Quality, "QUALITY_", wire.quality),
            age_s: wire.age_s,
            status: word!(SensorStatus, "SENSOR_STATUS_", wire.status),
            thresholds: wire.thresholds.map(Thresholds::from).unwrap_or_default(),
            minimum: wire.minimum,
            maximum: wire.maximum,
            reason: present(wire.reason),
            description: present(wire.description),
            interval_s: wire.interval_s,
            mean: wire.mean,
            readings: wire.readings,
            errors: wire.errors,
            worst_case: wire.worst_case,
            target: wire.target,
            limits_from_device: wire.limits_from_device,
            missing_ok: wire.missing_ok,
            failsafe_duty: wire.failsafe_duty,
        }
    }
}

/// One past reading; without a value there was no good one then.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct HistoryPoint {
    pub age_s: f64,
    pub value: Option<f64>,
    pub unit: String,
}

impl HistoryPoint {
    pub(crate) fn new(wire: v1::HistoryPoint, unit: &str) -> Self {
        Self { age_s: wire.age_s, value: wire.value, unit: unit.to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sensor_has_its_promised_keys_first_and_no_number_that_is_none() {
        let wire = v1::Sensor {
            name: "inlet_temp".into(),
            kind: v1::SensorKind::Temperature.into(),
            unit: "°C".into(),
            value: Some(f64::NAN),
            quality: v1::Quality::Failed.into(),
            status: v1::SensorStatus::Unknown.into(),
            thresholds: Some(v1::Thresholds { warning_high: Some(40.0), hysteresis: 2.0, ..Default::default() }),
            ..v1::Sensor::default()
        };
        let json = serde_json::to_string(&Sensor::from(wire)).unwrap();
        assert!(
            json.starts_with(concat!(
                r#"{"name":"inlet_temp","kind":"temperature","unit":"°C","value":null,"quality":"failed","#,
                r#""age_s":null,"status":"unknown","thresholds":{"warning_low":null,"critical_low":null,"#,
                r#""fatal_low":null,"warning_high":40.0,"critical_high":null,"fatal_high":null,"hysteresis":2.0},"#
            )),
            "{json}"
        );
    }
}
