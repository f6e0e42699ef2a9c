//! Services and their output.

use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};
use ubmc_proto::v1;

use super::{Answer, Asked, Daemon, Life, Streamed, answer, operation, then_end, then_silence, unscripted};

fn running(name: &str) -> v1::Service {
    v1::Service {
        name: name.into(),
        group: "interface".into(),
        kind: v1::ServiceKind::Binary.into(),
        state: v1::ServiceState::Running.into(),
        desired: v1::DesiredState::Up.into(),
        health: v1::Health::Healthy.into(),
        ..v1::Service::default()
    }
}

fn needed_by_web() -> v1::Condition {
    v1::Condition {
        kind: "dependents-running".into(),
        subject: "service db".into(),
        text: "`web` runs and needs it".into(),
        remedy: "stop `web` first, or use --force".into(),
        since_s: None,
        severity: 0,
    }
}

#[tonic::async_trait]
impl v1::operator_service_server::OperatorService for Daemon {
    type WatchServicesStream = Streamed<v1::WatchServicesResponse>;
    type TailLogsStream = Streamed<v1::TailLogsResponse>;

    async fn list_services(&self, _: Request<v1::ListServicesRequest>) -> Answer<v1::ListServicesResponse> {
        answer(v1::ListServicesResponse { services: vec![running("db"), running("web")], seq: 3 })
    }
    async fn get_service(&self, request: Request<v1::GetServiceRequest>) -> Answer<v1::Service> {
        let name = request.into_inner().name;
        if name != "web" {
            return Err(Status::not_found(format!("no service is named `{name}`; did you mean `web`?")));
        }
        answer(v1::Service { status_text: self.0.boot_id.into(), ..running(&name) })
    }
    /// In the first life `db` and `web`, in later ones `db` alone.
    async fn watch_services(&self, _: Request<v1::WatchServicesRequest>) -> Answer<Self::WatchServicesStream> {
        let mut services = vec![running("db"), running("web")];
        services.truncate(if self.0.boot_id == "boot-1" { 2 } else { 1 });
        let snapshot = v1::ListServicesResponse { services, seq: 3 };
        let update = Some(v1::watch_services_response::Update::Snapshot(snapshot));
        answer(then_silence(vec![v1::WatchServicesResponse { update }]))
    }
    async fn start_services(&self, request: Request<v1::StartServicesRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        let _ = self.1.send(Asked::Start { names: request.names, force: request.force });
        answer(operation("op-succeeds", "on", v1::OperationState::Running))
    }
    async fn stop_services(&self, _: Request<v1::StopServicesRequest>) -> Answer<v1::Operation> {
        let mut refused = operation("op-5", "stop", v1::OperationState::Refused);
        refused.conditions.push(needed_by_web());
        answer(refused)
    }
    async fn restart_services(&self, request: Request<v1::RestartServicesRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        let _ = self.1.send(Asked::Restart { names: request.names, force: request.force });
        answer(operation("op-succeeds", "on", v1::OperationState::Running))
    }
    async fn reset_service(&self, _: Request<v1::ResetServiceRequest>) -> Answer<v1::Service> {
        unscripted()
    }
    async fn get_dependencies(&self, _: Request<v1::GetDependenciesRequest>) -> Answer<v1::GetDependenciesResponse> {
        unscripted()
    }
    async fn validate_services(
        &self,
        request: Request<v1::ValidateServicesRequest>,
    ) -> Answer<v1::ValidateServicesResponse> {
        let report = |name: &str, state: v1::ServiceState, problems: Vec<v1::Condition>| v1::ServiceReport {
            name: name.into(),
            group: "interface".into(),
            category: "dns".into(),
            r#type: "infrastructure".into(),
            ready: state == v1::ServiceState::Running,
            state: state.into(),
            problems,
        };
        let taken = v1::Condition {
            kind: "port-taken".into(),
            subject: "service coredns".into(),
            text: "port 53 is taken by dnsmasq (pid 812)".into(),
            remedy: "stop dnsmasq, or give coredns another port".into(),
            since_s: None,
            severity: 0,
        };
        let all = [
            report("db", v1::ServiceState::Running, vec![]),
            report("web", v1::ServiceState::Stopped, vec![]),
            report("coredns", v1::ServiceState::Failed, vec![taken]),
        ];
        let names = request.into_inner().names;
        if let Some(unknown) = names.iter().find(|name| !all.iter().any(|one| one.name == **name)) {
            return Err(Status::not_found(format!("no service is named `{unknown}`")));
        }
        let services = all.into_iter().filter(|one| names.is_empty() || names.contains(&one.name)).collect();
        answer(v1::ValidateServicesResponse { services })
    }
    async fn check_operation(&self, request: Request<v1::CheckOperationRequest>) -> Answer<v1::CheckOperationResponse> {
        let operation = request.into_inner().operation;
        let ready = match operation.as_str() {
            "host-on" => true,
            "update" => false,
            _ => return Err(Status::not_found(format!("no service is required for `{operation}`"))),
        };
        let services = vec![v1::RequiredService {
            name: "web".into(),
            state: if ready { v1::ServiceState::Running } else { v1::ServiceState::Backoff }.into(),
            ready,
            reason: if ready { String::new() } else { "next start in 3 s".into() },
        }];
        answer(v1::CheckOperationResponse { operation, ready, services })
    }
    /// With the reason `broken`: as if the files on the disk were.
    async fn reload_services(&self, request: Request<v1::ReloadServicesRequest>) -> Answer<v1::ReloadServicesResponse> {
        let request = request.into_inner();
        let _ = self.1.send(Asked::Reload { dry_run: request.dry_run });
        if request.reason == "broken" {
            let mut details = ErrorDetails::new();
            details.set_error_info("CONFIGURATION", "ubmc", []);
            details.add_precondition_failure_violation(
                "configuration",
                "services.toml:3:1",
                "unknown key `dependancies` — resolve: write `dependencies`",
            );
            let text = "the new configuration is refused; nothing was changed\n\nerror: unknown key `dependancies`\n  \
                        ┌─ services.toml:3:1\n3 │ dependancies = []\n  │ ^^^^^^^^^^^^ write `dependencies`";
            return Err(Status::with_error_details(Code::FailedPrecondition, text, details));
        }
        let change = v1::ServiceChange {
            name: "web".into(),
            kind: v1::ChangeKind::Changed.into(),
            fields: vec!["args".into(), "env".into()],
            effect: v1::ChangeEffect::Restart.into(),
            text: "web is restarted".into(),
        };
        let moving = (!request.dry_run).then(|| operation("op-succeeds", "on", v1::OperationState::Running));
        answer(v1::ReloadServicesResponse {
            changes: vec![change],
            restarts: vec!["web".into()],
            notes: vec!["board files are read at the start only".into()],
            applied: !request.dry_run,
            operation: moving,
        })
    }
    async fn what_if_stopped(&self, request: Request<v1::WhatIfStoppedRequest>) -> Answer<v1::WhatIfStoppedResponse> {
        if request.into_inner().name != "db" {
            return Err(Status::not_found("no service is named so"));
        }
        let consequence = |name: &str, text: &str| v1::Consequence {
            subject: format!("service {name}"),
            kind: "stops".into(),
            text: text.into(),
        };
        answer(v1::WhatIfStoppedResponse {
            consequences: vec![consequence("web", "web stops first: it needs db"), consequence("db", "db stops")],
            obstacles: vec![needed_by_web()],
        })
    }
    /// Lines 1 to `last_seq` of the one service, without the expired ones, and then silence when followed.
    async fn tail_logs(&self, request: Request<v1::TailLogsRequest>) -> Answer<Self::TailLogsStream> {
        let request = request.into_inner();
        let Life { boot_id, last_seq, expired, .. } = self.0;
        let first = (last_seq + 1).saturating_sub(u64::from(request.lines)).max(expired + 1);
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
