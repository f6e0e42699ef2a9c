//! `[rails.NAME]` and `[sequences.NAME]`: what is switched, and in which order.

use std::time::Duration;

use ubmc_core::{
    ids::{Name, RailId, SensorId, SequenceId, SignalId},
    power::{Direction, RailSpec, RailSwitch, SequenceSpec, StepSpec},
    sensors::SensorKind,
    units::Level,
};

use super::{
    bindings::RailBinding,
    lines::{Signals, sensor_of_kind, signal_of},
    names::Section,
    schema,
    source::{At, Span},
    sources::Hardware,
    table::{Context, Table},
    tree::Node,
};

const LEVELS: [(&str, Level); 2] = [("high", Level::High), ("low", Level::Low)];

/// What a step may be.
const KINDS: [&str; 6] = ["set", "pulse", "wait", "voltage", "rail", "delay"];

/// How long a step waits when it does not say.
const STEP_TIMEOUT: Duration = Duration::from_secs(1);

/// The sections that rails and sequences refer to.
#[derive(Clone, Copy)]
pub(super) struct Around<'a, 't> {
    pub(super) signals: Signals<'a, 't>,
    pub(super) sensors: (&'a Section<'t>, &'a [Option<SensorKind>]),
}

/// Rails; those that others need have been ordered before them.
pub(super) fn rails(
    section: &Section<'_>,
    around: Around<'_, '_>,
    hardware: &mut Hardware,
    cx: &mut Context<'_>,
) -> (Vec<RailSpec>, Vec<RailBinding>) {
    let (mut specs, mut bindings) = (Vec::new(), Vec::new());
    for entry in &section.entries {
        let who = format!("rail `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::RAIL, cx) else { continue };
        let enable = signal_of(&table, "enable", Direction::Output, around.signals, cx);
        let pmbus = hardware.regulator(&table, cx);
        match (table.has("enable"), table.has("pmbus")) {
            (true, true) | (false, false) => cx
                .out
                .error(entry.key_at, format!("{} needs exactly one of `enable` and `pmbus`", table.who))
                .help(
                    "`enable = SIGNAL`, or `pmbus = { bus = 3, address = 0x68 }` for a regulator that takes OPERATION",
                )
                .done(),
            (true, false) | (false, true) => {}
        }
        if table.has("page") && !table.has("pmbus") {
            cx.out.error(table.key_at("page"), format!("`page` of {} belongs to `pmbus`", table.who));
        }
        let requires = section.find_all(&table.texts("requires", cx), &format!("{} requires", table.who), cx);
        specs.push(RailSpec {
            name: Name::from(entry.key.as_str()),
            switch: enable.map_or(RailSwitch::Pmbus, RailSwitch::Line),
            good: signal_of(&table, "good", Direction::Input, around.signals, cx),
            voltage: sensor_of_kind(&table, "voltage", SensorKind::Voltage, around.sensors, cx),
            requires: requires.into_iter().map(RailId::new).collect(),
        });
        bindings.push(pmbus.map_or(RailBinding::Line, |(device, page)| RailBinding::Pmbus { device, page }));
    }
    (specs, bindings)
}

/// Sequences.
pub(super) fn sequences(
    section: &Section<'_>,
    rails: (&Section<'_>, &[RailSpec]),
    around: Around<'_, '_>,
    cx: &mut Context<'_>,
) -> Vec<SequenceSpec> {
    let mut specs = Vec::new();
    let mut switched: Vec<Option<(String, Span)>> = vec![None; rails.1.len()];
    let before = cx.out.met();
    for entry in &section.entries {
        let who = format!("sequence `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::SEQUENCE, cx) else { continue };
        let mut steps = Vec::new();
        let mut up: Vec<RailId> = Vec::new();
        let met = cx.out.met();
        for item in table.list("steps", cx) {
            let Some(step) = step(&table, item, rails.0, around, cx) else { continue };
            if let StepSpec::Rail { rail, .. } = step {
                check_order(rail, &up, rails, item, cx);
                if let Some((other, at)) = switched.get(rail.index()).and_then(Option::as_ref) {
                    cx.out
                        .error(item.at, format!("rail `{}` is switched by {other} already", rails.0.name(rail.index())))
                        .related(*at, "here");
                } else if let Some(place) = switched.get_mut(rail.index()) {
                    *place = Some((table.who.clone(), item.at));
                }
                up.push(rail);
            }
            steps.push(step);
        }
        if !table.has("steps") {
            table.missing("steps", "[{ rail = \"…\" }]", cx);
        } else if steps.is_empty() && cx.out.met() == met {
            cx.out.error(table.key_at("steps"), format!("{} has no step", table.who));
        }
        let longest: Duration = steps.iter().map(StepSpec::bound).sum();
        let timeout = table.positive_time("timeout", cx);
        if let Some(timeout) = &timeout
            && timeout.value > longest
        {
            cx.out
                .warning(timeout.at, format!("the time-out of {} can never be reached", table.who))
                .label(format!("its steps together last {} s at most", longest.as_secs_f64()));
        }
        let timeout = timeout.map_or(longest, |timeout| timeout.value).max(Duration::from_millis(1));
        specs.push(SequenceSpec { name: Name::from(entry.key.as_str()), steps, timeout });
    }
    for (place, entry) in rails.0.entries.iter().enumerate() {
        // One that a step names that could not be read is switched after all.
        if section.is_whole(cx) && cx.out.met() == before && switched.get(place).is_some_and(Option::is_none) {
            cx.out.warning(entry.key_at, format!("no sequence switches rail `{}`", entry.key));
        }
    }
    specs
}

/// A rail comes after those that it requires.
fn check_order(
    rail: RailId,
    up: &[RailId],
    (section, rails): (&Section<'_>, &[RailSpec]),
    item: &Node,
    cx: &mut Context<'_>,
) {
    let Some(spec) = rails.get(rail.index()) else { return };
    let missing: Vec<_> =
        spec.requires.iter().filter(|needed| !up.contains(needed)).map(|needed| section.name(needed.index())).collect();
    if let [first, ..] = missing.as_slice() {
        let needed = section.position(first).map(|place| section.at(place)).unwrap_or_default();
        cx.out
            .error(item.at, format!("rail `{}` comes before `{}`, which it requires", spec.name, missing.join("`, `")))
            .related(needed, "this one must be up first");
    }
}

fn step(
    sequence: &Table<'_>,
    item: &Node,
    rails: &Section<'_>,
    around: Around<'_, '_>,
    cx: &mut Context<'_>,
) -> Option<StepSpec> {
    let table = Table::open(item, item.at, format!("a step of {}", sequence.who), schema::STEP, cx)?;
    let given: Vec<_> = KINDS.into_iter().filter(|key| table.has(key)).collect();
    let [kind] = given.as_slice() else {
        cx.out.error(item.at, format!("{} needs exactly one of `{}`", table.who, KINDS.join("`, `"))).help(
            "e.g. `{ rail = \"p12v\", timeout = \"500ms\" }` or `{ wait = SIGNAL, level = \"high\", timeout = 1 }`",
        );
        return None;
    };
    for (key, belongs) in [
        ("level", ["set", "wait"].as_slice()),
        ("duration", &["pulse"]),
        ("timeout", &["wait", "voltage", "rail"]),
        ("both_ways", &["wait"]),
        ("low", &["voltage"]),
        ("high", &["voltage"]),
    ] {
        if table.has(key) && !belongs.contains(kind) {
            cx.out.error(
                table.key_at(key),
                format!("`{key}` of {} belongs to `{}`, not to `{kind}`", table.who, belongs.join("`, `")),
            );
        }
    }
    let timeout = table.positive_time("timeout", cx).map_or(STEP_TIMEOUT, |timeout| timeout.value);
    match *kind {
        "set" => {
            let line = signal_of(&table, "set", Direction::Output, around.signals, cx);
            let level = table.required_word("level", &LEVELS, cx)?.value;
            Some(StepSpec::Set { line: line?, level })
        }
        "pulse" => {
            let line = signal_of(&table, "pulse", Direction::Output, around.signals, cx);
            if !table.has("duration") {
                table.missing("duration", "\"200ms\"", cx);
            }
            let duration = table.positive_time("duration", cx)?.value;
            Some(StepSpec::Pulse { line: line?, duration })
        }
        "wait" => {
            let line = signal_of(&table, "wait", Direction::Input, around.signals, cx);
            let level = table.required_word("level", &LEVELS, cx)?.value;
            let both_ways = table.bool("both_ways", cx).unwrap_or(false);
            Some(StepSpec::Wait { line: line?, level, timeout, both_ways })
        }
        "voltage" => {
            let sensor = sensor_of_kind(&table, "voltage", SensorKind::Voltage, around.sensors, cx);
            for key in ["low", "high"] {
                if !table.has(key) {
                    table.missing(key, "11.4", cx);
                }
            }
            let low = table.number("low", -1000.0..=1000.0, cx);
            let high = table.number("high", -1000.0..=1000.0, cx);
            let (low, high): (At<f64>, At<f64>) = (low?, high?);
            if low.value >= high.value {
                cx.out.error(high.at, format!("the bounds of {} leave nothing between them", table.who)).done();
            }
            Some(StepSpec::Voltage { sensor: sensor?, low: low.value, high: high.value, timeout })
        }
        "rail" => {
            let name = table.text("rail", cx)?;
            let rail = rails.find(&name, &format!("{} switches", table.who), cx)?;
            Some(StepSpec::Rail { rail: RailId::new(rail), timeout })
        }
        _ => Some(StepSpec::Delay(table.positive_time("delay", cx)?.value)),
    }
}

/// What a sequence touches, for those who look whether two want the same.
pub(super) struct Touches {
    /// Lines that it drives.
    pub(super) lines: Vec<SignalId>,
    /// Sensors whose voltage it waits for.
    pub(super) voltages: Vec<SensorId>,
}

impl Touches {
    pub(super) fn of(sequence: SequenceId, sequences: &[SequenceSpec], rails: &[RailSpec]) -> Self {
        let mut touches = Self { lines: Vec::new(), voltages: Vec::new() };
        for step in sequences.get(sequence.index()).map_or(&[] as &[_], |spec| spec.steps.as_slice()) {
            match step {
                StepSpec::Set { line, .. } | StepSpec::Pulse { line, .. } => touches.lines.push(*line),
                StepSpec::Voltage { sensor, .. } => touches.voltages.push(*sensor),
                StepSpec::Rail { rail, .. } => {
                    if let Some(RailSpec { switch: RailSwitch::Line(line), .. }) = rails.get(rail.index()) {
                        touches.lines.push(*line);
                    }
                }
                StepSpec::Wait { .. } | StepSpec::Delay(_) => {}
            }
        }
        touches
    }
}
