//! The gRPC API: package `ubmc.v1`, `grpc.health.v1`, and reflection, on unix sockets.
//!
//! - one file per service of the API: [`operator`], [`state`], [`sensor`], [`thermal`], [`power`], [`led`],
//!   [`inventory`], [`event`], [`system`], [`simulation`], and [`health`];
//! - [`from_wire`], [`to_wire`]: the only places that convert between wire and domain;
//! - [`auth`]: who may call what, as one table;
//! - [`socket`], [`connections`]: where we listen, and who is connected;
//! - [`streams`]: streams of responses, at their readers' pace.
//!
//! What is not here: decisions. A method asks the loop or looks at it, and says what it saw.

pub mod auth;
pub mod connections;
mod event;
pub mod from_wire;
mod health;
mod inventory;
mod led;
mod operator;
mod power;
mod sensor;
pub mod simulation;
pub mod socket;
mod state;
pub mod streams;
mod system;
#[cfg(test)]
mod tests;
mod thermal;
pub mod to_wire;

use std::{io, sync::Arc, time::Duration};

use tokio::{
    net::UnixListener,
    sync::{mpsc, watch},
    task::JoinSet,
};
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Response, Status, transport::Server};
use tracing::warn;
use ubmc_core::{effect::Reply, refusal::Refusal};
use ubmc_platforms::board::Resource;
use ubmc_proto::v1::{
    self, event_service_server::EventServiceServer, inventory_service_server::InventoryServiceServer,
    led_service_server::LedServiceServer, operator_service_server::OperatorServiceServer,
    power_service_server::PowerServiceServer, sensor_service_server::SensorServiceServer,
    simulation_service_server::SimulationServiceServer, state_service_server::StateServiceServer,
    system_service_server::SystemServiceServer, thermal_service_server::ThermalServiceServer,
};

use self::{
    connections::{Connection, Connections, MAX_CONNECTIONS},
    from_wire::Wanted,
    simulation::Simulation,
    streams::Streams,
};
use crate::{
    configuration::Configuration,
    shell::{Handle, Items, NotDone, Sight},
};

/// Largest request taken, in bytes: the longest list of names that is allowed fits well.
const MAX_REQUEST: usize = 256 << 10;
/// Calls and streams at one time on one connection.
const MAX_CALLS: u32 = 100;

/// How long clients may take to fetch their last answers when the API ends.
const DRAIN: Duration = Duration::from_secs(1);

/// What the methods answer from.
#[derive(Clone, Debug)]
pub struct Api {
    handle: Handle,
    streams: Streams,
    items: Items,
    resources: Arc<[Resource]>,
    simulation: Option<Simulation>,
    configuration: Arc<Configuration>,
    /// Held while machines are verified: one at a time.
    verifying: Arc<tokio::sync::Mutex<()>>,
}

impl Api {
    /// Looks at the daemon.
    async fn see<T: Send + 'static>(
        &self,
        look: impl FnOnce(&mut Sight<'_>) -> T + Send + 'static,
    ) -> Result<T, Status> {
        self.handle.look(look).await.map_err(|_| to_wire::gone())
    }

    /// Answers with what is seen.
    async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&Sight<'_>) -> Result<T, Status> + Send + 'static,
    ) -> Result<Response<T>, Status> {
        self.see(|sight| look(sight)).await?.map(Response::new)
    }

    /// Asks the core.
    async fn ask(&self, actor: String, wanted: Result<Wanted, Refusal>) -> Result<Reply, Status> {
        let Wanted { request, reason } = wanted.map_err(|refusal| to_wire::status_of(&refusal))?;
        self.handle.ask(actor, reason, request).await.map_err(|error| match error {
            NotDone::Refused(refusal) => to_wire::status_of(&refusal),
            NotDone::Gone(_) => to_wire::gone(),
        })
    }

    /// Asks the core for something that goes on as an operation.
    async fn operate(&self, actor: String, wanted: Result<Wanted, Refusal>) -> Result<Response<v1::Operation>, Status> {
        match self.ask(actor, wanted).await? {
            Reply::Operation(id) | Reply::Reload(_, Some(id)) => {
                self.look(move |sight| state::operation(sight, id)).await
            }
            // Only `ScheduleTransition` is answered so.
            Reply::Plan(view) => self.look(move |sight| Ok(to_wire::plan(&view, sight.moment))).await,
            Reply::Done | Reply::Scheduled(_) | Reply::Reload(_, None) => Ok(Response::new(to_wire::nothing_to_do())),
        }
    }
}

/// What [`serve`] needs.
#[derive(Debug)]
pub struct Serving {
    /// The way to the loop.
    pub handle: Handle,
    /// What is built in.
    pub items: Items,
    /// Who owns which piece of hardware.
    pub resources: Arc<[Resource]>,
    /// The simulated board, where there is one.
    pub simulation: Option<Simulation>,
    /// The files that a reload reads.
    pub configuration: Arc<Configuration>,
    /// Where clients come from.
    pub listeners: Vec<UnixListener>,
    /// Becomes true when serving should end.
    pub stopping: watch::Receiver<bool>,
}

/// Ends all connections when serving is dropped: the server's own tasks would live on.
struct Closing(Connections);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Serves until `stopping`: then no new connection is taken, streams are told the end, and calls are finished.
///
/// # Panics
/// When the server cannot be put together or breaks: its supervisor then starts it again.
pub async fn serve(serving: Serving) {
    let Serving { handle, items, resources, simulation, configuration, listeners, mut stopping } = serving;
    let connections = Connections::default();
    let _closing = Closing(connections.clone());
    let (incoming, accepted) = mpsc::channel::<io::Result<Connection>>(1);
    let mut accepting = JoinSet::new();
    for listener in listeners {
        accepting.spawn(accept(listener, connections.clone(), incoming.clone()));
    }
    drop(incoming);

    let streams = Streams::new(stopping.clone(), handle.shared().watchers.clone());
    let verifying = Arc::default();
    let api = Api { handle, streams, items, resources, simulation, configuration, verifying };
    macro_rules! service {
        ($server:ident) => {
            $server::new(api.clone()).max_decoding_message_size(MAX_REQUEST)
        };
    }
    let descriptors = || {
        tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(ubmc_proto::DESCRIPTORS)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET)
    };
    let (reflection, reflection_alpha) = match (descriptors().build_v1(), descriptors().build_v1alpha()) {
        (Ok(reflection), Ok(alpha)) => (reflection, alpha),
        (Err(error), _) | (_, Err(error)) => panic!("the API's own description cannot be read: {error}"),
    };
    let server = Server::builder()
        .max_concurrent_streams(MAX_CALLS)
        .http2_max_header_list_size(16 << 10)
        .layer(auth::GuardLayer)
        .add_service(service!(OperatorServiceServer))
        .add_service(service!(StateServiceServer))
        .add_service(service!(SensorServiceServer))
        .add_service(service!(ThermalServiceServer))
        .add_service(service!(PowerServiceServer))
        .add_service(service!(LedServiceServer))
        .add_service(service!(InventoryServiceServer))
        .add_service(service!(EventServiceServer))
        .add_service(service!(SystemServiceServer))
        .add_service(service!(SimulationServiceServer))
        .add_service(tonic_health::pb::health_server::HealthServer::new(api.clone()))
        .add_service(reflection)
        .add_service(reflection_alpha);
    let mut draining = stopping.clone();
    let stopped = async move {
        // A supervisor that has gone wants the end as well.
        let _ = stopping.wait_for(|stopping| *stopping).await;
        accepting.shutdown().await;
    };
    let mut serving = std::pin::pin!(server.serve_with_incoming_shutdown(ReceiverStream::new(accepted), stopped));
    let drained = async {
        let _ = draining.wait_for(|stopping| *stopping).await;
        tokio::time::sleep(DRAIN).await;
    };
    let end = tokio::select! {
        end = &mut serving => end,
        // Who does not read what was sent to it must not hold up the end.
        () = drained => {
            connections.close();
            serving.await
        }
    };
    if let Err(error) = end {
        panic!("the gRPC server broke: {error}");
    }
}

/// Takes connections in until it is dropped.
async fn accept(listener: UnixListener, connections: Connections, incoming: mpsc::Sender<io::Result<Connection>>) {
    loop {
        let stream = match listener.accept().await {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Most likely out of descriptors: waiting lets others end.
                warn!("a client could not be let in: {error}");
                tokio::time::sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        match connections.admit(stream) {
            Ok(Some(connection)) => {
                if incoming.send(Ok(connection)).await.is_err() {
                    return;
                }
            }
            Ok(None) => warn!("a client was turned away: {MAX_CONNECTIONS} connections are open"),
            // It left before it was looked at.
            Err(error) => warn!("a client was turned away: {error}"),
        }
    }
}
