//! One life of a service, from the wish for it until nothing of it is left.
//!
//! ```text
//!  Underway ──started──▶ Runs ──its end──▶ Ended ──nothing else is left──▶ (gone)
//!     └──failed, called off──▶ (gone)
//! ```

use std::sync::Arc;

use tokio::time::Instant;
use ubmc_core::{
    ids::{Generation, ServiceId},
    input::ServiceHappening,
    services::{Binary, Signal},
};

use super::{cgroup, launch::Ticket, output::ServiceLog, usage};

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) service: ServiceId,
    pub(super) generation: Generation,
    pub(super) main: Main,
    /// The first process, which leads the group; 0 before the start.
    pub(super) leader: u32,
    /// It has been reaped: the group's number may become another's as soon as the group is empty.
    pub(super) leader_reaped: bool,
    /// Other children of ours that belong to it: adopted orphans, a stop command.
    pub(super) others: Vec<u32>,
    /// Stop commands that are being started.
    pub(super) helpers_underway: usize,
    pub(super) cgroup: Option<cgroup::Group>,
    pub(super) usage: usage::Last,
    pub(super) log: Arc<ServiceLog>,
}

/// How far the main process is.
#[derive(Debug)]
pub(super) enum Main {
    /// A launcher has it in hand.
    Underway(Box<Underway>),
    /// The process whose end is the end of the service.
    Runs(u32),
    /// It has been reaped.
    Ended,
}

/// A start on its way, with what is to follow it.
#[derive(Debug)]
pub(super) struct Underway {
    pub(super) ticket: Arc<Ticket>,
    /// To be done as soon as there is a process.
    pub(super) later: Vec<Later>,
    /// Said by it already; told after its start.
    pub(super) said: Vec<ServiceHappening>,
    /// Its end is wanted: when the start fails now, that is as good.
    pub(super) unwanted: bool,
}

/// What was asked for while there was no process yet.
#[derive(Debug)]
pub(super) enum Later {
    Signal { signal: Signal, everything: bool },
    StopCommand { command: Vec<String>, binary: Arc<Binary> },
}

/// How far the end of everything that belongs to a life is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Killing {
    /// What still lives then is reported.
    Until(Instant),
    /// It has been.
    Reported,
}

impl Life {
    pub(super) fn is_over(&self) -> bool {
        matches!(self.main, Main::Ended) && self.others.is_empty() && self.helpers_underway == 0
    }

    /// The main process, if there is one.
    pub(super) fn main_pid(&self) -> Option<u32> {
        match self.main {
            Main::Runs(pid) => Some(pid),
            Main::Underway(_) | Main::Ended => None,
        }
    }

    /// Its processes that we hold: children of ours, and what is about to become one.
    pub(super) fn known_pids(&self) -> Vec<u32> {
        let main = match &self.main {
            Main::Underway(underway) => underway.ticket.pid(),
            Main::Runs(pid) => Some(*pid),
            Main::Ended => None,
        };
        main.into_iter().chain(self.others.iter().copied()).collect()
    }
}
