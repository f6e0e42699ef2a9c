//! What stands against each request to a machine, as it was told last.
//!
//! It rests on what other rooms decide: services, operations, zones, sensors, supplies, other machines. When one of them has
//! moved, the answers are compared with what was told, and a machine whose answers are others now has changed, whatever
//! state it is in: whoever watches it would else go on believing in a condition that is long gone.

use std::collections::BTreeMap;

use crate::{core::Core, ids::MachineId, input::Verb, refusal::Obstacle};

/// What was told of each machine.
#[derive(Clone, Debug, Default)]
pub(crate) struct Askable {
    told: BTreeMap<MachineId, Told>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Told {
    /// Each request, with what stands against it.
    verbs: Vec<(Verb, Vec<Obstacle>)>,
    /// What stands against powering it on: all that hardware has a part in.
    power_on: Vec<Obstacle>,
}

impl Core {
    /// Tells of the machines of which something else can be asked now. Once for each input, when everything has settled.
    pub(crate) fn tell_what_can_be_asked(&mut self) {
        let changed = self.out.changed();
        let others = !changed.services.is_empty()
            || !changed.machines.is_empty()
            || !changed.operations.is_empty()
            || changed.system;
        let hardware = !changed.zones.is_empty() || !changed.sensors.is_empty() || !changed.fans.is_empty();
        if !others && !hardware {
            return;
        }
        for id in self.machines.ids() {
            let scene = self.scene();
            let power_on = scene.power_on_obstacles(id);
            // Readings come every second, and all that they can stand against is powering on.
            if !others && self.askable.told.get(&id).is_some_and(|told| told.power_on == power_on) {
                continue;
            }
            let now = Told { verbs: scene.verbs(id), power_on };
            if self.askable.told.get(&id) != Some(&now) {
                self.askable.told.insert(id, now);
                self.out.changed().machines.insert(id);
            }
        }
    }
}
