//! What a channel of the kernel, or a command of PMBus, measures: a sensor of another kind is bound to the wrong one.

use ubmc_core::sensors::SensorKind;

use super::{source::At, table::Context};

/// Kinds of hwmon channels (Documentation/hwmon/sysfs-interface.rst), by the word before the number.
const HWMON: [(&str, SensorKind); 6] = [
    ("temp", SensorKind::Temperature),
    ("in", SensorKind::Voltage),
    ("curr", SensorKind::Current),
    ("power", SensorKind::Power),
    ("fan", SensorKind::FanSpeed),
    ("humidity", SensorKind::Humidity),
];

/// Kinds of IIO channels (Documentation/ABI/testing/sysfs-bus-iio), by the word before a number.
const IIO: [(&str, SensorKind); 5] = [
    ("temp", SensorKind::Temperature),
    ("voltage", SensorKind::Voltage),
    ("current", SensorKind::Current),
    ("power", SensorKind::Power),
    ("humidityrelative", SensorKind::Humidity),
];

/// Read commands of PMBus 1.3, part II, whose quantity the standard fixes.
const COMMANDS: [(u8, &str, SensorKind); 14] = [
    (0x88, "READ_VIN", SensorKind::Voltage),
    (0x89, "READ_IIN", SensorKind::Current),
    (0x8a, "READ_VCAP", SensorKind::Voltage),
    (0x8b, "READ_VOUT", SensorKind::Voltage),
    (0x8c, "READ_IOUT", SensorKind::Current),
    (0x8d, "READ_TEMPERATURE_1", SensorKind::Temperature),
    (0x8e, "READ_TEMPERATURE_2", SensorKind::Temperature),
    (0x8f, "READ_TEMPERATURE_3", SensorKind::Temperature),
    (0x90, "READ_FAN_SPEED_1", SensorKind::FanSpeed),
    (0x91, "READ_FAN_SPEED_2", SensorKind::FanSpeed),
    (0x92, "READ_FAN_SPEED_3", SensorKind::FanSpeed),
    (0x93, "READ_FAN_SPEED_4", SensorKind::FanSpeed),
    (0x96, "READ_POUT", SensorKind::Power),
    (0x97, "READ_PIN", SensorKind::Power),
];

/// What a channel that was named by its label measures is known on the board alone.
const LABEL: &str = "label:";

/// A channel of a hwmon device that a sensor is to read.
pub(super) fn check_hwmon(
    who: &str,
    kind: Option<SensorKind>,
    channel: &At<String>,
    cx: &mut Context<'_>,
) -> Option<()> {
    let name = channel.value.as_str();
    if let Some(label) = name.strip_prefix(LABEL) {
        if label.trim().is_empty() {
            cx.out.error(channel.at, format!("the label that {who} reads is empty"));
            return None;
        }
        return Some(());
    }
    // `temp1_input` is the channel's file; `temp1_max`, `temp1_alarm` are files beside it.
    if let Some((stem, _)) = name.split_once('_').filter(|(stem, _)| kind_of(stem, &HWMON, true).is_some()) {
        cx.out
            .error(channel.at, format!("{who} names a file, not a channel"))
            .label(format!("the channel is `{stem}`"));
        return None;
    }
    let Some(measured) = kind_of(name, &HWMON, true) else {
        let known: Vec<_> = HWMON.iter().map(|(word, _)| format!("{word}N")).collect();
        cx.out
            .error(channel.at, format!("{who} reads `{name}`, which is no channel of a sensor"))
            .help(format!("one of: {}, {LABEL}TEXT", known.join(", ")));
        return None;
    };
    check_kind(who, kind, measured, channel, cx);
    Some(())
}

/// A channel of an IIO device; of channels that are not known here nothing is said.
pub(super) fn check_iio(who: &str, kind: Option<SensorKind>, channel: &At<String>, cx: &mut Context<'_>) {
    if let Some(measured) = kind_of(&channel.value, &IIO, false) {
        check_kind(who, kind, measured, channel, cx);
    }
}

/// A read command; of those that a manufacturer defines nothing is said.
pub(super) fn check_command(who: &str, kind: Option<SensorKind>, command: &At<u8>, cx: &mut Context<'_>) {
    let Some((_, name, measured)) = COMMANDS.iter().find(|(code, ..)| *code == command.value) else { return };
    if let Some(kind) = kind
        && kind != *measured
    {
        cx.out
            .error(command.at, format!("{who} measures {kind}, but its source gives {measured}"))
            .label(format!("{name} is {measured}"));
    }
}

/// The output that a fan is to be driven by.
pub(super) fn check_pwm(who: &str, channel: &At<String>, cx: &mut Context<'_>) -> Option<()> {
    let number = channel.value.strip_prefix("pwm").unwrap_or_default();
    if is_number(number) {
        return Some(());
    }
    cx.out
        .error(channel.at, format!("{who} is driven by `{}`, which is no PWM output", channel.value))
        .label("must be `pwm1`, `pwm2`, …");
    None
}

fn check_kind(who: &str, kind: Option<SensorKind>, measured: SensorKind, channel: &At<String>, cx: &mut Context<'_>) {
    if let Some(kind) = kind
        && kind != measured
    {
        cx.out
            .error(channel.at, format!("{who} measures {kind}, but its source gives {measured}"))
            .label(format!("`{}` is {measured}", channel.value));
    }
}

/// The kind that a word and a number stand for.
fn kind_of(channel: &str, kinds: &[(&str, SensorKind)], numbered: bool) -> Option<SensorKind> {
    kinds.iter().find_map(|(word, kind)| {
        let number = channel.strip_prefix(word)?;
        (is_number(number) || (!numbered && number.is_empty())).then_some(*kind)
    })
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.len() <= 4 && text.bytes().all(|byte| byte.is_ascii_digit())
}
