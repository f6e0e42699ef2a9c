//! Operations that were accepted: followed to their end, with their steps on a terminal.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};
use ubmc_proto::v1::{self, WatchOperationRequest, state_service_client::StateServiceClient};

use super::{
    exit::Failure,
    object::Operation,
    outcome::{summary, verdict},
    output::{Format, duration},
    progress::Shown,
    session::Session,
};

/// Prints the accepted operation, or with `wait` follows it and prints how it ended. Fails as the operation failed.
pub(crate) async fn settle(session: &mut Session, accepted: v1::Operation, wait: bool) -> Result<(), Failure> {
    let operation = follow_if(session, accepted.into(), wait).await?;
    let verdict = verdict(&operation);
    // For people the error says it all; programs read the object in any case.
    if verdict.is_ok() || session.out.format() != Format::Table {
        session.out.one(&operation, |canvas| summary(&operation, canvas))?;
    }
    verdict
}

/// The accepted operation as it is, or with `wait` as it has ended.
pub(crate) async fn follow_if(session: &mut Session, accepted: Operation, wait: bool) -> Result<Operation, Failure> {
    if wait && !accepted.ended() { follow(session, accepted).await } else { Ok(accepted) }
}

/// How long an operation may be out of sight, as when it restarts the API itself.
const OUT_OF_SIGHT: Duration = Duration::from_secs(10);
/// One that reboots the BMC: from the last service down to the first up, on slow flash.
const REBOOTING: Duration = Duration::from_secs(300);
/// Between two attempts to see it again.
const PAUSE: Duration = Duration::from_millis(100);

/// Follows an operation to its end, its steps shown on a terminal.
async fn follow(session: &mut Session, accepted: Operation) -> Result<Operation, Failure> {
    let id = accepted.id.clone();
    session.left_behind = Some(format!("{id} goes on without this command; {}", ways_on(&id)));
    let title = accepted.title();
    let bound = session.timeout;
    let mut followed = Followed { newest: accepted, told_at: Instant::now(), lost_at: None, shown: Shown::default() };
    let ended = match bound {
        None => followed.see_through(session).await,
        Some(bound) => timeout(bound, followed.see_through(session)).await.unwrap_or_else(|_| {
            let bound = duration(bound.as_secs_f64());
            let how = match followed.lost_at {
                None => format!("{id} goes on: {}", ways_on(&id)),
                Some(since) => format!(
                    "ubmcd has not answered for {}, and whether {id} goes on is not known: look at its log, and with \
                     `ubmcctl operations show {id}` when it is back",
                    duration(since.elapsed().as_secs_f64())
                ),
            };
            Err(Failure::TimedOut(format!("{title} has not ended within {bound}; {how}")))
        }),
    };
    ended?;
    session.left_behind = None;
    Ok(followed.newest)
}

/// What is known of an operation that is being followed.
struct Followed {
    newest: Operation,
    told_at: Instant,
    /// Since when the connection is gone.
    lost_at: Option<Instant>,
    shown: Shown,
}

impl Followed {
    /// Watches, and after a loss of the connection watches again.
    async fn see_through(&mut self, session: &mut Session) -> Result<(), Failure> {
        loop {
            let cause = match self.watch(session).await {
                Err(Failure::Unreachable(cause)) => cause,
                ended => return ended,
            };
            session.disconnect();
            let lost_at = *self.lost_at.get_or_insert_with(Instant::now);
            let patience = if self.newest.kind == "bmc-reboot" { REBOOTING } else { OUT_OF_SIGHT };
            if lost_at.elapsed() >= patience {
                let id = &self.newest.id;
                return Err(Failure::Unreachable(format!(
                    "{cause}; whether {id} goes on is not known: look with `ubmcctl operations show {id}`"
                )));
            }
            session.out.progress_now(&format!("  ...      {cause}; looking for ubmcd"));
            sleep(PAUSE).await;
        }
    }

    async fn watch(&mut self, session: &mut Session) -> Result<(), Failure> {
        let request = WatchOperationRequest { id: self.newest.id.clone() };
        let mut stream = session
            .call(|channel| async move { StateServiceClient::new(channel).watch_operation(request).await })
            .await
            .map_err(|failure| match failure {
                Failure::NotFound(_) if self.lost_at.is_some() => self.restarted(),
                failure => failure,
            })?;
        loop {
            self.shown.draw(session, &self.newest, self.told_at.elapsed().as_secs_f64());
            if self.newest.ended() {
                return Ok(());
            }
            // Once a second the time that the running steps have taken is shown anew.
            if let Ok(message) = timeout(Duration::from_secs(1), stream.message()).await {
                let cut_short = || Failure::Failed(format!("ubmcd said no more before {} ended", self.newest.id));
                self.take(message?.ok_or_else(cut_short)?.into())?;
            }
        }
    }

    fn take(&mut self, update: Operation) -> Result<(), Failure> {
        // A daemon that has lost its memory gives the same ids to other operations.
        if self.lost_at.take().is_some() && (update.kind != self.newest.kind || update.target != self.newest.target) {
            return Err(self.restarted());
        }
        (self.newest, self.told_at) = (update, Instant::now());
        Ok(())
    }

    fn restarted(&self) -> Failure {
        Failure::Failed(format!(
            "ubmcd was restarted while {} ran ({}): how it ended is not known",
            self.newest.title(),
            self.newest.id
        ))
    }
}

fn ways_on(id: &str) -> String {
    format!("follow it with `ubmcctl operations watch {id}`, end it with `ubmcctl operations cancel {id}`")
}
