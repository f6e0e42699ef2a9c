//! What stands for a machine beside its state: how it comes back, what is overridden, what waits for its time.

use super::{Condition, Mono};

/// A condition that does not stand against powering a machine on, because somebody says so.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Override {
    /// e.g. `no-supply`.
    pub condition: String,
    /// Who says so.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Until when.
    pub expires: Mono,
}

/// How a host or chassis comes back after the loss of power, and how its boots fare.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Restoration {
    /// `always-on`, `always-off`, `last-state`, `none`.
    pub policy: String,
    /// An operator chose it over the board's.
    pub chosen: bool,
    /// For the next time only, instead of `policy`; empty: nothing.
    pub once: String,
    /// Seconds from the BMC's being ready until it is powered on again.
    pub delay_s: f64,
    /// It is to be powered on again, and that is not done.
    pub restoring: bool,
    /// When a policy next tries to do something with it. None: none wants to.
    pub next_try: Option<Mono>,
    /// What stood against the last try; empty: nothing.
    pub held_by: String,
    /// Boots that may still fail. None: it does not boot.
    pub attempts_left: Option<u32>,
    /// Of how many. None: it does not boot.
    pub attempts: Option<u32>,
    /// Its boots have failed too often: nothing is done until somebody asks.
    pub given_up: bool,
}

/// A request that waits for its time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Schedule {
    /// e.g. `at-3`.
    pub id: String,
    /// Of which machine.
    pub machine: String,
    /// As the machine knows it.
    pub request: String,
    /// Wall time, seconds since 1970.
    pub at_s: f64,
    /// When.
    pub due: Mono,
    /// Who asked.
    pub requested_by: String,
    /// The reason that was given; may be empty.
    pub reason: String,
    /// What stands against it, its time having come; empty: nothing, or it has not come.
    pub held_by: String,
}

/// What an exploration of everything that can happen to the machines has found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verification {
    /// What is wrong; empty: nothing.
    pub findings: Vec<Condition>,
    /// States of all explorations.
    pub states: u64,
    /// Everything that can be reached was.
    pub complete: bool,
    /// What was not explored, and why.
    pub left_out: Vec<String>,
    /// Seconds it took.
    pub took_s: f64,
    /// When it came.
    pub at: Mono,
}

/// When something is to be done.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum At {
    /// Seconds since 1970.
    Time(f64),
    /// Seconds from now, by the clock of the BMC.
    After(f64),
}
