//! `[signals.NAME]`, `[supplies.NAME]` and `[leds.NAME]`: the small sections.

use ubmc_core::{
    ids::{Name, SensorId, SignalId},
    leds::{LedRole, LedSpec},
    power::{Direction, SignalSpec, SupplySpec},
    sensors::SensorKind,
};

use super::{
    bindings::{LedBinding, PmbusDevice, SignalBinding},
    names::{Section, raw_texts},
    schema,
    sources::Hardware,
    table::{Context, Table},
    tree::Entry,
};

const DIRECTIONS: [(&str, Direction); 2] = [("input", Direction::Input), ("output", Direction::Output)];

const ROLES: [(&str, LedRole); 4] = [
    ("power", LedRole::Power),
    ("status", LedRole::Status),
    ("fault", LedRole::Fault),
    ("identify", LedRole::Identify),
];

/// Signals, with the lines behind them.
pub(super) fn signals(
    section: &Section<'_>,
    hardware: &mut Hardware,
    cx: &mut Context<'_>,
) -> (Vec<SignalSpec>, Vec<SignalBinding>) {
    let mut specs = Vec::new();
    let mut bindings = Vec::new();
    for entry in &section.entries {
        let who = format!("signal `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::SIGNAL, cx) else { continue };
        let direction = table.required_word("direction", &DIRECTIONS, cx);
        specs.push(SignalSpec {
            name: Name::from(entry.key.as_str()),
            direction: direction.as_ref().map_or(Direction::Input, |word| word.value),
        });
        bindings.extend(hardware.signal(&table, direction.map(|word| word.value), cx));
    }
    (specs, bindings)
}

/// Directions by place, for those who refer to signals; nothing for one that could not be read.
pub(super) fn directions(section: &Section<'_>) -> Vec<Option<Direction>> {
    let direction = |entry: &&Entry| {
        let word = raw_texts(&entry.node, &["direction"]);
        DIRECTIONS.iter().find(|(name, _)| word.first() == Some(name)).map(|(_, direction)| *direction)
    };
    section.entries.iter().map(direction).collect()
}

/// What signals are, for those who refer to them.
pub(super) type Signals<'a, 't> = (&'a Section<'t>, &'a [Option<Direction>]);

/// Whether a signal has the other direction; not when its own could not be read.
pub(super) fn runs_against(signals: Signals<'_, '_>, signal: usize, wanted: Direction) -> bool {
    signals.1.get(signal).copied().flatten().is_some_and(|direction| direction != wanted)
}

/// LEDs, with what is behind them.
pub(super) fn leds(
    section: &Section<'_>,
    hardware: &mut Hardware,
    cx: &mut Context<'_>,
) -> (Vec<LedSpec>, Vec<LedBinding>) {
    let mut specs = Vec::new();
    let mut bindings = Vec::new();
    for entry in &section.entries {
        let who = format!("LED `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::LED, cx) else { continue };
        let role = table.required_word("role", &ROLES, cx);
        specs.push(LedSpec {
            name: Name::from(entry.key.as_str()),
            role: role.map_or(LedRole::Status, |role| role.value),
        });
        bindings.extend(hardware.led(&table, &entry.key, cx));
    }
    (specs, bindings)
}

/// Supplies, with where their fault registers are read.
pub(super) fn supplies(
    section: &Section<'_>,
    signals: Signals<'_, '_>,
    sensors: (&Section<'_>, &[Option<SensorKind>]),
    hardware: &mut Hardware,
    cx: &mut Context<'_>,
) -> (Vec<SupplySpec>, Vec<Option<PmbusDevice>>) {
    let mut specs = Vec::new();
    let mut bindings = Vec::new();
    for entry in &section.entries {
        let who = format!("supply `{}`", entry.key);
        let Some(table) = Table::open(&entry.node, entry.key_at, who, schema::SUPPLY, cx) else { continue };
        let signal = |key: &str, cx: &mut Context<'_>| signal_of(&table, key, Direction::Input, signals, cx);
        let sensor = |key: &str, kind: SensorKind, cx: &mut Context<'_>| sensor_of_kind(&table, key, kind, sensors, cx);
        if !table.has("rated_w") {
            table.missing("rated_w", "800", cx);
        }
        specs.push(SupplySpec {
            name: Name::from(entry.key.as_str()),
            present: signal("present", cx),
            good: signal("good", cx),
            power: sensor("power", SensorKind::Power, cx),
            temperature: sensor("temperature", SensorKind::Temperature, cx),
            rated_w: table.number("rated_w", 1.0..=1e6, cx).map_or(0.0, |watts| watts.value),
            // Those of a simulated board always have them.
            has_fault_registers: hardware.is_simulated() || table.has("pmbus"),
        });
        bindings.push(hardware.faults(&table, cx));
    }
    (specs, bindings)
}

/// The signal that a key names; it must run the right way.
pub(super) fn signal_of(
    table: &Table<'_>,
    key: &str,
    wanted: Direction,
    signals: Signals<'_, '_>,
    cx: &mut Context<'_>,
) -> Option<SignalId> {
    let name = table.text(key, cx)?;
    let index = signals.0.find(&name, &format!("{} has as `{key}` the", table.who), cx)?;
    if runs_against(signals, index, wanted) {
        let (does, is) = match wanted {
            Direction::Output => ("driven", "an input"),
            Direction::Input => ("read", "an output"),
        };
        cx.out
            .error(name.at, format!("`{key}` of {} is {does}, but signal `{}` is {is}", table.who, name.value))
            .related(signals.0.at(index), "declared here");
    }
    Some(SignalId::new(index))
}

/// The sensor that a key names; it must measure the right thing.
pub(super) fn sensor_of_kind(
    table: &Table<'_>,
    key: &str,
    kind: SensorKind,
    sensors: (&Section<'_>, &[Option<SensorKind>]),
    cx: &mut Context<'_>,
) -> Option<SensorId> {
    let name = table.text(key, cx)?;
    let index = sensors.0.find(&name, &format!("{} has as `{key}` the", table.who), cx)?;
    if let Some(found) = sensors.1.get(index).copied().flatten()
        && found != kind
    {
        cx.out
            .error(name.at, format!("`{key}` of {} must be a {kind} sensor", table.who))
            .label(format!("`{}` is a {found} sensor", name.value))
            .related(sensors.0.at(index), "declared here");
    }
    Some(SensorId::new(index))
}
