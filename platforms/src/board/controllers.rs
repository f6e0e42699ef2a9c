//! `[[zones.NAME.controllers]]`

use std::{collections::BTreeMap, ops::RangeInclusive, time::Duration};

use ubmc_core::{
    ids::{Name, SensorId},
    sensors::{Formula, SensorKind, SensorSource},
    thermal::{
        ControllerKind, ControllerSpec, CurveSpec, InputKind, Interpolation,
        hysteresis::Hysteresis,
        pid::{FeedForward, PidSpec},
    },
    units::Duty,
};

use super::{
    names::{bounded, raw_texts},
    schema,
    source::{At, Span},
    table::{Context, Table, number, wrong_type},
    thermal::Sensors,
    tree::{Node, Value},
};

const INTERPOLATIONS: [(&str, Interpolation); 2] =
    [("linear", Interpolation::Linear), ("stepwise", Interpolation::Stepwise)];
const INPUTS: [(&str, Input); 3] =
    [("temperature", Input::Temperature), ("margin", Input::Margin), ("power", Input::Power)];
const TYPES: [(&str, Type); 2] = [("curve", Type::Curve), ("pid", Type::Pid)];
const OF_CURVES: [&str; 2] = ["points", "interpolation"];
const OF_PID: [&str; 10] =
    ["set_point", "kp", "ki", "kd", "bias", "integral", "output", "fall_slew", "rise_slew", "feed_forward"];

const MAX_CONTROLLERS: usize = 64;
const MAX_POINTS: usize = 256;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Input {
    Temperature,
    Margin,
    Power,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Type {
    Curve,
    Pid,
}

impl Input {
    const fn kind(self) -> SensorKind {
        match self {
            Self::Temperature | Self::Margin => SensorKind::Temperature,
            Self::Power => SensorKind::Power,
        }
    }

    const fn unit(self) -> &'static str {
        self.kind().unit()
    }

    /// What it can be at all; outside is a slip of the unit.
    const fn range(self) -> RangeInclusive<f64> {
        match self {
            Self::Temperature => -100.0..=300.0,
            Self::Margin => -400.0..=400.0,
            Self::Power => 0.0..=1e6,
        }
    }
}

/// The controllers of a zone, which is evaluated every `pace`.
pub(super) fn read(
    zone: &Table<'_>,
    sensors: &Sensors<'_, '_>,
    pace: Duration,
    cx: &mut Context<'_>,
) -> Vec<ControllerSpec> {
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
        specs.push(controller(&table, name.value, sensors, pace, cx));
    }
    specs
}

fn controller(
    table: &Table<'_>,
    name: String,
    sensors: &Sensors<'_, '_>,
    pace: Duration,
    cx: &mut Context<'_>,
) -> ControllerSpec {
    let input = table.word("input", &INPUTS, cx).map_or(Input::Temperature, |word| word.value);
    let names = inputs(table, "sensors", input, sensors, cx);
    let ids = sensors.section.find_all(&names, &format!("{} reads", table.who), cx);
    let noted = cx.out.met();
    let told = table.word("type", &TYPES, cx).map(|word| word.value);
    // One that could not be read is what its keys are of: that it cannot be read is the one problem.
    let readable = cx.out.met() == noted;
    let guess = if OF_PID.iter().any(|key| table.has(key)) { Type::Pid } else { Type::Curve };
    let kind = told.unwrap_or(if readable { Type::Curve } else { guess });
    let (foreign, owner) = match kind {
        Type::Curve => (OF_PID.as_slice(), "a `type = \"pid\"`"),
        Type::Pid => (OF_CURVES.as_slice(), "a `type = \"curve\"`"),
    };
    for key in foreign {
        if table.has(key) && readable {
            cx.out.error(table.key_at(key), format!("{} has a `{key}`, which belongs to {owner}", table.who));
        }
    }
    let limits = limits(table, input, &names, sensors, cx);
    let (kind, hysteresis) = match kind {
        Type::Curve => {
            let curve = curve(table, input, cx);
            let room = room(&curve);
            (ControllerKind::Curve(curve), hysteresis(table, room, cx))
        }
        Type::Pid => {
            let pid = pid(table, input, sensors, cx);
            check_pace(table, &pid, &names, sensors, pace, cx);
            (ControllerKind::Pid(pid), hysteresis(table, None, cx))
        }
    };
    ControllerSpec {
        name: Name::from(name),
        sensors: ids.into_iter().map(SensorId::new).collect(),
        input: match input {
            Input::Temperature => InputKind::Temperature,
            Input::Margin => InputKind::Margin(limits),
            Input::Power => InputKind::Power,
        },
        hysteresis,
        kind,
    }
}

/// Names of sensors of the kind that `input` needs.
fn inputs(
    table: &Table<'_>,
    key: &str,
    input: Input,
    sensors: &Sensors<'_, '_>,
    cx: &mut Context<'_>,
) -> Vec<At<String>> {
    let noted = cx.out.met();
    let names = table.texts(key, cx);
    if names.is_empty() && cx.out.met() == noted {
        cx.out.error(table.key_at(key), format!("{} reads no sensor", table.who)).label("needs `sensors = […]`");
    }
    for name in &names {
        let what = if input.kind() == SensorKind::Power { "power" } else { "temperature" };
        if let Some(kind) = sensors.kind(&name.value).filter(|kind| *kind != input.kind()) {
            cx.out
                .error(name.at, format!("{} reads `{}`, which is no {what}", table.who, name.value))
                .label(format!("a {kind} sensor"));
        } else if input == Input::Temperature && sensors.spec(&name.value).is_some_and(is_margin) {
            cx.out
                .error(name.at, format!("{} reads `{}`, which tells a margin", table.who, name.value))
                .label("the hotter, the lower")
                .help("add `input = \"margin\"`");
        }
    }
    names
}

fn is_margin(spec: &ubmc_core::sensors::SensorSpec) -> bool {
    matches!(spec.source, SensorSource::Derived { formula: Formula::MarginTo(_), .. })
}

/// For every input the limit that its margin is taken to.
fn limits(
    table: &Table<'_>,
    input: Input,
    names: &[At<String>],
    sensors: &Sensors<'_, '_>,
    cx: &mut Context<'_>,
) -> Vec<Option<f64>> {
    let limit = table.number("limit", Input::Temperature.range(), cx);
    if input != Input::Margin {
        if let Some(limit) = &limit {
            cx.out
                .error(limit.at, format!("{} has a `limit`, but goes by no margin", table.who))
                .help("add `input = \"margin\"`, or remove it");
        }
        return Vec::new();
    }
    let mut limits = Vec::new();
    for name in names {
        let Some(spec) = sensors.spec(&name.value) else { continue };
        if is_margin(spec) {
            limits.push(None);
            continue;
        }
        let own = limit.as_ref().map(|limit| limit.value).or(spec.thresholds.critical_high);
        if own.is_none() {
            cx.out
                .error(name.at, format!("{} has no limit that the margin of `{}` is taken to", table.who, name.value))
                .help("give the sensor a `critical_high`, or the controller a `limit`");
        }
        limits.push(Some(own.unwrap_or(0.0)));
    }
    limits
}

fn curve(table: &Table<'_>, input: Input, cx: &mut Context<'_>) -> CurveSpec {
    let interpolation = table.word("interpolation", &INTERPOLATIONS, cx);
    let interpolation = interpolation.map_or(Interpolation::Linear, |word| word.value);
    let noted = cx.out.met();
    let items = table.list("points", cx);
    bounded(items, table.key_at("points"), "points", MAX_POINTS, cx);
    let unit = input.unit();
    if items.is_empty() && cx.out.met() == noted {
        cx.out
            .error(table.key_at("points"), format!("{} has no points", table.who))
            .help(format!("add `points = [[30, 25], [80, 100]]`: {unit}, percent"));
    }
    let what = format!("a point of {}", table.who);
    let points: Vec<_> = items.iter().take(MAX_POINTS).filter_map(|item| point(item, input, &what, cx)).collect();
    for pair in points.windows(2) {
        let [(low, low_duty), (high, high_duty)] = pair else { continue };
        if high.value <= low.value {
            let quantity = if input == Input::Power { "power" } else { "temperature" };
            cx.out
                .error(high.at, format!("points of {} must rise in {quantity}", table.who))
                .label(format!("not above {} {unit}", low.value))
                .related(low.at, "the point before");
        }
        if input == Input::Margin && high_duty.value > low_duty.value {
            cx.out
                .error(high_duty.at, format!("the curve of {} rises", table.who))
                .label(format!("{} % after {} %: less margin must never mean slower", high_duty.value, low_duty.value));
        } else if input != Input::Margin && high_duty.value < low_duty.value {
            cx.out
                .error(high_duty.at, format!("the curve of {} falls", table.who))
                .label(format!("{} % after {} %: hotter must never mean slower", high_duty.value, low_duty.value));
        }
    }
    CurveSpec {
        points: points.into_iter().map(|(at, duty)| (at.value, Duty::new(duty.value))).collect(),
        interpolation,
    }
}

/// How wide a hysteresis may be: between steps a wider one would skip a step; along a line it only must not swallow the
/// whole.
fn room(curve: &CurveSpec) -> Option<f64> {
    let gaps = curve.points.windows(2).filter_map(|pair| match pair {
        [(low, _), (high, _)] if high > low => Some(high - low),
        _ => None,
    });
    match curve.interpolation {
        Interpolation::Stepwise => gaps.reduce(f64::min),
        Interpolation::Linear => gaps.reduce(|sum, gap| sum + gap),
    }
}

fn hysteresis(table: &Table<'_>, room: Option<f64>, cx: &mut Context<'_>) -> Hysteresis {
    let mut hysteresis = |key: &str| {
        let hysteresis = table.number(key, 0.0..=10_000.0, cx)?;
        if let Some(room) = room
            && hysteresis.value > room
        {
            cx.out
                .error(hysteresis.at, format!("`{key}` of {} is wider than its curve", table.who))
                .label(format!("at most {room} °C between its points"));
        }
        Some(hysteresis.value)
    };
    let (rise, fall) = (hysteresis("rise_hysteresis"), hysteresis("fall_hysteresis"));
    Hysteresis { rise: rise.unwrap_or(0.0), fall: fall.unwrap_or(0.0) }
}

fn pid(table: &Table<'_>, input: Input, sensors: &Sensors<'_, '_>, cx: &mut Context<'_>) -> PidSpec {
    if !table.has("set_point") {
        table.missing("set_point", "75", cx);
    }
    let set_point = table.number("set_point", input.range(), cx).map_or(0.0, |set_point| set_point.value);
    let mut gain = |key: &str| {
        let Some(gain) = table.number(key, -1e6..=1e6, cx) else { return 0.0 };
        // The error is the set-point less the input.
        let (wrong, must) = match input {
            Input::Margin => (gain.value < 0.0, "must not be negative: less margin must mean faster"),
            Input::Temperature | Input::Power => (gain.value > 0.0, "must not be positive: hotter must mean faster"),
        };
        if wrong {
            cx.out.error(gain.at, format!("`{key}` of {} has the wrong sign", table.who)).label(must);
        }
        gain.value
    };
    let (kp, ki, kd) = (gain("kp"), gain("ki"), gain("kd"));
    if !["kp", "ki"].into_iter().any(|key| table.has(key)) {
        cx.out
            .error(table.at, format!("{} has neither `kp` nor `ki`", table.who))
            .label("nothing would hold its set-point");
    }
    PidSpec {
        set_point,
        kp,
        ki,
        kd,
        bias: table.number("bias", -1000.0..=1000.0, cx).map_or(0.0, |bias| bias.value),
        feed_forward: feed_forward(table, sensors, cx),
        integral: pair(table, "integral", (-100.0, 100.0), -1000.0..=1000.0, cx),
        output: pair(table, "output", (0.0, 100.0), 0.0..=100.0, cx),
        slew: (
            table.number("fall_slew", 0.0..=1e6, cx).map_or(0.0, |slew| slew.value),
            table.number("rise_slew", 0.0..=1e6, cx).map_or(0.0, |slew| slew.value),
        ),
    }
}

fn feed_forward(table: &Table<'_>, sensors: &Sensors<'_, '_>, cx: &mut Context<'_>) -> FeedForward {
    let Some(own) = table.table("feed_forward", schema::FEED_FORWARD, cx) else { return FeedForward::default() };
    if !own.has("gain") {
        own.missing("gain", "0.1", cx);
    }
    let gain = own.number("gain", 0.0..=1e6, cx).map_or(0.0, |gain| gain.value);
    let offset = own.number("offset", -1e6..=1e6, cx).map_or(0.0, |offset| offset.value);
    let names = if own.has("sensors") { inputs(&own, "sensors", Input::Power, sensors, cx) } else { Vec::new() };
    let ids = sensors.section.find_all(&names, &format!("{} goes by", own.who), cx);
    FeedForward { gain, offset, sensors: ids.into_iter().map(SensorId::new).collect() }
}

/// `[lowest, highest]`
fn pair(
    table: &Table<'_>,
    key: &str,
    default: (f64, f64),
    bounds: RangeInclusive<f64>,
    cx: &mut Context<'_>,
) -> (f64, f64) {
    if !table.has(key) {
        return default;
    }
    let noted = cx.out.met();
    let items = table.list(key, cx);
    let what = table.named(key);
    let values: Vec<_> = items.iter().filter_map(|item| number(item, &format!("an item of {what}"), cx)).collect();
    match values.as_slice() {
        _ if cx.out.met() != noted => default,
        [low, high] if low <= high && bounds.contains(low) && bounds.contains(high) => (*low, *high),
        _ => {
            cx.out.error(table.value_at(key), format!("{what} must be a pair [lowest, highest]")).label(format!(
                "each {} to {}, the lower one first",
                bounds.start(),
                bounds.end()
            ));
            default
        }
    }
}

/// A derivative of readings that stand still between two calls is nothing, and then too much.
fn check_pace(
    table: &Table<'_>,
    pid: &PidSpec,
    names: &[At<String>],
    sensors: &Sensors<'_, '_>,
    pace: Duration,
    cx: &mut Context<'_>,
) {
    for (name, spec) in names.iter().filter_map(|name| Some((name, sensors.spec(&name.value)?))) {
        if pid.kd != 0.0 && spec.interval > pace {
            cx.out
                .warning(name.at, format!("{} is called more often than `{}` is read", table.who, name.value))
                .label(format!("read every {} s", spec.interval.as_secs_f64()))
                .help("raise the zone's `interval` to that, or do without `kd`");
        }
    }
}

fn point(item: &Node, input: Input, what: &str, cx: &mut Context<'_>) -> Option<(At<f64>, At<f64>)> {
    let unit = input.unit();
    let Value::List(pair) = &item.value else {
        wrong_type(item, what, &format!("a pair [{unit}, percent]"), cx);
        return None;
    };
    let [value, duty] = pair.as_slice() else {
        cx.out.error(item.at, format!("{what} must be a pair [{unit}, percent]"));
        return None;
    };
    let mut within = |node: &Node, range: RangeInclusive<f64>| {
        let value = number(node, what, cx)?;
        if !range.contains(&value) {
            let (low, high) = (range.start(), range.end());
            cx.out.error(node.at, format!("{what} is out of range")).label(format!("must be {low} to {high}"));
            return None;
        }
        Some(At::new(value, node.at))
    };
    let value = within(value, input.range());
    let duty = within(duty, 0.0..=100.0);
    Some((value?, duty?))
}
