//! What the BMC, and the person in front of the machine, do to it.

use ubmc_core::{
    input::Sample,
    leds::Pattern,
    power::Direction,
    units::{Duty, Level},
};

use super::Model;
use crate::sim::{Bus, Fault, FaultKind, HostLine, Line, SimRefusal, Target, names::letters, refusal::nearest};

/// LEDs that are remembered; more names than any board has.
const MAX_LEDS: usize = 64;

impl Model {
    /// The BMC drives a line.
    ///
    /// # Errors
    /// There is no such line, or it is not the BMC that drives it.
    pub fn set_line(&mut self, line: Line, level: Level) -> Result<(), SimRefusal> {
        match line.direction() {
            Direction::Input => return Err(SimRefusal::NotAnOutput { line: line.to_string() }),
            Direction::Output if !Line::all(&self.config).any(|known| known == line) => {
                return Err(SimRefusal::NoSuch { what: "line", name: line.to_string(), nearest: None });
            }
            Direction::Output => {}
        }
        let before = self.level(line);
        self.driven.insert(line, level);
        // A line that is stuck does not carry the edge.
        if before < self.level(line) {
            self.rose(line);
        }
        self.react();
        Ok(())
    }

    /// The controller is reset. The machine does not mind.
    pub fn reset_controller(&mut self) {
        self.resets += 1;
    }

    fn rose(&mut self, line: Line) {
        match line {
            Line::Host(index, HostLine::ShutdownRequest) => self.hosts[index].software.ask_to_shut_down(),
            Line::Host(index, HostLine::Nmi) => {
                let hung = self.faults.is_active(FaultKind::HostHang, Target::Host(index));
                self.hosts[index].software.interrupt(hung);
            }
            // The others act by their level.
            Line::Host(_, HostLine::Reset | HostLine::PostComplete)
            | Line::Chassis(_)
            | Line::HostPower(..)
            | Line::Rail(..)
            | Line::Psu(..) => {}
        }
    }

    /// The BMC tells the fan chip a duty.
    ///
    /// # Errors
    /// There is no such fan, the chip refuses the write (pwm-write-fails), or its bus hangs.
    pub fn set_duty(&mut self, fan: usize, duty: Duty) -> Result<(), SimRefusal> {
        if self.hang(Bus::FanChip).is_some_and(|hang| hang.delay.is_none()) {
            return Err(SimRefusal::BusHangs { bus: Bus::FanChip.to_string() });
        }
        self.fans.set_duty(fan, duty, &self.faults)
    }

    /// The BMC lets an LED show a pattern.
    ///
    /// # Errors
    /// The name is longer than 64 bytes, or one of too many.
    pub fn set_led(&mut self, name: &str, pattern: Pattern) -> Result<(), SimRefusal> {
        if name.len() > 64 || self.leds.len() >= MAX_LEDS && !self.leds.contains_key(name) {
            return Err(SimRefusal::NoSuch { what: "LED", name: name.chars().take(64).collect(), nearest: None });
        }
        self.leds.insert(name.to_owned(), pattern);
        Ok(())
    }

    /// Changes the surroundings: `ambient` (°C, −40–80), `speed` (0–1000), `filter_clogging` (0–1), `host.N.load`
    /// (0–1; −1 gives the host its own wandering load back).
    ///
    /// # Errors
    /// There is no such value, or it cannot be that.
    pub fn set(&mut self, name: &str, value: f64) -> Result<(), SimRefusal> {
        let refuse = |allowed| SimRefusal::OutOfRange { name: name.to_owned(), value: value.to_string(), allowed };
        let within = |low: f64, high: f64, allowed| {
            if (low..=high).contains(&value) { Ok(value) } else { Err(refuse(allowed)) }
        };
        let wanted = letters(name);
        if wanted == "ambient" {
            self.ambient = within(-40.0, 80.0, "it is a temperature of −40–80 °C")?;
        } else if wanted == "speed" {
            self.speed = within(0.0, 1000.0, "simulated time can go 0–1000 times as fast as real time")?;
        } else if wanted == "filterclogging" {
            self.clogging = within(0.0, 1.0, "a filter is clogged by a part of 0–1")?;
        } else if let Some(host) = (0..self.hosts.len()).find(|host| wanted == letters(&format!("host.{host}.load"))) {
            let load = if (value + 1.0).abs() < f64::EPSILON {
                None
            } else {
                Some(within(0.0, 1.0, "a load is 0–1, or −1 for its own")?)
            };
            self.hosts[host].load_set = load;
        } else {
            let known = ["ambient", "speed", "filter_clogging"].into_iter().map(ToOwned::to_owned);
            let loads = (0..self.hosts.len()).map(|host| format!("host.{host}.load"));
            return Err(SimRefusal::UnknownSetting {
                name: name.to_owned(),
                nearest: nearest(name, known.chain(loads)),
            });
        }
        self.react();
        Ok(())
    }

    /// Lets something go wrong; the same fault again changes its value.
    pub fn inject(&mut self, fault: Fault) {
        let frozen = match fault.target {
            Target::Quantity(quantity) => match self.sample(quantity) {
                Sample::Value(value) => value,
                Sample::Error(_) | Sample::Absent => 0.0,
            },
            Target::Line(line) => high(self.level(line)),
            Target::Chassis => high(self.level(Line::Chassis(crate::sim::PowerLine::Good))),
            Target::Host(host) => high(self.level(Line::HostPower(host, crate::sim::PowerLine::Good))),
            Target::Rail(rail) => high(self.level(Line::Rail(rail, crate::sim::PowerLine::Good))),
            Target::Fan(_) | Target::Psu(_) | Target::AllSupplies | Target::Bus(_) => 0.0,
        };
        self.faults.inject(fault, frozen);
        self.react();
    }

    /// Lets faults end. None: any kind, any target. The number of those that ended.
    pub fn clear(&mut self, kind: Option<FaultKind>, target: Option<Target>) -> usize {
        let before: Vec<_> = self.lines.iter().map(|(line, _)| (*line, self.level(*line))).collect();
        let cleared = self.faults.clear(kind, target);
        for (line, level) in before {
            // What the BMC drives arrives late, but as an edge all the same.
            if line.direction() == Direction::Output && level < self.level(line) {
                self.rose(line);
            }
        }
        self.react();
        cleared
    }

    /// Lets faults end by name. An empty kind: all; an empty target: every target of the kind.
    ///
    /// # Errors
    /// A name is unknown, or there is no such fault active.
    pub fn clear_named(&mut self, kind: &str, target: &str) -> Result<(), SimRefusal> {
        if kind.is_empty() {
            self.clear(None, None);
            return Ok(());
        }
        let kind = FaultKind::parse(kind)?;
        let parsed = if target.is_empty() { None } else { Some(kind.parse_target(target, &self.config)?) };
        match self.clear(Some(kind), parsed) {
            0 => Err(SimRefusal::NotActive {
                kind: kind.as_str(),
                target: parsed.map_or_else(|| "any target".to_owned(), |target| target.to_string()),
            }),
            _ => Ok(()),
        }
    }

    /// The faults that are active.
    pub fn faults(&self) -> Vec<Fault> {
        self.faults.list().collect()
    }
}

const fn high(level: Level) -> f64 {
    if level.is_high() { 1.0 } else { 0.0 }
}
