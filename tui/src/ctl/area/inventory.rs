//! `ubmcctl inventory`.

use clap::Subcommand;
use ubmc_proto::v1::{GetItemRequest, ListItemsRequest, inventory_service_client::InventoryServiceClient};

use crate::ctl::{
    exit::Failure,
    object::InventoryItem,
    output::{Cell, Page, Table, left},
    session::Session,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Everything that can be built in
    List,
    /// One item
    Show { name: String },
}

impl Command {
    pub(crate) async fn run(self, session: &mut Session) -> Result<(), Failure> {
        match self {
            Self::List => {
                let answer = session
                    .call(|channel| async move {
                        InventoryServiceClient::new(channel).list_items(ListItemsRequest {}).await
                    })
                    .await?;
                let items: Vec<_> = answer.items.into_iter().map(InventoryItem::from).collect();
                session.out.list(&items, |canvas| table(&items).draw(canvas))
            }
            Self::Show { name } => {
                let request = GetItemRequest { name };
                let item: InventoryItem = session
                    .call(|channel| async move { InventoryServiceClient::new(channel).get_item(request).await })
                    .await?
                    .into();
                session.out.one(&item, |canvas| page(&item).draw(canvas))
            }
        }
    }
}

fn presence(item: &InventoryItem) -> Cell {
    match item.present {
        Some(true) => Cell::from("present"),
        Some(false) => Cell::word("absent"),
        None => Cell::word("unknown"),
    }
}

fn table(items: &[InventoryItem]) -> Table {
    let mut table = Table::new(
        [
            left("NAME"),
            left("KIND"),
            left("PRESENCE"),
            left("MANUFACTURER").rank(1),
            left("PRODUCT"),
            left("PART NUMBER").rank(2),
            left("SERIAL NUMBER"),
        ],
        "no inventory",
    );
    for item in items {
        table.row([
            Cell::name(&item.name),
            item.kind.as_str().into(),
            presence(item),
            Cell::maybe(item.manufacturer.as_ref()),
            Cell::maybe(item.product.as_ref()),
            Cell::maybe(item.part_number.as_ref()),
            Cell::maybe(item.serial_number.as_ref()),
        ]);
    }
    table
}

fn page(item: &InventoryItem) -> Page {
    let mut page = Page::new([Cell::name(&item.name), presence(item)]);
    page.fact("kind", item.kind.as_str())
        .maybe("manufacturer", item.manufacturer.clone())
        .maybe("product", item.product.clone())
        .maybe("part number", item.part_number.clone())
        .maybe("serial number", item.serial_number.clone());
    page
}
