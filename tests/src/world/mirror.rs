//! A watcher: it takes a snapshot, then only looks at what it is told has changed. In the end it must know everything.

use std::collections::BTreeMap;

use ubmc_core::{
    core::Core,
    effect::Changed,
    ids::{FanId, MachineId, OperationId, SensorId, ServiceId, ZoneId},
    time::Mono,
};

/// What a watcher has been told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mirror {
    services: BTreeMap<ServiceId, String>,
    machines: BTreeMap<MachineId, String>,
    operations: BTreeMap<OperationId, String>,
    sensors: BTreeMap<SensorId, String>,
    zones: BTreeMap<ZoneId, String>,
    fans: BTreeMap<FanId, String>,
}

impl Mirror {
    /// Everything as it is.
    pub fn snapshot(core: &Core) -> Self {
        let mut all = Changed::default();
        all.services.extend(core.service_ids());
        all.machines.extend((0..core.board().machines.len()).map(MachineId::new));
        all.operations.extend(core.operations());
        all.sensors.extend((0..core.board().sensors.len()).map(SensorId::new));
        all.zones.extend((0..core.board().zones.len()).map(ZoneId::new));
        all.fans.extend((0..core.board().fans.len()).map(FanId::new));
        let mut mirror = Self::default();
        mirror.apply(core, &all);
        mirror
    }

    /// What changed, as it is now.
    pub fn apply(&mut self, core: &Core, changed: &Changed) {
        for id in &changed.services {
            if !core.is_listed(*id) {
                // A watcher is told that it was removed.
                self.services.remove(id);
                continue;
            }
            let view = core.service(*id);
            let text = format!(
                "{:?} {:?} {:?} {:?} {} {} {} {:?} {}",
                view.state,
                view.desired,
                view.pid,
                view.health,
                view.ready,
                view.restarts,
                view.crashes,
                view.last_exit,
                view.reason
            );
            self.services.insert(*id, text);
        }
        for id in &changed.machines {
            let view = core.machine(*id, Mono::ZERO);
            let text = format!(
                "{} {} {:?} {:?} {} {:?}",
                view.state, view.requested, view.operation, view.since, view.reason, view.verbs
            );
            self.machines.insert(*id, text);
        }
        for id in &changed.operations {
            if let Some(view) = core.operation(*id) {
                let steps: Vec<_> = view.steps.iter().map(|step| (step.state, step.detail.clone())).collect();
                self.operations.insert(*id, format!("{:?} {} {steps:?}", view.state, view.reason));
            }
        }
        for id in &changed.sensors {
            let view = core.sensor(*id);
            self.sensors.insert(*id, format!("{:?} {:?} {:?}", view.value, view.quality, view.status));
        }
        for id in &changed.zones {
            let view = core.zone(*id);
            self.zones.insert(*id, format!("{:?} {} {}", view.state, view.duty, view.driver));
        }
        for id in &changed.fans {
            let view = core.fan(*id);
            self.fans.insert(*id, format!("{:?} {:?} {:?}", view.mode, view.health, view.override_until));
        }
    }

    /// The first difference to how things are; operations that are not kept any more do not count.
    pub fn difference(&self, core: &Core) -> Option<String> {
        let truth = Self::snapshot(core);
        let vanished = self.services.keys().find(|id| !truth.services.contains_key(*id));
        vanished
            .map(|id| format!("a watcher believes in service {id:?}, which is not there any more"))
            .or_else(|| first("service", &self.services, &truth.services))
            .or_else(|| first("machine", &self.machines, &truth.machines))
            .or_else(|| first("operation", &self.operations, &truth.operations))
            .or_else(|| first("sensor", &self.sensors, &truth.sensors))
            .or_else(|| first("zone", &self.zones, &truth.zones))
            .or_else(|| first("fan", &self.fans, &truth.fans))
    }
}

fn first<K: std::fmt::Debug + Ord>(what: &str, told: &BTreeMap<K, String>, is: &BTreeMap<K, String>) -> Option<String> {
    is.iter()
        .find(|(key, text)| told.get(*key) != Some(text))
        .map(|(key, text)| format!("a watcher believes {what} {key:?} to be {:?}, but it is {text:?}", told.get(key)))
}
