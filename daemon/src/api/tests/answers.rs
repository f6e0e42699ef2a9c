//! Questions that go across services, and going over to another registry, as clients see them.

use std::fs;

use nix::{sys::stat::Mode, unistd::mkfifo};
use tonic::{Code, transport::Channel};
use tonic_types::StatusExt;
use ubmc_proto::v1::{
    self, operator_service_client::OperatorServiceClient, system_service_client::SystemServiceClient,
    watch_services_response::Update,
};

use super::{
    next,
    world::{World, with_world},
};

/// Processes that nobody starts.
const REGISTRY: &str = r#"
[services.db]
required_for = ["firmware-update"]
deployment = { mode = "binary", binary = { binary_path = "/bin/true" } }
startup = { auto_start = false }

[services.web]
dependencies = ["db"]
deployment = { mode = "docker", docker = { image = "web" } }
startup = { auto_start = false }
"#;

async fn operator(world: &World) -> OperatorServiceClient<Channel> {
    OperatorServiceClient::new(world.channel().await)
}

async fn reload(client: &mut OperatorServiceClient<Channel>, dry_run: bool) -> v1::ReloadServicesResponse {
    let request = v1::ReloadServicesRequest { dry_run, reason: String::new() };
    client.reload_services(request).await.unwrap().into_inner()
}

async fn services(client: &mut OperatorServiceClient<Channel>) -> Vec<String> {
    let list = client.list_services(v1::ListServicesRequest::default()).await.unwrap().into_inner();
    list.services.into_iter().map(|service| service.name).collect()
}

#[test]
fn a_reload_adds_and_removes_and_its_watchers_hear_of_both() {
    with_world(1000, |world| async move {
        let mut client = operator(&world).await;
        let mut stream = client.watch_services(v1::WatchServicesRequest {}).await.unwrap().into_inner();
        let Some(Update::Snapshot(snapshot)) = next(&mut stream).await.update else { panic!("no snapshot") };
        assert_eq!(snapshot.services.len(), 3);

        world.declare(REGISTRY);
        let would = reload(&mut client, true).await;
        let told = |response: &v1::ReloadServicesResponse| {
            let change = |change: &v1::ServiceChange| (change.name.clone(), change.kind());
            response.changes.iter().map(change).collect::<Vec<_>>()
        };
        let added = [("db".to_owned(), v1::ChangeKind::Added), ("web".to_owned(), v1::ChangeKind::Added)];
        assert_eq!((told(&would), would.applied), (added.to_vec(), false));
        assert_eq!(services(&mut client).await.len(), 3, "a dry run changes nothing");

        let did = reload(&mut client, false).await;
        assert_eq!((told(&did), did.applied), (added.to_vec(), true));
        assert_eq!(did.operation, None, "nothing has to move");
        assert_eq!(services(&mut client).await.len(), 5);
        assert_eq!(reload(&mut client, false).await.changes, [], "nothing differs");

        world.declare("");
        reload(&mut client, false).await;
        assert_eq!(services(&mut client).await.len(), 3);
        let (mut came, mut went) = (Vec::new(), Vec::new());
        while went.len() < 2 {
            match next(&mut stream).await.update.unwrap() {
                Update::Changed(service) => came.push(service.name),
                Update::Removed(name) => went.push(name),
                Update::Snapshot(_) => panic!("a second snapshot"),
            }
        }
        went.sort();
        assert_eq!(went, ["db", "web"], "after {came:?}");
    });
}

#[test]
fn files_with_errors_change_nothing_and_say_where_they_are() {
    with_world(1000, |world| async move {
        let mut client = operator(&world).await;
        world.declare("[services.web]\ndependencies = [\"databse\"]\ncolour = \"red\"\n");
        let request = v1::ReloadServicesRequest::default();
        let status = client.reload_services(request.clone()).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition);
        assert_eq!(status.get_details_error_info().unwrap().reason, "CONFIGURATION");
        for part in ["nothing was changed", "services.toml:2:", "databse", "colour", "^^^"] {
            assert!(status.message().contains(part), "no {part} in {}", status.message());
        }
        let violations = status.get_details_precondition_failure().unwrap().violations;
        assert!(violations.len() >= 2, "{violations:?}");
        assert!(violations.iter().any(|violation| violation.subject.contains("services.toml:2:")), "{violations:?}");

        // However much is wrong, the answer fits where statuses have to fit.
        let wrong = |number| format!("[services.\"a {number}\"]\ncolour = \"{}\"\n", "x".repeat(200));
        world.declare(&(0..900).map(wrong).collect::<String>());
        let status = client.reload_services(request).await.unwrap_err();
        assert_eq!(status.code(), Code::FailedPrecondition, "{status:?}");
        assert!(status.message().contains("--check"), "{}", status.message());
        assert_eq!(services(&mut client).await.len(), 3);
    });
}

#[test]
fn reloads_come_one_after_the_other() {
    with_world(1000, |world| async move {
        world.declare(REGISTRY);
        let (mut one, mut two) = (operator(&world).await, operator(&world).await);
        let (first, second) = tokio::join!(reload(&mut one, false), reload(&mut two, false));
        let mut changes = [first.changes.len(), second.changes.len()];
        changes.sort_unstable();
        assert_eq!(changes, [0, 2], "the second finds nothing left to do");
    });
}

#[test]
fn a_pipe_in_place_of_a_registry_is_refused_at_once_and_the_next_reload_works() {
    with_world(1000, |world| async move {
        let mut client = operator(&world).await;
        fs::remove_file(world.registry()).unwrap();
        mkfifo(&world.registry(), Mode::S_IRWXU).unwrap();
        let status = client.reload_services(v1::ReloadServicesRequest::default()).await.unwrap_err();
        assert!(status.message().contains("is no ordinary file"), "{status}");
        fs::remove_file(world.registry()).unwrap();
        world.declare(REGISTRY);
        reload(&mut client, false).await;
        assert_eq!(services(&mut client).await.len(), 5);
    });
}

#[test]
fn questions_across_services_are_answered() {
    with_world(1000, |world| async move {
        let mut client = operator(&world).await;
        world.declare(REGISTRY);
        reload(&mut client, false).await;

        let request = v1::ValidateServicesRequest { names: vec!["web".to_owned()] };
        let reports = client.validate_services(request).await.unwrap().into_inner().services;
        assert_eq!((reports.len(), reports[0].name.as_str(), reports[0].ready), (1, "web", false));
        assert!(reports[0].problems.iter().any(|problem| problem.text.contains("docker")), "{reports:?}");
        let all = client.validate_services(v1::ValidateServicesRequest::default()).await.unwrap().into_inner();
        assert_eq!(all.services.len(), 5);

        let check = |operation: &str| v1::CheckOperationRequest { operation: operation.to_owned() };
        let needed = client.check_operation(check("firmware-update")).await.unwrap().into_inner();
        assert_eq!((needed.ready, needed.services[0].name.as_str()), (false, "db"));
        let status = client.check_operation(check("firmware-updat")).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().contains("`firmware-update`"), "{}", status.message());

        let service = client.get_service(v1::GetServiceRequest { name: "web".to_owned() }).await.unwrap().into_inner();
        assert_eq!(service.kind(), v1::ServiceKind::Docker);

        let request = v1::WhatIfStoppedRequest { name: "inventory".to_owned() };
        let would = client.what_if_stopped(request).await.unwrap().into_inner();
        assert_eq!(would.consequences[0].subject, "service inventory");

        let mut system = SystemServiceClient::new(world.channel().await);
        let why = system.why(v1::WhyRequest { name: "api".to_owned() }).await.unwrap().into_inner();
        assert_eq!((why.kind.as_str(), why.as_desired, why.chain.is_empty()), ("service", true, false));
        let status = system.why(v1::WhyRequest { name: "apj".to_owned() }).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        let boot = system.get_boot_timeline(v1::GetBootTimelineRequest {}).await.unwrap().into_inner();
        assert_eq!(boot.services.len(), 3);
        assert!(boot.ended_s.is_some() && !boot.critical_path.is_empty(), "{boot:?}");
        let status = system.get_status(v1::GetStatusRequest {}).await.unwrap().into_inner();
        assert_eq!(status.limitations, ["no such thing here"]);
    });
}
