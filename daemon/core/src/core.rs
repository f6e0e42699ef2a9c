//! The core as one value: inputs in, effects out.
//!
//! One input is handled at a time and to its end: services settle, machines follow, operations go on, zones are
//! evaluated, LEDs follow. What one room decides reaches the others here and nowhere else.

use crate::{
    askable::Askable,
    board::{Board, Ending},
    effect::Effects,
    emergency::Emergency,
    event::Severity,
    guarding::Guarding,
    ids::{MachineId, OperationId, SensorId, ServiceId},
    input::{HardwareCommand, Input, Verb},
    leds::bank::Leds,
    machines::{
        Arrow, Demand, Machine, MachineKind, Tally, TransitionRecord, Trigger,
        bank::{Machines, Moved},
    },
    memory::Past,
    operations::{
        book::{Operations, Order, kind_of},
        plan::{Plan, Scene},
        waivers::Waivers,
    },
    outbox::{Cause, Outbox},
    power::supplies::Supplies,
    reach::Reach,
    restore::Restore,
    rng::Rng,
    sensors::bank::Sensors,
    services::{Builtin, graph::GraphError, supervisor::Supervisor},
    thermal::control::Thermal,
    time::Mono,
    timers::Timer,
    view::ServiceState,
};

/// How long lines may take to be read at start before they count as unreadable.
const DISCOVERY: std::time::Duration = std::time::Duration::from_secs(15);

/// What interlocks look at. A macro, because it borrows rooms beside those that are being changed.
macro_rules! house {
    ($core:ident) => {
        $crate::operations::plan::House {
            board: &$core.board,
            thermal: &$core.thermal,
            supervisor: &$core.supervisor,
            sensors: &$core.sensors,
            waivers: &$core.waivers,
            emergency: &$core.emergency,
        }
    };
}
pub(crate) use house;

/// Everything that ubmcd knows and decides. A copy goes on as the original would: what follows from each of several things can
/// be tried from one moment.
#[derive(Clone, Debug)]
pub struct Core {
    pub(crate) board: Board,
    pub(crate) supervisor: Supervisor,
    pub(crate) machines: Machines,
    pub(crate) operations: Operations,
    pub(crate) sensors: Sensors,
    pub(crate) thermal: Thermal,
    pub(crate) leds: Leds,
    pub(crate) supplies: Supplies,
    pub(crate) guarding: Guarding,
    pub(crate) reach: Reach,
    pub(crate) restore: Restore,
    pub(crate) waivers: Waivers,
    pub(crate) emergency: Emergency,
    pub(crate) askable: Askable,
    pub(crate) out: Outbox,
    /// What built-in services were up when the last input ended: their coming and going concerns other rooms.
    drives: Drives,
}

/// Which services that drive or follow hardware are up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Drives {
    sensors: bool,
    thermal: bool,
    leds: bool,
    lines: bool,
    failsafe: bool,
}

impl Core {
    /// Nothing runs. The same board, seed and inputs always give the same effects. Refuses a board whose services wait
    /// for each other or need what is not there.
    pub fn new(board: Board, seed: u64) -> Result<Self, Vec<GraphError>> {
        Self::after(board, seed, Past::default())
    }

    /// The same, with what is remembered of the time before.
    pub fn after(mut board: Board, seed: u64, past: Past) -> Result<Self, Vec<GraphError>> {
        let specs = std::mem::take(&mut board.services);
        let restore = Restore::after(&board, &past);
        let Past { bmc_boot, memory, .. } = past;
        Ok(Self {
            supervisor: Supervisor::new(specs, (bmc_boot, memory.epochs), Rng::new(seed))?,
            machines: Machines::new(&board),
            operations: Operations::default(),
            sensors: Sensors::new(&board.sensors),
            thermal: Thermal::new(&board),
            leds: Leds::new(&board.leds),
            supplies: Supplies::new(board.supplies.len()),
            guarding: Guarding::default(),
            reach: Reach::default(),
            restore,
            waivers: Waivers::default(),
            emergency: Emergency::default(),
            askable: Askable::default(),
            out: Outbox::default(),
            drives: Drives::default(),
            board,
        })
    }

    /// Begins to bring services up.
    pub fn start(&mut self, now: Mono) -> Effects {
        self.out.begin(now);
        self.out.new_cause("");
        let text = format!("ubmcd starts on board {}", self.board.name);
        let fields = vec![("board", self.board.name.as_str().into())];
        self.out.event("platform.starting".to_owned(), "operator", Severity::Notice, text, fields);
        self.out.arm(Timer::Discovery, now + DISCOVERY);
        self.recall();
        self.machines.boot(&mut self.out);
        self.supervisor.boot(self.board.policy.start_timeout, &mut self.out);
        self.follow_up();
        self.show();
        self.remember();
        self.out.finish()
    }

    /// Handles one input to its end, and every deadline that has come.
    pub fn handle(&mut self, now: Mono, input: Input) -> Effects {
        self.out.begin(now);
        self.take(input);
        self.follow_up();
        self.answer_emergencies();
        while let Some(timer) = self.out.timers.pop_due(self.out.now()) {
            self.due(timer);
            self.follow_up();
            self.answer_emergencies();
        }
        self.show();
        self.remember();
        self.out.finish()
    }

    /// When [`Input::Tick`] is due, if nothing else comes before.
    pub fn next_deadline(&self) -> Option<Mono> {
        self.out.timers.first()
    }

    /// The newest event's number; 0 before the first.
    pub const fn last_seq(&self) -> u64 {
        self.out.last_seq()
    }

    /// The board, without its services: those are asked one by one.
    pub const fn board(&self) -> &Board {
        &self.board
    }

    /// Past transitions, oldest first.
    pub fn transitions(&self) -> impl Iterator<Item = &TransitionRecord> {
        self.machines.history().records()
    }

    /// How often each transition was taken since the start, and how long the state before it had lasted.
    pub fn transition_counts(&self) -> impl Iterator<Item = (&Arrow, &Tally)> {
        self.machines.history().tallies()
    }

    /// Past readings of a sensor, oldest first; no value marks a gap.
    pub fn sensor_history(&self, id: SensorId) -> Vec<(Mono, Option<f64>)> {
        self.sensors.history(id)
    }

    fn take(&mut self, input: Input) {
        let out = &mut self.out;
        match input {
            Input::Tick => {}
            Input::Service { service, generation, happening } => {
                self.supervisor.happened(service, generation, happening, out);
            }
            Input::UsageOutdated => self.supervisor.forget_usage(),
            Input::Usage { service, generation, usage } => self.supervisor.used(service, generation, usage, out),
            Input::Samples(samples) => {
                out.new_cause("");
                // Without statemgr nobody follows the lines: what a machine was then says nothing about now.
                let followed = self.supervisor.is_up(Builtin::Statemgr) || self.hands_over();
                let (machines, out) = (&self.machines, &mut self.out);
                let powered = |machine| !followed || machines.get(machine).may_have_power();
                self.sensors.sampled(samples, powered, out);
                let sensors = &self.sensors;
                self.machines.measured(|sensor| sensors.good(sensor), out);
                self.evaluate_zones(true);
            }
            Input::Limits { sensor, limits } => {
                out.new_cause("");
                self.sensors.limits_brought(sensor, &limits, out);
                self.evaluate_zones(false);
            }
            Input::Signal(id, level) => {
                out.new_cause("");
                self.machines.line(id, level, out);
                let machines = &self.machines;
                self.supplies.follow(&self.board.supplies, |line| machines.level(line), out);
            }
            Input::FaultRegisters(supply, registers) => {
                let name = &self.board.supply(supply).name;
                self.supplies.captured(supply, name, registers, out);
            }
            Input::CommandFailed { command, reason } => self.command_failed(&command, &reason),
            Input::Guardian(news) => self.guardian_told(&news),
            Input::Clock(wall) => self.clock_told(wall),
            Input::Asked(asked) => self.asked(asked),
        }
    }

    fn due(&mut self, timer: Timer) {
        let out = &mut self.out;
        match timer {
            Timer::Service(id) => self.supervisor.deadline(id, out),
            Timer::Ready(id) => self.supervisor.ready_delay_over(id, out),
            Timer::Health(id) => self.supervisor.health_due(id, out),
            Timer::Readiness(id) => self.supervisor.readiness_due(id, out),
            Timer::Announced(id) => self.supervisor.announced_due(id, out),
            Timer::Recovered(id) => self.supervisor.recovered(id, out),
            Timer::Boot => self.supervisor.boot_timed_out(out),
            Timer::Shutdown => self.supervisor.shutdown_timed_out(out),
            Timer::Machine(id) => self.machines.timed_out(id, out),
            Timer::Sequence(id) => self.machines.sequence_due(id, out),
            Timer::Pulse(line) => self.machines.pulse_over(line, out),
            Timer::Discovery => self.machines.discovery_due(out),
            Timer::Operation(id) => self.operations.deadline(id, &house!(self), &mut self.machines, out),
            Timer::Retry(id, step) => self.operations.retry_due(id, step, &house!(self), &mut self.machines, out),
            Timer::Waivers => self.waivers.due(out),
            // What is due is looked at after every deadline.
            Timer::Emergency => out.changed().system = true,
            Timer::Dwell(id) => {
                let house = house!(self);
                self.operations.dwell_over(id, &house, &mut self.machines, out);
            }
            Timer::Stale(id) => {
                out.new_cause("");
                self.sensors.stale(id, out);
                self.evaluate_zones(false);
            }
            Timer::Zone(_) => {
                self.thermal.override_due(out);
                self.evaluate_zones(false);
            }
            Timer::Led(id) => self.leds.hold_due(id, out),
            Timer::LedDriving(id) => self.leds.driving_due(id, self.drives.leds, out),
            Timer::Stable(id) => self.stable_due(id),
            Timer::BootHeld(id) => self.boot_held(id),
            // What is due is done whenever something may have moved.
            Timer::Intents => {}
            Timer::Schedule => self.schedules_due(),
        }
    }

    /// What happened in one room reaches the others, until nothing moves.
    fn follow_up(&mut self) {
        // A BMC that has just come to a state looks at its services anew.
        let mut bmc_moved = false;
        loop {
            let moved = self.machines.take_moved();
            if moved.is_empty() {
                break;
            }
            let kind = |moved: &Moved| self.machines.get(moved.machine).spec.definition.kind;
            bmc_moved |= moved.iter().any(|moved| kind(moved) == MachineKind::Bmc);
            for moved in moved.iter().filter(|moved| moved.power_changed) {
                let powered = self.machines.get(moved.machine).may_have_power();
                self.sensors.power_changed(moved.machine, powered, &mut self.out);
            }
            self.tell_of_power(&moved);
            self.restore_follows(&moved);
            if moved.iter().any(|moved| moved.trigger == Trigger::Demand(Demand::Reboot)) {
                self.leave(false, Ending::Reboot(self.board.policy.reboot.clone()));
            }
            let house = house!(self);
            self.operations.machines_moved(&moved, &house, &mut self.machines, &mut self.out);
            self.evaluate_zones(false);
        }
        let changed = self.out.changed();
        let services_moved = !changed.services.is_empty() || changed.system || bmc_moved;
        if services_moved {
            self.operations.sequences_moved(&self.machines, &mut self.out);
        }
        let changed = self.out.changed();
        if !changed.services.is_empty() {
            self.operations.services_changed(&self.supervisor, &mut self.out);
        }
        if services_moved {
            self.follow_services();
        }
        self.pursue();
        if !self.machines.is_settled() {
            self.follow_up();
        }
    }

    /// What fails is answered without any client.
    fn answer_emergencies(&mut self) {
        let changed = self.out.changed();
        let news =
            changed.system || !changed.sensors.is_empty() || !changed.machines.is_empty() || !changed.fans.is_empty();
        if news && self.has_emergencies() && self.supervisor.is_up(Builtin::Statemgr) && self.watch_over() {
            self.follow_up();
        }
    }

    /// Some services run once per power-on or boot: they follow the machines.
    fn tell_of_power(&mut self, moved: &[Moved]) {
        let on = |kind: MachineKind| {
            let of_kind = |id: &MachineId| self.machines.get(*id).spec.definition.kind == kind;
            self.machines.ids().filter(of_kind).filter(|id| self.machines.get(*id).is_powered()).count()
        };
        self.supervisor.power_counted(on(MachineKind::Chassis) > 0, on(MachineKind::Host));
        for moved in moved {
            let machine = self.machines.get(moved.machine);
            let rebooted = moved.trigger == Trigger::Demand(Demand::Reset);
            if machine.discovered && (moved.power_changed || rebooted) {
                let (name, kind) = (machine.spec.name.clone(), machine.spec.definition.kind);
                self.supervisor.power_seen(&name, kind, machine.is_powered(), rebooted, &mut self.out);
            }
        }
    }

    /// What only shows: once for each input, when everything has settled.
    fn show(&mut self) {
        self.thermal.follow_tachometers(&mut self.out);
        self.tell_what_can_be_asked();
        let changed = self.out.changed();
        let quiet = changed.services.is_empty()
            && changed.machines.is_empty()
            && changed.zones.is_empty()
            && changed.sensors.is_empty()
            && !changed.system;
        if !quiet {
            let watched = self.drives.sensors && self.drives.lines;
            self.reach.follow(&self.board, &self.machines, &self.sensors, watched, &mut self.out);
            let scene = self.led_scene();
            self.leds.update(scene, self.drives.leds, &mut self.out);
        }
    }

    /// Services have moved: the BMC's own machine and whoever drives hardware follow.
    fn follow_services(&mut self) {
        let bmc = self.machines.ids().find(|id| self.machines.get(*id).spec.definition.kind == MachineKind::Bmc);
        if let Some(bmc) = bmc {
            let trigger = if self.supervisor.phase().is_stopping() {
                Some(Trigger::ShuttingDown)
            } else if self.supervisor.critical_failed() {
                Some(Trigger::ServicesFailed)
            } else if self.supervisor.critical_ready() {
                Some(Trigger::ServicesReady)
            } else {
                None
            };
            if let Some(trigger) = trigger {
                self.machines.trigger(bmc, &trigger, &mut self.out);
            }
        }
        let drives = Drives {
            sensors: self.supervisor.is_up(Builtin::Sensormon),
            thermal: self.supervisor.is_up(Builtin::Thermalmgr),
            leds: self.supervisor.is_up(Builtin::Ledmgr),
            lines: self.supervisor.is_up(Builtin::Statemgr),
            failsafe: self.supervisor.failsafe().is_some(),
        };
        let was = std::mem::replace(&mut self.drives, drives);
        if drives.sensors && !was.sensors {
            self.sensors.begin(&mut self.out);
        }
        if drives.leds && !was.leds {
            self.leds.forget_shown();
        }
        if was.lines && !drives.lines && !self.hands_over() {
            // Nobody follows the lines any more: what was off may be on.
            self.machines.forget_lines();
            for id in self.machines.ids() {
                self.sensors.power_changed(id, true, &mut self.out);
            }
            self.evaluate_zones(false);
        }
        if drives.failsafe != was.failsafe {
            self.evaluate_zones(false);
        }
        if drives.thermal != was.thermal {
            self.thermal.forget_told();
            self.evaluate_zones(false);
        }
        // What the BMC's machine has just done must not wait for the next input.
        if !self.machines.is_settled() {
            self.follow_up();
        }
    }

    pub(crate) fn evaluate_zones(&mut self, sampled: bool) {
        if sampled {
            self.thermal.writes_settled(&mut self.out);
        }
        self.thermal.evaluate(&self.sensors, self.drives.thermal, self.supervisor.failsafe(), &mut self.out);
        self.answer_trips();
    }

    /// Everything is to go down, and then the BMC perhaps up again.
    pub(crate) fn leave(&mut self, emergency: bool, then: Ending) {
        self.thermal.leave();
        // Whoever comes after a reboot comes late: the fans are not held for it.
        self.leave_fans(emergency || then != Ending::Over);
        self.supervisor.shut_down(emergency, &self.board.policy, then, &mut self.out);
    }

    /// A policy acts: whatever operation is in the way ends for it.
    pub(crate) fn run(&mut self, id: MachineId, verb: Verb, actor: &str, reason: &str) -> OperationId {
        let plan = Plan { supersedes: true, ..self.scene().plan(id, verb) };
        let machine = self.machines.get(id);
        let order = Order {
            kind: kind_of(machine.spec.definition.kind, verb),
            target: machine.spec.name.to_string(),
            actor,
            reason,
            key: "",
            deadline: None,
        };
        // The chain stays that of what the policy answers; what comes of it is the policy's doing.
        let outer = self.out.cause();
        self.out.because(Cause { id: outer.id, actor: actor.into() });
        let house = house!(self);
        let id = self.operations.open_machines(order, plan, &house, &mut self.machines, &mut self.out);
        self.out.because(outer);
        id
    }

    pub(crate) fn scene(&self) -> Scene<'_> {
        let house = house!(self);
        house.scene(&self.machines, &self.operations, self.out.now())
    }

    fn command_failed(&mut self, command: &HardwareCommand, reason: &str) {
        let out = &mut self.out;
        out.new_cause("");
        match command {
            HardwareCommand::SetDuty(fan, _) => self.thermal.write_failed(*fan, reason, out),
            HardwareCommand::SetSignal(line, _) => self.machines.drive_failed(*line, reason, out),
            HardwareCommand::SetRail(rail, _) => self.machines.rail_failed(*rail, reason, out),
            HardwareCommand::CaptureFault(supply) => {
                let name = &self.board.supply(*supply).name;
                self.supplies.not_captured(name, reason, out);
            }
            HardwareCommand::SetLed(led, _) => self.leds.write_failed(*led, reason, out),
        }
    }

    /// A machine without what could be asked of it, for tests and harnesses.
    pub fn machine_now(&self, id: MachineId) -> &Machine {
        self.machines.get(id)
    }

    /// State of a service, for tests and harnesses.
    pub fn service_state(&self, id: ServiceId) -> ServiceState {
        self.supervisor.unit(id).state.public()
    }
}
