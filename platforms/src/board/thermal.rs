//! `[fans.NAME]` and `[zones.NAME]`

use std::{collections::BTreeMap, time::Duration};

use ubmc_core::{
    ids::{FanId, Name, SensorId},
    sensors::SensorKind,
    thermal::{ControllerKind, ControllerSpec, CurveSpec, FanSpec, Interpolation, ZoneSpec},
    units::Duty,
};

use super::{
    bindings::FanBinding,
    lines::sensor_of_kind,
    names::{Section, bounded, has_key, raw_texts},
    schema,
    source::{At, Span},
    sources::Hardware,
    table::{Context, Table, number, wrong_type},
    tree::{Entry, Node, Value},
};

const INTERPOLATIONS: [(&str, Interpolation); 2] =
    [("linear", Interpolation::Linear), ("stepwise", Interpolation::Stepwise)];

const MAX_CONTROLLERS: usize = 64;
const MAX_POINTS: usize = 256;

/// What zones need to know of sensors.
pub(super) struct Sensors<'a, 't> {
    pub(super) section: &'a Section<'t>,
    /// By place; nothing for a kind that could not be read.
    pub(super) kinds: &'a [Option<SensorKind>],
}

impl Sensors<'_, '_> {
    fn kind(&self, name: &str) -> Option<SensorKind> {
        self.kinds.get(self.section.position(name)?).copied().flatten()
    }

    /// Whether it has a limit that powers off, or one that could not be read.
    fn may_trip(&self, place: usize) -> bool {
        let limit = |entry: &&Entry| has_key(&entry.node, &["thresholds", "fatal_high"]);
        self.section.entries.get(place).is_some_and(limit)
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
        knows_all &= cx.out.met() == noted;
        if driven.is_empty() && cx.out.met() == noted {
            cx.out.error(table.key_at("fans"), format!("{} drives no fan", table.who)).label("needs `fans = […]`");
        }
        let (floor, ceiling, failsafe) = duties(&table, cx);
        let controllers = controllers(&table, sensors, cx);
        warn_without_trip(&table, &controllers, sensors, cx);
        specs.push(ZoneSpec {
            name: Name::from(entry.key.as_str()),
            controllers,
            fans: driven.into_iter().map(FanId::new).collect(),
            floor,
            ceiling,
            failsafe,
            interval: table.positive_time("interval", cx).map_or(Duration::from_secs(1), |time| time.value),
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

fn controllers(zone: &Table<'_>, sensors: &Sensors<'_, '_>, cx: &mut Context<'_>) -> Vec<ControllerSpec> {
    let noted = cx.out.met();
    let items = zone.list("controllers", cx);
    if items.is_empty() && cx.out.met() == noted {
        cx.out
            .error(zone.key_at("controllers"), format!("{} has no controller, so no sensor", zone.who))
            .help("add a `[[zones.NAME.controllers]]` with `sensors` and `points`");
    }
    bounded(items, zone.key_at("controllers"), "controllers", MAX_CONTROLLERS, cx);
    let mut specs: Vec<ControllerSpec> = Vec::new();
    let mut places: BTreeMap<String, Span> = BTreeMap::new();
    for (index, item) in items.iter().enumerate().take(MAX_CONTROLLERS) {
        let own = raw_texts(item, &["name"]).first().map_or_else(|| (index + 1).to_string(), |name| (*name).to_owned());
        let who = format!("controller `{own}` of {}", zone.who);
        let Some(table) = Table::open(item, item.at, who, schema::CONTROLLER, cx) else { continue };
        let name = table.text("name", cx).unwrap_or_else(|| At::new(own, item.at));
        match places.get(&name.value) {
            Some(first) => cx
                .out
                .error(name.at, format!("{} has two controllers `{}`", zone.who, name.value))
                .related(*first, "the first one")
                .done(),
            None => drop(places.insert(name.value.clone(), name.at)),
        }
        let noted = cx.out.met();
        let names = table.texts("sensors", cx);
        if names.is_empty() && cx.out.met() == noted {
            cx.out
                .error(table.key_at("sensors"), format!("{} reads no sensor", table.who))
                .label("needs `sensors = […]`");
        }
        let ids = sensors.section.find_all(&names, &format!("{} reads", table.who), cx);
        for name in &names {
            if let Some(kind) = sensors.kind(&name.value).filter(|kind| *kind != SensorKind::Temperature) {
                cx.out
                    .error(name.at, format!("{} reads `{}`, which is no temperature", table.who, name.value))
                    .label(format!("a {kind} sensor"));
            }
        }
        table.word("type", &[("curve", ())], cx);
        specs.push(ControllerSpec {
            name: Name::from(name.value),
            sensors: ids.into_iter().map(SensorId::new).collect(),
            kind: ControllerKind::Curve(curve(&table, cx)),
        });
    }
    specs
}

fn curve(table: &Table<'_>, cx: &mut Context<'_>) -> CurveSpec {
    let interpolation = table.word("interpolation", &INTERPOLATIONS, cx);
    let interpolation = interpolation.map_or(Interpolation::Linear, |word| word.value);
    let noted = cx.out.met();
    let items = table.list("points", cx);
    bounded(items, table.key_at("points"), "points", MAX_POINTS, cx);
    if items.is_empty() && cx.out.met() == noted {
        cx.out
            .error(table.key_at("points"), format!("{} has no points", table.who))
            .help("add `points = [[30, 25], [80, 100]]`: °C, percent");
    }
    let what = format!("a point of {}", table.who);
    let points: Vec<_> = items.iter().take(MAX_POINTS).filter_map(|item| point(item, &what, cx)).collect();
    for pair in points.windows(2) {
        let [(low, low_duty), (high, high_duty)] = pair else { continue };
        if high.value <= low.value {
            cx.out
                .error(high.at, format!("points of {} must rise in temperature", table.who))
                .label(format!("not above {} °C", low.value))
                .related(low.at, "the point before");
        }
        if high_duty.value < low_duty.value {
            cx.out
                .error(high_duty.at, format!("the curve of {} falls", table.who))
                .label(format!("{} % after {} %: hotter must never mean slower", high_duty.value, low_duty.value));
        }
    }
    let mut hysteresis = |key: &str| {
        let hysteresis = table.number(key, 0.0..=100.0, cx)?;
        let gaps = points.windows(2).filter_map(|pair| match pair {
            [(low, _), (high, _)] if high.value > low.value => Some(high.value - low.value),
            _ => None,
        });
        // Between steps a wider hysteresis would skip one; along a line it only must not swallow the whole.
        let room = match interpolation {
            Interpolation::Stepwise => gaps.reduce(f64::min),
            Interpolation::Linear => gaps.reduce(|sum, gap| sum + gap),
        };
        if let Some(room) = room
            && hysteresis.value > room
        {
            cx.out
                .error(hysteresis.at, format!("`{key}` of {} is wider than its curve", table.who))
                .label(format!("at most {room} °C between its points"));
        }
        Some(hysteresis.value)
    };
    CurveSpec {
        rise_hysteresis: hysteresis("rise_hysteresis").unwrap_or(0.0),
        fall_hysteresis: hysteresis("fall_hysteresis").unwrap_or(0.0),
        points: points.into_iter().map(|(at, duty)| (at.value, Duty::new(duty.value))).collect(),
        interpolation,
    }
}

fn point(item: &Node, what: &str, cx: &mut Context<'_>) -> Option<(At<f64>, At<f64>)> {
    let Value::List(pair) = &item.value else {
        wrong_type(item, what, "a pair [°C, percent]", cx);
        return None;
    };
    let [temperature, duty] = pair.as_slice() else {
        cx.out.error(item.at, format!("{what} must be a pair [°C, percent]"));
        return None;
    };
    let mut within = |node: &Node, low: f64, high: f64| {
        let value = number(node, what, cx)?;
        if !(low..=high).contains(&value) {
            cx.out.error(node.at, format!("{what} is out of range")).label(format!("must be {low} to {high}"));
            return None;
        }
        Some(At::new(value, node.at))
    };
    let temperature = within(temperature, -100.0, 300.0);
    let duty = within(duty, 0.0, 100.0);
    Some((temperature?, duty?))
}
