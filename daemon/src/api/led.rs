//! `LedService`: LEDs by role, and who holds them.

use tonic::{Request, Response, Status};
use ubmc_core::ids::LedId;
use ubmc_proto::v1::{self, led_service_server::LedService};

use super::{Api, auth::Caller, from_wire, to_wire};
use crate::shell::Sight;

fn list(sight: &Sight<'_>) -> v1::ListLedsResponse {
    let ids = (0..sight.core.board().leds.len()).map(LedId::new);
    v1::ListLedsResponse { leds: ids.map(|id| to_wire::led(&sight.core.led(id), sight.moment)).collect() }
}

#[tonic::async_trait]
impl LedService for Api {
    async fn list_leds(&self, _: Request<v1::ListLedsRequest>) -> Result<Response<v1::ListLedsResponse>, Status> {
        self.look(|sight| Ok(list(sight))).await
    }

    async fn identify(&self, request: Request<v1::IdentifyRequest>) -> Result<Response<v1::ListLedsResponse>, Status> {
        let actor = Caller::of(&request);
        self.ask(actor, from_wire::identify(request.into_inner())).await?;
        self.look(|sight| Ok(list(sight))).await
    }

    async fn set_led(&self, request: Request<v1::SetLedRequest>) -> Result<Response<v1::ListLedsResponse>, Status> {
        let actor = Caller::of(&request);
        self.ask(actor, from_wire::set_led(request.into_inner())).await?;
        self.look(|sight| Ok(list(sight))).await
    }
}
