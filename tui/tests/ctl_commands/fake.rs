//! A daemon made of scripts: each name and request has one fixed answer.

use std::{
    path::{Path, PathBuf},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
        mpsc,
    },
    thread,
};

use tokio::{net::UnixListener, sync::oneshot};
use tokio_stream::{Stream, StreamExt, wrappers::UnixListenerStream};
use tonic::{Code, Request, Response, Status, transport::Server};
use tonic_types::{ErrorDetails, StatusExt};
use ubmc_proto::v1::{
    self, event_service_server::EventServiceServer, operator_service_server::OperatorServiceServer,
    state_service_server::StateServiceServer, system_service_server::SystemServiceServer, watch_response::Item,
};

type Answer<T> = Result<Response<T>, Status>;
type Streamed<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// A request that tests want to see.
#[derive(Debug, PartialEq)]
pub(crate) enum Asked {
    Transition(v1::RequestTransitionRequest),
    WatchOperation(String),
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

#[tonic::async_trait]
impl v1::state_service_server::StateService for Daemon {
    type WatchMachinesStream = Streamed<v1::WatchMachinesResponse>;
    type WatchOperationStream = Streamed<v1::Operation>;
    type WatchOperationsStream = Streamed<v1::WatchOperationsResponse>;

    async fn list_machines(&self, _: Request<v1::ListMachinesRequest>) -> Answer<v1::ListMachinesResponse> {
        unscripted()
    }
    async fn get_machine(&self, request: Request<v1::GetMachineRequest>) -> Answer<v1::Machine> {
        let name = request.into_inner().name;
        let kind = match name.as_str() {
            "host.0" => v1::MachineKind::Host,
            "chassis" => v1::MachineKind::Chassis,
            _ => return Err(Status::not_found(format!("no machine is named `{name}`; did you mean `host.0`?"))),
        };
        answer(v1::Machine { name, kind: kind.into(), state: "off".into(), ..v1::Machine::default() })
    }
    async fn watch_machines(&self, _: Request<v1::WatchMachinesRequest>) -> Answer<Self::WatchMachinesStream> {
        unscripted()
    }
    async fn get_machine_graph(&self, _: Request<v1::GetMachineGraphRequest>) -> Answer<v1::MachineGraph> {
        unscripted()
    }
    async fn request_transition(&self, request: Request<v1::RequestTransitionRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        // Most tests do not listen.
        let _ = self.1.send(Asked::Transition(request.clone()));
        if request.plan_only {
            let mut plan = operation("", &request.request, v1::OperationState::Planned);
            plan.expected_s = Some(12.0);
            return answer(plan);
        }
        let running = |id| answer(operation(id, &request.request, v1::OperationState::Running));
        match request.request.as_str() {
            "on" => running("op-succeeds"),
            "cycle" => running("op-rolls-back"),
            "off" => running("op-never-ends"),
            "restart" => running("op-is-lost"),
            "nmi" => Err(Status::permission_denied("uid 1000 is a viewer; `nmi` takes an operator")),
            "force-off" => {
                tokio_stream::pending::<()>().next().await;
                unscripted()
            }
            _ => {
                let mut details = ErrorDetails::new();
                details.set_error_info("INTERLOCK", "ubmc", [("machine".to_owned(), request.machine)]);
                details.add_precondition_failure_violation(
                    "zone-over-limit",
                    "zone cpu",
                    "zone cpu is over its limit — resolve: let it cool below 90 °C",
                );
                details.add_precondition_failure_violation("busy", "host.0", "op-3 drives host.0");
                Err(Status::with_error_details(Code::FailedPrecondition, "host.0 cannot do this now", details))
            }
        }
    }
    async fn list_operations(&self, _: Request<v1::ListOperationsRequest>) -> Answer<v1::ListOperationsResponse> {
        unscripted()
    }
    async fn get_operation(&self, _: Request<v1::GetOperationRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn watch_operation(&self, request: Request<v1::WatchOperationRequest>) -> Answer<Self::WatchOperationStream> {
        let id = request.into_inner().id;
        let _ = self.1.send(Asked::WatchOperation(id.clone()));
        let stages =
            |states: &[v1::OperationState]| states.iter().map(|state| operation(&id, "on", *state)).collect::<Vec<_>>();
        answer(match id.as_str() {
            "op-succeeds" => then_end(stages(&[v1::OperationState::Running, v1::OperationState::Succeeded])),
            "op-rolls-back" => then_end(stages(&[v1::OperationState::Running, v1::OperationState::RolledBack])),
            "op-never-ends" if !self.0.op_ends => then_silence(stages(&[v1::OperationState::Running])),
            // It is seen once, then the daemon goes away, and when it is back it knows nothing of it.
            "op-is-lost" if self.2.fetch_add(1, Ordering::Relaxed) == 0 => {
                let running = stages(&[v1::OperationState::Running]).into_iter().map(Ok);
                Box::pin(tokio_stream::iter(running.chain([Err(Status::unavailable("ubmcd is stopping"))])))
            }
            "op-never-ends" => then_end(stages(&[v1::OperationState::Succeeded])),
            _ => return Err(Status::not_found(format!("no operation is named `{id}`"))),
        })
    }
    async fn watch_operations(&self, _: Request<v1::WatchOperationsRequest>) -> Answer<Self::WatchOperationsStream> {
        unscripted()
    }
    async fn cancel_operation(&self, _: Request<v1::CancelOperationRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn list_history(&self, _: Request<v1::ListHistoryRequest>) -> Answer<v1::ListHistoryResponse> {
        unscripted()
    }
}

#[tonic::async_trait]
impl v1::event_service_server::EventService for Daemon {
    type WatchStream = Streamed<v1::WatchResponse>;

    async fn list_events(&self, _: Request<v1::ListEventsRequest>) -> Answer<v1::ListEventsResponse> {
        unscripted()
    }
    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        let Life { boot_id, last_seq, expired, .. } = self.0;
        let after = request.into_inner().after_seq.unwrap_or(last_seq);
        if after > last_seq {
            return Err(Status::out_of_range(format!("event {after} has not happened; the newest is {last_seq}")));
        }
        let position = v1::Position { last_seq, oldest_seq: expired + 1, boot_id: boot_id.into() };
        let lost = (after < expired).then(|| v1::Lost { first: after + 1, last: expired, reason: "expired".into() });
        let events = (after.max(expired) + 1..=last_seq).map(|seq| v1::Event {
            seq,
            text: format!("{boot_id} event {seq}"),
            severity: v1::Severity::Info.into(),
            ..v1::Event::default()
        });
        let items = [Item::Position(position)]
            .into_iter()
            .chain(lost.map(Item::Lost))
            .chain(events.map(Item::Event))
            .map(|item| v1::WatchResponse { item: Some(item) });
        answer(then_silence(items.collect()))
    }
}

#[tonic::async_trait]
impl v1::system_service_server::SystemService for Daemon {
    type WatchStatusStream = Streamed<v1::SystemStatus>;

    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Answer<v1::SystemStatus> {
        answer(v1::SystemStatus { boot_id: self.0.boot_id.into(), ..v1::SystemStatus::default() })
    }
    async fn watch_status(&self, _: Request<v1::WatchStatusRequest>) -> Answer<Self::WatchStatusStream> {
        unscripted()
    }
    async fn shutdown(&self, _: Request<v1::ShutdownRequest>) -> Answer<v1::ShutdownResponse> {
        unscripted()
    }
}

#[tonic::async_trait]
impl v1::operator_service_server::OperatorService for Daemon {
    type WatchServicesStream = Streamed<v1::WatchServicesResponse>;
    type TailLogsStream = Streamed<v1::TailLogsResponse>;

    async fn list_services(&self, _: Request<v1::ListServicesRequest>) -> Answer<v1::ListServicesResponse> {
        let service = |name: &str| v1::Service {
            name: name.into(),
            group: "interface".into(),
            kind: v1::ServiceKind::Binary.into(),
            state: v1::ServiceState::Running.into(),
            desired: v1::DesiredState::Up.into(),
            health: v1::Health::Healthy.into(),
            ..v1::Service::default()
        };
        answer(v1::ListServicesResponse { services: vec![service("db"), service("web")], seq: 3 })
    }
    async fn get_service(&self, request: Request<v1::GetServiceRequest>) -> Answer<v1::Service> {
        let name = request.into_inner().name;
        Err(Status::not_found(format!("no service is named `{name}`; did you mean `web`?")))
    }
    async fn watch_services(&self, _: Request<v1::WatchServicesRequest>) -> Answer<Self::WatchServicesStream> {
        unscripted()
    }
    async fn start_services(&self, _: Request<v1::StartServicesRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn stop_services(&self, _: Request<v1::StopServicesRequest>) -> Answer<v1::Operation> {
        let mut refused = operation("op-5", "stop", v1::OperationState::Refused);
        refused.conditions.push(v1::Condition {
            kind: "dependents-running".into(),
            subject: "service db".into(),
            text: "`web` runs and needs it".into(),
            remedy: "stop `web` first, or use --force".into(),
            since_s: None,
        });
        answer(refused)
    }
    async fn restart_services(&self, _: Request<v1::RestartServicesRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn reset_service(&self, _: Request<v1::ResetServiceRequest>) -> Answer<v1::Service> {
        unscripted()
    }
    async fn get_dependencies(&self, _: Request<v1::GetDependenciesRequest>) -> Answer<v1::GetDependenciesResponse> {
        unscripted()
    }
    /// Lines 1 to `last_seq` of the one service, and then silence when followed.
    async fn tail_logs(&self, request: Request<v1::TailLogsRequest>) -> Answer<Self::TailLogsStream> {
        let request = request.into_inner();
        let Life { boot_id, last_seq, .. } = self.0;
        let first = (last_seq + 1).saturating_sub(u64::from(request.lines)).max(1);
        let lines: Vec<_> = (first..=last_seq)
            .map(|number| v1::LogLine {
                service: "web".into(),
                number,
                stream: v1::LogStream::Stdout.into(),
                text: format!("{boot_id} line {number}"),
                ..v1::LogLine::default()
            })
            .map(|line| v1::TailLogsResponse { item: Some(v1::tail_logs_response::Item::Line(line)) })
            .collect();
        answer(if request.follow { then_silence(lines) } else { then_end(lines) })
    }
}
