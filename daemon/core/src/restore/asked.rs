//! What operators choose: policies, attempts, requests for a later time.

use std::{collections::BTreeSet, time::Duration};

use super::{MOST_SCHEDULES, concerns, intents::Source, intents::Stage, policy::RestorePolicy};
use crate::{
    core::Core,
    effect::Reply,
    event::Severity,
    ids::{MachineId, Name, ScheduleId},
    input::Verb,
    machines::{Demand, MachineKind},
    memory::ScheduleMemory,
    refusal::{Obstacle, Refusal},
    time::{Wall, human},
    timers::Timer,
    view::{RestoreView, ScheduleView},
};

/// When something is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At that time of the wall clock.
    Wall(Wall),
    /// So long from now, by the daemon's clock.
    After(Duration),
}

/// Later than this is a slip of the pen.
const FURTHEST: Duration = Duration::from_secs(366 * 86_400);

impl Core {
    /// Somebody has asked for this, and it was accepted: policies want nothing else of these machines any more.
    pub(crate) fn asked_for(&mut self, machines: &BTreeSet<MachineId>, verb: Verb) {
        self.restore.yield_to(machines);
        let boots = match verb {
            Verb::Demand(Demand::On | Demand::Reset) | Verb::Restart | Verb::Cycle => true,
            Verb::Demand(
                Demand::Off
                | Demand::ForceOff
                | Demand::CycleOff
                | Demand::Nmi
                | Demand::MaintenanceOn
                | Demand::MaintenanceOff
                | Demand::UpdateBegin
                | Demand::UpdateEnd
                | Demand::Reboot,
            )
            | Verb::EmergencyOff => false,
        };
        for id in machines {
            let is_host = self.machines.get(*id).spec.definition.kind == MachineKind::Host;
            if let Some(part) = self.restore.machines.get_mut(id.index()).filter(|_| boots && is_host) {
                part.boots.asked();
            }
        }
    }

    /// Chooses how a machine comes back. What is absent stays.
    pub(crate) fn set_restore(
        &mut self,
        name: &Name,
        policy: Option<RestorePolicy>,
        once: bool,
        boot_attempts: Option<u32>,
        actor: &str,
    ) -> Result<Reply, Refusal> {
        let id = self.restorable(name)?;
        let machine = self.machines.get(id);
        let (kind, powered) = (machine.spec.definition.kind, machine.may_have_power());
        if boot_attempts.is_some() && kind != MachineKind::Host {
            return Err(Refusal::invalid("NOT_A_HOST", format!("{name} is a {kind}: only hosts have boot attempts")));
        }
        if boot_attempts.is_some_and(|attempts| attempts > super::MOST_ATTEMPTS) {
            let text = format!("more than {} boot attempts are a slip of the pen", super::MOST_ATTEMPTS);
            return Err(Refusal::invalid("OUT_OF_RANGE", text));
        }
        let Some(part) = self.restore.machines.get_mut(id.index()) else { return Ok(Reply::Done) };
        let mut chosen = Vec::new();
        if let Some(policy) = policy {
            if once {
                part.once = Some(policy);
                chosen.push(format!("next time {policy}"));
            } else {
                part.chosen = Some(policy);
                part.once = None;
                chosen.push(policy.to_string());
            }
        }
        if let Some(attempts) = boot_attempts {
            part.boots.once = Some(attempts);
            if powered {
                part.boots.left = attempts;
                part.boots.once = None;
            }
            chosen.push(format!("{attempts} boot attempts, once"));
        }
        if chosen.is_empty() {
            return Ok(Reply::Done);
        }
        self.restore.touched = true;
        self.out.changed().machines.insert(id);
        let chosen = chosen.join(", ");
        let text = format!("restore policy of {name}, chosen by {actor}: {chosen}");
        let fields = vec![("machine", name.as_str().into()), ("policy", chosen.into())];
        self.out.event(format!("restore.{name}.policy"), "operator", Severity::Notice, text, fields);
        Ok(Reply::Done)
    }

    fn restorable(&self, name: &Name) -> Result<MachineId, Refusal> {
        let names = self.board.machines.iter().filter(|spec| concerns(spec.definition.kind)).map(|spec| &spec.name);
        match self.board.find_machine(name.as_str()) {
            None => Err(Refusal::unknown("machine", name.as_str(), names)),
            Some(id) if concerns(self.machines.get(id).spec.definition.kind) => Ok(id),
            Some(_) => Err(Refusal::invalid("NO_POWER", format!("{name} has no power to restore"))),
        }
    }

    /// A request for later.
    pub(crate) fn schedule(
        &mut self,
        machine: &Name,
        verb: Verb,
        at: At,
        actor: &str,
        reason: &str,
    ) -> Result<Reply, Refusal> {
        let id = self.machine_named(machine.as_str())?;
        self.takes(id, verb)?;
        let Some(wall) = self.restore.clock.at(self.out.now()) else {
            return Err(Refusal::invalid(
                "NO_CLOCK",
                "the wall clock of the BMC cannot be read; nothing can be scheduled",
            ));
        };
        let at = match at {
            At::Wall(at) => at,
            At::After(after) => wall + after,
        };
        if at <= wall {
            let text = format!("{at} has passed: it is {wall} here");
            return Err(Refusal::invalid("IN_THE_PAST", text));
        }
        if at.since(wall) > FURTHEST {
            return Err(Refusal::invalid("TOO_FAR", format!("{at} is more than a year away: it is {wall} here")));
        }
        let schedule =
            ScheduleMemory { at, machine: machine.clone(), verb, actor: actor.to_owned(), reason: reason.to_owned() };
        let Some(id) = self.restore.schedules.add(schedule) else {
            let obstacle = Obstacle {
                kind: "too-many-schedules",
                subject: "schedules".to_owned(),
                text: format!("{MOST_SCHEDULES} requests wait for their time already, and no more are kept"),
                remedy: "`ubmcctl schedule cancel` one that is not needed".to_owned(),
                since: None,
            };
            return Err(Refusal::precondition("TOO_MANY", obstacle.text.clone(), vec![obstacle]));
        };
        let text = format!("{id}: {machine} {} at {at}, in {}, asked by {actor}", verb.as_str(), human(at.since(wall)));
        let fields =
            vec![("machine", machine.as_str().into()), ("request", verb.as_str().into()), ("reason", reason.into())];
        self.out.event(format!("schedule.{id}.made"), "operator", Severity::Notice, text, fields);
        self.out.changed().system = true;
        self.restore.touched = true;
        self.schedules_due();
        Ok(Reply::Scheduled(id))
    }

    /// A request for later is not wanted any more.
    pub(crate) fn cancel_schedule(&mut self, id: ScheduleId, actor: &str) -> Result<Reply, Refusal> {
        let Some(schedule) = self.restore.schedules.all.get(&id) else {
            let text = format!("there is no schedule {id}; one whose time has come is an operation");
            return Err(Refusal { text, ..Refusal::unknown("schedule", "", []) });
        };
        let text = format!("{id} ({} {}) is cancelled by {actor}", schedule.machine, schedule.verb.as_str());
        self.drop_schedule(id);
        self.restore.intents.retain(|intent| intent.source != Source::Schedule(id));
        self.out.event(format!("schedule.{id}.cancelled"), "operator", Severity::Notice, text, Vec::new());
        self.schedules_due();
        Ok(Reply::Done)
    }

    /// Requests that wait for their time, by number.
    pub fn schedules(&self) -> Vec<ScheduleView<'_>> {
        let held_by = |id: ScheduleId| {
            let intent = self.restore.intents.iter().find(|intent| intent.source == Source::Schedule(id));
            match intent.map(|intent| &intent.stage) {
                Some(Stage::Waits { held_by, .. }) => held_by.as_str(),
                Some(Stage::Runs(_)) | None => "",
            }
        };
        let all = self.restore.schedules.all.iter();
        all.map(|(id, schedule)| ScheduleView { id: *id, schedule, held_by: held_by(*id) }).collect()
    }

    /// How a machine comes back. Absent: it has no power to restore.
    pub fn restoration(&self, id: MachineId) -> Option<RestoreView> {
        let machine = self.machines.get(id);
        let spec = &machine.spec.restore;
        let part = self.restore.machines.get(id.index())?;
        if !concerns(machine.spec.definition.kind) {
            return None;
        }
        let waits = self.restore.intents.iter().find_map(|intent| match &intent.stage {
            Stage::Waits { at, held_by, .. }
                if intent.machine == id && !matches!(intent.source, Source::Schedule(_)) =>
            {
                Some((*at, held_by.clone()))
            }
            Stage::Waits { .. } | Stage::Runs(_) => None,
        });
        Some(RestoreView {
            policy: part.chosen.unwrap_or(spec.policy),
            chosen: part.chosen.is_some(),
            once: part.once,
            delay: spec.delay,
            restoring: part.restoring,
            next_try: waits.as_ref().map(|(at, _)| *at),
            held_by: waits.map(|(_, held_by)| held_by).unwrap_or_default(),
            boots: (machine.spec.definition.kind == MachineKind::Host).then_some((part.boots.left, part.boots.limit)),
            given_up: part.boots.given_up,
        })
    }

    /// When the next schedule is due by the clock as it is now, for tests and harnesses.
    pub fn next_schedule(&self) -> Option<crate::time::Mono> {
        self.out.timers.get(Timer::Schedule)
    }
}
