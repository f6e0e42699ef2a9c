//! The seam at which supervisors are compared: whoever can start, crash and stop the services of a plan can join.

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};

use super::{Failure, clock::Moment, ring::Mark};

/// Starts and supervises the services of one plan, again and again.
pub trait Contender {
    /// As figures call it.
    fn name(&self) -> &'static str;

    /// Asks for every service; the moment just before.
    fn start(&mut self) -> Result<Moment, Failure>;

    /// Asks for the end of every service, in reverse order; the moment just before.
    fn stop(&mut self) -> Result<Moment, Failure>;

    /// Returns once it is ready for another start; the services have ended.
    fn settle(&mut self) -> Result<(), Failure>;

    /// Crashes a service, and returns the moment just before. One that has no supervisor is started again in here.
    fn crash(&mut self, life: &Mark) -> Result<Moment, Failure> {
        let at = Moment::now();
        kill(Pid::from_raw(life.pid), Signal::SIGKILL).map_err(Failure::os("a service cannot be killed"))?;
        Ok(at)
    }
}
