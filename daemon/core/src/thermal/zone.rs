//! One zone: its controllers' highest demand, bounded, and raised by what protection says.

use super::{
    ControllerKind, ZoneSpec,
    control::Thermal,
    curve::{Held, duty_at},
    judge::{announce, judge_zone},
};
use crate::{
    ids::{Name, SensorId, ZoneId},
    outbox::Outbox,
    sensors::bank::Sensors,
    time::Mono,
    units::{Celsius, Duty},
    view::{Term, ZoneState},
};

/// A zone and what was decided of it last.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) spec: ZoneSpec,
    pub(super) state: ZoneState,
    pub(super) since: Mono,
    pub(super) duty: Duty,
    pub(super) driver: String,
    pub(super) reason: String,
    pub(super) terms: Vec<Term>,
    pub(super) held: Vec<Held>,
    pub(super) outputs: Vec<ControllerOutput>,
    pub(super) tripped: Option<String>,
}

/// What a controller was fed and what it asked for last.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ControllerOutput {
    pub(super) input: Option<(SensorId, f64)>,
    pub(super) output: Option<Duty>,
}

impl Zone {
    /// A zone starts in fail-safe.
    pub(super) fn new(spec: &ZoneSpec) -> Self {
        Self {
            state: ZoneState::Starting,
            since: Mono::ZERO,
            duty: spec.failsafe,
            driver: "start".to_owned(),
            reason: "not every sensor has been read yet".to_owned(),
            terms: Vec::new(),
            held: vec![Held::default(); spec.controllers.len()],
            outputs: vec![ControllerOutput::default(); spec.controllers.len()],
            tripped: None,
            spec: spec.clone(),
        }
    }
}

impl Thermal {
    /// Looks at a zone anew.
    pub(super) fn evaluate_zone(
        &mut self,
        id: ZoneId,
        sensors: &Sensors,
        driven: bool,
        failsafe: Option<&Name>,
        out: &mut Outbox,
    ) {
        let now = out.now();
        let failed_fan = self.failed_fan_of(id).cloned();
        let nobody = if self.was_driven { ZoneState::Failsafe } else { ZoneState::Starting };
        let leaving = self.leaving;
        let zone = &mut self.zones[id.index()];
        let mut terms = Vec::new();
        let mut wanted = Duty::OFF;
        let mut driver = "nothing to cool".to_owned();
        for (place, controller) in zone.spec.controllers.iter().enumerate() {
            let hottest = controller
                .sensors
                .iter()
                .filter_map(|sensor| sensors.good(*sensor).map(|value| (*sensor, value)))
                .max_by(|(_, one), (_, other)| one.total_cmp(other));
            let input = hottest.and_then(|(sensor, value)| Celsius::new(value).map(|value| (sensor, value)));
            let output = input.map(|(_, value)| match &controller.kind {
                ControllerKind::Curve(curve) => duty_at(curve, zone.held[place].follow(curve, value)),
            });
            if input.is_none() {
                zone.held[place].reset();
            }
            zone.outputs[place] = ControllerOutput { input: hottest, output };
            if let (Some((sensor, _)), Some(output)) = (input, output) {
                terms.push(Term { name: controller.name.to_string(), value: output.percent(), unit: "%" });
                if output > wanted {
                    wanted = output;
                    driver = format!("{} via {}", sensors.spec(sensor).name, controller.name);
                }
            }
        }
        let mut apply = |name: &str, from: Duty, to: Duty| {
            if from != to {
                terms.push(Term { name: name.to_owned(), value: to.percent(), unit: "%" });
            }
            to
        };
        let capped = apply("ceiling", wanted, wanted.min(zone.spec.ceiling));
        let floored = apply("floor", capped, capped.max(zone.spec.floor));
        if floored > capped {
            "floor".clone_into(&mut driver);
        }
        let (state, protected, why) =
            judge_zone(zone, sensors, (!driven).then_some(nobody), failsafe, failed_fan.as_ref());
        let duty = protected.map_or(floored, |protected| apply(state.as_str(), floored, floored.max(protected)));
        let reason = if state == ZoneState::Controlled { format!("{driver} asks for {duty}") } else { why.clone() };
        if state != ZoneState::Controlled {
            driver = format!("{}: {why}", if state == ZoneState::Starting { "start" } else { state.as_str() });
        }
        if state == ZoneState::Tripped && zone.tripped.is_none() {
            zone.tripped = Some(why.clone());
        }
        let was = zone.state;
        if state != was {
            zone.state = state;
            zone.since = now;
            announce(&zone.spec.name, was, state, &why, leaving, out);
        }
        if state != was || zone.duty != duty || zone.driver != driver {
            out.changed().zones.insert(id);
        }
        zone.duty = duty;
        zone.driver = driver;
        zone.reason = reason;
        zone.terms = terms;
    }

    fn failed_fan_of(&self, id: ZoneId) -> Option<&Name> {
        self.fans
            .iter()
            .find(|fan| (fan.failed || fan.write_failing) && fan.zones.contains(&id))
            .map(|fan| &fan.spec.name)
    }
}
