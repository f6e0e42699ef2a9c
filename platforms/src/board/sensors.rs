//! `[sensors.NAME]`

use std::{ops::RangeInclusive, time::Duration};

use ubmc_core::{
    ids::{MachineId, Name, SensorId},
    sensors::{Formula, Protection, SensorKind, SensorSource, SensorSpec, Thresholds},
    units::Duty,
};

use super::{
    bindings::SensorBinding,
    names::Section,
    schema,
    source::At,
    sources::Hardware,
    table::{Context, Table},
};

const KINDS: [(&str, SensorKind); 7] = [
    ("temperature", SensorKind::Temperature),
    ("voltage", SensorKind::Voltage),
    ("current", SensorKind::Current),
    ("power", SensorKind::Power),
    ("fan-speed", SensorKind::FanSpeed),
    ("humidity", SensorKind::Humidity),
    ("state", SensorKind::State),
];

/// Most readings that a sensor may keep: a day at one a second.
const MAX_HISTORY: u32 = 86_400;
const DEFAULT_HISTORY: usize = 600;

/// What a limit of that kind can be at all; outside is a slip of the unit (millidegrees, millivolts). Of a kind that
/// could not be read nothing is implausible.
const fn plausible(kind: Option<SensorKind>) -> RangeInclusive<f64> {
    let Some(kind) = kind else { return -1e9..=1e9 };
    match kind {
        SensorKind::Temperature => -100.0..=300.0,
        SensorKind::Voltage => -1000.0..=1000.0,
        SensorKind::Current => -10_000.0..=10_000.0,
        SensorKind::Power => -1e6..=1e6,
        SensorKind::FanSpeed => 0.0..=100_000.0,
        SensorKind::Humidity => 0.0..=100.0,
        SensorKind::State => 0.0..=1.0,
    }
}

/// All sensors, with what is behind them.
pub(super) fn read(
    sensors: &Section<'_>,
    machines: &Section<'_>,
    hardware: &mut Hardware,
    cx: &mut Context<'_>,
) -> (Vec<SensorSpec>, Vec<SensorBinding>) {
    let kinds: Vec<_> = sensors.entries.iter().map(|entry| kind_of(entry)).collect();
    let mut specs = Vec::new();
    let mut bindings = Vec::new();
    for entry in &sensors.entries {
        let who = format!("sensor `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::SENSOR, cx) else { continue };
        let known_kind = table.required_word("kind", &KINDS, cx).map(|kind| kind.value);
        let kind = known_kind.unwrap_or(SensorKind::State);
        let (source, binding) = source(&table, sensors, &kinds, known_kind, hardware, cx);
        let interval = table.positive_time("interval", cx).map_or(Duration::from_secs(1), |time| time.value);
        let thresholds = thresholds(&table, known_kind, cx);
        specs.push(SensorSpec {
            name: Name::from(entry.key.as_str()),
            description: table.text("description", cx).map(|text| text.value).unwrap_or_default(),
            kind,
            source,
            scale: scale(&table, cx),
            offset: table.number("offset", -1e9..=1e9, cx).map_or(0.0, |offset| offset.value),
            protection: protection(&table, known_kind, &thresholds, cx),
            thresholds,
            interval,
            stale_after: stale_after(&table, interval, cx),
            powered_by: table
                .text("powered_by", cx)
                .and_then(|name| machines.find(&name, &format!("{} is powered by", table.who), cx))
                .map(MachineId::new),
            max_slew: table
                .number("max_slew", 0.0..=1e6, cx)
                .map_or(if kind == SensorKind::Temperature { 1.0 } else { 0.0 }, |slew| slew.value),
            history: table
                .integer("history", 0..=MAX_HISTORY, cx)
                .map_or(DEFAULT_HISTORY, |history| history.value as usize),
        });
        bindings.push(binding.unwrap_or(SensorBinding::Derived));
    }
    (specs, bindings)
}

/// What zones make of it.
fn protection(
    table: &Table<'_>,
    kind: Option<SensorKind>,
    thresholds: &Thresholds,
    cx: &mut Context<'_>,
) -> Protection {
    let target = table.number("target", plausible(kind), cx);
    if let (Some(target), Some(critical)) = (&target, thresholds.critical_high)
        && target.value >= critical
    {
        cx.out
            .error(target.at, format!("`target` of {} is not below its `critical_high`", table.who))
            .label(format!("must be below {critical}: it is what is cooled down to after that was reached"));
    }
    Protection {
        target: target.map(|target| target.value),
        failsafe: table.number("failsafe", 0.0..=100.0, cx).map(|duty| Duty::new(duty.value)),
        missing_ok: table.bool("missing_ok", cx).unwrap_or(false),
    }
}

/// The kind of a sensor that may not have been read yet; its own problems are noted when it is.
fn kind_of(entry: &super::tree::Entry) -> Option<SensorKind> {
    let word = super::names::raw_texts(&entry.node, &["kind"]);
    KINDS.iter().find(|(name, _)| word.first() == Some(name)).map(|(_, kind)| *kind)
}

/// Kinds by place, for those who refer to sensors.
pub(super) fn kinds(sensors: &Section<'_>) -> Vec<Option<SensorKind>> {
    sensors.entries.iter().map(|entry| kind_of(entry)).collect()
}

fn scale(table: &Table<'_>, cx: &mut Context<'_>) -> f64 {
    let Some(scale) = table.number("scale", -1e9..=1e9, cx) else { return 1.0 };
    if scale.value == 0.0 {
        cx.out.error(scale.at, format!("`scale` of {} is zero", table.who)).label("every value would be the offset");
    }
    scale.value
}

fn stale_after(table: &Table<'_>, interval: Duration, cx: &mut Context<'_>) -> Duration {
    let Some(stale_after) = table.positive_time("stale_after", cx) else { return interval * 3 };
    if stale_after.value < interval * 2 {
        cx.out
            .error(stale_after.at, format!("{} would be stale between two readings", table.who))
            .label(format!("must be at least {} s, twice the interval", (interval * 2).as_secs_f64()));
    }
    stale_after.value
}

fn source(
    table: &Table<'_>,
    sensors: &Section<'_>,
    kinds: &[Option<SensorKind>],
    known_kind: Option<SensorKind>,
    hardware: &mut Hardware,
    cx: &mut Context<'_>,
) -> (SensorSource, Option<SensorBinding>) {
    let Some(derived) = table.table("derived", schema::DERIVED, cx) else {
        let binding = if table.has("derived") { None } else { hardware.sensor(table, known_kind, cx) };
        return (SensorSource::Hardware, binding);
    };
    for key in ["source", "scale", "offset"] {
        if table.has(key) {
            cx.out
                .error(table.key_at(key), format!("{} is derived from others and has no `{key}`", table.who))
                .label("remove it");
        }
    }
    let margin = derived.number("margin_to", plausible(known_kind), cx);
    let given: Vec<_> = ["sum", "maximum", "margin_to"].into_iter().filter(|key| derived.has(key)).collect();
    let (formula, key) = match given.as_slice() {
        ["sum"] => (Formula::Sum, "sum"),
        ["maximum"] => (Formula::Maximum, "maximum"),
        ["margin_to"] => (Formula::MarginTo(margin.map_or(0.0, |margin| margin.value)), "of"),
        _ => {
            cx.out
                .error(derived.at, format!("{} needs exactly one way to be derived", table.who))
                .help("`sum = […]`, `maximum = […]`, or `margin_to = LIMIT, of = […]`");
            return (SensorSource::Hardware, None);
        }
    };
    if key != "of" && derived.has("of") {
        cx.out.error(derived.key_at("of"), format!("`of` of {} belongs to `margin_to`", table.who)).label("remove it");
    }
    let met = cx.out.met();
    let names = derived.texts(key, cx);
    if names.is_empty() && cx.out.met() == met {
        cx.out.error(derived.key_at(key), format!("{} is derived from no sensor", table.who));
    }
    for name in &names {
        if sensors.position(&name.value) == sensors.entries.iter().position(|entry| entry.key_at == table.at) {
            cx.out.error(name.at, format!("{} is derived from itself", table.who));
        }
    }
    let inputs = sensors.find_all(&names, &format!("{} is derived from", table.who), cx);
    for (name, input) in names.iter().filter_map(|name| Some((name, sensors.position(&name.value)?))) {
        if let (Some(kind), Some(input_kind)) = (known_kind, kinds.get(input).copied().flatten()) {
            check_same_kind(table, kind, name, input_kind, cx);
        }
    }
    let inputs = inputs.into_iter().map(SensorId::new).collect();
    (SensorSource::Derived { formula, inputs }, Some(SensorBinding::Derived))
}

fn check_same_kind(
    table: &Table<'_>,
    kind: SensorKind,
    input: &At<String>,
    input_kind: SensorKind,
    cx: &mut Context<'_>,
) {
    if input_kind != kind {
        cx.out
            .error(input.at, format!("{} is a {kind}, but is derived from a {input_kind}", table.who))
            .label(format!("in {}, not in {}", shown_unit(input_kind), shown_unit(kind)));
    }
}

fn shown_unit(kind: SensorKind) -> &'static str {
    if kind.unit().is_empty() { "no unit" } else { kind.unit() }
}

/// From lowest to highest.
const LIMITS: [&str; 6] = ["fatal_low", "critical_low", "warning_low", "warning_high", "critical_high", "fatal_high"];

fn thresholds(sensor: &Table<'_>, kind: Option<SensorKind>, cx: &mut Context<'_>) -> Thresholds {
    let Some(table) = sensor.table("thresholds", schema::THRESHOLDS, cx) else { return Thresholds::default() };
    let limits = LIMITS.map(|key| table.number(key, plausible(kind), cx));
    let hysteresis = table.number("hysteresis", 0.0..=1e6, cx);
    let present: Vec<_> = LIMITS.iter().zip(&limits).filter_map(|(key, limit)| Some((*key, limit.as_ref()?))).collect();
    for pair in present.windows(2) {
        let [(low_key, low), (high_key, high)] = pair else { continue };
        if low.value >= high.value {
            cx.out
                .error(high.at, format!("thresholds of {} are out of order", sensor.who))
                .label(format!("`{high_key}` must be above `{low_key}`"))
                .related(low.at, format!("`{low_key}` is {}", low.value));
        } else if let Some(hysteresis) = hysteresis.as_ref()
            && hysteresis.value >= high.value - low.value
        {
            cx.out
                .error(hysteresis.at, format!("`hysteresis` of {} is wider than its limits are apart", sensor.who))
                .label(format!("must be below {}", ((high.value - low.value) * 1000.0).round() / 1000.0))
                .related(high.at, format!("`{high_key}`"))
                .related(low.at, format!("`{low_key}`"));
        }
    }
    let from_hardware = table.bool("from_hardware", cx).unwrap_or(false);
    if from_hardware && sensor.has("derived") {
        cx.out
            .error(table.key_at("from_hardware"), format!("{} is derived: no device brings limits for it", sensor.who))
            .label("remove it");
    }
    if !from_hardware && !LIMITS.iter().any(|key| table.has(key)) && (hysteresis.is_some() || table.has("low_delay")) {
        cx.out.warning(table.at, format!("{} has thresholds without a single limit", sensor.who));
    }
    let value = |index: usize| limits.get(index).and_then(|limit| limit.as_ref()).map(|limit| limit.value);
    Thresholds {
        fatal_low: value(0),
        critical_low: value(1),
        warning_low: value(2),
        warning_high: value(3),
        critical_high: value(4),
        fatal_high: value(5),
        hysteresis: hysteresis.map_or(0.0, |hysteresis| hysteresis.value),
        low_delay: table.time("low_delay", cx).map_or(Duration::ZERO, |time| time.value),
        from_hardware,
    }
}
