//! How the rest of the daemon reaches the loop: it asks the core for something, or looks at it between two inputs.

use std::{sync::Arc, time::Duration};

use tokio::sync::{mpsc, oneshot};
use ubmc_core::{core::Core, effect::Reply, input::Request, refusal::Refusal};

use super::{Clock, Hub, Surveyor};
use crate::{
    api::{
        streams::Watchers,
        to_wire::{Counts, Daemon, Moment},
    },
    journal::Journal,
    process::Logs,
};

/// Requests that may wait for the loop; more wait for their turn to wait.
const WAITING: usize = 256;

/// How long an answer waits for a measurement: long enough for some hundred services.
const MEASURING: Duration = Duration::from_millis(20);

/// A way to the loop. Clones share it.
#[derive(Clone, Debug)]
pub struct Handle {
    calls: mpsc::Sender<Call>,
    shared: Arc<Shared>,
}

/// What can be read without the loop.
#[derive(Debug)]
pub struct Shared {
    /// Every event.
    pub journal: Journal,
    /// Every service's output.
    pub logs: Logs,
    /// What does not change.
    pub daemon: Daemon,
    /// Open streams.
    pub watchers: Watchers,
    /// The daemon's clock.
    pub clock: Clock,
    /// Asks the machine before something is started.
    pub surveyor: Surveyor,
}

/// Why a request was not carried out.
#[derive(Debug)]
pub enum NotDone {
    /// The core does not want to.
    Refused(Refusal),
    /// The loop has ended.
    Gone(Gone),
}

/// The loop has ended: the daemon is about to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ubmcd is stopping")]
pub struct Gone;

/// What is seen of the daemon between two inputs: all of one moment.
#[derive(Debug)]
pub struct Sight<'a> {
    /// The core.
    pub core: &'a Core,
    /// Now.
    pub moment: Moment,
    /// Where to subscribe to what comes after this moment.
    pub hub: &'a mut Hub,
    /// What does not need the loop.
    pub shared: &'a Shared,
}

impl Sight<'_> {
    /// Numbers of the shell for the daemon's status.
    pub fn counts(&self) -> Counts {
        Counts { watchers: self.shared.watchers.count(), dropped_events: self.shared.journal.dropped() }
    }
}

/// What reaches the loop through a [`Handle`].
pub(super) enum Call {
    /// A request to the core.
    Ask { actor: String, reason: String, request: Request, reply: oneshot::Sender<Result<Reply, Refusal>> },
    /// Measure what services use, unless that was done a moment ago; `done` when all have been.
    Measure { done: oneshot::Sender<()> },
    /// A look at the core.
    Look(Box<dyn FnOnce(&mut Sight<'_>) + Send>),
}

impl Handle {
    pub(super) fn new(shared: Arc<Shared>) -> (Self, mpsc::Receiver<Call>) {
        let (calls, waiting) = mpsc::channel(WAITING);
        (Self { calls, shared }, waiting)
    }

    /// What can be read without the loop.
    pub fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Asks the core for something on behalf of `actor`, whose words for it are `reason`.
    pub async fn ask(&self, actor: String, reason: String, request: Request) -> Result<Reply, NotDone> {
        let (reply, answer) = oneshot::channel();
        let call = Call::Ask { actor, reason, request, reply };
        self.calls.send(call).await.map_err(|_| NotDone::Gone(Gone))?;
        answer.await.map_err(|_| NotDone::Gone(Gone))?.map_err(NotDone::Refused)
    }

    /// Has what services use measured, unless that was done a moment ago. With very many services the answer does not
    /// wait for all of them.
    pub async fn measure(&self) {
        let (done, measured) = oneshot::channel();
        if self.calls.send(Call::Measure { done }).await.is_ok() {
            let _ = tokio::time::timeout(MEASURING, measured).await;
        }
    }

    /// Looks at the daemon between two inputs. What is subscribed to in `look` begins exactly where it looked.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Sight<'_>) -> T + Send + 'static,
    ) -> Result<T, Gone> {
        let (found, answer) = oneshot::channel();
        // An asker who has gone needs no answer.
        let call = Call::Look(Box::new(move |sight| drop(found.send(look(sight)))));
        self.calls.send(call).await.map_err(|_| Gone)?;
        answer.await.map_err(|_| Gone)
    }
}
