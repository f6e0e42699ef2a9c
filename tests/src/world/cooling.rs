//! The cooling loop, closed: the core of the shipped simulated board drives the simulator's fans in simulated time, and its
//! physics answers. Nothing goes wrong here by chance; a scenario says what happens.

use std::{collections::BTreeMap, fmt, time::Duration};

use ubmc_core::{
    core::Core,
    effect::{Effect, Effects},
    ids::{Generation, MachineId, SensorId, ServiceId, SignalId, ZoneId},
    input::{Asked, HardwareCommand, Input, Sample, ServiceHappening, Verb},
    machines::Demand,
    services::Builtin,
    time::Mono,
    view::{Quality, ZoneState},
};
use ubmc_platforms::{
    board::{SensorBinding, SignalBinding},
    sim::{Fault, Line, Model, Quantity, SimConfig},
};

use super::hardware::board;
use crate::plant::transition;

const SECOND: Duration = Duration::from_secs(1);
/// Physics and deadlines in pieces of this length.
const PIECE: Duration = Duration::from_millis(100);

/// What happened while a scenario ran. Written for a person who tunes a board.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Course {
    /// Lowest and highest duty of each zone's fans in the last ten minutes.
    pub steady: BTreeMap<String, (f64, f64)>,
    /// Seconds that any part whose sensor has a `target` was above it, by what it really was.
    pub above_target: u64,
    /// The longest of these times without a break.
    pub longest_above: u64,
    /// Hottest that each sensor's part really got, °C.
    pub hottest: BTreeMap<String, f64>,
    /// The first trip, and after how many seconds.
    pub trip: Option<(u64, String)>,
    /// Seconds in which a zone was not controlled, by state, after the first minute.
    pub states: BTreeMap<&'static str, u64>,
    /// Every second in which a needed temperature was unknown or over its limit and a fan below fail-safe.
    pub unsafe_seconds: Vec<String>,
}

impl fmt::Display for Course {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (zone, (low, high)) in &self.steady {
            write!(f, "{zone} {low:.1}–{high:.1} % ")?;
        }
        write!(f, "| above target {} s, at most {} s on end |", self.above_target, self.longest_above)?;
        for (sensor, hottest) in &self.hottest {
            write!(f, " {sensor} {hottest:.1}")?;
        }
        write!(f, " | {:?} | {:?}", self.states, self.trip)
    }
}

/// The shipped simulated board with everything running, in simulated time.
pub struct Loop {
    core: Core,
    model: Model,
    lines: Vec<Line>,
    quantities: Vec<Option<Quantity>>,
    now: Mono,
    tasks: BTreeMap<Builtin, (ServiceId, Generation)>,
    above: u64,
    course: Course,
    duties: BTreeMap<String, Vec<f64>>,
}

impl Loop {
    /// Everything is on and idle, in air of `ambient` °C.
    pub fn new(ambient: f64) -> Self {
        let loaded = board();
        let config = loaded.sim.clone().unwrap_or_default();
        let config = SimConfig { ambient, ..config };
        let line = |binding: &SignalBinding| match binding {
            SignalBinding::Sim { line } => Line::find(line, &config).unwrap_or_else(|_| panic!("no line {line}")),
            other @ SignalBinding::Gpio { .. } => panic!("{other:?} is not simulated"),
        };
        let quantity = |binding: &SensorBinding| match binding {
            SensorBinding::Sim { quantity } => Quantity::find(quantity, &config).ok(),
            _ => None,
        };
        let mut all = Self {
            core: Core::new(loaded.board.clone(), 1).unwrap_or_else(|errors| panic!("{errors:?}")),
            model: Model::new(&config).unwrap_or_else(|problem| panic!("{problem}")),
            lines: loaded.bindings.signals.iter().map(line).collect(),
            quantities: loaded.bindings.sensors.iter().map(quantity).collect(),
            now: Mono::ZERO,
            tasks: BTreeMap::new(),
            above: 0,
            course: Course::default(),
            duties: BTreeMap::new(),
        };
        let effects = all.core.start(Mono::ZERO);
        all.absorb(effects);
        for host in 0..config.hosts.count {
            all.set(&format!("host.{host}.load"), 0.1);
        }
        for (machine, seconds) in [("chassis", 5), ("host.0", 15), ("host.1", 15)] {
            let request = transition(machine, Verb::Demand(Demand::On));
            let asked =
                Asked { id: ubmc_core::ids::RequestId(1), actor: "test".into(), reason: String::new(), request };
            // Zones have to be under control before a host may be powered on.
            all.run(5);
            all.input(Input::Asked(asked));
            all.run(seconds);
        }
        let powered = |name: &str| {
            let id = all.core.board().find_machine(name).unwrap_or_else(|| panic!("no {name}"));
            !matches!(all.core.machine(id, all.now).state.as_str(), "off" | "unknown")
        };
        assert!(powered("host.0") && powered("host.1"), "the hosts did not come up");
        all.course = Course::default();
        all.duties.clear();
        all
    }

    /// Changes the surroundings.
    pub fn set(&mut self, name: &str, value: f64) {
        self.model.set(name, value).unwrap_or_else(|refusal| panic!("{refusal}"));
    }

    /// Lets something go wrong.
    pub fn inject(&mut self, kind: &str, target: &str, value: Option<f64>) {
        let fault =
            Fault::parse(kind, target, value, self.model.config()).unwrap_or_else(|refusal| panic!("{refusal}"));
        self.model.inject(fault);
    }

    /// Lets every fault end.
    pub fn clear(&mut self) {
        self.model.clear(None, None);
    }

    /// Seconds since the power was plugged in.
    pub fn second(&self) -> u64 {
        self.now.since_origin().as_secs()
    }

    /// A zone's state now.
    pub fn state(&self, zone: &str) -> ZoneState {
        let id = self.core.board().find_zone(zone).unwrap_or_else(|| panic!("no zone {zone}"));
        self.core.zone(id).state
    }

    /// Whether a machine has power.
    pub fn is_off(&self, machine: &str) -> bool {
        let id = self.core.board().find_machine(machine).unwrap_or_else(|| panic!("no {machine}"));
        self.core.machine(id, self.now).state.as_str() == "off"
    }

    /// Lets so many seconds pass.
    pub fn run(&mut self, seconds: u64) -> &mut Self {
        for _ in 0..seconds {
            self.pass_a_second();
            self.watch();
        }
        self
    }

    /// What happened so far.
    pub fn course(&self) -> Course {
        let mut course = self.course.clone();
        for (zone, duties) in &self.duties {
            let last = duties.iter().rev().take(600);
            let (low, high) = last.fold((100.0_f64, 0.0_f64), |(low, high), duty| (low.min(*duty), high.max(*duty)));
            course.steady.insert(zone.clone(), (low, high));
        }
        course
    }

    fn pass_a_second(&mut self) {
        let until = self.now + SECOND;
        while self.now < until {
            let edge = self.model.next_deadline().unwrap_or(PIECE).max(Duration::from_millis(1));
            let deadline = self.core.next_deadline().map_or(PIECE, |deadline| deadline.since(self.now));
            let piece = PIECE.min(edge).min(deadline.max(Duration::from_millis(1))).min(until.since(self.now));
            self.model.step(piece);
            self.now = self.now + piece;
            self.deliver_edges();
            if self.core.next_deadline().is_some_and(|deadline| deadline <= self.now) {
                self.input(Input::Tick);
            }
        }
        let read = |(place, quantity): (usize, &Option<Quantity>)| {
            let quantity = (*quantity)?;
            Some((SensorId::new(place), self.model.sample(quantity)))
        };
        let samples: Vec<(SensorId, Sample)> = self.quantities.iter().enumerate().filter_map(read).collect();
        self.input(Input::Samples(samples));
        // The writer refreshes what the fan chip's watchdog would otherwise forget.
        for fan in 0..self.model.config().fans.count {
            let duty = self.model.duty(fan);
            let _ = self.model.set_duty(fan, duty);
        }
    }

    fn deliver_edges(&mut self) {
        for edge in self.model.take_edges() {
            if let Some(place) = self.lines.iter().position(|line| *line == edge.line) {
                self.input(Input::Signal(SignalId::new(place), Some(edge.level)));
            }
        }
    }

    fn input(&mut self, input: Input) {
        let effects = self.core.handle(self.now, input);
        self.absorb(effects);
    }

    fn absorb(&mut self, effects: Effects) {
        for deed in effects.deeds {
            match deed {
                Effect::StartBuiltin { service, generation, builtin } => {
                    self.tasks.insert(builtin, (service, generation));
                    for happening in [ServiceHappening::Spawned { pid: None }, ServiceHappening::Ready] {
                        self.input(Input::Service { service, generation, happening });
                    }
                    if builtin == Builtin::Statemgr {
                        for (place, line) in self.lines.clone().into_iter().enumerate() {
                            let level = self.model.level(line);
                            self.input(Input::Signal(SignalId::new(place), Some(level)));
                        }
                    }
                }
                Effect::Command(command) => self.command(command),
                _ => {}
            }
        }
    }

    fn command(&mut self, command: HardwareCommand) {
        let done = match &command {
            HardwareCommand::SetSignal(line, level) => self.model.set_line(self.lines[line.index()], *level),
            HardwareCommand::SetDuty(fan, duty) => self.model.set_duty(fan.index(), *duty),
            HardwareCommand::SetLed(..) | HardwareCommand::SetRail(..) | HardwareCommand::CaptureFault(_) => Ok(()),
        };
        self.deliver_edges();
        if let Err(refusal) = done {
            self.input(Input::CommandFailed { command, reason: refusal.to_string() });
        }
    }

    /// Whether what a sensor measures has power, so that its temperature means anything.
    fn is_powered(&self, powered_by: Option<MachineId>) -> bool {
        let good = powered_by.and_then(|machine| self.core.board().machine(machine).signals.get("power-good"));
        good.is_none_or(|line| self.model.level(self.lines[line.index()]).is_high())
    }

    fn watch(&mut self) {
        let truth: BTreeMap<_, _> = self.model.values().into_iter().map(|value| (value.name, value.value)).collect();
        let board = self.core.board();
        let mut warm = false;
        for (index, zone) in board.zones.iter().enumerate() {
            let view = self.core.zone(ZoneId::new(index));
            if view.state != ZoneState::Controlled {
                *self.course.states.entry(view.state.as_str()).or_default() += 1;
            }
            if view.state == ZoneState::Tripped && self.course.trip.is_none() {
                self.course.trip = Some((self.now.since_origin().as_secs(), view.reason.to_owned()));
            }
            let slowest = zone.fans.iter().map(|fan| self.model.duty(fan.index()).percent()).fold(100.0, f64::min);
            self.duties.entry(zone.name.to_string()).or_default().push(slowest);
            for sensor in zone.sensors() {
                let spec = board.sensor(sensor);
                let (Some(Some(quantity)), true) =
                    (self.quantities.get(sensor.index()), self.is_powered(spec.powered_by))
                else {
                    continue;
                };
                let Some(value) = truth.get(&quantity.to_string()).copied() else { continue };
                if spec.kind == ubmc_core::sensors::SensorKind::Temperature {
                    let hottest = self.course.hottest.entry(spec.name.to_string()).or_insert(value);
                    *hottest = hottest.max(value);
                    warm |= spec.protection.target.is_some_and(|target| value > target);
                }
                let sensed = self.core.sensor(sensor);
                let unknown =
                    !matches!(sensed.quality, Quality::Good | Quality::Unpowered) && !spec.protection.missing_ok;
                let over = spec.thresholds.critical_high.zip(sensed.value).is_some_and(|(limit, value)| value >= limit)
                    && sensed.quality == Quality::Good;
                if (unknown || over) && slowest < zone.failsafe.percent() - 0.1 {
                    let text = format!("{} {} {slowest:.0} %", self.now, spec.name);
                    self.course.unsafe_seconds.push(text);
                }
            }
        }
        self.above = if warm { self.above + 1 } else { 0 };
        self.course.above_target += u64::from(warm);
        self.course.longest_above = self.course.longest_above.max(self.above);
    }
}
