//! Numbers, times and lists as they are spoken.

use crate::view::format;

/// A length of time in words, as coarse as people say it: `3 hours 7 minutes`.
pub(super) fn time(seconds: f64) -> String {
    if (0.001..1.0).contains(&seconds) {
        return counted(whole(seconds * 1_000.0), "millisecond");
    }
    if seconds < 10.0 {
        // Tenths matter here, and not the last nought of them.
        let text = format!("{:.1}", seconds.max(0.0));
        let text = text.strip_suffix(".0").unwrap_or(&text);
        return format!("{text} {}", if text == "1" { "second" } else { "seconds" });
    }
    let parts = |large: u64, large_name: &str, small: u64, small_name: &str| {
        let small = if small == 0 { String::new() } else { format!(" {}", counted(small, small_name)) };
        format!("{}{small}", counted(large, large_name))
    };
    match whole(seconds) {
        seconds @ 0..60 => counted(seconds, "second"),
        seconds @ 60..3_600 => counted(seconds / 60, "minute"),
        seconds @ 3_600..86_400 => parts(seconds / 3_600, "hour", seconds % 3_600 / 60, "minute"),
        seconds => parts(seconds / 86_400, "day", seconds % 86_400 / 3_600, "hour"),
    }
}

/// Bytes: `2.4 MiB`.
pub(super) fn bytes(count: u64) -> String {
    let text = format::bytes(count);
    match text.char_indices().next_back() {
        Some((at, prefix)) if prefix.is_ascii_alphabetic() => {
            format!("{} {prefix}iB", text.get(..at).unwrap_or_default())
        }
        _ => format!("{text} bytes"),
    }
}

/// `a, b and c`.
pub(super) fn list<S: AsRef<str>>(all: &[S]) -> String {
    match all {
        [] => "nothing".to_owned(),
        [one] => one.as_ref().to_owned(),
        [first @ .., last] => {
            let first: Vec<&str> = first.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", first.join(", "), last.as_ref())
        }
    }
}

/// The parts that say something, divided by commas.
pub(super) fn parts(all: impl IntoIterator<Item = String>) -> String {
    all.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(", ")
}

/// `text` behind `before`; nothing when there is no text.
pub(super) fn behind(before: &str, text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("{before}{text}") }
}

#[allow(clippy::cast_possible_truncation)] // no list is as long
fn counted(number: u64, one: &str) -> String {
    format::count(number as usize, one)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // floats saturate
fn whole(seconds: f64) -> u64 {
    seconds.max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_bytes_and_lists_are_words() {
        for (seconds, said) in [
            (-1.0, "0 seconds"),
            (0.25, "250 milliseconds"),
            (1.0, "1 second"),
            (2.5, "2.5 seconds"),
            (42.0, "42 seconds"),
            (60.0, "1 minute"),
            (3_600.0, "1 hour"),
            (11_220.0, "3 hours 7 minutes"),
            (90_000.0, "1 day 1 hour"),
            (f64::NAN, "0 seconds"),
        ] {
            assert_eq!(time(seconds), said, "{seconds}");
        }
        assert_eq!((bytes(840), bytes(2_516_582)), ("840 bytes".to_owned(), "2.4 MiB".to_owned()));
        assert_eq!((list(&["a"]), list(&["a", "b", "c"])), ("a".to_owned(), "a, b and c".to_owned()));
    }
}
