//! Events, and the places in their stream where some are lost.

use prost_types::{Struct, value::Kind};
use serde::Serialize;
use serde_json::{Map, Number, Value};
use ubmc_proto::v1;

use super::{numbered, present, word};
use crate::ctl::output::rfc3339;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Event {
    /// Of a `lost` mark: the last number that is lost.
    pub seq: u64,
    pub time: Option<String>,
    pub mono_s: Option<f64>,
    pub subject: String,
    pub source: String,
    pub severity: String,
    pub cause: Option<u64>,
    pub actor: Option<String>,
    pub text: String,
    pub payload: Option<Value>,
    /// Not an event but a mark: these cannot be had any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lost: Option<Lost>,
    /// Not an event but a mark: from here on the numbers are those of another life of the daemon.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub restarted: Option<Restarted>,
}

/// A new life of the daemon.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Restarted {
    pub boot_id: String,
    /// The last number of the life before that was shown; what came after it is lost.
    pub last_seen: u64,
}

/// The numbers `first` to `last`, and why.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Lost {
    pub first: u64,
    pub last: u64,
    pub reason: String,
}

impl From<v1::Event> for Event {
    fn from(wire: v1::Event) -> Self {
        Self {
            seq: wire.seq,
            time: rfc3339(wire.time_s),
            mono_s: Some(wire.mono_s),
            subject: wire.subject,
            source: wire.source,
            severity: word!(Severity, "SEVERITY_", wire.severity),
            cause: numbered(wire.cause),
            actor: present(wire.actor),
            text: wire.text,
            payload: wire.payload.map(object),
            lost: None,
            restarted: None,
        }
    }
}

impl From<v1::Lost> for Event {
    /// The mark has every key of an event, so that a program that expects events only does not stumble.
    fn from(wire: v1::Lost) -> Self {
        let one = wire.first == wire.last;
        let why = match (wire.reason.as_str(), one) {
            ("slow-reader", true) => "was dropped because this reader was too slow",
            ("slow-reader", false) => "were dropped because this reader was too slow",
            (_, true) => "has expired",
            (_, false) => "have expired",
        };
        let which =
            if one { format!("event {}", wire.first) } else { format!("events {}–{}", wire.first, wire.last) };
        let lost = Some(Lost { first: wire.first, last: wire.last, reason: wire.reason });
        Self { lost, ..Self::mark(wire.last, "journal.lost", format!("{which} {why}")) }
    }
}

impl Event {
    /// Another life of the daemon answers.
    pub(crate) fn restarted(boot_id: String, last_seen: u64) -> Self {
        let text = format!(
            "ubmcd was restarted, and event numbers begin anew; what it may have told after event {last_seen} is lost"
        );
        let restarted = Some(Restarted { boot_id, last_seen });
        Self { restarted, ..Self::mark(last_seen, "journal.restarted", text) }
    }

    fn mark(seq: u64, subject: &str, text: String) -> Self {
        Self {
            seq,
            time: None,
            mono_s: None,
            subject: subject.to_owned(),
            source: "ubmcctl".to_owned(),
            severity: "warning".to_owned(),
            cause: None,
            actor: None,
            text,
            payload: None,
            lost: None,
            restarted: None,
        }
    }
}

fn object(wire: Struct) -> Value {
    Value::Object(wire.fields.into_iter().map(|(key, value)| (key, json(value))).collect::<Map<_, _>>())
}

fn json(wire: prost_types::Value) -> Value {
    match wire.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(value)) => Value::Bool(value),
        Some(Kind::StringValue(value)) => Value::String(value),
        Some(Kind::NumberValue(value)) => number(value),
        Some(Kind::StructValue(value)) => object(value),
        Some(Kind::ListValue(list)) => Value::Array(list.values.into_iter().map(json).collect()),
    }
}

/// Protobuf knows only doubles; a count comes back as the integer that it was.
#[allow(clippy::cast_possible_truncation)] // checked to be within ±2^53
fn number(value: f64) -> Value {
    if value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0 {
        return Value::Number(Number::from(value as i64));
    }
    Number::from_f64(value).map_or(Value::Null, Value::Number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_has_its_promised_keys_first_and_payload_numbers_stay_whole() {
        let value = |kind| prost_types::Value { kind: Some(kind) };
        let fields = [
            ("attempts".to_owned(), value(Kind::NumberValue(3.0))),
            ("value".to_owned(), value(Kind::NumberValue(45.5))),
            ("bad".to_owned(), value(Kind::NumberValue(f64::NAN))),
        ];
        let wire = v1::Event {
            seq: 812,
            time_s: 1_795_216_131.25,
            mono_s: 12.5,
            subject: "service.web.exited".into(),
            source: "supervisor".into(),
            severity: v1::Severity::Warning.into(),
            cause: 7,
            text: "web ended: exit code 7".into(),
            payload: Some(Struct { fields: fields.into_iter().collect() }),
            ..v1::Event::default()
        };
        assert_eq!(
            serde_json::to_string(&Event::from(wire)).unwrap(),
            concat!(
                r#"{"seq":812,"time":"2026-11-20T23:08:51.250Z","mono_s":12.5,"subject":"service.web.exited","#,
                r#""source":"supervisor","severity":"warning","cause":7,"actor":null,"text":"web ended: exit code 7","#,
                r#""payload":{"attempts":3,"bad":null,"value":45.5}}"#
            )
        );
    }

    #[test]
    fn lost_events_are_said_in_the_shape_of_an_event() {
        let event = Event::from(v1::Lost { first: 812, last: 900, reason: "expired".into() });
        assert_eq!((event.seq, event.text.as_str()), (900, "events 812–900 have expired"));
        let event = Event::from(v1::Lost { first: 5, last: 5, reason: "slow-reader".into() });
        assert_eq!(event.text, "event 5 was dropped because this reader was too slow");
    }
}
