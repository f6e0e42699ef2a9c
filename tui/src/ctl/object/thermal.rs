//! Fans and zones. Duties are in percent.

use serde::Serialize;
use ubmc_proto::v1;

use super::{health, present, word};

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Fan {
    pub name: String,
    pub rpm: Option<f64>,
    pub duty: f64,
    pub mode: String,
    pub zone: String,
    pub health: String,
    pub expected_rpm: Option<f64>,
    pub override_left_s: Option<f64>,
    pub reason: Option<String>,
}

impl From<v1::Fan> for Fan {
    fn from(wire: v1::Fan) -> Self {
        Self {
            name: wire.name,
            rpm: wire.rpm,
            duty: wire.duty,
            mode: word!(FanMode, "FAN_MODE_", wire.mode),
            zone: wire.zone,
            health: health(wire.health),
            expected_rpm: wire.expected_rpm,
            override_left_s: wire.override_left_s,
            reason: present(wire.reason),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Zone {
    pub name: String,
    pub state: String,
    pub duty: f64,
    pub driver: String,
    pub sensors: Vec<String>,
    pub fans: Vec<String>,
    pub reason: Option<String>,
    pub state_age_s: f64,
}

/// A zone and how its duty came about.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct ZoneExplained {
    #[serde(flatten)]
    pub zone: Zone,
    pub terms: Vec<Term>,
    pub controllers: Vec<Controller>,
    pub floor: f64,
    pub ceiling: f64,
    pub failsafe_duty: f64,
    /// With fewer turning fans it trips; 0: it never does for its fans.
    pub fans_needed: u32,
    /// What everything was at when it tripped; only while the trip is latched.
    pub trip: Option<Trip>,
}

/// Why a zone tripped, and every part at that moment.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Trip {
    pub why: String,
    pub age_s: f64,
    pub parts: Vec<TripPart>,
    pub fans: Vec<TripFan>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TripPart {
    pub sensor: String,
    pub unit: String,
    pub value: Option<f64>,
    pub quality: String,
    /// Only for one that was silent.
    pub worst_case: Option<f64>,
    pub limit: Option<f64>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct TripFan {
    pub name: String,
    pub rpm: Option<f64>,
    pub duty: f64,
}

/// One term of a sum, or one step on the way to a duty.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Term {
    pub name: String,
    pub value: f64,
    pub unit: String,
}

/// One controller of a zone and what it says now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Controller {
    pub name: String,
    pub kind: String,
    pub sensors: Vec<String>,
    pub input: Option<f64>,
    pub output: Option<f64>,
    pub set_point: Option<f64>,
    pub curve: Vec<CurvePoint>,
    pub terms: Vec<Term>,
    /// `temperature`, `margin` or `power`.
    pub input_kind: String,
    pub input_unit: String,
    pub feed_forward_sensors: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct CurvePoint {
    pub temperature: f64,
    pub duty: f64,
}

impl From<v1::Term> for Term {
    fn from(wire: v1::Term) -> Self {
        Self { name: wire.name, value: wire.value, unit: wire.unit }
    }
}

impl From<v1::Controller> for Controller {
    fn from(wire: v1::Controller) -> Self {
        Self {
            name: wire.name,
            kind: wire.kind,
            sensors: wire.sensors,
            input: wire.input,
            output: wire.output,
            set_point: wire.set_point,
            curve: wire
                .curve
                .into_iter()
                .map(|point| CurvePoint { temperature: point.temperature, duty: point.duty })
                .collect(),
            terms: wire.terms.into_iter().map(Term::from).collect(),
            input_kind: wire.input_kind,
            input_unit: wire.input_unit,
            feed_forward_sensors: wire.feed_forward_sensors,
        }
    }
}

impl From<v1::Trip> for Trip {
    fn from(wire: v1::Trip) -> Self {
        let part = |wire: v1::TripPart| TripPart {
            sensor: wire.sensor,
            unit: wire.unit,
            value: wire.value,
            quality: word!(Quality, "QUALITY_", wire.quality),
            worst_case: wire.worst_case,
            limit: wire.limit,
        };
        let fan = |wire: v1::TripFan| TripFan { name: wire.name, rpm: wire.rpm, duty: wire.duty };
        Self {
            why: wire.why,
            age_s: wire.age_s,
            parts: wire.parts.into_iter().map(part).collect(),
            fans: wire.fans.into_iter().map(fan).collect(),
        }
    }
}

impl From<v1::Zone> for ZoneExplained {
    fn from(wire: v1::Zone) -> Self {
        Self {
            zone: Zone {
                name: wire.name,
                state: word!(ZoneState, "ZONE_STATE_", wire.state),
                duty: wire.duty,
                driver: wire.driver,
                sensors: wire.sensors,
                fans: wire.fans,
                reason: present(wire.reason),
                state_age_s: wire.state_age_s,
            },
            terms: wire.terms.into_iter().map(Term::from).collect(),
            controllers: wire.controllers.into_iter().map(Controller::from).collect(),
            floor: wire.floor,
            ceiling: wire.ceiling,
            failsafe_duty: wire.failsafe_duty,
            fans_needed: wire.fans_needed,
            trip: wire.trip.map(Trip::from),
        }
    }
}

impl From<v1::Zone> for Zone {
    fn from(wire: v1::Zone) -> Self {
        ZoneExplained::from(wire).zone
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_explained_zone_is_a_zone_with_its_terms() {
        let wire = v1::Zone {
            name: "cpu".into(),
            state: v1::ZoneState::Controlled.into(),
            duty: 42.0,
            driver: "host0_cpu_temp via cpu-curve".into(),
            terms: vec![v1::Term { name: "floor".into(), value: 30.0, unit: "%".into() }],
            ..v1::Zone::default()
        };
        let zone = serde_json::to_string(&Zone::from(wire.clone())).unwrap();
        let explained = serde_json::to_string(&ZoneExplained::from(wire)).unwrap();
        let promised = r#"{"name":"cpu","state":"controlled","duty":42.0,"driver":"host0_cpu_temp via cpu-curve","sensors":[],"fans":[]"#;
        assert!(zone.starts_with(promised) && !zone.contains("terms"), "{zone}");
        assert!(explained.starts_with(promised), "{explained}");
        assert!(explained.contains(r#""terms":[{"name":"floor","value":30.0,"unit":"%"}]"#), "{explained}");
    }

    #[test]
    fn a_fan_has_its_promised_keys_first() {
        let json = serde_json::to_string(&Fan::from(v1::Fan { name: "fan.0".into(), ..v1::Fan::default() })).unwrap();
        let promised = r#"{"name":"fan.0","rpm":null,"duty":0.0,"mode":"unknown","zone":"","health":"unknown","#;
        assert!(json.starts_with(promised), "{json}");
    }
}
