//! Wall time: seconds since 1970 as RFC 3339 in UTC.

use std::time::{SystemTime, UNIX_EPOCH};

/// The time as RFC 3339 in UTC with milliseconds. None for what is no time: zero, negative, not finite, or past the
/// year 9999.
#[allow(clippy::cast_possible_truncation)] // checked to lie within the year 9999
pub(crate) fn rfc3339(seconds: f64) -> Option<String> {
    /// The first second of the year 10000.
    const END: f64 = 253_402_300_800.0;
    if !(seconds > 0.0 && seconds < END) {
        return None;
    }
    let millis = ((seconds * 1000.0).floor() as i64).min(253_402_300_799_999);
    let (days, in_day) = (millis.div_euclid(86_400_000), millis.rem_euclid(86_400_000));
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60);
    Some(format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{:03}Z", in_day % 1000))
}

/// Reads RFC 3339 as seconds since 1970; None for what is no such time, or before 1970.
pub(crate) fn unix_seconds(text: &str) -> Option<f64> {
    let number = |range: std::ops::Range<usize>| -> Option<i64> {
        let digits = text.get(range)?;
        digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
    };
    let mark = |place: usize, marks: &str| text.get(place..=place).filter(|mark| marks.contains(*mark)).map(drop);
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    for (place, marks) in [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")] {
        mark(place, marks)?;
    }
    let rest = text.get(19..)?;
    let zone_at = rest.find(['Z', 'z', '+', '-'])?;
    let (fraction, zone) = rest.split_at(zone_at);
    let fraction = if fraction.is_empty() { 0.0 } else { format!("0{fraction}").parse::<f64>().ok()? };
    let offset = match zone.as_bytes() {
        [b'Z' | b'z'] => 0,
        [sign @ (b'+' | b'-'), h1, h2, b':', m1, m2] if [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()) => {
            let digit = |byte: &u8| i64::from(byte - b'0');
            let minutes = (digit(h1) * 10 + digit(h2)) * 60 + digit(m1) * 10 + digit(m2);
            if *sign == b'+' { minutes * 60 } else { -minutes * 60 }
        }
        _ => return None,
    };
    if hour > 23 || minute > 59 || second > 59 || !(1..=12).contains(&month) {
        return None;
    }
    // Days by Howard Hinnant's `days_from_civil`, whose years begin in March; a day that there is not comes back as another.
    let shifted = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (shifted.0.div_euclid(400), shifted.0.rem_euclid(400));
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + (153 * shifted.1 + 2) / 5 + day - 1 - 719_468;
    if civil(days) != (year, month, day) {
        return None;
    }
    #[allow(clippy::cast_precision_loss)] // within four digits of a year
    let seconds = (days * 86_400 + hour * 3600 + minute * 60 + second - offset) as f64 + fraction;
    (seconds > 0.0 && seconds.is_finite()).then_some(seconds)
}

/// The same for people: whole seconds, `-` when absent.
pub(crate) fn clock(time: Option<&String>) -> String {
    time.and_then(|time| time.get(..19)).map_or_else(|| "-".to_owned(), |time| format!("{time}Z"))
}

/// The time of day now, for lines of things that carry none: UTC, whole seconds.
pub(crate) fn time_of_day() -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let text = rfc3339(now.as_secs_f64()).unwrap_or_default();
    text.get(11..19).map_or_else(|| "-".to_owned(), |time| format!("{time}Z"))
}

/// Day number since 1970-01-01 to year, month, day: Howard Hinnant's `civil_from_days`, whose years begin in March so
/// that the leap day comes last.
fn civil(days: i64) -> (i64, i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let march_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * march_month + 2) / 5 + 1;
    let month = if march_month < 10 { march_month + 3 } else { march_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_become_rfc_3339() {
        for (seconds, text) in [
            (1.0, "1970-01-01T00:00:01.000Z"),
            (951_826_210.5, "2000-02-29T12:10:10.500Z"),
            (1_709_164_800.0, "2024-02-29T00:00:00.000Z"),
            (1_795_216_131.25, "2026-11-20T23:08:51.250Z"),
            (253_402_300_799.0, "9999-12-31T23:59:59.000Z"),
        ] {
            assert_eq!(rfc3339(seconds).as_deref(), Some(text));
        }
    }

    #[test]
    fn what_is_no_time_is_absent() {
        for seconds in [0.0, -5.0, f64::NAN, f64::INFINITY, 1e18] {
            assert_eq!(rfc3339(seconds), None);
        }
        assert_eq!(clock(None), "-");
        assert_eq!(clock(rfc3339(1.0).as_ref()), "1970-01-01T00:00:01Z");
    }
}
