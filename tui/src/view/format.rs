//! Numbers as people read them: always with the same digits, so that columns stay still.

/// A length of time: `42s`, `12m`, `3h 07m`, `5d 4h`. Coarse on purpose: what need not change costs nothing on a line.
pub fn duration(seconds: f64) -> String {
    let seconds = whole(seconds);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m", seconds / 60),
        3_600..86_400 => format!("{}h {:02}m", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// A short time that matters in tenths: `0.3s`, `12.4s`; below them `8 ms`, from a minute on as [`duration`].
pub fn short_duration(seconds: f64) -> String {
    if seconds > 0.0 && seconds < 0.05 {
        format!("{:.0} ms", (seconds * 1_000.0).max(1.0))
    } else if seconds < 60.0 {
        format!("{:.1}s", seconds.max(0.0))
    } else {
        duration(seconds)
    }
}

/// What has been measured: `31 ms`, `2.01 s`; from a minute on as [`duration`].
pub fn precise(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{:.0} ms", seconds.max(0.0) * 1_000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.2} s")
    } else {
        duration(seconds)
    }
}

/// Bytes with a binary prefix: `840`, `3.1K`, `24.0M`.
pub fn bytes(count: u64) -> String {
    let mut value = count as f64;
    for prefix in ["", "K", "M", "G"] {
        if value < 1_000.0 {
            return if prefix.is_empty() { format!("{count}") } else { format!("{value:.1}{prefix}") };
        }
        value /= 1_024.0;
    }
    format!("{value:.1}T")
}

/// A reading without its unit, with the digits that make sense for it.
pub fn reading(value: f64, unit: &str) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    match unit {
        // A rail in millivolts, the mains in tenths.
        "V" if value.abs() < 100.0 => format!("{value:.3}"),
        "A" => format!("{value:.2}"),
        "RPM" | "%" | "" => format!("{value:.0}"),
        _ => format!("{value:.1}"),
    }
}

/// A reading with its unit.
pub fn reading_with_unit(value: f64, unit: &str) -> String {
    let number = reading(value, unit);
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// The time of day, UTC: `07:41:09`.
pub fn clock(wall_s: f64) -> String {
    let of_day = whole(wall_s) % 86_400;
    format!("{:02}:{:02}:{:02}", of_day / 3_600, of_day % 3_600 / 60, of_day % 60)
}

/// A number of things: `1 problem`, `3 problems`.
pub fn count(number: usize, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // floats saturate
fn whole(seconds: f64) -> u64 {
    seconds.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_sizes_read_as_people_write_them() {
        for (seconds, text) in [
            (-3.0, "0s"),
            (0.9, "0s"),
            (59.9, "59s"),
            (60.0, "1m"),
            (3_599.0, "59m"),
            (3_720.0, "1h 02m"),
            (90_000.0, "1d 1h"),
            (f64::NAN, "0s"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
        for (count, text) in [(0, "0"), (999, "999"), (1_024, "1.0K"), (25_165_824, "24.0M"), (u64::MAX, "16777216.0T")]
        {
            assert_eq!(bytes(count), text);
        }
        assert_eq!(clock(1_790_000_000.0), "14:13:20");
        assert_eq!(reading_with_unit(11.9876, "V"), "11.988 V");
    }
}
