//! The API as clients see it: a real client, a real socket, the real loop.

mod answers;
mod world;

use std::{collections::BTreeMap, time::Duration};

use tokio::net::UnixStream;
use tonic::{Code, Streaming};
use tonic_types::StatusExt;
use ubmc_core::input::{Findings, Request};
use ubmc_proto::v1::{
    self, event_service_client::EventServiceClient, inventory_service_client::InventoryServiceClient,
    led_service_client::LedServiceClient, operator_service_client::OperatorServiceClient,
    sensor_service_client::SensorServiceClient, simulation_service_client::SimulationServiceClient,
    state_service_client::StateServiceClient, system_service_client::SystemServiceClient, watch_response::Item,
    watch_sensors_response::Update, watch_services_response,
};

use self::world::{with_world, within};

async fn next<T>(stream: &mut Streaming<T>) -> T {
    within(stream.message()).await.expect("the stream broke").expect("the stream ended")
}

#[test]
fn a_watch_begins_with_a_snapshot_and_then_merges_what_comes_too_fast() {
    with_world(1000, |world| async move {
        world.sample(0, 20.0).await;
        let mut client = SensorServiceClient::new(world.channel().await);
        let request = v1::WatchSensorsRequest { names: Vec::new() };
        let mut stream = client.watch_sensors(request).await.unwrap().into_inner();
        let Some(Update::Snapshot(snapshot)) = next(&mut stream).await.update else { panic!("no snapshot") };
        assert_eq!(snapshot.sensors.len(), 2);
        assert_eq!(snapshot.sensors[0].value, Some(20.0));

        let begin = tokio::time::Instant::now();
        let mut messages = 0;
        let mut latest = BTreeMap::new();
        for round in 1..=200 {
            world.sample(0, f64::from(round)).await;
            world.sample(1, f64::from(-round)).await;
        }
        while latest.get("inlet") != Some(&200.0) || latest.get("outlet") != Some(&-200.0) {
            let Some(Update::Changed(changed)) = next(&mut stream).await.update else { panic!("no change") };
            messages += 1;
            latest.extend(changed.sensors.into_iter().map(|sensor| (sensor.name, sensor.value.unwrap())));
        }
        // One at once, then one in every 100 ms; one more for the edges.
        let allowed = begin.elapsed().as_millis() / 100 + 2;
        assert!(messages <= allowed, "{messages} messages in {:?}", begin.elapsed());
    });
}

#[test]
fn a_watch_of_some_sensors_tells_of_no_others_and_unknown_names_are_refused() {
    with_world(1000, |world| async move {
        let mut client = SensorServiceClient::new(world.channel().await);
        let mut watch =
            async |name: &str| client.watch_sensors(v1::WatchSensorsRequest { names: vec![name.to_owned()] }).await;
        let mut stream = watch("outlet").await.unwrap().into_inner();
        let Some(Update::Snapshot(snapshot)) = next(&mut stream).await.update else { panic!("no snapshot") };
        assert_eq!(snapshot.sensors.len(), 1);
        world.sample(0, 1.0).await;
        world.sample(1, 2.0).await;
        let Some(Update::Changed(changed)) = next(&mut stream).await.update else { panic!("no change") };
        assert_eq!(changed.sensors.iter().map(|sensor| sensor.name.as_str()).collect::<Vec<_>>(), ["outlet"]);

        let status = watch("outlit").await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().contains("did you mean `outlet`"), "{}", status.message());
        assert_eq!(status.get_details_error_info().unwrap().reason, "UNKNOWN_NAME");
    });
}

/// Numbers that a watch told of, and those it said were lost, until it has told of `until`.
async fn follow(stream: &mut Streaming<v1::WatchResponse>, until: u64) -> (Vec<u64>, Vec<(u64, u64, String)>) {
    let (mut told, mut lost) = (Vec::new(), Vec::new());
    while told.last() != Some(&until) {
        match next(stream).await.item.unwrap() {
            Item::Position(_) => {}
            Item::Event(event) => told.push(event.seq),
            Item::Lost(gap) => lost.push((gap.first, gap.last, gap.reason)),
        }
    }
    (told, lost)
}

#[test]
fn events_are_resumed_without_gap_and_what_expired_is_said() {
    with_world(20, |world| async move {
        let mut client = EventServiceClient::new(world.channel().await);
        let mut watch = async |after_seq| {
            let request = v1::WatchRequest { after_seq, ..Default::default() };
            client.watch(request).await.unwrap().into_inner()
        };
        world.happen(30, "test").await;
        let last = world.handle.shared().journal.position().last;
        for (after, told, lost) in [
            (last - 5, last - 4..=last, vec![]),
            (3, last - 19..=last, vec![(4, last - 20, "expired".to_owned())]),
            (0, last - 19..=last, vec![]),
            // From another life of the daemon: nothing of this one has been seen.
            (last + 1000, last - 19..=last, vec![]),
        ] {
            let mut stream = watch(Some(after)).await;
            assert_eq!(follow(&mut stream, last).await, (told.collect(), lost), "after {after} of {last}");
        }

        let mut stream = watch(None).await;
        let Some(Item::Position(position)) = next(&mut stream).await.item else { panic!("no position") };
        assert_eq!((position.last_seq, position.oldest_seq, position.boot_id.as_str()), (last, last - 19, "boot"));
        world.happen(1, "test").await;
        let Some(Item::Event(event)) = next(&mut stream).await.item else { panic!("no event") };
        assert_eq!(event.seq, last + 1);
    });
}

#[test]
fn a_reader_that_stalls_is_told_every_number_it_missed_and_harms_nobody() {
    with_world(50, |world| async move {
        let mut client = EventServiceClient::new(world.channel().await);
        let request = v1::WatchRequest { after_seq: Some(0), ..Default::default() };
        let mut stalled = client.watch(request.clone()).await.unwrap().into_inner();
        next(&mut stalled).await;
        // Much more than the connection's buffers and the ring take.
        world.happen(1_500, &"x".repeat(10_000)).await;
        let newest = world.handle.shared().journal.position().last;
        let (told, lost) = follow(&mut stalled, newest).await;
        assert!(lost.iter().any(|(_, _, reason)| reason == "slow-reader"), "{lost:?}");
        let mut numbers: Vec<_> =
            told.into_iter().chain(lost.iter().flat_map(|(first, last, _)| *first..=*last)).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=newest).collect::<Vec<_>>(), "each number is either told or said to be lost, once");

        let status = SystemServiceClient::new(world.channel().await).get_status(v1::GetStatusRequest {}).await;
        let missed: u64 = lost.iter().map(|(first, last, _)| last - first + 1).sum();
        assert_eq!(status.unwrap().into_inner().dropped_events, missed);
    });
}

#[test]
fn filters_choose_events_and_bad_ones_are_refused() {
    with_world(1000, |world| async move {
        let mut client = EventServiceClient::new(world.channel().await);
        let mut list = async |pattern: &str, limit| {
            let subjects = vec![pattern.to_owned()];
            client.list_events(v1::ListEventsRequest { subjects, limit, ..Default::default() }).await
        };
        let ready = list("service.*.ready", 0).await.unwrap().into_inner();
        let subjects: Vec<_> = ready.events.iter().map(|event| event.subject.as_str()).collect();
        assert_eq!(subjects, ["service.journal.ready", "service.inventory.ready", "service.api.ready"]);
        let newest = list("service.*.ready", 1).await.unwrap().into_inner();
        assert_eq!(newest.events.len(), 1);
        assert_eq!(newest.events[0].subject, "service.api.ready");
        let status = list("service..ready", 0).await.unwrap_err();
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(status.get_details_error_info().unwrap().reason, "BAD_FILTER");
    });
}

#[test]
fn a_refusal_names_every_condition() {
    with_world(1000, |world| async move {
        let mut client = OperatorServiceClient::new(world.channel().await);
        let stop = |name: &str| v1::StopServicesRequest { names: vec![name.to_owned()], ..Default::default() };
        let status = client.stop_services(stop("jurnal")).await.unwrap_err();
        assert_eq!(status.code(), Code::NotFound);
        assert!(status.message().contains("`journal`"), "{}", status.message());
        let operation = client.stop_services(stop("inventory")).await.unwrap().into_inner();
        assert!(operation.id.starts_with("op-"), "{operation:?}");
        assert!(operation.requested_by.starts_with("uid "), "{operation:?}");
        let mut operations = StateServiceClient::new(world.channel().await);
        let watch = v1::WatchOperationRequest { id: operation.id };
        let mut stream = operations.watch_operation(watch).await.unwrap().into_inner();
        let mut final_state = None;
        while let Some(operation) = within(stream.message()).await.unwrap() {
            final_state = Some(operation.state());
        }
        assert_eq!(final_state, Some(v1::OperationState::Succeeded), "the stream ends after the final state");

        let mut items = InventoryServiceClient::new(world.channel().await);
        let status = items.list_items(v1::ListItemsRequest {}).await.unwrap_err();
        assert_eq!(status.code(), Code::Unavailable, "its service is stopped");
    });
}

#[test]
fn service_states_reach_their_watchers_once_for_each_change() {
    with_world(1000, |world| async move {
        let mut client = OperatorServiceClient::new(world.channel().await);
        let mut stream = client.watch_services(v1::WatchServicesRequest {}).await.unwrap().into_inner();
        let Some(watch_services_response::Update::Snapshot(snapshot)) = next(&mut stream).await.update else {
            panic!("no snapshot")
        };
        assert_eq!(snapshot.services.len(), 3);
        let restart = v1::RestartServicesRequest { names: vec!["inventory".to_owned()], ..Default::default() };
        client.restart_services(restart).await.unwrap();
        let mut generation = snapshot.services.iter().find(|service| service.name == "inventory").unwrap().generation;
        let before = generation;
        loop {
            let Some(watch_services_response::Update::Changed(service)) = next(&mut stream).await.update else {
                panic!("no change")
            };
            assert_eq!(service.name, "inventory", "nothing else changed");
            assert!(service.generation >= generation, "changes come in order");
            generation = service.generation;
            if generation > before && service.state() == v1::ServiceState::Running {
                break;
            }
        }
    });
}

#[test]
fn stopping_the_api_tells_its_streams_and_starting_it_serves_again() {
    with_world(1000, |world| async move {
        let mut client = SystemServiceClient::new(world.channel().await);
        let mut stream = client.watch_status(v1::WatchStatusRequest {}).await.unwrap().into_inner();
        assert_eq!(next(&mut stream).await.watchers, 1);
        let restart = Request::RestartServices { names: vec!["api".into()], force: false, found: Findings::default() };
        world.handle.ask("test".into(), String::new(), restart).await.unwrap();
        let end = loop {
            match within(stream.message()).await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ended without a word"),
                Err(status) => break status,
            }
        };
        assert_eq!(end.code(), Code::Unavailable);
        assert_eq!(end.get_details_error_info().unwrap().reason, "API_STOPPING");
        drop((client, stream));
        world.serves().await;
    });
}

#[test]
fn a_client_that_does_not_read_does_not_hold_up_the_end() {
    with_world(10_000, |world| async move {
        let mut client = EventServiceClient::new(world.channel().await);
        let request = v1::WatchRequest { after_seq: Some(0), ..Default::default() };
        let mut stalled = client.watch(request).await.unwrap().into_inner();
        next(&mut stalled).await;
        // Much more than the connection's buffers take: the rest waits for the client.
        world.happen(1_500, &"x".repeat(10_000)).await;
        world.restart("api").await;
        // It is the end that came, and not that the client has read everything.
        let mut events = 0;
        while let Ok(Some(_)) = within(stalled.message()).await {
            events += 1;
        }
        assert!(events < 1_500, "{events}");
    });
}

#[test]
fn ending_the_api_at_once_closes_connections_that_would_linger() {
    with_world(1000, |world| async move {
        let connection = UnixStream::connect(&world.socket).await.unwrap();
        let mut client = SystemServiceClient::new(world.channel().await);
        client.get_status(v1::GetStatusRequest {}).await.unwrap();
        let shutdown = Request::Shutdown { emergency: true };
        world.handle.ask("test".into(), String::new(), shutdown).await.unwrap();
        within(async {
            // The greeting of HTTP/2 may come first, then the end.
            let mut buffer = [0; 256];
            loop {
                connection.readable().await.unwrap();
                match connection.try_read(&mut buffer) {
                    Ok(0) => break,
                    Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => break,
                    Ok(_) | Err(_) => {}
                }
            }
        })
        .await;
    });
}

#[test]
fn what_is_too_much_is_refused() {
    with_world(1000, |world| async move {
        let mut client = OperatorServiceClient::new(world.channel().await);
        let names = vec!["x".repeat(1000); 500];
        let status = client.start_services(v1::StartServicesRequest { names, ..Default::default() }).await.unwrap_err();
        assert_eq!(status.code(), Code::OutOfRange, "{status}");

        let mut connections = Vec::new();
        for _ in 0..super::connections::MAX_CONNECTIONS {
            connections.push(UnixStream::connect(&world.socket).await.unwrap());
        }
        // One of them came too late: the client of the test has a connection as well.
        let extra = connections.pop().unwrap();
        within(async {
            extra.readable().await.unwrap();
            let mut byte = [0];
            assert_eq!(extra.try_read(&mut byte).unwrap(), 0, "closed without a word");
        })
        .await;
        client.list_services(v1::ListServicesRequest::default()).await.unwrap();
    });
}

#[test]
fn requests_act_and_answer_with_what_has_become() {
    with_world(1000, |world| async move {
        let mut client = LedServiceClient::new(world.channel().await);
        let leds = client
            .identify(v1::IdentifyRequest { on: true, for_s: 3600.0, ..Default::default() })
            .await
            .unwrap()
            .into_inner()
            .leds;
        assert_ne!(leds[0].pattern(), v1::LedPattern::Off);
        assert!(leds[0].left_s.is_some_and(|left| left > 3000.0), "{leds:?}");
        let status =
            SimulationServiceClient::new(world.channel().await).get_state(v1::GetStateRequest {}).await.unwrap_err();
        assert_eq!(status.code(), Code::Unimplemented);
    });
}

#[test]
fn the_loop_sleeps_while_nothing_happens() {
    with_world(1000, |world| async move {
        let before = world.handle.look(|sight| sight.core.last_seq()).await.unwrap();
        let (one, two) = {
            let mut client = EventServiceClient::new(world.channel().await);
            let request = v1::WatchRequest::default();
            (client.watch(request.clone()).await.unwrap(), client.watch(request).await.unwrap())
        };
        let mut streams = [one.into_inner(), two.into_inner()];
        for stream in &mut streams {
            next(stream).await;
        }
        for stream in &mut streams {
            let silent = tokio::time::timeout(Duration::from_millis(300), stream.message()).await;
            assert!(silent.is_err(), "{silent:?}");
        }
        assert_eq!(world.handle.look(|sight| sight.core.last_seq()).await.unwrap(), before);
    });
}
