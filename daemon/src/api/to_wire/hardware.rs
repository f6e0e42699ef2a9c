//! Sensors, zones, fans, rails, supplies, LEDs, and what is built in.

use ubmc_core::{
    core::Core,
    ids::{FanId, SensorId, SupplyId},
    leds::Pattern,
    machines::MachineKind,
    reach::Answer,
    sensors::{SensorKind, Thresholds},
    thermal::{ControllerKind, Interpolation, TripFan, TripPart, TripRecord},
    time::Mono,
    units::Duty,
    view::{
        ControllerView, FanMode, FanView, LedView, Quality, RailView, SensorView, Status, SupplyView, Term, ZoneState,
        ZoneView,
    },
};
use ubmc_platforms::board::{Resource, ResourceKind};
use ubmc_proto::v1;

use super::{Moment, health, names};

/// A sensor.
pub fn sensor(view: &SensorView<'_>, moment: Moment) -> v1::Sensor {
    let spec = view.spec;
    v1::Sensor {
        name: spec.name.to_string(),
        kind: sensor_kind(spec.kind).into(),
        unit: spec.kind.unit().to_owned(),
        value: view.value,
        quality: quality(view.quality),
        age_s: view.read_at.map(|at| moment.age(at)),
        status: status(view.status),
        thresholds: Some(thresholds(&spec.thresholds)),
        minimum: view.statistics.minimum,
        maximum: view.statistics.maximum,
        reason: view.reason.to_owned(),
        description: spec.description.clone(),
        interval_s: spec.interval.as_secs_f64(),
        mean: view.statistics.mean,
        readings: view.statistics.readings,
        errors: view.statistics.errors,
        worst_case: view.worst_case(moment.mono),
        target: spec.target(),
        limits_from_device: view.limits_taken.iter().map(|limit| (*limit).to_owned()).collect(),
        missing_ok: spec.protection.missing_ok,
        failsafe_duty: spec.protection.failsafe.map(Duty::percent),
    }
}

fn thresholds(thresholds: &Thresholds) -> v1::Thresholds {
    v1::Thresholds {
        warning_high: thresholds.warning_high,
        critical_high: thresholds.critical_high,
        fatal_high: thresholds.fatal_high,
        warning_low: thresholds.warning_low,
        critical_low: thresholds.critical_low,
        fatal_low: thresholds.fatal_low,
        hysteresis: thresholds.hysteresis,
    }
}

/// A sensor's past; readings older than `since` are left out.
pub fn history(
    readings: &[(Mono, Option<f64>)],
    since: Option<Mono>,
    unit: &str,
    moment: Moment,
) -> v1::GetSensorHistoryResponse {
    let points = readings
        .iter()
        .filter(|(at, _)| since.is_none_or(|since| *at >= since))
        .map(|(at, value)| v1::HistoryPoint { age_s: moment.age(*at), value: *value });
    v1::GetSensorHistoryResponse { points: points.collect(), unit: unit.to_owned() }
}

/// The first message of a watch of sensors.
pub fn sensors_snapshot(snapshot: v1::ListSensorsResponse) -> v1::WatchSensorsResponse {
    v1::WatchSensorsResponse { update: Some(v1::watch_sensors_response::Update::Snapshot(snapshot)) }
}

/// Every further message of a watch of sensors.
pub fn sensor_changes(sensors: Vec<v1::Sensor>) -> v1::WatchSensorsResponse {
    let changed = v1::SensorsChanged { sensors };
    v1::WatchSensorsResponse { update: Some(v1::watch_sensors_response::Update::Changed(changed)) }
}

fn sensor_kind(kind: SensorKind) -> v1::SensorKind {
    match kind {
        SensorKind::Temperature => v1::SensorKind::Temperature,
        SensorKind::Voltage => v1::SensorKind::Voltage,
        SensorKind::Current => v1::SensorKind::Current,
        SensorKind::Power => v1::SensorKind::Power,
        SensorKind::FanSpeed => v1::SensorKind::FanSpeed,
        SensorKind::Humidity => v1::SensorKind::Humidity,
        SensorKind::State => v1::SensorKind::State,
    }
}

fn quality(quality: Quality) -> i32 {
    let quality = match quality {
        Quality::Good => v1::Quality::Good,
        Quality::NotYetRead => v1::Quality::NotYetRead,
        Quality::Unpowered => v1::Quality::Unpowered,
        Quality::Stale => v1::Quality::Stale,
        Quality::Failed => v1::Quality::Failed,
        Quality::Absent => v1::Quality::Absent,
    };
    quality.into()
}

fn status(status: Status) -> i32 {
    let status = match status {
        Status::Ok => v1::SensorStatus::Ok,
        Status::Unknown => v1::SensorStatus::Unknown,
        Status::Warning => v1::SensorStatus::Warning,
        Status::Critical => v1::SensorStatus::Critical,
        Status::Fatal => v1::SensorStatus::Fatal,
    };
    status.into()
}

/// A zone.
pub fn zone(view: &ZoneView<'_>, core: &Core, moment: Moment) -> v1::Zone {
    let spec = view.spec;
    let state = match view.state {
        ZoneState::Starting => v1::ZoneState::Starting,
        ZoneState::Controlled => v1::ZoneState::Controlled,
        ZoneState::Failsafe => v1::ZoneState::Failsafe,
        ZoneState::Critical => v1::ZoneState::Critical,
        ZoneState::CoolDown => v1::ZoneState::CoolDown,
        ZoneState::Tripped => v1::ZoneState::Tripped,
    };
    v1::Zone {
        name: spec.name.to_string(),
        state: state.into(),
        duty: view.duty.percent(),
        driver: view.driver.to_owned(),
        sensors: names(view.sensors.iter().copied()),
        fans: names(view.fans.iter().copied()),
        controllers: view.controllers.iter().map(|view| controller(view, core)).collect(),
        floor: spec.floor.percent(),
        ceiling: spec.ceiling.percent(),
        failsafe_duty: spec.failsafe.percent(),
        reason: view.reason.to_owned(),
        terms: view.terms.iter().map(term).collect(),
        state_age_s: moment.age(view.since),
        trip: view.trip.map(|record| trip(record, moment)),
        fans_needed: u32::try_from(spec.fans_needed).unwrap_or(u32::MAX),
    }
}

/// What everything was at when a zone tripped.
fn trip(record: &TripRecord, moment: Moment) -> v1::Trip {
    let part = |part: &TripPart| v1::TripPart {
        sensor: part.sensor.to_string(),
        unit: part.unit.to_owned(),
        value: part.value,
        quality: quality(part.quality),
        worst_case: part.worst_case,
        limit: part.limit,
    };
    let fan = |fan: &TripFan| v1::TripFan { name: fan.name.to_string(), rpm: fan.rpm, duty: fan.duty.percent() };
    v1::Trip {
        why: record.why.clone(),
        age_s: moment.age(record.at),
        parts: record.parts.iter().map(part).collect(),
        fans: record.fans.iter().map(fan).collect(),
    }
}

fn controller(view: &ControllerView<'_>, core: &Core) -> v1::Controller {
    let spec = view.spec;
    let (kind, curve, set_point) = match &spec.kind {
        ControllerKind::Curve(curve) => {
            let kind = match curve.interpolation {
                Interpolation::Stepwise => "stepwise",
                Interpolation::Linear => "linear",
            };
            let point = |(input, duty): &(f64, Duty)| v1::CurvePoint { temperature: *input, duty: duty.percent() };
            (kind, curve.points.iter().map(point).collect(), None)
        }
        ControllerKind::Pid(pid) => ("pid", Vec::new(), Some(pid.set_point)),
    };
    let named = |ids: &[SensorId]| ids.iter().map(|id| core.board().sensor(*id).name.to_string()).collect();
    v1::Controller {
        name: spec.name.to_string(),
        kind: kind.to_owned(),
        sensors: named(&spec.sensors),
        curve,
        input: view.input,
        output: view.output.map(Duty::percent),
        set_point,
        terms: view.terms.iter().map(term).collect(),
        input_kind: spec.input.as_str().to_owned(),
        input_unit: spec.input.unit().to_owned(),
        feed_forward_sensors: named(spec.forward()),
    }
}

fn term(term: &Term) -> v1::Term {
    v1::Term { name: term.name.clone(), value: term.value, unit: term.unit.to_owned() }
}

/// A fan.
pub fn fan(view: &FanView<'_>, moment: Moment) -> v1::Fan {
    let mode = match view.mode {
        FanMode::Auto => v1::FanMode::Auto,
        FanMode::Manual => v1::FanMode::Manual,
        FanMode::Failsafe => v1::FanMode::Failsafe,
    };
    v1::Fan {
        name: view.spec.name.to_string(),
        rpm: view.rpm,
        duty: view.duty.percent(),
        mode: mode.into(),
        zone: view.zone.map_or_else(String::new, ToString::to_string),
        health: health(view.health),
        override_left_s: view.override_until.map(|until| moment.left(until)),
        reason: view.reason.clone(),
        expected_rpm: Some(view.expected_rpm),
    }
}

/// Zones and fans as one message of a watch.
pub fn zones_snapshot(zones: Vec<v1::Zone>, fans: Vec<v1::Fan>, seq: u64, first: bool) -> v1::WatchZonesResponse {
    use v1::watch_zones_response::Update;
    let snapshot = v1::ZonesSnapshot { zones, fans, seq };
    let update = if first { Update::Snapshot(snapshot) } else { Update::Changed(snapshot) };
    v1::WatchZonesResponse { update: Some(update) }
}

/// A rail.
pub fn rail(view: &RailView<'_>) -> v1::Rail {
    v1::Rail {
        name: view.name.to_string(),
        // Not driven yet is not enabled: the line keeps the level that the board gives it.
        enabled: view.enabled.unwrap_or(false),
        power_good: view.power_good,
        control_signal: view.control_signal.to_owned(),
        good_signal: view.good_signal.to_owned(),
        voltage: view.voltage,
        requires: view.requires.iter().map(ToString::to_string).collect(),
        machine: view.machine.map_or_else(String::new, ToString::to_string),
        progress: view.progress.clone().unwrap_or_default(),
    }
}

/// A supply.
pub fn supply(view: &SupplyView<'_>, moment: Moment) -> v1::Supply {
    v1::Supply {
        name: view.spec.name.to_string(),
        present: view.present,
        power_good: view.good,
        power_w: view.power_w,
        temperature: view.temperature,
        health: health(view.health),
        rated_w: view.spec.rated_w,
        fault_registers: view
            .fault_registers
            .iter()
            .map(|(name, value)| v1::FaultRegister { name: name.clone(), value: u32::from(*value) })
            .collect(),
        fault_age_s: view.faults_read_at.map(|at| moment.age(at)),
    }
}

/// An LED.
pub fn led(view: &LedView<'_>, moment: Moment) -> v1::Led {
    let pattern = match view.pattern {
        Pattern::Off => v1::LedPattern::Off,
        Pattern::On => v1::LedPattern::On,
        Pattern::Blink => v1::LedPattern::Blink,
        Pattern::FastBlink => v1::LedPattern::FastBlink,
    };
    v1::Led {
        name: view.spec.name.to_string(),
        role: view.spec.role.as_str().to_owned(),
        pattern: pattern.into(),
        reason: view.reason.to_owned(),
        left_s: view.until.map(|until| moment.left(until)),
        held_by: view.held_by.unwrap_or_default().to_owned(),
        error: view.error.unwrap_or_default().to_owned(),
    }
}

/// A piece of hardware with its owner.
pub fn resource(resource: &Resource, core: &Core) -> v1::Resource {
    let kind = match resource.kind {
        ResourceKind::GpioLine => v1::ResourceKind::GpioLine,
        ResourceKind::Pwm => v1::ResourceKind::Pwm,
        ResourceKind::HwmonChannel => v1::ResourceKind::HwmonChannel,
        ResourceKind::I2cDevice => v1::ResourceKind::I2cDevice,
        ResourceKind::Led => v1::ResourceKind::Led,
        ResourceKind::Watchdog => v1::ResourceKind::Watchdog,
        ResourceKind::Sim => v1::ResourceKind::Sim,
    };
    let (reachable, error) = match core.answer_of(&resource.owner) {
        Answer::Good => (Some(true), String::new()),
        Answer::None(why) => (Some(false), why),
        Answer::Unknown => (None, String::new()),
    };
    v1::Resource {
        kind: kind.into(),
        name: resource.name.clone(),
        owner: resource.owner.clone(),
        used_by: resource.used_by.clone(),
        reachable,
        error,
    }
}

/// Everything that is built in, machines first.
pub fn inventory(core: &Core) -> Vec<v1::InventoryItem> {
    let board = core.board();
    let item = |name: &ubmc_core::ids::Name, kind: &str, present| v1::InventoryItem {
        name: name.to_string(),
        kind: kind.to_owned(),
        present,
        ..v1::InventoryItem::default()
    };
    let machines = board.machines.iter().map(|machine| {
        let kind = machine.definition.kind;
        // The controller that answers and the chassis it sits in are there; of a host only a presence line could tell.
        let present = match kind {
            MachineKind::Bmc | MachineKind::Chassis => Some(true),
            MachineKind::Host => None,
        };
        v1::InventoryItem {
            product: if kind == MachineKind::Chassis { board.name.clone() } else { String::new() },
            ..item(&machine.name, kind.as_str(), present)
        }
    });
    let supplies = (0..board.supplies.len()).map(|place| {
        let view = core.supply(SupplyId::new(place));
        item(&view.spec.name, "supply", view.present)
    });
    let fans = (0..board.fans.len()).map(|place| {
        let spec = board.fan(FanId::new(place));
        item(&spec.name, "fan", spec.tachometer.and_then(|tachometer| device_present(core, tachometer)))
    });
    machines.chain(supplies).chain(fans).collect()
}

/// Whether the device behind a sensor is there. None when its readings do not tell.
fn device_present(core: &Core, sensor: SensorId) -> Option<bool> {
    match core.sensor(sensor).quality {
        Quality::Good => Some(true),
        Quality::Absent => Some(false),
        Quality::NotYetRead | Quality::Unpowered | Quality::Stale | Quality::Failed => None,
    }
}
