//! Machines and operations.

use std::sync::atomic::Ordering;

use tokio_stream::StreamExt;
use tonic::{Code, Request, Status};
use tonic_types::{ErrorDetails, StatusExt};
use ubmc_proto::v1;

use super::{Answer, Asked, Daemon, Streamed, answer, operation, then_end, then_silence, unscripted};

#[tonic::async_trait]
impl v1::state_service_server::StateService for Daemon {
    type WatchMachinesStream = Streamed<v1::WatchMachinesResponse>;
    type WatchOperationStream = Streamed<v1::Operation>;
    type WatchOperationsStream = Streamed<v1::WatchOperationsResponse>;

    async fn list_machines(&self, _: Request<v1::ListMachinesRequest>) -> Answer<v1::ListMachinesResponse> {
        unscripted()
    }
    async fn get_machine(&self, request: Request<v1::GetMachineRequest>) -> Answer<v1::Machine> {
        let name = request.into_inner().name;
        let kind = match name.as_str() {
            "host.0" => v1::MachineKind::Host,
            "chassis" => v1::MachineKind::Chassis,
            _ => return Err(Status::not_found(format!("no machine is named `{name}`; did you mean `host.0`?"))),
        };
        answer(v1::Machine { name, kind: kind.into(), state: "off".into(), ..v1::Machine::default() })
    }
    async fn watch_machines(&self, _: Request<v1::WatchMachinesRequest>) -> Answer<Self::WatchMachinesStream> {
        unscripted()
    }
    async fn get_machine_graph(&self, _: Request<v1::GetMachineGraphRequest>) -> Answer<v1::MachineGraph> {
        unscripted()
    }
    async fn verify_machines(&self, request: Request<v1::VerifyMachinesRequest>) -> Answer<v1::VerifyMachinesResponse> {
        let explored = |states| Some(v1::Exploration { states, transitions: 10 * states, complete: true });
        let finding = v1::MachineFinding {
            kind: "dead-end".into(),
            machine: "host.0".into(),
            state: "stuck".into(),
            text: "nothing leads out of `stuck`".into(),
            remedy: "add a transition".into(),
            trace: vec!["at first → host.0 off".into(), "1. host.0: request on → host.0 stuck".into()],
        };
        // With a bound something is wrong.
        let findings = if request.into_inner().bound == 0 { Vec::new() } else { vec![finding] };
        let (alone, product, faulty) = (explored(2), explored(30), explored(4));
        answer(v1::VerifyMachinesResponse { findings, alone, product, faulty, left_out: Vec::new(), duration_s: 0.5 })
    }
    async fn request_transition(&self, request: Request<v1::RequestTransitionRequest>) -> Answer<v1::Operation> {
        let request = request.into_inner();
        // Most tests do not listen.
        let _ = self.1.send(Asked::Transition(request.clone()));
        if request.plan_only {
            let mut plan = operation("", &request.request, v1::OperationState::Planned);
            plan.expected_s = Some(12.0);
            return answer(plan);
        }
        let running = |id| answer(operation(id, &request.request, v1::OperationState::Running));
        match request.request.as_str() {
            "on" => running("op-succeeds"),
            "cycle" => running("op-rolls-back"),
            "off" => running("op-never-ends"),
            "restart" => running("op-is-lost"),
            "nmi" => Err(Status::permission_denied("uid 1000 is a viewer; `nmi` takes an operator")),
            "force-off" => {
                tokio_stream::pending::<()>().next().await;
                unscripted()
            }
            _ => {
                let mut details = ErrorDetails::new();
                details.set_error_info("INTERLOCK", "ubmc", [("machine".to_owned(), request.machine)]);
                details.add_precondition_failure_violation(
                    "zone-over-limit",
                    "zone cpu",
                    "zone cpu is over its limit — resolve: let it cool below 90 °C",
                );
                details.add_precondition_failure_violation("busy", "host.0", "op-3 drives host.0");
                Err(Status::with_error_details(Code::FailedPrecondition, "host.0 cannot do this now", details))
            }
        }
    }
    async fn list_operations(&self, _: Request<v1::ListOperationsRequest>) -> Answer<v1::ListOperationsResponse> {
        unscripted()
    }
    async fn get_operation(&self, _: Request<v1::GetOperationRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn watch_operation(&self, request: Request<v1::WatchOperationRequest>) -> Answer<Self::WatchOperationStream> {
        let id = request.into_inner().id;
        let _ = self.1.send(Asked::WatchOperation(id.clone()));
        let stages =
            |states: &[v1::OperationState]| states.iter().map(|state| operation(&id, "on", *state)).collect::<Vec<_>>();
        answer(match id.as_str() {
            "op-succeeds" => then_end(stages(&[v1::OperationState::Running, v1::OperationState::Succeeded])),
            "op-rolls-back" => then_end(stages(&[v1::OperationState::Running, v1::OperationState::RolledBack])),
            "op-never-ends" if !self.0.op_ends => then_silence(stages(&[v1::OperationState::Running])),
            // It is seen once, then the daemon goes away, and when it is back it knows nothing of it.
            "op-is-lost" if self.2.fetch_add(1, Ordering::Relaxed) == 0 => {
                let running = stages(&[v1::OperationState::Running]).into_iter().map(Ok);
                Box::pin(tokio_stream::iter(running.chain([Err(Status::unavailable("ubmcd is stopping"))])))
            }
            "op-never-ends" => then_end(stages(&[v1::OperationState::Succeeded])),
            _ => return Err(Status::not_found(format!("no operation is named `{id}`"))),
        })
    }
    async fn watch_operations(&self, _: Request<v1::WatchOperationsRequest>) -> Answer<Self::WatchOperationsStream> {
        unscripted()
    }
    async fn cancel_operation(&self, _: Request<v1::CancelOperationRequest>) -> Answer<v1::Operation> {
        unscripted()
    }
    async fn schedule_transition(&self, request: Request<v1::ScheduleTransitionRequest>) -> Answer<v1::Schedule> {
        let request = request.into_inner();
        answer(v1::Schedule {
            id: "at-3".into(),
            machine: request.machine,
            request: request.request,
            at_s: if request.at_s > 0.0 { request.at_s } else { 1_795_216_131.0 },
            in_s: request.after_s,
            requested_by: "uid 0 (root)".into(),
            ..v1::Schedule::default()
        })
    }
    async fn list_schedules(&self, _: Request<v1::ListSchedulesRequest>) -> Answer<v1::ListSchedulesResponse> {
        unscripted()
    }
    async fn cancel_schedule(&self, _: Request<v1::CancelScheduleRequest>) -> Answer<v1::CancelScheduleResponse> {
        answer(v1::CancelScheduleResponse {})
    }
    async fn set_restore_policy(&self, _: Request<v1::SetRestorePolicyRequest>) -> Answer<v1::Machine> {
        unscripted()
    }
    async fn list_transition_counts(
        &self,
        _: Request<v1::ListTransitionCountsRequest>,
    ) -> Answer<v1::ListTransitionCountsResponse> {
        unscripted()
    }
    async fn override_interlock(&self, _: Request<v1::OverrideInterlockRequest>) -> Answer<v1::Machine> {
        unscripted()
    }
    async fn restore_interlock(&self, _: Request<v1::RestoreInterlockRequest>) -> Answer<v1::Machine> {
        unscripted()
    }
    async fn list_history(&self, _: Request<v1::ListHistoryRequest>) -> Answer<v1::ListHistoryResponse> {
        unscripted()
    }
}
