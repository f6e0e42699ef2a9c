//! Starting, stopping and restarting services, shared by `platform` and `services`. Without names all are meant.

use ubmc_proto::v1::{
    RestartServicesRequest, StartServicesRequest, StopServicesRequest, operator_service_client::OperatorServiceClient,
};

use crate::ctl::{confirm::confirm, exit::Failure, session::Session, wait};

pub(super) async fn start(session: &mut Session, names: Vec<String>, force: bool, wait: bool) -> Result<(), Failure> {
    let request = StartServicesRequest { names, force, reason: session.reason.clone() };
    let operation = session
        .call(|channel| async move { OperatorServiceClient::new(channel).start_services(request).await })
        .await?;
    wait::settle(session, operation, wait).await
}

pub(super) async fn stop(session: &mut Session, names: Vec<String>, force: bool, wait: bool) -> Result<(), Failure> {
    if names.is_empty() {
        confirm(session, "Stop every service?").await?;
    } else if force {
        confirm(session, &format!("Stop {} and every service that depends on it?", names.join(", "))).await?;
    }
    let request = StopServicesRequest { names, force, reason: session.reason.clone() };
    let operation =
        session.call(|channel| async move { OperatorServiceClient::new(channel).stop_services(request).await }).await?;
    wait::settle(session, operation, wait).await
}

pub(super) async fn restart(session: &mut Session, names: Vec<String>, force: bool, wait: bool) -> Result<(), Failure> {
    if names.is_empty() {
        confirm(session, "Restart every running service?").await?;
    }
    let request = RestartServicesRequest { names, force, reason: session.reason.clone() };
    let operation = session
        .call(|channel| async move { OperatorServiceClient::new(channel).restart_services(request).await })
        .await?;
    wait::settle(session, operation, wait).await
}
