//! Looks at machines as they move, and does what policies want of them.

use super::{
    boots::{HELD, Next},
    concerns,
    intents::{Intent, Source, Stage},
    policy::{Power, RestorePolicy, Standing, Start, Verdict, judge},
};
use crate::{
    core::Core,
    event::Severity,
    ids::{MachineId, OperationId},
    input::Verb,
    machines::{Demand, MachineKind, Tone, Trigger, bank::Moved},
    memory::Boot,
    operations::book::Order,
    power::supplies::Standing as Supply,
    time::{Wall, human},
    timers::Timer,
};

/// What lasts so long is kept as a state: a drop of AC takes the BMC down long before, and is not taken for an off.
const STABLE: std::time::Duration = std::time::Duration::from_secs(7);

impl Core {
    /// Before the start: the hardware hangs on another controller than the one that we run on, and that came up so.
    pub fn controlled_by(&mut self, boot: Boot) {
        self.restore.controller = boot;
    }

    /// The wall clock was looked at.
    pub(crate) fn clock_told(&mut self, wall: Wall) {
        let now = self.out.now();
        let expected = self.restore.clock.at(now);
        if self.restore.clock.told(now, wall) && !self.restore.schedules.all.is_empty() {
            self.out.new_cause("");
            let from = expected.map_or_else(String::new, |expected| format!(" from {expected}"));
            let text = format!("the wall clock was set{from} to {wall}; schedules follow it");
            self.out.event("schedule.clock-set".to_owned(), "operator", Severity::Notice, text, Vec::new());
        }
        self.schedules_due();
    }

    /// Schedules whose time has come are wanted; the next one's time is waited for.
    pub(crate) fn schedules_due(&mut self) {
        let now = self.out.now();
        let Some(wall) = self.restore.clock.at(now) else { return };
        for id in self.restore.schedules.due(wall) {
            if self.restore.intents.iter().any(|intent| intent.source == Source::Schedule(id)) {
                continue;
            }
            let Some(schedule) = self.restore.schedules.all.get(&id) else { continue };
            let late = wall.since(schedule.at);
            let mut why = format!("scheduled for {} as {id}", schedule.at);
            if late > std::time::Duration::from_secs(60) {
                why = format!("{why}, {} late", human(late));
            }
            if !schedule.reason.is_empty() {
                why = format!("{why}: {}", schedule.reason);
            }
            if let Some(machine) = self.board.find_machine(schedule.machine.as_str()) {
                let intent = Intent::new(machine, schedule.verb, Source::Schedule(id), why, now);
                self.restore.intents.push(intent);
            } else {
                let text = format!("{id} is dropped: there is no machine {} any more", schedule.machine);
                self.drop_schedule(id);
                self.out.event(format!("schedule.{id}.dropped"), "operator", Severity::Error, text, Vec::new());
            }
        }
        match self.restore.schedules.next(wall) {
            Some(at) => self.out.arm(Timer::Schedule, now + at.since(wall)),
            None => self.out.cancel(Timer::Schedule),
        }
    }

    pub(super) fn drop_schedule(&mut self, id: crate::ids::ScheduleId) {
        self.restore.schedules.all.remove(&id);
        self.restore.touched = true;
        self.out.changed().system = true;
    }

    /// Machines have moved.
    pub(crate) fn restore_follows(&mut self, moved: &[Moved]) {
        let now = self.out.now();
        for id in self.machines.ids() {
            let machine = self.machines.get(id);
            let kind = machine.spec.definition.kind;
            if !concerns(kind) {
                if kind == MachineKind::Bmc && machine.state_name().as_str() == "ready" {
                    self.restore.ready.get_or_insert(now);
                }
                continue;
            }
            let Some(last) = moved.iter().rfind(|moved| moved.machine == id) else { continue };
            let Some(part) = self.restore.machines.get_mut(id.index()) else { continue };
            if machine.discovered && part.found_on.is_none() {
                part.found_on = Some(machine.may_have_power());
                part.state = machine.state_name().clone();
            }
            if machine.state_def().tone == Tone::Transitional {
                self.out.cancel(Timer::Stable(id));
            } else {
                self.out.arm(Timer::Stable(id), now + STABLE);
            }
            if kind == MachineKind::Host {
                self.count_boots(id, &last.trigger);
            }
        }
        if !self.restore.trips.is_empty() {
            self.latch_trips();
        }
        self.judge_machines();
    }

    /// A host has moved: has a boot failed, or finished?
    fn count_boots(&mut self, id: MachineId, by: &Trigger) {
        let machine = self.machines.get(id);
        let Some(part) = self.restore.machines.get_mut(id.index()) else { return };
        let was = std::mem::replace(&mut part.state, machine.state_name().clone());
        let goal = |demand| machine.spec.definition.goals.get(&demand);
        let among = |demand, state| goal(demand).is_some_and(|goal| goal.contains(state));
        if machine.fulfils(Demand::On) {
            self.out.arm(Timer::BootHeld(id), self.out.now() + HELD);
            return;
        }
        self.out.cancel(Timer::BootHeld(id));
        if was == part.state || machine.requested != "on" {
            return;
        }
        let name = machine.spec.name.clone();
        let state = machine.state_def();
        // A dump after a diagnostic interrupt takes its time, and is no boot.
        let hangs = state.tone == Tone::Fault
            && state.powered
            && *by == Trigger::Timeout
            && machine.arrow(Demand::Reset).is_some()
            && !among(Demand::Nmi, &was);
        let crashed =
            among(Demand::On, &was) && matches!(by, Trigger::Falls(_)) && state.powered && machine.operation.is_none();
        if !hangs && !crashed {
            return;
        }
        // A host whose lines cannot be read may be up for all that is known: hands off.
        let inputs = &machine.spec.definition.inputs;
        let mut lines = inputs.iter().filter_map(|role| machine.spec.signals.get(role));
        if lines.any(|line| self.machines.level(*line).is_none()) {
            return;
        }
        let what = if hangs { "has not finished its boot" } else { "has restarted by itself" };
        let next = part.boots.failed();
        let left = part.boots.left;
        self.restore.touched = true;
        self.out.changed().machines.insert(id);
        let fields = vec![("machine", name.as_str().into()), ("left", f64::from(left).into())];
        match next {
            Next::Again => {
                let does = if hangs { "it is reset" } else { "it may try again" };
                let text = format!("{name} {what}; {does}, {left} attempts are left after this");
                self.out.event(format!("state.{name}.boot-failed"), "statemgr", Severity::Warning, text, fields);
                if hangs && !self.restore.wants(id, Source::Boot) {
                    let why = format!("{name} {what}; {left} attempts left after this");
                    let reset = Verb::Demand(Demand::Reset);
                    let intent = Intent::new(id, reset, Source::Boot, why, self.out.now());
                    self.restore.intents.push(intent);
                }
            }
            Next::GiveUp => {
                let text = format!("{name} {what} again; nothing more is tried, it stays as it is until somebody asks");
                self.out.event(format!("state.{name}.boots-used-up"), "statemgr", Severity::Critical, text, fields);
            }
            Next::Nothing => {}
        }
    }

    /// Once the BMC is ready and machines are found: which of them are to be powered on again?
    fn judge_machines(&mut self) {
        let Some(start) = self.restore.start else { return };
        let has_bmc = self.machines.ids().any(|id| self.machines.get(id).spec.definition.kind == MachineKind::Bmc);
        let now = self.out.now();
        if !has_bmc {
            self.restore.ready.get_or_insert(now);
        }
        let Some(ready) = self.restore.ready else { return };
        if self.restore.is_judged() || self.restore.machines.iter().any(|part| !part.judged && part.found_on.is_none())
        {
            return;
        }
        for id in self.machines.ids() {
            let machine = self.machines.get(id);
            let spec = machine.spec.restore.clone();
            let (name, parent) = (machine.spec.name.clone(), machine.spec.parent);
            let policy = self.restore.policy(id, &spec);
            let found_on = |part: MachineId| {
                self.restore.machines.get(part.index()).is_some_and(|part| part.found_on != Some(false))
            };
            let parent_found_on = parent.is_some_and(found_on);
            let forbidden = parent.filter(|parent| {
                let spec = &self.machines.get(*parent).spec.restore;
                let asked_off = self.machines.get(*parent).requested == "off";
                asked_off || self.restore.policy(*parent, spec) == RestorePolicy::AlwaysOff
            });
            let Some(part) = self.restore.machines.get_mut(id.index()).filter(|part| !part.judged) else { continue };
            part.judged = true;
            self.restore.touched = true;
            let standing = Standing {
                policy,
                restoring: part.restoring,
                requested: Power::parse(machine.requested),
                stable: part.stable,
                interrupted: part.interrupted,
                found_on: part.found_on != Some(false) || !machine.fulfils(Demand::Off),
                parent_found_on,
            };
            let verdict = judge(start, standing);
            let spends = start != Start::SameBoot && !standing.found_on;
            if spends {
                part.once = None;
            }
            part.restoring = matches!(verdict, Verdict::PowerOn(_));
            let (word, severity, text) = match (verdict, forbidden) {
                (Verdict::PowerOn(why), Some(parent)) => {
                    part.restoring = false;
                    let parent = &self.machines.get(parent).spec.name;
                    let text = format!("{name} stays off, although {why}: {parent} is to stay off");
                    ("left-off", Severity::Warning, text)
                }
                (Verdict::PowerOn(why), None) => {
                    let delay = if spec.delay.is_zero() { String::new() } else { format!(" in {}", human(spec.delay)) };
                    ("begun", Severity::Notice, format!("{name} is powered on again{delay}: {why}"))
                }
                // Nobody wants to read of what was never to happen.
                (Verdict::Leave(_), _) if !spends || policy == RestorePolicy::None => continue,
                (Verdict::Leave(why), _) => ("left-off", Severity::Info, format!("{name} stays off: {why}")),
            };
            self.out.new_cause("policy restore");
            let fields = vec![("machine", name.as_str().into()), ("policy", policy.as_str().into())];
            self.out.event(format!("restore.{name}.{word}"), "statemgr", severity, text, fields);
            if let (Verdict::PowerOn(why), None) = (verdict, forbidden) {
                let on = Verb::Demand(Demand::On);
                let at = (ready + spec.delay).max(now);
                if let Some(parent) = parent
                    && !self.machines.get(parent).fulfils(Demand::On)
                    && !self.restore.wants(parent, Source::Restore)
                {
                    let why = format!("for {name}");
                    self.restore.intents.push(Intent::new(parent, on, Source::Restore, why, at));
                }
                self.restore.intents.push(Intent::new(id, on, Source::Restore, why.to_owned(), at));
            }
        }
    }

    /// What was there for a while is kept.
    pub(crate) fn stable_due(&mut self, id: MachineId) {
        let machine = self.machines.get(id);
        if !machine.discovered || machine.state_def().tone == Tone::Transitional {
            return;
        }
        let power = Power::of(machine.is_powered());
        let fed_by = machine.spec.parent.map_or(&machine.spec, |parent| &self.machines.get(parent).spec);
        let supplies = if machine.spec.supplies.is_empty() { &fed_by.supplies } else { &machine.spec.supplies };
        let good = |id: &crate::ids::SupplyId| self.machines.standing(self.board.supply(*id)) == Supply::Good;
        let dark = !supplies.is_empty() && !supplies.iter().any(good);
        let Some(part) = self.restore.machines.get_mut(id.index()) else { return };
        if power == Power::Off && (dark || part.restoring) || !part.judged {
            // No state of its own: it has no power to be on with, or is about to be on, or has not been judged yet.
            self.out.arm(Timer::Stable(id), self.out.now() + STABLE);
            return;
        }
        if part.stable != Some(power) {
            part.stable = Some(power);
            self.restore.touched = true;
        }
    }

    /// A host has been up for a while.
    pub(crate) fn boot_held(&mut self, id: MachineId) {
        if let Some(part) = self.restore.machines.get_mut(id.index()) {
            part.boots.held();
            self.restore.touched = true;
            self.out.changed().machines.insert(id);
        }
    }

    /// Does what is due, and what was held up before; then waits for the next.
    pub(crate) fn pursue(&mut self) {
        if self.restore.intents.is_empty() {
            return;
        }
        if self.supervisor.phase().is_stopping() {
            self.out.cancel(Timer::Intents);
            return;
        }
        let now = self.out.now();
        let outer = self.out.cause();
        let moved = !self.out.changed().operations.is_empty() || !self.out.changed().machines.is_empty();
        for mut intent in std::mem::take(&mut self.restore.intents) {
            let goes_on = match intent.stage {
                Stage::Runs(operation) => self.watch_intent(&intent, operation),
                Stage::Waits { at, .. } if at <= now || (intent.is_held() && moved) => self.try_intent(&mut intent),
                Stage::Waits { .. } => true,
            };
            if goes_on {
                self.restore.intents.push(intent);
            }
        }
        self.out.because(outer);
        match self.restore.intents.iter().filter_map(Intent::due).min() {
            Some(at) => self.out.arm(Timer::Intents, at),
            None => self.out.cancel(Timer::Intents),
        }
    }

    /// True: its operation goes on.
    fn watch_intent(&mut self, intent: &Intent, operation: OperationId) -> bool {
        let ended = self.operations.get(operation).is_none_or(|view| view.state.is_final());
        if ended && intent.source == Source::Restore {
            self.restored(intent.machine);
        }
        !ended
    }

    fn restored(&mut self, id: MachineId) {
        if let Some(part) = self.restore.machines.get_mut(id.index()) {
            part.restoring = false;
            self.restore.touched = true;
        }
    }

    /// True: it is not over with it yet.
    fn try_intent(&mut self, intent: &mut Intent) -> bool {
        let id = intent.machine;
        let machine = self.machines.get(id);
        let name = machine.spec.name.clone();
        let moot = match intent.source {
            Source::Restore => machine.fulfils(Demand::On),
            Source::Boot => machine.requested != "on" || machine.state_def().tone != Tone::Fault,
            Source::Schedule(_) => false,
        };
        if moot {
            if intent.source == Source::Restore {
                self.restored(id);
            }
            return false;
        }
        let actor = match intent.source {
            Source::Restore => "policy restore".to_owned(),
            Source::Boot => "policy boot".to_owned(),
            Source::Schedule(schedule) => {
                let asked = self.restore.schedules.all.get(&schedule);
                asked.map_or_else(|| schedule.to_string(), |asked| asked.actor.clone())
            }
        };
        let plan = self.scene().plan(id, intent.verb);
        if plan.obstacles.is_empty() {
            self.out.new_cause(&actor);
            let machines = plan.machines.clone();
            if let Source::Schedule(schedule) = intent.source {
                self.drop_schedule(schedule);
                self.asked_for(&machines, intent.verb);
            }
            let kind = crate::operations::book::kind_of(self.machines.get(id).spec.definition.kind, intent.verb);
            let order =
                Order { kind, target: name.to_string(), actor: &actor, reason: &intent.why, key: "", deadline: None };
            let operation = self.open_planned(order, plan, intent.verb);
            intent.stage = Stage::Runs(operation);
            return self.watch_intent(intent, operation);
        }
        let passing = machine.state_def().tone == Tone::Transitional;
        let Some(condition) = intent.refused(&plan.obstacles, passing, self.out.now()) else { return true };
        self.out.new_cause(&actor);
        let verb = intent.verb.as_str();
        let fields = vec![
            ("machine", name.as_str().into()),
            ("conditions", plan.obstacles.iter().map(|found| found.kind).collect::<Vec<_>>().join(" ").into()),
        ];
        let (subject, text) = match intent.source {
            Source::Restore => {
                (format!("restore.{name}.given-up"), format!("{name} is not powered on again: {condition}"))
            }
            Source::Boot => (format!("state.{name}.reset-given-up"), format!("{name} is not reset: {condition}")),
            Source::Schedule(schedule) => {
                self.drop_schedule(schedule);
                (format!("schedule.{schedule}.refused"), format!("{schedule}, {name} {verb}, is given up: {condition}"))
            }
        };
        self.out.event(subject, "operator", Severity::Error, text, fields);
        if intent.source == Source::Restore {
            self.restored(id);
        }
        false
    }
}
