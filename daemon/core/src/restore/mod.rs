//! What survives the loss of power, and what is done by it: machines are powered on again by their policy, boots that do
//! not finish are tried again, requests wait for their time, and operations that were cut off are told.
//!
//! ```text
//!   memory ──▶ recall ──▶ follow: what is found, how long it stays so ──▶ remember ──▶ memory
//!                           │
//!                           ├─ policy: on again?     ┐
//!                           ├─ boots: try again?     ├──▶ intents ──▶ ordinary operations, all interlocks
//!                           └─ schedule: time come?  ┘
//! ```
//!
//! Code map: `policy` is the decision on a machine that was found off; `boots` counts failed boots; `schedule` knows wall
//! time; `intents` waits and tries again; `follow` looks at machines and carries intents out; `asked` takes requests;
//! `remember` turns all of it into [`Memory`](crate::memory::Memory) and back.
//!
//! What is absent here: nothing drives a line or moves a machine. Power comes and goes by operations alone, and no policy
//! ever powers anything off.

mod asked;
mod boots;
mod follow;
mod intents;
mod policy;
mod remember;
mod schedule;

use std::collections::{BTreeMap, BTreeSet};

pub use asked::At;
pub use boots::MOST_ATTEMPTS;
pub use policy::{Power, RestorePolicy, RestoreSpec};
pub use schedule::MOST as MOST_SCHEDULES;

use self::{
    boots::Boots,
    intents::{Intent, Source},
    policy::Start,
    schedule::{Schedules, WallClock},
};
use crate::{
    ids::{MachineId, Name},
    machines::MachineKind,
    memory::{Boot, Memory},
    time::Mono,
};

/// All of it. The parts of machines are in the order of the board.
#[derive(Clone, Debug)]
pub(crate) struct Restore {
    /// How the controller came up, this time.
    controller: Boot,
    /// What that means. Absent: the start has not come.
    start: Option<Start>,
    machines: Vec<Part>,
    intents: Vec<Intent>,
    schedules: Schedules,
    clock: WallClock,
    /// Since when the BMC is ready. Absent: it has not been yet.
    ready: Option<Mono>,
    /// Trips that are to be latched again once machines are found.
    trips: BTreeMap<Name, String>,
    /// Something of what is remembered may have changed.
    touched: bool,
    /// As it was handed out last.
    saved: Memory,
}

/// What is known of one machine.
#[derive(Clone, Debug)]
struct Part {
    /// An operator's choice over the board's.
    chosen: Option<RestorePolicy>,
    once: Option<RestorePolicy>,
    stable: Option<Power>,
    restoring: bool,
    /// An operation on it was cut off.
    interrupted: bool,
    /// With power, or maybe. Absent: not found yet.
    found_on: Option<bool>,
    judged: bool,
    boots: Boots,
    /// The state at the end of the last look.
    state: Name,
}

impl Restore {
    /// The policy that holds for a machine, the once-only one before all.
    fn policy(&self, id: MachineId, spec: &RestoreSpec) -> RestorePolicy {
        let part = self.machines.get(id.index());
        part.and_then(|part| part.once.or(part.chosen)).unwrap_or(spec.policy)
    }

    fn wants(&self, machine: MachineId, source: Source) -> bool {
        self.intents.iter().any(|intent| intent.machine == machine && intent.source == source)
    }

    fn is_judged(&self) -> bool {
        self.machines.iter().all(|part| part.judged)
    }

    /// Takes back what was wanted of machines by policies: somebody has asked for something else.
    fn yield_to(&mut self, machines: &BTreeSet<MachineId>) {
        self.intents.retain(|intent| {
            matches!(intent.source, Source::Schedule(_))
                || intent.due().is_none()
                || !machines.contains(&intent.machine)
        });
        for id in machines {
            if let Some(part) = self.machines.get_mut(id.index()) {
                part.restoring = false;
            }
        }
        self.touched = true;
    }
}

/// Whether there is anything to restore: the BMC is not.
const fn concerns(kind: MachineKind) -> bool {
    match kind {
        MachineKind::Host | MachineKind::Chassis => true,
        MachineKind::Bmc => false,
    }
}
