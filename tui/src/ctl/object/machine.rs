//! State machines: what they are in, what they understand, how they are drawn, what they did.

use serde::Serialize;
use ubmc_proto::v1;

use super::{Condition, numbered, present, word};
use crate::ctl::output::rfc3339;

#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Machine {
    pub name: String,
    pub kind: String,
    pub state: String,
    /// The state somebody asked for last.
    pub requested: Option<String>,
    /// When it entered `state`.
    pub since: Option<String>,
    /// The operation that drives it now.
    pub operation: Option<String>,
    pub state_age_s: f64,
    pub transitional: bool,
    pub timeout_in_s: Option<f64>,
    pub cause: Option<String>,
    pub reason: Option<String>,
    pub parent: Option<String>,
    pub requests: Vec<Request>,
    /// Interlocks that somebody has overridden.
    pub overrides: Vec<InterlockOverride>,
    /// How it comes back after the loss of power; the BMC has none to lose.
    pub restoration: Option<Restoration>,
}

/// How a host or chassis comes back after the loss of power, and how its boots fare.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Restoration {
    pub policy: String,
    /// An operator chose it over the board's.
    pub chosen: bool,
    /// For the next time only.
    pub once: Option<String>,
    pub delay_s: f64,
    /// It is to be powered on again, and that is not done.
    pub restoring: bool,
    pub next_try_s: Option<f64>,
    pub held_by: Option<String>,
    pub boot_attempts_left: Option<u32>,
    pub boot_attempts: Option<u32>,
    /// Its boots have failed too often.
    pub given_up: bool,
}

impl From<v1::Restoration> for Restoration {
    fn from(wire: v1::Restoration) -> Self {
        Self {
            policy: wire.policy,
            chosen: wire.chosen,
            once: present(wire.once),
            delay_s: wire.delay_s,
            restoring: wire.restoring,
            next_try_s: wire.next_try_s,
            held_by: present(wire.held_by),
            boot_attempts_left: wire.boot_attempts_left,
            boot_attempts: wire.boot_attempts,
            given_up: wire.given_up,
        }
    }
}

/// A request that the machine understands, and what forbids it now.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Request {
    #[serde(rename = "request")]
    pub name: String,
    pub destructive: bool,
    pub blocked_by: Vec<Condition>,
}

impl PartialEq for Request {
    fn eq(&self, other: &Self) -> bool {
        let kinds = |request: &Self| request.blocked_by.iter().map(|one| one.kind.clone()).collect::<Vec<_>>();
        self.name == other.name && kinds(self) == kinds(other)
    }
}

impl From<v1::Machine> for Machine {
    fn from(wire: v1::Machine) -> Self {
        Self {
            name: wire.name,
            kind: word!(MachineKind, "MACHINE_KIND_", wire.kind),
            state: wire.state,
            requested: present(wire.requested),
            since: rfc3339(wire.since_time_s),
            operation: present(wire.operation),
            state_age_s: wire.state_age_s,
            transitional: wire.transitional,
            timeout_in_s: wire.timeout_in_s,
            cause: present(wire.cause),
            reason: present(wire.reason),
            parent: present(wire.parent),
            requests: wire.requests.into_iter().map(Request::from).collect(),
            restoration: wire.restoration.map(Restoration::from),
            overrides: wire.overrides.into_iter().map(InterlockOverride::from).collect(),
        }
    }
}

impl From<v1::AllowedRequest> for Request {
    fn from(wire: v1::AllowedRequest) -> Self {
        Self {
            name: wire.request,
            destructive: wire.destructive,
            blocked_by: wire.blocked_by.into_iter().map(Condition::from).collect(),
        }
    }
}

/// A condition that does not stand against powering a machine on for now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct InterlockOverride {
    pub condition: String,
    pub actor: String,
    pub reason: String,
    pub expires_in_s: f64,
}

impl From<v1::InterlockOverride> for InterlockOverride {
    fn from(wire: v1::InterlockOverride) -> Self {
        let v1::InterlockOverride { condition, actor, reason, expires_in_s } = wire;
        Self { condition, actor, reason, expires_in_s }
    }
}

/// How often a transition was taken, and how long the state before it had lasted.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct TransitionCount {
    pub machine: String,
    pub from: String,
    pub to: String,
    pub count: u64,
    pub mean_s: f64,
    pub shortest_s: f64,
    pub longest_s: f64,
    pub last_time: Option<String>,
}

impl From<v1::TransitionCount> for TransitionCount {
    fn from(wire: v1::TransitionCount) -> Self {
        Self {
            machine: wire.machine,
            from: wire.from,
            to: wire.to,
            count: wire.count,
            mean_s: wire.mean_s,
            shortest_s: wire.shortest_s,
            longest_s: wire.longest_s,
            last_time: rfc3339(wire.last_time_s),
        }
    }
}

/// A machine's states and transitions.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Graph {
    pub name: String,
    pub current: String,
    pub states: Vec<GraphState>,
    pub transitions: Vec<GraphTransition>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct GraphState {
    pub name: String,
    pub transitional: bool,
    pub timeout_s: Option<f64>,
    pub description: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct GraphTransition {
    pub from: String,
    pub to: String,
    pub on: String,
    pub guard: Option<String>,
}

impl From<v1::MachineGraph> for Graph {
    fn from(wire: v1::MachineGraph) -> Self {
        Self {
            name: wire.name,
            current: wire.current,
            states: wire
                .states
                .into_iter()
                .map(|state| GraphState {
                    name: state.name,
                    transitional: state.transitional,
                    timeout_s: state.timeout_s,
                    description: present(state.description),
                })
                .collect(),
            transitions: wire
                .transitions
                .into_iter()
                .map(|transition| GraphTransition {
                    from: transition.from,
                    to: transition.to,
                    on: transition.on,
                    guard: present(transition.guard),
                })
                .collect(),
        }
    }
}

/// A past transition.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Transition {
    pub seq: u64,
    pub time: Option<String>,
    pub machine: String,
    pub from: String,
    pub to: String,
    pub trigger: String,
    /// Time spent in `from`.
    pub duration_s: f64,
    pub cause: Option<u64>,
    pub actor: Option<String>,
}

impl From<v1::Transition> for Transition {
    fn from(wire: v1::Transition) -> Self {
        Self {
            seq: wire.seq,
            time: rfc3339(wire.time_s),
            machine: wire.machine,
            from: wire.from,
            to: wire.to,
            trigger: wire.trigger,
            duration_s: wire.duration_s,
            cause: numbered(wire.cause),
            actor: present(wire.actor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_has_its_promised_keys_first() {
        let wire = v1::Machine {
            name: "host.0".into(),
            kind: v1::MachineKind::Host.into(),
            state: "powering-on".into(),
            since_time_s: 1_795_216_131.25,
            operation: "op-17".into(),
            ..v1::Machine::default()
        };
        let json = serde_json::to_string(&Machine::from(wire)).unwrap();
        assert!(
            json.starts_with(concat!(
                r#"{"name":"host.0","kind":"host","state":"powering-on","requested":null,"#,
                r#""since":"2026-11-20T23:08:51.250Z","operation":"op-17","#
            )),
            "{json}"
        );
    }
}
