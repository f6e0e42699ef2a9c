//! The threads in which processes are made, and the queue before them.
//!
//! One thread is enough while file systems answer. When all that there are hang in one start each and more is waiting,
//! another is added, up to a bound: a service whose program lies on a dead mount holds up itself, not the others. It
//! takes one thread and no more, however often it is tried again; and so do commands, of which a few may hang.

use std::{
    collections::VecDeque,
    io,
    sync::{Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::{Duration, Instant},
};

use ubmc_core::ids::Name;

use super::{Spawner, job::Job};
use crate::process::{launch::Launcher, mark::Serial, undisturbed};

/// A start that takes longer holds up nobody else.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);
/// More threads are not made: as many starts may hang at a time.
pub(in crate::process) const MOST: usize = 32;
/// Threads that commands may have at a time.
const MOST_FOR_COMMANDS: usize = 4;
/// Name services want some.
const STACK_BYTES: usize = 512 * 1024;

/// See the head of this file.
#[derive(Debug)]
pub(super) struct Pool {
    queue: Mutex<Queue>,
    work: Condvar,
    patience: Duration,
}

#[derive(Debug, Default)]
struct Queue {
    /// Bounded by who asks: a life has one start and one stop command, and checks have their own bound.
    jobs: VecDeque<Job>,
    /// What each thread is at. Absent: it waits for something to do.
    posts: Vec<Option<Post>>,
    /// That no further thread is made has been told.
    told: bool,
    ended: bool,
}

/// A thread's present job, which may have been called off since.
#[derive(Debug)]
struct Post {
    since: Instant,
    /// Absent: a command's.
    service: Option<Name>,
}

impl Queue {
    /// The first job that need not wait for another of the same kind to come back.
    fn next(&self) -> Option<usize> {
        self.jobs.iter().position(|job| {
            let busy = self.posts.iter().flatten();
            match job.task.service() {
                Some(service) => !busy.into_iter().any(|post| post.service.as_ref() == Some(service)),
                None => busy.filter(|post| post.service.is_none()).count() < MOST_FOR_COMMANDS,
            }
        })
    }
}

impl Pool {
    /// Without threads yet.
    pub(super) fn new(patience: Duration) -> Self {
        Self { queue: Mutex::default(), work: Condvar::new(), patience }
    }

    /// How long a start may take before others no longer wait for it.
    pub(super) fn patience(&self) -> Duration {
        self.patience
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn submit(&self, job: Job) {
        let mut queue = self.queue();
        if !queue.ended {
            queue.jobs.push_back(job);
            drop(queue);
            self.work.notify_one();
        }
    }

    /// One that waits no longer waits.
    pub(super) fn remove(&self, serial: Serial) {
        self.queue().jobs.retain(|job| job.serial != serial);
    }

    /// Adds a thread when none of those that there are gets on with what is waiting. Returns when to look again.
    pub(super) fn relieve(&self, spawner: &Spawner) -> Duration {
        let mut queue = self.queue();
        if queue.ended || queue.next().is_none() {
            return self.patience;
        }
        let times: Vec<_> =
            queue.posts.iter().map(|post| post.as_ref().map_or(Duration::ZERO, |post| post.since.elapsed())).collect();
        // Who waits behind one that hangs has waited already: further ones are given less time.
        let hangs = times.iter().any(|time| *time >= self.patience);
        let patience = if hangs { self.patience / 8 } else { self.patience };
        if times.iter().any(|time| *time < patience) {
            return patience;
        }
        if queue.posts.len() < MOST {
            tracing::warn!("a start takes longer than {patience:?}; others no longer wait for it");
            if let Err(error) = Self::hire(&mut queue, spawner) {
                tracing::error!(%error, "no thread for further starts");
            }
        } else if !queue.told {
            queue.told = true;
            tracing::error!(
                "{MOST} starts hang: a file system or a name service does not answer; {} more wait behind them",
                queue.jobs.len()
            );
        }
        patience
    }

    /// The first thread.
    pub(super) fn open(&self, spawner: &Spawner) -> io::Result<()> {
        Self::hire(&mut self.queue(), spawner)
    }

    fn hire(queue: &mut Queue, spawner: &Spawner) -> io::Result<()> {
        let launcher = Launcher::new(spawner.ground.clone())?;
        let (post, spawner) = (queue.posts.len(), spawner.clone());
        thread::Builder::new().name(format!("launcher-{post}")).stack_size(STACK_BYTES).spawn(move || {
            work(&spawner, launcher, post);
        })?;
        queue.posts.push(None);
        Ok(())
    }

    /// The next job for a thread, which has done the one before. Absent: there will be none.
    fn take(&self, post: usize) -> Option<Job> {
        let mut queue = self.queue();
        if let Some(post) = queue.posts.get_mut(post) {
            *post = None;
        }
        loop {
            if queue.ended {
                return None;
            }
            if let Some(job) = queue.next().and_then(|place| queue.jobs.remove(place)) {
                queue.told = false;
                if let Some(post) = queue.posts.get_mut(post) {
                    *post = Some(Post { since: Instant::now(), service: job.task.service().cloned() });
                }
                return Some(job);
            }
            queue = self.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// What waits is dropped, and threads end when they have done their job. Nobody waits for one that hangs.
    pub(super) fn end(&self) {
        let mut queue = self.queue();
        queue.ended = true;
        let dropped = std::mem::take(&mut queue.jobs);
        drop(queue);
        drop(dropped);
        self.work.notify_all();
    }
}

fn work(spawner: &Spawner, mut launcher: Launcher, post: usize) {
    undisturbed();
    while let Some(job) = spawner.pool.take(post) {
        if let Some(arrival) = job.run(spawner, &mut launcher) {
            spawner.deliver(arrival);
        }
    }
}
