//! Services and their output.

use tonic::{Request, Status};
use ubmc_proto::v1;

use super::{Answer, Daemon, Life, Streamed, answer, operation, then_end, then_silence, unscripted};

#[tonic::async_trait]
impl v1::operator_service_server::OperatorService for Daemon {
    type WatchServicesStream = Streamed<v1::WatchServicesResponse>;
    type TailLogsStream = Streamed<v1::TailLogsResponse>;

    async fn list_services(&self, _: Request<v1::ListServicesRequest>) -> Answer<v1::ListServicesResponse> {
        let service = |name: &str| v1::Service {
            name: name.into(),
            group: "interface".into(),
            kind: v1::ServiceKind::Binary.into(),
            state: v1::ServiceState::Running.into(),
            desired: v1::DesiredState::Up.into(),
            health: v1::Health::Healthy.into(),
            ..v1::Service::default()
        };
        answer(v1::ListServicesResponse { services: vec![service("db"), service("web")], seq: 3 })
    }
    async fn get_service(&self, request: Request<v1::GetServiceRequest>) -> Answer<v1::Service> {
        let name = request.into_inner().name;
        Err(Status::not_found(format!("no service is named `{name}`; did you mean `web`?")))
    }
    async fn watch_services(&self, _: Request<v1::WatchServicesRequest>) -> Answer<Self::WatchServicesStream> {
        unscripted()
    }
    async fn start_services(&self, _: Request<v1::StartServicesRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn stop_services(&self, _: Request<v1::StopServicesRequest>) -> Answer<v1::Operation> {
        let mut refused = operation("op-5", "stop", v1::OperationState::Refused);
        refused.conditions.push(v1::Condition {
            kind: "dependents-running".into(),
            subject: "service db".into(),
            text: "`web` runs and needs it".into(),
            remedy: "stop `web` first, or use --force".into(),
            since_s: None,
        });
        answer(refused)
    }
    async fn restart_services(&self, _: Request<v1::RestartServicesRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn reset_service(&self, _: Request<v1::ResetServiceRequest>) -> Answer<v1::Service> {
        unscripted()
    }
    async fn get_dependencies(&self, _: Request<v1::GetDependenciesRequest>) -> Answer<v1::GetDependenciesResponse> {
        unscripted()
    }
    async fn validate_services(&self, _: Request<v1::ValidateServicesRequest>) -> Answer<v1::ValidateServicesResponse> {
        unscripted()
    }
    async fn check_operation(&self, _: Request<v1::CheckOperationRequest>) -> Answer<v1::CheckOperationResponse> {
        unscripted()
    }
    async fn reload_services(&self, _: Request<v1::ReloadServicesRequest>) -> Answer<v1::ReloadServicesResponse> {
        unscripted()
    }
    async fn what_if_stopped(&self, _: Request<v1::WhatIfStoppedRequest>) -> Answer<v1::WhatIfStoppedResponse> {
        unscripted()
    }
    /// Lines 1 to `last_seq` of the one service, and then silence when followed.
    async fn tail_logs(&self, request: Request<v1::TailLogsRequest>) -> Answer<Self::TailLogsStream> {
        let request = request.into_inner();
        let Life { boot_id, last_seq, .. } = self.0;
        let first = (last_seq + 1).saturating_sub(u64::from(request.lines)).max(1);
        let lines: Vec<_> = (first..=last_seq)
            .map(|number| v1::LogLine {
                service: "web".into(),
                number,
                stream: v1::LogStream::Stdout.into(),
                text: format!("{boot_id} line {number}"),
                ..v1::LogLine::default()
            })
            .map(|line| v1::TailLogsResponse { item: Some(v1::tail_logs_response::Item::Line(line)) })
            .collect();
        answer(if request.follow { then_silence(lines) } else { then_end(lines) })
    }
}
