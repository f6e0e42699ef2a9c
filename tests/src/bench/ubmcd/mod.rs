//! The real daemon in a folder of its own, spoken to over gRPC as any client does.

mod booted;
mod daemon;

pub use booted::Booted;

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use nix::sys::signal::Signal;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Channel;
use ubmc_proto::{
    transport::{Address, connect},
    v1::{
        GetStatusRequest, ListServicesRequest, ListServicesResponse, ServiceState, StartServicesRequest,
        StopServicesRequest, SystemStatus, operator_service_client::OperatorServiceClient,
        system_service_client::SystemServiceClient,
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
        Ok(Self::launch_after(bench, board, plan, ring, |_| Ok(()))?.0)
    }

    /// As [`Self::launch`], after something that is given the folder in which ubmcd looks for its simulated board.
    pub fn launch_after<T>(
        bench: &Bench,
        board: Board,
        plan: &Plan,
        ring: &Ring,
        before: impl FnOnce(&Path) -> Result<T, Failure>,
    ) -> Result<(Self, T), Failure> {
        let prepared = Prepared::new(bench, board, plan, ring.path(), Begin::Asked)?;
        let done = before(&prepared.hardware())?;
        let mut daemon = prepared.launch()?;
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::io("no runtime"))?;
        let channel = connected(&runtime, &mut daemon)?;
        let names = (0..plan.count).map(Plan::name).collect();
        let mut ubmcd = Self { runtime, client: OperatorServiceClient::new(channel), names, board, daemon };
        ubmcd.await_own()?;
        Ok((ubmcd, done))
    }

    /// Until everything that is started by itself runs.
    fn await_own(&mut self) -> Result<(), Failure> {
        self.await_services("its own services run", |state, auto_start| {
            !auto_start || matches!(state, ServiceState::Running | ServiceState::Completed)
        })
    }

    /// Where its simulated board is.
    pub fn hardware(&self) -> PathBuf {
        self.daemon.hardware()
    }

    /// Sends it a signal; the moment just before.
    pub fn signal(&self, signal: Signal) -> Result<Moment, Failure> {
        self.daemon.signal(signal)
    }

    /// Starts it once more, as it was killed, and waits as [`Self::launch`] does.
    pub fn relaunch(&mut self) -> Result<(), Failure> {
        self.daemon.relaunch()?;
        self.client = OperatorServiceClient::new(connected(&self.runtime, &mut self.daemon)?);
        self.await_own()
    }

    /// What it says of itself.
    pub fn status(&mut self) -> Result<SystemStatus, Failure> {
        let channel = self.runtime.block_on(connect(&self.daemon.address(), PATIENCE));
        let channel = channel.map_err(|error| Failure::Never(format!("ubmcd answers: {error}")))?;
        let asked = SystemServiceClient::new(channel);
        let answer = self.runtime.block_on(async move { { asked }.get_status(GetStatusRequest {}).await });
        Ok(answer.map_err(Failure::rpc("GetStatus"))?.into_inner())
    }

    /// What `--connect` takes.
    pub fn address(&self) -> String {
        self.daemon.address().to_string()
    }

    /// The same, to connect to.
    pub fn endpoint(&self) -> Address {
        self.daemon.address()
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

/// Connects, as soon as somebody answers.
fn connected(runtime: &Runtime, daemon: &mut Daemon) -> Result<Channel, Failure> {
    let end = Moment::now().after(PATIENCE);
    loop {
        if let Ok(channel) = runtime.block_on(connect(&daemon.address(), PATIENCE)) {
            return Ok(channel);
        }
        if daemon.ended() || Moment::now() > end {
            return Err(Failure::Never(format!("ubmcd answers; it said:\n{}", daemon.log())));
        }
        pause(Duration::from_millis(20));
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
