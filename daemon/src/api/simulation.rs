//! `SimulationService`: the simulated board's faults and surroundings.

use std::{env, io, path::PathBuf, sync::Arc, time::Duration};

use tonic::{Code, Request, Response, Status};
use ubmc_platforms::sim::{
    FaultKind, SimConfig,
    client::{ClientError, Launch, SimClient, ensure, unplug},
    protocol::{FaultText, Why},
};
use ubmc_proto::v1::{self, simulation_service_server::SimulationService};

use super::{Api, to_wire};

/// How long a simulated board may take until it answers.
const PLUG_IN: Duration = Duration::from_secs(10);

/// The simulated board: a process of its own, reached by its directory.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// Where its files are.
    pub dir: PathBuf,
    /// What it is made of.
    pub config: Arc<SimConfig>,
}

impl Simulation {
    /// How the board is plugged in: our own program is it.
    ///
    /// # Errors
    /// Our own program cannot be found.
    pub fn launch(&self) -> io::Result<Launch> {
        Ok(Launch {
            dir: self.dir.clone(),
            config: SimConfig::clone(&self.config),
            command: vec![env::current_exe()?.into(), "sim-board".into()],
            timeout: PLUG_IN,
        })
    }

    /// Calls the board, on a thread that may wait: the loop's must not.
    async fn call<T: Send + 'static>(
        &self,
        call: impl FnOnce(&mut SimClient) -> Result<T, ClientError> + Send + 'static,
    ) -> Result<T, Status> {
        let dir = self.dir.clone();
        let called = tokio::task::spawn_blocking(move || call(&mut SimClient::new(dir))).await;
        match called {
            Ok(answer) => answer.map_err(|error| status(&error)),
            Err(error) => Err(Status::internal(format!("the call to the simulated board broke: {error}"))),
        }
    }

    async fn state(&self) -> Result<Response<v1::SimulationState>, Status> {
        Ok(Response::new(to_wire::simulation_state(self.call(SimClient::state).await?)))
    }

    fn faults(&self, active: Vec<FaultText>) -> Response<v1::ListFaultsResponse> {
        Response::new(to_wire::faults(active, &self.config))
    }
}

fn status(error: &ClientError) -> Status {
    let (code, reason) = match error {
        ClientError::Refused { why, .. } => match why {
            Why::NotFound => (Code::NotFound, "UNKNOWN_NAME"),
            Why::OutOfRange => (Code::InvalidArgument, "OUT_OF_RANGE"),
            Why::NotActive => (Code::FailedPrecondition, "NOT_ACTIVE"),
            Why::Hardware => (Code::FailedPrecondition, "HARDWARE_FAULT"),
            Why::Protocol => (Code::Internal, "SIMULATION_PROTOCOL"),
            Why::Busy => (Code::ResourceExhausted, "SIMULATION_BUSY"),
        },
        ClientError::NotRunning(_) => (Code::Unavailable, "SIMULATION_STOPPED"),
        ClientError::Timeout(_) => (Code::DeadlineExceeded, "SIMULATION_SILENT"),
        ClientError::Broken(_) | ClientError::Board(_) | ClientError::Start(_) | ClientError::Stubborn(_) => {
            (Code::Unavailable, "SIMULATION_BROKEN")
        }
    };
    to_wire::with_reason(code, reason, error.to_string())
}

impl Api {
    fn simulation(&self) -> Result<&Simulation, Status> {
        self.simulation.as_ref().ok_or_else(|| {
            to_wire::with_reason(Code::Unimplemented, "NOT_SIMULATED", "this board is real hardware, not simulated")
        })
    }
}

#[tonic::async_trait]
impl SimulationService for Api {
    async fn list_faults(&self, _: Request<v1::ListFaultsRequest>) -> Result<Response<v1::ListFaultsResponse>, Status> {
        let simulation = self.simulation()?;
        Ok(simulation.faults(simulation.call(SimClient::faults).await?))
    }

    async fn inject_fault(
        &self,
        request: Request<v1::InjectFaultRequest>,
    ) -> Result<Response<v1::ListFaultsResponse>, Status> {
        let simulation = self.simulation()?;
        let fault = request.into_inner().fault.unwrap_or_default();
        // An unknown kind is told here, with the nearest one, before the board is troubled.
        FaultKind::parse(&fault.kind)
            .map_err(|refusal| to_wire::with_reason(Code::NotFound, "UNKNOWN_NAME", refusal.to_string()))?;
        let active = simulation.call(move |board| board.inject(&fault.kind, &fault.target, fault.value)).await?;
        Ok(simulation.faults(active))
    }

    async fn clear_faults(
        &self,
        request: Request<v1::ClearFaultsRequest>,
    ) -> Result<Response<v1::ListFaultsResponse>, Status> {
        let simulation = self.simulation()?;
        let v1::ClearFaultsRequest { kind, target } = request.into_inner();
        let active = simulation.call(move |board| board.clear(&kind, &target)).await?;
        Ok(simulation.faults(active))
    }

    async fn set_value(&self, request: Request<v1::SetValueRequest>) -> Result<Response<v1::SimulationState>, Status> {
        let simulation = self.simulation()?;
        let v1::SetValueRequest { name, value } = request.into_inner();
        simulation.call(move |board| board.set(&name, value)).await?;
        simulation.state().await
    }

    async fn get_state(&self, _: Request<v1::GetStateRequest>) -> Result<Response<v1::SimulationState>, Status> {
        self.simulation()?.state().await
    }

    async fn start(&self, _: Request<v1::StartRequest>) -> Result<Response<v1::SimulationState>, Status> {
        let simulation = self.simulation()?;
        let launch = simulation
            .launch()
            .map_err(|error| Status::internal(format!("our own program cannot be found: {error}")))?;
        simulation.call(move |_| ensure(&launch)).await?;
        simulation.state().await
    }

    async fn stop(&self, _: Request<v1::StopRequest>) -> Result<Response<v1::StopResponse>, Status> {
        // The answer comes when the board is gone, not when it was asked.
        self.simulation()?.call(|board| unplug(board.dir())).await?;
        Ok(Response::new(v1::StopResponse {}))
    }
}
