//! What a plan takes: step by step, from where each machine is by then.

use std::{collections::BTreeMap, time::Duration};

use super::{
    drive::pause_after,
    plan::{Deed, PlanStep, Scene},
};
use crate::{
    ids::{MachineId, Name},
    machines::Demand,
};

/// How long steps take, and from where they begin.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Forecast {
    /// The longest, by the bounds of the machines' states, with every try that the board allows.
    pub bound: Duration,
    /// What is usual. Absent: one of the steps was never done.
    pub expected: Option<Duration>,
    /// For each step, where its machine is when its turn comes: one state if it is driven for the first time, those where
    /// the step before may have left it otherwise. Empty for a pause.
    pub from: Vec<Vec<Name>>,
}

impl Scene<'_> {
    /// Looks ahead. Steps that succeed leave their machine where their demand is fulfilled; one that fails ends the rest,
    /// so that nothing has to be known of what is after it.
    pub(super) fn forecast(&self, steps: &[PlanStep]) -> Forecast {
        let mut at: BTreeMap<MachineId, Vec<Name>> = BTreeMap::new();
        let mut stages: BTreeMap<u32, (Duration, Option<Duration>)> = BTreeMap::new();
        let mut forecast = Forecast::default();
        for step in steps {
            let (bound, usual, from) = match step.deed {
                Deed::Dwell(pause) => (pause, Some(pause), Vec::new()),
                Deed::Drive(id, demand) => {
                    let machine = self.machines.get(id);
                    let now = || vec![machine.state_name().clone()];
                    let goal = machine.goal(demand).cloned().collect();
                    let from = at.insert(id, goal).unwrap_or_else(now);
                    let once = from.iter().map(|state| machine.bound_from(state, demand)).max().unwrap_or_default();
                    // What is so already takes no time.
                    let usual = if once.is_zero() { Some(once) } else { self.operations.learned.usual(id, demand) };
                    (self.with_tries(once, demand), usual, from)
                }
            };
            let longest = stages.entry(step.stage).or_insert((Duration::ZERO, Some(Duration::ZERO)));
            longest.0 = longest.0.max(bound);
            longest.1 = longest.1.zip(usual).map(|(one, other)| one.max(other));
            forecast.from.push(from);
        }
        forecast.bound = stages.values().map(|(bound, _)| *bound).sum();
        forecast.expected = stages.values().map(|(_, usual)| *usual).sum();
        forecast
    }

    /// A power-on that fails is tried again, after pauses.
    fn with_tries(&self, once: Duration, demand: Demand) -> Duration {
        if demand != Demand::On || once.is_zero() {
            return once;
        }
        let tries = self.house.board.policy.power_on_tries.max(1);
        once * tries + (1..tries).map(pause_after).sum::<Duration>()
    }
}
