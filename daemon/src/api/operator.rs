//! `OperatorService`: the supervised services.

use tonic::{Request, Response, Status};
use ubmc_core::{
    ids::{Name, ServiceId},
    refusal::Refusal,
    view::ServiceState,
};
use ubmc_proto::v1::{self, operator_service_server::OperatorService, watch_services_response::Update};

use super::{Api, auth::Caller, from_wire, streams::Stream, to_wire};
use crate::shell::Sight;

fn find(sight: &Sight<'_>, name: &str) -> Result<ServiceId, Status> {
    sight.core.find_service(name).ok_or_else(|| {
        let known: Vec<Name> =
            sight.core.service_ids().into_iter().map(|id| sight.core.service(id).spec.name.clone()).collect();
        to_wire::status_of(&Refusal::unknown("service", name, &known))
    })
}

fn service(sight: &Sight<'_>, id: ServiceId) -> v1::Service {
    let view = sight.core.service(id);
    to_wire::service(&view, sight.shared.logs.counters(&view.spec.name).unwritten, sight.moment)
}

fn list(sight: &Sight<'_>, wanted: impl Fn(ServiceId) -> bool) -> v1::ListServicesResponse {
    let ids = sight.core.service_ids().into_iter().filter(|id| wanted(*id));
    v1::ListServicesResponse { services: ids.map(|id| service(sight, id)).collect(), seq: sight.core.last_seq() }
}

#[tonic::async_trait]
impl OperatorService for Api {
    async fn list_services(
        &self,
        request: Request<v1::ListServicesRequest>,
    ) -> Result<Response<v1::ListServicesResponse>, Status> {
        let choice = from_wire::list_services(request.into_inner()).map_err(|refusal| to_wire::status_of(&refusal))?;
        self.look(move |sight| {
            Ok(list(sight, |id| {
                let view = sight.core.service(id);
                (!choice.running || view.state == ServiceState::Running)
                    && choice.category.as_ref().is_none_or(|category| *category == view.spec.category)
                    && choice.group.is_none_or(|group| group == view.spec.group)
            }))
        })
        .await
    }

    async fn get_service(&self, request: Request<v1::GetServiceRequest>) -> Result<Response<v1::Service>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| find(sight, &name).map(|id| service(sight, id))).await
    }

    type WatchServicesStream = Stream<v1::WatchServicesResponse>;

    async fn watch_services(
        &self,
        _: Request<v1::WatchServicesRequest>,
    ) -> Result<Response<Self::WatchServicesStream>, Status> {
        let message = |update| v1::WatchServicesResponse { update: Some(update) };
        let (snapshot, mut changes) =
            self.see(|sight| (list(sight, |_| true), sight.hub.services.subscribe(None))).await?;
        self.streams.open(|sink| async move {
            sink.send(message(Update::Snapshot(snapshot))).await?;
            while let Some(changed) = changes.next().await {
                for (_, service) in changed {
                    sink.send(message(Update::Changed((*service).clone()))).await?;
                }
            }
            Err(to_wire::gone())
        })
    }

    async fn start_services(
        &self,
        request: Request<v1::StartServicesRequest>,
    ) -> Result<Response<v1::Operation>, Status> {
        let actor = Caller::of(&request);
        self.operate(actor, from_wire::start_services(request.into_inner())).await
    }

    async fn stop_services(
        &self,
        request: Request<v1::StopServicesRequest>,
    ) -> Result<Response<v1::Operation>, Status> {
        let actor = Caller::of(&request);
        self.operate(actor, from_wire::stop_services(request.into_inner())).await
    }

    async fn restart_services(
        &self,
        request: Request<v1::RestartServicesRequest>,
    ) -> Result<Response<v1::Operation>, Status> {
        let actor = Caller::of(&request);
        self.operate(actor, from_wire::restart_services(request.into_inner())).await
    }

    async fn reset_service(&self, request: Request<v1::ResetServiceRequest>) -> Result<Response<v1::Service>, Status> {
        let actor = Caller::of(&request);
        let request = request.into_inner();
        self.ask(actor, from_wire::reset_service(&request)).await?;
        self.look(move |sight| find(sight, &request.name).map(|id| service(sight, id))).await
    }

    async fn get_dependencies(
        &self,
        request: Request<v1::GetDependenciesRequest>,
    ) -> Result<Response<v1::GetDependenciesResponse>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| {
            let ids = if name.is_empty() { sight.core.service_ids() } else { vec![find(sight, &name)?] };
            let nodes = ids.into_iter().map(|id| to_wire::dependency(&sight.core.service(id))).collect();
            Ok(v1::GetDependenciesResponse { nodes })
        })
        .await
    }

    type TailLogsStream = Stream<v1::TailLogsResponse>;

    async fn tail_logs(&self, request: Request<v1::TailLogsRequest>) -> Result<Response<Self::TailLogsStream>, Status> {
        let choice = from_wire::tail_logs(request.into_inner()).map_err(|refusal| to_wire::status_of(&refusal))?;
        let names = choice.names.clone();
        self.look(move |sight| names.iter().try_for_each(|name| find(sight, name.as_str()).map(drop))).await?;
        let logs = self.handle.shared().logs.clone();
        self.streams.open(|sink| async move {
            if choice.follow {
                let mut follower = logs.follow(&choice.names, choice.lines, choice.filter);
                loop {
                    sink.send(to_wire::log_item(follower.next().await)).await?;
                }
            }
            let mut lines: Vec<_> =
                choice.names.iter().flat_map(|name| logs.tail(name, choice.lines, &choice.filter)).collect();
            // Stable: lines of one service that share a moment keep their order.
            lines.sort_by_key(|line| line.time);
            for line in lines {
                sink.send(to_wire::log_item(crate::process::LogItem::Line(line))).await?;
            }
            Ok(())
        })
    }
}
