//! Simulated worlds: the core, driven by seeded chance, with its invariants checked after every step.
//!
//! - [`services`]: processes that exit, hang, ignore TERM, become ready late or never, and operators who ask for anything;
//! - [`hardware`]: a simulated board whose lines and sensors lie, and power requests at any moment;
//! - [`cooling`]: the same board with nothing left to chance, so that its control loop can be measured;
//! - [`mirror`]: a watcher that knows only what it was told, and must know everything.
//!
//! A world is a function of its seed alone: what a test prints on failure reproduces it.

pub mod cooling;
pub mod hardware;
pub mod mirror;
pub mod services;

use std::collections::VecDeque;

/// A violated invariant, with the last things that happened before it.
#[derive(Debug)]
pub struct Violation {
    /// The world.
    pub seed: u64,
    /// What should have been so.
    pub text: String,
    /// Oldest first.
    pub tail: Vec<String>,
}

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "world {}: {}", self.seed, self.text)?;
        for line in &self.tail {
            writeln!(f, "  {line}")?;
        }
        write!(f, "reproduce with UBMC_SEED={} UBMC_WORLDS=1", self.seed)
    }
}

/// The last things that happened.
#[derive(Debug, Default)]
pub struct Tail(VecDeque<String>);

impl Tail {
    /// Remembers a line; forgets the oldest beyond sixty.
    pub fn push(&mut self, line: String) {
        if self.0.len() == 60 {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// Oldest first.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.0).into()
    }
}

/// Seeds to run: `UBMC_SEED` (first) and `UBMC_WORLDS` (how many), else those given.
pub fn seeds(first: u64, worlds: u64) -> std::ops::Range<u64> {
    let from_env = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let first = from_env("UBMC_SEED").unwrap_or(first);
    first..first.saturating_add(from_env("UBMC_WORLDS").unwrap_or(worlds))
}

/// Runs worlds on all cores; the first violation of the lowest seed wins.
pub fn run_all(
    seeds: std::ops::Range<u64>,
    world: impl Fn(u64) -> Result<u64, Violation> + Sync,
) -> Result<u64, Violation> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let results: Vec<Result<u64, Violation>> = std::thread::scope(|scope| {
        let spawn = |offset: usize| {
            let (seeds, world) = (seeds.clone(), &world);
            scope.spawn(move || seeds.skip(offset).step_by(threads).try_fold(0, |sum, seed| Ok(sum + world(seed)?)))
        };
        let handles: Vec<_> = (0..threads).map(spawn).collect();
        handles
            .into_iter()
            .map(|handle| handle.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    });
    let mut steps = 0;
    let mut worst: Option<Violation> = None;
    for result in results {
        match result {
            Ok(some) => steps += some,
            Err(violation) if worst.as_ref().is_none_or(|other| violation.seed < other.seed) => worst = Some(violation),
            Err(_) => {}
        }
    }
    worst.map_or(Ok(steps), Err)
}
