//! The fan chip and its fans, and the air they move.
//!
//! Glossary: *duty* what the chip is told, *flow* the share of the air that all fans at full speed would give a host.

use ubmc_core::units::Duty;

use super::{active::ActiveFaults, heat::lag};
use crate::sim::{FanConfig, FaultKind, SimRefusal, Target};

/// Seconds in which a fan makes 63 % of the way to a higher speed.
const SPIN_UP: f64 = 0.8;
/// The same to a lower speed: it only coasts.
const SPIN_DOWN: f64 = 1.6;
/// Air that comes back through a slower fan, as a part of what its neighbours have ahead of it.
const BACKFLOW: f64 = 0.25;
/// Part of a fan's air that spreads through the plenum; the rest goes to the hosts behind it.
const SPREAD: f64 = 0.5;
/// Part of the air that a fully clogged filter holds back.
const CLOGGED: f64 = 0.7;

/// The fan chip and its fans.
#[derive(Clone, Debug)]
pub(super) struct FanBank {
    config: FanConfig,
    fans: Vec<Fan>,
    /// For every host the part of its air that each fan gives at full speed; they add up to one.
    shares: Vec<Vec<f64>>,
    /// Real seconds since the chip was last told a duty.
    silence: f64,
}

#[derive(Clone, Copy, Debug)]
struct Fan {
    told: Duty,
    rpm: f64,
}

impl FanBank {
    pub(super) fn new(config: &FanConfig, hosts: usize, powered: bool) -> Self {
        // A fan chip comes up at full speed, for want of better knowledge.
        let rpm = if powered { config.max_rpm } else { 0.0 };
        Self {
            config: config.clone(),
            fans: vec![Fan { told: Duty::FULL, rpm }; config.count],
            shares: (0..hosts).map(|host| shares(host, hosts, config.count)).collect(),
            silence: 0.0,
        }
    }

    /// Tells the chip a duty.
    pub(super) fn set_duty(&mut self, fan: usize, duty: Duty, faults: &ActiveFaults) -> Result<(), SimRefusal> {
        let name = || Target::Fan(fan).to_string();
        if faults.is_active(FaultKind::PwmWriteFails, Target::Fan(fan)) {
            return Err(SimRefusal::WriteFailed { fan: name() });
        }
        let Some(slot) = self.fans.get_mut(fan) else {
            return Err(SimRefusal::NoSuch { what: "fan", name: name(), nearest: None });
        };
        slot.told = duty;
        self.silence = 0.0;
        Ok(())
    }

    /// What the chip drives a fan with: what it was told, or everything when it was told nothing for too long.
    pub(super) fn duty(&self, fan: usize) -> Duty {
        if self.watchdog_bit() { Duty::FULL } else { self.fans.get(fan).map_or(Duty::FULL, |fan| fan.told) }
    }

    /// The chip's own watchdog has taken over.
    pub(super) fn watchdog_bit(&self) -> bool {
        self.silence >= self.config.watchdog_s
    }

    /// RPM.
    pub(super) fn rpm(&self, fan: usize) -> f64 {
        self.fans.get(fan).map_or(0.0, |fan| fan.rpm)
    }

    /// Lets real time pass: the watchdog does not know that simulated time runs faster.
    pub(super) fn wait(&mut self, real_s: f64) {
        self.silence = (self.silence + real_s).min(1e9);
    }

    /// Lets simulated time pass.
    pub(super) fn step(&mut self, dt: f64, powered: bool, faults: &ActiveFaults) {
        for index in 0..self.fans.len() {
            let target = if !powered || faults.is_active(FaultKind::FanFail, Target::Fan(index)) {
                0.0
            } else {
                let reached =
                    faults.get(FaultKind::FanSlow, Target::Fan(index)).map_or(1.0, |slow| slow.value.unwrap_or(0.5));
                let FanConfig { min_rpm, max_rpm, .. } = self.config;
                (min_rpm + (max_rpm - min_rpm) * self.duty(index).percent() / 100.0) * reached
            };
            let rpm = self.fans[index].rpm;
            let rpm = lag(rpm, target, dt, if target > rpm { SPIN_UP } else { SPIN_DOWN });
            self.fans[index].rpm = if target == 0.0 && rpm < 20.0 { 0.0 } else { rpm };
        }
    }

    /// What all fans draw, in watts.
    pub(super) fn power(&self) -> f64 {
        self.fans.iter().map(|fan| self.config.max_w * (fan.rpm / self.config.max_rpm).powi(3)).sum()
    }

    /// The flow at every host, 0–1.
    pub(super) fn flows(&self, clogging: f64) -> Vec<f64> {
        let part = |fan: &Fan| fan.rpm / self.config.max_rpm;
        let mean = self.fans.iter().map(part).sum::<f64>() / self.fans.len() as f64;
        let given = |fan| part(fan) - BACKFLOW * (mean - part(fan)).max(0.0);
        let flow = |shares: &Vec<f64>| {
            let flow: f64 = self.fans.iter().zip(shares).map(|(fan, share)| given(fan) * share).sum();
            flow.clamp(0.0, 1.0) * (1.0 - CLOGGED * clogging)
        };
        self.shares.iter().map(flow).collect()
    }
}

/// The part of a host's air that each of `fans` fans gives, when both stand evenly side by side.
fn shares(host: usize, hosts: usize, fans: usize) -> Vec<f64> {
    let place = |index: usize, of: usize| (index as f64 + 0.5) / of as f64;
    let near: Vec<_> = (0..fans)
        .map(|fan| (1.0 - (place(fan, fans) - place(host, hosts)).abs() * hosts as f64).max(0.0) + 1e-6)
        .collect();
    let all_near: f64 = near.iter().sum();
    near.into_iter().map(|near| SPREAD / fans as f64 + (1.0 - SPREAD) * near / all_near).collect()
}
