//! Events 1 to the life's last.

use tonic::Request;
use ubmc_proto::v1::{self, watch_response::Item};

use super::{Answer, Daemon, Life, Streamed, answer, then_silence};

#[tonic::async_trait]
impl v1::event_service_server::EventService for Daemon {
    type WatchStream = Streamed<v1::WatchResponse>;

    async fn list_events(&self, _: Request<v1::ListEventsRequest>) -> Answer<v1::ListEventsResponse> {
        let Life { last_seq, .. } = self.0;
        answer(v1::ListEventsResponse { last_seq, ..v1::ListEventsResponse::default() })
    }
    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        let Life { boot_id, last_seq, expired, .. } = self.0;
        let after = request.into_inner().after_seq.unwrap_or(last_seq);
        // A number that is yet to come is of another life: nothing of this one has been seen.
        let after = if after > last_seq { expired } else { after };
        let position = v1::Position { last_seq, oldest_seq: expired + 1, boot_id: boot_id.into() };
        let lost = (after < expired).then(|| v1::Lost { first: after + 1, last: expired, reason: "expired".into() });
        let events = (after.max(expired) + 1..=last_seq).map(|seq| v1::Event {
            seq,
            text: format!("{boot_id} event {seq}"),
            severity: v1::Severity::Info.into(),
            ..v1::Event::default()
        });
        let items = [Item::Position(position)]
            .into_iter()
            .chain(lost.map(Item::Lost))
            .chain(events.map(Item::Event))
            .map(|item| v1::WatchResponse { item: Some(item) });
        answer(then_silence(items.collect()))
    }
}
