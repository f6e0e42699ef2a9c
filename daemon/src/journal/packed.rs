//! Events as bytes, a third of what they take as values: a thousand services make thousands of them in a minute.
//!
//! ```text
//! length │ severity source mono wall cause subject actor text │ field count, then name and value of each
//! ```
//!
//! Numbers are of variable length (LEB128), texts have their length before them. Names that the program itself knows are
//! numbers of a list that only grows; there are some dozens of them. The number of an event is its place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use indexmap::IndexSet;
use ubmc_core::{
    event::{Event, Field, Severity},
    ids::CauseId,
    time::Mono,
};

use super::Kept;

/// All severities, in an order that stays.
const SEVERITIES: [Severity; 6] =
    [Severity::Debug, Severity::Info, Severity::Notice, Severity::Warning, Severity::Error, Severity::Critical];
const TEXT: u8 = 0;
const NUMBER: u8 = 1;
const FALSE: u8 = 2;
const TRUE: u8 = 3;

/// The names that the program itself knows.
#[derive(Debug, Default)]
pub(super) struct Words(IndexSet<&'static str>);

impl Words {
    fn number(&mut self, word: &'static str) -> u64 {
        self.0.insert_full(word).0 as u64
    }

    fn word(&self, number: u64) -> Option<&'static str> {
        self.0.get_index(usize::try_from(number).ok()?).copied()
    }
}

/// Appends an event to `bytes`.
pub(super) fn pack(event: &Event, wall: SystemTime, words: &mut Words, bytes: &mut Vec<u8>) {
    let Event { seq: _, mono, subject, source, severity, cause, actor, text, fields } = event;
    let severity = SEVERITIES.iter().position(|known| known == severity).unwrap_or_default();
    put(bytes, severity as u64);
    put(bytes, words.number(source));
    put(bytes, nanos(mono.since_origin()));
    put(bytes, nanos(wall.duration_since(UNIX_EPOCH).unwrap_or_default()));
    put(bytes, cause.0);
    for text in [subject, actor, text] {
        put_text(bytes, text);
    }
    put(bytes, fields.len() as u64);
    for (name, field) in fields {
        put(bytes, words.number(name));
        match field {
            Field::Text(text) => {
                bytes.push(TEXT);
                put_text(bytes, text);
            }
            Field::Number(number) => {
                bytes.push(NUMBER);
                bytes.extend_from_slice(&number.to_le_bytes());
            }
            Field::Bool(false) => bytes.push(FALSE),
            Field::Bool(true) => bytes.push(TRUE),
        }
    }
}

/// Reads what [`pack`] wrote. None: these are not its bytes.
pub(super) fn unpack(seq: u64, bytes: &[u8], words: &Words) -> Option<Kept> {
    let rest = &mut &*bytes;
    let severity = *SEVERITIES.get(usize::try_from(take(rest)?).ok()?)?;
    let source = words.word(take(rest)?)?;
    let mono = Mono::new(Duration::from_nanos(take(rest)?));
    let wall = UNIX_EPOCH + Duration::from_nanos(take(rest)?);
    let cause = CauseId(take(rest)?);
    let [subject, actor, text] = [take_text(rest)?, take_text(rest)?, take_text(rest)?].map(str::to_owned);
    let count = usize::try_from(take(rest)?).ok()?;
    // What the length promises may be wrong; what is there is not.
    let mut fields = Vec::with_capacity(count.min(rest.len()));
    for _ in 0..count {
        let name = words.word(take(rest)?)?;
        let field = match take_bytes(rest, 1)? {
            [TEXT] => Field::Text(take_text(rest)?.to_owned()),
            [NUMBER] => Field::Number(f64::from_le_bytes(take_bytes(rest, 8)?.try_into().ok()?)),
            [FALSE] => Field::Bool(false),
            [TRUE] => Field::Bool(true),
            _ => return None,
        };
        fields.push((name, field));
    }
    let event = Event { seq, mono, subject, source, severity, cause, actor, text, fields };
    Some(Kept { event, wall })
}

/// What a filter looks at: severity, cause and subject.
pub(super) fn heading(bytes: &[u8]) -> Option<(Severity, CauseId, &str)> {
    let rest = &mut &*bytes;
    let severity = *SEVERITIES.get(usize::try_from(take(rest)?).ok()?)?;
    for _ in 0..3 {
        take(rest)?;
    }
    let cause = CauseId(take(rest)?);
    Some((severity, cause, take_text(rest)?))
}

/// Appends a number.
pub(super) fn put(bytes: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
}

/// Takes a number from the front.
pub(super) fn take(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..64).step_by(7) {
        let (byte, tail) = rest.split_first()?;
        *rest = tail;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

/// Takes so many bytes from the front.
pub(super) fn take_bytes<'a>(rest: &mut &'a [u8], count: usize) -> Option<&'a [u8]> {
    let (taken, tail) = rest.split_at_checked(count)?;
    *rest = tail;
    Some(taken)
}

fn put_text(bytes: &mut Vec<u8>, text: &str) {
    put(bytes, text.len() as u64);
    bytes.extend_from_slice(text.as_bytes());
}

fn take_text<'a>(rest: &mut &'a [u8]) -> Option<&'a str> {
    let length = usize::try_from(take(rest)?).ok()?;
    std::str::from_utf8(take_bytes(rest, length)?).ok()
}

/// Half a thousand years fit.
fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(severity: Severity, text: &str, fields: Vec<(&'static str, Field)>) -> Event {
        Event {
            seq: 300,
            mono: Mono::new(Duration::from_nanos(1_234_567_890_123)),
            subject: "service.wéb.exited".to_owned(),
            source: "operator",
            severity,
            cause: CauseId(u64::MAX),
            actor: "uid 0 (root)".to_owned(),
            text: text.to_owned(),
            fields,
        }
    }

    #[test]
    fn what_was_packed_is_unpacked() {
        let wall = UNIX_EPOCH + Duration::from_nanos(1_763_731_823_000_000_001);
        let fields = vec![
            ("code", Field::Number(-0.5)),
            ("signal", Field::Text("KILL".repeat(100))),
            ("graceful", Field::Bool(true)),
            ("forced", Field::Bool(false)),
            ("code", Field::Number(f64::INFINITY)),
        ];
        let mut words = Words::default();
        for severity in SEVERITIES {
            for (text, fields) in
                [("", Vec::new()), ("ended\n…", fields.clone()), (&"x".repeat(70_000), fields.clone())]
            {
                let event = event(severity, text, fields);
                let mut bytes = Vec::new();
                pack(&event, wall, &mut words, &mut bytes);
                assert_eq!(heading(&bytes), Some((severity, event.cause, event.subject.as_str())));
                let kept = unpack(event.seq, &bytes, &words).unwrap();
                assert_eq!((kept.event, kept.wall), (event, wall));
            }
        }
    }

    #[test]
    fn bytes_of_something_else_are_no_event_and_no_panic() {
        let mut words = Words::default();
        let mut bytes = Vec::new();
        pack(&event(Severity::Info, "text", vec![("code", Field::Number(1.0))]), UNIX_EPOCH, &mut words, &mut bytes);
        for length in 0..bytes.len() {
            assert!(unpack(1, &bytes[..length], &words).is_none(), "{length}");
        }
        for place in 0..bytes.len() {
            let mut other = bytes.clone();
            other[place] ^= 0xff;
            // Whatever it says now, it is read without harm.
            let _ = (unpack(1, &other, &words), heading(&other));
        }
        assert!(take(&mut &[0xff; 20][..]).is_none(), "no number is that long");
    }
}
