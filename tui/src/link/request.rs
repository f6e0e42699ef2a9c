//! One request, from the console's words to gRPC and back.

use std::time::Duration;

use tonic::{Code, Status, transport::Channel};
use ubmc_proto::v1::{
    self, event_service_client::EventServiceClient, inventory_service_client::InventoryServiceClient,
    led_service_client::LedServiceClient, operator_service_client::OperatorServiceClient,
    power_service_client::PowerServiceClient, sensor_service_client::SensorServiceClient,
    simulation_service_client::SimulationServiceClient, state_service_client::StateServiceClient,
    system_service_client::SystemServiceClient, thermal_service_client::ThermalServiceClient,
};

use super::session::Out;
use crate::{
    app::{Answer, Area, Ask, LinkEvent, ServiceVerb, Token},
    model::{HISTORY_KEPT, from_wire},
};

/// How long an answer may take. Acting requests answer at once with an operation, so this is about the link.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The same for what takes its time on the daemon's side.
const VERIFIED_WITHIN: Duration = Duration::from_secs(120);
/// Events of one cause that are fetched: more than an operation of every machine has.
const CHAIN_EVENTS: u32 = 1_000;

/// Sends a request and brings its answer, or its news, to the app.
pub(super) async fn carry_out(channel: Channel, out: Out, token: Token, ask: Ask) {
    let within = if ask == Ask::Verify { VERIFIED_WITHIN } else { ANSWER_WITHIN };
    let result = match tokio::time::timeout(within, send(channel, &out, ask)).await {
        Ok(result) => result,
        Err(_) => Err(Status::deadline_exceeded(format!(
            "no answer within {} s; whether it was done is not known: look at the operations",
            within.as_secs()
        ))),
    };
    out.send(LinkEvent::Answer { token, result: result.map_err(|error| from_wire::refusal(&error)) }).await;
}

async fn send(channel: Channel, out: &Out, ask: Ask) -> Result<Answer, Status> {
    let operation = |wire: tonic::Response<v1::Operation>| {
        Answer::Operation(Box::new(from_wire::operation(out.now(), wire.into_inner())))
    };
    match ask {
        Ask::Plan { machine, request } => {
            let request = v1::RequestTransitionRequest { machine, request, plan_only: true, ..Default::default() };
            StateServiceClient::new(channel).request_transition(request).await.map(operation)
        }
        Ask::Transition { machine, request, revision, reason } => {
            let plan_revision = revision;
            let request =
                v1::RequestTransitionRequest { machine, request, plan_revision, reason, ..Default::default() };
            StateServiceClient::new(channel).request_transition(request).await.map(operation)
        }
        Ask::Service { verb, name, force, reason } => {
            let mut client = OperatorServiceClient::new(channel);
            let names = vec![name.clone()];
            match verb {
                ServiceVerb::Start => {
                    client.start_services(v1::StartServicesRequest { names, force, reason }).await.map(operation)
                }
                ServiceVerb::Stop => {
                    client.stop_services(v1::StopServicesRequest { names, force, reason }).await.map(operation)
                }
                ServiceVerb::Restart => {
                    client.restart_services(v1::RestartServicesRequest { names, force, reason }).await.map(operation)
                }
                ServiceVerb::Reset => {
                    client.reset_service(v1::ResetServiceRequest { name, reason }).await.map(|_| Answer::Done)
                }
            }
        }
        Ask::CancelOperation { id, reason } => {
            let request = v1::CancelOperationRequest { id, reason };
            StateServiceClient::new(channel).cancel_operation(request).await.map(operation)
        }
        Ask::Identify { on, reason } => {
            let leds = LedServiceClient::new(channel)
                .identify(v1::IdentifyRequest { on, reason, ..v1::IdentifyRequest::default() })
                .await?;
            out.news(from_wire::leds(out.now(), leds.into_inner())).await;
            Ok(Answer::Done)
        }
        Ask::History { sensor } => {
            let request = v1::GetSensorHistoryRequest { name: sensor.clone(), since_s: HISTORY_KEPT as f64 };
            let past = SensorServiceClient::new(channel).get_sensor_history(request).await?;
            out.news(from_wire::history(out.now(), sensor, past.into_inner())).await;
            Ok(Answer::Done)
        }
        Ask::Hardware => hardware(channel, out).await,
        Ask::Boot => boot(channel, out).await,
        Ask::Graph { machine } => {
            let request = v1::GetMachineGraphRequest { name: machine.clone() };
            let graph = StateServiceClient::new(channel).get_machine_graph(request).await?;
            out.news(from_wire::graph(machine, graph.into_inner())).await;
            Ok(Answer::Done)
        }
        Ask::Schedules => schedules(channel, out).await,
        Ask::CancelSchedule { id, reason } => {
            let request = v1::CancelScheduleRequest { id, reason };
            StateServiceClient::new(channel.clone()).cancel_schedule(request).await?;
            schedules(channel, out).await
        }
        Ask::RestoreInterlock { machine, condition } => {
            let request = v1::RestoreInterlockRequest { machine, condition };
            StateServiceClient::new(channel).restore_interlock(request).await.map(|_| Answer::Done)
        }
        Ask::Verify => {
            let found =
                StateServiceClient::new(channel).verify_machines(v1::VerifyMachinesRequest { bound: 0 }).await?;
            out.news(from_wire::verification(out.now(), found.into_inner())).await;
            Ok(Answer::Done)
        }
        Ask::Chain { cause } => {
            let request = v1::ListEventsRequest { cause, limit: CHAIN_EVENTS, ..v1::ListEventsRequest::default() };
            let chain = EventServiceClient::new(channel).list_events(request).await?;
            out.news(from_wire::chain(cause, chain.into_inner())).await;
            Ok(Answer::Done)
        }
        Ask::Why { name } => {
            let why = SystemServiceClient::new(channel).why(v1::WhyRequest { name }).await?;
            Ok(Answer::Why(Box::new(from_wire::why(why.into_inner()))))
        }
        Ask::WhatIf { service } => {
            let request = v1::WhatIfStoppedRequest { name: service };
            let follows = OperatorServiceClient::new(channel).what_if_stopped(request).await?;
            Ok(Answer::WhatIf(Box::new(from_wire::what_if(follows.into_inner()))))
        }
        Ask::Hold { target, duty, for_s, reason } => {
            let (duty, for_s) = (f64::from(duty), f64::from(for_s));
            let request = v1::SetOverrideRequest { target, duty, for_s, reason };
            ThermalServiceClient::new(channel).set_override(request).await.map(|_| Answer::Done)
        }
        Ask::Release { target, reason } => {
            let request = v1::ClearOverrideRequest { target, reason };
            ThermalServiceClient::new(channel).clear_override(request).await.map(|_| Answer::Done)
        }
        Ask::Faults => {
            let faults = SimulationServiceClient::new(channel).list_faults(v1::ListFaultsRequest {}).await?;
            out.news(from_wire::faults(faults.into_inner())).await;
            Ok(Answer::Done)
        }
        Ask::Inject { kind, target } => {
            let fault = Some(v1::Fault { kind, target, value: None });
            let faults = SimulationServiceClient::new(channel).inject_fault(v1::InjectFaultRequest { fault }).await?;
            out.news(from_wire::faults(faults.into_inner())).await;
            Ok(Answer::Done)
        }
        Ask::Repair { kind, target } => {
            let request = v1::ClearFaultsRequest { kind, target };
            let faults = SimulationServiceClient::new(channel).clear_faults(request).await?;
            out.news(from_wire::faults(faults.into_inner())).await;
            Ok(Answer::Done)
        }
    }
}

/// Requests that wait for their time. A daemon that knows none has none.
async fn schedules(channel: Channel, out: &Out) -> Result<Answer, Status> {
    match StateServiceClient::new(channel).list_schedules(v1::ListSchedulesRequest {}).await {
        Ok(answer) => out.news(from_wire::schedules(out.now(), answer.into_inner())).await,
        Err(error) if error.code() == Code::Unimplemented => {}
        Err(error) => return Err(error),
    }
    Ok(Answer::Done)
}

/// The boot timeline.
async fn boot(channel: Channel, out: &Out) -> Result<Answer, Status> {
    match SystemServiceClient::new(channel).get_boot_timeline(v1::GetBootTimelineRequest {}).await {
        Ok(answer) => out.news(from_wire::boot(answer.into_inner())).await,
        Err(error) if error.code() == Code::Unimplemented => out.send(LinkEvent::Missing(Area::Boot)).await,
        Err(error) => return Err(error),
    }
    Ok(Answer::Done)
}

/// LEDs, inventory, rails and supplies: each stands alone, so one that fails does not hide the others.
async fn hardware(channel: Channel, out: &Out) -> Result<Answer, Status> {
    let mut power = PowerServiceClient::new(channel.clone());
    let mut led = LedServiceClient::new(channel.clone());
    let mut inventory = InventoryServiceClient::new(channel);
    let mut missing = 0;
    let mut served = |error: Status| {
        if error.code() == Code::Unimplemented {
            missing += 1;
            Ok(())
        } else {
            Err(error)
        }
    };
    match power.list_supplies(v1::ListSuppliesRequest {}).await {
        Ok(answer) => out.news(from_wire::supplies(out.now(), answer.into_inner())).await,
        Err(error) => served(error)?,
    }
    match power.list_rails(v1::ListRailsRequest {}).await {
        Ok(answer) => out.news(from_wire::rails(answer.into_inner())).await,
        Err(error) => served(error)?,
    }
    match led.list_leds(v1::ListLedsRequest {}).await {
        Ok(answer) => out.news(from_wire::leds(out.now(), answer.into_inner())).await,
        Err(error) => served(error)?,
    }
    match inventory.list_items(v1::ListItemsRequest {}).await {
        Ok(answer) => out.news(from_wire::items(answer.into_inner())).await,
        Err(error) => served(error)?,
    }
    match inventory.list_resources(v1::ListResourcesRequest {}).await {
        Ok(answer) => out.news(from_wire::resources(answer.into_inner())).await,
        Err(error) => served(error)?,
    }
    if missing == 5 {
        out.send(LinkEvent::Missing(Area::Hardware)).await;
    }
    Ok(Answer::Done)
}
