//! Daemons that die at any moment, BMCs that are reset, mains that go: what is remembered is the old or the new, and who is
//! powered on again is somebody whose policy says so and who is off.

use std::time::Duration;

use ubmc_core::{
    core::Core,
    effect::Effects,
    event::Event,
    ids::OperationId,
    input::Request,
    memory::{Boot, BootCause, Memory, Past},
    restore::RestorePolicy,
    time::Wall,
    units::Duty,
};
use ubmc_platforms::sim::{Fault, FaultKind, Target};

use super::{Mirror, World};
use crate::world::Violation;

/// Wall time when a world begins.
const BEGIN: Duration = Duration::from_secs(1_795_216_000);

/// What outlives the daemon in these worlds.
#[derive(Default)]
pub(super) struct Outages {
    /// Daemons die here.
    pub(super) happen: bool,
    /// As it lies on the disk, and as it lay there before the last write.
    kept: Memory,
    before: Memory,
    boots: u32,
    /// The daemon has ended so that the BMC is rebooted.
    pub(super) reboots: bool,
}

/// Runs one world in which daemons die. Returns how many inputs it took.
pub fn run(seed: u64) -> Result<u64, Violation> {
    let mut world = World::new(seed).map_err(|text| Violation { seed, text, tail: Vec::new() })?;
    world.outages.happen = true;
    let ended = world.live();
    ended.map_err(|text| Violation { seed, text, tail: world.tail.take() })?;
    Ok(world.steps)
}

/// How the controller of a new world came up.
pub(super) fn first_boot() -> Boot {
    Boot { id: boot_id(0), cause: BootCause::Unknown }
}

fn boot_id(number: u32) -> String {
    format!("boot {number}")
}

impl Outages {
    pub(super) fn keep(&mut self, memory: Memory) {
        self.before = std::mem::replace(&mut self.kept, memory);
    }
}

impl World {
    /// Something of all this, at a moment like any other.
    pub(super) fn outage(&mut self) -> Result<(), String> {
        let policy = RestorePolicy::ALL[self.below(RestorePolicy::ALL.len())];
        let machine = self.board.machines[self.below(self.board.machines.len())].name.clone();
        match self.below(6) {
            0..=2 => {
                let once = self.chance(0.2);
                self.request(Request::SetRestore { machine, policy: Some(policy), once, boot_attempts: None })
            }
            3 => self.die(None),
            4 => {
                let cause = if self.chance(0.5) { BootCause::Reset } else { BootCause::Unknown };
                self.die(Some(cause))
            }
            _ => {
                self.model.inject(Fault { kind: FaultKind::AcLoss, target: Target::AllSupplies, value: None });
                // The BMC lives on for a moment, or not.
                if self.chance(0.5) {
                    self.second()?;
                }
                let cause = if self.chance(0.5) { BootCause::PowerCame } else { BootCause::Unknown };
                self.die(Some(cause))?;
                if self.chance(0.8) {
                    self.model.clear(Some(FaultKind::AcLoss), None);
                }
                Ok(())
            }
        }
    }

    /// The daemon dies, and with it the BMC when there is a cause for that; another one comes some time later.
    fn die(&mut self, boots: Option<BootCause>) -> Result<(), String> {
        // Its last write may not have come to its end.
        let memory = if self.chance(0.5) { &self.outages.kept } else { &self.outages.before };
        let memory = memory.clone();
        self.tail.push(format!("{} the daemon dies, {boots:?}", self.now));
        self.begin_again(boots, memory)
    }

    /// The daemon has ended in order, and the BMC is booted.
    pub(super) fn reboot(&mut self) -> Result<(), String> {
        (self.ended, self.outages.reboots) = (false, false);
        self.tail.push(format!("{} the BMC is rebooted", self.now));
        self.begin_again(Some(BootCause::Reset), self.outages.kept.clone())
    }

    fn begin_again(&mut self, boots: Option<BootCause>, memory: Memory) -> Result<(), String> {
        self.outages.boots += u32::from(boots.is_some());
        self.tasks.clear();
        for (fan, told) in self.told.iter_mut().enumerate() {
            *told = None;
            let _ = self.model.set_duty(fan, Duty::FULL);
        }
        let away = Duration::from_secs_f64(self.rng.unit() * 20.0);
        self.model.step(away);
        self.now = self.now + away;
        self.edges.clear();
        self.model.take_edges();
        let past = Past {
            bmc_boot: boot_id(self.outages.boots),
            controller: Boot { id: boot_id(self.outages.boots), cause: boots.unwrap_or_default() },
            wall: Some(Wall::new(BEGIN + self.now.since_origin())),
            memory: memory.clone(),
        };
        self.outages.keep(memory);
        let seed = self.rng.next_u64();
        self.core = Core::after(self.board.clone(), seed, past).map_err(|errors| format!("{errors:?}"))?;
        self.next_seq = 1;
        let effects: Effects = self.core.start(self.now);
        self.mirror = Mirror::snapshot(&self.core);
        self.absorb(effects)
    }

    /// Whoever a policy powers on is off, and its policy allows that.
    pub(super) fn check_restored(&self, event: &Event) -> Result<(), String> {
        let id = event.subject.strip_prefix("operation.").and_then(|rest| rest.strip_suffix(".accepted"));
        let Some(id) = id.filter(|_| event.actor == "policy restore").and_then(OperationId::parse) else {
            return Ok(());
        };
        let view = self.core.operation(id).ok_or("an operation is not there")?;
        let machine = self.board.find_machine(&view.target).ok_or("a machine is not there")?;
        let spec = self.board.machine(machine);
        let policy = self.core.restoration(machine).map_or(spec.restore.policy, |view| view.policy);
        let once = self.outages.before.machines.get(&spec.name).and_then(|known| known.restore_once);
        let allowed = |policy| match policy {
            RestorePolicy::AlwaysOn | RestorePolicy::LastState => true,
            RestorePolicy::None => spec.parent.is_none(),
            RestorePolicy::AlwaysOff => false,
        };
        // What was decided before an operator chose otherwise goes on; so does what was chosen for once.
        let known = self.outages.kept.machines.get(&spec.name);
        let begun = known.is_some_and(|known| known.restoring);
        if !allowed(policy) && !once.is_some_and(allowed) && !begun {
            return Err(format!("{} is powered on again, and its policy is {policy}", spec.name));
        }
        let good = spec.signals.get("power-good").and_then(|line| self.lines.get(line.index()));
        if let Some(good) = good
            && self.edges.is_empty()
            && !self.blinded
            && self.model.level(*good).is_high()
        {
            return Err(format!("{} is powered on again, and it is on", spec.name));
        }
        Ok(())
    }
}
