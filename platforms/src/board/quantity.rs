//! How registries write times, sizes and variables.

use std::{collections::BTreeMap, time::Duration};

/// Longest time that a file may name: a year. More is a slip of the unit.
pub(super) const MAX_SECONDS: f64 = 366.0 * 86400.0;

/// Seconds as a number, or a number with a unit: `"250ms"`, `"5 s"`, `"2m"`, `"1h"`, `"7d"`.
pub(super) fn parse_duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(|c: char| c.is_alphabetic() || c == 'µ');
    let unit = text.get(digits.len()..).unwrap_or_default();
    let factor = match unit {
        "us" | "µs" => 1e-6,
        "ms" => 1e-3,
        "" | "s" | "sec" => 1.0,
        "m" | "min" => 60.0,
        "h" => 3600.0,
        "d" => 86400.0,
        _ => return Err(format!("`{unit}` is no unit of time: us, ms, s, m, h, d")),
    };
    let number: f64 =
        digits.trim().parse().map_err(|_| format!("`{text}` is no time: write a number of seconds or \"250ms\""))?;
    duration(number * factor)
}

/// Seconds to a duration.
pub(super) fn duration(seconds: f64) -> Result<Duration, String> {
    if seconds.is_nan() {
        return Err("a time must be a number".to_owned());
    }
    if seconds < 0.0 {
        return Err("a time cannot be negative".to_owned());
    }
    if seconds > MAX_SECONDS {
        return Err("a time longer than a year is a slip of the unit".to_owned());
    }
    Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())
}

/// Bytes as a number with a unit: `"64M"`, `"512KiB"`, `"1G"`; units are powers of 1024.
pub(super) fn parse_bytes(text: &str) -> Result<u64, String> {
    let text = text.trim();
    let digits = text.trim_end_matches(char::is_alphabetic);
    let unit = text.get(digits.len()..).unwrap_or_default();
    let shift = match unit {
        "" | "B" => 0,
        "K" | "KiB" | "k" => 10,
        "M" | "MiB" => 20,
        "G" | "GiB" => 30,
        _ => return Err(format!("`{unit}` is no unit of size: K, M, G")),
    };
    let number: u64 = digits.trim().parse().map_err(|_| format!("`{text}` is no size: write bytes or \"64M\""))?;
    number.checked_mul(1 << shift).ok_or_else(|| format!("`{text}` is more than a machine holds"))
}

/// Replaces every `${NAME}` by its value, and `${NAME:-text}` by `text` where NAME is not set or empty; `$${` stands for a
/// `${` that is meant.
pub(super) fn expand(text: &str, vars: &BTreeMap<String, String>) -> Result<String, Unset> {
    let mut out = String::new();
    let mut rest = text;
    while let Some(dollar) = rest.find("${") {
        let (before, from) = rest.split_at(dollar);
        let after = from.get(2..).unwrap_or_default();
        if let Some(escaped) = before.strip_suffix('$') {
            out.push_str(escaped);
            out.push_str("${");
            rest = after;
            continue;
        }
        out.push_str(before);
        let end = after.find('}').ok_or(Unset::Unclosed)?;
        let inside = after.get(..end).unwrap_or_default();
        let (name, default) = match inside.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inside, None),
        };
        let value = vars.get(name).map(String::as_str).filter(|value| default.is_none() || !value.is_empty());
        out.push_str(value.or(default).ok_or_else(|| Unset::Variable(name.to_owned()))?);
        rest = after.get(end + 1..).unwrap_or_default();
    }
    out.push_str(rest);
    Ok(out)
}

/// Why a text cannot be expanded.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unset {
    /// A `${` without its `}`.
    Unclosed,
    /// No such variable.
    Variable(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_numbers_of_seconds_or_have_a_unit() {
        let check = |text: &str, ms: Option<u64>| {
            assert_eq!(parse_duration(text).ok(), ms.map(Duration::from_millis), "{text:?}");
        };
        check("250ms", Some(250));
        check("5 s", Some(5000));
        check("2m", Some(120_000));
        check(" 1.5 ", Some(1500));
        check("1h", Some(3_600_000));
        check("-1s", None);
        check("5 parsecs", None);
        check("s", None);
        check("", None);
        check("NaN", None);
        check("500d", None);
        check("1e300 h", None);
    }

    #[test]
    fn sizes_are_bytes_or_powers_of_1024() {
        let check = |text: &str, bytes: Option<u64>| assert_eq!(parse_bytes(text).ok(), bytes, "{text:?}");
        check("64", Some(64));
        check("64M", Some(64 << 20));
        check("512 KiB", Some(512 << 10));
        check("-1", None);
        check("20000000000G", None);
        check("5Q", None);
    }

    #[test]
    fn variables_are_expanded_once_and_missing_ones_are_named() {
        let vars = BTreeMap::from([("A".to_owned(), "${B}".to_owned()), ("HOME".to_owned(), "/root".to_owned())]);
        let check = |text: &str, expected: Result<&str, Unset>| {
            assert_eq!(expand(text, &vars), expected.map(str::to_owned), "{text:?}");
        };
        check("${HOME}/bin", Ok("/root/bin"));
        check("x${A}y${HOME}", Ok("x${B}y/root"));
        check("a $HOME $5 $", Ok("a $HOME $5 $"));
        check("$${HOME} ${HOME}", Ok("${HOME} /root"));
        check("${NOPE}", Err(Unset::Variable("NOPE".to_owned())));
        check("${", Err(Unset::Unclosed));
        check("${NOPE:-18080}/x", Ok("18080/x"));
        check("${HOME:-/tmp}", Ok("/root"));
        check("${NOPE:-}", Ok(""));
        check("${}", Err(Unset::Variable(String::new())));
    }
}
