//! Worlds of services: a random registry, processes that do as they please, operators who ask for anything.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use ubmc_core::{
    board::Board,
    core::Core,
    effect::{Effect, Effects},
    ids::{Generation, Name, RequestId, ServiceId},
    input::{Asked, Exit, Findings, Input, Request, ServiceHappening, SpawnError, SpawnStage},
    rng::Rng,
    services::{
        Binary, Deployment, Group, HealthCheck, HealthSpec, Readiness, RestartPolicy, Run, ServiceSpec, Signal,
    },
    time::Mono,
    view::{Desired, ServiceState},
};

use super::{Tail, Violation, mirror::Mirror};

/// How long faults and requests go on.
const TROUBLE: Duration = Duration::from_secs(240);
/// How long calm lasts until everything must be as wanted.
const CALM: Duration = Duration::from_secs(900);

/// Runs one world. Returns how many inputs it took.
pub fn run(seed: u64) -> Result<u64, Violation> {
    let mut world = World::new(seed)?;
    let ended = world.live();
    ended.map_err(|text| Violation { seed, text, tail: world.tail.take() })?;
    Ok(world.steps)
}

/// What a process is going to do. Drawn when it is spawned.
#[derive(Clone, Copy, Debug)]
struct Nature {
    ready_after: Option<Duration>,
    exits_after: Option<(Duration, Exit)>,
    ignores_term: bool,
    survives_kill: bool,
    /// What it leaves behind outlives it by so much.
    lingers: Duration,
    healthy: bool,
}

#[derive(Debug)]
struct Life {
    service: ServiceId,
    nature: Nature,
    exited: bool,
}

#[derive(Debug)]
struct World {
    core: Core,
    specs: Vec<ServiceSpec>,
    rng: Rng,
    now: Mono,
    queue: BTreeMap<(Mono, u64), Input>,
    queued: u64,
    lives: BTreeMap<Generation, Life>,
    mirror: Mirror,
    next_seq: u64,
    requests: u64,
    calm: bool,
    ended: bool,
    steps: u64,
    tail: Tail,
}

impl World {
    fn new(seed: u64) -> Result<Self, Violation> {
        let mut rng = Rng::new(seed ^ 0x5eed);
        let specs = registry(&mut rng);
        let board = Board { name: "world".to_owned(), services: specs.clone(), ..Board::default() };
        let violation = |text: String| Violation { seed, text, tail: Vec::new() };
        let core = Core::new(board, seed).map_err(|errors| violation(format!("{errors:?}")))?;
        let mut world = Self {
            mirror: Mirror::default(),
            core,
            specs,
            rng,
            now: Mono::ZERO,
            queue: BTreeMap::new(),
            queued: 0,
            lives: BTreeMap::new(),
            next_seq: 1,
            requests: 0,
            calm: false,
            ended: false,
            steps: 0,
            tail: Tail::default(),
        };
        let effects = world.core.start(Mono::ZERO);
        world.mirror = Mirror::snapshot(&world.core);
        world.absorb(effects).map_err(violation)?;
        Ok(world)
    }

    fn live(&mut self) -> Result<(), String> {
        let trouble_ends = Mono::new(TROUBLE);
        let mut next_request = self.pause();
        while self.now < trouble_ends {
            self.pass_until(next_request.min(trouble_ends))?;
            if self.now < trouble_ends {
                self.request()?;
                next_request = self.pause();
            }
        }
        self.calm_down()?;
        self.pass_until(trouble_ends + CALM)?;
        self.check_settled()?;
        if let Some(difference) = self.mirror.difference(&self.core) {
            return Err(difference);
        }
        let emergency = self.chance(0.3);
        self.ask(Request::Shutdown { emergency })?;
        let bound = self.now + self.core.board().policy.stop_timeout + Duration::from_secs(30);
        self.pass_until(bound)?;
        if self.ended { Ok(()) } else { Err("the shutdown did not end in time".to_owned()) }
    }

    fn pause(&mut self) -> Mono {
        self.now + Duration::from_secs_f64(self.rng.unit() * 20.0)
    }

    fn chance(&mut self, share: f64) -> bool {
        self.rng.unit() < share
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.rng.next_u64() % bound.max(1) as u64).unwrap_or(0)
    }

    /// Everything that is due until `until`, in order of time.
    fn pass_until(&mut self, until: Mono) -> Result<(), String> {
        loop {
            let queued = self.queue.first_key_value().map(|((at, _), _)| *at);
            let deadline = self.core.next_deadline();
            let next = [queued, deadline].into_iter().flatten().min();
            match next {
                Some(next) if next <= until && !self.ended => {
                    self.now = self.now.max(next);
                    let input = if queued == Some(next) {
                        self.queue.pop_first().map_or(Input::Tick, |(_, input)| input)
                    } else {
                        Input::Tick
                    };
                    self.input(input)?;
                }
                _ => {
                    self.now = self.now.max(until);
                    return Ok(());
                }
            }
        }
    }

    fn later(&mut self, after: Duration, generation: Generation, happening: ServiceHappening) {
        let Some(life) = self.lives.get(&generation) else { return };
        self.queued += 1;
        let input = Input::Service { service: life.service, generation, happening };
        self.queue.insert((self.now + after, self.queued), input);
    }

    fn input(&mut self, input: Input) -> Result<(), String> {
        if let Input::Service { generation, happening, .. } = &input {
            match happening {
                ServiceHappening::Exited(_) => {
                    let Some(life) = self.lives.get_mut(generation).filter(|life| !life.exited) else { return Ok(()) };
                    life.exited = true;
                    let lingers = life.nature.lingers;
                    self.later(lingers, *generation, ServiceHappening::Gone);
                }
                ServiceHappening::Gone if self.lives.remove(generation).is_none() => return Ok(()),
                _ => {}
            }
        }
        self.steps += 1;
        // Health checks that pass would fill the tail with nothing.
        let dull = matches!(
            &input,
            Input::Tick | Input::Service { happening: ServiceHappening::Checked { passed: true, .. }, .. }
        );
        if !dull {
            self.tail.push(format!("{} {input:?}", self.now));
        }
        let effects = self.core.handle(self.now, input);
        self.absorb(effects)
    }

    fn absorb(&mut self, effects: Effects) -> Result<(), String> {
        for event in &effects.events {
            if event.seq != self.next_seq {
                return Err(format!("event {} came where {} should have", event.seq, self.next_seq));
            }
            self.next_seq += 1;
            if event.subject == "platform.stop-timeout" && !self.lives.values().any(|life| life.nature.survives_kill) {
                return Err(format!("the shutdown waits for itself: {}", event.text));
            }
        }
        self.mirror.apply(&self.core, &effects.changed);
        for deed in effects.deeds {
            if !matches!(deed, Effect::Check { .. }) {
                self.tail.push(format!("{}   -> {deed:?}", self.now));
            }
            self.carry_out(deed)?;
        }
        if let Some(deadline) = self.core.next_deadline()
            && deadline <= self.now
        {
            return Err(format!("a deadline at {deadline} is left over at {}", self.now));
        }
        Ok(())
    }

    fn carry_out(&mut self, deed: Effect) -> Result<(), String> {
        match deed {
            Effect::Spawn { service, generation, .. } => self.spawn(service, generation)?,
            Effect::Signal { generation, signal, everything, .. } => self.signal(generation, signal, everything),
            Effect::RunStopCommand { generation, .. } => self.signal(generation, Signal::Term, false),
            Effect::Check { generation, probe, .. } => {
                let healthy = self.lives.get(&generation).is_some_and(|life| life.nature.healthy);
                let flaky = !self.calm && self.chance(0.1);
                let took = Duration::from_secs_f64(self.rng.unit());
                let happening =
                    ServiceHappening::Checked { probe, passed: healthy && !flaky, text: "as drawn".to_owned(), took };
                self.later(took, generation, happening);
            }
            Effect::Exit => self.ended = true,
            Effect::Reply(_, Err(refusal)) if refusal.text.is_empty() => {
                return Err("a refusal without a sentence".to_owned());
            }
            Effect::Reply(..) | Effect::Persist(_) | Effect::StartBuiltin { .. } | Effect::StopBuiltin { .. } | Effect::Command(_) => {}
        }
        Ok(())
    }

    fn spawn(&mut self, service: ServiceId, generation: Generation) -> Result<(), String> {
        let spec = &self.specs[service.index()];
        if let Some((other, _)) = self.lives.iter().find(|(_, life)| life.service == service) {
            return Err(format!("{} is spawned as {generation} while {other} is alive", spec.name));
        }
        for name in &spec.dependencies {
            let dependency = self.core.find_service(name.as_str()).ok_or("a dependency is not there")?;
            let state = self.core.service_state(dependency);
            if !matches!(state, ServiceState::Running | ServiceState::Completed) {
                return Err(format!("{} is spawned while {name}, which it needs, is {}", spec.name, state.as_str()));
            }
        }
        let (readiness, oneshot) = (spec.readiness, matches!(spec.run, Run::Oneshot { .. }));
        let fails = !self.calm && self.chance(0.05);
        let nature = self.nature(oneshot);
        self.lives.insert(generation, Life { service, nature, exited: false });
        let instant = Duration::ZERO;
        if fails {
            let errno = if self.chance(0.5) { 11 } else { 2 };
            let error = SpawnError { stage: SpawnStage::Exec, errno, text: "as drawn".to_owned() };
            self.later(instant, generation, ServiceHappening::SpawnFailed(error));
            // There is no process: the queue holds the news, the life is over.
            self.lives.remove(&generation);
            return Ok(());
        }
        self.later(instant, generation, ServiceHappening::Spawned { pid: Some(100) });
        if let (Readiness::Notify | Readiness::Fd(_), Some(after)) = (readiness, nature.ready_after) {
            self.later(after, generation, ServiceHappening::Ready);
        }
        if let Some((after, exit)) = nature.exits_after {
            self.later(after, generation, ServiceHappening::Exited(exit));
        }
        Ok(())
    }

    fn nature(&mut self, oneshot: bool) -> Nature {
        let short = |rng: &mut Rng, most: f64| Duration::from_secs_f64(rng.unit() * most);
        let success = Exit::Code(0);
        if self.calm {
            let work = short(&mut self.rng, 2.0);
            return Nature {
                ready_after: Some(short(&mut self.rng, 1.0)),
                exits_after: oneshot.then_some((work, success)),
                ignores_term: false,
                survives_kill: false,
                lingers: Duration::ZERO,
                healthy: true,
            };
        }
        let exit = match self.below(4) {
            0 => success,
            1 => Exit::Signal(11),
            _ => Exit::Code(1),
        };
        let exits = if oneshot { self.chance(0.9) } else { self.chance(0.4) };
        let after = short(&mut self.rng, 40.0);
        Nature {
            ready_after: if self.chance(0.85) { Some(short(&mut self.rng, 8.0)) } else { None },
            exits_after: exits.then_some((after, exit)),
            ignores_term: self.chance(0.15),
            survives_kill: self.chance(0.01),
            lingers: if self.chance(0.1) { short(&mut self.rng, 15.0) } else { Duration::ZERO },
            healthy: self.chance(0.85),
        }
    }

    fn signal(&mut self, generation: Generation, signal: Signal, everything: bool) {
        let Some(life) = self.lives.get(&generation) else { return };
        let nature = life.nature;
        match signal {
            Signal::Kill if everything => {
                if nature.survives_kill {
                    self.later(Duration::from_secs(2), generation, ServiceHappening::Survivors { pids: vec![1] });
                    // In the end even those go; the core must bear that late news.
                    self.later(Duration::from_secs(200), generation, ServiceHappening::Gone);
                } else {
                    let exited = life.exited;
                    if !exited {
                        self.later(Duration::ZERO, generation, ServiceHappening::Exited(Exit::Signal(9)));
                    }
                    self.later(Duration::from_millis(1), generation, ServiceHappening::Gone);
                }
            }
            Signal::Cont => {}
            _ if nature.ignores_term => {}
            _ => {
                let after = Duration::from_secs_f64(self.rng.unit());
                self.later(after, generation, ServiceHappening::Exited(Exit::Code(0)));
            }
        }
    }

    fn request(&mut self) -> Result<(), String> {
        let some = |world: &mut Self| {
            let index = world.below(world.specs.len());
            world.specs[index].name.clone()
        };
        let names = match self.below(4) {
            0 => vec![some(self), some(self)],
            _ => vec![some(self)],
        };
        let force = self.chance(0.3);
        let request = match self.below(10) {
            0..=3 => Request::StartServices { names, force, found: Findings::default() },
            4..=6 => Request::StopServices { names, force },
            7 | 8 => Request::RestartServices { names, force, found: Findings::default() },
            _ => Request::ResetService(some(self)),
        };
        self.ask(request)
    }

    fn ask(&mut self, request: Request) -> Result<(), String> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.input(Input::Asked(Asked { id, actor: "chance".to_owned(), reason: String::new(), request }))
    }

    /// From here on every process is as it should be; those that are not are as good as replaced.
    fn calm_down(&mut self) -> Result<(), String> {
        self.calm = true;
        for life in self.lives.values_mut() {
            life.nature.healthy = true;
            life.nature.ignores_term = false;
        }
        // An operator looks after what is given up, once.
        let given_up: Vec<_> = self
            .core
            .service_ids()
            .into_iter()
            .filter(|id| self.core.service_state(*id) == ServiceState::Failed)
            .map(|id| self.specs[id.index()].name.clone())
            .collect();
        for name in given_up {
            self.ask(Request::ResetService(name))?;
        }
        Ok(())
    }

    /// When faults cease the system reaches its desired state or says why not.
    fn check_settled(&self) -> Result<(), String> {
        for id in self.core.service_ids() {
            let view = self.core.service(id);
            let (name, state) = (&view.spec.name, view.state.as_str());
            match (view.desired, view.state) {
                (Desired::Up, ServiceState::Running | ServiceState::Completed)
                | (Desired::Down, ServiceState::Stopped | ServiceState::Completed) => {}
                (_, ServiceState::Failed) | (Desired::Up, ServiceState::Waiting) if !view.reason.is_empty() => {}
                (desired, _) => {
                    return Err(format!(
                        "{name} is {state} long after all faults ceased; wanted: {desired:?}; reason: {:?}",
                        view.reason
                    ));
                }
            }
        }
        for id in self.core.operations() {
            let view = self.core.operation(id).ok_or("an operation is not there")?;
            if !view.state.is_final() {
                return Err(format!("{id} ({} {}) never ended: {:?}", view.kind, view.target, view.steps));
            }
        }
        Ok(())
    }
}

/// A registry without cycles: services only ever name earlier ones.
fn registry(rng: &mut Rng) -> Vec<ServiceSpec> {
    let count = 2 + rng.next_u64() % 9;
    let name = |index: u64| Name::from(format!("s{index}"));
    let chance = |rng: &mut Rng, share: f64| rng.unit() < share;
    let seconds = |rng: &mut Rng, most: f64| Duration::from_secs_f64(0.1 + rng.unit() * most);
    (0..count)
        .map(|index| {
            let mut spec = ServiceSpec::new(name(index), Deployment::Binary(Binary::default().into()));
            let earlier = |rng: &mut Rng, share: f64| {
                (0..index).filter(|_| chance(rng, share)).map(name).collect::<BTreeSet<_>>().into_iter().collect()
            };
            spec.dependencies = earlier(rng, 0.25);
            spec.wants = earlier(rng, 0.1);
            spec.after = earlier(rng, 0.1);
            if index > 0 && chance(rng, 0.1) {
                let other = name(rng.next_u64() % index);
                if !spec.dependencies.contains(&other) {
                    spec.conflicts = vec![other];
                }
            }
            // Later ones are in the same or a later group, so that no dependency contradicts the phases.
            spec.group = Group::ALL[usize::try_from(index * 4 / count).unwrap_or(0)];
            spec.critical = chance(rng, 0.2);
            spec.protects_hardware = index < 2 && chance(rng, 0.3);
            spec.auto_start = chance(rng, 0.7);
            if chance(rng, 0.2) {
                spec.run = Run::Oneshot { once_per: None };
            } else {
                spec.readiness = match rng.next_u64() % 5 {
                    0 => Readiness::Notify,
                    1 => Readiness::Fd(3),
                    2 => Readiness::Check,
                    3 => Readiness::Delay(seconds(rng, 3.0)),
                    _ => Readiness::Exec,
                };
            }
            if spec.readiness == Readiness::Check || chance(rng, 0.3) {
                spec.health = Some(HealthSpec {
                    check: HealthCheck::File { path: "/x".to_owned(), must_exist: true }.into(),
                    interval: seconds(rng, 15.0),
                    retries: 1 + u32::try_from(rng.next_u64() % 3).unwrap_or(0),
                    timeout: Duration::from_secs(1),
                });
            }
            // Longer than anything takes in calm: what cannot work is no finding.
            spec.start_timeout = Duration::from_secs(4) + seconds(rng, 20.0);
            spec.stop_timeout = seconds(rng, 8.0);
            spec.start_delay = if chance(rng, 0.1) { seconds(rng, 3.0) } else { Duration::ZERO };
            spec.restart.policy = match rng.next_u64() % 6 {
                0 => RestartPolicy::Never,
                1 | 2 => RestartPolicy::Always,
                _ => RestartPolicy::OnFailure,
            };
            spec.restart.delay = seconds(rng, 5.0);
            spec.restart.smooth_recovery = chance(rng, 0.2);
            spec
        })
        .collect()
}

/// Runs a world twice and compares everything it told.
pub fn is_deterministic(seed: u64) -> Result<(), Violation> {
    let trace = |seed| -> Result<Vec<String>, Violation> {
        let mut world = World::new(seed)?;
        world.live().map_err(|text| Violation { seed, text, tail: Vec::new() })?;
        Ok(world.tail.take())
    };
    let (first, second) = (trace(seed)?, trace(seed)?);
    if first == second {
        return Ok(());
    }
    Err(Violation { seed, text: "the same world went two ways".to_owned(), tail: second })
}
