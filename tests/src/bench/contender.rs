//! The seam at which supervisors are compared: whoever can start, crash and stop the services of a plan can join.

use std::time::Duration;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Failure, clock::Moment, ring::Mark, usage::Process};

/// How a start begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// With a request to a supervisor that runs, has read everything, and manages services that are down.
    Asked,
    /// With the launch of the supervisor, which then starts everything by itself.
    Launched,
}

/// Starts and supervises the services of one plan, again and again.
pub trait Contender {
    /// Asks for every service; the moment just before.
    fn start(&mut self) -> Result<Moment, Failure>;

    /// Asks for the end of every service, in reverse order; the moment just before.
    fn stop(&mut self) -> Result<Moment, Failure>;

    /// Returns once it is ready for another start; the services have ended.
    fn settle(&mut self) -> Result<(), Failure>;

    /// Every process that manages. Those that it was asked to run are none of them.
    fn managers(&self, services: &[u32]) -> Vec<Process>;

    /// Crashes a service, and returns the moment just before. One that has no supervisor is started again in here.
    fn crash(&mut self, life: &Mark) -> Result<Moment, Failure> {
        let at = Moment::now();
        kill(Pid::from_raw(life.pid), Signal::SIGKILL).map_err(Failure::os("a service cannot be killed"))?;
        Ok(at)
    }

    /// How long it is left alone after a start and after a stop. Some hold back what comes sooner than a second after
    /// the last start, which is no figure of theirs.
    fn rest(&self) -> Duration {
        Duration::from_millis(300)
    }

    /// What is to be known of every figure of it.
    fn remark(&self) -> Option<&'static str> {
        None
    }
}
