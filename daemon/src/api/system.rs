//! `SystemService`: the daemon itself.

use std::time::Duration;

use tonic::{Request, Response, Status};
use ubmc_proto::v1::{self, system_service_server::SystemService};

use super::{
    Api,
    auth::Caller,
    from_wire,
    streams::{Pace, Stream},
    to_wire,
};
use crate::shell::Sight;

/// Between two messages of a watch.
const INTERVAL: Duration = Duration::from_millis(200);

fn status(sight: &Sight<'_>) -> v1::SystemStatus {
    to_wire::system_status(sight.core, &sight.shared.daemon, sight.counts(), sight.moment)
}

#[tonic::async_trait]
impl SystemService for Api {
    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Result<Response<v1::SystemStatus>, Status> {
        self.look(|sight| Ok(status(sight))).await
    }

    type WatchStatusStream = Stream<v1::SystemStatus>;

    async fn watch_status(
        &self,
        _: Request<v1::WatchStatusRequest>,
    ) -> Result<Response<Self::WatchStatusStream>, Status> {
        let handle = self.handle.clone();
        self.streams.open(|sink| async move {
            // Within the stream, so that the first answer counts its own watcher.
            let begun = handle.look(|sight| (status(sight), sight.hub.status.subscribe(None))).await;
            let (first, mut changes) = begun.map_err(|_| to_wire::gone())?;
            sink.send(first).await?;
            let mut pace = Pace::new(INTERVAL);
            pace.made();
            loop {
                pace.wait().await;
                changes.next().await.ok_or_else(to_wire::gone)?;
                pace.made();
                sink.send(handle.look(|sight| status(sight)).await.map_err(|_| to_wire::gone())?).await?;
            }
        })
    }

    async fn why(&self, request: Request<v1::WhyRequest>) -> Result<Response<v1::WhyResponse>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| match sight.core.why(&name, sight.moment.mono) {
            Ok(view) => Ok(to_wire::why(&view)),
            Err(refusal) => Err(to_wire::status_of(&refusal)),
        })
        .await
    }

    async fn get_boot_timeline(
        &self,
        _: Request<v1::GetBootTimelineRequest>,
    ) -> Result<Response<v1::BootTimeline>, Status> {
        self.look(|sight| Ok(to_wire::boot(&sight.core.boot()))).await
    }

    async fn shutdown(&self, request: Request<v1::ShutdownRequest>) -> Result<Response<v1::ShutdownResponse>, Status> {
        let actor = Caller::of(&request);
        self.ask(actor, from_wire::shutdown(request.into_inner())).await?;
        Ok(Response::new(v1::ShutdownResponse {}))
    }
}
