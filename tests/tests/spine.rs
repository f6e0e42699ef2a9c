//! From a board file to supervised services, machines and events: the real daemon, driven as a script would.

use std::{fs, path::Path, process::Command};

use nix::sys::signal::{Signal, kill};
use serde_json::Value;
use ubmc_tests::daemon::{Ubmcd, binary, eventually};

#[test]
fn a_two_host_server_comes_up_is_powered_on_and_goes_down_in_order() {
    let mut ubmcd = Ubmcd::with_services("");
    eventually("the bmc is ready", || (ubmcd.json(&["bmc", "status"])["state"] == "ready").then_some(()));
    let services = ubmcd.json(&["services", "list"]);
    let services = services.as_array().expect("a list");
    for name in ["sensormon", "thermalmgr", "powermgr", "statemgr", "ledmgr", "inventory", "api", "journal"] {
        let service = services.iter().find(|service| service["name"] == name).expect(name);
        assert_eq!(service["state"], "running", "{name}");
        for key in [
            "group",
            "kind",
            "desired",
            "health",
            "pid",
            "uptime_s",
            "restarts",
            "last_exit",
            "critical",
            "dependencies",
        ] {
            assert!(service.get(key).is_some(), "{name} has no key {key}");
        }
    }
    assert_eq!(ubmcd.json(&["sensors", "list"]).as_array().map(Vec::len), Some(30));
    assert_eq!(ubmcd.json(&["fans", "list"]).as_array().map(Vec::len), Some(6));

    // A host needs its chassis: the refusal says so, and what to do.
    let refused = ubmcd.ctl(&["host", "on", "host.0"]);
    assert_eq!(refused.status.code(), Some(4));
    let text = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(text.contains("chassis") && text.contains("ubmcctl chassis on"), "{text}");

    assert_eq!(ubmcd.code(&["chassis", "on", "--wait"]), 0);
    assert_eq!(ubmcd.code(&["host", "on", "host.0", "--wait"]), 0);
    let host = ubmcd.json(&["host", "status", "host.0"]);
    assert_eq!((host["state"].as_str(), host["requested"].as_str()), (Some("running"), Some("on")));
    eventually("the cpu is measured", || {
        let sensor = ubmcd.json(&["sensors", "show", "host0_cpu_temp"]);
        (sensor["quality"] == "good" && sensor["value"].as_f64() > Some(20.0)).then_some(())
    });
    eventually("the zone is under control", || {
        let zones = ubmcd.json(&["zones", "list"]);
        zones.as_array()?.iter().all(|zone| zone["state"] == "controlled").then_some(())
    });

    // Asked again, it answers that nothing is to be done; off again, by its own shutdown.
    assert_eq!(ubmcd.code(&["host", "on", "host.0", "--wait"]), 0);
    assert_eq!(ubmcd.code(&["--yes", "host", "off", "host.0", "--wait"]), 0);
    assert_eq!(ubmcd.json(&["host", "status", "host.0"])["state"], "off");
    assert_eq!(ubmcd.shut_down(), Some(0));
}

#[test]
fn a_crash_of_the_daemon_touches_neither_the_hosts_nor_the_board() {
    let mut ubmcd = Ubmcd::with_services("");
    let board = ubmcd.quiet_board();
    eventually("the bmc is ready", || (ubmcd.json(&["bmc", "status"])["state"] == "ready").then_some(()));
    assert_eq!(ubmcd.code(&["chassis", "on", "--wait"]), 0);
    assert_eq!(ubmcd.code(&["host", "on", "host.1", "--wait"]), 0);
    let plugged_in = ubmcd.json(&["sim", "show"])["time_s"].as_f64().expect("a time");
    ubmcd.sigkill();

    ubmcd.launch(&["--board", &board]);
    eventually("the host is discovered", || {
        (ubmcd.json(&["host", "status", "host.1"])["state"] == "running").then_some(())
    });
    assert!(ubmcd.json(&["sim", "show"])["time_s"].as_f64() > Some(plugged_in), "the board was unplugged meanwhile");
    let history = ubmcd.json(&["machines", "history", "host.1"]);
    let moves: Vec<_> = history.as_array().expect("a list").iter().map(|it| it["to"].clone()).collect();
    assert!(!moves.contains(&Value::from("off")), "the host was switched off: {moves:?}");
}

#[test]
fn events_have_no_gap_and_a_tail_resumes_where_it_was() {
    let ubmcd = Ubmcd::with_services("");
    eventually("the platform has started", || {
        let events = ubmcd.json(&["events", "list", "--subject", "platform.started"]);
        (events.as_array()?.len() == 1).then_some(())
    });
    ubmcd.ctl(&["chassis", "identify", "on"]);
    let events = ubmcd.json(&["events", "list", "--since", "0"]);
    let numbers: Vec<_> = events.as_array().expect("a list").iter().filter_map(|event| event["seq"].as_u64()).collect();
    assert!(numbers.len() > 20, "{numbers:?}");
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    for key in ["seq", "time", "mono_s", "subject", "source", "severity", "cause", "actor", "text"] {
        assert!(events[0].get(key).is_some(), "an event has no key {key}");
    }
    let since = numbers[numbers.len() / 2];
    let rest = ubmcd.json(&["events", "list", "--since", &since.to_string()]);
    assert_eq!(rest[0]["seq"].as_u64(), Some(since + 1));
    let only = ubmcd.json(&["events", "list", "--subject", "service.*.ready"]);
    assert!(only.as_array().expect("a list").iter().all(|event| {
        event["subject"].as_str().is_some_and(|subject| {
            subject.split('.').collect::<Vec<_>>().first() == Some(&"service")
                && subject.split('.').next_back() == Some("ready")
        })
    }));
}

#[test]
fn faults_of_the_board_are_followed_to_their_event_and_their_protection() {
    let ubmcd = Ubmcd::with_services("");
    eventually("zones are under control", || {
        let zones = ubmcd.json(&["zones", "list"]);
        zones.as_array()?.iter().all(|zone| zone["state"] == "controlled").then_some(())
    });
    assert_eq!(ubmcd.code(&["sim", "fault", "inject", "sensor-missing", "inlet_temp"]), 0);
    let zone = eventually("the zone goes to fail-safe", || {
        let zone = ubmcd.json(&["zones", "explain", "system"]);
        (zone["state"] == "failsafe").then_some(zone)
    });
    assert_eq!(zone["duty"].as_f64(), Some(100.0));
    assert!(zone["driver"].as_str().is_some_and(|driver| driver.contains("inlet_temp")), "{zone}");
    assert_eq!(ubmcd.code(&["sim", "fault", "clear"]), 0);
    eventually("the zone recovers", || {
        (ubmcd.json(&["zones", "explain", "system"])["state"] == "controlled").then_some(())
    });
    assert_eq!(ubmcd.code(&["sim", "fault", "inject", "sensor-mising", "inlet_temp"]), 5);
}

#[test]
fn names_that_do_not_exist_answer_with_the_nearest_one() {
    let ubmcd = Ubmcd::with_services("");
    for (arguments, hint) in [
        (["services", "status", "sensormom"], "sensormon"),
        (["host", "status", "host.2"], "host.0"),
        (["sensors", "show", "inlet_tmp"], "inlet_temp"),
        (["zones", "explain", "cpus"], "cpu"),
    ] {
        let output = ubmcd.ctl(&arguments);
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(5), "{arguments:?}: {text}");
        assert!(text.contains(hint), "{arguments:?}: {text}");
    }
    assert_eq!(ubmcd.code(&["services", "frobnicate"]), 2);
}

#[test]
fn a_second_daemon_is_refused_and_harms_nothing() {
    let ubmcd = Ubmcd::with_services("");
    // The same state directory and socket, then each of them alone.
    let elsewhere = tempfile::tempdir().expect("a folder");
    let other_socket = format!("unix:{}", elsewhere.path().join("s").display());
    let other_state = elsewhere.path().join("state");
    let state = ubmcd.path("state");
    let pairs: [(&str, &Path); 3] =
        [(&ubmcd.address(), &state), (&other_socket, &state), (&ubmcd.address(), &other_state)];
    for (socket, state) in pairs {
        let output = Command::new(binary("ubmcd")).args(["--listen", socket, "--state-dir"]).arg(state).output();
        let output = output.expect("ubmcd runs");
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(69), "{socket} {}: {text}", state.display());
        assert!(!text.is_empty());
        assert_eq!(ubmcd.code(&["platform", "status"]), 0);
    }
}

#[test]
fn bad_input_is_told_all_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().expect("a folder");
    let registry = folder.path().join("services.toml");
    let text = "[services.web]\ndependencies = [\"databse\"]\ncolour = \"red\"\n[services.web.deployment]\nmode = \"binary\"\n[services.web.deployment.binary]\nbinary_path = \"/bin/true\"\n";
    fs::write(&registry, text).expect("written");
    let run = |check: bool| {
        let mut command = Command::new(binary("ubmcd"));
        command.args(["--services"]).arg(&registry).arg("--state-dir").arg(folder.path().join("state"));
        command.arg("--listen").arg(format!("unix:{}", folder.path().join("s").display()));
        if check {
            command.arg("--check");
        }
        command.output().expect("ubmcd runs")
    };
    for check in [true, false] {
        let output = run(check);
        let text = [output.stdout.clone(), output.stderr.clone()].concat();
        let text = String::from_utf8_lossy(&text).into_owned();
        assert_eq!(output.status.code(), Some(78), "{text}");
        assert!(text.contains("databse") && text.contains("colour") && text.contains("services.toml:2:"), "{text}");
        assert!(!folder.path().join("s").exists(), "it listens all the same");
    }
    let usage = Command::new(binary("ubmcd")).arg("--colour").output().expect("ubmcd runs");
    assert_eq!(usage.status.code(), Some(64));
    let unreachable = Command::new(binary("ubmcctl"))
        .args(["--connect", "unix:/nonexistent/s", "platform", "status"])
        .output()
        .expect("ubmcctl runs");
    assert_eq!(unreachable.status.code(), Some(3));
}

#[test]
fn a_second_signal_makes_the_shutdown_an_emergency() {
    let mut ubmcd = Ubmcd::with_services(
        "[services.stubborn]\n[services.stubborn.deployment]\nmode = \"binary\"\n[services.stubborn.deployment.binary]\n\
         binary_path = \"$WORKLOAD\"\nargs = [\"stubborn\"]\n[services.stubborn.startup]\nstop_timeout = 3600\n",
    );
    ubmcd.await_service("stubborn", "running");
    kill(ubmcd.pid(), Signal::SIGTERM).expect("asked");
    eventually("the shutdown waits for it", || ubmcd.log().contains("shutdown begins").then_some(()));
    assert_eq!(ubmcd.shut_down(), Some(0));
}
