//! As much of a state as what is said depends on: the names of things and how they are, not what they have been through.

use super::told;
use crate::{
    app::{LinkState, Notice, State, View},
    model::{
        Condition, Fan, FanMode, Health, Operation, OperationState, Quality, Sensor, SensorStatus, Service,
        ServiceState, Verification, ZoneState,
    },
};

/// A name and how the thing was.
pub(super) type Was<T> = (String, T);

/// How everything was when it was last spoken of.
#[derive(Clone, Debug)]
pub(super) struct Before {
    pub(super) link: LinkState,
    pub(super) notice: Option<Notice>,
    /// The daemon had said how everything is.
    pub(super) met: bool,
    pub(super) problems: Vec<Condition>,
    pub(super) machines: Vec<Was<String>>,
    pub(super) operations: Vec<Was<Far>>,
    pub(super) zones: Vec<Was<ZoneState>>,
    pub(super) fans: Vec<Was<(Health, FanMode)>>,
    pub(super) sensors: Vec<Was<(SensorStatus, Quality)>>,
    pub(super) services: Vec<Was<(ServiceState, Health)>>,
    /// Events that were missed.
    pub(super) missed: u64,
    pub(super) view: View,
    /// What had been asked for was there: the boot timeline, the resources, requests for later, so many definitions.
    pub(super) boot: bool,
    pub(super) resources: bool,
    pub(super) schedules: bool,
    pub(super) graphs: usize,
    pub(super) verification: Option<Verification>,
    /// The service whose log was open, and where that ended.
    pub(super) log: (Option<String>, u64),
    /// What stood in front.
    pub(super) front: Option<String>,
}

/// How far an operation was: its state, and which step ran.
pub(super) type Far = (OperationState, Option<usize>);

/// How far an operation is.
pub(super) fn far(one: &Operation) -> Far {
    (one.state, one.steps.iter().position(|step| step.running_since.is_some()))
}

/// How a fan is.
pub(super) fn of_fan(one: &Fan) -> (Health, FanMode) {
    (one.health, one.mode)
}

/// How a sensor is.
pub(super) fn of_sensor(one: &Sensor) -> (SensorStatus, Quality) {
    (one.status, one.quality)
}

/// How a service is.
pub(super) fn of_service(one: &Service) -> (ServiceState, Health) {
    (one.state, one.health)
}

/// Within so many seconds a daemon tells the first of everything; what a board does not have never comes.
const FIRST_S: f64 = 2.0;

/// The daemon has said how everything is: what it says from now on is a change.
pub(super) fn met(state: &State) -> bool {
    let time_enough = state.connected() && state.now.since(state.link_since) >= FIRST_S;
    state.model.status.is_some() && (state.model.is_whole() || time_enough)
}

impl Before {
    /// What `state` will have been.
    pub(super) fn of(state: &State) -> Self {
        let model = &state.model;
        Self {
            link: state.link.clone(),
            notice: state.notice.clone(),
            met: met(state),
            problems: state.problems(),
            machines: model.machines.iter().map(|one| (one.name.clone(), one.state.clone())).collect(),
            operations: model.operations.iter().map(|one| (one.id.clone(), far(one))).collect(),
            zones: model.zones.iter().map(|one| (one.name.clone(), one.state)).collect(),
            fans: model.fans.iter().map(|one| (one.name.clone(), of_fan(one))).collect(),
            sensors: model.sensors.iter().map(|one| (one.name.clone(), of_sensor(one))).collect(),
            services: model.services.iter().map(|one| (one.name.clone(), of_service(one))).collect(),
            missed: model.tail.missed,
            view: state.view,
            boot: model.boot.is_some(),
            resources: model.hardware.resources.is_some(),
            schedules: model.schedules.is_some(),
            graphs: model.graphs.len(),
            verification: model.verification.clone(),
            log: (model.log.service.clone(), model.log.end()),
            front: state.modal.as_ref().map(told),
        }
    }
}
