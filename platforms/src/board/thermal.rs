//! `[fans.NAME]` and `[zones.NAME]`

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ubmc_core::{
    ids::{FanId, Name, SensorId},
    sensors::{SensorKind, SensorSpec},
    thermal::{ControllerSpec, FanSpec, ZoneSpec},
    units::Duty,
};

use super::{
    bindings::FanBinding,
    controllers,
    lines::sensor_of_kind,
    names::{Section, has_key},
    schema,
    source::{At, Span},
    sources::Hardware,
    table::{Context, Table},
    tree::{Entry, Value},
};

/// What zones need to know of sensors.
pub(super) struct Sensors<'a, 't> {
    pub(super) section: &'a Section<'t>,
    /// By place; nothing for a kind that could not be read.
    pub(super) kinds: &'a [Option<SensorKind>],
    /// Those that could be read.
    pub(super) specs: &'a [SensorSpec],
}

impl Sensors<'_, '_> {
    pub(super) fn kind(&self, name: &str) -> Option<SensorKind> {
        self.kinds.get(self.section.position(name)?).copied().flatten()
    }

    pub(super) fn spec(&self, name: &str) -> Option<&SensorSpec> {
        self.specs.iter().find(|spec| spec.name.as_str() == name)
    }

    /// Whether it has a limit that powers off, one that could not be read, or one that its device may bring.
    fn may_trip(&self, place: usize) -> bool {
        let limit = |entry: &&Entry| {
            ["fatal_high", "from_hardware"].iter().any(|key| has_key(&entry.node, &["thresholds", *key]))
        };
        self.section.entries.get(place).is_some_and(limit)
    }

    /// The duty that zones take while it cannot be read, where it has one of its own.
    fn failsafe(&self, place: usize) -> Option<At<Duty>> {
        let entry = self.section.entries.get(place)?;
        let duty = self.spec(&entry.key)?.protection.failsafe?;
        let Value::Table(keys) = &entry.node.value else { return None };
        let at = keys.iter().find(|key| key.key == "failsafe")?.node.at;
        Some(At { value: duty, at })
    }
}

/// Fans, with what is behind them.
pub(super) fn fans(
    section: &Section<'_>,
    sensors: (&Section<'_>, &[Option<SensorKind>]),
    hardware: &mut Hardware,
    cx: &mut Context<'_>,
) -> (Vec<FanSpec>, Vec<FanBinding>) {
    let mut specs: Vec<FanSpec> = Vec::new();
    let mut bindings = Vec::new();
    let mut tachometers: BTreeMap<SensorId, Span> = BTreeMap::new();
    for entry in &section.entries {
        let who = format!("fan `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::FAN, cx) else { continue };
        let tachometer = sensor_of_kind(&table, "tachometer", SensorKind::FanSpeed, sensors, cx);
        if let Some(sensor) = tachometer
            && let Some(first) = tachometers.insert(sensor, table.key_at("tachometer"))
        {
            let name = sensors.0.name(sensor.index());
            cx.out
                .error(table.key_at("tachometer"), format!("two fans have the tachometer `{name}`"))
                .related(first, "the first one");
        }
        if !table.has("max_rpm") {
            table.missing("max_rpm", "12000", cx);
        }
        let max_rpm = table.number("max_rpm", 1.0..=100_000.0, cx);
        let min_rpm = table.number("min_rpm", 0.0..=100_000.0, cx);
        if let (Some(max), Some(min)) = (&max_rpm, &min_rpm)
            && min.value >= max.value
        {
            cx.out
                .error(min.at, format!("`min_rpm` of {} is not below its `max_rpm`", table.who))
                .related(max.at, "full speed");
        }
        specs.push(FanSpec {
            name: Name::from(entry.key.as_str()),
            tachometer,
            max_rpm: max_rpm.map_or(1.0, |rpm| rpm.value),
            min_rpm: min_rpm.map_or(0.0, |rpm| rpm.value),
        });
        bindings.extend(hardware.fan(&table, &entry.key, cx));
    }
    (specs, bindings)
}

/// Fans that a board can have.
const MAX_FANS: usize = 256;

/// Zones.
pub(super) fn zones(
    section: &Section<'_>,
    fans: &Section<'_>,
    sensors: &Sensors<'_, '_>,
    cx: &mut Context<'_>,
) -> Vec<ZoneSpec> {
    let mut specs: Vec<ZoneSpec> = Vec::new();
    // A fan that is named where nobody could read it is in no zone only for that reason.
    let mut knows_all = section.is_whole(cx);
    for entry in &section.entries {
        let who = format!("fan zone `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::ZONE, cx) else { continue };
        if fans.position(&entry.key).is_some() {
            cx.out
                .error(entry.key_at, format!("`{}` is the name of a zone and of a fan", entry.key))
                .help("`fans set NAME` must know which of them is meant");
        }
        let noted = cx.out.met();
        let driven = fans.find_all(&table.texts("fans", cx), &format!("{} drives", table.who), cx);
        let knows_fans = cx.out.met() == noted;
        knows_all &= knows_fans;
        if driven.is_empty() && cx.out.met() == noted {
            cx.out.error(table.key_at("fans"), format!("{} drives no fan", table.who)).label("needs `fans = […]`");
        }
        let (floor, ceiling, failsafe) = duties(&table, cx);
        let interval = table.positive_time("interval", cx).map_or(Duration::from_secs(1), |time| time.value);
        let controllers = controllers::read(&table, sensors, interval, cx);
        warn_without_trip(&table, &controllers, sensors, cx);
        check_failsafes(&table, &controllers, floor, sensors, cx);
        let most = if knows_fans { driven.len() } else { MAX_FANS };
        let fans_needed = table.integer("fans_needed", 0..=i64::try_from(most).unwrap_or(i64::MAX), cx);
        specs.push(ZoneSpec {
            name: Name::from(entry.key.as_str()),
            controllers,
            fans_needed: fans_needed.map_or(0, |needed| usize::try_from(needed.value).unwrap_or(0)),
            fans: driven.into_iter().map(FanId::new).collect(),
            floor,
            ceiling,
            failsafe,
            interval,
        });
    }
    for (index, fan) in fans.entries.iter().enumerate() {
        if knows_all && !specs.iter().any(|zone| zone.fans.contains(&FanId::new(index))) {
            cx.out
                .error(fan.key_at, format!("fan `{}` is in no zone", fan.key))
                .label("nothing would ever drive it")
                .help("name it in the `fans` of a zone");
        }
    }
    specs
}

fn duties(table: &Table<'_>, cx: &mut Context<'_>) -> (Duty, Duty, Duty) {
    let mut duty = |key: &str| table.number(key, 0.0..=100.0, cx);
    let (floor, ceiling, failsafe) = (duty("floor"), duty("ceiling"), duty("failsafe"));
    let floor_value = floor.as_ref().map_or(0.0, |duty| duty.value);
    if let Some(ceiling) = &ceiling
        && ceiling.value < floor_value
    {
        cx.out
            .error(ceiling.at, format!("`ceiling` of {} is below its `floor`", table.who))
            .related(table.key_at("floor"), format!("{floor_value} %"));
    }
    if let Some(failsafe) = &failsafe
        && failsafe.value < floor_value
    {
        cx.out
            .error(failsafe.at, format!("`failsafe` of {} is below its `floor`", table.who))
            .label("fans must not slow down when something is unknown")
            .related(table.key_at("floor"), format!("{floor_value} %"));
    }
    let value = |duty: Option<At<f64>>, default: Duty| duty.map_or(default, |duty| Duty::new(duty.value));
    (value(floor, Duty::OFF), value(ceiling, Duty::FULL), value(failsafe, Duty::FULL))
}

/// A sensor's own fail-safe must not be less than what the zone gives anyhow.
fn check_failsafes(
    table: &Table<'_>,
    controllers: &[ControllerSpec],
    floor: Duty,
    sensors: &Sensors<'_, '_>,
    cx: &mut Context<'_>,
) {
    let read: BTreeSet<SensorId> =
        controllers.iter().flat_map(|controller| controller.sensors.iter().copied()).collect();
    for sensor in read {
        let Some(failsafe) = sensors.failsafe(sensor.index()).filter(|failsafe| failsafe.value < floor) else {
            continue;
        };
        let name = sensors.section.name(sensor.index());
        cx.out
            .error(failsafe.at, format!("`failsafe` of sensor `{name}` is below the `floor` of {}", table.who))
            .label("fans must not slow down when something is unknown")
            .related(table.key_at("floor"), format!("{} %", floor.percent()));
    }
}

fn warn_without_trip(
    table: &Table<'_>,
    controllers: &[ControllerSpec],
    sensors: &Sensors<'_, '_>,
    cx: &mut Context<'_>,
) {
    let mut read = controllers.iter().flat_map(|controller| &controller.sensors).peekable();
    if read.peek().is_some() && !read.any(|id| sensors.may_trip(id.index())) {
        cx.out
            .warning(table.at, format!("no sensor of {} has a `fatal_high`", table.who))
            .label("nothing ever powers off for heat here");
    }
}
