//! The floor: a loop over `posix_spawn`, with nothing watched, read or remembered.
//!
//! A spawn returns once the new image runs, so the loop keeps the order of any plan.

use std::{collections::BTreeMap, ffi::CString};

use nix::{
    spawn::{PosixSpawnAttr, PosixSpawnFileActions, posix_spawn},
    sys::{
        signal::{Signal, kill},
        wait::waitpid,
    },
    unistd::Pid,
};

use super::{
    Bench, Failure,
    clock::Moment,
    contender::Contender,
    plan::Plan,
    ring::{Mark, Ring},
    usage::Process,
};

/// The loop, with what it spawned.
#[derive(Debug)]
pub struct Bare {
    program: CString,
    arguments: Vec<Vec<CString>>,
    children: BTreeMap<usize, Pid>,
}

impl Bare {
    /// For the services of a plan.
    pub fn new(bench: &Bench, plan: &Plan, ring: &Ring) -> Result<Self, Failure> {
        let program = bench.service().display().to_string();
        let arguments = (0..plan.count).map(|index| {
            let mut words = vec![program.clone()];
            words.extend(plan.arguments(index, ring.path()));
            words.into_iter().map(text).collect::<Result<_, _>>()
        });
        Ok(Self { arguments: arguments.collect::<Result<_, _>>()?, program: text(program)?, children: BTreeMap::new() })
    }

    fn spawn(&mut self, index: usize) -> Result<(), Failure> {
        let failed = || Failure::os("posix_spawn");
        let actions = PosixSpawnFileActions::init().map_err(failed())?;
        let attributes = PosixSpawnAttr::init().map_err(failed())?;
        let environment = [c"PATH=/bin:/usr/bin", c"HOME=/", c"TMPDIR=/tmp"];
        let words = &self.arguments[index];
        let pid = posix_spawn(self.program.as_c_str(), &actions, &attributes, words, &environment).map_err(failed())?;
        self.children.insert(index, pid);
        Ok(())
    }
}

fn text(text: String) -> Result<CString, Failure> {
    CString::new(text).map_err(|error| Failure::Invalid(error.to_string()))
}

impl Contender for Bare {
    fn start(&mut self) -> Result<Moment, Failure> {
        let begun = Moment::now();
        for index in 0..self.arguments.len() {
            self.spawn(index)?;
        }
        Ok(begun)
    }

    fn stop(&mut self) -> Result<Moment, Failure> {
        let begun = Moment::now();
        for pid in self.children.values().rev() {
            kill(*pid, Signal::SIGTERM).map_err(Failure::os("a service cannot be ended"))?;
        }
        Ok(begun)
    }

    fn settle(&mut self) -> Result<(), Failure> {
        for pid in std::mem::take(&mut self.children).into_values() {
            waitpid(pid, None).map_err(Failure::os("a service cannot be waited for"))?;
        }
        Ok(())
    }

    fn managers(&self, _services: &[u32]) -> Vec<Process> {
        Vec::new()
    }

    fn crash(&mut self, life: &Mark) -> Result<Moment, Failure> {
        let (at, pid) = (Moment::now(), Pid::from_raw(life.pid));
        kill(pid, Signal::SIGKILL).map_err(Failure::os("a service cannot be killed"))?;
        waitpid(pid, None).map_err(Failure::os("a service cannot be waited for"))?;
        self.spawn(life.index as usize)?;
        Ok(at)
    }
}

impl Drop for Bare {
    fn drop(&mut self) {
        for pid in self.children.values() {
            let _ = kill(*pid, Signal::SIGKILL);
            let _ = waitpid(*pid, None);
        }
    }
}
