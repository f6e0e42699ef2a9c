//! One zone: its controllers' highest demand, bounded, and raised by what protection says.

use super::{
    ZoneSpec,
    control::Thermal,
    controller::{Call, Controller},
    fan::Fan,
    heritage::Heritage,
    judge::{Around, announce, judge},
    record::TripRecord,
};
use crate::{
    ids::{Name, SensorId, ZoneId},
    outbox::Outbox,
    sensors::bank::Sensors,
    time::Mono,
    units::Duty,
    view::{Term, ZoneState},
};

/// A zone and what was decided of it last.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub(super) spec: ZoneSpec,
    /// Every sensor that its controllers read.
    pub(super) needed: Vec<SensorId>,
    pub(super) state: ZoneState,
    pub(super) since: Mono,
    pub(super) duty: Duty,
    pub(super) driver: String,
    pub(super) reason: String,
    pub(super) terms: Vec<Term>,
    pub(super) controllers: Vec<Controller>,
    /// It was critical, and not everything has come down to its target since.
    pub(super) cooling: bool,
    pub(super) tripped: Option<TripRecord>,
    /// What the last daemon left its fans at.
    pub(super) heritage: Option<Heritage>,
    /// When it was looked at last.
    pub(super) looked_at: Mono,
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
            controllers: vec![Controller::default(); spec.controllers.len()],
            cooling: false,
            tripped: None,
            heritage: None,
            looked_at: Mono::ZERO,
            needed: spec.sensors(),
            spec: spec.clone(),
        }
    }

    /// Calls every controller. Returns the highest demand and whose it is.
    fn call_controllers(&mut self, call: Call<'_>, terms: &mut Vec<Term>) -> (Duty, String) {
        let mut wanted = Duty::OFF;
        let mut driver = "nothing to cool".to_owned();
        for (spec, controller) in self.spec.controllers.iter().zip(&mut self.controllers) {
            controller.call(spec, call);
            let (Some(fed), Some(output)) = (controller.fed, controller.output) else { continue };
            terms.push(Term { name: spec.name.to_string(), value: output.percent(), unit: "%" });
            if output > wanted {
                wanted = output;
                let input = match fed.sensor {
                    Some(sensor) => call.sensors.spec(sensor).name.to_string(),
                    None => format!("{} of {} sensors", spec.input.as_str(), spec.sensors.len()),
                };
                driver = format!("{input} via {}", spec.name);
            }
        }
        (wanted, driver)
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
        let (failed_fan, turning) = self.fans_of(id);
        let effective = self.effective_duty(id);
        let held = self.held_fans(id, out.now());
        let undriven = if self.was_driven { ZoneState::Failsafe } else { ZoneState::Starting };
        let leaving = self.leaving;
        let zone = &mut self.zones[id.index()];
        let mut terms = Vec::new();
        let call = Call { sensors, now, interval: zone.spec.interval, effective };
        let (wanted, mut driver) = zone.call_controllers(call, &mut terms);
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
        let around = Around {
            sensors,
            now,
            undriven: (!driven).then_some(undriven),
            failed_service: failsafe,
            failed_fan: failed_fan.as_ref(),
            turning,
        };
        let verdict = judge(zone, &around);
        let (state, why) = (verdict.state, verdict.why);
        zone.heritage = zone.heritage.filter(|_| verdict.least.is_none() || state == ZoneState::Starting);
        let inherited = zone.heritage.as_mut().and_then(|heritage| heritage.demands(state, floored, now));
        let duty = match (inherited, verdict.least) {
            (Some(inherited), _) => apply("inherited", floored, floored.max(inherited)),
            (None, Some(least)) => apply(state.as_str(), floored, floored.max(least)),
            (None, None) => floored,
        };
        if inherited.is_none() {
            zone.heritage = None;
        } else if state == ZoneState::Controlled {
            "the duty that the last ubmcd left".clone_into(&mut driver);
        }
        terms.extend(held);
        let reason = if state == ZoneState::Controlled { format!("{driver} asks for {duty}") } else { why.clone() };
        if state != ZoneState::Controlled {
            let what = match state {
                ZoneState::Starting => "start",
                ZoneState::Failsafe => "fail-safe",
                _ => state.as_str(),
            };
            driver = format!("{what}: {why}");
        }
        if state == ZoneState::Tripped && zone.tripped.is_none() {
            zone.tripped = Some(TripRecord::take(&why, &zone.spec, &self.fans, sensors, now));
        }
        zone.cooling = verdict.cooling;
        let was = zone.state;
        if state != was {
            zone.state = state;
            zone.since = now;
            announce(&zone.spec.name, (was, state), &why, zone.tripped.as_ref(), leaving, out);
        }
        if state != was || zone.duty != duty || zone.driver != driver {
            out.changed().zones.insert(id);
        }
        zone.duty = duty;
        zone.driver = driver;
        zone.reason = reason;
        zone.terms = terms;
        zone.looked_at = now;
        self.arm_zone(id, out);
    }

    /// A fan of the zone that does not do what it should, and how many turn for all that is known: when a whole fan chip
    /// falls silent, temperatures tell whether its fans still do, and that is no reason to power off.
    fn fans_of(&self, id: ZoneId) -> (Option<Name>, usize) {
        let fans = || self.fans.iter().filter(|fan| fan.zones.contains(&id));
        let failed = fans().find(|fan| fan.failed || fan.write_failing).map(|fan| fan.spec.name.clone());
        (failed, fans().filter(|fan| !fan.stands).count())
    }

    /// Fans of the zone that an operator holds, with what they get: at least what protection demands of them.
    fn held_fans(&self, id: ZoneId, now: Mono) -> Vec<Term> {
        let held = |fan: &Fan| {
            let (duty, _) = fan.manual.filter(|(_, until)| *until > now)?;
            Some(Term { name: format!("override of {}", fan.spec.name), value: duty.percent(), unit: "%" })
        };
        self.fans.iter().filter(|fan| fan.zones.contains(&id)).filter_map(held).collect()
    }

    /// What the slowest fan of the zone is told, whoever decided that.
    fn effective_duty(&self, id: ZoneId) -> Duty {
        self.fans
            .iter()
            .filter(|fan| fan.zones.contains(&id))
            .map(|fan| fan.duty)
            .reduce(Duty::min)
            .unwrap_or(Duty::FULL)
    }
}
