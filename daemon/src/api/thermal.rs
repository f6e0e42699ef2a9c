//! `ThermalService`: zones and fans.

use std::time::Duration;

use tonic::{Request, Response, Status};
use ubmc_core::{
    ids::{FanId, ZoneId},
    refusal::Refusal,
};
use ubmc_proto::v1::{self, thermal_service_server::ThermalService};

use super::{
    Api,
    auth::Caller,
    from_wire,
    streams::{Pace, Stream},
    to_wire,
};
use crate::shell::Sight;

/// Between two messages of a watch.
const INTERVAL: Duration = Duration::from_millis(100);

fn zone(sight: &Sight<'_>, id: ZoneId) -> v1::Zone {
    to_wire::zone(&sight.core.zone(id), sight.core, sight.moment)
}

fn zones(sight: &Sight<'_>) -> Vec<v1::Zone> {
    (0..sight.core.board().zones.len()).map(|place| zone(sight, ZoneId::new(place))).collect()
}

fn fans(sight: &Sight<'_>) -> Vec<v1::Fan> {
    let ids = (0..sight.core.board().fans.len()).map(FanId::new);
    ids.map(|id| to_wire::fan(&sight.core.fan(id), sight.moment)).collect()
}

#[tonic::async_trait]
impl ThermalService for Api {
    async fn list_zones(&self, _: Request<v1::ListZonesRequest>) -> Result<Response<v1::ListZonesResponse>, Status> {
        self.look(|sight| Ok(v1::ListZonesResponse { zones: zones(sight), seq: sight.core.last_seq() })).await
    }

    async fn get_zone(&self, request: Request<v1::GetZoneRequest>) -> Result<Response<v1::Zone>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| {
            let board = sight.core.board();
            let id = board.find_zone(&name).ok_or_else(|| {
                to_wire::status_of(&Refusal::unknown("zone", &name, board.zones.iter().map(|zone| &zone.name)))
            })?;
            Ok(zone(sight, id))
        })
        .await
    }

    type WatchZonesStream = Stream<v1::WatchZonesResponse>;

    async fn watch_zones(&self, _: Request<v1::WatchZonesRequest>) -> Result<Response<Self::WatchZonesStream>, Status> {
        let (snapshot, mut zones, mut fans) = self
            .see(|sight| {
                let snapshot = to_wire::zones_snapshot(zones(sight), fans(sight), sight.core.last_seq(), true);
                (snapshot, sight.hub.zones.subscribe(None), sight.hub.fans.subscribe(None))
            })
            .await?;
        let handle = self.handle.clone();
        self.streams.open(|sink| async move {
            sink.send(snapshot).await?;
            let mut pace = Pace::new(INTERVAL);
            loop {
                pace.wait().await;
                // One of them has news: the other's, if there are any, go with it.
                tokio::select! {
                    some = zones.wait() => some,
                    some = fans.wait() => some,
                }
                .ok_or_else(to_wire::gone)?;
                pace.made();
                let zones = zones.fetch().into_iter().map(|(_, zone)| (*zone).clone()).collect();
                let fans = fans.fetch().into_iter().map(|(_, fan)| (*fan).clone()).collect();
                let seq = handle.shared().journal.position().last;
                sink.send(to_wire::zones_snapshot(zones, fans, seq, false)).await?;
            }
        })
    }

    async fn list_fans(&self, _: Request<v1::ListFansRequest>) -> Result<Response<v1::ListFansResponse>, Status> {
        self.look(|sight| Ok(v1::ListFansResponse { fans: fans(sight) })).await
    }

    async fn set_override(
        &self,
        request: Request<v1::SetOverrideRequest>,
    ) -> Result<Response<v1::ListFansResponse>, Status> {
        let actor = Caller::of(&request);
        self.ask(actor, from_wire::set_override(request.into_inner())).await?;
        self.look(|sight| Ok(v1::ListFansResponse { fans: fans(sight) })).await
    }

    async fn clear_override(
        &self,
        request: Request<v1::ClearOverrideRequest>,
    ) -> Result<Response<v1::ListFansResponse>, Status> {
        let actor = Caller::of(&request);
        self.ask(actor, from_wire::clear_override(request.into_inner())).await?;
        self.look(|sight| Ok(v1::ListFansResponse { fans: fans(sight) })).await
    }
}
