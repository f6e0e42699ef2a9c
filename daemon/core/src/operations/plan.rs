//! What a request on a machine would do, and every condition that stands against it. Nothing here changes anything.

use std::{collections::BTreeSet, time::Duration};

use super::book::{Operations, kind_of};
use crate::{
    board::Board,
    ids::{MachineId, SupplyId},
    input::Verb,
    machines::{Demand, MachineKind, Tone, bank::Machines},
    power::supplies::Standing,
    refusal::Obstacle,
    services::{Builtin, supervisor::Supervisor},
    thermal::control::Thermal,
    time::Mono,
};

/// Pause between off and on of a power cycle: capacitors discharge, drives stop.
const DISCHARGE: Duration = Duration::from_secs(2);

/// What a step does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Demand something of a machine, and wait for the hardware to confirm it.
    Drive(MachineId, Demand),
    /// Wait.
    Dwell(Duration),
}

/// One step. Steps of a stage run at the same time; stages one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanStep {
    /// When.
    pub stage: u32,
    /// What.
    pub deed: Deed,
}

/// What a request would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In order.
    pub steps: Vec<PlanStep>,
    /// Every machine it changes.
    pub machines: BTreeSet<MachineId>,
    /// What stands against it; empty: nothing.
    pub obstacles: Vec<Obstacle>,
    /// Changes when the plan or what it rests on does.
    pub revision: String,
    /// Longest time it may take by its machines' bounds.
    pub bound: Duration,
    /// Go on with later stages when a step fails: for what must end in off.
    pub relentless: bool,
    /// Running operations that it ends: off at once outranks whatever goes on.
    pub supersedes: bool,
}

/// What interlocks look at beside machines and operations.
pub struct House<'a> {
    /// Board.
    pub board: &'a Board,
    /// Zones.
    pub thermal: &'a Thermal,
    /// Services.
    pub supervisor: &'a Supervisor,
}

impl<'a> House<'a> {
    /// The whole scene.
    pub fn scene(&self, machines: &'a Machines, operations: &'a Operations, now: Mono) -> Scene<'a> {
        Scene { board: self.board, machines, thermal: self.thermal, supervisor: self.supervisor, operations, now }
    }
}

/// What planning looks at.
pub struct Scene<'a> {
    /// Board.
    pub board: &'a Board,
    /// Machines.
    pub machines: &'a Machines,
    /// Zones.
    pub thermal: &'a Thermal,
    /// Services.
    pub supervisor: &'a Supervisor,
    /// Running operations.
    pub operations: &'a Operations,
    /// Time.
    pub now: Mono,
}

/// The verbs that make sense for a kind of machine.
pub fn verbs_of(kind: MachineKind) -> &'static [Verb] {
    const HOST: [Verb; 7] = [
        Verb::Demand(Demand::On),
        Verb::Demand(Demand::Off),
        Verb::Demand(Demand::ForceOff),
        Verb::Demand(Demand::Reset),
        Verb::Restart,
        Verb::Cycle,
        Verb::Demand(Demand::Nmi),
    ];
    const CHASSIS: [Verb; 6] = [
        Verb::Demand(Demand::On),
        Verb::Demand(Demand::Off),
        Verb::Cycle,
        Verb::EmergencyOff,
        Verb::Demand(Demand::MaintenanceOn),
        Verb::Demand(Demand::MaintenanceOff),
    ];
    const BMC: [Verb; 4] = [
        Verb::Demand(Demand::MaintenanceOn),
        Verb::Demand(Demand::MaintenanceOff),
        Verb::Demand(Demand::UpdateBegin),
        Verb::Demand(Demand::UpdateEnd),
    ];
    match kind {
        MachineKind::Host => &HOST,
        MachineKind::Chassis => &CHASSIS,
        MachineKind::Bmc => &BMC,
    }
}

impl Scene<'_> {
    /// What `verb` on `machine` would do.
    pub fn plan(&self, machine: MachineId, verb: Verb) -> Plan {
        let steps = self.steps(machine, verb);
        let machines: BTreeSet<_> = steps
            .iter()
            .filter_map(|step| match step.deed {
                Deed::Drive(machine, _) => Some(machine),
                Deed::Dwell(_) => None,
            })
            .chain([machine])
            .collect();
        let bound = steps
            .iter()
            .map(|step| match step.deed {
                Deed::Drive(machine, demand) => self.machines.get(machine).bound(demand),
                Deed::Dwell(pause) => pause,
            })
            .sum();
        let supersedes = matches!(verb, Verb::Demand(Demand::ForceOff) | Verb::EmergencyOff);
        Plan {
            obstacles: self.obstacles(machine, verb, &steps, &machines, supersedes),
            revision: self.revision(verb, &steps, &machines),
            relentless: verb == Verb::EmergencyOff,
            supersedes,
            steps,
            machines,
            bound,
        }
    }

    fn steps(&self, machine: MachineId, verb: Verb) -> Vec<PlanStep> {
        let mut steps = Vec::new();
        let drive = |stage, machine, demand| PlanStep { stage, deed: Deed::Drive(machine, demand) };
        let children: Vec<_> = self.machines.children(machine).collect();
        let off_children = |steps: &mut Vec<PlanStep>, demand| {
            let up = children.iter().filter(|child| !self.machines.get(**child).fulfils(Demand::Off));
            steps.extend(up.map(|child| drive(0, *child, demand)));
        };
        match verb {
            Verb::Demand(demand @ (Demand::Off | Demand::ForceOff)) => {
                off_children(&mut steps, demand);
                steps.push(drive(1, machine, demand));
            }
            Verb::EmergencyOff => {
                off_children(&mut steps, Demand::ForceOff);
                steps.push(drive(1, machine, Demand::ForceOff));
            }
            Verb::Demand(demand) => steps.push(drive(0, machine, demand)),
            Verb::Restart | Verb::Cycle => {
                let off = if verb == Verb::Restart || !children.is_empty() { Demand::Off } else { Demand::ForceOff };
                off_children(&mut steps, off);
                let target = self.machines.get(machine);
                let cycles = verb == Verb::Cycle && target.arrow(Demand::CycleOff).is_some();
                steps.push(drive(1, machine, if cycles { Demand::CycleOff } else { off }));
                if verb == Verb::Cycle {
                    steps.push(PlanStep { stage: 2, deed: Deed::Dwell(DISCHARGE) });
                }
                steps.push(drive(3, machine, Demand::On));
                // As many at a time as may power on together.
                let together = self.board.policy.max_concurrent_power_on.max(1);
                let were_on = children.iter().filter(|child| self.machines.get(**child).is_powered());
                let stage = |place: usize| 4 + u32::try_from(place / together).unwrap_or(0);
                steps.extend(were_on.enumerate().map(|(place, child)| drive(stage(place), *child, Demand::On)));
            }
        }
        steps
    }

    fn obstacles(
        &self,
        target: MachineId,
        verb: Verb,
        steps: &[PlanStep],
        machines: &BTreeSet<MachineId>,
        supersedes: bool,
    ) -> Vec<Obstacle> {
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
            found.extend(self.operations.in_the_way(machines, self.machines).map(|(id, kind, other, since)| {
                Obstacle {
                    kind: "operation-running",
                    subject: format!("operation {id}"),
                    text: format!("{id} ({kind}) is driving {other}"),
                    remedy: format!("wait for it, or `ubmcctl operations cancel {id}`"),
                    since: Some(since),
                }
            }));
        }
        for (builtin, what) in
            [(Builtin::Statemgr, "follows the lines of the machines"), (Builtin::Powermgr, "drives the power lines")]
        {
            if !supersedes && !self.supervisor.is_up(builtin) && machine.spec.definition.kind != MachineKind::Bmc {
                let builtin = self.supervisor.name_of(builtin);
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
            found.extend(self.supervisor.missing_for(&kind_of(machine.spec.definition.kind, verb)));
        }
        if let Some(PlanStep { deed: Deed::Drive(first, demand), .. }) = steps.first()
            && self.machines.get(*first).discovered
        {
            found.extend(self.meaningless(*first, *demand));
        }
        let turns_on = steps.iter().any(|step| matches!(step.deed, Deed::Drive(_, Demand::On)));
        if turns_on && !machine.fulfils(Demand::On) || matches!(verb, Verb::Restart | Verb::Cycle) {
            found.extend(self.power_on_obstacles(target));
        }
        found
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
        let possible: Vec<_> =
            Demand::ALL.into_iter().filter(|other| machine.arrow(*other).is_some()).map(Demand::as_str).collect();
        Some(Obstacle {
            kind: "not-in-this-state",
            subject: format!("machine {name}"),
            text: format!("`{}` has no meaning while {name} is {state}", demand.as_str()),
            remedy: if possible.is_empty() {
                "wait until it has left this state".to_owned()
            } else {
                format!("in this state it takes {}", possible.join(", "))
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
        found.extend(self.thermal.obstacles(&machine.spec.zones));
        let supplies = &machine.spec.supplies;
        if !supplies.is_empty() && !supplies.iter().any(|supply| self.supply_is_good(*supply)) {
            let names: Vec<_> = supplies.iter().map(|id| self.board.supply(*id).name.as_str()).collect();
            found.push(Obstacle {
                kind: "no-supply",
                subject: format!("machine {name}"),
                text: format!("none of {} is present and good", names.join(", ")),
                remedy: "look at `ubmcctl power supplies`; plug one in or restore its AC".to_owned(),
                since: None,
            });
        }
        if machine.spec.definition.kind == MachineKind::Host {
            let busy = self.operations.hosts_powering_on(self.machines);
            let limit = self.board.policy.max_concurrent_power_on;
            if busy >= limit {
                found.push(Obstacle {
                    kind: "too-many-powering-on",
                    subject: "chassis".to_owned(),
                    text: format!("{busy} hosts are powering on, and no more than {limit} may at a time"),
                    remedy: "wait until one of them is running".to_owned(),
                    since: None,
                });
            }
        }
        found
    }

    fn supply_is_good(&self, id: SupplyId) -> bool {
        Standing::of(self.board.supply(id), |line| self.machines.level(line)) == Standing::Good
    }

    /// FNV-1a over the plan and the states it rests on: equal exactly as long as both are.
    fn revision(&self, verb: Verb, steps: &[PlanStep], machines: &BTreeSet<MachineId>) -> String {
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        let mut eat = |text: &str| {
            for byte in text.bytes().chain([0]) {
                hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
            }
        };
        eat(verb.as_str());
        for step in steps {
            eat(&format!("{step:?}"));
        }
        for id in machines {
            let machine = self.machines.get(*id);
            eat(machine.state_name().as_str());
            eat(&format!("{:?}", machine.since));
        }
        format!("{hash:016x}")
    }

    /// Requests that make sense for a machine, and what forbids each now.
    pub fn verbs(&self, id: MachineId) -> Vec<(Verb, Vec<Obstacle>)> {
        let kind = self.machines.get(id).spec.definition.kind;
        verbs_of(kind).iter().map(|verb| (*verb, self.plan(id, *verb).obstacles)).collect()
    }

    /// Why a machine is not what was asked of it; empty when it is, or nobody asked.
    pub fn reason(&self, id: MachineId) -> String {
        let machine = self.machines.get(id);
        let state = machine.state_def();
        let wanted = match machine.requested {
            "on" => Some(Demand::On),
            "off" => Some(Demand::Off),
            _ => None,
        };
        match wanted {
            _ if !machine.discovered => "its lines have not been read yet".to_owned(),
            Some(wanted) if !machine.fulfils(wanted) => match state.tone {
                Tone::Transitional => format!("on its way: {}", state.description),
                Tone::Normal | Tone::Fault => machine.brought_by.clone(),
            },
            Some(_) | None if state.tone == Tone::Fault => machine.brought_by.clone(),
            Some(_) | None => String::new(),
        }
    }
}
