//! The real daemon in a folder of its own, spoken to over gRPC as any client does.

mod booted;
mod daemon;

pub use booted::Booted;

use std::time::Duration;

use tokio::runtime::{Builder, Runtime};
use tonic::transport::Channel;
use ubmc_proto::{
    transport::connect,
    v1::{
        ListServicesRequest, ListServicesResponse, ServiceState, StartServicesRequest, StopServicesRequest,
        operator_service_client::OperatorServiceClient,
    },
};

use self::daemon::{Daemon, PATIENCE, Prepared};
use super::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    contender::{Begin, Contender},
    plan::Plan,
    ring::Ring,
    usage::Process,
};

/// A daemon that runs, with the services of a plan in its registry.
#[derive(Debug)]
pub struct Ubmcd {
    runtime: Runtime,
    client: OperatorServiceClient<Channel>,
    names: Vec<String>,
    board: Board,
    daemon: Daemon,
}

impl Ubmcd {
    /// Starts on a board, and waits until everything that is started by itself runs.
    pub fn launch(bench: &Bench, board: Board, plan: &Plan, ring: &Ring) -> Result<Self, Failure> {
        let mut daemon = Prepared::new(bench, board, plan, ring.path(), Begin::Asked)?.launch()?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::io("no runtime"))?;
        let end = Moment::now().after(PATIENCE);
        let channel = loop {
            if let Ok(channel) = runtime.block_on(connect(&daemon.address(), PATIENCE)) {
                break channel;
            }
            if daemon.ended() || Moment::now() > end {
                return Err(Failure::Never(format!("ubmcd answers; it said:\n{}", daemon.log())));
            }
            pause(Duration::from_millis(20));
        };
        let names = (0..plan.count).map(Plan::name).collect();
        let mut ubmcd = Self { runtime, client: OperatorServiceClient::new(channel), names, board, daemon };
        ubmcd.await_services("its own services run", |state, auto_start| {
            !auto_start || matches!(state, ServiceState::Running | ServiceState::Completed)
        })?;
        Ok(ubmcd)
    }

    /// What `--connect` takes.
    pub fn address(&self) -> String {
        self.daemon.address().to_string()
    }

    /// All services, as a client sees them.
    pub fn list(&mut self) -> Result<ListServicesResponse, Failure> {
        let answer = self.runtime.block_on(self.client.list_services(ListServicesRequest::default()));
        Ok(answer.map_err(Failure::rpc("ListServices"))?.into_inner())
    }

    fn await_services(&mut self, what: &str, fine: impl Fn(ServiceState, bool) -> bool) -> Result<(), Failure> {
        let end = Moment::now().after(PATIENCE);
        loop {
            let services = self.list()?.services;
            let Some(other) = services.iter().find(|service| !fine(service.state(), service.auto_start)) else {
                return Ok(());
            };
            if Moment::now() > end {
                return Err(Failure::Never(format!("{what}; {} is {}", other.name, other.state().as_str_name())));
            }
            pause(Duration::from_millis(50));
        }
    }
}

/// What its board means for its figures.
fn remark(board: Board) -> Option<&'static str> {
    (board != Board::WithoutHardware).then_some("with thirty sensors sampled and six fans driven")
}

impl Contender for Ubmcd {
    fn start(&mut self) -> Result<Moment, Failure> {
        // Without names it would start whatever starts by itself.
        if self.names.is_empty() {
            return Ok(Moment::now());
        }
        let request = StartServicesRequest { names: self.names.clone(), reason: "figures".to_owned(), force: false };
        let begun = Moment::now();
        self.runtime.block_on(self.client.start_services(request)).map_err(Failure::rpc("StartServices"))?;
        Ok(begun)
    }

    fn stop(&mut self) -> Result<Moment, Failure> {
        if self.names.is_empty() {
            return Ok(Moment::now());
        }
        let request = StopServicesRequest { names: self.names.clone(), reason: "figures".to_owned(), force: true };
        let begun = Moment::now();
        self.runtime.block_on(self.client.stop_services(request)).map_err(Failure::rpc("StopServices"))?;
        Ok(begun)
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.await_services("all services have stopped", |state, auto| auto || state == ServiceState::Stopped)
    }

    fn managers(&self, services: &[u32]) -> Vec<Process> {
        self.daemon.managers(services)
    }

    fn remark(&self) -> Option<&'static str> {
        remark(self.board)
    }
}
