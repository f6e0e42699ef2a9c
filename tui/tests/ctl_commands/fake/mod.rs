//! A daemon made of scripts: each name and request has one fixed answer.

mod events;
mod machines;
mod services;
mod system;

use std::{
    path::{Path, PathBuf},
    pin::Pin,
    sync::{Arc, atomic::AtomicU32, mpsc},
    thread,
};

use tokio::{net::UnixListener, sync::oneshot};
use tokio_stream::{Stream, StreamExt, wrappers::UnixListenerStream};
use tonic::{Response, Status, transport::Server};
use ubmc_proto::v1::{
    self, event_service_server::EventServiceServer, operator_service_server::OperatorServiceServer,
    state_service_server::StateServiceServer, system_service_server::SystemServiceServer,
};

type Answer<T> = Result<Response<T>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A request that tests want to see.
#[derive(Debug, PartialEq)]
pub(crate) enum Asked {
    Transition(v1::RequestTransitionRequest),
    WatchOperation(String),
    Start { names: Vec<String>, force: bool },
    Restart { names: Vec<String>, force: bool },
    Reload { dry_run: bool },
    Shutdown { emergency: bool },
}

/// One life of the daemon.
#[derive(Clone, Debug)]
pub(crate) struct Life {
    pub boot_id: &'static str,
    /// Events 1 to this number are kept and sent at once; then the stream stays open.
    pub last_seq: u64,
    /// Events up to this number have expired.
    pub expired: u64,
    /// `op-never-ends` ends after all.
    pub op_ends: bool,
}

/// A running fake; it and every connection are gone when it is dropped.
pub(crate) struct Fake {
    /// What was asked of machines, and of operations with `watch ID`, as it comes.
    pub asked: mpsc::Receiver<Asked>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Fake {
    /// A fake and the socket it listens on, in a directory that goes with it.
    pub(crate) fn new() -> (Self, tempfile::TempDir, PathBuf) {
        let directory = tempfile::tempdir().expect("a directory for the socket");
        let socket = directory.path().join("ubmcd.sock");
        (Self::on(&socket, Life { boot_id: "boot-1", last_seq: 3, expired: 0, op_ends: false }), directory, socket)
    }

    pub(crate) fn on(socket: &Path, life: Life) -> Self {
        let _ = std::fs::remove_file(socket);
        let (stop, stopped) = oneshot::channel();
        let (bound, is_bound) = mpsc::channel();
        let (tell, asked) = mpsc::channel();
        let socket = socket.to_owned();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let listener = UnixListener::bind(socket).expect("the socket is free");
                bound.send(()).expect("the test waits");
                let daemon = Daemon(life, tell, Arc::default());
                let served = Server::builder()
                    .add_service(StateServiceServer::new(daemon.clone()))
                    .add_service(OperatorServiceServer::new(daemon.clone()))
                    .add_service(EventServiceServer::new(daemon.clone()))
                    .add_service(SystemServiceServer::new(daemon))
                    .serve_with_incoming(UnixListenerStream::new(listener));
                tokio::select! {
                    _ = served => {}
                    _ = stopped => {}
                }
            });
            // Dropping the runtime drops every connection in mid-sentence, as a crash does.
        });
        is_bound.recv().expect("the fake listens");
        Self { asked, stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Clone)]
struct Daemon(Life, mpsc::Sender<Asked>, Arc<AtomicU32>);

#[allow(clippy::unnecessary_wraps)] // every method answers so
fn answer<T>(message: T) -> Answer<T> {
    Ok(Response::new(message))
}

/// These messages, and then nothing for ever.
fn then_silence<T: Send + 'static>(messages: Vec<T>) -> Streamed<T> {
    Box::pin(tokio_stream::iter(messages.into_iter().map(Ok)).chain(tokio_stream::pending()))
}

/// These messages, and then the end.
fn then_end<T: Send + 'static>(messages: Vec<T>) -> Streamed<T> {
    Box::pin(tokio_stream::iter(messages.into_iter().map(Ok)))
}

fn unscripted<T>() -> Result<T, Status> {
    Err(Status::unimplemented("the fake has no answer to this"))
}

fn operation(id: &str, request: &str, state: v1::OperationState) -> v1::Operation {
    let running = state == v1::OperationState::Running;
    v1::Operation {
        id: id.into(),
        kind: format!("host-{request}"),
        target: "host.0".into(),
        state: state.into(),
        steps: vec![v1::Step {
            name: "wait for power-good".into(),
            state: match state {
                v1::OperationState::Succeeded => v1::StepState::Succeeded,
                v1::OperationState::RolledBack => v1::StepState::Failed,
                _ => v1::StepState::Running,
            }
            .into(),
            duration_s: Some(0.5),
            detail: String::new(),
        }],
        requested_by: "uid 0 (root)".into(),
        duration_s: (!running).then_some(0.5),
        revision: "r1".into(),
        ..v1::Operation::default()
    }
}
