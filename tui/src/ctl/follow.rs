//! Streams that end only when the user says so: they survive the loss of the connection.
//!
//! A watch is a loop: open, read until something breaks, mend. [`Link::mend`] decides whether what broke can be
//! mended: a connection that once stood, yes; a first one that never did, or an answer of the daemon, no.

use std::{convert::Infallible, future::Future, pin::Pin, time::Duration};

use tokio::time::{Instant, sleep, timeout_at};
use tonic::Streaming;
use ubmc_proto::v1::{GetStatusRequest, system_service_client::SystemServiceClient};

use super::{
    exit::Failure,
    output::{duration, reader_gone},
    session::Session,
};

/// First and longest pause before trying again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// After a loss the socket of a new daemon may not have its rights yet: so long, a refusal is not the last word.
const UNSETTLED: Duration = Duration::from_secs(2);

/// Why reading stopped.
#[derive(Debug)]
pub(crate) enum Broken {
    /// The time that `--timeout` gives to a watch is over.
    Over,
    Failed(Failure),
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// A watch never ends well by itself.
pub(crate) type Watched = Result<Infallible, Broken>;

/// Whether it is the daemon of before that answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Life {
    /// There was none before.
    First,
    Same,
    /// It was started anew: what it counts begins again.
    New,
}

/// The life of a watch across connections.
pub(crate) struct Link {
    /// When the watch is over. Absent: never.
    deadline: Option<Instant>,
    /// Whether a connection has ever stood.
    was_up: bool,
    lost_since: Option<Instant>,
    /// The life of the daemon that answered last.
    boot_id: Option<String>,
    /// It is a new one, and that has not been said yet.
    born_anew: bool,
    pause: Duration,
    reader_gone: Pin<Box<dyn Future<Output = ()>>>,
}

impl Link {
    pub(crate) fn new(session: &Session) -> Self {
        Self {
            deadline: session.timeout.map(|timeout| Instant::now() + timeout),
            was_up: false,
            lost_since: None,
            boot_id: None,
            born_anew: false,
            pause: PAUSES.0,
            reader_gone: Box::pin(reader_gone()),
        }
    }

    /// The stream gives what it was asked for: Ctrl-C is from now on the ordinary end, and a loss is worth mending.
    pub(crate) fn up(&mut self, session: &mut Session) {
        session.watching = true;
        self.was_up = true;
        self.pause = PAUSES.0;
        let again = self.lost_since.take();
        let again = again.map(|since| format!("connected again after {}", duration(since.elapsed().as_secs_f64())));
        let anew =
            std::mem::take(&mut self.born_anew).then(|| "ubmcd was restarted: this is a new life of it".to_owned());
        let news: Vec<_> = [again, anew].into_iter().flatten().collect();
        if !news.is_empty() {
            session.out.warn(&news.join("; "));
        }
    }

    /// Asks the daemon which life it is.
    pub(crate) async fn greet(&mut self, session: &mut Session) -> Result<Life, Failure> {
        let status = session
            .call(|channel| async move { SystemServiceClient::new(channel).get_status(GetStatusRequest {}).await })
            .await?;
        Ok(self.meet(status.boot_id))
    }

    /// The daemon has said which life it is.
    pub(crate) fn meet(&mut self, boot_id: String) -> Life {
        match self.boot_id.replace(boot_id) {
            None => Life::First,
            before if before == self.boot_id => Life::Same,
            Some(_) => {
                self.born_anew = true;
                Life::New
            }
        }
    }

    /// The next message. An end of the stream is a loss: watches do not end by themselves.
    pub(crate) async fn next<T>(&mut self, stream: &mut Streaming<T>) -> Result<T, Broken> {
        let message = async {
            tokio::select! {
                message = stream.message() => message.map_err(Failure::from)?
                    .ok_or_else(|| Failure::Unreachable("ubmcd ended the stream".to_owned())),
                () = &mut self.reader_gone => Err(Failure::ReaderGone),
            }
        };
        match self.deadline {
            None => Ok(message.await?),
            Some(deadline) => match timeout_at(deadline, message).await {
                Ok(message) => Ok(message?),
                Err(_) => Err(Broken::Over),
            },
        }
    }

    /// Lets time pass between two questions.
    pub(crate) async fn pause(&mut self, pause: Duration) -> Result<(), Broken> {
        if self.deadline.is_some_and(|deadline| Instant::now() + pause >= deadline) {
            return Err(Broken::Over);
        }
        tokio::select! {
            () = sleep(pause) => Ok(()),
            () = &mut self.reader_gone => Err(Failure::ReaderGone.into()),
        }
    }

    /// Waits a while after a loss. True: open again; false: the watch is over.
    pub(crate) async fn mend(&mut self, session: &mut Session, watched: Watched) -> Result<bool, Failure> {
        let Err(broken) = watched;
        let cause = match broken {
            Broken::Over => return Ok(false),
            // An answer that does not come is as good a sign of a lost daemon as a broken socket.
            Broken::Failed(Failure::Unreachable(cause) | Failure::TimedOut(cause)) if self.was_up => cause,
            Broken::Failed(Failure::NotPermitted(cause))
                if self.lost_since.is_some_and(|since| since.elapsed() < UNSETTLED) =>
            {
                cause
            }
            Broken::Failed(failure) => return Err(failure),
        };
        if self.lost_since.is_none() {
            self.lost_since = Some(Instant::now());
            session.out.warn(&format!("{cause}; looking for ubmcd"));
        }
        session.disconnect();
        let paused = self.pause(self.pause).await;
        self.pause = (self.pause * 2).min(PAUSES.1);
        match paused {
            Ok(()) => Ok(true),
            Err(Broken::Over) => Ok(false),
            Err(Broken::Failed(failure)) => Err(failure),
        }
    }
}
