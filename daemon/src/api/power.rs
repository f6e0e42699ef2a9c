//! `PowerService`: rails and supplies.

use tonic::{Request, Response, Status};
use ubmc_core::{ids::SupplyId, view::Health};
use ubmc_proto::v1::{self, power_service_server::PowerService};

use super::{Api, to_wire};

#[tonic::async_trait]
impl PowerService for Api {
    async fn list_rails(&self, _: Request<v1::ListRailsRequest>) -> Result<Response<v1::ListRailsResponse>, Status> {
        self.look(|sight| {
            let rails = sight.core.rails().iter().map(to_wire::rail).collect();
            Ok(v1::ListRailsResponse { rails })
        })
        .await
    }

    async fn list_supplies(
        &self,
        _: Request<v1::ListSuppliesRequest>,
    ) -> Result<Response<v1::ListSuppliesResponse>, Status> {
        self.look(|sight| {
            let ids = (0..sight.core.board().supplies.len()).map(SupplyId::new);
            let views: Vec<_> = ids.map(|id| sight.core.supply(id)).collect();
            let working: Vec<_> = views.iter().filter(|view| view.health == Health::Healthy).collect();
            let load: f64 = views.iter().filter_map(|view| view.power_w).sum();
            // Whichever of the working ones fails, the others must carry the load.
            let rated: f64 = working.iter().map(|view| view.spec.rated_w).sum();
            let largest = working.iter().map(|view| view.spec.rated_w).fold(0.0, f64::max);
            let redundant = working.len() > 1 && rated - largest >= load;
            Ok(v1::ListSuppliesResponse {
                supplies: views.iter().map(|view| to_wire::supply(view, sight.moment)).collect(),
                redundant,
            })
        })
        .await
    }
}
