//! Devices as a `source` writes them: paths, channels, bus addresses, formats.

use super::{
    bindings::{HwmonDevice, PmbusDevice, PmbusFormat},
    schema,
    source::At,
    table::{Context, Table, choose, text, wrong_type},
    tree::Value,
};

/// A name that hardware has: some text.
pub(super) fn word(table: &Table<'_>, key: &str, cx: &mut Context<'_>) -> Option<At<String>> {
    let word = table.text(key, cx)?;
    if word.value.trim().is_empty() {
        cx.out.error(word.at, format!("{} is empty", table.named(key)));
        return None;
    }
    Some(word)
}

/// The channel of a device.
pub(super) fn channel(source: &Table<'_>, example: &str, cx: &mut Context<'_>) -> Option<At<String>> {
    if !source.has("channel") {
        source.missing("channel", example, cx);
    }
    word(source, "channel", cx)
}

/// The end of a device's path. Numbers that the kernel gives out in the order of probing are none.
pub(super) fn device_path(source: &Table<'_>, key: &str, cx: &mut Context<'_>) -> Option<At<String>> {
    let mut path = word(source, key, cx)?;
    let last = path.value.rsplit('/').next().unwrap_or_default();
    let counted = ["hwmon", "iio:device"].into_iter().any(|class| {
        last.strip_prefix(class).is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
    });
    if counted {
        cx.out
            .error(path.at, format!("{} is a number that changes from boot to boot", source.named(key)))
            .label("name the device that it belongs to, e.g. `7-0052`")
            .help("`ubmcd --probe` on the board lists the devices");
        return None;
    }
    path.value = path.value.trim_matches('/').to_owned();
    Some(path)
}

/// A device of the hwmon class, by `hwmon`, `hwmon_name` or both.
pub(super) fn hwmon_device(source: &Table<'_>, cx: &mut Context<'_>) -> Option<HwmonDevice> {
    let path = device_path(source, "hwmon", cx);
    let name = word(source, "hwmon_name", cx);
    let readable = source.has("hwmon") == path.is_some() && source.has("hwmon_name") == name.is_some();
    readable.then_some(HwmonDevice { path: path.map(|path| path.value), name: name.map(|name| name.value) })
}

/// `{ bus = 3, address = 0x68, pec = true }`
pub(super) fn pmbus_device(table: &Table<'_>, key: &str, cx: &mut Context<'_>) -> Option<PmbusDevice> {
    let device = table.table(key, schema::PMBUS, cx)?;
    for (key, example) in [("bus", "3"), ("address", "0x68")] {
        if !device.has(key) {
            device.missing(key, example, cx);
        }
    }
    let bus = device.integer("bus", 0..=1023_u32, cx);
    let address = device.integer("address", 0..=0xff_u16, cx);
    let pec = device.bool("pec", cx).unwrap_or(false);
    let address = address?;
    if !(0x08..=0x77).contains(&address.value) {
        let noted = cx
            .out
            .error(address.at, format!("{} is none that a device has", device.named("address")))
            .label("must be 0x08 to 0x77");
        if address.value > 0x7f {
            noted
                .help(format!("8-bit addresses carry the direction bit: {:#04x} is meant?", address.value >> 1))
                .done();
        }
        return None;
    }
    Some(PmbusDevice { bus: bus?.value, address: address.value, pec })
}

/// `"linear11"`, `"linear16"` or `{ m = …, b = …, r = … }`
pub(super) fn format(source: &Table<'_>, cx: &mut Context<'_>) -> Option<PmbusFormat> {
    let Some(entry) = source.entry("format") else {
        source.missing("format", "\"linear11\"", cx);
        return None;
    };
    match &entry.node.value {
        Value::Text(_) => {
            let what = source.named("format");
            let word = text(&entry.node, &what, cx)?;
            let linear16 = choose(&word, &what, &[("linear11", false), ("linear16", true)], cx)?;
            Some(if linear16 { PmbusFormat::Linear16 } else { PmbusFormat::Linear11 })
        }
        Value::Table(_) => {
            let table = source.table("format", schema::DIRECT, cx)?;
            for (key, example) in [("m", "4062"), ("b", "0"), ("r", "-2")] {
                if !table.has(key) {
                    table.missing(key, example, cx);
                }
            }
            let m = table.number("m", -32_768.0..=32_767.0, cx);
            let b = table.number("b", -32_768.0..=32_767.0, cx);
            let r = table.integer("r", i8::MIN..=i8::MAX, cx);
            let m = m?;
            if m.value == 0.0 {
                cx.out.error(m.at, format!("{} is zero", table.named("m"))).label("every word would be infinite");
                return None;
            }
            Some(PmbusFormat::Direct { m: m.value, b: b?.value, r: r?.value })
        }
        _ => {
            wrong_type(&entry.node, &source.named("format"), "a string or a table", cx);
            None
        }
    }
}
