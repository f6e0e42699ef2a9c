//! Worlds of services: a random registry that changes while it runs, processes that do as they please, operators who ask
//! for anything, and a daemon that dies in between.

mod nature;
mod operators;
mod registry;

use std::{collections::BTreeMap, time::Duration};

use ubmc_core::{
    board::Board,
    core::Core,
    effect::{Effect, Effects, Reply},
    ids::{Generation, RequestId, ServiceId},
    input::{Asked, Exit, Input, Request, ServiceHappening, SpawnError, SpawnStage},
    memory::{Memory, Past},
    rng::Rng,
    services::{HealthCheck, Readiness, Run, ServiceSpec, Signal},
    time::Mono,
    view::{Desired, ReloadView, ServiceState},
};

use self::nature::Nature;
use super::{Tail, Violation, mirror::Mirror};

/// How long faults and requests go on.
const TROUBLE: Duration = Duration::from_secs(240);
/// How long calm lasts until everything must be as wanted.
const CALM: Duration = Duration::from_secs(900);

fn board(services: Vec<ServiceSpec>) -> Board {
    Board { name: "world".to_owned(), services, ..Board::default() }
}

fn past(memory: Memory) -> Past {
    Past { bmc_boot: "a boot".to_owned(), memory, ..Past::default() }
}

/// Runs one world. Returns how many inputs it took.
pub fn run(seed: u64) -> Result<u64, Violation> {
    let mut world = World::new(seed)?;
    let ended = world.live();
    ended.map_err(|text| Violation { seed, text, tail: world.tail.take() })?;
    Ok(world.steps)
}

#[derive(Debug)]
struct Life {
    service: ServiceId,
    nature: Nature,
    exited: bool,
    /// Its process is there. Before that it can be called off.
    spawned: bool,
}

#[derive(Debug)]
struct World {
    core: Core,
    /// As declared now.
    specs: Vec<ServiceSpec>,
    /// What is remembered across deaths of the daemon.
    memory: Memory,
    /// Every input with its time, from the last start of the daemon on, and what followed from all of them.
    inputs: Vec<(Mono, Input)>,
    record: bool,
    rng: Rng,
    now: Mono,
    queue: BTreeMap<(Mono, u64), Input>,
    queued: u64,
    lives: BTreeMap<Generation, Life>,
    mirror: Mirror,
    next_seq: u64,
    requests: u64,
    reloaded: Option<ReloadView>,
    calm: bool,
    ended: bool,
    stopping: bool,
    steps: u64,
    tail: Tail,
}

impl World {
    fn new(seed: u64) -> Result<Self, Violation> {
        let mut rng = Rng::new(seed ^ 0x5eed);
        let specs = registry::draw(&mut rng);
        let board = board(specs.clone());
        let violation = |text: String| Violation { seed, text, tail: Vec::new() };
        let core =
            Core::after(board, seed, past(Memory::default())).map_err(|errors| violation(format!("{errors:?}")))?;
        let mut world = Self {
            mirror: Mirror::default(),
            core,
            specs,
            memory: Memory::default(),
            inputs: Vec::new(),
            record: false,
            rng,
            now: Mono::ZERO,
            queue: BTreeMap::new(),
            queued: 0,
            lives: BTreeMap::new(),
            next_seq: 1,
            requests: 0,
            reloaded: None,
            calm: false,
            ended: false,
            stopping: false,
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
        // In every fifth world the daemon dies once.
        let mut dies_at = if self.chance(0.2) { Some(Mono::new(TROUBLE.mul_f64(self.rng.unit()))) } else { None };
        // In every third world everything is to stop in the middle of the trouble.
        let ends_at = if self.chance(0.3) { Some(Mono::new(TROUBLE.mul_f64(self.rng.unit()))) } else { None };
        while self.now < trouble_ends {
            if ends_at.is_some_and(|at| at <= self.now) {
                return self.shut_down();
            }
            if dies_at.is_some_and(|at| at <= self.now) {
                dies_at = None;
                self.daemon_dies()?;
            }
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
        self.shut_down()
    }

    /// Everything stops, in bounded time, whatever it was doing.
    fn shut_down(&mut self) -> Result<(), String> {
        let emergency = self.chance(0.3);
        self.ask(Request::Shutdown { emergency })?;
        let bound = self.now + self.core.board().policy.stop_timeout + Duration::from_secs(30);
        self.pass_until(bound)?;
        if self.ended { Ok(()) } else { Err("the shutdown did not end in time".to_owned()) }
    }

    /// Trouble without a death of the daemon: one core hears all of it.
    fn trouble_of_one_core(&mut self) -> Result<(), String> {
        let trouble_ends = Mono::new(TROUBLE);
        while self.now < trouble_ends {
            let next = self.pause().min(trouble_ends);
            self.pass_until(next)?;
            self.request()?;
        }
        Ok(())
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

    /// It is killed and started again: what it left running has been ended, and the clock begins anew only for it.
    fn daemon_dies(&mut self) -> Result<(), String> {
        self.tail.push(format!("{} the daemon dies", self.now));
        self.lives.clear();
        self.queue.clear();
        let board = board(self.specs.clone());
        self.core =
            Core::after(board, self.requests, past(self.memory.clone())).map_err(|errors| format!("{errors:?}"))?;
        self.next_seq = 1;
        self.inputs.clear();
        let effects = self.core.start(self.now);
        self.mirror = Mirror::snapshot(&self.core);
        self.absorb(effects)
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
                ServiceHappening::Spawned { .. } => {
                    let Some(life) = self.lives.get_mut(generation) else { return Ok(()) };
                    life.spawned = true;
                }
                // With either the life is over: there never was a process, or there is none any more.
                ServiceHappening::SpawnFailed(_) | ServiceHappening::Gone
                    if self.lives.remove(generation).is_none() =>
                {
                    return Ok(());
                }
                ServiceHappening::Heartbeat => {
                    let Some(life) = self.lives.get(generation).filter(|life| !life.exited) else { return Ok(()) };
                    let health = self.core.service(life.service).spec.health.clone();
                    let (generation, nature) = (*generation, life.nature);
                    if let Some(health) = health.filter(|_| nature.beats) {
                        self.later(health.interval / 2, generation, ServiceHappening::Heartbeat);
                    }
                }
                ServiceHappening::Ready | ServiceHappening::Reloading | ServiceHappening::AnnouncesStop
                    if self.lives.get(generation).is_none_or(|life| life.exited) =>
                {
                    return Ok(());
                }
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
        if self.record {
            self.inputs.push((self.now, input.clone()));
        }
        let effects = self.core.handle(self.now, input);
        self.absorb(effects)
    }

    fn absorb(&mut self, effects: Effects) -> Result<(), String> {
        for event in &effects.events {
            self.stopping |= event.subject == "platform.stopping";
            if event.seq != self.next_seq {
                return Err(format!("event {} came where {} should have", event.seq, self.next_seq));
            }
            self.next_seq += 1;
            if event.subject == "platform.stop-timeout"
                && self.calm
                && !self.lives.values().any(|life| life.nature.survives_kill)
            {
                return Err(format!("the shutdown waits for itself: {}", event.text));
            }
        }
        self.mirror.apply(&self.core, &effects.changed);
        for deed in &effects.deeds {
            if let Effect::Persist(memory) = deed {
                self.memory = memory.clone();
            }
        }
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
                let health = self.lives.get(&generation).map_or(0.0, |life| life.nature.health);
                let passed = self.rng.unit() < health || health >= 1.0;
                let took = Duration::from_secs_f64(self.rng.unit());
                let happening = ServiceHappening::Checked { probe, passed, text: "as drawn".to_owned(), took };
                self.later(took, generation, happening);
            }
            Effect::Exit(_) => self.ended = true,
            Effect::Reply(_, Err(refusal)) if refusal.text.is_empty() => {
                return Err("a refusal without a sentence".to_owned());
            }
            Effect::Reply(_, Ok(Reply::Reload(view, _))) => self.reloaded = Some(*view),
            Effect::Reply(..)
            | Effect::Persist(_)
            | Effect::HoldFans(_)
            | Effect::StartBuiltin { .. }
            | Effect::StopBuiltin { .. }
            | Effect::Command(_) => {}
        }
        Ok(())
    }

    fn spawn(&mut self, service: ServiceId, generation: Generation) -> Result<(), String> {
        let spec = self.core.service(service).spec.clone();
        if let Some((other, _)) = self.lives.iter().find(|(_, life)| life.service == service) {
            return Err(format!("{} is spawned as {generation} while {other} is alive", spec.name));
        }
        if matches!(spec.run, Run::Oneshot { once_per: Some(_) }) && self.memory.epochs.done.contains_key(&spec.name) {
            return Err(format!(
                "{}, which runs once per boot, is spawned as {generation} though it is done",
                spec.name
            ));
        }
        if self.stopping {
            return Err(format!("{} is spawned as {generation} while everything stops", spec.name));
        }
        if !self.specs.iter().any(|declared| declared.name == spec.name) {
            return Err(format!("{} is spawned as {generation} and nobody declares it", spec.name));
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
        let nature =
            if self.calm { Nature::calm(oneshot, &mut self.rng) } else { Nature::troubled(oneshot, &mut self.rng) };
        self.lives.insert(generation, Life { service, nature, exited: false, spawned: false });
        // Sometimes a file system takes its time.
        let slow = !self.calm && self.chance(0.1);
        let instant = if slow { Duration::from_secs_f64(self.rng.unit() * 40.0) } else { Duration::ZERO };
        if fails {
            let errno = if self.chance(0.5) { 11 } else { 2 };
            let error = SpawnError { stage: SpawnStage::Exec, errno, text: "as drawn".to_owned() };
            self.later(instant, generation, ServiceHappening::SpawnFailed(error));
            return Ok(());
        }
        self.later(instant, generation, ServiceHappening::Spawned { pid: Some(100) });
        if let (Readiness::Notify | Readiness::Fd(_), Some(after)) = (readiness, nature.ready_after) {
            self.later(instant + after, generation, ServiceHappening::Ready);
        }
        if let Some((after, exit)) = nature.exits_after {
            self.later(instant + after, generation, ServiceHappening::Exited(exit));
        }
        if let Some((after, ready)) = nature.reloads {
            self.later(instant + after, generation, ServiceHappening::Reloading);
            if let Some(ready) = ready {
                self.later(instant + after + ready, generation, ServiceHappening::Ready);
            }
        }
        if let Some(after) = nature.announces_stop {
            self.later(instant + after, generation, ServiceHappening::AnnouncesStop);
        }
        if spec.health.as_ref().is_some_and(|health| *health.check == HealthCheck::Heartbeat) {
            self.later(instant, generation, ServiceHappening::Heartbeat);
        }
        Ok(())
    }

    fn signal(&mut self, generation: Generation, signal: Signal, everything: bool) {
        let Some(life) = self.lives.get(&generation) else { return };
        let nature = life.nature;
        if !life.spawned {
            if signal != Signal::Cont {
                self.later(Duration::ZERO, generation, ServiceHappening::Gone);
            }
            return;
        }
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

    fn ask(&mut self, request: Request) -> Result<(), String> {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.input(Input::Asked(Asked { id, actor: "chance".to_owned(), reason: String::new(), request }))
    }

    /// From here on every process is as it should be; those that are not are as good as replaced.
    fn calm_down(&mut self) -> Result<(), String> {
        self.calm = true;
        let mut silent = Vec::new();
        for (generation, life) in &mut self.lives {
            life.nature.health = 1.0;
            life.nature.ignores_term = false;
            if !std::mem::replace(&mut life.nature.beats, true) {
                silent.push(*generation);
            }
        }
        for generation in silent {
            self.later(Duration::ZERO, generation, ServiceHappening::Heartbeat);
        }
        // An operator looks after what is given up, once.
        let given_up: Vec<_> = self
            .core
            .service_ids()
            .into_iter()
            .filter(|id| self.core.service_state(*id) == ServiceState::Failed)
            .map(|id| self.core.service(id).spec.name.clone())
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
        for spec in &self.specs {
            let id = self.core.find_service(spec.name.as_str()).ok_or("a declared service is not there")?;
            if self.core.service(id).spec != spec {
                return Err(format!("{} is not as it is declared", spec.name));
            }
        }
        for problem in self.core.problems() {
            let text = problem.obstacle.text;
            let up = |spec: &&ServiceSpec| {
                let id = self.core.find_service(spec.name.as_str());
                text.ends_with(&format!("restarts of {} did not help", spec.name))
                    && id.is_some_and(|id| self.core.service(id).ready)
            };
            if matches!(problem.obstacle.kind, "failsafe-mode" | "reboot-requested")
                && self.specs.iter().any(|spec| up(&spec))
            {
                return Err(format!("this has passed and still stands: {text}"));
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

/// Runs a world, and then its inputs through a core of their own: everything told and done must be the same.
pub fn replays(seed: u64) -> Result<(), Violation> {
    let violation = |text: String| Violation { seed, text, tail: Vec::new() };
    let mut world = World::new(seed)?;
    world.record = true;
    let mut replica = Core::after(board(world.specs.clone()), seed, past(Memory::default()))
        .map_err(|errors| violation(format!("{errors:?}")))?;
    replica.start(Mono::ZERO);
    world.trouble_of_one_core().map_err(violation)?;
    for (at, input) in &world.inputs {
        replica.handle(*at, input.clone());
    }
    if let Some(difference) = world.mirror.difference(&replica) {
        return Err(violation(format!("the replica went another way: {difference}")));
    }
    if replica.last_seq() != world.core.last_seq() {
        return Err(violation(format!(
            "the replica told {} events, not {}",
            replica.last_seq(),
            world.core.last_seq()
        )));
    }
    Ok(())
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
