//! The real daemon as one who starts everything by being launched.

use std::path::PathBuf;

use super::daemon::{Daemon, Prepared};
use crate::bench::{
    Bench, Failure,
    board::Board,
    clock::Moment,
    contender::{Begin, Contender},
    plan::Plan,
    ring::Ring,
    usage::Process,
};

/// Prepared, or running.
pub struct Booted {
    again: Box<dyn Fn() -> Result<Prepared, Failure>>,
    prepared: Option<Prepared>,
    daemon: Option<Daemon>,
    board: Board,
}

impl Booted {
    /// On a board, with the services of a plan.
    pub fn new(bench: &Bench, board: Board, plan: &Plan, ring: &Ring) -> Result<Self, Failure> {
        let (bench, plan, ring) = (bench.clone(), *plan, PathBuf::from(ring.path()));
        let again = move || Prepared::new(&bench, board, &plan, &ring, Begin::Launched);
        Ok(Self { prepared: Some(again()?), again: Box::new(again), daemon: None, board })
    }
}

impl Contender for Booted {
    fn start(&mut self) -> Result<Moment, Failure> {
        let prepared = self.prepared.take().ok_or_else(|| Failure::Invalid("ubmcd is launched twice".to_owned()))?;
        let begun = Moment::now();
        self.daemon = Some(prepared.launch()?);
        Ok(begun)
    }

    fn stop(&mut self) -> Result<Moment, Failure> {
        let begun = Moment::now();
        if let Some(daemon) = &self.daemon {
            daemon.terminate();
        }
        Ok(begun)
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.daemon = None;
        self.prepared = Some((self.again)()?);
        Ok(())
    }

    fn managers(&self, services: &[u32]) -> Vec<Process> {
        self.daemon.as_ref().map(|daemon| daemon.managers(services)).unwrap_or_default()
    }

    fn remark(&self) -> Option<&'static str> {
        super::remark(self.board)
    }
}
