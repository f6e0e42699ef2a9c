//! What sensors and lines show of the machine.

use std::time::Duration;

use ubmc_core::{input::Sample, leds::Pattern, units::Level};

use super::Model;
use crate::sim::{
    Bus, FaultKind, HostLine, HostQuantity, Line, PowerLine, PsuLine, PsuQuantity, Quantity, SimRefusal, Target,
};

/// A bus does not answer, or not at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hang {
    /// It answers after this, in real time. Absent: never.
    pub delay: Option<Duration>,
}

/// One value of the machine, as it really is: faults of sensors and lines do not show here.
#[derive(Clone, Debug, PartialEq)]
pub struct StateValue {
    /// e.g. `ambient`, `host.0.cpu_temp`, `fan.0.duty`.
    pub name: String,
    /// States of lines are 0 or 1; LEDs 0 off, 1 on, 2 blinking, 3 blinking fast.
    pub value: f64,
    /// Empty for states and parts.
    pub unit: &'static str,
    /// [`Model::set`] takes it.
    pub settable: bool,
}

impl Model {
    /// What the sensor shows, with its noise and its faults. A bus that hangs without end shows as an error.
    pub fn sample(&self, quantity: Quantity) -> Sample {
        let target = Target::Quantity(quantity);
        if self.hang(quantity.bus()).is_some_and(|hang| hang.delay.is_none()) {
            return Sample::Error(format!("bus {} hangs", quantity.bus()));
        }
        if self.faults.is_active(FaultKind::SensorMissing, target) {
            return Sample::Absent;
        }
        if self.faults.is_active(FaultKind::SensorNan, target) {
            return Sample::Value(f64::NAN);
        }
        if let Some(value) = self.faults.kept(FaultKind::SensorStuck, target) {
            return Sample::Value(value);
        }
        match quantity {
            Quantity::Psu(psu, _) if !self.supplies.get(psu).is_some_and(|psu| psu.present) => Sample::Absent,
            Quantity::Host(host, HostQuantity::CpuTemp | HostQuantity::DimmTemp | HostQuantity::VrmTemp)
                if !self.hosts.get(host).is_some_and(|host| host.regulator.is_good()) =>
            {
                Sample::Error(format!("no answer: host.{host} is off"))
            }
            Quantity::InletTemp
            | Quantity::OutletTemp
            | Quantity::BmcTemp
            | Quantity::Host(..)
            | Quantity::Psu(..)
            | Quantity::Rail(_)
            | Quantity::FanSpeed(_) => {
                self.truth(quantity).map_or(Sample::Absent, |value| Sample::Value(self.measured(quantity, value)))
            }
        }
    }

    /// A bus that does not answer, or late.
    pub fn hang(&self, bus: Bus) -> Option<Hang> {
        self.faults
            .get(FaultKind::BusHang, Target::Bus(bus))
            .map(|hang| Hang { delay: hang.value.map(Duration::from_secs_f64) })
    }

    /// What a line carries: for inputs what the hardware tells, for outputs what arrives of what the BMC drives.
    pub fn level(&self, line: Line) -> Level {
        if let Some(kept) = self.faults.kept_level(FaultKind::GpioStuck, Target::Line(line)) {
            return kept;
        }
        let stuck = |target| self.faults.kept_level(FaultKind::PowerGoodStuck, target);
        match line {
            Line::Chassis(PowerLine::Good) => {
                stuck(Target::Chassis).unwrap_or(Level::from_bool(self.chassis.is_good()))
            }
            Line::HostPower(index, PowerLine::Good) => {
                let good = self.hosts.get(index).is_some_and(|host| host.regulator.is_good());
                stuck(Target::Host(index)).unwrap_or(Level::from_bool(good))
            }
            Line::Rail(rail, PowerLine::Good) => {
                let good = self.switched.get(rail as usize).is_some_and(|regulator| regulator.is_good());
                stuck(Target::Rail(rail)).unwrap_or(Level::from_bool(good))
            }
            Line::Host(index, HostLine::PostComplete) => {
                Level::from_bool(self.hosts.get(index).is_some_and(|host| host.software.post_complete()))
            }
            Line::Psu(index, PsuLine::Present) => {
                Level::from_bool(self.supplies.get(index).is_some_and(|supply| supply.present))
            }
            Line::Psu(index, PsuLine::Good) => {
                Level::from_bool(self.supplies.get(index).is_some_and(super::Supply::is_good))
            }
            Line::Chassis(PowerLine::Control)
            | Line::HostPower(_, PowerLine::Control)
            | Line::Rail(_, PowerLine::Control)
            | Line::Host(_, HostLine::ShutdownRequest | HostLine::Reset | HostLine::Nmi) => {
                self.driven.get(&line).copied().unwrap_or(Level::Low)
            }
        }
    }

    /// The status registers of a supply, by name.
    ///
    /// # Errors
    /// It is not plugged in, or its bus hangs.
    pub fn fault_registers(&self, psu: usize) -> Result<Vec<(String, u16)>, SimRefusal> {
        if self.hang(Bus::Psu).is_some_and(|hang| hang.delay.is_none()) {
            return Err(SimRefusal::BusHangs { bus: Bus::Psu.to_string() });
        }
        match self.supplies.get(psu).filter(|supply| supply.present) {
            Some(supply) => Ok(supply.registers()),
            None => Err(SimRefusal::NoSuch { what: "supply", name: format!("psu.{psu}"), nearest: None }),
        }
    }

    /// What an LED shows.
    pub fn led(&self, name: &str) -> Pattern {
        self.leds.get(name).copied().unwrap_or_default()
    }

    /// Everything there is to know of the machine.
    pub fn values(&self) -> Vec<StateValue> {
        let value = |name: String, value: f64, unit, settable| StateValue { name, value, unit, settable };
        let mut values = vec![
            value("ambient".into(), self.ambient, "°C", true),
            value("speed".into(), self.speed, "", true),
            value("filter_clogging".into(), self.clogging, "", true),
        ];
        for (index, host) in self.hosts.iter().enumerate() {
            values.push(value(format!("host.{index}.load"), host.load_set.unwrap_or(host.load), "", true));
            values.push(value(format!("host.{index}.interrupts"), host.software.interrupts as f64, "", false));
        }
        for fan in 0..self.config.fans.count {
            values.push(value(format!("fan.{fan}.duty"), self.duty(fan).percent(), "%", false));
        }
        values.push(value("outages".into(), f64::from(self.outages), "", false));
        values.push(value("controller_resets".into(), f64::from(self.resets), "", false));
        values.push(value("fan_watchdog".into(), f64::from(u8::from(self.watchdog_bit())), "", false));
        values.extend(Quantity::all(&self.config).filter_map(|quantity| {
            self.truth(quantity).map(|truth| value(quantity.to_string(), truth, quantity.kind().unit(), false))
        }));
        values.extend(
            Line::all(&self.config)
                .map(|line| value(line.to_string(), f64::from(u8::from(self.level(line).is_high())), "", false)),
        );
        values.extend(self.leds.iter().map(|(name, pattern)| {
            let number = match pattern {
                Pattern::Off => 0.0,
                Pattern::On => 1.0,
                Pattern::Blink => 2.0,
                Pattern::FastBlink => 3.0,
            };
            value(format!("led.{name}"), number, "", false)
        }));
        values
    }

    /// The value as it really is. None: there is no such thing.
    fn truth(&self, quantity: Quantity) -> Option<f64> {
        match quantity {
            Quantity::InletTemp => Some(self.air.inlet),
            Quantity::OutletTemp => Some(self.air.outlet),
            Quantity::BmcTemp => Some(self.air.bmc.temp),
            Quantity::Host(index, quantity) => self.hosts.get(index).map(|host| match quantity {
                HostQuantity::CpuTemp => host.die.temp,
                HostQuantity::DimmTemp => host.dimm.temp,
                HostQuantity::VrmTemp => host.vrm.temp,
                HostQuantity::Power if self.chassis.is_live() => host.power(),
                HostQuantity::Power => 0.0,
                HostQuantity::Vcore => host.vcore,
            }),
            Quantity::Psu(index, quantity) => self.supplies.get(index).map(|supply| match quantity {
                PsuQuantity::Temp => supply.inside.temp,
                PsuQuantity::Power => supply.drawn(self.config.supplies.rated_w),
                PsuQuantity::Vin if supply.has_mains() => {
                    230.0 + 1.5 * self.noise.wander(100 + index as u64, self.now.as_secs_f64())
                }
                PsuQuantity::Vin => 0.0,
            }),
            Quantity::Rail(rail) => Some(self.rails[rail as usize]),
            Quantity::FanSpeed(fan) => (fan < self.config.fans.count).then(|| self.fans.rpm(fan)),
        }
    }

    /// The value with the sensor's noise, in the sensor's own steps.
    fn measured(&self, quantity: Quantity, value: f64) -> f64 {
        // Steps are those of common chips: 1/16 °C (TMP275), millivolts, tenths of watts, whole revolutions.
        let (noise, step) = match quantity.kind() {
            ubmc_core::sensors::SensorKind::Temperature => (0.12, 0.0625),
            ubmc_core::sensors::SensorKind::Voltage => (0.001 * value, 0.001),
            ubmc_core::sensors::SensorKind::FanSpeed => (0.004 * value, 1.0),
            ubmc_core::sensors::SensorKind::Power => (0.005 * value, 0.1),
            ubmc_core::sensors::SensorKind::Current
            | ubmc_core::sensors::SensorKind::Humidity
            | ubmc_core::sensors::SensorKind::State => (0.0, 0.001),
        };
        let moment = u64::try_from(self.now.since_origin().as_millis() / 50).unwrap_or(u64::MAX);
        let jitter = self.noise.jitter(1000 + stream(quantity), moment);
        ((value + noise * jitter) / step).round() * step
    }
}

/// A number of its own for every quantity, so that no two sensors have the same noise.
const fn stream(quantity: Quantity) -> u64 {
    match quantity {
        Quantity::InletTemp => 0,
        Quantity::OutletTemp => 1,
        Quantity::BmcTemp => 2,
        Quantity::Rail(rail) => 10 + rail as u64,
        Quantity::Host(host, quantity) => 100 + 10 * host as u64 + quantity as u64,
        Quantity::Psu(psu, quantity) => 200 + 10 * psu as u64 + quantity as u64,
        Quantity::FanSpeed(fan) => 300 + fan as u64,
    }
}
