//! The machine as its users see it: scenarios in, levels and temperatures out.

mod faults;
mod heat;
mod power;

use std::time::Duration;

use ubmc_core::{
    input::Sample,
    units::{Duty, Level},
};

use super::Model;
use crate::sim::{Fault, InitialPower, Line, Quantity, SimConfig, find_fan};

/// A machine with names in place of types.
struct Rig {
    model: Model,
}

impl Rig {
    fn new(power: InitialPower) -> Self {
        Self::of(&SimConfig { power, ..SimConfig::default() })
    }

    fn of(config: &SimConfig) -> Self {
        Self { model: Model::new(config).unwrap() }
    }

    fn line(&self, name: &str) -> Line {
        Line::find(name, self.model.config()).unwrap()
    }

    fn high(&self, name: &str) -> bool {
        self.model.level(self.line(name)).is_high()
    }

    fn drive(&mut self, name: &str, high: bool) {
        self.model.set_line(self.line(name), Level::from_bool(high)).unwrap();
    }

    fn pulse(&mut self, name: &str) {
        self.drive(name, true);
        self.drive(name, false);
    }

    fn wait(&mut self, ms: u64) {
        self.model.step(Duration::from_millis(ms));
    }

    /// Time passes, with the fan chip's watchdog fed.
    fn run(&mut self, seconds: u64) {
        for _ in 0..seconds {
            for fan in 0..self.model.config().fans.count {
                // Refused while a fault says so, which is what those tests are about.
                let _ = self.model.set_duty(fan, self.model.fans.duty(fan));
            }
            self.wait(1000);
        }
    }

    fn duty(&mut self, percent: f64) {
        for fan in 0..self.model.config().fans.count {
            self.model.set_duty(fan, Duty::new(percent)).unwrap();
        }
    }

    fn inject(&mut self, kind: &str, target: &str, value: Option<f64>) {
        let fault = Fault::parse(kind, target, value, self.model.config()).unwrap();
        self.model.inject(fault);
    }

    fn sample(&self, name: &str) -> Sample {
        self.model.sample(Quantity::find(name, self.model.config()).unwrap())
    }

    fn value(&self, name: &str) -> f64 {
        match self.sample(name) {
            Sample::Value(value) => value,
            other => panic!("{name}: {other:?}"),
        }
    }

    /// Without noise.
    fn truth(&self, name: &str) -> f64 {
        self.model.values().into_iter().find(|value| value.name == name).unwrap().value
    }

    fn rpm(&self, fan: &str) -> f64 {
        self.model.fans.rpm(find_fan(fan, self.model.config()).unwrap())
    }
}
