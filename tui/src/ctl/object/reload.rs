//! What a reload changes.

use serde::Serialize;
use ubmc_proto::v1;

use super::{Operation, present, word};

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Reload {
    /// False in a dry run.
    pub applied: bool,
    pub changes: Vec<Change>,
    /// Services whose life ends and begins again.
    pub restarts: Vec<String>,
    pub notes: Vec<String>,
    /// Absent when nothing has to move.
    pub operation: Option<Operation>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Change {
    pub name: String,
    /// `added`, `removed`, `changed`.
    pub kind: String,
    pub fields: Vec<String>,
    /// `start`, `stop`, `restart`, `in-place`, `next-start`.
    pub effect: String,
    pub text: Option<String>,
}

impl From<v1::ReloadServicesResponse> for Reload {
    fn from(wire: v1::ReloadServicesResponse) -> Self {
        let change = |wire: v1::ServiceChange| Change {
            name: wire.name,
            kind: word!(ChangeKind, "CHANGE_KIND_", wire.kind),
            fields: wire.fields,
            effect: word!(ChangeEffect, "CHANGE_EFFECT_", wire.effect),
            text: present(wire.text),
        };
        Self {
            applied: wire.applied,
            changes: wire.changes.into_iter().map(change).collect(),
            restarts: wire.restarts,
            notes: wire.notes,
            operation: wire.operation.map(Operation::from),
        }
    }
}

impl Reload {
    /// Whether something that runs ends.
    pub(crate) fn interrupts(&self) -> bool {
        !self.restarts.is_empty() || self.changes.iter().any(|change| change.effect == "stop")
    }
}
