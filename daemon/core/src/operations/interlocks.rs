//! What stands against a request on a machine, each condition with what resolves it. Nothing here changes anything.

use std::collections::BTreeSet;

use super::{
    book::kind_of,
    plan::{Deed, PlanStep, Scene, supersedes},
};
use crate::{
    board::Reboot,
    ids::{MachineId, OperationId, SupplyId},
    input::Verb,
    machines::{Demand, MachineKind},
    power::supplies::Standing,
    refusal::Obstacle,
    services::Builtin,
    time::Mono,
};

impl Scene<'_> {
    /// What stands against a request, now.
    pub(super) fn obstacles(
        &self,
        target: MachineId,
        verb: Verb,
        steps: &[PlanStep],
        machines: &BTreeSet<MachineId>,
    ) -> Vec<Obstacle> {
        let supersedes = supersedes(verb);
        let mut found = Vec::new();
        let machine = self.machines.get(target);
        for id in machines {
            let machine = self.machines.get(*id);
            // Off at once is never refused for want of knowledge: unknown is on.
            if !machine.discovered && !supersedes {
                found.push(Obstacle {
                    kind: "state-unknown",
                    subject: format!("machine {}", machine.spec.name),
                    text: format!("the state of {} is not known yet: its lines have not been read", machine.spec.name),
                    remedy: "wait a few seconds; if it lasts, look at `ubmcctl services status statemgr`".to_owned(),
                    since: Some(machine.since),
                });
            }
        }
        if !supersedes {
            let others = self.operations.in_the_way(machines, self.machines);
            found.extend(
                others.map(|(id, kind, other, since)| running(id, since, &format!("({kind}) is driving {other}"))),
            );
        }
        for (builtin, what) in
            [(Builtin::Statemgr, "follows the lines of the machines"), (Builtin::Powermgr, "drives the power lines")]
        {
            if !supersedes && !self.house.supervisor.is_up(builtin) && machine.spec.definition.kind != MachineKind::Bmc
            {
                let builtin = self.house.supervisor.name_of(builtin);
                found.push(Obstacle {
                    kind: "service-down",
                    subject: format!("service {builtin}"),
                    text: format!("{builtin}, which {what}, is not running"),
                    remedy: format!("`ubmcctl services start {builtin}`"),
                    since: None,
                });
            }
        }
        if !supersedes {
            found.extend(self.house.supervisor.missing_for(&kind_of(machine.spec.definition.kind, verb)));
        }
        if let Some(PlanStep { deed: Deed::Drive(first, demand), .. }) = steps.first()
            && self.machines.get(*first).discovered
        {
            found.extend(self.meaningless(*first, *demand));
        }
        let turns_on = steps.iter().any(|step| matches!(step.deed, Deed::Drive(_, Demand::On)));
        if turns_on && !machine.has_come_on() || matches!(verb, Verb::Restart | Verb::Cycle) {
            found.extend(self.power_on_obstacles(target));
        }
        if verb == Verb::Demand(Demand::Reboot) {
            found.extend(self.reboot_obstacles());
        }
        found
    }

    /// What is under way would be cut off, and a board that says nothing of reboots has none.
    fn reboot_obstacles(&self) -> impl Iterator<Item = Obstacle> {
        let unknown = (self.house.board.policy.reboot == Reboot::Unknown).then(|| Obstacle {
            kind: "no-way-to-reboot",
            subject: format!("board {}", self.house.board.name),
            text: "the board file does not say how this BMC is rebooted".to_owned(),
            remedy: "write `reboot_command = [\"reboot\"]`, or what your system calls it, into [policy]".to_owned(),
            since: None,
        });
        let cut_off = self.operations.on_machines().map(|view| {
            let does = format!("({} {}) is running, and would be cut off", view.kind, view.target);
            running(view.id, view.created, &does)
        });
        unknown.into_iter().chain(cut_off)
    }

    /// The demand has no arrow in the machine's state and is not fulfilled or under way either.
    fn meaningless(&self, id: MachineId, demand: Demand) -> Option<Obstacle> {
        let machine = self.machines.get(id);
        let repeatable = !demand.is_felt_each_time();
        if machine.arrow(demand).is_some()
            || (repeatable && (machine.fulfils(demand) || machine.is_on_its_way_to(demand)))
        {
            return None;
        }
        let (name, state) = (&machine.spec.name, machine.state_name());
        let kind = machine.spec.definition.kind;
        let possible: Vec<_> = Demand::ALL
            .into_iter()
            .filter(|other| machine.arrow(*other).is_some())
            .filter_map(|other| typed(kind, other, name.as_str()))
            .collect();
        Some(Obstacle {
            kind: "not-in-this-state",
            subject: format!("machine {name}"),
            text: format!("`{}` has no meaning while {name} is {state}", demand.as_str()),
            remedy: if possible.is_empty() {
                "wait until it has left this state".to_owned()
            } else {
                format!("what it takes now: {}", possible.join(", "))
            },
            since: Some(machine.since),
        })
    }

    /// What forbids powering a machine on, now.
    pub fn power_on_obstacles(&self, target: MachineId) -> Vec<Obstacle> {
        let mut found = Vec::new();
        let machine = self.machines.get(target);
        let name = &machine.spec.name;
        if let Some(parent) = machine.spec.parent {
            let parent = self.machines.get(parent);
            if !parent.fulfils(Demand::On) {
                let parent_name = &parent.spec.name;
                found.push(Obstacle {
                    kind: "parent-not-on",
                    subject: format!("machine {parent_name}"),
                    text: format!("{name} needs {parent_name}, which is {}", parent.state_name()),
                    remedy: format!("`ubmcctl {parent_name} on` first"),
                    since: Some(parent.since),
                });
            }
        }
        for id in self.machines.ids() {
            let bmc = self.machines.get(id);
            if bmc.spec.definition.kind == MachineKind::Bmc && bmc.state_name().as_str() != "ready" {
                found.push(Obstacle {
                    kind: "bmc-not-ready",
                    subject: format!("machine {}", bmc.spec.name),
                    text: format!("the BMC is {}", bmc.state_name()),
                    remedy: match bmc.state_name().as_str() {
                        "maintenance" => "`ubmcctl bmc maintenance off` first".to_owned(),
                        "updating" => "wait until the update is over, or `ubmcctl bmc upgrade end`".to_owned(),
                        "initializing" => "wait until its critical services are ready".to_owned(),
                        _ => "look at `ubmcctl platform health`".to_owned(),
                    },
                    since: Some(bmc.since),
                });
            }
        }
        found.extend(self.house.thermal.obstacles(&machine.spec.zones));
        let supplies = &machine.spec.supplies;
        if !supplies.is_empty() && !supplies.iter().any(|supply| self.supply_is_good(*supply)) {
            let names: Vec<_> = supplies.iter().map(|id| self.house.board.supply(*id).name.as_str()).collect();
            found.push(Obstacle {
                kind: "no-supply",
                subject: format!("machine {name}"),
                text: format!("none of {} is present and good", names.join(", ")),
                remedy: "look at `ubmcctl power supplies`; plug one in or restore its AC".to_owned(),
                since: None,
            });
        }
        found.extend(self.budget(target));
        found.extend(self.failed_parts(target));
        found.extend(self.house.emergency.obstacle(target, name));
        if machine.spec.definition.kind == MachineKind::Host {
            let busy = self.operations.hosts_powering_on(target, self.machines);
            let limit = self.house.board.policy.max_concurrent_power_on;
            if busy >= limit {
                found.push(Obstacle {
                    kind: "too-many-powering-on",
                    subject: "chassis".to_owned(),
                    text: format!(
                        "{busy} {} powering on, and no more than {limit} may at a time",
                        if busy == 1 { "host is" } else { "hosts are" }
                    ),
                    remedy: "wait until one of them is running".to_owned(),
                    since: None,
                });
            }
        }
        found.retain(|obstacle| !self.house.waivers.waives(target, obstacle.kind));
        found
    }

    /// The supplies that feed a machine must be able to carry it beside all that has power, at the most that each draws.
    fn budget(&self, target: MachineId) -> Option<Obstacle> {
        let machine = self.machines.get(target);
        let own = machine.spec.max_power_w?;
        let supplies = &machine.spec.supplies;
        let good = supplies.iter().filter(|supply| self.supply_is_good(**supply));
        let can_give: f64 = good.map(|supply| self.house.board.supply(*supply).rated_w).sum();
        let others = self.machines.ids().filter(|id| *id != target && self.machines.get(*id).may_have_power());
        let drawn: f64 = others.filter_map(|id| self.machines.get(id).spec.max_power_w).sum();
        // Without any good supply another condition says so.
        (can_give > 0.0 && drawn + own > can_give).then(|| Obstacle {
            kind: "supply-budget",
            subject: format!("machine {}", machine.spec.name),
            text: format!(
                "{} may draw {own:.0} W beside the {drawn:.0} W of what is on, and its good supplies give {can_give:.0} W",
                machine.spec.name
            ),
            remedy: "restore a supply (`ubmcctl power supplies`), or power something else off".to_owned(),
            since: None,
        })
    }

    /// Parts that a machine needs, and that are not as they should be.
    fn failed_parts(&self, target: MachineId) -> Vec<Obstacle> {
        let machine = self.machines.get(target);
        let failed = machine.spec.needs.iter().filter_map(|need| {
            Some((need.name(self.house.board), need.trouble(self.house.sensors, self.house.thermal)?))
        });
        failed
            .map(|(part, trouble)| Obstacle {
                kind: "part-failed",
                subject: format!("machine {}", machine.spec.name),
                text: format!("{} needs {part}, which {trouble}", machine.spec.name),
                remedy: format!("look at `ubmcctl sensors show {part}` or `ubmcctl fans list`, and mend it"),
                since: None,
            })
            .collect()
    }

    fn supply_is_good(&self, id: SupplyId) -> bool {
        self.machines.standing(self.house.board.supply(id)) == Standing::Good
    }
}

/// An operation that must not be disturbed, and what it `does`.
fn running(id: OperationId, since: Mono, does: &str) -> Obstacle {
    Obstacle {
        kind: "operation-running",
        subject: format!("operation {id}"),
        text: format!("{id} {does}"),
        remedy: format!("wait for it, or `ubmcctl operations cancel {id}`"),
        since: Some(since),
    }
}

/// What somebody types for a demand. Absent: nothing, it is a part of something else.
fn typed(kind: MachineKind, demand: Demand, name: &str) -> Option<String> {
    let words = match demand {
        Demand::On => "on",
        Demand::Off => "off",
        Demand::ForceOff if kind == MachineKind::Chassis => "emergency-off",
        Demand::ForceOff => "force-off",
        Demand::CycleOff => return None,
        Demand::Reset => "reset",
        Demand::Nmi => "nmi",
        Demand::MaintenanceOn => "maintenance on",
        Demand::MaintenanceOff => "maintenance off",
        Demand::UpdateBegin => "upgrade begin",
        Demand::UpdateEnd => "upgrade end",
        Demand::Reboot => "reboot",
    };
    Some(match kind {
        MachineKind::Host => format!("`ubmcctl host {words} {name}`"),
        MachineKind::Chassis | MachineKind::Bmc => format!("`ubmcctl {kind} {words}`"),
    })
}
