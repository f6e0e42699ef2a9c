//! A chassis with two hosts, as plain as can be: a control line, a power-good, and post-complete. The hardware is a few
//! booleans that outlive the core; its controller boots when it is told to.

use std::{sync::Arc, time::Duration};

use indexmap::IndexMap;
use ubmc_core::{
    board::Board,
    core::Core,
    effect::{Effect, Effects, Reply},
    event::Event,
    ids::{Generation, MachineId, OperationId, RequestId, ScheduleId, ServiceId, SignalId},
    input::{Asked, HardwareCommand, Input, Request, ServiceHappening, Verb},
    machines::{Action, Condition, Definition, Demand, MachineKind, MachineSpec, StateDef, Tone, Transition, Trigger},
    memory::{Boot, BootCause, Memory, Past},
    power::{Direction, SignalSpec},
    refusal::Refusal,
    restore::{RestorePolicy, RestoreSpec},
    services::{Builtin, Deployment, ServiceSpec},
    time::{Mono, Wall},
    units::Level,
    view::{OperationState, OperationView},
};

/// Wall time when the first core of a bench starts.
pub(crate) const BEGIN: Wall = Wall::new(Duration::from_secs(1_795_216_000));

/// What the machine is made of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hardware {
    /// Mains are there.
    pub dark: bool,
    /// Control lines as driven: chassis, hosts.
    pub control: [bool; 3],
    /// Hosts that never finish their boot.
    pub hung: [bool; 2],
    /// Hosts that had a reset since they hung, and boot this time.
    pub cured_by_reset: bool,
    /// Hosts whose power-good is on though nobody drives them.
    pub held: [bool; 2],
}

impl Hardware {
    fn good(&self, place: usize) -> bool {
        !self.dark && self.control[0] && (place == 0 || self.control[place] || self.held[place - 1])
    }

    fn level(&self, line: SignalId) -> bool {
        match line.index() {
            place @ 0..=2 => self.control[place],
            3 => self.good(0),
            place @ (4 | 5) => self.good(place - 3),
            place @ (6 | 7) => self.good(place - 5) && !self.hung[place - 6],
            _ => false,
        }
    }
}

/// One core after the other over the same hardware.
pub(crate) struct Bench {
    pub core: Core,
    pub hardware: Hardware,
    pub memory: Memory,
    pub events: Vec<Event>,
    pub specs: Vec<RestoreSpec>,
    now: Mono,
    wall: Wall,
    boot: Boot,
    boots: u32,
    told: [Option<bool>; 8],
    requests: u64,
    replies: Vec<Result<Reply, Refusal>>,
    persisted: usize,
}

const MACHINES: [&str; 3] = ["chassis", "host.0", "host.1"];

fn state(tone: Tone, powered: bool, timeout: Option<u64>, entry: Vec<Action>, rows: &[(Trigger, &str)]) -> StateDef {
    StateDef {
        description: String::new(),
        tone,
        powered,
        timeout: timeout.map(Duration::from_secs),
        entry,
        transitions: rows
            .iter()
            .map(|(on, to)| Transition { on: on.clone(), guard: Vec::new(), to: (*to).into() })
            .collect(),
    }
}

fn definition(kind: MachineKind) -> Definition {
    use Tone::{Fault, Normal, Transitional};
    let asked = Trigger::Demand;
    let rises = || Trigger::Rises("power-good".into());
    let falls = || Trigger::Falls("power-good".into());
    let drive = |level| vec![Action::Set { role: "power-control".into(), level }];
    let mut states = IndexMap::new();
    let (mut inputs, mut goals) = (vec!["power-good".into()], IndexMap::new());
    let up = if kind == MachineKind::Host { "booting" } else { "on" };
    states.insert(
        "off".into(),
        state(Normal, false, None, drive(Level::Low), &[(asked(Demand::On), "powering-on"), (rises(), up)]),
    );
    let rows = [(rises(), up), (asked(Demand::Off), "powering-off"), (Trigger::Timeout, "off")];
    states.insert("powering-on".into(), state(Transitional, false, Some(10), drive(Level::High), &rows));
    if kind == MachineKind::Host {
        inputs.push("post-complete".into());
        let post = || Trigger::Rises("post-complete".into());
        let away = [(falls(), "off"), (asked(Demand::Off), "powering-off"), (asked(Demand::Reset), "resetting")];
        let rows = |more: &[(Trigger, &'static str)]| [&away[..], more].concat();
        let booting = rows(&[(post(), "running"), (Trigger::Timeout, "quiesced")]);
        states.insert("booting".into(), state(Transitional, true, Some(120), Vec::new(), &booting));
        let running = rows(&[(Trigger::Falls("post-complete".into()), "booting")]);
        states.insert("running".into(), state(Normal, true, None, Vec::new(), &running));
        let pulse = vec![Action::Pulse { role: "reset".into(), duration: Duration::from_millis(500) }];
        let rows_of_reset =
            rows(&[(Trigger::Falls("post-complete".into()), "booting"), (Trigger::Timeout, "quiesced")]);
        states.insert("resetting".into(), state(Transitional, true, Some(10), pulse, &rows_of_reset));
        states.insert("quiesced".into(), state(Fault, true, None, Vec::new(), &rows(&[(post(), "running")])));
        goals.insert(Demand::Reset, vec!["booting".into()]);
        goals.insert(Demand::On, vec!["running".into()]);
    } else {
        let rows = [(falls(), "off"), (asked(Demand::Off), "powering-off")];
        states.insert("on".into(), state(Normal, true, None, Vec::new(), &rows));
        goals.insert(Demand::On, vec!["on".into()]);
    }
    let rows = [(falls(), "off"), (Trigger::Timeout, "off")];
    states.insert("powering-off".into(), state(Transitional, true, Some(10), drive(Level::Low), &rows));
    goals.insert(Demand::Off, vec!["off".into()]);
    let when = |role: &str, level| Condition { role: role.into(), level };
    let mut discovery = vec![(vec![when("power-good", Level::Low)], "off".into())];
    if kind == MachineKind::Host {
        discovery.push((vec![when("post-complete", Level::High)], "running".into()));
    }
    discovery.push((vec![when("power-good", Level::High)], up.into()));
    let mut outputs = vec!["power-control".into()];
    if kind == MachineKind::Host {
        outputs.push("reset".into());
    }
    Definition {
        kind,
        inputs,
        outputs,
        sequences: Vec::new(),
        states,
        discovery,
        undiscovered: if kind == MachineKind::Host { "quiesced".into() } else { "on".into() },
        goals,
    }
}

fn bmc() -> Definition {
    let rows = [(Trigger::ServicesReady, "ready")];
    let mut states = IndexMap::new();
    states.insert("initializing".into(), state(Tone::Transitional, true, Some(600), Vec::new(), &rows));
    states.insert("ready".into(), state(Tone::Normal, true, None, Vec::new(), &[]));
    Definition {
        kind: MachineKind::Bmc,
        inputs: Vec::new(),
        outputs: Vec::new(),
        sequences: Vec::new(),
        states,
        discovery: Vec::new(),
        undiscovered: "initializing".into(),
        goals: IndexMap::new(),
    }
}

fn board(specs: &[RestoreSpec]) -> Board {
    let signal = |name: &str, direction| SignalSpec { name: name.into(), direction };
    let signals = ["chassis-control", "host0-control", "host1-control"].map(|name| signal(name, Direction::Output));
    let inputs = ["chassis-good", "host0-good", "host1-good", "host0-post", "host1-post"];
    let mut signals: Vec<_> = signals.into_iter().chain(inputs.map(|name| signal(name, Direction::Input))).collect();
    signals.extend(["host0-reset", "host1-reset"].map(|name| signal(name, Direction::Output)));
    let host = Arc::new(definition(MachineKind::Host));
    let machine = |place: usize| {
        let mut roles = IndexMap::new();
        roles.insert("power-control".into(), SignalId::new(place));
        roles.insert("power-good".into(), SignalId::new(place + 3));
        if place > 0 {
            roles.insert("post-complete".into(), SignalId::new(place + 5));
            roles.insert("reset".into(), SignalId::new(place + 7));
        }
        MachineSpec {
            name: MACHINES[place].into(),
            definition: if place == 0 { Arc::new(definition(MachineKind::Chassis)) } else { host.clone() },
            parent: (place > 0).then(|| MachineId::new(0)),
            signals: roles,
            sequences: IndexMap::new(),
            zones: Vec::new(),
            supplies: Vec::new(),
            max_power_w: None,
            needs: Vec::new(),
            restore: specs[place].clone(),
        }
    };
    let mut machines: Vec<_> = (0..3).map(machine).collect();
    machines.push(MachineSpec {
        name: "bmc".into(),
        definition: Arc::new(bmc()),
        parent: None,
        signals: IndexMap::new(),
        sequences: IndexMap::new(),
        zones: Vec::new(),
        supplies: Vec::new(),
        max_power_w: None,
        needs: Vec::new(),
        restore: RestoreSpec::default(),
    });
    let task = |builtin: Builtin| ServiceSpec::new(builtin.as_str(), Deployment::Builtin(builtin));
    let services = [Builtin::Statemgr, Builtin::Powermgr].map(|builtin| {
        let mut spec = task(builtin);
        spec.auto_start = true;
        spec.critical = true;
        spec
    });
    let mut board =
        Board { name: "bench".to_owned(), signals, machines, services: services.into(), ..Board::default() };
    board.policy.max_concurrent_power_on = 1;
    board
}

impl Bench {
    /// A first start on hardware that is off, with this policy for both hosts and none for the chassis.
    pub(crate) fn new(policy: RestorePolicy) -> Self {
        let spec = RestoreSpec { policy, ..RestoreSpec::default() };
        Self::with([RestoreSpec::default(), spec.clone(), spec].into(), Hardware::default())
    }

    pub(crate) fn with(specs: Vec<RestoreSpec>, hardware: Hardware) -> Self {
        let core = Core::new(board(&specs), 1).unwrap();
        let mut bench = Self {
            core,
            hardware,
            memory: Memory::default(),
            events: Vec::new(),
            specs,
            now: Mono::ZERO,
            wall: BEGIN,
            boot: Boot::default(),
            boots: 0,
            told: [None; 8],
            requests: 0,
            replies: Vec::new(),
            persisted: 0,
        };
        bench.boots(BootCause::Unknown);
        bench
    }

    /// The daemon is started; whatever ran before is gone.
    pub(crate) fn starts(&mut self) {
        let past = Past {
            bmc_boot: self.boot.id.clone(),
            controller: self.boot.clone(),
            wall: Some(self.wall),
            memory: self.memory.clone(),
        };
        self.core = Core::after(board(&self.specs), 1, past).unwrap();
        self.now = Mono::ZERO;
        self.told = [None; 8];
        self.events.clear();
        let effects = self.core.start(Mono::ZERO);
        self.absorb(effects);
        self.wait(1);
    }

    /// The controller boots, and the daemon with it.
    pub(crate) fn boots(&mut self, cause: BootCause) {
        self.boots += 1;
        self.boot = Boot { id: format!("boot {}", self.boots), cause };
        self.starts();
    }

    /// The mains go, everything is off, and they come back with the controller.
    pub(crate) fn loses_ac(&mut self, cause: BootCause) {
        self.hardware.control = [false; 3];
        self.hardware.held = [false; 2];
        self.boots(cause);
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        loop {
            self.follow_lines();
            let Some(due) = self.core.next_deadline().filter(|due| *due <= until) else { break };
            self.pass(due);
            self.input(Input::Tick);
        }
        self.pass(until);
        self.follow_lines();
    }

    fn pass(&mut self, to: Mono) {
        self.wall = self.wall + to.since(self.now);
        self.now = to;
    }

    /// Somebody sets the clock of the BMC.
    pub(crate) fn sets_clock(&mut self, wall: Wall) {
        self.wall = wall;
        self.input(Input::Clock(wall));
    }

    pub(crate) fn wall(&self) -> Wall {
        self.wall
    }

    /// Lines are told as they change.
    fn follow_lines(&mut self) {
        loop {
            let changed = (0..8).find(|line| self.told[*line] != Some(self.hardware.level(SignalId::new(*line))));
            let Some(line) = changed else { return };
            let level = self.hardware.level(SignalId::new(line));
            self.told[line] = Some(level);
            self.input(Input::Signal(SignalId::new(line), Some(Level::from_bool(level))));
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        let effects = self.core.handle(self.now, input);
        self.absorb(effects);
    }

    fn absorb(&mut self, effects: Effects) {
        self.events.extend(effects.events);
        for deed in effects.deeds {
            match deed {
                Effect::StartBuiltin { service, generation, .. } => self.begins(service, generation),
                Effect::Command(HardwareCommand::SetSignal(line, level)) => {
                    let place = line.index();
                    if let Some(control) = self.hardware.control.get_mut(place) {
                        *control = level.is_high();
                    } else if level.is_high() && self.hardware.cured_by_reset && place >= 8 {
                        self.hardware.hung[place - 8] = false;
                    }
                    if place >= 8 {
                        self.input(Input::Signal(line, Some(level)));
                    }
                }
                Effect::Persist(memory) => {
                    self.memory = memory;
                    self.persisted += 1;
                }
                Effect::Reply(_, reply) => self.replies.push(reply),
                _ => {}
            }
        }
    }

    fn begins(&mut self, service: ServiceId, generation: Generation) {
        for happening in [ServiceHappening::Spawned { pid: None }, ServiceHappening::Ready] {
            self.input(Input::Service { service, generation, happening });
        }
        for line in [8, 9] {
            self.input(Input::Signal(SignalId::new(line), Some(Level::Low)));
        }
    }

    pub(crate) fn request(&mut self, request: Request) -> Result<Reply, Refusal> {
        self.requests += 1;
        let asked = Asked { id: RequestId(self.requests), actor: "tester".to_owned(), reason: String::new(), request };
        self.input(Input::Asked(asked));
        let reply = self.replies.pop().expect("an answer");
        self.follow_lines();
        reply
    }

    /// Asks, and does not wait.
    pub(crate) fn begin(&mut self, machine: &str, demand: Demand) -> OperationId {
        let request = Request::Transition {
            machine: machine.into(),
            verb: Verb::Demand(demand),
            plan_only: false,
            revision: String::new(),
            idempotency_key: String::new(),
            deadline: None,
        };
        match self.request(request) {
            Ok(Reply::Operation(id)) => id,
            other => panic!("{machine} {demand:?}: {other:?}"),
        }
    }

    /// Asks, and waits until that is done and has settled.
    pub(crate) fn asks(&mut self, machine: &str, demand: Demand) {
        let id = self.begin(machine, demand);
        self.wait(20);
        assert_eq!(self.operation(id).state, OperationState::Succeeded, "{:?}", self.operation(id));
    }

    pub(crate) fn operation(&self, id: OperationId) -> &OperationView {
        self.core.operation(id).expect("an operation")
    }

    pub(crate) fn schedule(&mut self, request: Request) -> ScheduleId {
        match self.request(request) {
            Ok(Reply::Scheduled(id)) => id,
            other => panic!("{other:?}"),
        }
    }

    /// States of chassis and hosts.
    pub(crate) fn states(&self) -> [String; 3] {
        [0, 1, 2].map(|place| self.core.machine(MachineId::new(place), self.now).state.to_string())
    }

    /// Subjects of the events of this core's life that begin so.
    pub(crate) fn told(&self, prefix: &str) -> Vec<&str> {
        self.events.iter().map(|event| event.subject.as_str()).filter(|subject| subject.starts_with(prefix)).collect()
    }

    /// Who asked for the operations of this core's life, oldest first.
    pub(crate) fn actors(&self) -> Vec<String> {
        let views = self.core.operations().into_iter().filter_map(|id| self.core.operation(id));
        views.map(|view| format!("{} {} by {}", view.target, view.kind, view.requested_by)).collect()
    }
}
