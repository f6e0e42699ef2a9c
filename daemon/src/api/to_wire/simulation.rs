//! The simulated board.

use ubmc_platforms::sim::{FaultKind, SimConfig, client::BoardState, protocol::FaultText};
use ubmc_proto::v1;

/// Active faults, and those there could be.
pub fn faults(active: Vec<FaultText>, config: &SimConfig) -> v1::ListFaultsResponse {
    let active = active.into_iter().map(|FaultText { kind, target, value }| v1::Fault { kind, target, value });
    let kinds = FaultKind::ALL.into_iter().map(|kind| v1::FaultKind {
        kind: kind.as_str().to_owned(),
        description: kind.description().to_owned(),
        targets: kind.targets(config).into_iter().map(|target| target.to_string()).collect(),
    });
    v1::ListFaultsResponse { active: active.collect(), kinds: kinds.collect() }
}

/// Everything of the board.
pub fn simulation_state(state: BoardState) -> v1::SimulationState {
    let values = state.values.into_iter().map(|value| v1::SimulatedValue {
        name: value.name,
        value: value.value,
        unit: value.unit,
        settable: value.settable,
    });
    v1::SimulationState {
        values: values.collect(),
        time_s: state.time_s,
        pid: state.pid.try_into().unwrap_or_default(),
    }
}
