//! Oneshots that run once per boot of the BMC, power-on of the chassis, or boot of a host: by accident never again.
//!
//! A boot of the BMC is told apart by its id. Power-ons and boots are counted when they are seen, and what was powered
//! when we last looked is remembered: a daemon that is started again while a host is up does not take it for a new boot.
//! A power cycle that nobody saw, because no daemon ran, is not known.

use super::{
    Epoch, Run,
    supervisor::Supervisor,
    unit::{FailReason, State},
};
use crate::{
    event::Severity,
    ids::{Name, ServiceId},
    machines::MachineKind,
    memory::{Done, EpochMemory},
    outbox::Outbox,
    view::Desired,
};

/// Which boot and which power-on it is now, and what was done in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Epochs {
    bmc_boot: String,
    memory: EpochMemory,
    /// What is powered, for all that is known now.
    chassis_on: bool,
    hosts_on: usize,
    unsaved: bool,
}

impl Epochs {
    pub(super) fn after(bmc_boot: String, memory: EpochMemory) -> Self {
        Self { bmc_boot, memory, ..Self::default() }
    }

    /// Which one it is now. Absent: none has begun.
    fn mark(&self, epoch: Epoch) -> Option<String> {
        match epoch {
            Epoch::BmcBoot => Some(self.bmc_boot.clone()),
            Epoch::ChassisPower => self.chassis_on.then(|| self.memory.chassis_power.to_string()),
            Epoch::HostBoot => (self.hosts_on > 0).then(|| self.memory.host_boot.to_string()),
        }
    }
}

impl Supervisor {
    /// What of the services is to outlive the daemon, when that has changed.
    pub fn unsaved(&mut self) -> Option<EpochMemory> {
        std::mem::take(&mut self.epochs.unsaved).then(|| self.epochs.memory.clone())
    }

    /// What waits for a power-on that has not come.
    pub(super) fn waits_for_epoch(&self, id: ServiceId) -> Option<Epoch> {
        match self.unit(id).spec.run {
            Run::Oneshot { once_per: Some(epoch) } if self.epochs.mark(epoch).is_none() => Some(epoch),
            Run::Oneshot { .. } | Run::LongRunning => None,
        }
    }

    /// It has done its work already, this time.
    pub(super) fn done_already(&self, id: ServiceId) -> Option<Epoch> {
        let Run::Oneshot { once_per: Some(epoch) } = self.unit(id).spec.run else { return None };
        let done = self.epochs.memory.done.get(&self.unit(id).spec.name)?;
        let now = self.epochs.mark(epoch).filter(|mark| !mark.is_empty())?;
        (done.epoch == epoch && done.mark == now).then_some(epoch)
    }

    /// Which power-on or boot the life that begins now belongs to.
    pub(super) fn mark_of_now(&self, id: ServiceId) -> Option<(Epoch, String)> {
        let Run::Oneshot { once_per: Some(epoch) } = self.unit(id).spec.run else { return None };
        self.epochs.mark(epoch).map(|mark| (epoch, mark))
    }

    /// A oneshot has done its work, for the power-on or boot in which it began. False: that is not today's any more.
    pub(super) fn remember_done(&mut self, id: ServiceId) -> bool {
        let now = self.mark_of_now(id);
        let unit = &mut self.units[id.index()];
        let Some((epoch, mark)) = unit.mark.take() else { return true };
        let todays = now.is_none_or(|now| now == (epoch, mark.clone()));
        let name = unit.spec.name.clone();
        self.epochs.memory.done.insert(name, Done { epoch, mark });
        // Of services that nobody declares any more nothing needs to be known.
        let (names, graph) = (&self.names, &self.graph);
        let declared = |name: &Name| names.get(name).is_some_and(|id| graph.rank(*id).is_some());
        self.epochs.memory.done.retain(|name, _| declared(name));
        self.epochs.unsaved = true;
        todays
    }

    /// An operator wants it done again.
    pub(super) fn forget_done(&mut self, id: ServiceId) {
        let name = self.unit(id).spec.name.clone();
        self.epochs.unsaved |= self.epochs.memory.done.remove(&name).is_some();
    }

    /// What a chassis or a host is powered now, as the hardware says. `rebooted`: it was reset.
    pub fn power_seen(&mut self, machine: &Name, kind: MachineKind, powered: bool, rebooted: bool, out: &mut Outbox) {
        let epoch = match kind {
            MachineKind::Chassis => Epoch::ChassisPower,
            MachineKind::Host => Epoch::HostBoot,
            MachineKind::Bmc => return,
        };
        let epochs = &mut self.epochs;
        let known = epochs.memory.powered.contains(machine);
        let begins = powered && (!known || rebooted);
        if powered != known {
            epochs.unsaved = true;
            if powered {
                epochs.memory.powered.insert(machine.clone());
            } else {
                epochs.memory.powered.remove(machine);
            }
        }
        let count = match epoch {
            Epoch::ChassisPower => &mut epochs.memory.chassis_power,
            Epoch::HostBoot | Epoch::BmcBoot => &mut epochs.memory.host_boot,
        };
        if begins {
            *count += 1;
            epochs.unsaved = true;
        }
        for id in self.ids() {
            if self.unit(id).spec.run != (Run::Oneshot { once_per: Some(epoch) }) {
                continue;
            }
            let over = matches!(self.unit(id).state, State::Completed | State::Failed(FailReason::Own(_)));
            if begins && over && self.unit(id).desired == Desired::Up {
                self.units[id.index()].cause = out.cause();
                self.enter(id, State::Stopped, out);
            }
            self.touch(id);
        }
        self.settle(out);
    }

    /// How many of a kind are powered, for all that is known.
    pub fn power_counted(&mut self, chassis_on: bool, hosts_on: usize) {
        self.epochs.chassis_on = chassis_on;
        self.epochs.hosts_on = hosts_on;
    }

    /// Instead of a start: what is done stays done.
    pub(super) fn skip_start(&mut self, id: ServiceId, epoch: Epoch, out: &mut Outbox) {
        self.enter(id, State::Completed, out);
        self.stand_down(id, out);
        let name = &self.unit(id).spec.name;
        out.event(
            format!("service.{name}.skipped"),
            "operator",
            Severity::Info,
            format!("{name} has done its work already in this {}", epoch.describe()),
            Vec::new(),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        effect::Effect,
        input::{Exit, ServiceHappening},
        rng::Rng,
        services::{Binary, Deployment, ServiceSpec},
        time::Mono,
    };

    struct Bench {
        supervisor: Supervisor,
        out: Outbox,
        memory: EpochMemory,
    }

    impl Bench {
        /// A daemon with one oneshot, after a time that it remembers as `memory`.
        fn new(epoch: Epoch, memory: EpochMemory) -> Self {
            let mut spec = ServiceSpec::new("job", Deployment::Binary(Binary::default().into()));
            spec.run = Run::Oneshot { once_per: Some(epoch) };
            let before = ("now".to_owned(), memory.clone());
            let supervisor = Supervisor::new(vec![spec], before, Rng::new(1)).unwrap();
            let mut bench = Self { supervisor, out: Outbox::default(), memory };
            bench.out.begin(Mono::ZERO);
            bench.supervisor.boot(std::time::Duration::from_secs(90), &mut bench.out);
            bench
        }

        /// What a machine's power is seen to be; then whether the job ran, to its good end.
        fn sees(&mut self, name: &str, kind: MachineKind, powered: bool, rebooted: bool) -> bool {
            let (chassis, hosts) = match kind {
                MachineKind::Chassis => (powered, 0),
                MachineKind::Host | MachineKind::Bmc => (true, usize::from(powered)),
            };
            self.supervisor.power_counted(chassis, hosts);
            self.supervisor.power_seen(&name.into(), kind, powered, rebooted, &mut self.out);
            let spawned = self.out.finish().deeds.into_iter().find_map(|deed| match deed {
                Effect::Spawn { service, generation, .. } => Some((service, generation)),
                _ => None,
            });
            if let Some((service, generation)) = spawned {
                for happening in [
                    ServiceHappening::Spawned { pid: Some(7) },
                    ServiceHappening::Exited(Exit::Code(0)),
                    ServiceHappening::Gone,
                ] {
                    self.supervisor.happened(service, generation, happening, &mut self.out);
                }
                self.out.finish();
            }
            if let Some(memory) = self.supervisor.unsaved() {
                self.memory = memory;
            }
            spawned.is_some()
        }
    }

    #[test]
    fn each_power_on_of_the_chassis_has_it_done_once_also_across_daemons() {
        let mut bench = Bench::new(Epoch::ChassisPower, EpochMemory::default());
        let chassis = MachineKind::Chassis;
        assert!(!bench.sees("chassis", chassis, false, false), "there is no power yet");
        assert!(bench.sees("chassis", chassis, true, false), "the first power-on");
        assert!(!bench.sees("chassis", chassis, true, false), "the same one");
        let mut bench = Bench::new(Epoch::ChassisPower, bench.memory);
        assert!(!bench.sees("chassis", chassis, true, false), "found on by the next daemon: still the same one");
        assert!(!bench.sees("chassis", chassis, false, false));
        let mut bench = Bench::new(Epoch::ChassisPower, bench.memory);
        assert!(bench.sees("chassis", chassis, true, false), "it was seen off before: a new one");
    }

    #[test]
    fn a_reset_of_a_host_is_a_boot_and_a_second_host_is_one_too() {
        let mut bench = Bench::new(Epoch::HostBoot, EpochMemory::default());
        let host = MachineKind::Host;
        assert!(!bench.sees("chassis", MachineKind::Chassis, true, false), "no host boots");
        assert!(bench.sees("host.0", host, true, false));
        assert!(bench.sees("host.0", host, true, true), "reset");
        assert!(bench.sees("host.1", host, true, false));
        assert!(!bench.sees("host.1", host, false, false));
    }
}
