//! One host: its power, what runs on it, and where its heat goes.
//!
//! Numbers are those of a 200 W server CPU under a 2U heat sink (about 0.15 K/W with good airflow), chosen so that
//! with a quarter of the air an idle CPU sits at some 45 °C and with three quarters a busy one at some 75 °C.

use std::time::Duration;

use super::{
    heat::{Lump, lag},
    regulator::Regulator,
    software::Software,
};
use crate::sim::HostConfig;

/// Die to heat sink, W/K.
const DIE_TO_SINK: f64 = 12.5;
/// Hosts switch themselves off at this temperature of the die, whatever anybody says (a CPU's thermal trip), °C.
pub(super) const THERMAL_TRIP: f64 = 125.0;
/// Everything on a host that is not CPU, memory or regulator, in watts.
const REST_W: f64 = 20.0;
/// The core's voltage without load.
const VCORE: f64 = 1.02;
/// What a host draws while it is off, in watts.
const OFF_W: f64 = 1.5;

/// One host.
#[derive(Clone, Debug)]
pub(super) struct Host {
    pub(super) regulator: Regulator,
    pub(super) software: Software,
    /// Set from outside. Absent: its own wandering load.
    pub(super) load_set: Option<f64>,
    /// 0–1, what it does now.
    pub(super) load: f64,
    pub(super) die: Lump,
    sink: Lump,
    pub(super) dimm: Lump,
    pub(super) vrm: Lump,
    cpu_w: f64,
    dimm_w: f64,
    vrm_w: f64,
    /// V
    pub(super) vcore: f64,
}

/// The air around a host.
#[derive(Clone, Copy, Debug)]
pub(super) struct Air {
    /// °C where it comes in.
    pub(super) inlet: f64,
    /// Kelvin by which it is warmer where it leaves.
    pub(super) rise: f64,
    /// 0–1
    pub(super) flow: f64,
}

impl Host {
    pub(super) fn new(ambient: f64, regulator: Regulator, software: Software) -> Self {
        Self {
            regulator,
            software,
            load_set: None,
            load: 0.0,
            die: Lump::new(ambient, 15.0),
            sink: Lump::new(ambient, 250.0),
            dimm: Lump::new(ambient, 60.0),
            vrm: Lump::new(ambient, 40.0),
            cpu_w: 0.0,
            dimm_w: 0.0,
            vrm_w: 0.0,
            vcore: if regulator.is_good() { VCORE } else { 0.0 },
        }
    }

    /// What it draws from the 12 V rail, in watts; all of it becomes heat.
    pub(super) fn power(&self) -> f64 {
        let rest = if self.regulator.is_live() { REST_W } else { OFF_W };
        self.cpu_w + self.dimm_w + self.vrm_w + rest
    }

    /// Until its power or software changes by itself. Zero: something else holds it.
    pub(super) fn deadline(&self) -> Option<Duration> {
        [self.regulator.deadline(), self.software.deadline()].into_iter().flatten().filter(|left| !left.is_zero()).min()
    }

    /// Turns load into watts.
    pub(super) fn draw(&mut self, config: &HostConfig, wanted: f64) {
        if self.regulator.is_good() {
            self.load = self.software.load(wanted).clamp(0.0, 1.0);
            // Leakage: silicon draws a little more when it is hot.
            let leakage = 1.0 + 0.002 * (self.die.temp - 50.0).clamp(0.0, 75.0);
            self.cpu_w = (config.cpu_idle_w + (config.cpu_full_w - config.cpu_idle_w) * self.load) * leakage;
            self.dimm_w = 12.0 + 18.0 * self.load;
            self.vrm_w = 2.0 + 0.1 * self.cpu_w;
        } else {
            (self.load, self.cpu_w, self.dimm_w, self.vrm_w) = (0.0, 0.0, 0.0, 0.0);
        }
    }

    /// Lets heat flow for `dt` s.
    pub(super) fn step(&mut self, dt: f64, air: Air) {
        // Forced convection grows with the flow to the power of 0.8 (turbulent flow along fins); the rest is what
        // still leaves when the air stands.
        let forced = air.flow.powf(0.8);
        self.die.step(dt, self.cpu_w, DIE_TO_SINK, self.sink.temp);
        self.sink.step(dt, self.cpu_w, 0.5 + 9.1 * forced, air.inlet + 0.15 * air.rise);
        self.dimm.step(dt, self.dimm_w, 0.4 + 1.2 * forced, air.inlet + 0.5 * air.rise);
        self.vrm.step(dt, self.vrm_w, 0.15 + 0.6 * forced, air.inlet + 0.5 * air.rise);
        let target = if self.regulator.is_live() { VCORE - 0.000_35 * self.cpu_w } else { 0.0 };
        self.vcore = lag(self.vcore, target, dt, 0.01);
    }
}
