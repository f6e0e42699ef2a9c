//! One request, from the console's words to gRPC and back.

use std::time::Duration;

use tonic::{Code, Status, transport::Channel};
use ubmc_proto::v1::{
    self, event_service_client::EventServiceClient, inventory_service_client::InventoryServiceClient,
    led_service_client::LedServiceClient, operator_service_client::OperatorServiceClient,
    power_service_client::PowerServiceClient, sensor_service_client::SensorServiceClient,
    simulation_service_client::SimulationServiceClient, state_service_client::StateServiceClient,
    system_service_client::SystemServiceClient,
};

use super::{deeds, session::Out};
use crate::{
    app::{Answer, Area, Ask, LinkEvent, Token},
    model::{HISTORY_KEPT, WhatIf, from_wire},
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
        Ask::PlanReload => {
            let request = v1::ReloadServicesRequest { dry_run: true, reason: String::new() };
            let planned = OperatorServiceClient::new(channel).reload_services(request).await?;
            Ok(Answer::WhatIf(Box::new(from_wire::reload(planned.into_inner()))))
        }
        Ask::Do { deed, revision, reason } => deeds::carry_out(channel, out, deed, revision, reason).await,
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
        Ask::WhatIf { services } => what_if(channel, services).await,
        Ask::Faults => {
            let faults = SimulationServiceClient::new(channel).list_faults(v1::ListFaultsRequest {}).await?;
            out.news(from_wire::faults(faults.into_inner())).await;
            Ok(Answer::Done)
        }
    }
}

/// What would follow if all of them were stopped: the daemon tells it of each.
async fn what_if(channel: Channel, services: Vec<String>) -> Result<Answer, Status> {
    let mut client = OperatorServiceClient::new(channel);
    let mut all = WhatIf::default();
    for name in &services {
        let follows = client.what_if_stopped(v1::WhatIfStoppedRequest { name: name.clone() }).await?;
        all.add(from_wire::what_if(follows.into_inner()));
    }
    Ok(Answer::WhatIf(Box::new(all)))
}

/// Requests that wait for their time. A daemon that knows none has none.
pub(super) async fn schedules(channel: Channel, out: &Out) -> Result<Answer, Status> {
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
