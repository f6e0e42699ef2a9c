//! Pieces of hardware.

use serde::Serialize;
use ubmc_proto::v1;

use super::{present, word};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Resource {
    /// `gpio-line`, `pwm`, `hwmon-channel`, `i2c-device`, `led`, `watchdog`, `sim`.
    pub kind: String,
    pub name: String,
    pub owner: String,
    pub used_by: Vec<String>,
    pub reachable: Option<bool>,
    pub error: Option<String>,
}

impl From<v1::Resource> for Resource {
    fn from(wire: v1::Resource) -> Self {
        Self {
            kind: word!(ResourceKind, "RESOURCE_KIND_", wire.kind),
            name: wire.name,
            owner: wire.owner,
            used_by: wire.used_by,
            reachable: wire.reachable,
            error: present(wire.error),
        }
    }
}
