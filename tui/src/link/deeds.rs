//! Doing what was confirmed: each deed as its one request.

use tonic::{Status, transport::Channel};
use ubmc_proto::v1::{
    self, led_service_client::LedServiceClient, operator_service_client::OperatorServiceClient,
    simulation_service_client::SimulationServiceClient, state_service_client::StateServiceClient,
    system_service_client::SystemServiceClient, thermal_service_client::ThermalServiceClient,
};

use super::{request::schedules, session::Out};
use crate::{
    app::{Answer, Deed, ServiceVerb},
    model::{At, LedPattern, from_wire},
};

/// Does it. `revision`: of the plan that was confirmed.
pub(super) async fn carry_out(
    channel: Channel,
    out: &Out,
    deed: Deed,
    revision: String,
    reason: String,
) -> Result<Answer, Status> {
    match deed {
        Deed::Transition { machine, request, destructive: _ } => {
            let plan_revision = revision;
            let request =
                v1::RequestTransitionRequest { machine, request, plan_revision, reason, ..Default::default() };
            let answer = StateServiceClient::new(channel).request_transition(request).await?;
            Ok(operation(out, answer.into_inner()))
        }
        Deed::Schedule { machine, request, at, destructive: _ } => {
            let (at_s, after_s) = match at {
                At::Time(at_s) => (at_s, 0.0),
                At::After(after_s) => (0.0, after_s),
            };
            let request = v1::ScheduleTransitionRequest { machine, request, reason, at_s, after_s };
            StateServiceClient::new(channel.clone()).schedule_transition(request).await?;
            schedules(channel, out).await
        }
        Deed::Services { verb, names, force, along: _ } => services(channel, out, verb, names, force, reason).await,
        Deed::Reset { service: name } => {
            let request = v1::ResetServiceRequest { name, reason };
            OperatorServiceClient::new(channel).reset_service(request).await.map(|_| Answer::Done)
        }
        Deed::Reload => {
            let request = v1::ReloadServicesRequest { dry_run: false, reason };
            let answer = OperatorServiceClient::new(channel).reload_services(request).await?.into_inner();
            // Nothing has to move when there is none.
            Ok(answer.operation.map_or(Answer::Done, |wire| operation(out, wire)))
        }
        Deed::CancelOperation { id } => {
            let request = v1::CancelOperationRequest { id, reason };
            let answer = StateServiceClient::new(channel).cancel_operation(request).await?;
            Ok(operation(out, answer.into_inner()))
        }
        Deed::CancelSchedule { id } => {
            let request = v1::CancelScheduleRequest { id, reason };
            StateServiceClient::new(channel.clone()).cancel_schedule(request).await?;
            schedules(channel, out).await
        }
        Deed::Policy { machine, policy, once, attempts } => {
            let request = v1::SetRestorePolicyRequest { machine, policy, once, boot_attempts: attempts, reason };
            StateServiceClient::new(channel).set_restore_policy(request).await.map(|_| Answer::Done)
        }
        Deed::OverrideInterlock { machine, condition, for_s } => {
            let request = v1::OverrideInterlockRequest { machine, condition, duration_s: for_s, reason };
            StateServiceClient::new(channel).override_interlock(request).await.map(|_| Answer::Done)
        }
        Deed::RestoreInterlock { machine, condition } => {
            let request = v1::RestoreInterlockRequest { machine, condition };
            StateServiceClient::new(channel).restore_interlock(request).await.map(|_| Answer::Done)
        }
        Deed::Identify { on, for_s } => {
            let leds = LedServiceClient::new(channel).identify(v1::IdentifyRequest { on, for_s, reason }).await?;
            lit(out, leds.into_inner()).await
        }
        Deed::Light { led, pattern, for_s } => {
            let pattern = pattern.map_or(v1::LedPattern::Unspecified, wire_pattern).into();
            let request = v1::SetLedRequest { name: led, pattern, for_s, reason };
            let leds = LedServiceClient::new(channel).set_led(request).await?;
            lit(out, leds.into_inner()).await
        }
        Deed::Hold { target, duty, for_s } => {
            let request = v1::SetOverrideRequest { target, duty, for_s, reason };
            ThermalServiceClient::new(channel).set_override(request).await.map(|_| Answer::Done)
        }
        Deed::Release { target } => {
            let request = v1::ClearOverrideRequest { target, reason };
            ThermalServiceClient::new(channel).clear_override(request).await.map(|_| Answer::Done)
        }
        Deed::Inject { kind, target, value } => {
            let fault = Some(v1::Fault { kind, target, value });
            let faults = SimulationServiceClient::new(channel).inject_fault(v1::InjectFaultRequest { fault }).await?;
            out.news(from_wire::faults(faults.into_inner())).await;
            Ok(Answer::Done)
        }
        Deed::Repair { kind, target } => {
            let request = v1::ClearFaultsRequest { kind, target };
            let faults = SimulationServiceClient::new(channel).clear_faults(request).await?;
            out.news(from_wire::faults(faults.into_inner())).await;
            Ok(Answer::Done)
        }
        Deed::Surround { name, value } => {
            let request = v1::SetValueRequest { name, value };
            SimulationServiceClient::new(channel).set_value(request).await.map(|_| Answer::Done)
        }
        Deed::Plug { on: true } => {
            SimulationServiceClient::new(channel).start(v1::StartRequest {}).await.map(|_| Answer::Done)
        }
        Deed::Plug { on: false } => {
            SimulationServiceClient::new(channel).stop(v1::StopRequest {}).await.map(|_| Answer::Done)
        }
        Deed::Shutdown { emergency } => {
            let request = v1::ShutdownRequest { emergency, reason };
            SystemServiceClient::new(channel).shutdown(request).await.map(|_| Answer::Done)
        }
    }
}

async fn services(
    channel: Channel,
    out: &Out,
    verb: ServiceVerb,
    names: Vec<String>,
    force: bool,
    reason: String,
) -> Result<Answer, Status> {
    let mut client = OperatorServiceClient::new(channel);
    let answer = match verb {
        ServiceVerb::Start => client.start_services(v1::StartServicesRequest { names, force, reason }).await?,
        ServiceVerb::Stop => client.stop_services(v1::StopServicesRequest { names, force, reason }).await?,
        ServiceVerb::Restart => client.restart_services(v1::RestartServicesRequest { names, force, reason }).await?,
    };
    Ok(operation(out, answer.into_inner()))
}

fn operation(out: &Out, wire: v1::Operation) -> Answer {
    Answer::Operation(Box::new(from_wire::operation(out.now(), wire)))
}

async fn lit(out: &Out, leds: v1::ListLedsResponse) -> Result<Answer, Status> {
    out.news(from_wire::leds(out.now(), leds)).await;
    Ok(Answer::Done)
}

fn wire_pattern(pattern: LedPattern) -> v1::LedPattern {
    match pattern {
        LedPattern::Unknown => v1::LedPattern::Unspecified,
        LedPattern::Off => v1::LedPattern::Off,
        LedPattern::On => v1::LedPattern::On,
        LedPattern::Blink => v1::LedPattern::Blink,
        LedPattern::FastBlink => v1::LedPattern::FastBlink,
    }
}
