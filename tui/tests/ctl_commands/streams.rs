//! Watches: they survive the daemon, and end with their reader, their time, or Ctrl-C.

use crate::{
    BOUND, Running,
    fake::{Asked, Fake, Life},
    run,
};

/// The numbers and texts of the next so many lines.
fn events(tail: &mut Running, count: usize) -> Vec<(u64, String)> {
    (0..count)
        .map(|_| {
            let event: serde_json::Value = serde_json::from_str(&tail.line()).unwrap();
            (event["seq"].as_u64().unwrap(), event["text"].as_str().unwrap().to_owned())
        })
        .collect()
}

fn life(boot_id: &'static str, last_seq: u64, expired: u64) -> Life {
    Life { boot_id, last_seq, expired, op_ends: false }
}

fn event(boot_id: &str, seq: u64) -> (u64, String) {
    (seq, format!("{boot_id} event {seq}"))
}

#[test]
fn a_tail_resumes_where_it_was_and_begins_anew_with_a_new_life_of_the_daemon() {
    let (fake, _directory, socket) = Fake::new();
    let mut tail = Running::start(&socket, "events tail --since 1 --output jsonl");
    assert_eq!(events(&mut tail, 2), [event("boot-1", 2), event("boot-1", 3)]);

    drop(fake);
    let fake = Fake::on(&socket, life("boot-1", 4, 0));
    assert_eq!(events(&mut tail, 1), [event("boot-1", 4)]);

    // The same life, but what happened meanwhile can no longer be had.
    drop(fake);
    let fake = Fake::on(&socket, life("boot-1", 9, 8));
    assert_eq!(events(&mut tail, 2), [(8, "events 5–8 have expired".to_owned()), event("boot-1", 9)]);

    // A new life counts anew: one that is ahead of our number, and one that has not come to it.
    drop(fake);
    let fake = Fake::on(&socket, life("boot-2", 12, 10));
    let restarted = tail.line();
    let mark: serde_json::Value = serde_json::from_str(&restarted).unwrap();
    assert_eq!(mark["restarted"], serde_json::json!({"boot_id": "boot-2", "last_seen": 9}));
    assert_eq!((&mark["seq"], &mark["subject"]), (&9.into(), &"journal.restarted".into()));
    assert_eq!(
        events(&mut tail, 3),
        [(10, "events 1–10 have expired".to_owned()), event("boot-2", 11), event("boot-2", 12)]
    );
    drop(fake);
    let _fake = Fake::on(&socket, life("boot-3", 1, 0));
    assert!(tail.line().contains("journal.restarted"));
    assert_eq!(events(&mut tail, 1), [event("boot-3", 1)]);

    tail.interrupt();
    let ended = tail.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(0), ""));
    for text in ["looking for ubmcd", "connected again after", "; ubmcd was restarted"] {
        assert!(ended.stderr.contains(text), "{text:?} is not in:\n{}", ended.stderr);
    }
}

#[test]
fn a_number_that_is_yet_to_come_is_no_place_to_begin() {
    let (_fake, _directory, socket) = Fake::new();
    for line in ["events tail --since 9999", "events list --since 9999"] {
        let ended = run(&socket, line);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{line}");
        assert!(ended.stderr.contains("event 9999 has not happened: the newest is 3"), "{line}: {}", ended.stderr);
    }
    assert_eq!(run(&socket, "events list --since 3").code, Some(0));
}

#[test]
fn followed_logs_resume_without_repeating_a_line() {
    let (fake, _directory, socket) = Fake::new();
    let mut logs = Running::start(&socket, "services logs web --lines 2 --follow");
    let lines = |logs: &mut Running, count: usize| -> Vec<_> {
        (0..count).map(|_| logs.line().split_once("| ").unwrap().1.to_owned()).collect()
    };
    assert_eq!(lines(&mut logs, 2), ["boot-1 line 2", "boot-1 line 3"]);
    drop(fake);
    let fake = Fake::on(&socket, life("boot-1", 5, 0));
    assert_eq!(lines(&mut logs, 2), ["boot-1 line 4", "boot-1 line 5"]);
    drop(fake);
    let fake = Fake::on(&socket, life("boot-2", 1, 0));
    assert_eq!(lines(&mut logs, 1), ["boot-2 line 1"]);
    // Meanwhile more was written than is kept.
    drop(fake);
    let _fake = Fake::on(&socket, life("boot-2", 7, 4));
    assert_eq!(logs.line().trim(), "web ? 3 lines are lost");
    assert_eq!(lines(&mut logs, 1), ["boot-2 line 5"]);
    logs.interrupt();
    let ended = logs.end();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("was not shown yet is lost"), "{}", ended.stderr);
}

#[test]
fn a_watch_of_services_goes_on_with_the_next_daemon_and_tells_what_differs() {
    let (fake, _directory, socket) = Fake::new();
    let mut watch = Running::start(&socket, "services watch --output jsonl");
    let name = |line: String| serde_json::from_str::<serde_json::Value>(&line).unwrap()["name"].clone();
    assert_eq!((name(watch.line()), name(watch.line())), ("db".into(), "web".into()));
    drop(fake);
    // In its new life there is one service less.
    let _fake = Fake::on(&socket, life("boot-2", 1, 0));
    assert_eq!(watch.line(), r#"{"name":"web","removed":true}"#);
    watch.interrupt();
    let ended = watch.end();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("ubmcd was restarted: this is a new life of it"), "{}", ended.stderr);
}

#[test]
fn a_monitor_goes_on_with_the_next_daemon() {
    let (fake, _directory, socket) = Fake::new();
    let mut monitor = Running::start(&socket, "services monitor web --interval 50ms");
    assert!(monitor.line().contains("web running, healthy"));
    drop(fake);
    let fake = Fake::on(&socket, life("boot-2", 3, 0));
    // What the pipe still holds of the first life comes first.
    while !monitor.line().contains("boot-2") {}
    monitor.interrupt();
    let ended = monitor.end();
    assert_eq!(ended.code, Some(0));
    assert!(ended.stderr.contains("ubmcd was restarted: this is a new life of it"), "{}", ended.stderr);
    drop(fake);
}

#[test]
fn ctrl_c_ends_a_watch_well_while_it_looks_for_the_daemon() {
    let (fake, _directory, socket) = Fake::new();
    let mut tail = Running::start(&socket, "events tail --since 2");
    assert!(tail.line().ends_with("boot-1 event 3"));
    drop(fake);
    tail.interrupt();
    assert_eq!(tail.end().code, Some(0));
}

#[test]
fn every_watch_ends_quietly_with_its_reader() {
    let (_fake, _directory, socket) = Fake::new();
    for line in ["services watch", "services logs web --follow", "platform logs web -f", "services monitor web"] {
        let mut watch = Running::start(&socket, line);
        watch.line();
        watch.close_stdout();
        let ended = watch.end();
        assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn a_watch_ends_well_when_its_time_is_over() {
    let (_fake, _directory, socket) = Fake::new();
    let ended = run(&socket, "events tail --since 0 --timeout 0.5");
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
    assert_eq!(ended.stdout.lines().count(), 3, "{}", ended.stdout);
}

#[test]
fn a_first_connection_that_never_stood_is_not_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    assert_eq!(run(&directory.path().join("none.sock"), "events tail").code, Some(3));
}

#[test]
fn a_quiet_tail_ends_quietly_with_its_reader() {
    let (_fake, _directory, socket) = Fake::new();
    let mut tail = Running::start(&socket, "events tail --since 2");
    assert!(tail.line().ends_with("boot-1 event 3"));
    tail.close_stdout();
    let ended = tail.end();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(0), ""));
}

#[test]
fn a_wait_that_is_interrupted_says_that_the_operation_goes_on() {
    let (fake, _directory, socket) = Fake::new();
    let wait = Running::start(&socket, "host off host.0 --wait");
    while fake.asked.recv_timeout(BOUND).unwrap() != Asked::WatchOperation("op-never-ends".to_owned()) {}
    wait.interrupt();
    let ended = wait.end();
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(130), ""));
    assert!(ended.stderr.contains("op-never-ends goes on without this command; follow it with"), "{}", ended.stderr);
}

#[test]
fn a_shutdown_without_a_terminal_waits_quietly_for_the_end_of_ubmcd() {
    let (fake, _directory, socket) = Fake::new();
    let wait = Running::start(&socket, "platform shutdown --wait");
    while fake.asked.recv_timeout(BOUND).unwrap() != (Asked::Shutdown { emergency: false }) {}
    drop(fake);
    let ended = wait.end();
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.as_str()), (Some(0), "", ""));
}

#[test]
fn a_shutdown_that_takes_too_long_names_who_holds_it_up() {
    let (_fake, _directory, socket) = Fake::new();
    let ended = run(&socket, "platform shutdown --emergency --wait --timeout 0.3");
    assert_eq!((ended.code, ended.stdout.as_str()), (Some(6), ""));
    let text = "ubmcd has not ended within 300ms; it goes on: web ignores TERM (for 3m 12s)";
    assert!(ended.stderr.contains(text), "{}", ended.stderr);
}

#[test]
fn a_wait_survives_the_loss_of_the_connection() {
    let (fake, _directory, socket) = Fake::new();
    let wait = Running::start(&socket, "host off host.0 --wait");
    while fake.asked.recv_timeout(BOUND).unwrap() != Asked::WatchOperation("op-never-ends".to_owned()) {}
    drop(fake);
    let _fake = Fake::on(&socket, Life { op_ends: true, ..life("boot-1", 3, 0) });
    let ended = wait.end();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(ended.stdout, "host.0 on: succeeded after 500ms (op-never-ends)\n");
}

#[test]
fn an_interrupted_watch_of_an_operation_ends_well() {
    let (_fake, _directory, socket) = Fake::new();
    let mut watch = Running::start(&socket, "operations watch op-never-ends");
    assert!(watch.line().starts_with("op-never-ends host.0 on: running"));
    watch.interrupt();
    assert_eq!(watch.end().code, Some(0));
}
