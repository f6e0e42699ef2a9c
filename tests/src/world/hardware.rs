//! Worlds of hardware: the shipped simulated board, its faults, and power requests at any moment.

mod outage;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::OnceLock,
    time::Duration,
};

use ubmc_core::{
    board::{Board, Ending},
    core::Core,
    effect::{Effect, Effects},
    ids::{FanId, Generation, LedId, MachineId, RequestId, SensorId, ServiceId, SignalId, ZoneId},
    input::{Asked, Exit, HardwareCommand, Input, Request, ServiceHappening, Verb},
    machines::{MachineKind, Tone},
    rng::Rng,
    services::{Builtin, Deployment},
    time::Mono,
    units::{Duty, Level},
    view::{Quality, Status, ZoneState},
};
use ubmc_platforms::{
    board::{LoadOptions, Loaded, NameOrFile, SensorBinding, SignalBinding, load},
    sim::{Edge, Fault, FaultKind, Line, Model, Quantity, SimConfig, Target},
};

use self::outage::Outages;
use super::{Tail, Violation, mirror::Mirror};
use crate::plant::transition;

const TROUBLE: Duration = Duration::from_secs(180);
const CALM: Duration = Duration::from_secs(420);
const SECOND: Duration = Duration::from_secs(1);
/// No die may ever get hotter than this while the core's protection has its sensors and lines, °C.
const NEVER_HOTTER: f64 = 118.0;

pub use self::outage::run as run_with_outages;

/// Runs one world. Returns how many inputs it took.
pub fn run(seed: u64) -> Result<u64, Violation> {
    let mut world = World::new(seed).map_err(|text| Violation { seed, text, tail: Vec::new() })?;
    let ended = world.live();
    ended.map_err(|text| Violation { seed, text, tail: world.tail.take() })?;
    Ok(world.steps)
}

/// The shipped board with its built-in services alone: processes have worlds of their own.
pub(super) fn board() -> &'static Loaded {
    static BOARD: OnceLock<Loaded> = OnceLock::new();
    BOARD.get_or_init(|| {
        let vars = BTreeMap::from([("UBMC_BIN_DIR".to_owned(), "/bin".to_owned())]);
        let options = LoadOptions {
            board: NameOrFile::Name("sim-2u".to_owned()),
            registries: Vec::new(),
            services_dir: None,
            vars,
        };
        let mut loaded = load(&options).unwrap_or_else(|problems| panic!("{problems}"));
        loaded.board.services.retain(|spec| matches!(spec.deployment, Deployment::Builtin(_)));
        loaded
    })
}

struct World {
    core: Core,
    model: Model,
    config: SimConfig,
    board: &'static Board,
    lines: Vec<Line>,
    quantities: Vec<Option<Quantity>>,
    rng: Rng,
    now: Mono,
    /// Living built-in tasks.
    tasks: BTreeMap<Builtin, (ServiceId, Generation)>,
    told: Vec<Option<Duty>>,
    /// Edges that nobody has delivered yet, oldest first.
    edges: VecDeque<Edge>,
    mirror: Mirror,
    next_seq: u64,
    requests: u64,
    calm: bool,
    /// A fault that protection cannot see through was injected: physics is excused.
    blinded: bool,
    ended: bool,
    steps: u64,
    /// Inputs within inputs: what a deed brings about at once.
    depth: u32,
    outages: Outages,
    tail: Tail,
}

impl World {
    fn new(seed: u64) -> Result<Self, String> {
        let loaded = board();
        let config = loaded.sim.clone().ok_or("sim-2u is not simulated")?;
        let config = SimConfig { seed, ..config };
        let lines = loaded.bindings.signals.iter().map(|binding| match binding {
            SignalBinding::Sim { line } => Line::find(line, &config).map_err(|_| format!("no line {line}")),
            SignalBinding::Gpio { line, .. } => Err(format!("{line} is not simulated")),
        });
        let lines = lines.collect::<Result<Vec<_>, _>>()?;
        let quantities = loaded.bindings.sensors.iter().map(|binding| match binding {
            SensorBinding::Sim { quantity } => {
                Quantity::find(quantity, &config).map(Some).map_err(|_| format!("no quantity {quantity}"))
            }
            SensorBinding::Derived => Ok(None),
            other => Err(format!("{other:?} is not simulated")),
        });
        let quantities = quantities.collect::<Result<Vec<_>, _>>()?;
        let mut core = Core::new(loaded.board.clone(), seed).map_err(|errors| format!("{errors:?}"))?;
        core.controlled_by(outage::first_boot());
        let mut world = Self {
            core,
            model: Model::new(&config).map_err(|problem| format!("{problem:?}"))?,
            config,
            board: &loaded.board,
            lines,
            quantities,
            rng: Rng::new(seed ^ 0x4a4d),
            now: Mono::ZERO,
            tasks: BTreeMap::new(),
            told: vec![None; loaded.board.fans.len()],
            edges: VecDeque::new(),
            mirror: Mirror::default(),
            next_seq: 1,
            requests: 0,
            calm: false,
            blinded: false,
            ended: false,
            steps: 0,
            depth: 0,
            outages: Outages::default(),
            tail: Tail::default(),
        };
        let effects = world.core.start(Mono::ZERO);
        world.mirror = Mirror::snapshot(&world.core);
        world.absorb(effects)?;
        Ok(world)
    }

    fn live(&mut self) -> Result<(), String> {
        while self.now < Mono::new(TROUBLE) {
            self.second()?;
            // An operator who powers everything on first: most worlds should have something to lose.
            match self.now.since_origin().as_secs() {
                2 => self.ask("chassis", Verb::parse("on"))?,
                4 => self.ask("host.0", Verb::parse("on"))?,
                14 => self.ask("host.1", Verb::parse("on"))?,
                _ => {}
            }
            if self.chance(0.12) {
                self.trouble()?;
            }
        }
        self.calm = true;
        self.model.clear(None, None);
        let _ = self.model.set("ambient", 25.0);
        // An updater that died would hold power-ons off for half an hour.
        self.ask("bmc", Verb::parse("update-end"))?;
        while self.now < Mono::new(TROUBLE + CALM) {
            self.second()?;
        }
        self.check_settled()?;
        if let Some(difference) = self.mirror.difference(&self.core) {
            return Err(difference);
        }
        self.request(Request::Shutdown { emergency: false })?;
        for _ in 0..90 {
            if self.ended {
                return Ok(());
            }
            self.second()?;
        }
        Err("the shutdown did not end in time".to_owned())
    }

    fn chance(&mut self, share: f64) -> bool {
        self.rng.unit() < share
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.rng.next_u64() % bound.max(1) as u64).unwrap_or(0)
    }

    /// One second of the world: physics in pieces, edges and deadlines at their time, then a round of samples.
    fn second(&mut self) -> Result<(), String> {
        let until = self.now + SECOND;
        while self.now < until && !self.ended {
            let deadline = self.core.next_deadline().unwrap_or(until);
            let edge = self.model.next_deadline().map_or(until, |after| self.now + after);
            let next = deadline.min(edge).min(self.now + Duration::from_millis(500)).min(until).max(self.now);
            let step = next.since(self.now);
            self.model.step(step);
            self.now = next;
            self.deliver_edges()?;
            if self.core.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                self.input(Input::Tick)?;
            }
        }
        if self.ended {
            return if self.outages.reboots { self.reboot() } else { Ok(()) };
        }
        if self.tasks.contains_key(&Builtin::Sensormon) {
            let read = |quantity: &Option<Quantity>| quantity.map(|quantity| self.model.sample(quantity));
            let samples = self.quantities.iter().enumerate();
            let samples = samples.filter_map(|(index, quantity)| Some((SensorId::new(index), read(quantity)?)));
            let samples = samples.collect();
            self.input(Input::Samples(samples))?;
        }
        if self.tasks.contains_key(&Builtin::Thermalmgr) {
            // The writer refreshes what the fan chip's watchdog would otherwise forget.
            for (fan, duty) in self.told.clone().into_iter().enumerate() {
                if let Some(duty) = duty {
                    let _ = self.model.set_duty(fan, duty);
                }
            }
        }
        self.check_physics()
    }

    /// In order, one after the other: what an edge leads to may cause the next.
    fn deliver_edges(&mut self) -> Result<(), String> {
        loop {
            self.edges.extend(self.model.take_edges());
            let Some(edge) = self.edges.pop_front() else { return Ok(()) };
            if self.tasks.contains_key(&Builtin::Statemgr) {
                self.line(edge.line, Some(edge.level))?;
            }
        }
    }

    fn line(&mut self, line: Line, level: Option<Level>) -> Result<(), String> {
        match self.lines.iter().position(|known| *known == line) {
            Some(index) => self.input(Input::Signal(SignalId::new(index), level)),
            None => Ok(()),
        }
    }

    fn trouble(&mut self) -> Result<(), String> {
        if self.outages.happen && self.chance(0.3) {
            return self.outage();
        }
        match self.below(10) {
            0..=2 => {
                self.fault();
                Ok(())
            }
            3 => {
                let faults = self.model.faults();
                if !faults.is_empty() {
                    let fault = faults[self.below(faults.len())];
                    self.tail.push(format!("{} clears {:?}", self.now, fault.kind));
                    self.model.clear(Some(fault.kind), Some(fault.target));
                }
                Ok(())
            }
            4 => {
                let ambient = 15.0 + self.rng.unit() * 27.0;
                let host = self.below(self.config.hosts.count);
                let load = self.rng.unit();
                let _ = self.model.set("ambient", ambient);
                let _ = self.model.set(&format!("host.{host}.load"), load);
                Ok(())
            }
            5 => self.crash_a_task(),
            6 => {
                let targets = ["fan.0", "fan.5", "cpu", "system"];
                let target = targets[self.below(targets.len())].into();
                let percent = self.rng.unit() * 100.0;
                let duration = Duration::from_secs_f64(1.0 + self.rng.unit() * 60.0);
                self.request(Request::SetOverride { target, percent, duration })
            }
            _ => {
                let machine = self.board.machines[self.below(self.board.machines.len())].name.to_string();
                let verb = Verb::ALL[self.below(Verb::ALL.len())];
                self.ask(&machine, Some(verb))
            }
        }
    }

    fn fault(&mut self) {
        let kind = FaultKind::ALL[self.below(FaultKind::ALL.len())];
        let quantities: Vec<_> = self.quantities.iter().flatten().copied().collect();
        let target = match kind {
            FaultKind::SensorMissing | FaultKind::SensorStuck | FaultKind::SensorNan => {
                Target::Quantity(quantities[self.below(quantities.len())])
            }
            FaultKind::FanFail | FaultKind::FanSlow | FaultKind::PwmWriteFails => Target::Fan(self.below(6)),
            FaultKind::PsuFail | FaultKind::PsuAbsent => Target::Psu(self.below(2)),
            FaultKind::AcLoss => {
                if self.chance(0.5) {
                    Target::AllSupplies
                } else {
                    Target::Psu(self.below(2))
                }
            }
            FaultKind::PowerGoodLost | FaultKind::PowerGoodNever | FaultKind::PowerGoodStuck => {
                let targets = kind.targets(&self.config);
                targets[self.below(targets.len())]
            }
            FaultKind::HostHang => Target::Host(self.below(2)),
            FaultKind::BusHang => {
                let quantity = quantities[self.below(quantities.len())];
                Target::Bus(quantity.bus())
            }
            FaultKind::GpioStuck => {
                let index = self.below(self.lines.len());
                Target::Line(self.lines[index])
            }
        };
        // A sensor that lies, a switch that does not move, fans that do not listen: no software sees through these.
        self.blinded |= matches!(kind, FaultKind::SensorStuck | FaultKind::GpioStuck | FaultKind::PowerGoodStuck);
        self.tail.push(format!("{} injects {kind:?} at {target:?}", self.now));
        self.model.inject(Fault { kind, target, value: None });
    }

    fn crash_a_task(&mut self) -> Result<(), String> {
        let living: Vec<_> = self.tasks.keys().copied().collect();
        if living.is_empty() {
            return Ok(());
        }
        let builtin = living[self.below(living.len())];
        self.end_task(builtin, Exit::Panic)
    }

    fn end_task(&mut self, builtin: Builtin, exit: Exit) -> Result<(), String> {
        let Some((service, generation)) = self.tasks.remove(&builtin) else { return Ok(()) };
        if builtin == Builtin::Thermalmgr {
            // Its last act, also when it panics: the writer's guard.
            for (fan, told) in self.told.iter_mut().enumerate() {
                *told = None;
                let _ = self.model.set_duty(fan, Duty::FULL);
            }
        }
        self.input(Input::Service { service, generation, happening: ServiceHappening::Exited(exit) })?;
        self.input(Input::Service { service, generation, happening: ServiceHappening::Gone })
    }

    fn ask(&mut self, machine: &str, verb: Option<Verb>) -> Result<(), String> {
        let verb = verb.ok_or("no such verb")?;
        self.request(transition(machine, verb))
    }

    fn request(&mut self, request: Request) -> Result<(), String> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.input(Input::Asked(Asked { id, actor: "chance".to_owned(), reason: String::new(), request }))
    }

    fn input(&mut self, input: Input) -> Result<(), String> {
        self.steps += 1;
        if !matches!(input, Input::Tick | Input::Samples(_)) {
            self.tail.push(format!("{} {input:?}", self.now));
        }
        let effects = self.core.handle(self.now, input);
        self.depth += 1;
        let absorbed = self.absorb(effects);
        self.depth -= 1;
        absorbed?;
        // Only when everything that was decided has been done is the picture whole.
        if self.depth == 0 { self.check_fans() } else { Ok(()) }
    }

    fn absorb(&mut self, effects: Effects) -> Result<(), String> {
        for event in &effects.events {
            if event.seq != self.next_seq {
                return Err(format!("event {} came where {} should have", event.seq, self.next_seq));
            }
            self.next_seq += 1;
            self.tail.push(format!("{}   * {}", self.now, event.text));
            self.check_restored(event)?;
        }
        self.mirror.apply(&self.core, &effects.changed);
        if self.core.next_deadline().is_some_and(|deadline| deadline <= self.now) {
            return Err("a deadline is left over".to_owned());
        }
        self.check_bounds()?;
        for deed in effects.deeds {
            self.carry_out(deed)?;
        }
        Ok(())
    }

    fn carry_out(&mut self, deed: Effect) -> Result<(), String> {
        match deed {
            Effect::StartBuiltin { service, generation, builtin } => {
                if self.tasks.insert(builtin, (service, generation)).is_some() {
                    return Err(format!("{builtin:?} is started while it runs"));
                }
                self.input(Input::Service { service, generation, happening: ServiceHappening::Spawned { pid: None } })?;
                self.input(Input::Service { service, generation, happening: ServiceHappening::Ready })?;
                if builtin == Builtin::Statemgr {
                    // What it reads now is newer than any edge before.
                    self.edges.clear();
                    self.model.take_edges();
                    for line in self.lines.clone() {
                        let level = self.model.level(line);
                        self.line(line, Some(level))?;
                    }
                }
            }
            Effect::StopBuiltin { service, generation, .. } => {
                let found = self.tasks.iter().find(|(_, task)| **task == (service, generation)).map(|(task, _)| *task);
                if let Some(builtin) = found {
                    self.end_task(builtin, Exit::Code(0))?;
                }
            }
            Effect::Command(command) => self.command(command)?,
            Effect::Exit(ending) => {
                self.ended = true;
                self.outages.reboots = ending != Ending::Over;
                if self.tasks.contains_key(&Builtin::Thermalmgr) {
                    return Err("the daemon ends while fans are still driven".to_owned());
                }
            }
            Effect::Spawn { .. } | Effect::Signal { .. } | Effect::RunStopCommand { .. } | Effect::Check { .. } => {
                return Err("there are no processes here".to_owned());
            }
            Effect::Persist(memory) => self.outages.keep(memory),
            Effect::Reply(..) | Effect::HoldFans(_) => {}
        }
        Ok(())
    }

    fn command(&mut self, command: HardwareCommand) -> Result<(), String> {
        let (owner, done) = match &command {
            HardwareCommand::SetSignal(line, level) => {
                self.check_prerequisite(*line, *level)?;
                (Builtin::Powermgr, self.lines.get(line.index()).map(|line| self.model.set_line(*line, *level)))
            }
            HardwareCommand::SetDuty(fan, duty) => {
                self.told[fan.index()] = Some(*duty);
                (Builtin::Thermalmgr, Some(self.model.set_duty(fan.index(), *duty)))
            }
            // The shipped board's rails are switched by lines.
            HardwareCommand::SetRail(..) => (Builtin::Powermgr, None),
            HardwareCommand::CaptureFault(supply) => match self.model.fault_registers(supply.index()) {
                Ok(registers) => return self.input(Input::FaultRegisters(*supply, registers)),
                Err(refusal) => (Builtin::Powermgr, Some(Err(refusal))),
            },
            HardwareCommand::SetLed(led, pattern) => {
                let name = self.board.led(LedId::new(led.index())).name.to_string();
                (Builtin::Ledmgr, Some(self.model.set_led(&name, *pattern)))
            }
        };
        let failed = match done {
            _ if !self.tasks.contains_key(&owner) => Some(format!("{} is not running", owner.as_str())),
            Some(Err(refusal)) => Some(refusal.to_string()),
            Some(Ok(())) | None => None,
        };
        self.edges.extend(self.model.take_edges());
        match failed {
            Some(reason) => self.input(Input::CommandFailed { command, reason }),
            None => Ok(()),
        }
    }

    /// No host is powered while its chassis is off.
    fn check_prerequisite(&self, line: SignalId, level: Level) -> Result<(), String> {
        for (index, spec) in self.board.machines.iter().enumerate() {
            let controls = spec.signals.get("power-control") == Some(&line);
            let Some(parent) = spec.parent.filter(|_| controls && level == Level::High) else { continue };
            let parent = self.core.machine(parent, self.now);
            if parent.state.as_str() != "on" {
                let name = &self.board.machine(MachineId::new(index)).name;
                return Err(format!("{name} is powered on while {} is {}", parent.name, parent.state));
            }
        }
        Ok(())
    }

    /// Every time spent in a transitional state is bounded.
    fn check_bounds(&self) -> Result<(), String> {
        for index in 0..self.board.machines.len() {
            let view = self.core.machine(MachineId::new(index), self.now);
            let known = view.cause != "its state is not known yet";
            if known && view.tone == Tone::Transitional && view.timeout_at.is_none() && !self.ended {
                return Err(format!("{} is {} without bound", view.name, view.state));
            }
        }
        Ok(())
    }

    /// Whenever a needed temperature is unknown or beyond its limit, the zone's fans are at least at fail-safe.
    fn check_fans(&self) -> Result<(), String> {
        // What has changed and not been told yet cannot be known.
        if !self.tasks.contains_key(&Builtin::Thermalmgr) || !self.edges.is_empty() {
            return Ok(());
        }
        for (index, zone) in self.board.zones.iter().enumerate() {
            let bad = zone.sensors().into_iter().find(|sensor| {
                let view = self.core.sensor(*sensor);
                match view.quality {
                    Quality::Good => matches!(view.status, Status::Critical | Status::Fatal),
                    // The core's word for it is not enough: the machine must really be off.
                    Quality::Unpowered => !self.blinded && self.really_powered(*sensor),
                    Quality::NotYetRead | Quality::Stale | Quality::Failed | Quality::Absent => {
                        !view.spec.protection.missing_ok
                    }
                }
            });
            let Some(sensor) = bad else { continue };
            let failsafe = self.board.sensor(sensor).protection.failsafe.unwrap_or(zone.failsafe);
            for fan in &zone.fans {
                let told = self.told[fan.index()].unwrap_or(Duty::FULL);
                let fan = self.core.fan(FanId::new(fan.index()));
                if fan.duty < failsafe || told < failsafe {
                    let sensor = self.core.sensor(sensor);
                    let state = self.core.zone(ZoneId::new(index)).state.as_str();
                    return Err(format!(
                        "{} is {} ({}), zone {} is {state}, yet {} is told only {}",
                        sensor.spec.name,
                        sensor.quality.as_str(),
                        sensor.status.as_str(),
                        zone.name,
                        fan.spec.name,
                        fan.duty
                    ));
                }
            }
        }
        Ok(())
    }

    /// Whether what a sensor measures has power in the model, whatever the core believes.
    fn really_powered(&self, sensor: SensorId) -> bool {
        let Some(machine) = self.board.sensor(sensor).powered_by else { return true };
        let Some(good) = self.board.machine(machine).signals.get("power-good") else { return true };
        self.model.level(self.lines[good.index()]).is_high()
    }

    fn check_physics(&self) -> Result<(), String> {
        if self.blinded || !self.now.since_origin().as_secs().is_multiple_of(5) {
            return Ok(());
        }
        let hot = self
            .model
            .values()
            .into_iter()
            .find(|value| value.name.ends_with("cpu_temp") && value.value > NEVER_HOTTER);
        match hot {
            Some(value) => Err(format!("{} really is {:.1} °C", value.name, value.value)),
            None => Ok(()),
        }
    }

    /// When faults cease everything reaches what was asked for, or says why not.
    fn check_settled(&self) -> Result<(), String> {
        for id in self.core.operations() {
            let view = self.core.operation(id).ok_or("an operation is not there")?;
            if !view.state.is_final() {
                return Err(format!("{id} ({} {}) never ended: {:?}", view.kind, view.target, view.steps));
            }
        }
        for index in 0..self.board.machines.len() {
            let view = self.core.machine(MachineId::new(index), self.now);
            if view.tone == Tone::Transitional {
                return Err(format!("{} is still {}", view.name, view.state));
            }
            let fulfilled = match view.requested {
                "on" => view.tone == Tone::Normal && view.state.as_str() != "off",
                "off" => matches!(view.state.as_str(), "off" | "maintenance"),
                _ => true,
            };
            if !fulfilled && view.reason.is_empty() && view.kind != MachineKind::Bmc {
                return Err(format!(
                    "{} should be {}, is {}, and does not say why",
                    view.name, view.requested, view.state
                ));
            }
        }
        for index in 0..self.board.zones.len() {
            let view = self.core.zone(ZoneId::new(index));
            if !matches!(view.state, ZoneState::Controlled | ZoneState::Tripped) {
                return Err(format!("zone {} is still {}: {}", view.spec.name, view.state.as_str(), view.reason));
            }
        }
        for task in Builtin::ALL {
            if !self.tasks.contains_key(&task) {
                let id = self.core.find_service(task.as_str()).ok_or("a built-in service is not there")?;
                let view = self.core.service(id);
                if view.reason.is_empty() {
                    return Err(format!("{} is {} and does not say why", task.as_str(), view.state.as_str()));
                }
            }
        }
        Ok(())
    }
}
