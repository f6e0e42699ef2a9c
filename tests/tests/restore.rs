//! What survives the loss of power: the real binaries, killed in the middle of what they do.

use std::fs;

use serde_json::Value;
use ubmc_tests::daemon::{Ubmcd, eventually};

/// A machine's state, once the BMC is ready.
fn state(ubmcd: &Ubmcd, machine: &str) -> Value {
    ubmcd.json(&["machines", "show", machine])["state"].clone()
}

fn await_state(ubmcd: &Ubmcd, machine: &str, wanted: &str) {
    eventually(&format!("{machine} is {wanted}"), || (state(ubmcd, machine) == wanted).then_some(()));
}

/// Waits until the file says so.
fn await_kept(ubmcd: &Ubmcd, words: &str) {
    eventually(&format!("{words} is kept"), || {
        fs::read_to_string(ubmcd.path("state/memory.json")).ok().filter(|text| text.contains(words))
    });
}

fn ready(arguments: &[&str]) -> Ubmcd {
    let mut ubmcd = Ubmcd::idle();
    let board = ubmcd.quiet_board();
    ubmcd.launch(&[&["--board", board.as_str()], arguments].concat());
    await_state(&ubmcd, "bmc", "ready");
    ubmcd
}

#[test]
fn an_operation_that_is_cut_off_is_told_after_the_restart_and_numbers_go_on() {
    let mut ubmcd = ready(&[]);
    assert_eq!(ubmcd.code(&["chassis", "on", "--wait"]), 0);
    let before = ubmcd.json(&["host", "on", "host.0"])["id"].as_str().expect("an id").to_owned();
    await_kept(&ubmcd, &format!("\"{before}\":{{\"kind\":\"host-on\""));
    ubmcd.sigkill();
    ubmcd.relaunch();
    let operation = ubmcd.json(&["operations", "show", &before]);
    assert_eq!((&operation["state"], &operation["kind"]), (&Value::from("failed"), &Value::from("host-on")));
    assert!(operation["reason"].as_str().is_some_and(|why| why.starts_with("interrupted: ")), "{operation}");
    assert_eq!(operation["duration_s"], Value::Null, "it took longer than this daemon knows");
    let events = ubmcd.json(&["events", "list", "--subject", &format!("operation.{before}.interrupted")]);
    assert_eq!(events.as_array().map(Vec::len), Some(1), "{events}");
    // Found before its power came, it is taken back; found after, it goes on. The next request has another number.
    eventually("host.0 rests", || {
        ["off", "running"].iter().find(|wanted| state(&ubmcd, "host.0") == **wanted).copied()
    });
    let next = ubmcd.json(&["host", "on", "host.1", "--wait"])["id"].as_str().expect("an id").to_owned();
    let number = |id: &str| id.trim_start_matches("op-").parse::<u64>().expect("a number");
    assert!(number(&next) > number(&before), "{next} after {before}");
}

#[test]
fn after_ac_loss_hosts_come_back_as_they_were_asked_to_be_and_never_for_a_restart_alone() {
    let mut ubmcd = ready(&[]);
    for host in ["host.0", "host.1"] {
        assert_eq!(ubmcd.json(&["host", "policy", host, "last-state"])["restoration"]["policy"], "last-state");
    }
    assert_eq!(ubmcd.code(&["chassis", "on", "--wait"]), 0);
    assert_eq!(ubmcd.code(&["host", "on", "host.0", "--wait"]), 0);
    // The daemon alone: nothing is touched.
    await_kept(&ubmcd, "\"requested\":\"on\"");
    ubmcd.sigkill();
    ubmcd.relaunch();
    await_state(&ubmcd, "bmc", "ready");
    assert_eq!((state(&ubmcd, "host.0"), state(&ubmcd, "host.1")), ("running".into(), "off".into()));
    // Both feeds are lost, and the BMC with them.
    assert_eq!(ubmcd.code(&["sim", "fault", "inject", "ac-loss", "all"]), 0);
    await_state(&ubmcd, "chassis", "off");
    ubmcd.sigkill();
    ubmcd.relaunch();
    await_state(&ubmcd, "bmc", "ready");
    eventually("it waits for power", || {
        let held = ubmcd.json(&["host", "status", "host.0"])["restoration"]["restoring"] == true;
        held.then_some(())
    });
    assert_eq!(ubmcd.code(&["sim", "fault", "clear"]), 0);
    await_state(&ubmcd, "host.0", "running");
    assert_eq!(state(&ubmcd, "host.1"), "off", "nobody had asked for it");
    let operations = ubmcd.json(&["operations", "list"]);
    let by_policy = |one: &&Value| one["requested_by"] == "policy restore";
    let targets: Vec<_> =
        operations.as_array().into_iter().flatten().filter(by_policy).map(|one| one["target"].clone()).collect();
    assert_eq!(targets, ["chassis", "host.0"]);
}

#[test]
fn a_request_for_later_survives_and_is_done_at_the_next_start() {
    let mut ubmcd = ready(&[]);
    assert_eq!(ubmcd.code(&["chassis", "on", "--at", "2020-01-01T00:00:00Z"]), 2, "it has passed");
    let id = ubmcd.json(&["chassis", "on", "--at", "+2s"])["id"].as_str().expect("an id").to_owned();
    let other = ubmcd.json(&["chassis", "off", "--at", "+1h"])["id"].as_str().expect("an id").to_owned();
    await_kept(&ubmcd, &format!("\"{other}\""));
    ubmcd.sigkill();
    ubmcd.relaunch();
    await_state(&ubmcd, "chassis", "on");
    let left = ubmcd.json(&["schedule", "list"]);
    assert_eq!(left.as_array().map(Vec::len), Some(1), "{left}");
    assert_eq!((&left[0]["id"], &left[0]["request"]), (&Value::from(other.as_str()), &Value::from("off")));
    assert_ne!(id, other);
    assert_eq!(ubmcd.code(&["schedule", "cancel", &other]), 0);
    assert_eq!(ubmcd.json(&["schedule", "list"]), Value::Array(Vec::new()));
    assert_eq!(ubmcd.code(&["schedule", "cancel", &other]), 5);
}

#[test]
fn a_reboot_of_the_bmc_leaves_the_hosts_on_and_is_done_when_it_is_up_again() {
    let ubmcd = ready(&[]);
    assert_eq!(ubmcd.code(&["chassis", "on", "--wait"]), 0);
    assert_eq!(ubmcd.code(&["host", "on", "host.0", "--wait"]), 0);
    let reboot = ubmcd.json(&["bmc", "reboot", "--wait", "--reason", "a new kernel"]);
    assert_eq!((&reboot["state"], &reboot["kind"]), (&Value::from("succeeded"), &Value::from("bmc-reboot")));
    assert_eq!(reboot["request_reason"], "a new kernel");
    await_state(&ubmcd, "bmc", "ready");
    assert_eq!((state(&ubmcd, "chassis"), state(&ubmcd, "host.0")), ("on".into(), "running".into()));
    let powered = ubmcd.json(&["events", "list", "--subject", "state.host.0.transition"]);
    assert_eq!(powered.as_array().map(Vec::len), Some(0), "nothing was driven, nothing moved: {powered}");
}

#[test]
fn a_bmc_that_is_not_rebooted_gets_its_management_back_and_the_operation_says_so() {
    let mut ubmcd = Ubmcd::idle();
    let (board, mark) = (ubmcd.quiet_board(), ubmcd.path("tried"));
    let text = fs::read_to_string(&board).expect("the board");
    let policy = format!("[policy]\nreboot_command = [\"sh\", \"-c\", \"touch {}; exit 3\"]\n", mark.display());
    assert!(text.contains("[policy]\n"), "the board has a policy");
    fs::write(&board, text.replace("[policy]\n", &policy)).expect("the board is written");
    ubmcd.launch(&["--board", &board]);
    await_state(&ubmcd, "bmc", "ready");
    assert_eq!(ubmcd.code(&["chassis", "on", "--wait"]), 0);
    assert_eq!(ubmcd.code(&["bmc", "reboot", "--wait"]), 1);
    assert!(mark.exists(), "the command ran");
    let operations = ubmcd.json(&["operations", "list"]);
    let reboot = operations.as_array().into_iter().flatten().find(|one| one["kind"] == "bmc-reboot").expect("there");
    assert!(reboot["reason"].as_str().is_some_and(|why| why.contains("the BMC was not rebooted")), "{reboot}");
    assert_eq!(state(&ubmcd, "chassis"), "on");
    assert!(ubmcd.log().contains("ended with exit status: 3"), "{}", ubmcd.log());
}
