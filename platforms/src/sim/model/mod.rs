//! Physics and power sequencing of the simulated machine.
//!
//! A plain value: time comes in with [`Model::step`], noise from the configuration's seed. Equal calls give equal
//! results, so the core's tests can carry a machine in process, and a process can carry one in real time.
//!
//! Code map
//! - `mod`        the machine as a whole: what feeds what, in which order
//! - `controls`   what the BMC and the person at the machine do to it; `readings`: what they see of it
//! - `regulator`, `software`   power of chassis and hosts; what runs on a host
//! - `host`, `supply`, `fans`, `air`   watts, degrees, revolutions; `heat`: a lump of matter
//! - `active`     the faults that are active; `noise`: the only source of chance

mod active;
mod air;
mod controls;
mod fans;
mod heat;
mod host;
mod noise;
mod readings;
mod regulator;
mod software;
mod supply;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

use ubmc_core::{
    leds::Pattern,
    time::Mono,
    units::{Duty, Level},
};

pub use self::readings::{Hang, StateValue};
use self::{
    active::ActiveFaults,
    air::AirPath,
    fans::FanBank,
    host::{Air, Host},
    noise::Noise,
    regulator::{Conditions, Regulator},
    software::{Software, Surroundings},
    supply::Supply,
};
use super::{ConfigProblem, FaultKind, HostLine, InitialPower, Line, PowerLine, Rail, SimConfig, Target};

/// From the chassis' power-control to its power-good.
const CHASSIS_DELAY: Duration = Duration::from_millis(300);
/// From a host's power-control to its power-good.
const HOST_DELAY: Duration = Duration::from_millis(200);
/// From a rail's power-control to its power-good.
const RAIL_DELAY: Duration = Duration::from_millis(20);
/// Physics is computed in pieces of at most this length.
const PIECE: Duration = Duration::from_millis(250);
/// Edges kept for whoever takes them; the oldest go first.
const MAX_EDGES: usize = 1024;

/// The simulated machine.
#[derive(Clone, Debug)]
pub struct Model {
    config: SimConfig,
    now: Mono,
    noise: Noise,
    ambient: f64,
    speed: f64,
    clogging: f64,
    chassis: Regulator,
    /// The rails that the BMC switches, in the order of [`Rail::SWITCHED`].
    switched: [Regulator; Rail::SWITCHED.len()],
    hosts: Vec<Host>,
    supplies: Vec<Supply>,
    /// How often the last of the mains has gone: whoever is started after that has booted, as far as this machine goes.
    outages: u32,
    /// How often the controller was reset since the mains came.
    resets: u32,
    fans: FanBank,
    air: AirPath,
    /// Volts, in the order of [`Rail::ALL`].
    rails: [f64; Rail::ALL.len()],
    /// What the BMC drives, whether or not it arrives.
    driven: BTreeMap<Line, Level>,
    leds: BTreeMap<String, Pattern>,
    faults: ActiveFaults,
    /// Every line with the level that was last told.
    lines: Vec<(Line, Level)>,
    edges: VecDeque<Edge>,
}

/// A line changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// When, in simulated time.
    pub at: Mono,
    /// Which line.
    pub line: Line,
    /// To which level.
    pub level: Level,
}

impl Model {
    /// A machine that has just been plugged in.
    ///
    /// # Errors
    /// The first of [`SimConfig::problems`].
    pub fn new(config: &SimConfig) -> Result<Self, ConfigProblem> {
        if let Some(problem) = config.problems().into_iter().next() {
            return Err(problem);
        }
        let (chassis_on, hosts_on) = match config.power {
            InitialPower::Off => (false, false),
            InitialPower::Chassis => (true, false),
            InitialPower::On => (true, true),
        };
        let regulator = |on| if on { Regulator::Good } else { Regulator::Off };
        let software = if hosts_on { Software::running() } else { Software::default() };
        let host = || Host::new(config.ambient, regulator(hosts_on), software);
        let mut model = Self {
            config: config.clone(),
            now: Mono::ZERO,
            noise: Noise::new(config.seed),
            ambient: config.ambient,
            speed: config.speed,
            clogging: 0.0,
            chassis: regulator(chassis_on),
            switched: [regulator(chassis_on); Rail::SWITCHED.len()],
            hosts: (0..config.hosts.count).map(|_| host()).collect(),
            supplies: vec![Supply::new(config.ambient); config.supplies.count],
            outages: 0,
            resets: 0,
            fans: FanBank::new(&config.fans, config.hosts.count, chassis_on),
            air: AirPath::new(config.ambient),
            rails: [0.0; 4],
            driven: BTreeMap::new(),
            leds: BTreeMap::new(),
            faults: ActiveFaults::default(),
            lines: Vec::new(),
            edges: VecDeque::new(),
        };
        model.driven.insert(Line::Chassis(PowerLine::Control), Level::from_bool(chassis_on));
        for rail in Rail::SWITCHED {
            model.driven.insert(Line::Rail(rail, PowerLine::Control), Level::from_bool(chassis_on));
        }
        for host in 0..config.hosts.count {
            model.driven.insert(Line::HostPower(host, PowerLine::Control), Level::from_bool(hosts_on));
        }
        model.settle(Duration::ZERO);
        model.power(f64::INFINITY);
        model.lines = Line::all(config).map(|line| (line, model.level(line))).collect();
        Ok(model)
    }

    /// What it was made of.
    pub fn config(&self) -> &SimConfig {
        &self.config
    }

    /// Simulated time since it was plugged in.
    pub fn now(&self) -> Mono {
        self.now
    }

    /// Simulated seconds per real second.
    pub fn speed(&self) -> f64 {
        self.speed
    }

    /// Lets time pass, simulated and real alike.
    pub fn step(&mut self, dt: Duration) {
        self.fans.wait(dt.as_secs_f64());
        self.simulate(dt);
    }

    /// Lets real time pass: simulated time goes by at the machine's speed, the fan chip's watchdog counts real time.
    pub fn advance(&mut self, real: Duration) {
        self.fans.wait(real.as_secs_f64());
        self.simulate(real.mul_f64(self.speed));
    }

    /// Until a power line changes by itself, in simulated time. None: it will not.
    pub fn next_deadline(&self) -> Option<Duration> {
        let rails = self.switched.iter().filter_map(|rail| rail.deadline());
        let hosts = self.hosts.iter().filter_map(Host::deadline);
        hosts.chain(self.chassis.deadline()).chain(rails).filter(|left| !left.is_zero()).min()
    }

    /// Edges since they were last taken, oldest first; at most the last 1024.
    pub fn take_edges(&mut self) -> Vec<Edge> {
        self.edges.drain(..).collect()
    }

    fn simulate(&mut self, dt: Duration) {
        let mut left = dt;
        while !left.is_zero() {
            // A piece ends where a line may change, so that edges come at their exact time.
            let piece = left.min(PIECE).min(self.next_deadline().unwrap_or(PIECE));
            left = left.saturating_sub(piece);
            self.now = self.now + piece;
            self.flow(piece.as_secs_f64());
            self.settle(piece);
            self.tell_edges();
        }
    }

    /// Lets the consequences of a control or a fault come about at once.
    fn react(&mut self) {
        self.settle(Duration::ZERO);
        self.power(0.0);
        self.tell_edges();
    }

    /// Power sequencing: supplies feed the chassis, the chassis feeds the hosts.
    fn settle(&mut self, dt: Duration) {
        let had_mains = self.supplies.iter().any(Supply::has_mains);
        for (index, supply) in self.supplies.iter_mut().enumerate() {
            supply.settle(index, &self.faults);
        }
        if had_mains && !self.supplies.iter().any(Supply::has_mains) {
            self.outages += 1;
            self.resets = 0;
        }
        let mains = self.supplies.iter().any(Supply::is_good);
        let wanted = self.level(Line::Chassis(PowerLine::Control)).is_high();
        let fed = if self.config.switched_rails {
            self.settle_rails(dt, mains && wanted);
            mains && self.switched.iter().all(|rail| rail.is_good())
        } else {
            mains
        };
        let fault = |kind, target| self.faults.is_active(kind, target);
        self.chassis = self.chassis.next(
            dt,
            Conditions {
                wanted,
                fed,
                lost: fault(FaultKind::PowerGoodLost, Target::Chassis),
                never: fault(FaultKind::PowerGoodNever, Target::Chassis),
                delay: CHASSIS_DELAY,
            },
        );
        for index in 0..self.hosts.len() {
            let target = Target::Host(index);
            let conditions = Conditions {
                wanted: self.level(Line::HostPower(index, PowerLine::Control)).is_high(),
                fed: self.chassis.is_good(),
                lost: self.faults.is_active(FaultKind::PowerGoodLost, target),
                never: self.faults.is_active(FaultKind::PowerGoodNever, target),
                delay: HOST_DELAY,
            };
            let in_reset = self.level(Line::Host(index, HostLine::Reset)).is_high();
            let hung = self.faults.is_active(FaultKind::HostHang, target);
            let host = &mut self.hosts[index];
            host.regulator = host.regulator.next(dt, conditions);
            let around = Surroundings {
                powered: host.regulator.is_good(),
                hung,
                in_reset,
                boot: Duration::from_secs_f64(self.config.hosts.boot_s),
                shutdown: Duration::from_secs_f64(self.config.hosts.shutdown_s),
            };
            if host.software.advance(dt, around) || host.die.temp >= host::THERMAL_TRIP {
                if host.regulator.is_live() {
                    host.regulator = Regulator::Latched;
                }
                host.software.advance(Duration::ZERO, Surroundings { powered: false, ..around });
            }
        }
    }

    /// The rails that the BMC switches: the supplies feed the first, that one the others.
    fn settle_rails(&mut self, dt: Duration, fed: bool) {
        let mut fed = fed;
        for (place, rail) in Rail::SWITCHED.into_iter().enumerate() {
            let conditions = Conditions {
                wanted: self.level(Line::Rail(rail, PowerLine::Control)).is_high(),
                fed,
                lost: self.faults.is_active(FaultKind::PowerGoodLost, Target::Rail(rail)),
                never: self.faults.is_active(FaultKind::PowerGoodNever, Target::Rail(rail)),
                delay: RAIL_DELAY,
            };
            self.switched[place] = self.switched[place].next(dt, conditions);
            if place == 0 {
                fed = self.switched[place].is_good();
            }
        }
    }

    /// Watts, volts, revolutions, air and degrees, from cause to effect.
    fn flow(&mut self, dt: f64) {
        self.power(dt);
        self.fans.step(dt, self.chassis.is_good(), &self.faults);
        let flows = self.fans.flows(self.clogging);
        let mean_flow = flows.iter().sum::<f64>() / flows.len() as f64;
        for (host, flow) in self.hosts.iter_mut().zip(&flows) {
            let rise = host.power() / air::carried(*flow);
            host.step(dt, Air { inlet: self.air.inlet, rise, flow: *flow });
        }
        let rated = self.config.supplies.rated_w;
        // Supplies sit at the back: half of their air went through the machine.
        let behind = f64::midpoint(self.air.inlet, self.air.outlet);
        let mut heat = self.output();
        for supply in &mut self.supplies {
            heat += supply.drawn(rated) - supply.given();
            supply.step(dt, rated, mean_flow, behind);
        }
        self.air.step(dt, self.ambient, &flows, heat);
    }

    /// What the supplies give together, in watts; all of it becomes heat in the machine.
    fn output(&self) -> f64 {
        let chassis = if self.chassis.is_good() {
            self.config.base_w + self.fans.power() + self.hosts.iter().map(Host::power).sum::<f64>()
        } else {
            0.0
        };
        chassis + self.config.standby_w
    }

    /// Loads, shared by the supplies that are good, and what that does to the rails.
    fn power(&mut self, dt: f64) {
        for index in 0..self.hosts.len() {
            let wanted = self.wanted_load(index);
            self.hosts[index].draw(&self.config.hosts, wanted);
        }
        let good = self.supplies.iter().filter(|supply| supply.is_good()).count();
        let output = self.output();
        let share = if good == 0 { 0.0 } else { output / good as f64 };
        for supply in &mut self.supplies {
            supply.give(share);
        }
        let never = self.faults.is_active(FaultKind::PowerGoodNever, Target::Chassis);
        let live = self.chassis.is_good() || self.chassis.is_live() && !never;
        let strain = share / self.config.supplies.rated_w;
        for (volts, rail) in self.rails.iter_mut().zip(Rail::ALL) {
            // Volts without load, and how many of them a fully loaded supply costs.
            let (nominal, droop, main) = match rail {
                Rail::P12v => (12.14, 0.18, true),
                Rail::P5v => (5.05, 0.06, true),
                Rail::P3v3 => (3.33, 0.04, true),
                Rail::P3v3Stby => (3.32, 0.0, false),
            };
            let live = match Rail::SWITCHED.iter().position(|switched| *switched == rail) {
                Some(place) if self.config.switched_rails => {
                    let never = self.faults.is_active(FaultKind::PowerGoodNever, Target::Rail(rail));
                    self.switched[place].is_good() || self.switched[place].is_live() && !never
                }
                Some(_) | None => live,
            };
            let target = if live || !main { nominal - droop * strain.min(1.5) } else { 0.0 };
            *volts = heat::lag(*volts, target, dt, if target > *volts { 0.04 } else { 0.12 });
        }
    }

    /// What the users of a host want of it, 0–1.
    fn wanted_load(&self, host: usize) -> f64 {
        self.hosts[host].load_set.unwrap_or_else(|| 0.25 + 0.2 * self.noise.wander(host as u64, self.now.as_secs_f64()))
    }

    fn tell_edges(&mut self) {
        for index in 0..self.lines.len() {
            let (line, told) = self.lines[index];
            let level = self.level(line);
            if level != told {
                self.lines[index].1 = level;
                if self.edges.len() == MAX_EDGES {
                    self.edges.pop_front();
                }
                self.edges.push_back(Edge { at: self.now, line, level });
            }
        }
    }

    /// What the fan chip drives a fan with.
    pub fn duty(&self, fan: usize) -> Duty {
        self.fans.duty(fan)
    }

    /// The fan chip was told nothing for too long and has gone to full speed by itself.
    pub fn watchdog_bit(&self) -> bool {
        self.fans.watchdog_bit()
    }
}
