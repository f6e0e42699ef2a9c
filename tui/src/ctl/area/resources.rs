//! `ubmcctl resources`.

use clap::Subcommand;
use ubmc_proto::v1::{ListResourcesRequest, inventory_service_client::InventoryServiceClient};

use crate::ctl::{
    exit::Failure,
    object::Resource,
    output::{Cell, Paint, Table, left},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Every GPIO line, channel, PWM, bus device, LED and watchdog that the board names, with its owner
    List,
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let answer = session
                    .call(|channel| async move {
                        InventoryServiceClient::new(channel).list_resources(ListResourcesRequest {}).await
                    })
                    .await?;
                let resources: Vec<_> = answer.resources.into_iter().map(Resource::from).collect();
                session.out.list(&resources, |canvas| table(&resources).draw(canvas))
            }
        }
    }
}

fn table(resources: &[Resource]) -> Table {
    let mut table = Table::new(
        [left("KIND"), left("NAME"), left("OWNER"), left("ANSWERS"), left("USED BY").rank(1)],
        "the board names no hardware",
    );
    for resource in resources {
        table.row([
            resource.kind.as_str().into(),
            Cell::name(&resource.name),
            resource.owner.as_str().into(),
            match (resource.reachable, &resource.error) {
                (Some(true), _) => Cell::new(Paint::Good, "yes"),
                (Some(false), why) => Cell::new(Paint::Bad, why.as_deref().unwrap_or("no")),
                (None, _) => Cell::maybe(None::<&str>),
            },
            resource.used_by.join(", ").into(),
        ]);
    }
    table
}
