//! The shipped simulated board and the core, closed to a loop in one process and in simulated time: what the shell, the
//! drivers and the board's own process are to each other in real life, without any of them.
//!
//! - `mod`: the loop itself, and what can be asked of it;
//! - [`script`]: scenarios as text.
//!
//! Nothing here is left to chance: the same calls give the same events.

pub mod script;

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use crate::world::mirror::Mirror;
use ubmc_core::{
    board::{Board, Ending},
    core::Core,
    effect::{Effect, Effects, Reply},
    event::Event,
    ids::{Generation, RequestId, SensorId, ServiceId, SignalId},
    input::{Asked, Exit, HardwareCommand, Input, Request, Sample, ServiceHappening, Verb},
    memory::{Boot, BootCause, Memory, Past},
    refusal::Refusal,
    services::{Builtin, Deployment},
    time::Mono,
    units::{Duty, Level},
};
use ubmc_platforms::{
    board::{LoadOptions, NameOrFile, SensorBinding, SignalBinding, load},
    sim::{Bus, Edge, InitialPower, Line, Model, Quantity, SimConfig},
};

/// How often something may be due: sensors, deadlines, edges.
const STEP: Duration = Duration::from_millis(100);
/// The writer tells fans their duties again this often.
const REFRESH: Duration = Duration::from_secs(2);
/// A bus that answers later than this has not answered.
const BUS_TIMEOUT: Duration = Duration::from_secs(1);

/// What a daemon is told of the time before it. The first boot is one of which nothing is known.
fn past(boots: u32, memory: Memory) -> Past {
    let id = if boots > 1 { format!("boot-{boots}") } else { String::new() };
    Past { controller: Boot { id, cause: BootCause::Reset }, memory, ..Past::default() }
}

/// Asks a machine for something, bound to nothing: no revision, no key, no deadline.
pub fn transition(machine: &str, verb: Verb) -> Request {
    asking(machine, verb, false)
}

/// Asks what that would do.
pub fn plan(machine: &str, verb: Verb) -> Request {
    asking(machine, verb, true)
}

fn asking(machine: &str, verb: Verb, plan_only: bool) -> Request {
    Request::Transition {
        machine: machine.into(),
        verb,
        plan_only,
        revision: String::new(),
        idempotency_key: String::new(),
        deadline: None,
    }
}

/// The board with its core. A copy goes on as the original would.
#[derive(Clone)]
pub struct Plant {
    core: Core,
    model: Model,
    board: Board,
    lines: Vec<Line>,
    quantities: Vec<Option<Quantity>>,
    now: Mono,
    /// Living built-in tasks.
    tasks: BTreeMap<Builtin, (ServiceId, Generation)>,
    /// When each sensor is read next.
    due: Vec<Mono>,
    told: Vec<Option<Duty>>,
    refresh: Mono,
    pending: VecDeque<Input>,
    /// Buses whose driver never returns from its call: not even an error comes.
    blocked: BTreeSet<Bus>,
    /// LEDs that take nothing.
    broken_leds: BTreeSet<String>,
    /// The board's process is gone: nothing answers.
    unplugged: bool,
    events: Vec<Event>,
    replies: BTreeMap<RequestId, Result<Reply, Refusal>>,
    requests: u64,
    /// What was driven that must not be: a sentence each.
    unsafe_deeds: Vec<String>,
    /// What is kept for the next daemon.
    memory: Memory,
    /// Boots of the BMC, from 1 on.
    boots: u32,
    /// The daemon has ended, and wants the BMC rebooted like this.
    ended: Option<Ending>,
    /// Somebody who knows only what changed. None: nobody watches.
    watcher: Option<Mirror>,
}

impl Plant {
    /// The shipped board `sim-2u` with its built-in services alone, with this much of it switched on. Buses in
    /// `blocked` never answer, from the first call on.
    pub fn new(power: InitialPower, blocked: &[Bus]) -> Self {
        Self::on(power, blocked, |_| {})
    }

    /// The same with another policy, other budgets, other needs.
    pub fn on(power: InitialPower, blocked: &[Bus], change: impl FnOnce(&mut Board)) -> Self {
        let loaded = load(&LoadOptions {
            board: NameOrFile::Name("sim-2u".to_owned()),
            registries: Vec::new(),
            services_dir: None,
            vars: BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/bin".to_owned())]),
        });
        let mut loaded = loaded.unwrap_or_else(|problems| panic!("{problems}"));
        loaded.board.services.retain(|spec| matches!(spec.deployment, Deployment::Builtin(_)));
        let config = SimConfig { power, ..loaded.sim.clone().expect("sim-2u is simulated") };
        let lines = loaded.bindings.signals.iter().map(|binding| match binding {
            SignalBinding::Sim { line } => Line::find(line, &config).expect("a line of the model"),
            SignalBinding::Gpio { line, .. } => panic!("{line} is not simulated"),
        });
        let lines = lines.collect();
        let quantities = loaded.bindings.sensors.iter().map(|binding| match binding {
            SensorBinding::Sim { quantity } => {
                Some(Quantity::find(quantity, &config).expect("a quantity of the model"))
            }
            SensorBinding::Derived => None,
            other => panic!("{other:?} is not simulated"),
        });
        let quantities = quantities.collect();
        let mut board = loaded.board;
        change(&mut board);
        let mut plant = Self {
            core: Core::new(board.clone(), 1).expect("a board without circles"),
            model: Model::new(&config).expect("a possible machine"),
            lines,
            quantities,
            now: Mono::ZERO,
            tasks: BTreeMap::new(),
            due: vec![Mono::ZERO; board.sensors.len()],
            told: vec![None; board.fans.len()],
            refresh: Mono::ZERO,
            pending: VecDeque::new(),
            blocked: blocked.iter().copied().collect(),
            broken_leds: BTreeSet::new(),
            unplugged: false,
            events: Vec::new(),
            replies: BTreeMap::new(),
            requests: 0,
            unsafe_deeds: Vec::new(),
            memory: Memory::default(),
            boots: 1,
            ended: None,
            watcher: None,
            board,
        };
        let effects = plant.core.start(Mono::ZERO);
        plant.absorb(effects);
        plant.settle();
        plant
    }

    /// The core.
    pub const fn core(&self) -> &Core {
        &self.core
    }

    /// The machine, for what the person in front of it sees and does. Its reactions reach the core with the next step.
    pub const fn model(&mut self) -> &mut Model {
        &mut self.model
    }

    /// Time since the start.
    pub const fn now(&self) -> Mono {
        self.now
    }

    /// Every event so far, oldest first.
    pub fn events(&self) -> &[Event] {
        &self.events
    }

    /// From now on somebody watches.
    pub fn watch(&mut self) {
        self.watcher = Some(Mirror::snapshot(&self.core));
    }

    /// What a watcher believes that is not so.
    pub fn misbelief(&self) -> Option<String> {
        self.watcher.as_ref().and_then(|watcher| watcher.difference(&self.core))
    }

    /// The board's process goes, as a killed one does.
    pub fn unplug(&mut self) {
        self.unplugged = true;
        for index in 0..self.lines.len() {
            self.pending.push_back(Input::Signal(SignalId::new(index), None));
        }
        self.settle();
    }

    /// It comes back, with everything as it was.
    pub fn plug_in(&mut self) {
        self.unplugged = false;
        self.read_lines();
        self.settle();
    }

    /// The daemon dies; another one starts on the machine as it is, and remembers nothing.
    pub fn restart(&mut self) {
        self.start_anew(Memory::default());
    }

    /// The daemon dies; another one starts on the machine as it is, with what was kept.
    pub fn resume(&mut self) {
        self.start_anew(self.memory.clone());
    }

    fn start_anew(&mut self, memory: Memory) {
        let past = past(self.boots, memory);
        self.core = Core::after(self.board.clone(), 1, past).expect("a board without circles");
        self.tasks.clear();
        self.pending.clear();
        self.replies.clear();
        self.due.fill(self.now);
        self.told.fill(None);
        let effects = self.core.start(self.now);
        if self.watcher.is_some() {
            self.watch();
        }
        self.absorb(effects);
        self.settle();
    }

    /// A built-in task panics.
    pub fn crash(&mut self, builtin: Builtin) {
        let Some((service, generation)) = self.tasks.remove(&builtin) else { return };
        for happening in [ServiceHappening::Exited(Exit::Panic), ServiceHappening::Gone] {
            self.pending.push_back(Input::Service { service, generation, happening });
        }
        self.settle();
    }

    /// A line is read anew, whatever it carries; absent: it cannot be read.
    pub fn read_as(&mut self, line: SignalId, level: Option<Level>) {
        if self.tasks.contains_key(&Builtin::Statemgr) {
            self.pending.push_back(Input::Signal(line, level));
        }
        self.settle();
    }

    /// What was driven that must not be, since the start: a host that is switched on while its chassis is not on.
    pub fn unsafe_deeds(&self) -> &[String] {
        &self.unsafe_deeds
    }

    /// What a line really carries.
    pub fn carries(&self, line: SignalId) -> Level {
        self.model.level(self.lines[line.index()])
    }

    /// An LED takes nothing any more, or does again.
    pub fn break_led(&mut self, name: &str, broken: bool) {
        if broken {
            self.broken_leds.insert(name.to_owned());
        } else {
            self.broken_leds.remove(name);
        }
    }

    /// Somebody asks for something. The answer is there at once.
    pub fn ask(&mut self, request: Request) -> Result<Reply, Refusal> {
        self.requests += 1;
        let id = RequestId(self.requests);
        let asked = Asked { id, actor: "engineer".to_owned(), reason: "a scenario".to_owned(), request };
        self.pending.push_back(Input::Asked(asked));
        self.settle();
        self.replies.remove(&id).expect("every request is answered")
    }

    /// A tenth of a second passes.
    pub fn step(&mut self) {
        self.deliver_edges();
        let until = self.now + STEP;
        while self.now < until {
            let deadline = self.core.next_deadline().unwrap_or(until);
            let edge = self.model.next_deadline().map_or(until, |after| self.now + after);
            let next = deadline.min(edge).min(until).max(self.now);
            if !self.unplugged {
                self.model.step(next.since(self.now));
            }
            self.now = next;
            self.deliver_edges();
            if self.core.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                self.pending.push_back(Input::Tick);
                self.settle();
            }
        }
        self.sample();
        self.refresh();
        if let Some(Ending::Reboot(_)) = self.ended.take() {
            self.boots += 1;
            self.resume();
        }
    }

    fn sample(&mut self) {
        if !self.tasks.contains_key(&Builtin::Sensormon) {
            return;
        }
        let mut by_bus: BTreeMap<Bus, Vec<(SensorId, Sample)>> = BTreeMap::new();
        for (index, quantity) in self.quantities.iter().enumerate() {
            let Some(quantity) = quantity.filter(|_| self.due[index] <= self.now) else { continue };
            self.due[index] = self.now + self.board.sensors[index].interval;
            if !self.blocked.contains(&quantity.bus()) {
                by_bus.entry(quantity.bus()).or_default().push((SensorId::new(index), self.read(quantity)));
            }
        }
        self.pending.extend(by_bus.into_values().map(Input::Samples));
        self.settle();
    }

    fn read(&self, quantity: Quantity) -> Sample {
        let late = self.model.hang(quantity.bus()).is_some_and(|hang| hang.delay.is_none_or(|it| it >= BUS_TIMEOUT));
        if self.unplugged {
            Sample::Error("the simulated board is not running".to_owned())
        } else if late {
            Sample::Error(format!("bus {} did not answer within 1000 ms", quantity.bus()))
        } else {
            self.model.sample(quantity)
        }
    }

    fn refresh(&mut self) {
        if self.now < self.refresh || !self.tasks.contains_key(&Builtin::Thermalmgr) {
            return;
        }
        self.refresh = self.now + REFRESH;
        let told: Vec<_> = self.told.iter().enumerate().filter_map(|(fan, duty)| Some((fan, (*duty)?))).collect();
        for (fan, duty) in told {
            self.command(HardwareCommand::SetDuty(ubmc_core::ids::FanId::new(fan), duty));
        }
        self.settle();
    }

    fn read_lines(&mut self) {
        // What is read now is newer than any edge before.
        self.model.take_edges();
        if self.tasks.contains_key(&Builtin::Statemgr) {
            for (index, line) in self.lines.iter().enumerate() {
                let level = (!self.unplugged).then(|| self.model.level(*line));
                self.pending.push_back(Input::Signal(SignalId::new(index), level));
            }
        }
    }

    fn deliver_edges(&mut self) {
        for Edge { line, level, .. } in self.model.take_edges() {
            let index = self.lines.iter().position(|known| *known == line);
            if let Some(index) = index.filter(|_| self.tasks.contains_key(&Builtin::Statemgr) && !self.unplugged) {
                self.pending.push_back(Input::Signal(SignalId::new(index), Some(level)));
            }
        }
        self.settle();
    }

    /// Hands everything that waits to the core, with all that it leads to.
    fn settle(&mut self) {
        while let Some(input) = self.pending.pop_front() {
            let effects = self.core.handle(self.now, input);
            self.absorb(effects);
        }
    }

    fn absorb(&mut self, effects: Effects) {
        if let Some(watcher) = &mut self.watcher {
            watcher.apply(&self.core, &effects.changed);
        }
        self.events.extend(effects.events);
        for deed in effects.deeds {
            self.carry_out(deed);
        }
    }

    fn carry_out(&mut self, deed: Effect) {
        match deed {
            Effect::StartBuiltin { service, generation, builtin } => {
                self.tasks.insert(builtin, (service, generation));
                for happening in [ServiceHappening::Spawned { pid: None }, ServiceHappening::Ready] {
                    self.pending.push_back(Input::Service { service, generation, happening });
                }
                if builtin == Builtin::Statemgr {
                    self.read_lines();
                }
            }
            Effect::StopBuiltin { service, generation, .. } => {
                self.tasks.retain(|_, task| *task != (service, generation));
                for happening in [ServiceHappening::Exited(Exit::Code(0)), ServiceHappening::Gone] {
                    self.pending.push_back(Input::Service { service, generation, happening });
                }
            }
            Effect::Command(command) => self.command(command),
            Effect::Reply(id, reply) => {
                self.replies.insert(id, reply);
            }
            Effect::Spawn { .. } | Effect::Signal { .. } | Effect::RunStopCommand { .. } | Effect::Check { .. } => {
                panic!("there are no processes here")
            }
            Effect::Persist(memory) => self.memory = memory,
            Effect::Exit(then) => self.ended = Some(then),
            Effect::HoldFans(_) => {}
        }
    }

    fn command(&mut self, command: HardwareCommand) {
        let done =
            if self.unplugged { Err("the simulated board is not running".to_owned()) } else { self.drive(&command) };
        if let Err(reason) = done {
            self.pending.push_back(Input::CommandFailed { command, reason });
        }
        for Edge { line, level, .. } in self.model.take_edges() {
            if let Some(index) = self.lines.iter().position(|known| *known == line)
                && self.tasks.contains_key(&Builtin::Statemgr)
            {
                self.pending.push_back(Input::Signal(SignalId::new(index), Some(level)));
            }
        }
    }

    /// No host is switched on while its chassis is not on.
    fn check_prerequisite(&mut self, line: SignalId, level: Level) {
        for spec in &self.board.machines {
            let controls = spec.signals.get("power-control") == Some(&line) && level.is_high();
            let Some(parent) = spec.parent.filter(|_| controls) else { continue };
            let parent = self.core.machine_now(parent);
            if parent.state_name().as_str() != "on" {
                let text =
                    format!("{} is switched on while {} is {}", spec.name, parent.spec.name, parent.state_name());
                self.unsafe_deeds.push(text);
            }
        }
    }

    fn drive(&mut self, command: &HardwareCommand) -> Result<(), String> {
        let done = match command {
            HardwareCommand::SetSignal(line, level) => {
                self.check_prerequisite(*line, *level);
                self.model.set_line(self.lines[line.index()], *level)
            }
            HardwareCommand::SetDuty(fan, duty) => {
                self.told[fan.index()] = Some(*duty);
                self.model.set_duty(fan.index(), *duty)
            }
            // The shipped board's rails are switched by lines.
            HardwareCommand::SetRail(..) => Ok(()),
            HardwareCommand::CaptureFault(supply) => self.model.fault_registers(supply.index()).map(|registers| {
                self.pending.push_back(Input::FaultRegisters(*supply, registers));
            }),
            HardwareCommand::SetLed(led, pattern) => {
                let name = self.board.led(*led).name.to_string();
                if self.broken_leds.contains(&name) {
                    return Err("no such device".to_owned());
                }
                self.model.set_led(&name, *pattern)
            }
        };
        done.map_err(|refusal| refusal.to_string())
    }
}
