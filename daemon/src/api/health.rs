//! `grpc.health.v1`: the daemon as a whole (the empty name), each service of the API by its full name, and every
//! supervised service by its own.

use tonic::{Code, Request, Response, Status};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse, health_check_response::ServingStatus, health_server::Health,
};
use ubmc_core::view::SystemState;

use super::{Api, streams::Stream, to_wire};
use crate::shell::Sight;

/// None: there is nothing of that name.
fn status(sight: &Sight<'_>, name: &str) -> Option<ServingStatus> {
    let serving = |yes| if yes { ServingStatus::Serving } else { ServingStatus::NotServing };
    if name.is_empty() {
        // A degraded daemon serves: what is wrong with the machine is not wrong with the API.
        return Some(serving(sight.core.system(sight.moment.mono).state != SystemState::Stopping));
    }
    if name.starts_with("ubmc.v1.") {
        return super::auth::is_served(name).then_some(ServingStatus::Serving);
    }
    let id = sight.core.find_service(name)?;
    Some(serving(to_wire::service_health(&sight.core.service(id))))
}

fn response(status: ServingStatus) -> HealthCheckResponse {
    HealthCheckResponse { status: status.into() }
}

#[tonic::async_trait]
impl Health for Api {
    async fn check(&self, request: Request<HealthCheckRequest>) -> Result<Response<HealthCheckResponse>, Status> {
        let name = request.into_inner().service;
        self.look(move |sight| {
            status(sight, &name).map(response).ok_or_else(|| {
                to_wire::with_reason(Code::NotFound, "UNKNOWN_NAME", format!("there is no service `{name}`"))
            })
        })
        .await
    }

    type WatchStream = Stream<HealthCheckResponse>;

    async fn watch(&self, request: Request<HealthCheckRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let name = request.into_inner().service;
        let handle = self.handle.clone();
        // The protocol wants unknown names watched as well: they may come to be.
        let look = move |sight: &Sight<'_>| status(sight, &name).unwrap_or(ServingStatus::ServiceUnknown);
        let first = look.clone();
        let (first, mut changes) = self.see(move |sight| (first(sight), sight.hub.status.subscribe(None))).await?;
        self.streams.open(|sink| async move {
            let mut told = first;
            sink.send(response(first)).await?;
            loop {
                changes.next().await.ok_or_else(to_wire::gone)?;
                let look = look.clone();
                let now = handle.look(move |sight| look(sight)).await.map_err(|_| to_wire::gone())?;
                if now != told {
                    told = now;
                    sink.send(response(now)).await?;
                }
            }
        })
    }
}
