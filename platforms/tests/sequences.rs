//! Power sequences on a made-up board, in simulated time: every step fails once, and what is left is the same each time.

#![allow(clippy::unwrap_used, reason = "a test that fails should say where")]

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use ubmc_core::{
    core::Core,
    effect::{Effect, Effects},
    ids::{Generation, RequestId, SensorId, ServiceId, SignalId},
    input::{Asked, HardwareCommand, Input, Request, Sample, ServiceHappening, Verb},
    time::Mono,
    units::Level,
};
use ubmc_platforms::board::{LoadOptions, Loaded, NameOrFile, load};

const BOARD: &str = r#"
board = { name = "rails" }

[signals]
main = { direction = "output", source = { gpio = "main" } }
kick = { direction = "output", source = { gpio = "kick" } }
a-enable = { direction = "output", source = { gpio = "a-enable" } }
a-good = { direction = "input", source = { gpio = "a-good" } }
b-enable = { direction = "output", source = { gpio = "b-enable" } }
b-good = { direction = "input", source = { gpio = "b-good" } }
c-enable = { direction = "output", source = { gpio = "c-enable" } }
power-good = { direction = "input", source = { gpio = "power-good" } }

[sensors.b_volts]
kind = "voltage"
source = { hwmon = "7-0040", channel = "in1" }

[rails.a]
enable = "a-enable"
good = "a-good"

[rails.b]
enable = "b-enable"
good = "b-good"
voltage = "b_volts"
requires = ["a"]

# Nobody tells whether it is good.
[rails.c]
enable = "c-enable"
requires = ["b"]

[sequences.up]
steps = [
    { set = "main", level = "high" },
    { rail = "a", timeout = 1 },
    { delay = "100ms" },
    { pulse = "kick", duration = "50ms" },
    { rail = "b", timeout = 1 },
    { voltage = "b_volts", low = 4.75, high = 5.25, timeout = 3 },
    { rail = "c" },
    { wait = "power-good", level = "high", timeout = 2, both_ways = true },
]

[machines.chassis]
definition = "chassis-rails"
signals = { power-good = "power-good" }
sequences = { power = "up" }

[services]
sensormon = { group = "core", deployment = { mode = "builtin" } }
powermgr = { group = "core", deployment = { mode = "builtin" } }
statemgr = { group = "core", deployment = { mode = "builtin" } }
"#;

const OUTPUTS: [&str; 5] = ["main", "kick", "a-enable", "b-enable", "c-enable"];

fn loaded() -> Loaded {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("rails.toml");
    std::fs::write(&file, BOARD).unwrap();
    let options = LoadOptions {
        board: NameOrFile::File(file),
        registries: Vec::new(),
        services_dir: None,
        vars: BTreeMap::new(),
    };
    let loaded = load(&options).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.warnings.is_empty(), "{}", loaded.warnings);
    loaded
}

/// The board behind its lines: goods follow enables at once, volts follow b.
struct Plant {
    core: Core,
    loaded: Loaded,
    now: Mono,
    lines: BTreeMap<String, bool>,
    /// Lines that never rise, or that cannot be driven.
    dead: BTreeSet<&'static str>,
    /// Inputs that stay high.
    stuck: BTreeSet<&'static str>,
    volts: f64,
    /// Levels that outputs were driven to, in order.
    driven: Vec<String>,
    events: Vec<(String, String)>,
    requests: u64,
    /// Commands are executed in order, one at a time; what they lead to waits its turn.
    commands: VecDeque<HardwareCommand>,
    executing: bool,
}

impl Plant {
    fn new(lines: &[&str]) -> Self {
        let loaded = loaded();
        let core = Core::new(loaded.board.clone(), 1).unwrap();
        let names = loaded.board.signals.iter().map(|signal| signal.name.to_string());
        let mut plant = Self {
            core,
            lines: names.map(|name| (name.clone(), lines.contains(&name.as_str()))).collect(),
            loaded,
            now: Mono::ZERO,
            dead: BTreeSet::new(),
            stuck: BTreeSet::new(),
            volts: 5.0,
            driven: Vec::new(),
            events: Vec::new(),
            requests: 0,
            commands: VecDeque::new(),
            executing: false,
        };
        let effects = plant.core.start(plant.now);
        plant.absorb(effects);
        for (place, level) in plant.levels() {
            plant.input(Input::Signal(place, Some(level)));
        }
        plant.pass(3);
        plant
    }

    fn levels(&self) -> Vec<(SignalId, Level)> {
        let level = |name: &str| Level::from_bool(self.lines[name]);
        let signals = self.loaded.board.signals.iter().enumerate();
        signals.map(|(place, signal)| (SignalId::new(place), level(signal.name.as_str()))).collect()
    }

    fn input(&mut self, input: Input) {
        let effects = self.core.handle(self.now, input);
        self.absorb(effects);
    }

    fn absorb(&mut self, effects: Effects) {
        self.events.extend(effects.events.into_iter().map(|event| (event.subject, event.text)));
        for deed in effects.deeds {
            match deed {
                Effect::StartBuiltin { service, generation, .. } => self.task(service, generation),
                Effect::Command(command) => self.commands.push_back(command),
                _ => {}
            }
        }
        if !std::mem::replace(&mut self.executing, true) {
            while let Some(command) = self.commands.pop_front() {
                self.command(command);
            }
            self.executing = false;
        }
    }

    fn task(&mut self, service: ServiceId, generation: Generation) {
        for happening in [ServiceHappening::Spawned { pid: None }, ServiceHappening::Ready] {
            self.input(Input::Service { service, generation, happening });
        }
    }

    fn command(&mut self, command: HardwareCommand) {
        let HardwareCommand::SetSignal(line, level) = command else { return };
        let name = self.loaded.board.signal(line).name.to_string();
        let refused = self.dead.contains(name.as_str()) && OUTPUTS.contains(&name.as_str()) && level.is_high();
        if refused {
            return self.input(Input::CommandFailed { command, reason: "no such line".to_owned() });
        }
        self.driven.push(format!("{name}={}", u8::from(level.is_high())));
        self.lines.insert(name, level.is_high());
        self.settle();
    }

    /// Inputs follow outputs.
    fn settle(&mut self) {
        let is = |name: &str| self.lines[name];
        let powered = is("main");
        let wanted = [
            ("a-good", powered && is("a-enable")),
            ("b-good", powered && is("b-enable") && is("a-enable")),
            ("power-good", powered && is("a-enable") && is("b-enable") && is("c-enable")),
        ];
        for (name, high) in wanted {
            let level = self.stuck.contains(name) || high && !self.dead.contains(name);
            if self.lines.insert(name.to_owned(), level) != Some(level) {
                let place = self.loaded.board.find_signal(name).unwrap();
                self.input(Input::Signal(place, Some(Level::from_bool(level))));
            }
        }
    }

    fn pass(&mut self, seconds: u64) {
        let until = self.now + Duration::from_secs(seconds);
        while self.now < until {
            let tick = self.now + Duration::from_millis(500);
            self.now = self.core.next_deadline().unwrap_or(tick).max(self.now).min(tick);
            self.input(Input::Tick);
            let volts = if self.lines["b-good"] { self.volts } else { 0.0 };
            self.input(Input::Samples(vec![(SensorId::new(0), Sample::Value(volts))]));
            if self.core.next_deadline().is_none_or(|deadline| deadline > self.now) {
                self.now = (self.now + Duration::from_millis(10)).min(until);
            }
        }
    }

    fn ask(&mut self, verb: &str) {
        self.requests += 1;
        let request = Request::Transition {
            machine: "chassis".into(),
            verb: Verb::parse(verb).unwrap(),
            plan_only: false,
            revision: String::new(),
            idempotency_key: String::new(),
            deadline: None,
        };
        let (id, actor) = (RequestId(self.requests), "tester".to_owned());
        self.input(Input::Asked(Asked { id, actor, reason: String::new(), request }));
    }

    fn state(&self) -> String {
        let id = self.core.board().find_machine("chassis").unwrap();
        self.core.machine(id, self.now).state.to_string()
    }

    fn high(&self) -> Vec<&str> {
        self.lines.iter().filter(|(_, high)| **high).map(|(name, _)| name.as_str()).collect()
    }

    fn told(&self, subject: &str) -> Vec<&str> {
        self.events.iter().filter(|(of, _)| of == subject).map(|(_, text)| text.as_str()).collect()
    }

    fn last_operation(&self) -> String {
        let (subject, text) = self.events.iter().rfind(|(subject, _)| subject.starts_with("operation.")).unwrap();
        format!("{}: {text}", subject.rsplit('.').next().unwrap())
    }
}

#[test]
fn rails_come_up_in_order_and_go_down_in_reverse() {
    let mut plant = Plant::new(&[]);
    assert_eq!(plant.state(), "off");
    plant.ask("on");
    plant.pass(5);
    assert_eq!(plant.state(), "on", "{:?}", plant.events);
    assert_eq!(plant.driven, ["main=1", "a-enable=1", "kick=1", "kick=0", "b-enable=1", "c-enable=1"]);
    plant.driven.clear();
    plant.ask("off");
    plant.pass(5);
    assert_eq!(plant.state(), "off");
    assert_eq!(plant.driven, ["c-enable=0", "b-enable=0", "a-enable=0", "main=0"]);
    assert!(plant.high().is_empty());
    assert_eq!(plant.told("power.up.undone").len(), 1);
}

/// Each step once: what does not happen, and what the operation then says. The end is always that of a clean off.
#[test]
fn whatever_step_fails_the_rails_are_as_after_a_clean_power_off() {
    let never: [(&'static str, &str); 3] = [
        ("a-good", "step 2 of up: a did not become good within 1 s"),
        ("b-good", "step 5 of up: b did not become good within 1 s"),
        ("power-good", "step 8 of up: power-good did not go high within 2 s"),
    ];
    let refused: [(&'static str, &str); 5] = [
        ("main", "main could not be driven"),
        ("a-enable", "a-enable could not be driven"),
        ("kick", "kick could not be driven"),
        ("b-enable", "b-enable could not be driven"),
        ("c-enable", "c-enable could not be driven"),
    ];
    for (line, why) in never.into_iter().chain(refused) {
        let mut plant = Plant::new(&[]);
        plant.dead.insert(line);
        plant.ask("on");
        plant.pass(40);
        assert_eq!(plant.state(), "off", "{line}: {:?}", plant.events);
        assert_eq!(plant.high(), [""; 0], "{line}");
        assert!(plant.last_operation().contains(why), "{line}: {}", plant.last_operation());
        assert!(plant.last_operation().starts_with("rolled-back"), "{line}");
        assert_eq!(plant.told("power.up.failed").len(), 1, "{line}: {:?}", plant.events);
        assert_eq!(plant.told("power.up.fault-record").len(), 1, "{line}");
        // Mended, it comes up as if nothing had been.
        plant.dead.clear();
        plant.ask("on");
        plant.pass(10);
        assert_eq!(plant.state(), "on", "{line}: {:?}", plant.events);
    }
}

#[test]
fn a_voltage_out_of_its_bounds_stops_the_sequence() {
    let mut plant = Plant::new(&[]);
    plant.volts = 4.2;
    plant.ask("on");
    plant.pass(20);
    assert_eq!((plant.state().as_str(), plant.high()), ("off", vec![]));
    let said = plant.last_operation();
    assert!(said.contains("b_volts is 4.20 V and did not come to 4.75–5.25 V within 3 s"), "{said}");
    let record = plant.told("power.up.fault-record");
    assert!(record[0].contains("b on, good, 4.20 V"), "{record:?}");
}

#[test]
fn a_rail_that_falls_while_another_comes_up_ends_it() {
    let mut plant = Plant::new(&[]);
    plant.dead.insert("b-good");
    plant.ask("on");
    plant.pass(0);
    plant.now = plant.now + Duration::from_millis(160);
    plant.input(Input::Tick);
    plant.now = plant.now + Duration::from_millis(60);
    plant.input(Input::Tick);
    assert_eq!(plant.state(), "powering-on");
    plant.dead.insert("a-good");
    plant.settle();
    plant.pass(20);
    assert_eq!((plant.state().as_str(), plant.high()), ("off", vec![]));
    assert!(plant.last_operation().contains("a lost its power-good on the way up"), "{}", plant.last_operation());
}

#[test]
fn a_rail_that_is_lost_takes_everything_down_with_a_record() {
    let mut plant = Plant::new(&[]);
    plant.ask("on");
    plant.pass(5);
    assert_eq!(plant.state(), "on");
    plant.dead.insert("b-good");
    plant.settle();
    plant.pass(10);
    assert_eq!((plant.state().as_str(), plant.high()), ("off", vec![]));
    assert_eq!(plant.told("rail.b.lost"), ["b is told to be on and is not good any more"]);
    let record = plant.told("power.up.fault-record");
    assert!(record[0].contains("a on, good; b on, not good"), "{record:?}");
}

/// Edges come in any order: whichever is first, the rail that failed is named, and the loss of power is told once.
#[test]
fn the_rail_that_failed_is_named_also_when_power_good_falls_first() {
    let mut plant = Plant::new(&[]);
    plant.ask("on");
    plant.pass(5);
    plant.requests = 0;
    for line in ["power-good", "a-good", "b-good"] {
        plant.dead.insert(line);
        plant.lines.insert(line.to_owned(), false);
        let place = plant.loaded.board.find_signal(line).unwrap();
        plant.input(Input::Signal(place, Some(Level::Low)));
    }
    plant.pass(10);
    assert_eq!((plant.state().as_str(), plant.high()), ("off", vec![]));
    assert_eq!(plant.told("rail.a.lost").len(), 1, "{:?}", plant.events);
    // It went with a.
    assert_eq!(plant.told("rail.b.lost"), [""; 0]);
    let lost = plant.told("state.chassis.transition").into_iter().filter(|text| text.contains("lost power"));
    assert_eq!(lost.collect::<Vec<_>>(), ["chassis lost power: power-good falls while on"]);
}

#[test]
fn what_stays_on_although_switched_off_is_a_fault_and_everything_else_is_off() {
    for (line, state, why) in [
        ("b-good", "rail-fault", "b is switched off and still good"),
        ("power-good", "fault", "power-good stays high although everything is switched off"),
    ] {
        let mut plant = Plant::new(&[]);
        plant.ask("on");
        plant.pass(5);
        plant.stuck.insert(line);
        plant.ask("off");
        plant.pass(40);
        assert_eq!(plant.state(), state, "{:?}", plant.events);
        assert_eq!(plant.high(), [line]);
        assert!(plant.last_operation().contains(why), "{}", plant.last_operation());
        plant.stuck.clear();
        plant.settle();
        plant.ask("off");
        plant.pass(10);
        assert_eq!(plant.state(), "off", "{:?}", plant.events);
    }
}

#[test]
fn off_in_the_middle_of_the_way_up_goes_down_at_once() {
    for after in [0, 50, 120, 160, 600] {
        let mut plant = Plant::new(&[]);
        plant.dead.insert("power-good");
        plant.ask("on");
        plant.now = plant.now + Duration::from_millis(after);
        plant.input(Input::Tick);
        plant.ask("force-off");
        plant.pass(10);
        assert_eq!((plant.state().as_str(), plant.high()), ("off", vec![]), "after {after} ms: {:?}", plant.events);
    }
}

#[test]
fn what_a_daemon_that_died_has_left_half_way_up_is_taken_down() {
    let mut plant = Plant::new(&["main", "a-enable", "a-good"]);
    plant.pass(10);
    assert_eq!((plant.state().as_str(), plant.high()), ("off", vec![]));
    assert_eq!(plant.told("power.up.left-half-way").len(), 1);
}

#[test]
fn a_daemon_that_starts_with_everything_on_touches_nothing() {
    let all = ["main", "a-enable", "a-good", "b-enable", "b-good", "c-enable", "power-good"];
    let mut plant = Plant::new(&all);
    plant.pass(60);
    assert_eq!(plant.state(), "on");
    assert_eq!(plant.driven, [""; 0]);
}
