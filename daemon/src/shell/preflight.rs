//! Asking the machine whether services could be started, before anything is.
//!
//! What is asked may lie on a disk that does not answer: so threads ask, the one who wants to know waits for a bounded
//! time, and what has not answered by then is told like anything else that stands in the way. A thread that hangs is
//! never waited for; a service that made one hang is not asked about again before it has come back.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    sync::{Semaphore, mpsc},
    time::{Instant, timeout_at},
};
use ubmc_core::{
    ids::{Name, ServiceId},
    input::Findings,
    refusal::Obstacle,
    services::ServiceSpec,
};

/// How long the machine may take to answer for everything that is asked at once.
const PATIENCE: Duration = Duration::from_secs(2);
/// Threads that ask for one request.
const AT_ONCE: usize = 4;
/// Threads that ask at all, those that hang included.
const MOST: usize = 32;
/// Answers on their way.
const ANSWERS: usize = 64;

/// Asks the machine. Clones share what hangs.
#[derive(Clone)]
pub struct Surveyor {
    slots: Arc<Semaphore>,
    /// What is being asked about, and whether somebody has already waited for it in vain.
    asking: Arc<Mutex<BTreeMap<Name, Asked>>>,
    look: Arc<Look>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Answering,
    Hung,
}

type Look = dyn Fn(&ServiceSpec) -> Vec<Obstacle> + Send + Sync;

impl fmt::Debug for Surveyor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Surveyor").field("asking", &self.asking).finish_non_exhaustive()
    }
}

type Queue = Mutex<VecDeque<(ServiceId, ServiceSpec)>>;

impl Surveyor {
    /// Asks by `look`, which may take as long as it likes.
    pub fn new(look: impl Fn(&ServiceSpec) -> Vec<Obstacle> + Send + Sync + 'static) -> Self {
        Self { slots: Arc::new(Semaphore::new(MOST)), asking: Arc::default(), look: Arc::new(look) }
    }

    /// What the machine says against starting these services; those that it says nothing against are left out.
    pub async fn survey(&self, specs: Vec<(ServiceId, ServiceSpec)>) -> Findings {
        let deadline = Instant::now() + PATIENCE;
        let mut open: BTreeMap<_, _> = specs.iter().map(|(id, spec)| (*id, spec.name.clone())).collect();
        let threads = AT_ONCE.min(specs.len());
        let queue = Arc::new(Mutex::new(VecDeque::from(specs)));
        let (answer, mut answers) = mpsc::channel(ANSWERS);
        for _ in 0..threads {
            let Ok(Ok(slot)) = timeout_at(deadline, Arc::clone(&self.slots).acquire_owned()).await else { break };
            let (asker, queue, answer) = (self.clone(), Arc::clone(&queue), answer.clone());
            tokio::task::spawn_blocking(move || {
                let _slot = slot;
                asker.ask_about(&queue, &answer);
            });
        }
        drop(answer);
        let mut found = Findings::new();
        while let Ok(Some((id, obstacles))) = timeout_at(deadline, answers.recv()).await {
            open.remove(&id);
            if !obstacles.is_empty() {
                found.insert(id, obstacles);
            }
        }
        let mut asking = self.asking();
        for (id, name) in open {
            // What has not even been asked about yet is not known to hang.
            asking.entry(name.clone()).and_modify(|asked| *asked = Asked::Hung);
            found.insert(id, vec![no_answer(&name)]);
        }
        drop(asking);
        found
    }

    /// Takes one after the other, until there are none or nobody wants to know.
    fn ask_about(&self, queue: &Queue, answer: &mpsc::Sender<(ServiceId, Vec<Obstacle>)>) {
        loop {
            let next = queue.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some((id, spec)) = next else { return };
            if answer.is_closed() {
                return;
            }
            if *self.asking().entry(spec.name.clone()).or_insert(Asked::Answering) == Asked::Hung {
                continue;
            }
            let obstacles = (self.look)(&spec);
            self.asking().remove(&spec.name);
            // Who has stopped waiting says so himself.
            let _ = answer.blocking_send((id, obstacles));
        }
    }

    fn asking(&self) -> MutexGuard<'_, BTreeMap<Name, Asked>> {
        self.asking.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn no_answer(name: &Name) -> Obstacle {
    Obstacle {
        kind: "no-answer",
        subject: format!("service {name}"),
        text: format!("the machine did not answer within {} s whether {name} can be started", PATIENCE.as_secs()),
        remedy:
            "see whether its program and its directory lie on a disk that does not answer; with force it is started \
                 all the same"
                .to_owned(),
        since: None,
    }
}

#[cfg(test)]
mod tests {
    use ubmc_core::services::{Builtin, Deployment};

    use super::*;

    fn specs(names: &[&str]) -> Vec<(ServiceId, ServiceSpec)> {
        let spec = |name: &&str| ServiceSpec::new(*name, Deployment::Builtin(Builtin::Api));
        names.iter().enumerate().map(|(place, name)| (ServiceId::new(place), spec(name))).collect()
    }

    fn obstacle(text: &str) -> Obstacle {
        Obstacle { kind: "x", subject: String::new(), text: text.to_owned(), remedy: String::new(), since: None }
    }

    fn look(spec: &ServiceSpec) -> Vec<Obstacle> {
        match spec.name.as_str() {
            "bad" => vec![obstacle("one"), obstacle("two")],
            // Longer than any test: nobody may wait for it.
            "hung" => loop {
                std::thread::park();
            },
            _ => Vec::new(),
        }
    }

    /// Ends without waiting for what hangs, also when the test fails.
    struct Runtime(Option<tokio::runtime::Runtime>);

    impl Drop for Runtime {
        fn drop(&mut self) {
            if let Some(runtime) = self.0.take() {
                runtime.shutdown_background();
            }
        }
    }

    fn run(test: impl Future<Output = ()>) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        Runtime(Some(runtime)).0.as_ref().unwrap().block_on(test);
    }

    #[test]
    fn everything_is_told_and_what_hangs_harms_nobody_else() {
        run(async {
            let surveyor = Surveyor::new(look);
            let found = surveyor.survey(specs(&["good", "hung", "bad", "fine"])).await;
            let kinds: Vec<_> = found.iter().map(|(id, found)| (id.index(), found.len(), found[0].kind)).collect();
            assert_eq!(kinds, [(1, 1, "no-answer"), (2, 2, "x")]);
            // Asked again, it takes no second thread, and no second wait.
            let before = surveyor.slots.available_permits();
            let begun = Instant::now();
            let found = surveyor.survey(specs(&["hung"])).await;
            assert_eq!(found[&ServiceId::new(0)][0].kind, "no-answer");
            assert!(begun.elapsed() < PATIENCE / 2, "{:?}", begun.elapsed());
            assert_eq!(surveyor.slots.available_permits(), before);
        });
    }
}
