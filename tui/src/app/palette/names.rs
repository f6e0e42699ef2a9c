//! The model as a source of names: what the console knows is not asked for again.

use crate::{
    grammar::{Named, Names, distinct, patterns},
    model::{Condition, Entry, Machine, MachineKind, Model},
};

/// Events, from the newest back, from which subjects are learnt.
const EVENTS: usize = 300;

/// The names that the console knows.
pub(super) struct Known<'a>(pub &'a Model);

impl Names for Known<'_> {
    fn names(&self, kind: Named, earlier: &[String]) -> Vec<String> {
        let model = self.0;
        let first = earlier.first().map(String::as_str).unwrap_or_default();
        let services = || model.services.iter();
        let machines = || model.machines.iter();
        match kind {
            Named::Service => services().map(|one| one.name.clone()).collect(),
            Named::Category => distinct(services().map(|one| one.category.clone())),
            Named::Group => distinct(services().map(|one| one.group.clone())),
            Named::RequiredFor => distinct(services().flat_map(|one| one.required_for.clone())),
            Named::Host => machines().filter(|one| one.kind == MachineKind::Host).map(|one| one.name.clone()).collect(),
            Named::Machine => machines().map(|one| one.name.clone()).collect(),
            Named::ServiceOrMachine => {
                machines().map(|one| &one.name).chain(services().map(|one| &one.name)).cloned().collect()
            }
            Named::Condition => {
                let conditions = |one: &Machine| -> Vec<Condition> {
                    one.requests.iter().flat_map(|request| request.blocked_by.clone()).collect()
                };
                distinct(model.machine(first).map(conditions).unwrap_or_default().into_iter().map(|one| one.kind))
            }
            Named::Operation => model.operations.iter().rev().map(|one| one.id.clone()).collect(),
            Named::Running => {
                model.operations.iter().rev().filter(|one| !one.state.is_final()).map(|one| one.id.clone()).collect()
            }
            Named::Sensor => model.sensors.iter().map(|one| one.name.clone()).collect(),
            Named::FanOrZone => {
                model.zones.iter().map(|one| &one.name).chain(model.fans.iter().map(|one| &one.name)).cloned().collect()
            }
            Named::Zone => model.zones.iter().map(|one| one.name.clone()).collect(),
            Named::Led => model.hardware.leds.iter().flatten().map(|one| one.name.clone()).collect(),
            Named::Item => model.hardware.items.iter().flatten().map(|one| one.name.clone()).collect(),
            Named::Subject => patterns(model.tail.entries.iter().rev().take(EVENTS).filter_map(|entry| match entry {
                Entry::Event(event) => Some(event.subject.clone()),
                Entry::Lost { .. } | Entry::Restarted => None,
            })),
            Named::FaultKind => self.faults().map(|one| one.kind.clone()).collect(),
            Named::FaultTarget => {
                self.faults().filter(|one| one.kind == first).flat_map(|one| one.targets.clone()).collect()
            }
            Named::ActiveFault => distinct(self.active().map(|(kind, _)| kind.clone())),
            Named::ActiveTarget => {
                distinct(self.active().filter(|(kind, _)| kind == first).map(|(_, target)| target.clone()))
            }
            Named::Overridden => {
                let overrides = model.machine(first).into_iter().flat_map(|one| &one.overrides);
                distinct(overrides.map(|one| one.condition.clone()))
            }
            Named::Scheduled => model.schedules.iter().flatten().map(|one| one.id.clone()).collect(),
            // The first the console does not ask for, the others are nobody's.
            Named::Simulated | Named::Duty | Named::Seconds | Named::Identify | Named::Moment => Vec::new(),
        }
    }
}

impl<'a> Known<'a> {
    fn faults(&self) -> impl Iterator<Item = &'a crate::model::FaultKind> + use<'a> {
        self.0.hardware.faults.iter().flat_map(|faults| &faults.kinds)
    }

    fn active(&self) -> impl Iterator<Item = &'a (String, String)> + use<'a> {
        self.0.hardware.faults.iter().flat_map(|faults| &faults.active)
    }
}
