//! A client that asks a lot: calls at fixed times, each whether or not the ones before have been answered.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    runtime::Builder,
    sync::Semaphore,
    time::{Instant, interval},
};
use tonic::{Status, transport::Channel};
use ubmc_proto::{
    transport::{Address, connect},
    v1::{
        GetStatusRequest, ListFansRequest, ListMachinesRequest, ListSensorsRequest, ListServicesRequest,
        ListZonesRequest, operator_service_client::OperatorServiceClient, sensor_service_client::SensorServiceClient,
        state_service_client::StateServiceClient, system_service_client::SystemServiceClient,
        thermal_service_client::ThermalServiceClient,
    },
};

use super::Failure;

/// Calls that may wait for their answers; what comes on top counts as failed.
const WAITING: usize = 256;
/// For the connection and for a call.
const PATIENCE: Duration = Duration::from_secs(10);

/// What became of the calls.
#[derive(Clone, Copy, Debug)]
pub struct Count {
    /// Answered well.
    pub answered: u64,
    /// Answered with an error, or too late, or never sent because too many waited.
    pub failed: u64,
}

#[derive(Debug, Default)]
struct Shared {
    answered: AtomicU64,
    failed: AtomicU64,
    stop: AtomicBool,
}

/// Asks from its making on, in a thread of its own. Dropping it ends that.
#[derive(Debug)]
pub struct Load {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Load {
    /// So many calls in a second.
    pub fn begin(address: &Address, calls: u32) -> Result<Self, Failure> {
        let shared = Arc::new(Shared::default());
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::io("no runtime"))?;
        let channel = runtime.block_on(connect(address, PATIENCE));
        let channel = channel.map_err(|error| Failure::Never(format!("ubmcd answers: {error}")))?;
        let ours = Arc::clone(&shared);
        let thread = std::thread::spawn(move || runtime.block_on(ask(channel, calls, &ours)));
        Ok(Self { shared, thread: Some(thread) })
    }

    /// So far.
    pub fn count(&self) -> Count {
        let Shared { answered, failed, .. } = &*self.shared;
        Count { answered: answered.load(Ordering::Relaxed), failed: failed.load(Ordering::Relaxed) }
    }
}

impl Drop for Load {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

async fn ask(channel: Channel, calls: u32, shared: &Arc<Shared>) {
    let waiting = Arc::new(Semaphore::new(WAITING));
    let mut times = interval(Duration::from_secs(1) / calls.max(1));
    let mut number = 0_u32;
    while !shared.stop.load(Ordering::Relaxed) {
        times.tick().await;
        number = number.wrapping_add(1);
        let Ok(room) = Arc::clone(&waiting).try_acquire_owned() else {
            shared.failed.fetch_add(1, Ordering::Relaxed);
            continue;
        };
        let (channel, shared, sent) = (channel.clone(), Arc::clone(shared), Instant::now());
        tokio::spawn(async move {
            let answer = tokio::time::timeout_at(sent + PATIENCE, call(channel, number)).await;
            let counter = if matches!(answer, Ok(Ok(()))) { &shared.answered } else { &shared.failed };
            counter.fetch_add(1, Ordering::Relaxed);
            drop(room);
        });
    }
}

/// One call of the round.
async fn call(channel: Channel, number: u32) -> Result<(), Status> {
    match number % 6 {
        0 => SystemServiceClient::new(channel).get_status(GetStatusRequest {}).await.map(drop),
        1 => OperatorServiceClient::new(channel).list_services(ListServicesRequest::default()).await.map(drop),
        2 => SensorServiceClient::new(channel).list_sensors(ListSensorsRequest::default()).await.map(drop),
        3 => ThermalServiceClient::new(channel).list_zones(ListZonesRequest::default()).await.map(drop),
        4 => StateServiceClient::new(channel).list_machines(ListMachinesRequest::default()).await.map(drop),
        _ => ThermalServiceClient::new(channel).list_fans(ListFansRequest::default()).await.map(drop),
    }
}
