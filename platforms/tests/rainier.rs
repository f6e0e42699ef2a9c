//! The board `rainier` with the core behind it, against hardware that answers as the emulated board was seen to: a fan
//! turns at 300 RPM for each percent it was told, power-good follows power-control, plugged supplies ground their line.

#![allow(clippy::unwrap_used, clippy::panic)] // a test that fails should say where

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    time::Duration,
};

use ubmc_core::{
    board::Board,
    core::Core,
    effect::{Effect, Effects},
    event::{Event, Severity},
    ids::{Generation, MachineId, RequestId, SensorId, ServiceId, SignalId, ZoneId},
    input::{Asked, Exit, HardwareCommand, Input, Request, Sample, ServiceHappening, Verb},
    machines::Demand,
    services::Builtin,
    time::Mono,
    units::{Duty, Level},
    view::ZoneState,
};
use ubmc_platforms::board::{
    Bindings, FanBinding, LedBinding, LoadOptions, NameOrFile, SensorBinding, SignalBinding, load,
};

fn loaded() -> (Board, Bindings) {
    let options = LoadOptions {
        board: NameOrFile::from("rainier"),
        registries: Vec::new(),
        services_dir: None,
        vars: BTreeMap::new(),
    };
    let loaded = load(&options).unwrap_or_else(|problems| panic!("{problems}"));
    assert!(loaded.sim.is_none(), "this is real hardware");
    (loaded.board, loaded.bindings)
}

/// What the emulated board is, as far as the core can tell.
struct Bench {
    core: Core,
    board: Board,
    bindings: Bindings,
    now: Mono,
    tasks: BTreeMap<Builtin, (ServiceId, Generation)>,
    pending: VecDeque<Input>,
    celsius: BTreeMap<String, f64>,
    duties: Vec<Duty>,
    levels: Vec<Level>,
    events: Vec<Event>,
    asked: u64,
}

impl Bench {
    fn new() -> Self {
        let (board, bindings) = loaded();
        let mut bench = Self {
            core: Core::new(board.clone(), 1).unwrap(),
            now: Mono::ZERO,
            tasks: BTreeMap::new(),
            pending: VecDeque::new(),
            celsius: BTreeMap::new(),
            duties: vec![Duty::FULL; board.fans.len()],
            // Presence is grounded, so asserted; everything else is low.
            levels: board
                .signals
                .iter()
                .map(|signal| if signal.name.as_str().ends_with("-present") { Level::High } else { Level::Low })
                .collect(),
            events: Vec::new(),
            asked: 0,
            board,
            bindings,
        };
        let effects = bench.core.start(Mono::ZERO);
        bench.absorb(effects);
        bench.settle();
        bench.run(5);
        bench
    }

    fn run(&mut self, seconds: u32) {
        for _ in 0..seconds {
            let until = self.now + Duration::from_secs(1);
            while let Some(due) = self.core.next_deadline().filter(|due| *due <= until) {
                self.now = due.max(self.now);
                self.pending.push_back(Input::Tick);
                self.settle();
            }
            self.now = until;
            if self.tasks.contains_key(&Builtin::Sensormon) {
                let samples = (0..self.board.sensors.len()).filter_map(|index| {
                    let id = SensorId::new(index);
                    Some((id, Sample::Value(self.measured(index)?)))
                });
                let samples = samples.collect();
                self.pending.push_back(Input::Samples(samples));
                self.settle();
            }
        }
    }

    fn measured(&self, sensor: usize) -> Option<f64> {
        match &self.bindings.sensors[sensor] {
            SensorBinding::Hwmon { channel, .. } if channel.starts_with("fan") => {
                let fan: usize = channel.trim_start_matches("fan").parse().unwrap();
                Some(300.0 * self.duties[fan - 1].percent())
            }
            SensorBinding::Derived => None,
            _ => Some(self.celsius.get(self.board.sensors[sensor].name.as_str()).copied().unwrap_or(0.0)),
        }
    }

    fn ask(&mut self, verb: Verb) {
        self.asked += 1;
        let request = Request::Transition {
            machine: "chassis".into(),
            verb,
            plan_only: false,
            revision: String::new(),
            idempotency_key: String::new(),
            deadline: None,
        };
        let id = RequestId(self.asked);
        let asked = Asked { id, actor: "engineer".to_owned(), reason: String::new(), request };
        self.pending.push_back(Input::Asked(asked));
        self.settle();
    }

    fn line(&mut self, name: &str, level: Level) {
        let id = self.board.find_signal(name).unwrap();
        self.levels[id.index()] = level;
        self.pending.push_back(Input::Signal(id, Some(level)));
        self.settle();
    }

    fn settle(&mut self) {
        while let Some(input) = self.pending.pop_front() {
            let effects = self.core.handle(self.now, input);
            self.absorb(effects);
        }
    }

    fn absorb(&mut self, effects: Effects) {
        self.events.extend(effects.events);
        for deed in effects.deeds {
            match deed {
                Effect::StartBuiltin { service, generation, builtin } => {
                    self.tasks.insert(builtin, (service, generation));
                    for happening in [ServiceHappening::Spawned { pid: None }, ServiceHappening::Ready] {
                        self.pending.push_back(Input::Service { service, generation, happening });
                    }
                    if builtin == Builtin::Statemgr {
                        let lines = self.levels.iter().enumerate();
                        self.pending
                            .extend(lines.map(|(index, level)| Input::Signal(SignalId::new(index), Some(*level))));
                    }
                }
                Effect::StopBuiltin { service, generation, .. } => {
                    self.tasks.retain(|_, task| *task != (service, generation));
                    for happening in [ServiceHappening::Exited(Exit::Code(0)), ServiceHappening::Gone] {
                        self.pending.push_back(Input::Service { service, generation, happening });
                    }
                }
                Effect::Command(HardwareCommand::SetDuty(fan, duty)) => self.duties[fan.index()] = duty,
                Effect::Command(HardwareCommand::SetSignal(line, level)) => {
                    self.levels[line.index()] = level;
                    self.pending.push_back(Input::Signal(line, Some(level)));
                    if self.board.signal(line).name.as_str() == "chassis-power-control" {
                        let good = self.board.find_signal("chassis-power-good").unwrap();
                        self.levels[good.index()] = level;
                        self.pending.push_back(Input::Signal(good, Some(level)));
                    }
                }
                _ => {}
            }
        }
    }

    fn chassis(&self) -> String {
        self.core.machine(MachineId::new(0), self.now).state.to_string()
    }

    fn zone(&self) -> ZoneState {
        self.core.zone(ZoneId::new(0)).state
    }

    fn bad_news(&self) -> Vec<&str> {
        self.events
            .iter()
            .filter(|event| event.severity >= Severity::Warning)
            .map(|event| event.text.as_str())
            .collect()
    }
}

#[test]
fn the_board_names_what_the_kernel_shows_on_it() {
    let (board, bindings) = loaded();
    let mut thermometers: BTreeMap<String, usize> = BTreeMap::new();
    for (spec, binding) in board.sensors.iter().zip(&bindings.sensors) {
        let SensorBinding::Hwmon { device, channel } = binding else { continue };
        let path = device.path.clone().unwrap();
        if spec.name.as_str().starts_with("tmp") {
            assert!(spec.name.as_str().contains(&path), "{} is named after {path}", spec.name);
            assert!(channel.starts_with("temp"), "{channel}");
            *thermometers.entry(path).or_default() += 1;
        }
    }
    let tmp275 = "4-0048 4-0049 4-004a 5-0048 5-0049 6-0048 6-004a 6-004b 7-0048 8-0048 8-004a 11-0048 11-0049";
    let tmp423 = "9-004c 9-004d 10-004c 10-004d";
    let single = tmp275.split(' ').map(|path| (path.to_owned(), 1));
    let wanted: BTreeMap<_, _> = single.chain(tmp423.split(' ').map(|path| (path.to_owned(), 4))).collect();
    assert_eq!(thermometers, wanted);
    let fans: Vec<_> = bindings
        .fans
        .iter()
        .map(|binding| match binding {
            FanBinding::Hwmon { device, channel } => format!("{device} {channel}"),
            FanBinding::Sim { .. } => panic!("no simulator here"),
        })
        .collect();
    assert_eq!(fans, (1..=6).map(|number| format!("7-0052 pwm{number}")).collect::<Vec<_>>());
    // Lines and LEDs of the board's device tree.
    let known = "checkstop rtc-battery-voltage-read-enable reset-cause-pinhole factory-reset-toggle cfam-reset \
                 regulator-standby-faulted power-chassis-control power-chassis-good presence-ps0 presence-ps1 presence-ps2 \
                 presence-ps3 power-ffs-sync-history";
    let known: BTreeSet<_> = known.split_whitespace().collect();
    for binding in &bindings.signals {
        let SignalBinding::Gpio { line, .. } = binding else { panic!("{binding:?}") };
        assert!(known.contains(line.as_str()), "{line}");
    }
    let known = "pca955x:front-sys-pwron0 pca955x:front-sys-id0 pca955x:front-enc-fault1 pca955x:front-check-log0 \
                 rear-enc-id0 rear-enc-fault0";
    let leds: Vec<_> = bindings
        .leds
        .iter()
        .map(|binding| match binding {
            LedBinding::Sysfs { led } => led.as_str(),
            LedBinding::Sim { .. } => panic!("no simulator here"),
        })
        .collect();
    assert_eq!(leds, known.split_whitespace().collect::<Vec<_>>());
    assert_eq!(bindings.watchdog.unwrap().device.to_str(), Some("/dev/watchdog0"));
}

#[test]
fn it_is_under_control_cold_and_stays_so_when_it_is_powered_on() {
    let mut bench = Bench::new();
    assert_eq!((bench.zone(), bench.chassis().as_str()), (ZoneState::Controlled, "off"));
    assert_eq!(bench.duties, vec![Duty::new(30.0); 6]);
    bench.ask(Verb::Demand(Demand::On));
    bench.run(60);
    assert_eq!((bench.zone(), bench.chassis().as_str()), (ZoneState::Controlled, "on"));
    assert_eq!(bench.bad_news(), Vec::<&str>::new());
}

#[test]
fn every_temperature_of_the_zone_drives_the_fans_and_powers_off_when_it_is_too_high() {
    let (board, _) = loaded();
    for id in board.zones[0].sensors() {
        let spec = &board.sensors[id.index()];
        let mut bench = Bench::new();
        bench.ask(Verb::Demand(Demand::On));
        bench.run(30);
        let limits = spec.thresholds;
        bench.celsius.insert(spec.name.to_string(), limits.warning_high.unwrap());
        bench.run(10);
        assert!(bench.duties.iter().all(|duty| *duty > Duty::new(60.0)), "{}: {:?}", spec.name, bench.duties);
        assert_eq!(bench.chassis(), "on", "{}", spec.name);
        bench.celsius.insert(spec.name.to_string(), limits.fatal_high.unwrap() + 1.0);
        bench.run(15);
        assert_eq!((bench.zone(), bench.chassis().as_str()), (ZoneState::Tripped, "off"), "{}", spec.name);
        assert_eq!(bench.duties, vec![Duty::FULL; 6], "{}", spec.name);
        // It is latched: cooling down does not bring the power back, nor can anybody before it is released.
        bench.celsius.clear();
        bench.run(30);
        bench.ask(Verb::Demand(Demand::On));
        bench.run(30);
        assert_eq!((bench.zone(), bench.chassis().as_str()), (ZoneState::Tripped, "off"), "{}", spec.name);
    }
}

#[test]
fn a_supply_that_is_pulled_is_told_and_the_last_one_is_missed() {
    let mut bench = Bench::new();
    bench.line("ps0-present", Level::Low);
    assert_eq!(bench.bad_news(), ["ps0 is not plugged in"]);
    for supply in ["ps1", "ps2", "ps3"] {
        bench.line(&format!("{supply}-present"), Level::Low);
    }
    bench.ask(Verb::Demand(Demand::On));
    bench.run(20);
    assert_eq!(bench.chassis(), "off", "nothing can feed it");
}
