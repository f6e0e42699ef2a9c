//! What is built in.

use serde::Serialize;
use ubmc_proto::v1;

use super::present;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct InventoryItem {
    pub name: String,
    pub kind: String,
    pub present: Option<bool>,
    pub manufacturer: Option<String>,
    pub product: Option<String>,
    pub part_number: Option<String>,
    pub serial_number: Option<String>,
}

impl From<v1::InventoryItem> for InventoryItem {
    fn from(wire: v1::InventoryItem) -> Self {
        Self {
            name: wire.name,
            kind: wire.kind,
            present: wire.present,
            manufacturer: present(wire.manufacturer),
            product: present(wire.product),
            part_number: present(wire.part_number),
            serial_number: present(wire.serial_number),
        }
    }
}
