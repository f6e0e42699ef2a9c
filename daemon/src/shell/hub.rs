//! Who is told of what: one topic for each kind of thing that can be watched.

use ubmc_core::{
    core::Core,
    effect::Changed,
    ids::{FanId, MachineId, OperationId, SensorId, ServiceId, ZoneId},
};
use ubmc_proto::v1;

use super::Topic;
use crate::{
    api::to_wire::{self, Moment},
    process::Logs,
};

/// All topics. Events have none: they are read from the journal.
#[derive(Debug, Default)]
pub struct Hub {
    /// Services.
    pub services: Topic<ServiceId, ServiceNews>,
    /// Machines.
    pub machines: Topic<MachineId, v1::Machine>,
    /// Operations.
    pub operations: Topic<OperationId, v1::Operation>,
    /// Sensors.
    pub sensors: Topic<SensorId, v1::Sensor>,
    /// Zones.
    pub zones: Topic<ZoneId, v1::Zone>,
    /// Fans.
    pub fans: Topic<FanId, v1::Fan>,
    /// The whole. Only *that* it changed: putting the answer together looks at everything, so whoever wants it does
    /// that when it is ready for one.
    pub status: Topic<(), ()>,
}

/// What is told of a service.
#[derive(Clone, Debug)]
pub enum ServiceNews {
    /// How it is now.
    Changed(Box<v1::Service>),
    /// Its name: a reload took it away, and nothing of it runs any more.
    Removed(String),
}

impl Hub {
    /// Tells of everything in `changed`, and of the whole when that or anything said (`eventful`) matters to it.
    pub fn publish(&mut self, core: &Core, changed: &Changed, eventful: bool, logs: &Logs, moment: Moment) {
        self.services.publish(changed.services.iter().copied(), |id| {
            let view = core.service(id);
            if core.is_listed(id) {
                let service = to_wire::service(&view, logs.counters(&view.spec.name).unwritten, moment);
                ServiceNews::Changed(Box::new(service))
            } else {
                ServiceNews::Removed(view.spec.name.to_string())
            }
        });
        self.machines
            .publish(changed.machines.iter().copied(), |id| to_wire::machine(&core.machine(id, moment.mono), moment));
        // An operation that the core has forgotten already ended long ago; nobody watches it.
        let known = changed.operations.iter().filter_map(|id| core.operation(*id));
        self.operations.publish_values(known.map(|view| (view.id, view)), |view| to_wire::operation(view, moment));
        self.sensors.publish(changed.sensors.iter().copied(), |id| to_wire::sensor(&core.sensor(id), moment));
        self.zones.publish(changed.zones.iter().copied(), |id| to_wire::zone(&core.zone(id), core, moment));
        self.fans.publish(changed.fans.iter().copied(), |id| to_wire::fan(&core.fan(id), moment));
        if eventful || changed.system || !changed.services.is_empty() {
            self.status.publish([()], |()| ());
        }
    }
}
