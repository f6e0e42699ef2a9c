//! Turns what is known into what is remembered, and back.

use std::collections::BTreeMap;

use super::{
    Part, Restore,
    boots::Boots,
    concerns,
    policy::{Power, Start},
    schedule::{Schedules, WallClock},
};
use crate::{
    board::Board,
    core::Core,
    effect::Effect,
    ids::{MachineId, Name},
    memory::{Boot, MachineMemory, Memory, Past},
    services::supervisor::Phase,
    time::Mono,
};

impl Restore {
    /// With what is remembered of the time before.
    pub(crate) fn after(board: &Board, past: &Past) -> Self {
        let cut_off = |name: &Name| past.memory.operations.running.values().any(|one| one.machines.contains(name));
        let part = |spec: &crate::machines::MachineSpec| {
            let known = past.memory.machines.get(&spec.name).cloned().unwrap_or_default();
            let limit = spec.restore.boot_attempts;
            Part {
                chosen: known.restore,
                once: known.restore_once,
                stable: known.stable,
                restoring: known.restoring,
                interrupted: cut_off(&spec.name),
                found_on: (!concerns(spec.definition.kind)).then_some(true),
                judged: !concerns(spec.definition.kind),
                boots: Boots {
                    limit,
                    left: known.boots_left.unwrap_or(limit),
                    once: known.boots_once,
                    given_up: known.given_up,
                },
                state: spec.definition.undiscovered.clone(),
            }
        };
        let mut clock = WallClock::default();
        if let Some(wall) = past.wall {
            clock.told(Mono::ZERO, wall);
        }
        Self {
            controller: past.controller.clone(),
            start: None,
            machines: board.machines.iter().map(part).collect(),
            intents: Vec::new(),
            schedules: Schedules { all: past.memory.schedules.clone(), last: past.memory.last_schedule },
            clock,
            ready: None,
            trips: past.memory.trips.clone(),
            touched: true,
            saved: past.memory.clone(),
        }
    }
}

impl Core {
    /// At the start: what is remembered holds again, and what was cut off is told.
    pub(crate) fn recall(&mut self) {
        let Boot { id, cause } = &self.restore.controller;
        let memory = &self.restore.saved;
        let same = id.is_empty() || *id == memory.boot;
        self.restore.start =
            Some(if same { Start::SameBoot } else { Start::NewBoot { cause: *cause, in_order: memory.in_order } });
        let memory = memory.clone();
        for (name, known) in &memory.machines {
            let Some(id) = self.board.find_machine(name.as_str()) else { continue };
            if let Some(requested) = known.requested {
                self.machines.set_requested(id, requested.as_str(), &mut self.out);
            }
            self.operations.learned.recall(id, &known.took);
        }
        self.operations.recall(&memory.operations, !same, &mut self.out);
        self.latch_trips();
        self.schedules_due();
    }

    /// Trips are latched again once it is known what has power: what is off already needs no powering off.
    pub(super) fn latch_trips(&mut self) {
        if self.restore.machines.iter().any(|part| part.found_on.is_none()) {
            return;
        }
        for (zone, why) in std::mem::take(&mut self.restore.trips) {
            if let Some(id) = self.board.find_zone(zone.as_str()) {
                self.thermal.latch_again(id, &why, &mut self.out);
            }
        }
    }

    /// At the end of each input: what has changed is handed out to be kept.
    pub(crate) fn remember(&mut self) {
        let changed = self.out.changed();
        let machines = !changed.machines.is_empty() || self.restore.touched;
        let zones = !changed.zones.is_empty() || self.restore.touched;
        let ended = self.supervisor.phase() == Phase::Ended;
        // In the end no number is given any more, and none has to be left out.
        let operations = !changed.operations.is_empty() || self.restore.touched || ended;
        let mut saved = std::mem::take(&mut self.restore.saved);
        let mut news = false;
        if let Some(epochs) = self.supervisor.unsaved() {
            saved.epochs = epochs;
            news = true;
        }
        if machines {
            let all = self.machine_memories(&saved);
            news |= replaced(&mut saved.machines, all);
        }
        if operations {
            let wall = |when| self.restore.clock.at(when);
            let operations = self.operations.memory(&saved.operations, ended, &self.machines, wall);
            news |= replaced(&mut saved.operations, operations);
        }
        if zones {
            let name = |id| self.board.zone(id).name.clone();
            let mut trips = self.restore.trips.clone();
            trips.extend(self.thermal.tripped().map(|(id, why)| (name(id), why.to_owned())));
            news |= replaced(&mut saved.trips, trips);
        }
        if self.restore.touched {
            news |= replaced(&mut saved.schedules, self.restore.schedules.all.clone());
            news |= replaced(&mut saved.last_schedule, self.restore.schedules.last);
        }
        // Until every machine is judged, the next start has to judge as this one does.
        if self.restore.is_judged() && !self.restore.controller.id.is_empty() {
            news |= replaced(&mut saved.boot, self.restore.controller.id.clone());
            news |= replaced(&mut saved.in_order, ended);
        }
        self.restore.touched = false;
        if news {
            self.out.deed(Effect::Persist(saved.clone()));
        }
        self.restore.saved = saved;
    }

    /// Machines that are not on the board now keep what is known of them: the board may come back.
    fn machine_memories(&self, saved: &Memory) -> BTreeMap<Name, MachineMemory> {
        let mut all = saved.machines.clone();
        for (place, part) in self.restore.machines.iter().enumerate() {
            let machine = self.machines.get(MachineId::new(place));
            if !concerns(machine.spec.definition.kind) {
                continue;
            }
            let known = MachineMemory {
                requested: Power::parse(machine.requested),
                // On for a moment only: should power go now, what was asked for says more than how it was before.
                stable: part.stable.filter(|stable| *stable == Power::On || !machine.is_powered()),
                restoring: part.restoring,
                restore: part.chosen,
                restore_once: part.once,
                boots_left: (part.boots.left != part.boots.limit).then_some(part.boots.left),
                boots_once: part.boots.once,
                given_up: part.boots.given_up,
                took: self.operations.learned.of(MachineId::new(place)),
            };
            if known == MachineMemory::default() {
                all.remove(&machine.spec.name);
            } else {
                all.insert(machine.spec.name.clone(), known);
            }
        }
        all
    }
}

fn replaced<T: PartialEq>(was: &mut T, is: T) -> bool {
    let differs = *was != is;
    *was = is;
    differs
}
