//! The air through the machine, and what sits in it: inlet, outlet, the BMC.

use super::heat::{Lump, lag};

/// What a host's share of the air carries away at full flow, in W/K: some 45 l/s.
const CARRIES: f64 = 54.0;
/// Part of that which still moves when the fans stand.
const STILL: f64 = 0.05;
/// Part of its warmth that the outlet's air brings back to the front when nothing blows it away.
const RECIRCULATED: f64 = 0.08;
/// Seconds in which the air and a sensor in it follow.
const FOLLOW: f64 = 5.0;
/// What the BMC's own chip turns into heat, in watts.
const BMC_W: f64 = 3.0;

/// The air through the machine.
#[derive(Clone, Debug)]
pub(super) struct AirPath {
    /// °C
    pub(super) inlet: f64,
    /// °C
    pub(super) outlet: f64,
    pub(super) bmc: Lump,
}

/// W/K that the air of one host carries away at that flow.
pub(super) fn carried(flow: f64) -> f64 {
    CARRIES * (STILL + (1.0 - STILL) * flow)
}

impl AirPath {
    pub(super) const fn new(ambient: f64) -> Self {
        Self { inlet: ambient, outlet: ambient, bmc: Lump::new(ambient + 8.0, 20.0) }
    }

    /// Lets `heat` W flow into the air for `dt` s.
    pub(super) fn step(&mut self, dt: f64, ambient: f64, flows: &[f64], heat: f64) {
        let carried: f64 = flows.iter().copied().map(carried).sum();
        let flow = flows.iter().sum::<f64>() / flows.len() as f64;
        let warmth = (self.outlet - ambient).max(0.0);
        self.inlet = lag(self.inlet, ambient + RECIRCULATED * warmth * (1.0 - flow), dt, FOLLOW);
        self.outlet = lag(self.outlet, self.inlet + heat / carried, dt, FOLLOW);
        self.bmc.step(dt, BMC_W, 0.2 + 0.2 * flow, self.inlet);
    }
}
