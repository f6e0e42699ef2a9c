//! The real daemon in a folder of its own, spoken to over gRPC as any client does.

use std::{
    fs,
    process::{Child, Command, Stdio},
    time::Duration,
};

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use tempfile::TempDir;
use tokio::runtime::{Builder, Runtime};
use tonic::transport::Channel;
use ubmc_proto::{
    transport::{Address, connect},
    v1::{
        ListServicesRequest, ListServicesResponse, ServiceState, StartServicesRequest, StopServicesRequest,
        operator_service_client::OperatorServiceClient,
    },
};

use super::{
    Bench, Failure,
    board::Board,
    clock::{Moment, pause},
    contender::Contender,
    plan::Plan,
    ring::Ring,
    usage::Process,
};

/// How long the daemon may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A daemon that runs, with the services of a plan in its registry.
#[derive(Debug)]
pub struct Ubmcd {
    runtime: Runtime,
    client: OperatorServiceClient<Channel>,
    names: Vec<String>,
    daemon: Daemon,
}

/// Its process and its folder.
#[derive(Debug)]
struct Daemon {
    child: Child,
    folder: TempDir,
}

impl Ubmcd {
    /// Starts on a board, and waits until everything that is started by itself runs.
    pub fn launch(bench: &Bench, board: Board, plan: &Plan, ring: &Ring) -> Result<Self, Failure> {
        let folder = tempfile::tempdir().map_err(Failure::io("no folder for ubmcd"))?;
        let (board_file, registry) = (folder.path().join("board.toml"), folder.path().join("services.toml"));
        let write = |path, text: String| fs::write(path, text).map_err(Failure::io("a file for ubmcd"));
        write(&board_file, board.file()?)?;
        write(&registry, format!("[services]\n{}", plan.registry(&bench.service(), ring.path())))?;
        let address = Address::Unix(folder.path().join("s"));
        let log = fs::File::create(folder.path().join("log")).map_err(Failure::io("no log for ubmcd"))?;
        let child = Command::new(bench.binary("ubmcd"))
            .args(["--listen", &address.to_string()])
            .arg("--board")
            .arg(board_file)
            .arg("--services")
            .arg(registry)
            .arg("--state-dir")
            .arg(folder.path().join("state"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(Failure::io("ubmcd cannot be started"))?;
        let mut daemon = Daemon { child, folder };
        let runtime = Builder::new_current_thread().enable_all().build().map_err(Failure::io("no runtime"))?;
        let end = Moment::now().after(PATIENCE);
        let channel = loop {
            if let Ok(channel) = runtime.block_on(connect(&address, PATIENCE)) {
                break channel;
            }
            if daemon.child.try_wait().ok().flatten().is_some() || Moment::now() > end {
                let said = fs::read_to_string(daemon.folder.path().join("log")).unwrap_or_default();
                return Err(Failure::Never(format!("ubmcd answers; it said:\n{said}")));
            }
            pause(Duration::from_millis(20));
        };
        let names = (0..plan.count).map(Plan::name).collect();
        let mut ubmcd = Self { runtime, client: OperatorServiceClient::new(channel), names, daemon };
        ubmcd.await_services("its own services run", |state, auto_start| {
            !auto_start || matches!(state, ServiceState::Running | ServiceState::Completed)
        })?;
        Ok(ubmcd)
    }

    /// What `--connect` takes.
    pub fn address(&self) -> String {
        format!("unix:{}", self.daemon.folder.path().join("s").display())
    }

    /// Its process.
    pub fn process(&self) -> Process {
        Process(self.daemon.child.id())
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

    /// Waits until all services of the plan run.
    pub fn await_running(&mut self) -> Result<(), Failure> {
        self.await_services("all services run", |state, auto| auto || state == ServiceState::Running)
    }
}

impl Contender for Ubmcd {
    fn name(&self) -> &'static str {
        "ubmcd"
    }

    fn start(&mut self) -> Result<Moment, Failure> {
        let request = StartServicesRequest { names: self.names.clone(), reason: "figures".to_owned(), force: false };
        let begun = Moment::now();
        self.runtime.block_on(self.client.start_services(request)).map_err(Failure::rpc("StartServices"))?;
        Ok(begun)
    }

    fn stop(&mut self) -> Result<Moment, Failure> {
        let request = StopServicesRequest { names: self.names.clone(), reason: "figures".to_owned(), force: true };
        let begun = Moment::now();
        self.runtime.block_on(self.client.stop_services(request)).map_err(Failure::rpc("StopServices"))?;
        Ok(begun)
    }

    fn settle(&mut self) -> Result<(), Failure> {
        self.await_services("all services have stopped", |state, auto| auto || state == ServiceState::Stopped)
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        if let Ok(pid) = i32::try_from(self.child.id()) {
            // In order, so that it takes its services and its board along.
            let _ = kill(Pid::from_raw(pid), Signal::SIGTERM);
        }
        let end = Moment::now().after(PATIENCE);
        while matches!(self.child.try_wait(), Ok(None)) {
            if Moment::now() > end {
                eprintln!("ubmcd does not end; it is killed");
                let _ = self.child.kill();
                let _ = self.child.wait();
            }
            pause(Duration::from_millis(20));
        }
    }
}
