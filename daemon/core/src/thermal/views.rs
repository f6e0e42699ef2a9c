//! What is told of zones and fans, and why a machine may not be powered on over them.

use super::control::Thermal;
use crate::{
    event::Severity,
    ids::{FanId, ZoneId},
    refusal::Obstacle,
    sensors::bank::Sensors,
    view::{ControllerView, FanMode, FanView, Health, Problem, Quality, ZoneState, ZoneView},
};

impl Thermal {
    /// Why a machine that these zones cool must not be powered on. Empty: nothing.
    pub fn obstacles(&self, zones: &[ZoneId]) -> Vec<Obstacle> {
        zones.iter().filter_map(|id| self.obstacle(*id)).collect()
    }

    fn obstacle(&self, id: ZoneId) -> Option<Obstacle> {
        let zone = &self.zones[id.index()];
        let name = &zone.spec.name;
        let cooled = || "wait until it has cooled down".to_owned();
        let (kind, is, remedy) = match zone.state {
            ZoneState::Controlled => return None,
            ZoneState::Starting => ("zone-starting", "is starting", "wait until its sensors have been read".to_owned()),
            ZoneState::Failsafe => (
                "zone-failsafe",
                "is in fail-safe",
                format!("look at `ubmcctl zones explain {name}` and mend what is missing"),
            ),
            ZoneState::Critical => ("zone-over-limit", "is over its limit", cooled()),
            ZoneState::CoolDown => ("zone-over-limit", "is cooling down", cooled()),
            ZoneState::Tripped => (
                "zone-tripped",
                "has tripped",
                "find out why it overheated, then ask for an explicit off to release the trip".to_owned(),
            ),
        };
        Some(Obstacle {
            kind,
            subject: format!("zone {name}"),
            text: format!("zone {name} {is}: {}", zone.reason),
            remedy,
            since: Some(zone.since),
        })
    }

    /// What is not as it should be.
    pub fn problems(&self) -> Vec<Problem> {
        let zones = (0..self.zones.len()).map(ZoneId::new).filter_map(|id| {
            let severity = match self.zones[id.index()].state {
                ZoneState::Controlled => return None,
                ZoneState::Starting | ZoneState::CoolDown => Severity::Notice,
                ZoneState::Failsafe => Severity::Warning,
                ZoneState::Critical => Severity::Error,
                ZoneState::Tripped => Severity::Critical,
            };
            Some(Problem { severity, obstacle: self.obstacle(id)? })
        });
        let fans = self.fans.iter().filter_map(|fan| {
            let name = &fan.spec.name;
            let (kind, severity, what, since) = if fan.failed {
                ("fan-failed", Severity::Error, "does not turn as it should", fan.slow_since)
            } else if fan.write_failing {
                ("fan-failed", Severity::Error, "does not take its duty", None)
            } else if fan.runaway {
                ("fan-runaway", Severity::Warning, "turns faster than it is told", fan.fast_since)
            } else {
                return None;
            };
            Some(Problem {
                severity,
                obstacle: Obstacle {
                    kind,
                    subject: format!("fan {name}"),
                    text: format!("{name} {what}"),
                    remedy: "replace the fan, or look at its connection".to_owned(),
                    since,
                },
            })
        });
        zones.chain(fans).collect()
    }

    /// A zone as it is now.
    pub fn view_zone<'a>(&'a self, id: ZoneId, sensors: &'a Sensors) -> ZoneView<'a> {
        let zone = &self.zones[id.index()];
        ZoneView {
            spec: &zone.spec,
            state: zone.state,
            since: zone.since,
            duty: zone.duty,
            driver: &zone.driver,
            reason: &zone.reason,
            terms: &zone.terms,
            controllers: zone
                .spec
                .controllers
                .iter()
                .zip(&zone.controllers)
                .map(|(spec, controller)| ControllerView {
                    spec,
                    input: controller.fed.map(|fed| fed.value),
                    input_sensor: controller.fed.and_then(|fed| Some(&sensors.spec(fed.sensor?).name)),
                    output: controller.output,
                    terms: &controller.terms,
                })
                .collect(),
            sensors: zone.spec.sensors().into_iter().map(|sensor| &sensors.spec(sensor).name).collect(),
            fans: zone.spec.fans.iter().map(|fan| &self.fans[fan.index()].spec.name).collect(),
            trip: zone.tripped.as_ref(),
        }
    }

    /// Whether a fan refused the last duty that it was told.
    pub fn refuses(&self, id: FanId) -> bool {
        self.fans[id.index()].write_failing
    }

    /// A fan as it is now.
    pub fn view_fan<'a>(&'a self, id: FanId, sensors: &Sensors) -> FanView<'a> {
        let fan = &self.fans[id.index()];
        let zone = fan.zones.first().map(|zone| &self.zones[zone.index()]);
        let measured = fan.spec.tachometer.map(|sensor| sensors.quality(sensor));
        FanView {
            spec: &fan.spec,
            rpm: fan.spec.tachometer.and_then(|sensor| sensors.good(sensor)),
            duty: fan.duty,
            mode: fan.mode,
            zone: zone.map(|zone| &zone.spec.name),
            health: if fan.failed || fan.write_failing || fan.runaway {
                Health::Unhealthy
            } else if measured == Some(Quality::Good) {
                Health::Healthy
            } else {
                Health::Unknown
            },
            override_until: fan.manual.map(|(_, until)| until),
            reason: match fan.mode {
                FanMode::Manual => "held by an operator".to_owned(),
                FanMode::Failsafe | FanMode::Auto => zone.map_or_else(String::new, |zone| zone.driver.clone()),
            },
            expected_rpm: fan.spec.expected_rpm(fan.duty),
        }
    }
}
