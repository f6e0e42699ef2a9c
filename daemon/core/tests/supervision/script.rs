//! Scenarios as text: services, then lines of `TIME  ACTION -> what must follow`, checked word for word.
//!
//! ```text
//! service web restart=always delay=10s     # declared, not started
//! 0s    start web        -> spawn web#1; web running; op-1 succeeded
//! 1s    exit web#1 7     -> web backoff
//! 12s                    -> spawn web#2; web running
//! ```
//!
//! `reload` takes declarations as after `service`, separated by commas: each is added or replaces its namesake, `-name`
//! takes one away. `reload?` is a dry run. `past job` before the first step: the oneshot job is done in this boot.
//!
//! Every spawn succeeds at once unless the service says `exec=fails`. An exit is followed by `gone` unless it is written
//! `exit!`. A line without an action lets time pass. Nothing after `->` means that nothing may follow.

#![allow(clippy::expect_used, reason = "a scenario that cannot be read should say where")]

use std::{collections::BTreeSet, fmt::Write as _, time::Duration};

use ubmc_core::{
    board::Board,
    core::Core,
    effect::{Effect, Effects, Reply},
    ids::{Generation, Name, RequestId, ServiceId},
    input::{Asked, Exit, Findings, Input, Probe, Request, ServiceHappening, SpawnError, SpawnStage, Usage},
    memory::{Done, EpochMemory, Past},
    refusal::Obstacle,
    services::{
        Binary, Builtin, Deployment, Epoch, Group, HealthCheck, HealthSpec, Readiness, RestartPolicy, Run, Rung,
        ServiceSpec, Signal,
    },
    time::Mono,
    view::ServiceChange,
};

/// The boot of the BMC in which every scenario plays.
const BOOT: &str = "this-boot";

/// Runs a scenario; panics with the whole trace where it differs.
pub(crate) fn check(scenario: &str) {
    let mut expected = String::new();
    let mut found = String::new();
    let mut runner: Option<Runner> = None;
    let mut specs = Vec::new();
    let mut past = Past { bmc_boot: BOOT.to_owned(), ..Past::default() };
    for line in scenario.lines() {
        let line = line.split('#').next().filter(|_| line.trim_start().starts_with('#')).unwrap_or(line).trim();
        if line.is_empty() {
            continue;
        }
        if let Some(declaration) = line.strip_prefix("service ") {
            specs.push(declare(declaration));
            continue;
        }
        if let Some(job) = line.strip_prefix("past ") {
            let done = Done { epoch: Epoch::BmcBoot, mark: BOOT.to_owned() };
            past.memory.epochs.done.insert(job.trim().into(), done);
            continue;
        }
        let runner = runner.get_or_insert_with(|| Runner::new(std::mem::take(&mut specs), std::mem::take(&mut past)));
        let (left, right) = line.split_once("->").unwrap_or((line, ""));
        let (time, action) = left.trim().split_once(char::is_whitespace).unwrap_or((left.trim(), ""));
        let want: Vec<_> = right.split(';').map(str::trim).filter(|part| !part.is_empty()).collect();
        let got = runner.line(duration(time), action.trim());
        let _ = writeln!(expected, "{time:>5} {:<22} -> {}", action.trim(), want.join("; "));
        let _ = writeln!(found, "{time:>5} {:<22} -> {}", action.trim(), got.join("; "));
    }
    assert!(runner.is_some(), "the scenario has no steps");
    assert!(expected == found, "expected\n{expected}\nfound\n{found}");
}

fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).unwrap_or(text.len()));
    let number: f64 = number.parse().unwrap_or_else(|_| panic!("no time: {text}"));
    Duration::from_secs_f64(match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" => number * 60.0,
        "h" => number * 3600.0,
        "d" => number * 86_400.0,
        _ => panic!("no time: {text}"),
    })
}

fn declare(text: &str) -> (ServiceSpec, bool) {
    let mut words = text.split_whitespace();
    let name = words.next().expect("a service has a name");
    let mut spec = ServiceSpec::new(name, Deployment::Binary(Binary::default().into()));
    spec.auto_start = false;
    spec.restart.jitter = 0.0;
    spec.group = Group::Foundation;
    let mut exec_fails = false;
    let mut binary = Binary::default();
    let names = |text: &str| text.split(',').map(Name::from).collect::<Vec<_>>();
    for word in words {
        let (key, value) = word.split_once('=').unwrap_or((word, ""));
        match key {
            "auto" => spec.auto_start = true,
            "critical" => spec.critical = true,
            "protects" => spec.protects_hardware = true,
            "smooth" => spec.restart.smooth_recovery = true,
            "oneshot" => spec.run = Run::Oneshot { once_per: None },
            "once" => {
                let epochs = [Epoch::BmcBoot, Epoch::ChassisPower, Epoch::HostBoot];
                let once_per = epochs.into_iter().find(|epoch| epoch.as_str() == value);
                assert!(once_per.is_some(), "no epoch: {value}");
                spec.run = Run::Oneshot { once_per };
            }
            "args" => binary.args = vec![value.to_owned()],
            "stop_command" => binary.stop_command = vec![value.to_owned()],
            "required" => spec.required_for = value.split(',').map(str::to_owned).collect(),
            "rcheck" => {
                let check = HealthCheck::Tcp { host: "localhost".to_owned(), port: 1 };
                spec.readiness_check = Some(health(check, value));
            }
            "reset_after" => spec.restart.reset_after = duration(value),
            "factor" => spec.restart.factor = value.parse().expect("a number"),
            "needs" => spec.dependencies = names(value),
            "wants" => spec.wants = names(value),
            "after" => spec.after = names(value),
            "before" => spec.before = names(value),
            "conflicts" => spec.conflicts = names(value),
            "group" => spec.group = Group::ALL.into_iter().find(|group| group.as_str() == value).expect("a group"),
            "restart" => {
                spec.restart.policy = match value {
                    "never" => RestartPolicy::Never,
                    "on-failure" => RestartPolicy::OnFailure,
                    "always" => RestartPolicy::Always,
                    _ => panic!("no policy: {value}"),
                }
            }
            "escalate" => {
                spec.restart.escalate = value
                    .split(',')
                    .map(|rung| match rung {
                        "dependents" => Rung::Dependents,
                        "group" => Rung::Group,
                        "failsafe" => Rung::Failsafe,
                        "reboot" => Rung::Reboot,
                        _ => panic!("no rung: {rung}"),
                    })
                    .collect();
            }
            "delay" => spec.restart.delay = duration(value),
            "max_delay" => spec.restart.max_delay = duration(value),
            "burst" => spec.restart.burst = value.parse().expect("a number"),
            "window" => spec.restart.window = duration(value),
            "start_delay" => spec.start_delay = duration(value),
            "start_timeout" => spec.start_timeout = duration(value),
            "stop_timeout" => spec.stop_timeout = duration(value),
            "ready" => {
                spec.readiness = match value {
                    "notify" => Readiness::Notify,
                    "fd" => Readiness::Fd(3),
                    "check" => Readiness::Check,
                    delay => Readiness::Delay(duration(delay)),
                }
            }
            "check" => spec.health = Some(health(HealthCheck::File { path: "/x".to_owned(), must_exist: true }, value)),
            "heartbeat" => spec.health = Some(health(HealthCheck::Heartbeat, value)),
            "exec" => exec_fails = value == "fails",
            "builtin" => {
                let builtin = Builtin::from_name(name).expect("a built-in task");
                spec.deployment = Deployment::Builtin(builtin);
            }
            "docker" => spec.deployment = Deployment::Unsupported { mode: "docker".into() },
            _ => panic!("unknown key {key}"),
        }
    }
    if matches!(spec.deployment, Deployment::Binary(_)) {
        spec.deployment = Deployment::Binary(binary.into());
    }
    if spec.restart.max_delay < spec.restart.delay {
        spec.restart.max_delay = spec.restart.delay;
    }
    (spec, exec_fails)
}

fn health(check: HealthCheck, interval: &str) -> HealthSpec {
    HealthSpec { check: check.into(), interval: duration(interval), retries: 2, timeout: Duration::from_secs(1) }
}

fn board(services: Vec<ServiceSpec>) -> Board {
    Board { name: "script".to_owned(), services, ..Board::default() }
}

struct Runner {
    core: Core,
    /// As declared now.
    declared: Vec<ServiceSpec>,
    exec_fails: BTreeSet<Name>,
    remembered: EpochMemory,
    now: Mono,
    requests: u64,
    trace: Vec<String>,
}

impl Runner {
    fn new(declared: Vec<(ServiceSpec, bool)>, past: Past) -> Self {
        let exec_fails = declared.iter().filter(|(_, fails)| *fails).map(|(spec, _)| spec.name.clone()).collect();
        let declared: Vec<_> = declared.into_iter().map(|(spec, _)| spec).collect();
        let remembered = past.memory.epochs.clone();
        let core = Core::after(board(declared.clone()), 1, past).unwrap_or_else(|errors| panic!("{errors:?}"));
        let mut runner =
            Self { core, declared, exec_fails, remembered, now: Mono::ZERO, requests: 0, trace: Vec::new() };
        let effects = runner.core.start(Mono::ZERO);
        runner.carry_out(effects);
        runner
    }

    fn line(&mut self, at: Duration, action: &str) -> Vec<String> {
        let at = Mono::new(at);
        // A clock that jumps finds everything due at once.
        let jumps = action == "jump";
        while let Some(due) = self.core.next_deadline().filter(|due| *due <= at && !jumps) {
            self.now = due;
            self.input(Input::Tick);
        }
        self.now = at;
        if !action.is_empty() {
            self.act(action);
        }
        std::mem::take(&mut self.trace)
    }

    fn act(&mut self, action: &str) {
        let words: Vec<_> = action.split_whitespace().collect();
        let (verb, rest) = words.split_first().expect("an action");
        let force = rest.contains(&"force");
        let names = || rest.iter().filter(|word| **word != "force").map(|word| Name::from(*word)).collect::<Vec<_>>();
        match *verb {
            "start" => self.ask(Request::StartServices { names: names(), force, found: Findings::default() }),
            "stop" => self.ask(Request::StopServices { names: names(), force }),
            "restart" => self.ask(Request::RestartServices { names: names(), force, found: Findings::default() }),
            "reload" | "reload?" => self.reload(&rest.join(" "), *verb == "reload?"),
            "reload!" => {
                let obstacle = Obstacle {
                    kind: "configuration",
                    subject: "services.toml:3".to_owned(),
                    text: "unknown key".to_owned(),
                    remedy: String::new(),
                    since: None,
                };
                self.ask(Request::Reload { read: Err(vec![obstacle]), warnings: Vec::new(), dry_run: false });
            }
            "missing" => {
                let id = self.core.find_service(rest[0]).expect("a service");
                let obstacle = Obstacle {
                    kind: "binary-missing",
                    subject: format!("service {}", rest[0]),
                    text: format!("the binary of {} is missing", rest[0]),
                    remedy: "install it".to_owned(),
                    since: None,
                };
                let found = Findings::from([(id, vec![obstacle])]);
                self.ask(Request::StartServices { names: names(), force, found });
            }
            "jump" => self.input(Input::Tick),
            "reset" => self.ask(Request::ResetService(rest[0].into())),
            "shutdown" => self.ask(Request::Shutdown { emergency: false }),
            "emergency" => self.ask(Request::Shutdown { emergency: true }),
            "exit" | "exit!" => {
                let exit = match rest[1].strip_prefix("SIG") {
                    Some(number) => Exit::Signal(number.parse().expect("a signal number")),
                    None => Exit::Code(rest[1].parse().expect("an exit code")),
                };
                self.happen(rest[0], ServiceHappening::Exited(exit));
                if *verb == "exit" {
                    self.happen(rest[0], ServiceHappening::Gone);
                }
            }
            "gone" => self.happen(rest[0], ServiceHappening::Gone),
            "ready" => self.happen(rest[0], ServiceHappening::Ready),
            "closed" => self.happen(rest[0], ServiceHappening::ReadyClosed),
            "extend" => self.happen(rest[0], ServiceHappening::ExtendTimeout(duration(rest[1]))),
            "beat" => self.happen(rest[0], ServiceHappening::Heartbeat),
            "reloading" => self.happen(rest[0], ServiceHappening::Reloading),
            "stopping" => self.happen(rest[0], ServiceHappening::AnnouncesStop),
            "mainpid" => {
                self.happen(rest[0], ServiceHappening::MainPid(rest[1].parse().expect("a pid")));
                let name = rest[0].split('#').next().unwrap_or_default();
                let id = self.core.find_service(name).expect("a service");
                self.trace.push(format!("pid {:?}", self.core.service(id).pid.expect("a pid")));
            }
            "uses" => self.uses(rest[0], rest[1].parse().expect("bytes")),
            "outdated" => self.input(Input::UsageOutdated),
            "survive" => self.happen(rest[0], ServiceHappening::Survivors { pids: vec![77] }),
            "pass" | "fail" | "rpass" | "rfail" => {
                let probe = if verb.starts_with('r') { Probe::Readiness } else { Probe::Liveness };
                let (passed, text) = (verb.ends_with("pass"), verb.to_string());
                let took = Duration::from_millis(3);
                self.happen(rest[0], ServiceHappening::Checked { probe, passed, text, took });
            }
            "explain" => {
                let view = self.core.why(rest[0], self.now).expect("a service");
                self.trace.push(view.answer);
            }
            "chain" => {
                let view = self.core.why(rest[0], self.now).expect("a service");
                self.trace.extend(view.chain.into_iter().map(|link| link.text));
            }
            "whatif" => {
                let view = self.core.what_if_stopped(rest[0]).expect("a service");
                self.trace.extend(view.consequences.into_iter().map(|it| format!("{}: {}", it.kind, it.text)));
                self.trace.extend(view.obstacles.into_iter().map(|it| format!("refused: {}", it.text)));
            }
            "needs" => match self.core.required_for(rest[0]) {
                Ok(ids) => {
                    let names = ids.into_iter().map(|id| self.core.service(id).spec.name.to_string());
                    self.trace.extend(names);
                }
                Err(refusal) => self.trace.push(format!("refused: {}", refusal.text)),
            },
            "path" => {
                let names = self.core.boot().critical_path;
                self.trace.push(names.iter().map(Name::as_str).collect::<Vec<_>>().join(" > "));
            }
            "boot" => {
                for it in self.core.boot().services {
                    let at = |time: Option<Mono>| time.map_or_else(|| "-".to_owned(), |time| time.to_string());
                    let after = if it.waited_for.is_empty() { "" } else { " after " };
                    let (released, settled) = (at(it.released), at(it.settled));
                    let text = format!("{} {released}..{settled} {:?}{after}{}", it.name, it.outcome, it.waited_for);
                    self.trace.push(text);
                }
            }
            "problems" => {
                let texts = self.core.problems().into_iter().map(|problem| problem.obstacle.text);
                self.trace.extend(texts);
            }
            "list" => {
                let ids = self.core.service_ids();
                let of = |id| format!("{} {}", self.core.service(id).spec.name, self.core.service(id).state.as_str());
                self.trace.push(ids.into_iter().map(of).collect::<Vec<_>>().join(", "));
            }
            "why" => {
                let id = self.core.find_service(rest[0]).expect("a service");
                let reason = self.core.service(id).reason;
                self.trace.push(reason);
            }
            _ => panic!("unknown action {verb}"),
        }
    }

    fn reload(&mut self, changes: &str, dry_run: bool) {
        let mut declared = self.declared.clone();
        for change in changes.split(',').map(str::trim).filter(|change| !change.is_empty()) {
            if let Some(gone) = change.strip_prefix('-') {
                declared.retain(|spec| spec.name.as_str() != gone);
                continue;
            }
            let (spec, exec_fails) = declare(change);
            self.exec_fails.remove(&spec.name);
            self.exec_fails.extend(exec_fails.then(|| spec.name.clone()));
            match declared.iter_mut().find(|other| other.name == spec.name) {
                Some(place) => *place = spec,
                None => declared.push(spec),
            }
        }
        let read = Ok(Box::new(board(declared.clone())));
        self.ask(Request::Reload { read, warnings: Vec::new(), dry_run });
        if !dry_run {
            self.declared = declared;
        }
    }

    fn ask(&mut self, request: Request) {
        self.requests += 1;
        let id = RequestId(self.requests);
        self.input(Input::Asked(Asked { id, actor: "tester".to_owned(), reason: String::new(), request }));
    }

    /// `web#2`: what happens to the second life of web.
    fn happen(&mut self, life: &str, happening: ServiceHappening) {
        let (name, number) = life.split_once('#').expect("a life is written name#number");
        let service = self.core.find_service(name).expect("a service");
        let generation = Generation(number.parse().expect("a number"));
        self.input(Input::Service { service, generation, happening });
    }

    /// What a life uses was measured; whether that is news for those who watch, and what is known of it.
    fn uses(&mut self, life: &str, rss_bytes: u64) {
        let (name, number) = life.split_once('#').expect("a life is written name#number");
        let service = self.core.find_service(name).expect("a service");
        let generation = Generation(number.parse().expect("a number"));
        let usage = Usage { cpu_percent: 0.0, rss_bytes, fds: None };
        let effects = self.core.handle(self.now, Input::Usage { service, generation, usage });
        let news = if effects.changed.services.contains(&service) { "told" } else { "as before" };
        let known = self.core.service(service).usage.map_or(0, |usage| usage.rss_bytes);
        self.trace.push(format!("{known} {news}"));
        self.carry_out(effects);
    }

    fn input(&mut self, input: Input) {
        let effects = self.core.handle(self.now, input);
        self.carry_out(effects);
    }

    fn carry_out(&mut self, effects: Effects) {
        let name = |service: ServiceId| self.core.service(service).spec.name.clone();
        let life = |service: ServiceId, generation: Generation| format!("{}{generation}", name(service));
        let mut answers = Vec::new();
        let mut states = Vec::new();
        for event in &effects.events {
            let words: Vec<_> = event.subject.split('.').collect();
            match words.as_slice() {
                ["service", name, "state"] => {
                    let state = event.text.rsplit(' ').next().unwrap_or_default();
                    // Starting and stopping show as spawn, term and kill.
                    if !matches!(state, "starting" | "stopping") {
                        states.push(format!("{name} {state}"));
                    }
                }
                ["service", name, "escalated"] => states.push(format!("{name} escalates")),
                [
                    "service",
                    name,
                    told @ ("added" | "removed" | "changed" | "skipped" | "not-ready" | "ready-again"),
                ] => {
                    states.push(format!("{name} {told}"));
                }
                ["operation", id, end] if *end != "accepted" => states.push(format!("{id} {end}")),
                _ => {}
            }
        }
        for deed in effects.deeds {
            match deed {
                Effect::Spawn { service, generation, .. } => {
                    self.trace.push(format!("spawn {}", life(service, generation)));
                    let happening = if self.exec_fails.contains(&name(service)) {
                        ServiceHappening::SpawnFailed(SpawnError {
                            stage: SpawnStage::Exec,
                            errno: 2,
                            text: "/x: no such file or directory".to_owned(),
                        })
                    } else {
                        ServiceHappening::Spawned { pid: Some(1000 + u32::try_from(generation.0).unwrap_or(0)) }
                    };
                    answers.push(Input::Service { service, generation, happening });
                }
                Effect::Signal { service, generation, signal, .. } if signal != Signal::Cont => {
                    self.trace.push(format!("{} {}", signal.as_str().to_lowercase(), life(service, generation)));
                }
                Effect::Check { service, generation, .. } => {
                    self.trace.push(format!("check {}", life(service, generation)));
                }
                Effect::StartBuiltin { service, generation, .. } => {
                    self.trace.push(format!("begin {}", life(service, generation)));
                    for happening in [ServiceHappening::Spawned { pid: None }, ServiceHappening::Ready] {
                        answers.push(Input::Service { service, generation, happening });
                    }
                }
                Effect::StopBuiltin { service, generation, .. } => {
                    self.trace.push(format!("end {}", life(service, generation)));
                }
                Effect::Reply(_, Err(refusal)) => self.trace.push(format!("refused: {}", refusal.text)),
                Effect::Exit(_) => {
                    self.trace.push("exit".to_owned());
                }
                Effect::RunStopCommand { command, .. } => self.trace.push(format!("run {}", command.join(" "))),
                // Operations and machines are remembered as well, and are no business of these scenarios.
                Effect::Persist(memory) if memory.epochs == self.remembered => {}
                Effect::Persist(memory) => {
                    self.remembered = memory.epochs;
                    let done: Vec<_> = self.remembered.done.keys().map(Name::as_str).collect();
                    let done = if done.is_empty() { "nothing".to_owned() } else { done.join(" ") };
                    self.trace.push(format!("remember {done}"));
                }
                Effect::Reply(_, Ok(Reply::Reload(view, operation))) => {
                    let of = |change: &ServiceChange| {
                        let fields = change.fields.join(" ");
                        let fields = if fields.is_empty() { String::new() } else { format!(" ({fields})") };
                        format!("{} {:?}{fields}: {:?}", change.name, change.kind, change.effect)
                    };
                    self.trace.extend(view.changes.iter().map(of));
                    if view.changes.is_empty() && operation.is_none() {
                        self.trace.push("nothing differs".to_owned());
                    }
                }
                Effect::Signal { .. } | Effect::Reply(_, Ok(_)) | Effect::Command(_) | Effect::HoldFans(_) => {}
            }
        }
        self.trace.extend(states);
        for answer in answers {
            self.input(answer);
        }
    }
}
