//! Events and positions in their stream.

use ubmc_core::event::Field;
use ubmc_proto::v1;

use super::severity;
use crate::{
    journal::{Gap, Kept, Missed, Page, Position},
    shell::unix_seconds,
};

/// An event.
pub fn event(kept: &Kept) -> v1::Event {
    let event = &kept.event;
    let fields = event.fields.iter().map(|(name, field)| ((*name).to_owned(), value(field)));
    v1::Event {
        seq: event.seq,
        time_s: unix_seconds(kept.wall),
        mono_s: event.mono.as_secs_f64(),
        subject: event.subject.clone(),
        source: event.source.to_owned(),
        severity: severity(event.severity),
        cause: event.cause.0,
        actor: event.actor.clone(),
        text: event.text.clone(),
        payload: Some(prost_types::Struct { fields: fields.collect() }),
    }
}

fn value(field: &Field) -> prost_types::Value {
    use prost_types::value::Kind;
    let kind = match field {
        Field::Text(text) => Kind::StringValue(text.clone()),
        Field::Number(number) => Kind::NumberValue(*number),
        Field::Bool(truth) => Kind::BoolValue(*truth),
    };
    prost_types::Value { kind: Some(kind) }
}

/// What a reader missed.
pub fn gap(gap: Gap, why: Missed) -> v1::Lost {
    v1::Lost { first: gap.first, last: gap.last, reason: why.as_str().to_owned() }
}

/// Where the stream stands.
pub fn position(position: Position, boot_id: &str) -> v1::Position {
    v1::Position { last_seq: position.last, oldest_seq: position.oldest, boot_id: boot_id.to_owned() }
}

/// The answer to a question about past events.
pub fn list_events(page: &Page) -> v1::ListEventsResponse {
    v1::ListEventsResponse {
        events: page.events.iter().map(event).collect(),
        lost: page.lost.map(|lost| gap(lost, Missed::Expired)),
        last_seq: page.up_to,
    }
}
