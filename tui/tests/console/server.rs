//! A daemon that tells always the same: enough of `ubmc.v1` for the console to be seen whole.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use tokio::sync::{broadcast, oneshot};
use tokio_stream::{
    Stream, StreamExt,
    wrappers::{BroadcastStream, UnixListenerStream},
};
use tonic::{Request, Response, Status};
use tonic_types::{ErrorDetails, StatusExt};
use ubmc_proto::v1::{
    self, event_service_server as event, inventory_service_server as inventory, led_service_server as led,
    operator_service_server as operator, power_service_server as power, sensor_service_server as sensor,
    state_service_server as state, system_service_server as system, thermal_service_server as thermal,
};

use crate::{board, details};

type Answer<T> = Result<Response<T>, Status>;
type Messages<T> = std::pin::Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

/// What the console asked for, in words.
pub(crate) type Asked = Arc<Mutex<Vec<String>>>;

/// A running daemon; it ends when dropped.
pub(crate) struct Daemon {
    pub(crate) asked: Asked,
    /// Sends further events.
    pub(crate) events: broadcast::Sender<v1::watch_response::Item>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Clone)]
struct Canned {
    boot_id: String,
    asked: Asked,
    events: broadcast::Sender<v1::watch_response::Item>,
    kept: u64,
}

impl Daemon {
    /// Serves on a socket; `kept` events are there already.
    pub(crate) fn start(socket: &Path, boot_id: &str, kept: u64) -> Self {
        let _old = std::fs::remove_file(socket);
        let listener = std::os::unix::net::UnixListener::bind(socket).expect("the socket can be bound");
        listener.set_nonblocking(true).expect("a socket can be made non-blocking");
        let (events, _) = broadcast::channel(64);
        let asked = Asked::default();
        let canned = Canned { boot_id: boot_id.to_owned(), asked: Arc::clone(&asked), events: events.clone(), kept };
        let (stop, stopped) = oneshot::channel::<()>();
        // A runtime of its own: with it go all connections at once, as when a daemon is killed.
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("there can be a runtime").block_on(async move {
                let listener = tokio::net::UnixListener::from_std(listener).expect("it is a socket");
                tokio::select! {
                    _ = canned.serve(UnixListenerStream::new(listener)) => {}
                    _ = stopped => {}
                }
            });
        });
        Self { asked, events, stop: Some(stop), thread: Some(thread) }
    }

    /// Goes away at once.
    pub(crate) fn stop(mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the server has not panicked");
        }
    }
}

/// First these, then nothing, for ever.
fn held<T: Send + 'static>(first: Vec<T>) -> Messages<T> {
    Box::pin(tokio_stream::iter(first).map(Ok).chain(tokio_stream::pending()))
}

/// The operation that a request begins.
#[allow(clippy::unnecessary_wraps)] // the answer of every acting request
fn begun(kind: &str, target: String) -> Answer<v1::Operation> {
    Ok(Response::new(v1::Operation {
        id: "op-18".into(),
        kind: kind.into(),
        target,
        state: v1::OperationState::Running.into(),
        ..Default::default()
    }))
}

impl Canned {
    async fn serve(self, incoming: UnixListenerStream) -> Result<(), tonic::transport::Error> {
        tonic::transport::Server::builder()
            .add_service(system::SystemServiceServer::new(self.clone()))
            .add_service(operator::OperatorServiceServer::new(self.clone()))
            .add_service(state::StateServiceServer::new(self.clone()))
            .add_service(sensor::SensorServiceServer::new(self.clone()))
            .add_service(thermal::ThermalServiceServer::new(self.clone()))
            .add_service(event::EventServiceServer::new(self.clone()))
            .add_service(power::PowerServiceServer::new(self.clone()))
            .add_service(led::LedServiceServer::new(self.clone()))
            .add_service(inventory::InventoryServiceServer::new(self))
            .serve_with_incoming(incoming)
            .await
    }

    fn note(&self, what: String) {
        self.asked.lock().expect("no test panics with it").push(what);
    }

    fn status(&self) -> v1::SystemStatus {
        v1::SystemStatus { boot_id: self.boot_id.clone(), last_seq: self.kept, ..board::status() }
    }
}

#[tonic::async_trait]
impl system::SystemService for Canned {
    type WatchStatusStream = Messages<v1::SystemStatus>;
    async fn get_status(&self, _: Request<v1::GetStatusRequest>) -> Answer<v1::SystemStatus> {
        Ok(Response::new(self.status()))
    }
    async fn watch_status(&self, _: Request<v1::WatchStatusRequest>) -> Answer<Self::WatchStatusStream> {
        Ok(Response::new(held(vec![self.status()])))
    }
    async fn why(&self, request: Request<v1::WhyRequest>) -> Answer<v1::WhyResponse> {
        Ok(Response::new(details::why(&request.into_inner().name)))
    }
    async fn get_boot_timeline(&self, _: Request<v1::GetBootTimelineRequest>) -> Answer<v1::BootTimeline> {
        Ok(Response::new(board::boot()))
    }
    async fn shutdown(&self, _: Request<v1::ShutdownRequest>) -> Answer<v1::ShutdownResponse> {
        Ok(Response::new(v1::ShutdownResponse {}))
    }
}

#[tonic::async_trait]
impl operator::OperatorService for Canned {
    type WatchServicesStream = Messages<v1::WatchServicesResponse>;
    type TailLogsStream = Messages<v1::TailLogsResponse>;
    async fn list_services(&self, _: Request<v1::ListServicesRequest>) -> Answer<v1::ListServicesResponse> {
        Ok(Response::new(v1::ListServicesResponse { services: board::services(), seq: self.kept }))
    }
    async fn get_service(&self, _: Request<v1::GetServiceRequest>) -> Answer<v1::Service> {
        Err(Status::unimplemented("not canned"))
    }
    async fn watch_services(&self, _: Request<v1::WatchServicesRequest>) -> Answer<Self::WatchServicesStream> {
        let all = v1::ListServicesResponse { services: board::services(), seq: self.kept };
        let update = Some(v1::watch_services_response::Update::Snapshot(all));
        Ok(Response::new(held(vec![v1::WatchServicesResponse { update }])))
    }
    async fn start_services(&self, request: Request<v1::StartServicesRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        self.note(format!("start {} force={}", request.names.join(","), request.force));
        begun("service-start", request.names.join(","))
    }
    async fn stop_services(&self, request: Request<v1::StopServicesRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        self.note(format!("stop {} force={}", request.names.join(","), request.force));
        begun("service-stop", request.names.join(","))
    }
    async fn restart_services(&self, request: Request<v1::RestartServicesRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        self.note(format!("restart {} force={}", request.names.join(","), request.force));
        begun("service-restart", request.names.join(","))
    }
    async fn reset_service(&self, request: Request<v1::ResetServiceRequest>) -> Answer<v1::Service> {
        self.note(format!("reset {}", request.into_inner().name));
        Ok(Response::new(v1::Service::default()))
    }
    async fn get_dependencies(&self, _: Request<v1::GetDependenciesRequest>) -> Answer<v1::GetDependenciesResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn validate_services(&self, _: Request<v1::ValidateServicesRequest>) -> Answer<v1::ValidateServicesResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn check_operation(&self, _: Request<v1::CheckOperationRequest>) -> Answer<v1::CheckOperationResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn reload_services(&self, _: Request<v1::ReloadServicesRequest>) -> Answer<v1::ReloadServicesResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn what_if_stopped(&self, _: Request<v1::WhatIfStoppedRequest>) -> Answer<v1::WhatIfStoppedResponse> {
        Ok(Response::new(details::what_if()))
    }
    async fn tail_logs(&self, request: Request<v1::TailLogsRequest>) -> Answer<Self::TailLogsStream> {
        let service = request.into_inner().names.join(",");
        self.note(format!("log {service}"));
        let line = |number: u64| v1::TailLogsResponse {
            item: Some(v1::tail_logs_response::Item::Line(v1::LogLine {
                service: service.clone(),
                number,
                stream: if number.is_multiple_of(7) { v1::LogStream::Stderr } else { v1::LogStream::Stdout }.into(),
                time_s: board::WALL_S - 50.0 + number as f64,
                generation: 1,
                text: format!("request {number} GET /index.html from 10.0.0.{} took {} ms", number % 9, number % 13),
                truncated: false,
            })),
        };
        let caught_up = v1::tail_logs_response::Item::CaughtUp(v1::LogCaughtUp {});
        // What is built in writes nothing.
        let lines = if service == "journal" { 0 } else { 40 };
        let end = v1::TailLogsResponse { item: Some(caught_up) };
        Ok(Response::new(held((1..=lines).map(line).chain([end]).collect())))
    }
}

#[tonic::async_trait]
impl state::StateService for Canned {
    type WatchMachinesStream = Messages<v1::WatchMachinesResponse>;
    type WatchOperationStream = Messages<v1::Operation>;
    type WatchOperationsStream = Messages<v1::WatchOperationsResponse>;
    async fn list_machines(&self, _: Request<v1::ListMachinesRequest>) -> Answer<v1::ListMachinesResponse> {
        Ok(Response::new(v1::ListMachinesResponse { machines: board::machines(), seq: self.kept }))
    }
    async fn get_machine(&self, _: Request<v1::GetMachineRequest>) -> Answer<v1::Machine> {
        Err(Status::unimplemented("not canned"))
    }
    async fn watch_machines(&self, _: Request<v1::WatchMachinesRequest>) -> Answer<Self::WatchMachinesStream> {
        let all = v1::ListMachinesResponse { machines: board::machines(), seq: self.kept };
        let update = Some(v1::watch_machines_response::Update::Snapshot(all));
        Ok(Response::new(held(vec![v1::WatchMachinesResponse { update }])))
    }
    async fn get_machine_graph(&self, _: Request<v1::GetMachineGraphRequest>) -> Answer<v1::MachineGraph> {
        Ok(Response::new(details::graph()))
    }
    async fn verify_machines(&self, _: Request<v1::VerifyMachinesRequest>) -> Answer<v1::VerifyMachinesResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn request_transition(&self, request: Request<v1::RequestTransitionRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        self.note(format!(
            "{} {} plan_only={} revision={} reason={}",
            request.request, request.machine, request.plan_only, request.plan_revision, request.reason
        ));
        if request.machine == "chassis" && request.request == "off" {
            let mut details = ErrorDetails::new();
            details.set_error_info("INTERLOCK", "ubmc", [] as [(String, String); 0]);
            details.add_precondition_failure_violation("host-running", "host host.0", "host.0 is running");
            return Err(Status::with_error_details(
                tonic::Code::FailedPrecondition,
                "chassis cannot be switched off while a host runs",
                details,
            ));
        }
        if request.plan_only {
            return Ok(Response::new(board::plan(&request.machine, &request.request)));
        }
        begun(&format!("host-{}", request.request), request.machine)
    }
    async fn schedule_transition(&self, _: Request<v1::ScheduleTransitionRequest>) -> Answer<v1::Schedule> {
        Err(Status::unimplemented("not canned"))
    }
    async fn list_schedules(&self, _: Request<v1::ListSchedulesRequest>) -> Answer<v1::ListSchedulesResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn cancel_schedule(&self, _: Request<v1::CancelScheduleRequest>) -> Answer<v1::CancelScheduleResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn set_restore_policy(&self, _: Request<v1::SetRestorePolicyRequest>) -> Answer<v1::Machine> {
        Err(Status::unimplemented("not canned"))
    }
    async fn list_operations(&self, _: Request<v1::ListOperationsRequest>) -> Answer<v1::ListOperationsResponse> {
        Ok(Response::new(v1::ListOperationsResponse { operations: board::operations() }))
    }
    async fn get_operation(&self, _: Request<v1::GetOperationRequest>) -> Answer<v1::Operation> {
        Err(Status::unimplemented("not canned"))
    }
    async fn watch_operation(&self, _: Request<v1::WatchOperationRequest>) -> Answer<Self::WatchOperationStream> {
        Err(Status::unimplemented("not canned"))
    }
    async fn watch_operations(&self, _: Request<v1::WatchOperationsRequest>) -> Answer<Self::WatchOperationsStream> {
        let all = v1::ListOperationsResponse { operations: board::operations() };
        let update = Some(v1::watch_operations_response::Update::Snapshot(all));
        Ok(Response::new(held(vec![v1::WatchOperationsResponse { update }])))
    }
    async fn cancel_operation(&self, request: Request<v1::CancelOperationRequest>) -> Answer<v1::Operation> {
        let id = request.into_inner().id;
        self.note(format!("cancel {id}"));
        begun("cancel", id)
    }
    async fn list_transition_counts(
        &self,
        _: Request<v1::ListTransitionCountsRequest>,
    ) -> Answer<v1::ListTransitionCountsResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn override_interlock(&self, _: Request<v1::OverrideInterlockRequest>) -> Answer<v1::Machine> {
        Err(Status::unimplemented("not canned"))
    }
    async fn restore_interlock(&self, _: Request<v1::RestoreInterlockRequest>) -> Answer<v1::Machine> {
        Err(Status::unimplemented("not canned"))
    }
    async fn list_history(&self, _: Request<v1::ListHistoryRequest>) -> Answer<v1::ListHistoryResponse> {
        Err(Status::unimplemented("not canned"))
    }
}

#[tonic::async_trait]
impl sensor::SensorService for Canned {
    type WatchSensorsStream = Messages<v1::WatchSensorsResponse>;
    async fn list_sensors(&self, _: Request<v1::ListSensorsRequest>) -> Answer<v1::ListSensorsResponse> {
        Ok(Response::new(v1::ListSensorsResponse { sensors: board::sensors(), seq: self.kept }))
    }
    async fn get_sensor(&self, _: Request<v1::GetSensorRequest>) -> Answer<v1::Sensor> {
        Err(Status::unimplemented("not canned"))
    }
    async fn watch_sensors(&self, _: Request<v1::WatchSensorsRequest>) -> Answer<Self::WatchSensorsStream> {
        let all = v1::ListSensorsResponse { sensors: board::sensors(), seq: self.kept };
        let update = Some(v1::watch_sensors_response::Update::Snapshot(all));
        Ok(Response::new(held(vec![v1::WatchSensorsResponse { update }])))
    }
    async fn get_sensor_history(
        &self,
        _: Request<v1::GetSensorHistoryRequest>,
    ) -> Answer<v1::GetSensorHistoryResponse> {
        Ok(Response::new(board::history()))
    }
}

#[tonic::async_trait]
impl thermal::ThermalService for Canned {
    type WatchZonesStream = Messages<v1::WatchZonesResponse>;
    async fn list_zones(&self, _: Request<v1::ListZonesRequest>) -> Answer<v1::ListZonesResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn get_zone(&self, _: Request<v1::GetZoneRequest>) -> Answer<v1::Zone> {
        Err(Status::unimplemented("not canned"))
    }
    async fn watch_zones(&self, _: Request<v1::WatchZonesRequest>) -> Answer<Self::WatchZonesStream> {
        let update = Some(v1::watch_zones_response::Update::Snapshot(board::zones()));
        Ok(Response::new(held(vec![v1::WatchZonesResponse { update }])))
    }
    async fn list_fans(&self, _: Request<v1::ListFansRequest>) -> Answer<v1::ListFansResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn set_override(&self, _: Request<v1::SetOverrideRequest>) -> Answer<v1::ListFansResponse> {
        Err(Status::unimplemented("not canned"))
    }
    async fn clear_override(&self, _: Request<v1::ClearOverrideRequest>) -> Answer<v1::ListFansResponse> {
        Err(Status::unimplemented("not canned"))
    }
}

#[tonic::async_trait]
impl event::EventService for Canned {
    type WatchStream = Messages<v1::WatchResponse>;
    async fn list_events(&self, _: Request<v1::ListEventsRequest>) -> Answer<v1::ListEventsResponse> {
        let events = (1..=self.kept).map(board::event).collect();
        Ok(Response::new(v1::ListEventsResponse { events, lost: None, last_seq: self.kept }))
    }
    async fn watch(&self, request: Request<v1::WatchRequest>) -> Answer<Self::WatchStream> {
        use v1::watch_response::Item;
        let after = request.into_inner().after_seq;
        self.note(format!("watch after {}", after.map_or("-".to_owned(), |seq| seq.to_string())));
        let live = BroadcastStream::new(self.events.subscribe()).filter_map(Result::ok);
        let position = v1::Position { last_seq: self.kept, oldest_seq: 1, boot_id: self.boot_id.clone() };
        let kept = (after.unwrap_or(self.kept) + 1..=self.kept).map(|seq| Item::Event(board::event(seq)));
        let first: Vec<Item> = std::iter::once(Item::Position(position)).chain(kept).collect();
        let items = tokio_stream::iter(first).chain(live);
        Ok(Response::new(Box::pin(items.map(|item| Ok(v1::WatchResponse { item: Some(item) })))))
    }
}

#[tonic::async_trait]
impl power::PowerService for Canned {
    async fn list_rails(&self, _: Request<v1::ListRailsRequest>) -> Answer<v1::ListRailsResponse> {
        Ok(Response::new(board::rails()))
    }
    async fn list_supplies(&self, _: Request<v1::ListSuppliesRequest>) -> Answer<v1::ListSuppliesResponse> {
        Ok(Response::new(board::supplies()))
    }
}

#[tonic::async_trait]
impl led::LedService for Canned {
    async fn list_leds(&self, _: Request<v1::ListLedsRequest>) -> Answer<v1::ListLedsResponse> {
        Ok(Response::new(board::leds()))
    }
    async fn identify(&self, request: Request<v1::IdentifyRequest>) -> Answer<v1::ListLedsResponse> {
        self.note(format!("identify {}", request.into_inner().on));
        Ok(Response::new(board::leds()))
    }
    async fn set_led(&self, _: Request<v1::SetLedRequest>) -> Answer<v1::ListLedsResponse> {
        Err(Status::unimplemented("not canned"))
    }
}

#[tonic::async_trait]
impl inventory::InventoryService for Canned {
    async fn list_items(&self, _: Request<v1::ListItemsRequest>) -> Answer<v1::ListItemsResponse> {
        Ok(Response::new(board::items()))
    }
    async fn get_item(&self, _: Request<v1::GetItemRequest>) -> Answer<v1::InventoryItem> {
        Err(Status::unimplemented("not canned"))
    }
    async fn list_resources(&self, _: Request<v1::ListResourcesRequest>) -> Answer<v1::ListResourcesResponse> {
        Ok(Response::new(details::resources()))
    }
}
