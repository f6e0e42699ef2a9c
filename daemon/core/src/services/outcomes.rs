//! How requests on services come to their end: what operations wait for.

use super::{
    supervisor::Supervisor,
    unit::{Blocker, FailReason, Gate, State},
};
use crate::{ids::ServiceId, view::Desired};

impl Supervisor {
    /// Longest time that these services may take one after the other: what an operation on them is bounded by.
    pub fn bound(&self, members: &[ServiceId]) -> std::time::Duration {
        let of = |id: &ServiceId| {
            let spec = &self.unit(*id).spec;
            spec.start_delay + spec.start_timeout + spec.stop_timeout + super::lives::KILL_BOUND
        };
        members.iter().map(of).sum()
    }

    /// Whether a start by request has come to its end for this service, and how.
    pub fn start_outcome(&self, id: ServiceId, not_before: crate::ids::Generation) -> Option<Result<String, String>> {
        let unit = self.unit(id);
        if unit.generation >= not_before && unit.is_ready() {
            return Some(Ok(match unit.state {
                State::Completed => "done".to_owned(),
                _ => unit.pid.map_or_else(|| "ready".to_owned(), |pid| format!("ready, pid {pid}")),
            }));
        }
        match &unit.state {
            State::Failed(FailReason::Own(why)) => Some(Err(why.clone())),
            State::Failed(FailReason::Dependency(_)) => {
                let root = self.root_failure(id);
                Some(Err(format!("{} {}", self.unit(root).spec.name, self.end_of(root))))
            }
            State::Backoff => Some(Err(format!("{}; it is retried in the background", unit.record.last_error))),
            State::Completed => Some(Err("it ended by itself".to_owned())),
            State::Waiting if matches!(self.gate(id), Gate::Wait(Blocker::Conflict(_) | Blocker::Survivors)) => {
                Some(Err(self.waiting_reason(id)))
            }
            _ if unit.desired == Desired::Down => Some(Err("stopped before it was ready".to_owned())),
            _ => None,
        }
    }

    /// Whether a stop by request has come to its end for this service, and how.
    pub fn stop_outcome(&self, id: ServiceId) -> Option<Result<String, String>> {
        let unit = self.unit(id);
        match &unit.state {
            State::Failed(FailReason::Own(why)) if unit.desired == Desired::Down => Some(Err(why.clone())),
            _ if unit.desired == Desired::Up => Some(Err("started again before it was down".to_owned())),
            state if state.is_alive() => None,
            _ => Some(Ok("stopped".to_owned())),
        }
    }
}
