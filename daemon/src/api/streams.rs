//! Streams of responses: each is a task that fetches at its reader's pace, and that is told when the API ends.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Response, Status};

use super::to_wire;
/// What a streaming method answers with.
pub type Stream<T> = ReceiverStream<Result<T, Status>>;

/// Subscribers of all kinds at one time.
const MAX_WATCHERS: u32 = 256;
/// How long a reader may take to hear of the end.
const LAST_WORD: Duration = Duration::from_millis(250);

/// How many streams are open. Clones share the number.
#[derive(Clone, Debug, Default)]
pub struct Watchers(Arc<AtomicU32>);

impl Watchers {
    /// The number.
    pub fn count(&self) -> u32 {
        self.0.load(Ordering::Relaxed)
    }

    /// Counts one more, until the answer is dropped. None when there are as many as are served.
    fn enter(&self) -> Option<Watching> {
        // Tasks of one thread: nobody comes between.
        (self.count() < MAX_WATCHERS).then(|| {
            self.0.fetch_add(1, Ordering::Relaxed);
            Watching(self.clone())
        })
    }
}

/// One open stream.
#[derive(Debug)]
struct Watching(Watchers);

impl Drop for Watching {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Opens streams, and ends them together.
#[derive(Clone, Debug)]
pub struct Streams {
    stopping: watch::Receiver<bool>,
    watchers: Watchers,
}

/// Where a stream's messages go.
#[derive(Debug)]
pub struct Sink<T>(mpsc::Sender<Result<T, Status>>);

impl<T> Sink<T> {
    /// Waits until the reader has room.
    pub async fn send(&self, message: T) -> Result<(), Status> {
        self.0.send(Ok(message)).await.map_err(|_| Status::cancelled("the reader has gone"))
    }
}

impl Streams {
    /// Streams that end when `stopping` becomes true.
    pub fn new(stopping: watch::Receiver<bool>, watchers: Watchers) -> Self {
        Self { stopping, watchers }
    }

    /// A stream of what `produce` sends. It ends with `produce`, with its error if it has one; when the reader goes;
    /// and when the API stops, saying so.
    pub fn open<T, F>(&self, produce: impl FnOnce(Sink<T>) -> F) -> Result<Response<Stream<T>>, Status>
    where
        T: Send + 'static,
        F: Future<Output = Result<(), Status>> + Send + 'static,
    {
        let watching = self.watchers.enter().ok_or_else(|| {
            let text = format!("{MAX_WATCHERS} streams are open, and no more are served; close some and try again");
            to_wire::with_reason(Code::ResourceExhausted, "TOO_MANY_WATCHERS", text)
        })?;
        // One message on its way: what waits longer is merged, not queued.
        let (sender, receiver) = mpsc::channel(1);
        let producing = produce(Sink(sender.clone()));
        let mut stopping = self.stopping.clone();
        tokio::spawn(async move {
            let _watching = watching;
            let end = tokio::select! {
                end = producing => end,
                () = sender.closed() => return,
                _ = stopping.wait_for(|stopping| *stopping) => Err(api_stops()),
            };
            if let Err(status) = end {
                let _ = tokio::time::timeout(LAST_WORD, sender.send(Err(status))).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(receiver)))
    }
}

fn api_stops() -> Status {
    to_wire::with_reason(Code::Unavailable, "API_STOPPING", "the API is stopping; connect again to go on")
}

/// At most one message in so much time.
#[derive(Debug)]
pub struct Pace {
    interval: Duration,
    next: Option<Instant>,
}

impl Pace {
    /// At most one message in `interval`; zero: no bound.
    pub fn new(interval: Duration) -> Self {
        Self { interval, next: None }
    }

    /// Waits until the next message may be made. What changes meanwhile is merged into it.
    pub async fn wait(&mut self) {
        if let Some(next) = self.next {
            tokio::time::sleep_until(next).await;
        }
    }

    /// A message has been made.
    pub fn made(&mut self) {
        self.next = (!self.interval.is_zero()).then(|| Instant::now() + self.interval);
    }
}
