//! `InventoryService`: what is built in, and who owns which piece of hardware.

use std::sync::Arc;

use tonic::{Code, Request, Response, Status};
use ubmc_core::{ids::Name, refusal::Refusal};
use ubmc_proto::v1::{self, inventory_service_server::InventoryService};

use super::{Api, to_wire};

impl Api {
    fn items(&self) -> Result<Arc<[v1::InventoryItem]>, Status> {
        self.items.get().ok_or_else(|| {
            let text = "the service `inventory` is not running; start it";
            to_wire::with_reason(Code::Unavailable, "INVENTORY_STOPPED", text)
        })
    }
}

#[tonic::async_trait]
impl InventoryService for Api {
    async fn list_resources(
        &self,
        _: Request<v1::ListResourcesRequest>,
    ) -> Result<Response<v1::ListResourcesResponse>, Status> {
        let resources = Arc::clone(&self.resources);
        self.look(move |sight| {
            let resources = resources.iter().map(|resource| to_wire::resource(resource, sight.core));
            Ok(v1::ListResourcesResponse { resources: resources.collect() })
        })
        .await
    }

    async fn list_items(&self, _: Request<v1::ListItemsRequest>) -> Result<Response<v1::ListItemsResponse>, Status> {
        Ok(Response::new(v1::ListItemsResponse { items: self.items()?.to_vec() }))
    }

    async fn get_item(&self, request: Request<v1::GetItemRequest>) -> Result<Response<v1::InventoryItem>, Status> {
        let items = self.items()?;
        let name = request.into_inner().name;
        let found = items.iter().find(|item| item.name == name).cloned();
        found.map(Response::new).ok_or_else(|| {
            let known: Vec<_> = items.iter().map(|item| Name::from(item.name.as_str())).collect();
            to_wire::status_of(&Refusal::unknown("inventory item", &name, &known))
        })
    }
}
