//! What a request on a machine would do, and every condition that stands against it. Nothing here changes anything.

use std::{collections::BTreeSet, time::Duration};

use super::{book::Operations, forecast::Forecast, waivers::Waivers};
use crate::{
    board::Board,
    emergency::Emergency,
    ids::{MachineId, Name},
    input::Verb,
    machines::{Demand, MachineKind, Tone, bank::Machines},
    refusal::Obstacle,
    sensors::bank::Sensors,
    services::supervisor::Supervisor,
    thermal::control::Thermal,
    time::Mono,
};

/// Pause between off and on of a power cycle: capacitors discharge, drives stop.
const DISCHARGE: Duration = Duration::from_secs(2);

/// In an emergency, what hosts have to go off before what feeds them is cut: a healthy one takes a fraction of it.
const AT_ONCE: Duration = Duration::from_millis(500);

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
    /// What is usual, by what each step took before. Absent: one of them was never done.
    pub expected: Option<Duration>,
    /// For each step, where its machine is when its turn comes; empty for a pause.
    pub from: Vec<Vec<Name>>,
    /// Go on with later stages when a step fails: for what must end in off.
    pub relentless: bool,
    /// Running operations that it ends: off at once outranks whatever goes on.
    pub supersedes: bool,
}

/// What interlocks look at beside machines and operations.
#[derive(Clone, Copy)]
pub struct House<'a> {
    /// Board.
    pub board: &'a Board,
    /// Zones.
    pub thermal: &'a Thermal,
    /// Services.
    pub supervisor: &'a Supervisor,
    /// Readings.
    pub sensors: &'a Sensors,
    /// Interlocks that are overridden.
    pub waivers: &'a Waivers,
    /// Machines that a policy has isolated.
    pub emergency: &'a Emergency,
}

impl<'a> House<'a> {
    /// The whole scene.
    pub fn scene(&self, machines: &'a Machines, operations: &'a Operations, now: Mono) -> Scene<'a> {
        Scene { house: *self, machines, operations, now }
    }
}

/// What planning looks at.
pub struct Scene<'a> {
    /// What stands still meanwhile.
    pub house: House<'a>,
    /// Machines.
    pub machines: &'a Machines,
    /// Running operations.
    pub operations: &'a Operations,
    /// Time.
    pub now: Mono,
}

/// Every machine that steps change, and the one that they are for.
fn changed(machine: MachineId, steps: &[PlanStep]) -> BTreeSet<MachineId> {
    let driven = steps.iter().filter_map(|step| match step.deed {
        Deed::Drive(machine, _) => Some(machine),
        Deed::Dwell(_) => None,
    });
    driven.chain([machine]).collect()
}

/// Off at once outranks whatever goes on.
pub(super) const fn supersedes(verb: Verb) -> bool {
    matches!(verb, Verb::Demand(Demand::ForceOff) | Verb::EmergencyOff)
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
    const BMC: [Verb; 5] = [
        Verb::Demand(Demand::MaintenanceOn),
        Verb::Demand(Demand::MaintenanceOff),
        Verb::Demand(Demand::UpdateBegin),
        Verb::Demand(Demand::UpdateEnd),
        Verb::Demand(Demand::Reboot),
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
        let machines = changed(machine, &steps);
        let Forecast { bound, expected, from } = self.forecast(&steps);
        Plan {
            obstacles: self.obstacles(machine, verb, &steps, &machines),
            revision: self.revision(verb, &steps, &machines),
            relentless: verb == Verb::EmergencyOff,
            supersedes: supersedes(verb),
            steps,
            machines,
            bound,
            expected,
            from,
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
                if !steps.is_empty() {
                    steps.push(PlanStep { stage: 0, deed: Deed::Dwell(AT_ONCE) });
                }
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
                let together = self.house.board.policy.max_concurrent_power_on.max(1);
                let were_on = children.iter().filter(|child| self.machines.get(**child).is_powered());
                let stage = |place: usize| 4 + u32::try_from(place / together).unwrap_or(0);
                steps.extend(were_on.enumerate().map(|(place, child)| drive(stage(place), *child, Demand::On)));
            }
        }
        steps
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
        let against = |verb: Verb| {
            let steps = self.steps(id, verb);
            self.obstacles(id, verb, &steps, &changed(id, &steps))
        };
        // How long it takes and which revision it has is nobody's business here, and machines are shown often.
        verbs_of(kind).iter().map(|verb| (*verb, against(*verb))).collect()
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
