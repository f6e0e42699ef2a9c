//! `StateService`: machines and operations.

use std::time::Instant;

use tonic::{Request, Response, Status};
use ubmc_core::{
    board::Board,
    effect::Reply,
    ids::{MachineId, OperationId},
    machines::verify,
    refusal::Refusal,
    view::OperationState,
};
use ubmc_proto::v1::{self, state_service_server::StateService};

use super::{Api, auth::Caller, from_wire, streams::Stream, to_wire};
use crate::shell::Sight;

/// Operations in the first message of a watch.
const RECENT: usize = 50;
/// Past transitions given when nobody says how many.
const HISTORY: usize = 100;

/// States after which an exploration stops, whatever a client wants: memory is bounded too.
const MOST_STATES: u64 = 10_000_000;

fn find(sight: &Sight<'_>, name: &str) -> Result<MachineId, Status> {
    let board = sight.core.board();
    board.find_machine(name).ok_or_else(|| {
        to_wire::status_of(&Refusal::unknown("machine", name, board.machines.iter().map(|machine| &machine.name)))
    })
}

fn machine(sight: &Sight<'_>, id: MachineId) -> v1::Machine {
    to_wire::machine(&sight.core.machine(id, sight.moment.mono), sight.moment)
}

fn list(sight: &Sight<'_>, wanted: impl Fn(MachineId) -> bool) -> v1::ListMachinesResponse {
    let ids = (0..sight.core.board().machines.len()).map(MachineId::new).filter(|id| wanted(*id));
    v1::ListMachinesResponse { machines: ids.map(|id| machine(sight, id)).collect(), seq: sight.core.last_seq() }
}

pub(super) fn operation(sight: &Sight<'_>, id: OperationId) -> Result<v1::Operation, Status> {
    let view = sight.core.operation(id).ok_or_else(|| {
        to_wire::with_reason(
            tonic::Code::NotFound,
            "UNKNOWN_OPERATION",
            format!("there is no operation `{id}`; those that ended long ago are forgotten"),
        )
    })?;
    Ok(to_wire::operation(view, sight.moment))
}

fn operations(sight: &Sight<'_>, wanted: impl Fn(OperationState) -> bool) -> Vec<v1::Operation> {
    let views = sight.core.operations().into_iter().filter_map(|id| sight.core.operation(id));
    views.filter(|view| wanted(view.state)).map(|view| to_wire::operation(view, sight.moment)).collect()
}

fn parse_operation(text: &str) -> Result<OperationId, Status> {
    from_wire::operation_id(text).map_err(|refusal| to_wire::status_of(&refusal))
}

#[tonic::async_trait]
impl StateService for Api {
    async fn list_machines(
        &self,
        request: Request<v1::ListMachinesRequest>,
    ) -> Result<Response<v1::ListMachinesResponse>, Status> {
        let kind = from_wire::machine_kind(request.get_ref()).map_err(|refusal| to_wire::status_of(&refusal))?;
        self.look(move |sight| {
            let board = sight.core.board();
            Ok(list(sight, |id| kind.is_none_or(|kind| kind == board.machine(id).definition.kind)))
        })
        .await
    }

    async fn get_machine(&self, request: Request<v1::GetMachineRequest>) -> Result<Response<v1::Machine>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| find(sight, &name).map(|id| machine(sight, id))).await
    }

    type WatchMachinesStream = Stream<v1::WatchMachinesResponse>;

    async fn watch_machines(
        &self,
        _: Request<v1::WatchMachinesRequest>,
    ) -> Result<Response<Self::WatchMachinesStream>, Status> {
        use v1::watch_machines_response::Update;
        let message = |update| v1::WatchMachinesResponse { update: Some(update) };
        let (snapshot, mut changes) =
            self.see(|sight| (list(sight, |_| true), sight.hub.machines.subscribe(None))).await?;
        self.streams.open(|sink| async move {
            sink.send(message(Update::Snapshot(snapshot))).await?;
            while let Some(changed) = changes.next().await {
                for (_, machine) in changed {
                    sink.send(message(Update::Changed((*machine).clone()))).await?;
                }
            }
            Err(to_wire::gone())
        })
    }

    async fn get_machine_graph(
        &self,
        request: Request<v1::GetMachineGraphRequest>,
    ) -> Result<Response<v1::MachineGraph>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| {
            let id = find(sight, &name)?;
            let current = sight.core.machine(id, sight.moment.mono).state.to_string();
            Ok(to_wire::graph(&name, &current, &sight.core.board().machine(id).definition))
        })
        .await
    }

    async fn request_transition(
        &self,
        request: Request<v1::RequestTransitionRequest>,
    ) -> Result<Response<v1::Operation>, Status> {
        let actor = Caller::of(&request);
        self.operate(actor, from_wire::transition(request.into_inner())).await
    }

    async fn list_operations(
        &self,
        request: Request<v1::ListOperationsRequest>,
    ) -> Result<Response<v1::ListOperationsResponse>, Status> {
        let running = request.into_inner().running;
        self.look(move |sight| {
            let operations = operations(sight, |state| !running || !state.is_final());
            Ok(v1::ListOperationsResponse { operations })
        })
        .await
    }

    async fn get_operation(
        &self,
        request: Request<v1::GetOperationRequest>,
    ) -> Result<Response<v1::Operation>, Status> {
        let id = parse_operation(&request.into_inner().id)?;
        self.look(move |sight| operation(sight, id)).await
    }

    type WatchOperationStream = Stream<v1::Operation>;

    async fn watch_operation(
        &self,
        request: Request<v1::WatchOperationRequest>,
    ) -> Result<Response<Self::WatchOperationStream>, Status> {
        let id = parse_operation(&request.into_inner().id)?;
        let (first, mut changes) =
            self.see(move |sight| (operation(sight, id), sight.hub.operations.subscribe(Some([id].into())))).await?;
        let first = first?;
        self.streams.open(|sink| async move {
            let ended = |operation: &v1::Operation| operation.state() != v1::OperationState::Running;
            let mut over = ended(&first);
            sink.send(first).await?;
            while !over {
                let latest = changes.next().await.ok_or_else(to_wire::gone)?;
                for (_, operation) in latest {
                    over = ended(&operation);
                    sink.send((*operation).clone()).await?;
                }
            }
            Ok(())
        })
    }

    type WatchOperationsStream = Stream<v1::WatchOperationsResponse>;

    async fn watch_operations(
        &self,
        _: Request<v1::WatchOperationsRequest>,
    ) -> Result<Response<Self::WatchOperationsStream>, Status> {
        use v1::watch_operations_response::Update;
        let message = |update| v1::WatchOperationsResponse { update: Some(update) };
        let (mut recent, mut changes) =
            self.see(|sight| (operations(sight, |_| true), sight.hub.operations.subscribe(None))).await?;
        self.streams.open(|sink| async move {
            recent.drain(..recent.len().saturating_sub(RECENT));
            sink.send(message(Update::Snapshot(v1::ListOperationsResponse { operations: recent }))).await?;
            while let Some(changed) = changes.next().await {
                for (_, operation) in changed {
                    sink.send(message(Update::Changed((*operation).clone()))).await?;
                }
            }
            Err(to_wire::gone())
        })
    }

    async fn cancel_operation(
        &self,
        request: Request<v1::CancelOperationRequest>,
    ) -> Result<Response<v1::Operation>, Status> {
        let actor = Caller::of(&request);
        let id = parse_operation(&request.get_ref().id)?;
        self.ask(actor, from_wire::cancel_operation(request.into_inner())).await?;
        self.look(move |sight| operation(sight, id)).await
    }

    async fn schedule_transition(
        &self,
        request: Request<v1::ScheduleTransitionRequest>,
    ) -> Result<Response<v1::Schedule>, Status> {
        let actor = Caller::of(&request);
        let Reply::Scheduled(id) = self.ask(actor, from_wire::schedule(request.into_inner())).await? else {
            return Err(Status::internal("a schedule was answered with something else"));
        };
        self.look(move |sight| {
            let schedules = sight.core.schedules();
            let schedule = schedules.iter().find(|schedule| schedule.id == id);
            Ok(schedule.map(|schedule| to_wire::schedule(schedule, sight.moment)).unwrap_or_default())
        })
        .await
    }

    async fn list_transition_counts(
        &self,
        request: Request<v1::ListTransitionCountsRequest>,
    ) -> Result<Response<v1::ListTransitionCountsResponse>, Status> {
        let machine = request.into_inner().machine;
        self.look(move |sight| {
            if !machine.is_empty() {
                find(sight, &machine)?;
            }
            let counts = sight.core.transition_counts();
            let counts = counts.filter(|((of, ..), _)| machine.is_empty() || of.as_str() == machine);
            let counts = counts.map(|(arrow, tally)| to_wire::transition_count(arrow, tally, sight.moment)).collect();
            Ok(v1::ListTransitionCountsResponse { counts })
        })
        .await
    }

    async fn list_schedules(
        &self,
        _: Request<v1::ListSchedulesRequest>,
    ) -> Result<Response<v1::ListSchedulesResponse>, Status> {
        self.look(|sight| {
            let schedules = sight.core.schedules();
            let schedules = schedules.iter().map(|schedule| to_wire::schedule(schedule, sight.moment)).collect();
            Ok(v1::ListSchedulesResponse { schedules })
        })
        .await
    }

    async fn cancel_schedule(
        &self,
        request: Request<v1::CancelScheduleRequest>,
    ) -> Result<Response<v1::CancelScheduleResponse>, Status> {
        let actor = Caller::of(&request);
        self.ask(actor, from_wire::cancel_schedule(request.into_inner())).await?;
        Ok(Response::new(v1::CancelScheduleResponse {}))
    }

    async fn set_restore_policy(
        &self,
        request: Request<v1::SetRestorePolicyRequest>,
    ) -> Result<Response<v1::Machine>, Status> {
        let actor = Caller::of(&request);
        let name = request.get_ref().machine.clone();
        self.ask(actor, from_wire::restore_policy(request.into_inner())).await?;
        self.look(move |sight| find(sight, &name).map(|id| machine(sight, id))).await
    }

    async fn override_interlock(
        &self,
        request: Request<v1::OverrideInterlockRequest>,
    ) -> Result<Response<v1::Machine>, Status> {
        let actor = Caller::of(&request);
        let name = request.get_ref().machine.clone();
        self.ask(actor, from_wire::override_interlock(request.into_inner())).await?;
        self.look(move |sight| find(sight, &name).map(|id| machine(sight, id))).await
    }

    async fn restore_interlock(
        &self,
        request: Request<v1::RestoreInterlockRequest>,
    ) -> Result<Response<v1::Machine>, Status> {
        let actor = Caller::of(&request);
        let name = request.get_ref().machine.clone();
        self.ask(actor, from_wire::restore_interlock(request.into_inner())).await?;
        self.look(move |sight| find(sight, &name).map(|id| machine(sight, id))).await
    }

    async fn list_history(
        &self,
        request: Request<v1::ListHistoryRequest>,
    ) -> Result<Response<v1::ListHistoryResponse>, Status> {
        let v1::ListHistoryRequest { machine, limit } = request.into_inner();
        let limit = if limit == 0 { HISTORY } else { limit as usize };
        self.look(move |sight| {
            if !machine.is_empty() {
                find(sight, &machine)?;
            }
            let records = sight.core.transitions();
            let mut records: Vec<_> =
                records.filter(|record| machine.is_empty() || record.machine.as_str() == machine).collect();
            records.drain(..records.len().saturating_sub(limit));
            let transitions = records.into_iter().map(|record| to_wire::transition(record, sight.moment)).collect();
            Ok(v1::ListHistoryResponse { transitions })
        })
        .await
    }

    async fn verify_machines(
        &self,
        request: Request<v1::VerifyMachinesRequest>,
    ) -> Result<Response<v1::VerifyMachinesResponse>, Status> {
        let turn = self.verifying.clone().try_lock_owned().map_err(|_| {
            to_wire::with_reason(
                tonic::Code::ResourceExhausted,
                "VERIFYING",
                "the machines are being verified for somebody else: ask again in a few seconds",
            )
        })?;
        let bound = match request.into_inner().bound {
            0 => verify::BOUND,
            wanted => usize::try_from(wanted.min(MOST_STATES)).unwrap_or(verify::BOUND),
        };
        let board = self
            .see(|sight| {
                let Board { policy, sequences, machines, never, .. } = sight.core.board();
                let (policy, sequences) = (policy.clone(), sequences.clone());
                Board { policy, sequences, machines: machines.clone(), never: never.clone(), ..Board::default() }
            })
            .await?;
        // Where nobody waits: the loop goes on meanwhile.
        let exploring = tokio::task::spawn_blocking(move || {
            let began = Instant::now();
            let report = verify::verify(&board, bound);
            // The turn ends with the work, not with whoever asked for it.
            drop(turn);
            to_wire::verification(report, began.elapsed())
        });
        exploring.await.map(Response::new).map_err(|_| Status::internal("the verification broke: this is a defect"))
    }
}
