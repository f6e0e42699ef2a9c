//! Deadlines as data: what is due when. The shell only sleeps until the first.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    ids::{LedId, MachineId, OperationId, SensorId, ServiceId, SignalId, ZoneId},
    time::Mono,
};

/// What a deadline is for. Each has at most one; arming again moves it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Timer {
    /// A zone's override, trip or periodic evaluation.
    Zone(ZoneId),
    /// A reading becomes stale.
    Stale(SensorId),
    /// The end of a pulse.
    Pulse(SignalId),
    /// A step of a machine's sequence, or all of it, has lasted as long as it may.
    Sequence(MachineId),
    /// A machine's state has lasted as long as it may.
    Machine(MachineId),
    /// An operation's deadline.
    Operation(OperationId),
    /// An operation's pause between two steps.
    Dwell(OperationId),
    /// An operation's pause before a step is tried again; the step by its place.
    Retry(OperationId, usize),
    /// The first override of an interlock to expire.
    Waivers,
    /// An emergency policy has waited long enough.
    Emergency,
    /// A service's state has lasted as long as it may: start, stop, kill, back-off, delay.
    Service(ServiceId),
    /// Ready after a delay.
    Ready(ServiceId),
    /// The next health check, or the heartbeat that is due.
    Health(ServiceId),
    /// The next readiness check.
    Readiness(ServiceId),
    /// What a service has said that it is doing should be done.
    Announced(ServiceId),
    /// A service that had taken the ladder has been ready for long enough.
    Recovered(ServiceId),
    /// Lines that should have been read by now.
    Discovery,
    /// Nobody holds an LED any longer.
    Led(LedId),
    /// An LED that could not be driven is told again, or has proved that it can be.
    LedDriving(LedId),
    /// Groups should be complete.
    Boot,
    /// The daemon should have ended.
    Shutdown,
    /// A machine has been in its state for long enough to count as in it.
    Stable(MachineId),
    /// A host has been up for long enough to have booted for good.
    BootHeld(MachineId),
    /// Something that a policy or a schedule wants is to be tried.
    Intents,
    /// The next schedule's time.
    Schedule,
}

/// All deadlines.
#[derive(Clone, Debug, Default)]
pub struct Timers {
    at: BTreeMap<Timer, Mono>,
    order: BTreeSet<(Mono, Timer)>,
}

impl Timers {
    /// Arms or moves a deadline.
    pub fn arm(&mut self, timer: Timer, at: Mono) {
        if let Some(old) = self.at.insert(timer, at) {
            self.order.remove(&(old, timer));
        }
        self.order.insert((at, timer));
    }

    /// Removes a deadline, if there is one.
    pub fn cancel(&mut self, timer: Timer) {
        if let Some(old) = self.at.remove(&timer) {
            self.order.remove(&(old, timer));
        }
    }

    /// When it is due. Absent: not armed.
    pub fn get(&self, timer: Timer) -> Option<Mono> {
        self.at.get(&timer).copied()
    }

    /// The first deadline.
    pub fn first(&self) -> Option<Mono> {
        self.order.first().map(|(at, _)| *at)
    }

    /// Takes the first that is due, in order of time.
    pub fn pop_due(&mut self, now: Mono) -> Option<Timer> {
        let (at, timer) = *self.order.first()?;
        if at > now {
            return None;
        }
        self.order.pop_first();
        self.at.remove(&timer);
        Some(timer)
    }

    /// How many are armed.
    pub fn len(&self) -> usize {
        self.at.len()
    }

    /// None is armed.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moving_a_deadline_leaves_no_trace_of_the_old_one() {
        let mut timers = Timers::default();
        timers.arm(Timer::Boot, Mono::from_millis(10));
        timers.arm(Timer::Shutdown, Mono::from_millis(20));
        timers.arm(Timer::Boot, Mono::from_millis(30));
        assert_eq!(timers.first(), Some(Mono::from_millis(20)));
        assert_eq!(timers.pop_due(Mono::from_millis(25)), Some(Timer::Shutdown));
        assert_eq!(timers.pop_due(Mono::from_millis(25)), None);
        timers.cancel(Timer::Boot);
        assert!(timers.is_empty());
    }
}
