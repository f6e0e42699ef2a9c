//! Figures as people read them.

/// The text, or `-` when there is none.
pub(crate) fn or_dash(text: &str) -> &str {
    if text.is_empty() { "-" } else { text }
}

/// Seconds as the two units that matter: `250ms`, `4.2s`, `3m 12s`, `5h 01m`, `12d 03h`.
pub(crate) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "-".to_owned();
    }
    let seconds = seconds.max(0.0);
    if seconds < 0.9995 {
        return format!("{:.0}ms", seconds * 1000.0);
    }
    if seconds < 9.95 {
        return format!("{seconds:.1}s");
    }
    let whole = whole(seconds);
    let (days, hours, minutes, rest) = (whole / 86_400, whole / 3_600 % 24, whole / 60 % 60, whole % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{rest}s"),
        (0, 0, _) => format!("{minutes}m {rest:02}s"),
        (0, _, _) => format!("{hours}h {minutes:02}m"),
        (_, _, _) => format!("{days}d {hours:02}h"),
    }
}

/// Rounded to whole seconds, saturating.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // float to integer casts saturate
fn whole(seconds: f64) -> u64 {
    seconds.round() as u64
}

/// A measured value in its unit, with the digits the unit deserves, four in all where it has so many.
pub(crate) fn measure(value: f64, unit: &str) -> String {
    let most = match unit {
        "V" => 3,
        "A" => 2,
        "RPM" | "" => 0,
        _ => 1,
    };
    let before_point = [10.0, 100.0, 1000.0].iter().filter(|bound| value.abs() >= **bound).count();
    let digits = most.min(3 - before_point);
    let number = if unit.is_empty() && value.fract() != 0.0 {
        // A share or a factor: as few digits as it needs, three at most.
        format!("{value:.3}").trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        format!("{value:.digits$}")
    };
    if unit.is_empty() { number } else { format!("{number} {unit}") }
}

/// A share of hundred, without a digit that says nothing.
pub(crate) fn percent(value: f64) -> String {
    if (value - value.round()).abs() < 0.05 { format!("{value:.0} %") } else { format!("{value:.1} %") }
}

/// Bytes in binary units.
pub(crate) fn bytes(count: u64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = count as f64;
    let mut units = UNITS.iter().peekable();
    while let Some(unit) = units.next() {
        if value < 1023.5 || units.peek().is_none() {
            let digits = usize::from(value < 9.95 && *unit != "B");
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{count} B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_read_as_people_say_them() {
        for (seconds, text) in [
            (0.0, "0ms"),
            (-1.0, "0ms"),
            (0.25, "250ms"),
            (0.9999, "1.0s"),
            (4.21, "4.2s"),
            (9.97, "10s"),
            (59.6, "1m 00s"),
            (192.0, "3m 12s"),
            (18_060.0, "5h 01m"),
            (1_047_600.0, "12d 03h"),
            (f64::NAN, "-"),
        ] {
            assert_eq!(duration(seconds), text, "{seconds}");
        }
    }

    #[test]
    fn values_carry_their_unit_and_its_digits() {
        for (value, unit, text) in [
            (45.25, "°C", "45.2 °C"),
            (12.0479, "V", "12.05 V"),
            (3.2991, "V", "3.299 V"),
            (1200.0, "W", "1200 W"),
            (-5.0, "°C", "-5.0 °C"),
            (4200.4, "RPM", "4200 RPM"),
            (812.34, "W", "812.3 W"),
            (1.0, "", "1"),
            (0.35, "", "0.35"),
            (0.262_897, "", "0.263"),
        ] {
            assert_eq!(measure(value, unit), text);
        }
        assert_eq!(percent(40.0), "40 %");
        assert_eq!(percent(40.25), "40.2 %");
    }

    #[test]
    fn bytes_use_binary_units() {
        for (count, text) in
            [(0, "0 B"), (1000, "1000 B"), (1536, "1.5 KiB"), (1 << 20, "1.0 MiB"), (300 << 20, "300 MiB")]
        {
            assert_eq!(bytes(count), text);
        }
    }
}
