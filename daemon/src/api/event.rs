//! `EventService`: the one ordered stream.

use tonic::{Code, Request, Response, Status};
use ubmc_proto::v1::{self, event_service_server::EventService, watch_response::Item};

use super::{Api, from_wire, streams::Stream, to_wire};
use crate::journal::Filter;

#[tonic::async_trait]
impl EventService for Api {
    async fn list_events(
        &self,
        request: Request<v1::ListEventsRequest>,
    ) -> Result<Response<v1::ListEventsResponse>, Status> {
        let choice = from_wire::list_events(request.get_ref()).map_err(|refusal| to_wire::status_of(&refusal))?;
        let journal = &self.handle.shared().journal;
        let filter = match choice.related_to {
            None => choice.filter,
            Some(seq) => {
                let that = journal.list(seq - 1, &Filter::default(), 1).events.pop();
                let cause = that.filter(|kept| kept.event.seq == seq).map(|kept| kept.event.cause);
                let cause = cause.ok_or_else(|| {
                    let text = format!("there is no event {seq}, or it is not kept any more");
                    to_wire::with_reason(Code::NotFound, "UNKNOWN_EVENT", text)
                })?;
                choice.filter.caused_by(cause)
            }
        };
        let page = journal.list(choice.after, &filter, choice.limit);
        Ok(Response::new(to_wire::list_events(&page)))
    }

    type WatchStream = Stream<v1::WatchResponse>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let request = request.into_inner();
        let filter = from_wire::filter(&request.subjects, request.min_severity)
            .map_err(|refusal| to_wire::status_of(&refusal))?;
        let shared = self.handle.shared();
        // The reader first: what comes between the two is then told twice over, as position and as event, never lost.
        let mut reader = shared.journal.reader(request.after_seq, filter);
        let position = to_wire::position(shared.journal.position(), &shared.daemon.boot_id);
        self.streams.open(|sink| async move {
            let message = |item| v1::WatchResponse { item: Some(item) };
            sink.send(message(Item::Position(position))).await?;
            loop {
                let stretch = reader.next().await;
                if let Some((gap, why)) = stretch.lost {
                    sink.send(message(Item::Lost(to_wire::gap(gap, why)))).await?;
                }
                for kept in stretch.events {
                    sink.send(message(Item::Event(to_wire::event(&kept)))).await?;
                }
            }
        })
    }
}
