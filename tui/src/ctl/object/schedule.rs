//! Requests that wait for their time.

use serde::Serialize;
use ubmc_proto::v1;

use super::present;
use crate::ctl::output::rfc3339;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Schedule {
    pub id: String,
    pub machine: String,
    pub request: String,
    pub at: Option<String>,
    /// 0: its time has come.
    pub in_s: f64,
    pub requested_by: String,
    pub reason: Option<String>,
    /// What stands against it, its time having come.
    pub held_by: Option<String>,
}

impl From<v1::Schedule> for Schedule {
    fn from(wire: v1::Schedule) -> Self {
        Self {
            id: wire.id,
            machine: wire.machine,
            request: wire.request,
            at: rfc3339(wire.at_s),
            in_s: wire.in_s,
            requested_by: wire.requested_by,
            reason: present(wire.request_reason),
            held_by: present(wire.held_by),
        }
    }
}
