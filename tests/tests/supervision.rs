//! Supervision as a script or a person meets it: what outlives the daemon, reload, questions, pre-flight, failed starts.

use std::{fs, net::TcpListener, os::unix::net::UnixDatagram, process::Output};

use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use ubmc_proto::v1::{
    self, operator_service_client::OperatorServiceClient, system_service_client::SystemServiceClient,
    watch_services_response::Update,
};
use ubmc_tests::daemon::{PATIENCE, Ubmcd, eventually, processes_of};

/// One process that sleeps, and the arguments that tell one declaration of it from another.
fn sleeper(name: &str, seconds: u32, more: &str) -> String {
    format!(
        "[services.{name}]\n{more}\n[services.{name}.deployment]\nmode = \"binary\"\n\
         [services.{name}.deployment.binary]\nbinary_path = \"$WORKLOAD\"\nargs = [\"sleep\", \"--for\", \"{seconds}\"]\n"
    )
}

/// A oneshot that leaves a line behind each time that it runs.
fn tally(name: &str, more: &str) -> String {
    format!(
        "[services.{name}]\n{more}\n[services.{name}.deployment]\nmode = \"binary\"\n\
         [services.{name}.deployment.binary]\nbinary_path = \"/bin/sh\"\n\
         args = [\"-c\", \"echo ran >> $FOLDER/{name}.tally\"]\n"
    )
}

fn times(ubmcd: &Ubmcd, name: &str) -> usize {
    fs::read_to_string(ubmcd.path(&format!("{name}.tally"))).map_or(0, |text| text.lines().count())
}

fn pid(ubmcd: &Ubmcd, name: &str) -> i64 {
    ubmcd.service(name, "pid").as_i64().unwrap_or_else(|| panic!("{name} has no pid"))
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].into_iter().map(|bytes| String::from_utf8_lossy(bytes)).collect()
}

fn reload(ubmcd: &Ubmcd, dry_run: bool) -> Result<v1::ReloadServicesResponse, tonic::Status> {
    ubmcd.grpc(|channel| async move {
        let request = v1::ReloadServicesRequest { dry_run, reason: "a test".to_owned() };
        OperatorServiceClient::new(channel).reload_services(request).await.map(tonic::Response::into_inner)
    })
}

#[test]
fn a_oneshot_of_this_boot_runs_once_however_often_the_daemon_starts() {
    let mut ubmcd =
        Ubmcd::with_services(&[tally("setup", "once_per = \"bmc-boot\""), tally("always", "oneshot = true")].concat());
    for name in ["setup", "always"] {
        ubmcd.await_service(name, "completed");
    }
    // It is kept soon, and not only at an end in order.
    eventually("it is kept", || {
        fs::read_to_string(ubmcd.path("state/memory.json")).ok().filter(|text| text.contains("setup"))
    });
    ubmcd.sigkill();
    ubmcd.relaunch();
    ubmcd.await_service("always", "completed");
    ubmcd.await_service("setup", "completed");
    assert_eq!((times(&ubmcd, "setup"), times(&ubmcd, "always")), (1, 2));

    assert_eq!(ubmcd.shut_down(), Some(0));
    ubmcd.relaunch();
    ubmcd.await_service("always", "completed");
    assert_eq!((times(&ubmcd, "setup"), times(&ubmcd, "always")), (1, 3));

    // Asked for, it is done again.
    assert_eq!(ubmcd.code(&["services", "start", "setup", "--force", "--wait"]), 0);
    eventually("it runs again", || (times(&ubmcd, "setup") == 2).then_some(()));

    // A file that cannot be used is said and set aside, and everything starts.
    assert_eq!(ubmcd.shut_down(), Some(0));
    let file = ubmcd.path("state/memory.json");
    let whole = fs::read_to_string(&file).expect("it was kept");
    fs::write(&file, &whole[..whole.len() / 2]).expect("written");
    ubmcd.relaunch();
    ubmcd.await_service("setup", "completed");
    assert_eq!(times(&ubmcd, "setup"), 3);
    assert!(ubmcd.log().contains("memory.json cannot be used: it is damaged"), "{}", ubmcd.log());
    assert!(ubmcd.path("state/memory.json.damaged").exists());
}

#[test]
fn a_oneshot_of_a_power_on_waits_for_it_and_outlives_the_daemon() {
    let mut ubmcd = Ubmcd::with_services(&tally("train", "once_per = \"chassis-power\""));
    eventually("the bmc is ready", || (ubmcd.json(&["bmc", "status"])["state"] == "ready").then_some(()));
    assert_eq!((ubmcd.service("train", "state"), times(&ubmcd, "train")), ("waiting".into(), 0));
    assert_eq!(ubmcd.code(&["chassis", "on", "--wait"]), 0);
    ubmcd.await_service("train", "completed");
    eventually("it is kept", || {
        fs::read_to_string(ubmcd.path("state/memory.json")).ok().filter(|text| text.contains("train"))
    });
    ubmcd.sigkill();
    ubmcd.relaunch();
    eventually("the chassis is discovered", || (ubmcd.json(&["chassis", "status"])["state"] == "on").then_some(()));
    ubmcd.await_service("train", "completed");
    assert_eq!(times(&ubmcd, "train"), 1, "it is still the same power-on");
    assert_eq!(ubmcd.code(&["--yes", "chassis", "cycle", "--wait"]), 0);
    eventually("the next power-on", || (times(&ubmcd, "train") == 2).then_some(()));
}

#[test]
fn a_reload_touches_what_differs_and_what_depends_on_it_and_nothing_else() {
    let registry = |changed: u32, last: &str| {
        [
            sleeper("untouched", 3600, ""),
            sleeper("changed", changed, ""),
            sleeper("dependent", 3600, "dependencies = [\"changed\"]"),
            sleeper(last, 3600, ""),
        ]
        .concat()
    };
    let ubmcd = Ubmcd::with_services(&registry(3600, "old"));
    for name in ["untouched", "changed", "dependent", "old"] {
        ubmcd.await_service(name, "running");
    }
    let before = ["untouched", "changed", "dependent"].map(|name| pid(&ubmcd, name));

    let nothing = reload(&ubmcd, false).expect("it is the same");
    assert_eq!((nothing.changes, nothing.restarts, nothing.operation), (vec![], vec![], None));
    assert_eq!(["untouched", "changed", "dependent"].map(|name| pid(&ubmcd, name)), before);

    ubmcd.declare(&registry(7200, "new"));
    let would = reload(&ubmcd, true).expect("it can be read");
    assert!(!would.applied);
    assert_eq!(would.restarts, ["changed", "dependent"]);
    assert_eq!(pid(&ubmcd, "changed"), before[1], "a dry run changes nothing");

    let went = ubmcd.grpc(|channel| async {
        let mut client = OperatorServiceClient::new(channel);
        let mut stream = client.watch_services(v1::WatchServicesRequest {}).await.expect("a stream").into_inner();
        let done = client.reload_services(v1::ReloadServicesRequest::default()).await.expect("done").into_inner();
        assert_eq!((done.changes, done.restarts), (would.changes, would.restarts), "as it said that it would");
        loop {
            let next = stream.message().await.expect("the stream goes on").expect("the stream goes on");
            if let Some(Update::Removed(name)) = next.update {
                return name;
            }
        }
    });
    assert_eq!(went, "old");
    for name in ["changed", "dependent", "new"] {
        ubmcd.await_service(name, "running");
    }
    let after = ["untouched", "changed", "dependent"].map(|name| pid(&ubmcd, name));
    assert_eq!(after[0], before[0], "what does not differ runs on");
    assert!(after[1] != before[1] && after[2] != before[2], "{before:?} {after:?}");
    assert_eq!(ubmcd.code(&["services", "status", "old"]), 5);
    let listed = ubmcd.json(&["services", "list"]);
    let names: Vec<_> =
        listed.as_array().expect("a list").iter().filter_map(|service| service["name"].as_str()).collect();
    assert!(names.contains(&"new") && !names.contains(&"old"), "{names:?}");
}

#[test]
fn a_broken_file_changes_nothing_and_is_shown_with_line_and_caret() {
    let ubmcd = Ubmcd::with_services(&sleeper("web", 3600, ""));
    ubmcd.await_service("web", "running");
    let before = pid(&ubmcd, "web");
    ubmcd.declare(&sleeper("web", 7200, "dependencies = [\"databse\"]\ncolour = \"red\""));
    let status = reload(&ubmcd, false).expect_err("it has errors");
    assert_eq!(status.code(), tonic::Code::FailedPrecondition);
    for part in ["nothing was changed", "services.toml:2:17", "services.toml:3:1", "databse", "colour", "^"] {
        assert!(status.message().contains(part), "no {part} in {}", status.message());
    }
    // The core's own objections: a circle across files, which only the whole shows.
    ubmcd
        .declare(&[sleeper("web", 3600, "dependencies = [\"db\"]"), sleeper("db", 3600, "after = [\"web\"]")].concat());
    let circle = reload(&ubmcd, false).expect_err("they wait for each other");
    assert!(circle.message().contains("web") && circle.message().contains("db"), "{circle}");
    assert_eq!(pid(&ubmcd, "web"), before);
    assert_eq!(ubmcd.code(&["services", "status", "db"]), 5);
}

#[test]
fn sighup_reloads_and_what_supervises_us_is_told() {
    let mut ubmcd = Ubmcd::idle();
    let arguments = ubmcd.declared(&sleeper("web", 3600, ""));
    let notify = ubmcd.path("supervisor");
    let ear = UnixDatagram::bind(&notify).expect("a socket");
    ear.set_read_timeout(Some(PATIENCE)).expect("set");
    let heard = || {
        let mut buffer = [0; 256];
        let length = ear.recv(&mut buffer).expect("it tells");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    ubmcd.launch_as(&arguments, |command| {
        command.env("NOTIFY_SOCKET", &notify);
    });
    ubmcd.await_service("web", "running");
    assert_eq!(heard(), "READY=1");
    let before = pid(&ubmcd, "web");

    let hang_up = |ubmcd: &Ubmcd| {
        kill(ubmcd.pid(), Signal::SIGHUP).expect("told");
        let reloading = heard();
        let time = reloading.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").unwrap_or_else(|| panic!("{reloading:?}"));
        assert!(time.parse::<u64>().is_ok_and(|time| time > 0), "{reloading:?}");
        assert_eq!(heard(), "READY=1");
    };
    ubmcd.declare(&[sleeper("web", 3600, ""), sleeper("more", 3600, "")].concat());
    hang_up(&ubmcd);
    ubmcd.await_service("more", "running");

    ubmcd.declare("[services.web]\ncolour = \"red\"\n");
    hang_up(&ubmcd);
    eventually("the errors are in the log", || {
        let log = ubmcd.log();
        (log.contains("SIGHUP: the configuration has errors") && log.contains("services.toml:2:1")).then_some(())
    });
    assert_eq!(pid(&ubmcd, "web"), before);
    let events = ubmcd.json(&["events", "list", "--subject", "platform.reloaded"]);
    let actors: Vec<_> = events.as_array().expect("a list").iter().map(|event| event["actor"].clone()).collect();
    assert_eq!(actors, ["signal SIGHUP"], "the one that was done");
    assert_eq!(ubmcd.shut_down(), Some(0));
    assert_eq!(heard(), "STOPPING=1");
}

#[test]
fn a_watched_configuration_is_reloaded_when_it_has_come_to_rest() {
    let mut ubmcd = Ubmcd::idle();
    let arguments = ubmcd.declared(&sleeper("web", 3600, ""));
    let mut arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    arguments.push("--watch-config");
    ubmcd.launch(&arguments);
    ubmcd.await_service("web", "running");
    let before = pid(&ubmcd, "web");
    ubmcd.declare(&[sleeper("web", 3600, ""), sleeper("more", 3600, "")].concat());
    // That somebody asks what it would change does not mean that it holds.
    assert_eq!(reload(&ubmcd, true).map(|would| would.changes.len()).ok(), Some(1));
    eventually("the new service runs", || ubmcd.ctl(&["services", "status", "more"]).status.success().then_some(()));
    ubmcd.await_service("more", "running");
    assert_eq!(pid(&ubmcd, "web"), before);
    let events = ubmcd.json(&["events", "list", "--subject", "platform.reloaded"]);
    assert_eq!(events.as_array().map(Vec::len), Some(1), "once for one change: {events}");
}

#[test]
fn why_what_if_boot_and_what_an_operation_needs_are_answered() {
    let registry = [
        sleeper("db", 3600, "required_for = [\"firmware-update\"]"),
        tally("broken", "oneshot = true").replace("echo ran >>", "exit 3 #"),
        sleeper("web", 3600, "dependencies = [\"db\", \"broken\"]"),
        sleeper("shop", 3600, "dependencies = [\"web\"]"),
        sleeper("front", 3600, "dependencies = [\"db\"]"),
    ];
    let more = "[services.broken.restart]\npolicy = \"never\"\n";
    let ubmcd = Ubmcd::with_services(&[registry.concat(), more.to_owned()].concat());
    ubmcd.await_service("broken", "failed");
    ubmcd.await_service("front", "running");
    ubmcd.grpc(|channel| async move {
        let mut system = SystemServiceClient::new(channel.clone());
        let mut operator = OperatorServiceClient::new(channel);
        let why = system.why(v1::WhyRequest { name: "shop".to_owned() }).await.expect("an answer").into_inner();
        assert!(!why.as_desired && why.answer.contains("broken") && why.answer.contains("exit code 3"), "{why:?}");
        assert_eq!(why.chain.last().map(|link| link.subject.as_str()), Some("service broken"), "{why:?}");
        let why = system.why(v1::WhyRequest { name: "host.0".to_owned() }).await.expect("an answer").into_inner();
        assert_eq!(why.kind, "host");

        let request = v1::WhatIfStoppedRequest { name: "db".to_owned() };
        let would = operator.what_if_stopped(request).await.expect("an answer").into_inner();
        let stops: Vec<_> = would.consequences.iter().map(|it| (it.subject.as_str(), it.kind.as_str())).collect();
        assert!(stops.contains(&("service front", "stops")) && stops.contains(&("service db", "stops")), "{stops:?}");
        assert!(!would.obstacles.is_empty(), "front runs and needs it");

        let boot = system.get_boot_timeline(v1::GetBootTimelineRequest {}).await.expect("an answer").into_inner();
        let of = |name: &str| boot.services.iter().find(|service| service.name == name).cloned().expect(name);
        assert_eq!((of("db").outcome.as_str(), of("broken").outcome.as_str()), ("ready", "failed"));
        assert!(of("front").spawned_s >= of("db").settled_s, "{boot:?}");

        let request = v1::CheckOperationRequest { operation: "firmware-update".to_owned() };
        let needed = operator.check_operation(request).await.expect("an answer").into_inner();
        assert!(needed.ready && needed.services.len() == 1 && needed.services[0].name == "db", "{needed:?}");
    });
}

#[test]
fn everything_that_stands_against_a_start_is_named_at_once_and_nothing_is_started() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = taken.local_addr().expect("its address").port();
    let idle = "[services.NAME.startup]\nauto_start = false\n";
    let ghost = sleeper("ghost", 1, "").replace("$WORKLOAD", "/nonexistent/ghost");
    let ghost = ghost.replace("args =", "working_dir = \"/nonexistent\"\nuser = \"nobody-like-this\"\nargs =");
    let registry = [
        [ghost, idle.replace("NAME", "ghost")].concat(),
        [sleeper("web", 3600, &format!("port = {port}")), idle.replace("NAME", "web")].concat(),
        sleeper("fine", 3600, ""),
    ];
    let ubmcd = Ubmcd::with_services(&registry.concat());
    ubmcd.await_service("fine", "running");

    let reports = ubmcd.grpc(|channel| async move {
        let request = v1::ValidateServicesRequest::default();
        OperatorServiceClient::new(channel).validate_services(request).await.expect("an answer").into_inner().services
    });
    let problems = |name: &str| {
        let report = reports.iter().find(|report| report.name == name).expect(name);
        report.problems.iter().map(|problem| problem.text.clone()).collect::<Vec<_>>()
    };
    let ghost = problems("ghost").join("\n");
    for part in ["/nonexistent/ghost", "nobody-like-this"] {
        assert!(ghost.contains(part), "no {part} in {ghost}");
    }
    assert!(problems("ghost").len() >= 3, "{ghost}");
    let own = std::process::id().to_string();
    let web = problems("web").join("\n");
    assert!(web.contains(&port.to_string()) && web.contains(&own), "port {port}, process {own}: {web}");
    assert_eq!(problems("fine"), [""; 0]);

    let refused = ubmcd.ctl(&["services", "start", "web"]);
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused));
    assert!(text(&refused).contains(&own), "{}", text(&refused));
    for name in ["ghost", "web"] {
        let status = ubmcd.json(&["services", "status", name]);
        assert_eq!((&status["state"], &status["last_exit"]), (&Value::from("stopped"), &Value::Null), "{status}");
    }
    drop(taken);
    assert_eq!(ubmcd.code(&["services", "start", "web", "--wait"]), 0);
}

#[test]
fn a_daemon_that_cannot_start_says_why_and_leaves_nothing_behind() {
    let ubmcd = Ubmcd::idle();
    let whole = ubmcd.declared(&sleeper("web", 3600, ""));
    let whole: Vec<_> = whole.iter().map(String::as_str).collect();
    let nothing_is_left = |what: &str| {
        assert!(!ubmcd.path("s").exists(), "{what}: the socket is left");
        let left = processes_of(ubmcd.path("").as_path());
        assert!(left.is_empty(), "{what}: {left:?}");
    };

    // Its configuration is wrong.
    ubmcd.declare("[services.web]\ncolour = \"red\"\n");
    let (code, text) = ubmcd.fails(&whole);
    assert_eq!(code, Some(78), "{text}");
    assert!(text.contains("services.toml:2:1"), "{text}");
    assert!(!ubmcd.path("state").exists(), "nothing is made before the configuration is known to be right");
    nothing_is_left("78");
    ubmcd.declare(&sleeper("web", 3600, ""));

    // Somebody else has its socket.
    let other = std::os::unix::net::UnixListener::bind(ubmcd.path("s")).expect("a socket");
    let (code, text) = ubmcd.fails(&whole);
    assert_eq!(code, Some(69), "{text}");
    assert!(text.contains("another program listens on it"), "{text}");
    drop(other);
    fs::remove_file(ubmcd.path("s")).expect("the other's socket");
    nothing_is_left("69");

    // The last thing before services: by then its simulated board is plugged in.
    fs::create_dir_all(ubmcd.path("state/notify/x")).expect("made");
    let (code, text) = ubmcd.fails(&whole);
    assert_eq!(code, Some(70), "{text}");
    assert!(text.contains("notify"), "{text}");
    nothing_is_left("70");
    fs::remove_dir_all(ubmcd.path("state/notify")).expect("removed");

    // And then it starts.
    let mut ubmcd = ubmcd;
    ubmcd.launch(&whole);
    ubmcd.await_service("web", "running");
}
