//! Scenarios as text: what is done to the machine, and what must follow, one thing a line.
//!
//! ```text
//! given running                          # off, chassis, running; `blocked BUS`: its driver never returns; `draw WATTS`: each
//!                                        # host at most; `tries N`; `supplies RESPONSE`, `parts RESPONSE`: policies
//! inject fan-fail fan.2
//! within 15s: event fan.fan.2.health error
//! within 15s: fan fan.0 at least 100
//! for 60s: machine host.0 running        # all the time
//! clear
//! within 60s: no problem
//! ```
//!
//! Deeds: `inject KIND TARGET [VALUE]`, `clear [KIND TARGET]`, `set NAME VALUE`, `ask MACHINE VERB`, `cancel` (what was asked last),
//! `override MACHINE CONDITION SECONDS`, `hold-again MACHINE CONDITION`, `unplug`, `plug-in`, `die` (the daemon; the next one has what was kept),
//! `hold LED PATTERN|auto [SECONDS]`, `identify on|off [SECONDS]`, `break LED`, `mend LED`.
//!
//! Claims: `event SUBJECT SEVERITY [part of its text]`, `one event SUBJECT` and `no event SUBJECT` (all since the last
//! deed; `*` in a subject stands for any part), `zone NAME STATE`, `fan NAME at least PERCENT`, `fan NAME MODE`, `sensor NAME QUALITY`,
//! `machine NAME STATE`, `because NAME part of what brought it there`, `wanted NAME on|off` (what was asked of it), `supply NAME HEALTH`, `problem KIND SUBJECT`, `no problem [KIND]`, `led NAME PATTERN` (what it
//! really shows), `real NAME above|below NUMBER` (what the machine really has), `operation STATE [part of its reason or of a step's detail]` (of what was asked last), `refused MACHINE VERB CONDITION` (were it
//! asked now), `possible MACHINE VERB`, `usual MACHINE VERB NUMBER` (seconds that a plan expects, at most), `longest MACHINE VERB MIN MAX`
//! (seconds), `caused SUBJECT` (by what was asked last), `SUBJECT done by ACTOR` (an event), `plan MACHINE VERB part of a step, with what it says`,
//! `a watcher knows all` (who was told only of what changed).
//!
//! After `given`, the machine is left alone until nothing is wrong with it, except where a bus is blocked.

use std::{fmt::Write as _, time::Duration};

use ubmc_core::{
    effect::Reply,
    emergency::Response,
    ids::{MachineId, OperationId},
    input::{Request, Verb},
    leds::Pattern,
    machines::MachineKind,
    view::{FanMode, Health, OperationView},
};
use ubmc_platforms::sim::{Bus, Fault, InitialPower, SimConfig};

use super::{Plant, plan, transition};

/// How long the machine may take until nothing is wrong with it.
const SETTLES: Duration = Duration::from_secs(300);

/// Scenarios as tests: their names are sentences.
#[macro_export]
macro_rules! scenarios {
    ($($(#[$doc:meta])* $name:ident: $text:expr;)*) => {
        $(
            #[test]
            $(#[$doc])*
            fn $name() {
                $crate::plant::script::check($text);
            }
        )*
    };
}

/// Plays a scenario; panics with everything that happened where it differs.
pub fn check(scenario: &str) {
    let mut stage: Option<Stage> = None;
    for line in scenario.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            continue;
        }
        if let Some(words) = line.strip_prefix("given ") {
            assert!(stage.is_none(), "`given` comes first and once");
            stage = Some(Stage::given(words));
            continue;
        }
        let stage = stage.as_mut().expect("a scenario begins with `given`");
        if let Err(why) = stage.line(line) {
            panic!("{line}\n  {why}\n{}", stage.trace());
        }
    }
    assert!(stage.is_some(), "the scenario is empty");
}

/// Kinds of faults that a scenario injects.
pub fn injected(scenario: &str) -> impl Iterator<Item = &str> {
    scenario.lines().filter_map(|line| line.trim().strip_prefix("inject ")?.split_whitespace().next())
}

struct Stage {
    plant: Plant,
    config: SimConfig,
    /// Events before the last deed.
    before: usize,
    operation: Option<OperationId>,
    /// What was done and claimed, with the number of events before it.
    lines: Vec<(usize, String)>,
}

impl Stage {
    fn given(words: &str) -> Self {
        let mut power = InitialPower::Off;
        let mut blocked = Vec::new();
        let mut words = words.split_whitespace();
        let config = SimConfig::default();
        let (mut draw, mut tries) = (None, None);
        let (mut supplies, mut parts) = (None, None);
        while let Some(word) = words.next() {
            match word {
                "off" => power = InitialPower::Off,
                "chassis" => power = InitialPower::Chassis,
                "running" => power = InitialPower::On,
                "draw" => draw = words.next().and_then(|watts| watts.parse().ok()),
                "tries" => tries = words.next().and_then(|tries| tries.parse().ok()),
                "supplies" => supplies = words.next().map(response_of),
                "parts" => parts = words.next().map(response_of),
                "blocked" => blocked.push(Bus::find(words.next().expect("a bus"), &config).expect("a bus")),
                other => panic!("`{other}` is not something to begin with"),
            }
        }
        let mut plant = Plant::on(power, &blocked, |board| {
            for host in board.machines.iter_mut().filter(|spec| spec.definition.kind == MachineKind::Host) {
                host.max_power_w = draw.or(host.max_power_w);
            }
            let policy = &mut board.policy;
            policy.power_on_tries = tries.unwrap_or(policy.power_on_tries);
            policy.emergency.supplies.response = supplies.unwrap_or(policy.emergency.supplies.response);
            policy.emergency.parts.response = parts.unwrap_or(policy.emergency.parts.response);
        });
        let config = plant.model().config().clone();
        let mut stage = Self { plant, config, before: 0, operation: None, lines: Vec::new() };
        stage.plant.watch();
        if blocked.is_empty()
            && let Err(why) = stage.within(SETTLES, "no problem")
        {
            panic!("the machine does not settle: {why}\n{}", stage.trace());
        }
        stage
    }

    fn line(&mut self, line: &str) -> Result<(), String> {
        self.lines.push((self.plant.events().len(), format!("{line}   [{}]", self.plant.now())));
        let timed = |word: &str| {
            let (bound, claim) = line.strip_prefix(word)?.split_once(": ")?;
            Some((seconds(bound), claim))
        };
        if let Some((bound, claim)) = timed("within ") {
            return self.within(bound, claim);
        }
        if let Some((length, claim)) = timed("for ") {
            return self.throughout(length, claim);
        }
        self.before = self.plant.events().len();
        self.deed(line)
    }

    fn deed(&mut self, line: &str) -> Result<(), String> {
        let words: Vec<_> = line.split_whitespace().collect();
        let number = |text: &str| text.parse::<f64>().map_err(|_| format!("`{text}` is no number"));
        match words.as_slice() {
            ["inject", kind, target, value @ ..] => {
                let value = value.first().map(|value| number(value)).transpose()?;
                let fault = Fault::parse(kind, target, value, &self.config).map_err(|refusal| refusal.to_string())?;
                self.plant.model().inject(fault);
            }
            ["clear", rest @ ..] => {
                let word = |place: usize| rest.get(place).copied().unwrap_or_default();
                self.plant.model().clear_named(word(0), word(1)).map_err(|refusal| refusal.to_string())?;
            }
            ["set", name, value] => {
                self.plant.model().set(name, number(value)?).map_err(|refusal| refusal.to_string())?;
            }
            ["ask", machine, verb] => {
                match self.plant.ask(transition(machine, Verb::parse(verb).ok_or("no such verb")?)) {
                    Ok(Reply::Operation(id)) => self.operation = Some(id),
                    Ok(other) => return Err(format!("answered with {other:?}")),
                    Err(refusal) => return Err(format!("refused: {}", refusal.text)),
                }
            }
            ["cancel"] => {
                let id = self.operation.ok_or("nothing was asked")?;
                self.grant(Request::CancelOperation(id))?;
            }
            ["override", machine, kind, time] => {
                let duration = Duration::from_secs_f64(number(time)?);
                self.grant(Request::OverrideInterlock { machine: (*machine).into(), kind: (*kind).into(), duration })?;
            }
            ["hold-again", machine, kind] => {
                self.grant(Request::RestoreInterlock { machine: (*machine).into(), kind: (*kind).into() })?;
            }
            ["hold", led, pattern, time @ ..] => {
                let pattern = match *pattern {
                    "auto" => None,
                    word => Some(pattern_of(word)?),
                };
                self.grant(Request::SetLed { led: (*led).into(), pattern, duration: time_of(time)? })?;
            }
            ["identify", switch, time @ ..] => {
                self.grant(Request::Identify { on: *switch == "on", duration: time_of(time)? })?;
            }
            ["break", led] => self.plant.break_led(led, true),
            ["mend", led] => self.plant.break_led(led, false),
            ["unplug"] => self.plant.unplug(),
            ["plug-in"] => self.plant.plug_in(),
            ["die"] => self.plant.resume(),
            _ => return Err("nobody knows how to do that".to_owned()),
        }
        Ok(())
    }

    fn grant(&mut self, request: Request) -> Result<(), String> {
        self.plant.ask(request).map(|_| ()).map_err(|refusal| format!("refused: {}", refusal.text))
    }

    fn within(&mut self, bound: Duration, claim: &str) -> Result<(), String> {
        let end = self.plant.now() + bound;
        loop {
            match self.holds(claim) {
                Ok(()) => return Ok(()),
                Err(why) if self.plant.now() >= end => return Err(format!("not within {bound:?}: {why}")),
                Err(_) => self.plant.step(),
            }
        }
    }

    fn throughout(&mut self, length: Duration, claim: &str) -> Result<(), String> {
        let end = self.plant.now() + length;
        while self.plant.now() < end {
            self.plant.step();
            self.holds(claim).map_err(|why| format!("not at {}: {why}", self.plant.now()))?;
        }
        Ok(())
    }

    /// Whether a claim holds now; if not, what is so instead.
    fn holds(&mut self, claim: &str) -> Result<(), String> {
        let words: Vec<_> = claim.split_whitespace().collect();
        let core = self.plant.core();
        let board = core.board();
        let is = |found: &str, wanted: &str| if found == wanted { Ok(()) } else { Err(format!("it is {found}")) };
        match words.as_slice() {
            ["event", subject, severity, text @ ..] => {
                let text = text.join(" ");
                let mut since = self.plant.events()[self.before..].iter();
                let fits = since.any(|event| {
                    matches(subject, &event.subject)
                        && event.severity.as_str() == *severity
                        && event.text.contains(&text)
                });
                if fits { Ok(()) } else { Err("there is no such event".to_owned()) }
            }
            ["one", "event", subject] => {
                let since = self.plant.events()[self.before..].iter();
                let count = since.filter(|event| matches(subject, &event.subject)).count();
                if count == 1 { Ok(()) } else { Err(format!("there are {count}")) }
            }
            ["no", "event", subject] => {
                let mut since = self.plant.events()[self.before..].iter();
                since
                    .find(|event| matches(subject, &event.subject))
                    .map_or(Ok(()), |event| Err(format!("there is {}: {}", event.subject, event.text)))
            }
            [subject, "done", "by", actor @ ..] => {
                let actor = actor.join(" ");
                let mut since =
                    self.plant.events()[self.before..].iter().filter(|event| matches(subject, &event.subject));
                if since.any(|event| event.actor.as_str() == actor) {
                    Ok(())
                } else {
                    Err("there is no such event".to_owned())
                }
            }
            ["caused", subject] => {
                let view = self.operation.and_then(|id| core.operation(id)).ok_or("nothing was asked")?;
                let mut since =
                    self.plant.events()[self.before..].iter().filter(|event| matches(subject, &event.subject));
                if since.any(|event| event.cause == view.cause) {
                    Ok(())
                } else {
                    Err("there is no such event".to_owned())
                }
            }
            ["zone", name, state] => {
                let zone = core.zone(board.find_zone(name).ok_or("no such zone")?);
                is(zone.state.as_str(), state).map_err(|found| format!("{found}, {} at {}", zone.reason, zone.duty))
            }
            ["fan", name, "at", "least", percent] => {
                let fan = core.fan(board.find_fan(name).ok_or("no such fan")?);
                let wanted: f64 = percent.parse().map_err(|_| "no number")?;
                if fan.duty.percent() >= wanted { Ok(()) } else { Err(format!("it is told {}", fan.duty)) }
            }
            ["fan", name, mode] => {
                let fan = core.fan(board.find_fan(name).ok_or("no such fan")?);
                let found = match fan.mode {
                    FanMode::Auto => "auto",
                    FanMode::Manual => "manual",
                    FanMode::Failsafe => "failsafe",
                };
                is(found, mode)
            }
            ["sensor", name, quality] => {
                let sensor = core.sensor(board.find_sensor(name).ok_or("no such sensor")?);
                is(sensor.quality.as_str(), quality)
            }
            ["machine", name, state] => {
                let machine = core.machine(board.find_machine(name).ok_or("no such machine")?, self.plant.now());
                is(machine.state.as_str(), state)
            }
            ["wanted", name, power] => {
                is(core.machine(board.find_machine(name).ok_or("no such machine")?, self.plant.now()).requested, power)
            }
            ["because", name, why @ ..] => {
                let machine = core.machine(board.find_machine(name).ok_or("no such machine")?, self.plant.now());
                let why = why.join(" ");
                if machine.cause.contains(&why) { Ok(()) } else { Err(format!("it is: {}", machine.cause)) }
            }
            ["supply", name, health] => {
                let supply = core.supply(board.find_supply(name).ok_or("no such supply")?);
                let found = match supply.health {
                    Health::Unknown => "unknown",
                    Health::Healthy => "healthy",
                    Health::Degraded => "degraded",
                    Health::Unhealthy => "unhealthy",
                };
                is(found, health)
            }
            ["problem", kind, subject @ ..] => {
                let subject = subject.join(" ");
                let found = core.problems();
                let fits = found.iter().any(|it| it.obstacle.kind == *kind && it.obstacle.subject.ends_with(&subject));
                if fits { Ok(()) } else { Err(format!("there are only {}", self.problems())) }
            }
            ["no", "problem"] => {
                // A machine that is on its way is none, yet nothing has settled then.
                let settling = (0..board.machines.len())
                    .map(MachineId::new)
                    .any(|id| core.machine(id, self.plant.now()).tone == ubmc_core::machines::Tone::Transitional);
                let starting = core.system(self.plant.now()).state == ubmc_core::view::SystemState::Starting;
                match self.problems() {
                    problems if !problems.is_empty() => Err(problems),
                    _ if settling || starting => Err("something is on its way".to_owned()),
                    _ => Ok(()),
                }
            }
            ["no", "problem", kind] => {
                let any = core.problems().iter().any(|problem| problem.obstacle.kind == *kind);
                if any { Err(self.problems()) } else { Ok(()) }
            }
            ["led", name, pattern] => {
                let shown = self.plant.model().led(name);
                is(shown.as_str(), pattern)
            }
            ["real", name, order @ ("above" | "below"), bound] => {
                let bound: f64 = bound.parse().map_err(|_| "no number")?;
                let values = self.plant.model().values();
                let value = values.iter().find(|value| value.name == *name).ok_or("no such value")?.value;
                let fits = if *order == "above" { value > bound } else { value < bound };
                if fits { Ok(()) } else { Err(format!("it is {value:.2}")) }
            }
            ["operation", state, text @ ..] => {
                let view = self.operation.and_then(|id| core.operation(id)).ok_or("nothing was asked")?;
                is(view.state.as_str(), state).map_err(|found| format!("{found}: {} {:?}", view.reason, view.steps))?;
                let text = text.join(" ");
                let told = view.reason.contains(&text) || view.steps.iter().any(|step| step.detail.contains(&text));
                if told { Ok(()) } else { Err(format!("it says: {} {:?}", view.reason, view.steps)) }
            }
            ["refused", machine, verb, kind] => {
                let obstacles = self.plan(machine, verb)?.obstacles;
                let kinds: Vec<_> = obstacles.iter().map(|obstacle| obstacle.kind).collect();
                let explained = obstacles.iter().all(|it| !it.text.is_empty() && !it.remedy.is_empty());
                if kinds.contains(kind) && explained { Ok(()) } else { Err(format!("{obstacles:?}")) }
            }
            ["possible", machine, verb] => {
                let obstacles = self.plan(machine, verb)?.obstacles;
                if obstacles.is_empty() { Ok(()) } else { Err(format!("{obstacles:?}")) }
            }
            ["usual", machine, verb, most] => {
                let most: f64 = most.parse().map_err(|_| "no number")?;
                let expected = self.plan(machine, verb)?.expected.map(|time| time.as_secs_f64());
                if expected.is_some_and(|time| time <= most) { Ok(()) } else { Err(format!("{expected:?}")) }
            }
            ["longest", machine, verb, least, most] => {
                let [least, most] = [least, most].map(|bound| bound.parse::<f64>().expect("a number"));
                let bound = self.plan(machine, verb)?.bound.map(|time| time.as_secs_f64());
                let fits = bound.is_some_and(|time| (least..=most).contains(&time));
                if fits { Ok(()) } else { Err(format!("{bound:?}")) }
            }
            ["plan", machine, verb, text @ ..] => {
                let steps = self.plan(machine, verb)?.steps;
                let steps: Vec<_> = steps.iter().map(|step| format!("{} {}", step.name, step.detail)).collect();
                let text = text.join(" ");
                if steps.iter().any(|step| step.contains(&text)) { Ok(()) } else { Err(format!("{steps:?}")) }
            }
            ["a", "watcher", "knows", "all"] => self.plant.misbelief().map_or(Ok(()), Err),
            _ => Err("nobody knows how to look at that".to_owned()),
        }
    }

    fn plan(&mut self, machine: &str, verb: &str) -> Result<OperationView, String> {
        match self.plant.ask(plan(machine, Verb::parse(verb).ok_or("no such verb")?)) {
            Ok(Reply::Plan(plan)) => Ok(*plan),
            other => Err(format!("answered with {other:?}")),
        }
    }

    fn problems(&self) -> String {
        let texts = self.plant.core().problems();
        let texts: Vec<_> = texts.iter().map(|it| format!("{} ({})", it.obstacle.text, it.obstacle.kind)).collect();
        texts.join("; ")
    }

    /// Every line with the events that came after it.
    fn trace(&self) -> String {
        let mut trace = String::new();
        let mut lines = self.lines.iter().peekable();
        for (index, event) in self.plant.events().iter().enumerate() {
            while let Some((_, line)) = lines.next_if(|(at, _)| *at <= index) {
                let _ = writeln!(trace, "{line}");
            }
            let _ = writeln!(trace, "  {} {} {}: {}", event.mono, event.severity, event.subject, event.text);
        }
        for (_, line) in lines {
            let _ = writeln!(trace, "{line}");
        }
        let _ = writeln!(trace, "problems now: {}", self.problems());
        trace
    }
}

fn response_of(word: &str) -> Response {
    match word {
        "alert" => Response::Alert,
        "shut-down" => Response::ShutDown,
        "force-off" => Response::ForceOff,
        "isolate" => Response::Isolate,
        other => panic!("`{other}` is no response"),
    }
}

fn pattern_of(word: &str) -> Result<Pattern, String> {
    let all = [Pattern::Off, Pattern::On, Pattern::Blink, Pattern::FastBlink];
    all.into_iter().find(|pattern| pattern.as_str() == word).ok_or_else(|| format!("`{word}` is no pattern"))
}

fn time_of(words: &[&str]) -> Result<Option<Duration>, String> {
    let seconds = words.first().map(|word| word.parse().map_err(|_| format!("`{word}` is no number")));
    Ok(seconds.transpose()?.map(Duration::from_secs_f64))
}

fn seconds(text: &str) -> Duration {
    let number = text.trim().strip_suffix('s').and_then(|number| number.parse().ok());
    Duration::from_secs_f64(number.unwrap_or_else(|| panic!("`{text}` is no time in seconds")))
}

/// Subjects part by part; `*` is any one part.
fn matches(pattern: &str, subject: &str) -> bool {
    let (mut wanted, mut parts) = (pattern.split('.'), subject.split('.'));
    loop {
        match (wanted.next(), parts.next()) {
            (None, None) => return true,
            (Some(wanted), Some(part)) if wanted == "*" || wanted == part => {}
            _ => return false,
        }
    }
}
