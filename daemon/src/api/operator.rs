//! `OperatorService`: the supervised services.

use std::collections::BTreeSet;

use tonic::{Request, Response, Status};
use ubmc_core::{
    ids::{Name, ServiceId},
    input::{self, Findings},
    refusal::Refusal,
    view::ServiceState,
};
use ubmc_proto::v1::{self, operator_service_server::OperatorService, watch_services_response::Update};

use super::{
    Api,
    auth::Caller,
    from_wire::{self, Wanted},
    state,
    streams::Stream,
    to_wire,
};
use crate::{
    configuration::Reloaded,
    shell::{ServiceNews, Sight},
};

/// Services that are looked at in one go: a question about a thousand must not hold up the loop.
const BITE: usize = 64;

fn find(sight: &Sight<'_>, name: &str) -> Result<ServiceId, Status> {
    sight.core.find_service(name).ok_or_else(|| {
        let known: Vec<Name> =
            sight.core.service_ids().into_iter().map(|id| sight.core.service(id).spec.name.clone()).collect();
        to_wire::status_of(&Refusal::unknown("service", name, &known))
    })
}

fn found_in(sight: &Sight<'_>, names: &[String]) -> Result<Vec<ServiceId>, Status> {
    let named = names.iter().map(|name| find(sight, name)).collect::<Result<BTreeSet<_>, _>>()?;
    let all = sight.core.service_ids().into_iter();
    Ok(all.filter(|id| names.is_empty() || named.contains(id)).collect())
}

/// What would have to be started for it.
fn to_survey(sight: &Sight<'_>, id: ServiceId) -> Vec<ServiceId> {
    sight.core.to_survey(std::slice::from_ref(&sight.core.service(id).spec.name), false)
}

fn service(sight: &Sight<'_>, id: ServiceId) -> v1::Service {
    let view = sight.core.service(id);
    to_wire::service(&view, sight.shared.logs.counters(&view.spec.name).unwritten, sight.moment)
}

fn list(sight: &Sight<'_>, wanted: impl Fn(ServiceId) -> bool) -> v1::ListServicesResponse {
    let ids = sight.core.service_ids().into_iter().filter(|id| wanted(*id));
    v1::ListServicesResponse { services: ids.map(|id| service(sight, id)).collect(), seq: sight.core.last_seq() }
}

impl Api {
    /// Asks the machine first about what a request would start; what it says against that goes along.
    async fn surveyed(&self, wanted: Result<Wanted, Refusal>) -> Result<Wanted, Status> {
        let mut wanted = wanted.map_err(|refusal| to_wire::status_of(&refusal))?;
        let restart = matches!(wanted.request, input::Request::RestartServices { .. });
        if let input::Request::StartServices { names, force: false, found }
        | input::Request::RestartServices { names, force: false, found } = &mut wanted.request
        {
            let names = names.clone();
            let ids = self.see(move |sight| sight.core.to_survey(&names, restart)).await?;
            *found = self.found_against(ids).await?;
        }
        Ok(wanted)
    }

    /// What the machine says against starting these services.
    async fn found_against(&self, ids: Vec<ServiceId>) -> Result<Findings, Status> {
        let mut specs = Vec::with_capacity(ids.len());
        for bite in ids.chunks(BITE) {
            let bite = bite.to_vec();
            let clone = |sight: &mut Sight<'_>| {
                bite.into_iter().map(|id| (id, sight.core.service(id).spec.clone())).collect::<Vec<_>>()
            };
            specs.extend(self.see(clone).await?);
        }
        Ok(self.handle.shared().surveyor.survey(specs).await)
    }
}

#[tonic::async_trait]
impl OperatorService for Api {
    async fn list_services(
        &self,
        request: Request<v1::ListServicesRequest>,
    ) -> Result<Response<v1::ListServicesResponse>, Status> {
        let choice = from_wire::list_services(request.into_inner()).map_err(|refusal| to_wire::status_of(&refusal))?;
        self.handle.measure().await;
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
        self.handle.measure().await;
        self.look(move |sight| find(sight, &name).map(|id| service(sight, id))).await
    }

    type WatchServicesStream = Stream<v1::WatchServicesResponse>;

    async fn watch_services(
        &self,
        _: Request<v1::WatchServicesRequest>,
    ) -> Result<Response<Self::WatchServicesStream>, Status> {
        let message = |update| v1::WatchServicesResponse { update: Some(update) };
        // So that the first message tells what each uses, as far as it is measured soon; the rest is told as it comes.
        self.handle.measure().await;
        let (snapshot, mut changes) =
            self.see(|sight| (list(sight, |_| true), sight.hub.services.subscribe(None))).await?;
        self.streams.open(|sink| async move {
            sink.send(message(Update::Snapshot(snapshot))).await?;
            while let Some(changed) = changes.next().await {
                for (_, news) in changed {
                    let update = match &*news {
                        ServiceNews::Changed(service) => Update::Changed((**service).clone()),
                        ServiceNews::Removed(name) => Update::Removed(name.clone()),
                    };
                    sink.send(message(update)).await?;
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
        let wanted = self.surveyed(from_wire::start_services(request.into_inner())).await?;
        self.operate(actor, Ok(wanted)).await
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
        let wanted = self.surveyed(from_wire::restart_services(request.into_inner())).await?;
        self.operate(actor, Ok(wanted)).await
    }

    async fn reset_service(&self, request: Request<v1::ResetServiceRequest>) -> Result<Response<v1::Service>, Status> {
        let actor = Caller::of(&request);
        let request = request.into_inner();
        let name = request.name.clone();
        self.ask(actor, from_wire::reset_service(request)).await?;
        self.look(move |sight| find(sight, &name).map(|id| service(sight, id))).await
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

    async fn validate_services(
        &self,
        request: Request<v1::ValidateServicesRequest>,
    ) -> Result<Response<v1::ValidateServicesResponse>, Status> {
        let names = request.into_inner().names;
        let ids = self.see(move |sight| found_in(sight, &names)).await??;
        let mut needed = BTreeSet::new();
        for bite in ids.chunks(BITE) {
            let bite = bite.to_vec();
            needed.extend(
                self.see(move |sight| bite.iter().flat_map(|id| to_survey(sight, *id)).collect::<Vec<_>>()).await?,
            );
        }
        let found = std::sync::Arc::new(self.found_against(needed.into_iter().collect()).await?);
        let mut services = Vec::with_capacity(ids.len());
        for bite in ids.chunks(BITE) {
            let (bite, found) = (bite.to_vec(), found.clone());
            let reports = self.see(move |sight| {
                let listed = bite.into_iter().filter(|id| sight.core.is_listed(*id));
                let report = |id| {
                    let mut problems = sight.core.start_obstacles(id);
                    // What has come up meanwhile needs nothing more.
                    problems.extend(to_survey(sight, id).iter().filter_map(|id| found.get(id)).flatten().cloned());
                    to_wire::report(&sight.core.service(id), &problems)
                };
                listed.map(report).collect::<Vec<_>>()
            });
            services.extend(reports.await?);
        }
        Ok(Response::new(v1::ValidateServicesResponse { services }))
    }

    async fn check_operation(
        &self,
        request: Request<v1::CheckOperationRequest>,
    ) -> Result<Response<v1::CheckOperationResponse>, Status> {
        let operation = request.into_inner().operation;
        self.look(move |sight| {
            let ids = sight.core.required_for(&operation).map_err(|refusal| to_wire::status_of(&refusal))?;
            let services: Vec<_> = ids.into_iter().map(|id| to_wire::required(&sight.core.service(id))).collect();
            let ready = services.iter().all(|service| service.ready);
            Ok(v1::CheckOperationResponse { operation, ready, services })
        })
        .await
    }

    async fn reload_services(
        &self,
        request: Request<v1::ReloadServicesRequest>,
    ) -> Result<Response<v1::ReloadServicesResponse>, Status> {
        let actor = Caller::of(&request);
        let (dry_run, reason) =
            from_wire::reload_services(request.into_inner()).map_err(|refusal| to_wire::status_of(&refusal))?;
        let reloaded = self.configuration.reload(&self.handle, actor, reason, dry_run).await;
        let Reloaded { view, operation } = reloaded.map_err(|failure| to_wire::not_reloaded(&failure))?;
        let mut response = to_wire::reload(&view, !dry_run);
        if let Some(id) = operation {
            response.operation = Some(self.see(move |sight| state::operation(sight, id)).await??);
        }
        Ok(Response::new(response))
    }

    async fn what_if_stopped(
        &self,
        request: Request<v1::WhatIfStoppedRequest>,
    ) -> Result<Response<v1::WhatIfStoppedResponse>, Status> {
        let name = request.into_inner().name;
        self.look(move |sight| match sight.core.what_if_stopped(&name) {
            Ok(view) => Ok(to_wire::what_if(&view)),
            Err(refusal) => Err(to_wire::status_of(&refusal)),
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
