//! Real processes under the real daemon: crashes, stubbornness, orphans, output, readiness. Nothing may be left of any.

use std::time::Instant;

use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use ubmc_tests::daemon::{Ubmcd, eventually};

/// One service of the helper binary.
fn service(name: &str, arguments: &str, more: &str) -> String {
    let arguments: Vec<_> = arguments.split_whitespace().map(|word| format!("{word:?}")).collect();
    format!(
        "[services.{name}]\n[services.{name}.deployment]\nmode = \"binary\"\n[services.{name}.deployment.binary]\n\
         binary_path = \"$WORKLOAD\"\nargs = [{}]\n{}\n",
        arguments.join(", "),
        more.replace("[restart", &format!("[services.{name}.restart"))
            .replace("[startup", &format!("[services.{name}.startup"))
            .replace("[readiness", &format!("[services.{name}.readiness"))
            .replace("[health_check", &format!("[services.{name}.health_check"))
    )
}

#[test]
fn a_killed_service_is_restarted_as_a_new_life() {
    let ubmcd = Ubmcd::with_services(&service("sleeper", "sleep", "[restart]\ndelay = \"10ms\""));
    ubmcd.await_service("sleeper", "running");
    let first = ubmcd.service("sleeper", "pid").as_i64().expect("a pid");
    kill(Pid::from_raw(i32::try_from(first).expect("a pid")), Signal::SIGKILL).expect("killed");
    let second = eventually("a new life", || {
        let status = ubmcd.json(&["services", "status", "sleeper"]);
        (status["state"] == "running" && status["pid"] != first).then_some(status)
    });
    assert_eq!(second["restarts"], 1);
    assert!(second["last_exit"].to_string().contains("SIGKILL"), "{second}");
}

#[test]
fn a_service_that_ignores_term_is_killed_after_its_time_and_not_before() {
    let ubmcd = Ubmcd::with_services(&service("stubborn", "stubborn", "[startup]\nstop_timeout = 1"));
    ubmcd.await_service("stubborn", "running");
    let begun = Instant::now();
    assert_eq!(ubmcd.code(&["services", "stop", "stubborn", "--wait"]), 0);
    assert!(begun.elapsed().as_millis() >= 1000, "killed after {:?}", begun.elapsed());
    assert!(ubmcd.service("stubborn", "last_exit").to_string().contains("SIGKILL"));
}

#[test]
fn a_binary_that_is_not_there_is_told_at_once_with_stage_and_reason() {
    let registry = "[services.ghost]\n[services.ghost.deployment]\nmode = \"binary\"\n[services.ghost.deployment.binary]\nbinary_path = \"/nonexistent/ghost\"\n";
    let ubmcd = Ubmcd::with_services(registry);
    ubmcd.await_service("ghost", "failed");
    let output = ubmcd.ctl(&["services", "start", "ghost", "--wait"]);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("exec failed: /nonexistent/ghost"), "{text}");
}

#[test]
fn orphans_that_leave_their_parent_go_when_their_service_stops() {
    let ubmcd = Ubmcd::with_services(&service(
        "orphan",
        "orphan",
        "[restart]\npolicy = \"never\"\n[startup]\nstop_timeout = 2",
    ));
    eventually("the orphan is there", || (ubmcd.left_over().len() >= 3).then_some(()));
    ubmcd.ctl(&["services", "stop", "orphan", "--force", "--wait"]);
    eventually("the orphan is gone", || ubmcd.left_over().iter().all(|line| !line.contains("orphan")).then_some(()));
}

#[test]
fn readiness_and_health_decide_when_dependents_start() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("its address").port();
    let web = service(
        "web",
        &format!("web --port {port}"),
        &format!(
            "[readiness]\ntype = \"check\"\n[health_check]\ntype = \"http\"\ninterval = 1\n[health_check.http]\nendpoint = \"http://127.0.0.1:{port}/health\""
        ),
    );
    let late = service("late", "late --after 1", "[readiness]\ntype = \"notify\"");
    let client = service("client", &format!("client --url http://127.0.0.1:{port}/ --interval 1"), "")
        .replace("[services.client]\n", "[services.client]\ndependencies = [\"web\", \"late\"]\n");
    let ubmcd = Ubmcd::with_services(&[web, late, client].concat());
    ubmcd.await_service("client", "running");
    assert_eq!(ubmcd.service("web", "health"), "healthy");
    let events = ubmcd.json(&["events", "list", "--subject", "service.*.ready"]);
    let order: Vec<_> =
        events.as_array().expect("a list").iter().filter_map(|event| event["subject"].as_str()).collect();
    let place =
        |name: &str| order.iter().position(|subject| *subject == format!("service.{name}.ready")).expect("ready");
    assert!(place("web") < place("client") && place("late") < place("client"), "{order:?}");
    // Its dependents stop first: without force it is refused and names them.
    let refused = ubmcd.ctl(&["services", "stop", "web"]);
    assert_eq!(refused.status.code(), Some(4));
    assert!(String::from_utf8_lossy(&refused.stderr).contains("client"));
}

#[test]
fn a_service_that_writes_as_fast_as_it_can_is_never_blocked_and_harms_nobody() {
    let ubmcd =
        Ubmcd::with_services(&[service("flood", "chatty --rate 0", ""), service("quiet", "sleep", "")].concat());
    ubmcd.await_service("flood", "running");
    let number = |line: &str| line.len();
    let first = eventually("it has said something", || {
        let output = ubmcd.ctl(&["services", "logs", "flood", "--lines", "5"]);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        (number(&text) > 0).then_some(text)
    });
    eventually("it says more", || {
        let output = ubmcd.ctl(&["services", "logs", "flood", "--lines", "5"]);
        (String::from_utf8_lossy(&output.stdout) != first).then_some(())
    });
    assert_eq!(ubmcd.service("quiet", "state"), "running");
    assert_eq!(ubmcd.code(&["services", "stop", "flood", "--wait"]), 0);
}

#[test]
fn a_crash_loop_ends_in_failed_and_a_start_forgives_it() {
    let crash = "[restart]\ndelay = \"1ms\"\nmax_delay = \"5ms\"\nburst = 3\nwindow = 60";
    let ubmcd = Ubmcd::with_services(&service("loop", "exit --code 7 --after 0", crash));
    ubmcd.await_service("loop", "failed");
    let status = ubmcd.json(&["services", "status", "loop"]);
    assert_eq!(status["restarts"], 3);
    assert!(status["last_exit"].to_string().contains('7'), "{status}");
    ubmcd.ctl(&["services", "start", "loop", "--wait"]);
    ubmcd.await_service("loop", "failed");
    assert_eq!(ubmcd.service("loop", "restarts"), 6);
}

#[test]
fn after_a_crash_of_the_daemon_its_services_start_anew_and_none_runs_twice() {
    let registry = [
        service("sleeper", "sleep", ""),
        service("orphan", "orphan", "[restart]\npolicy = \"never\"\n[startup]\nstop_timeout = 1"),
    ]
    .concat();
    let mut ubmcd = Ubmcd::with_services(&registry);
    ubmcd.await_service("sleeper", "running");
    let first = ubmcd.service("sleeper", "pid");
    let (board, services) = (ubmcd.path("board.toml"), ubmcd.path("services.toml"));
    ubmcd.sigkill();
    let alive = |word: &str| ubmcd.left_over().iter().filter(|line| line.ends_with(&format!("{word} "))).count();
    assert_eq!(alive("sleep"), 1, "the service lives on without its daemon");
    let arguments = ["--board", board.to_str().expect("a path"), "--services", services.to_str().expect("a path")];
    ubmcd.launch(&arguments);
    ubmcd.await_service("sleeper", "running");
    assert_ne!(ubmcd.service("sleeper", "pid"), first);
    let sleeping = ubmcd.left_over().iter().filter(|line| line.ends_with("sleep ")).count();
    assert_eq!(sleeping, 1, "{:?}", ubmcd.left_over());
    assert!(ubmcd.log().contains("did not shut down"), "{}", ubmcd.log());
}
