//! The simulated board.

use serde::Serialize;
use ubmc_proto::v1;

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Fault {
    pub kind: String,
    pub target: String,
    /// Absent: the kind's default.
    pub value: Option<f64>,
}

/// A kind of fault that can be injected.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct FaultKind {
    pub kind: String,
    pub description: String,
    pub targets: Vec<String>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Faults {
    pub active: Vec<Fault>,
    pub kinds: Vec<FaultKind>,
}

impl From<v1::ListFaultsResponse> for Faults {
    fn from(wire: v1::ListFaultsResponse) -> Self {
        Self {
            active: wire
                .active
                .into_iter()
                .map(|fault| Fault { kind: fault.kind, target: fault.target, value: fault.value })
                .collect(),
            kinds: wire
                .kinds
                .into_iter()
                .map(|kind| FaultKind { kind: kind.kind, description: kind.description, targets: kind.targets })
                .collect(),
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct Simulation {
    /// Simulated time since the board was plugged in.
    pub time_s: f64,
    pub pid: i32,
    pub values: Vec<SimulatedValue>,
}

#[derive(Clone, Debug, Serialize)]
pub(crate) struct SimulatedValue {
    pub name: String,
    pub value: f64,
    pub unit: String,
    pub settable: bool,
}

impl From<v1::SimulationState> for Simulation {
    fn from(wire: v1::SimulationState) -> Self {
        Self {
            time_s: wire.time_s,
            pid: wire.pid,
            values: wire
                .values
                .into_iter()
                .map(|one| SimulatedValue { name: one.name, value: one.value, unit: one.unit, settable: one.settable })
                .collect(),
        }
    }
}
